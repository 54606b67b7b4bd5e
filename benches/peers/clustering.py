"""k-means and HDBSCAN beside scikit-learn and fast_hdbscan, on the same arrays, in turn, in one run.

    pip install numpy scikit-learn fast_hdbscan threadpoolctl
    cargo build --release -p messier-benches --example clustering
    python benches/peers/clustering.py [--program target/release/examples/clustering] [--repeat 3] [task ...]

Both sides get two threads. Each repetition runs ours, then the peer; the least time of each side counts, wall and CPU.
Data: a mixture of uneven Gaussians of local dimension 24 on the unit sphere in 512 dimensions with a shared mean and
10 % background, fixed seed.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = "2"

import numpy as np
from sklearn.metrics import adjusted_rand_score


def mixture(n, d, clusters, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(clusters, 2.0))
    which = rng.choice(clusters, size=n, p=weights)
    centers = rng.normal(size=(clusters, d))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    x = np.empty((n, d), "f4")
    for c in range(clusters):
        rows = np.flatnonzero(which == c)
        local = rng.normal(size=(min(24, d), d)) / np.sqrt(d)
        x[rows] = centers[c] + 0.15 * rng.normal(size=(len(rows), len(local))) @ local
    background = rng.random(n) < 0.1
    x[background] = rng.normal(size=(background.sum(), d)) / np.sqrt(d)
    x += 0.1 * rng.normal(size=(n, d)).astype("f4") / np.sqrt(d)
    x += 1.2 * rng.normal(size=d) / np.sqrt(d)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("f4")


def cpu():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in (own, children))


class Ours:
    def __init__(self, program, x, folder, task, *more):
        path = pathlib.Path(folder) / "rows.f32"
        x.tofile(path)
        self.command = [program, task, path, *x.shape, *more]
        self.labels = pathlib.Path(f"{path}.labels")

    def run(self):
        out = subprocess.run([str(part) for part in self.command], check=True, capture_output=True, text=True).stdout
        found = json.loads(out)
        found["labels"] = np.fromfile(self.labels, "<i4")
        return found


def compare(name, ours, peer, peer_name, repeat):
    """Runs both in turn; `peer` returns (labels, value) and is warmed once."""
    peer()
    wall, processor, theirs_wall, theirs_cpu = [], [], [], []
    for _ in range(repeat):
        before = cpu()
        found = ours.run()
        wall.append(found["seconds"])
        processor.append(cpu() - before)
        before, began = cpu(), time.perf_counter()
        labels, value = peer()
        theirs_wall.append(time.perf_counter() - began)
        theirs_cpu.append(cpu() - before)
    row = {
        "task": name, "peer": peer_name, "isa": found["isa"],
        "ours_s": min(wall), "peer_s": min(theirs_wall), "times_faster": min(theirs_wall) / min(wall),
        "ours_cpu_s": min(processor), "peer_cpu_s": min(theirs_cpu), "times_less_cpu": min(theirs_cpu) / min(processor),
        "ari": adjusted_rand_score(labels, found["labels"]),
    }
    if "inertia" in found:
        row["inertia_ratio"] = found["inertia"] / value
    print(json.dumps({key: round(v, 6) if isinstance(v, float) else v for key, v in row.items()}), flush=True)
    print("   steps", found["steps"], flush=True)


def kmeans(args, folder, n=50_000, k=100, rounds=25, start="kmeans"):
    from sklearn.cluster import KMeans

    x = mixture(n, 512, 100, 1)

    def peer():
        init = x[:k] if start == "kmeans" else "k-means++"
        fit = KMeans(k, init=init, n_init=1, max_iter=rounds, tol=0, random_state=0).fit(x)
        return fit.labels_, fit.inertia_

    compare(f"{start} {n} x 512, k={k}, {rounds} rounds", Ours(args.program, x, folder, start, k, rounds), peer, "scikit-learn", args.repeat)


def hdbscan(args, folder, n=5_000, d=512, size=10, check=False):
    import fast_hdbscan

    x = mixture(n, d, 50, 2) if d > 16 else (mixture(n, 64, 40, 3) @ np.random.default_rng(4).normal(size=(64, d))).astype("f4")
    ours = Ours(args.program, x, folder, "hdbscan", size)

    def peer():
        fit = fast_hdbscan.HDBSCAN(min_cluster_size=size, min_samples=size - 1).fit(x)
        return fit.labels_, None

    compare(f"HDBSCAN {n} x {d}, min_cluster_size={size}", ours, peer, "fast_hdbscan", args.repeat)
    if check:
        from sklearn.cluster import HDBSCAN

        def reference(order):
            labels = HDBSCAN(min_cluster_size=size, copy=True, algorithm="brute").fit_predict(x[order].astype("f8"))
            return labels[np.argsort(order)]

        labels, found = reference(np.arange(n)), ours.run()["labels"]
        again = reference(np.random.default_rng(5).permutation(n))
        # Equal core distances leave a choice of trees, which scikit-learn makes by the order of the rows.
        print("   ARI of ours with scikit-learn", round(adjusted_rand_score(labels, found), 5),
              "and of scikit-learn with itself, rows permuted", round(adjusted_rand_score(labels, again), 5), flush=True)


TASKS = {
    "kmeans": kmeans,
    "kmeans++": lambda args, folder: kmeans(args, folder, start="kmeans++"),
    "kmeans-1000": lambda args, folder: kmeans(args, folder, k=1000),
    "hdbscan": lambda args, folder: hdbscan(args, folder, check=True),
    "hdbscan-50k": lambda args, folder: hdbscan(args, folder, n=50_000),
    "hdbscan-2d": lambda args, folder: hdbscan(args, folder, n=50_000, d=2, size=25),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/examples/clustering")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("tasks", nargs="*", default=["kmeans", "hdbscan"], help=f"of {', '.join(TASKS)}")
    args = parser.parse_args()
    for task in args.tasks:
        with tempfile.TemporaryDirectory() as folder:
            TASKS[task](args, folder)
