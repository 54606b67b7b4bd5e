"""t-SNE to two dimensions, 512 columns, against openTSNE with as many rounds; judged by the divergence each reports."""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def run(bench):
    sizes = [1_000] if bench.quick else [5_000]
    for rows in sizes:
        one(bench, rows)


def one(bench, rows):
    from openTSNE import TSNE
    from sklearn.manifold import trustworthiness

    x, _ = reduce.mixture(rows, 512, 50, 1)
    # openTSNE's own rounds: 250 exaggerated, 500 not.
    TSNE(n_jobs=bench.threads, n_iter=1, early_exaggeration_iter=1).fit(x[:500])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)

        def ours():
            seconds, _, found = reduce.ours(bench.examples / "reduce_timings", "tsne", folder, "max_iter=750")
            return seconds, (dict(found["scores"])["kl_divergence"], np.load(folder / "out.npy"))

        def peer():
            points = TSNE(n_jobs=bench.threads, random_state=1).fit(x)
            return points.kl_divergence, np.asarray(points)

        best = bench.alternate({"ours": ours, "openTSNE": bench.timed(peer)}, 1 if rows > 10_000 else None)
    judged = slice(0, 5_000)
    trust = {name: trustworthiness(x[judged], points[judged], n_neighbors=15) for name, (_, (_, points)) in best.items()}
    kl = {name: divergence for name, (_, (divergence, _)) in best.items()}
    quality = f"KL {kl['ours']:.4f} against {kl['openTSNE']:.4f}, trustworthiness {trust['ours']:.4f} against {trust['openTSNE']:.4f}"
    bench.row(f"t-SNE {rows} x {x.shape[1]} to 2", "openTSNE", best["openTSNE"][0], best["ours"][0], quality)
