"""HDBSCAN on 5,000 and 50,000 x 512 and on 50,000 x 2: fast_hdbscan for the time, scikit-learn for the labels.

Above 30 dimensions fast_hdbscan joins the graph of approximate neighbours and is not exact, so it stands beside both of
ours: the exact one, and the one that is asked for approximate neighbours. The row's text says how far labels agree with the
exact ones.
"""

import os
import subprocess
import sys
import tempfile

import clustering
import numpy as np

# scikit-learn sorts equal distances in whatever order numpy's sort leaves them, which depends on the processor's vectors.
OTHER_SORT = """
import sys, numpy as np
from sklearn.cluster import HDBSCAN
x = np.load(sys.argv[1])
np.save(sys.argv[2], HDBSCAN(min_cluster_size=int(sys.argv[3]), copy=True).fit_predict(x))
"""


def run(bench):
    import fast_hdbscan
    import hdbscan
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics import adjusted_rand_score

    def compare(x, size, slow, repeat):
        # The other two do not count the point itself among its neighbours; scikit-learn and ours do.
        fast = bench.timed(lambda: fast_hdbscan.HDBSCAN(min_cluster_size=size, min_samples=size - 1).fit_predict(x))
        # Compiled at the first call, which is not what is compared here.
        fast()
        with tempfile.TemporaryDirectory() as folder:
            program = clustering.Ours(bench.examples / "clustering", x, folder, "hdbscan", size)

            nearly = clustering.Ours(bench.examples / "clustering", x, folder, "hdbscan", size, "approximate")

            def timed(program):
                def run():
                    found = program.run()
                    return found["seconds"], found["labels"]

                return run

            both = {"ours": timed(program), "approximate": timed(nearly), "fast_hdbscan": fast}
            best = bench.alternate(both, rounds=repeat)
        best |= bench.alternate(slow(x, size), rounds=1) if slow else {}
        seconds, labels = best.pop("ours")
        sooner, near_labels = best.pop("approximate")
        name = f"HDBSCAN {len(x)} x {x.shape[1]}"
        for peer, (theirs, other) in best.items():
            quality = f"labels agree: ARI {adjusted_rand_score(labels, other):.4f}"
            if peer == "scikit-learn":
                quality += f"; scikit-learn with itself, numpy's sort without AVX-512: {self_agreement(x, size, other):.4f}"
            bench.row(name, peer, theirs, seconds, quality)
            if peer == "fast_hdbscan" and x.shape[1] > 30:
                ours_ari, its_ari = adjusted_rand_score(labels, near_labels), adjusted_rand_score(labels, other)
                quality = f"ARI with the exact labels: {ours_ari:.4f} against {its_ari:.4f}"
                bench.row(f"{name}, approximate neighbours", peer, theirs, sooner, quality)

    def self_agreement(x, size, labels):
        with tempfile.TemporaryDirectory() as folder:
            rows, out = f"{folder}/x.npy", f"{folder}/labels.npy"
            np.save(rows, x)
            limits = {**os.environ, "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR AVX512_SKX AVX512F"}
            subprocess.run([sys.executable, "-W", "ignore", "-c", OTHER_SORT, rows, out, str(size)], check=True, env=limits)
            return adjusted_rand_score(labels, np.load(out))

    def exact(x, size):
        return {
            "hdbscan": bench.timed(
                lambda: hdbscan.HDBSCAN(
                    min_cluster_size=size, min_samples=size - 1, core_dist_n_jobs=bench.threads
                ).fit_predict(x)
            ),
            "scikit-learn": bench.timed(
                lambda: HDBSCAN(min_cluster_size=size, n_jobs=bench.threads, copy=True).fit_predict(x)
            ),
        }

    compare(clustering.mixture(1_000 if bench.quick else 5_000, 512, 50, 2), 10, exact, bench.rounds)
    if not bench.quick:
        compare(clustering.mixture(50_000, 512, 50, 2), 10, None, 2)
    flat = clustering.mixture(2_000 if bench.quick else 50_000, 64, 40, 3) @ np.random.default_rng(4).normal(size=(64, 2))
    compare(flat.astype("f4"), 25, None, bench.rounds)
