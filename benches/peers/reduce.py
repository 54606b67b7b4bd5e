"""PCA, UMAP and the silhouette beside scikit-learn and umap-learn, on the same arrays, in turn, in one run.

    pip install numpy scikit-learn umap-learn
    cargo build --release -p messier-engine --example reduce_timings
    python benches/peers/reduce.py [--program target/release/examples/reduce_timings] [--repeat 3] [task ...]

Both sides get two threads and a fixed seed; umap-learn runs once more without a seed, since a seed leaves it one
thread. Each repetition runs ours, then the peer; the least time of each side counts, wall and CPU. The peer is warmed
once, so that compiling is not counted.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "2"
warnings.filterwarnings("ignore")

import numpy as np


def mixture(n, d, clusters, seed):
    """Uneven Gaussians of local dimension 24 on the unit sphere with a shared mean, and 10 % background."""
    rng = np.random.default_rng(seed)
    which = rng.choice(clusters, size=n, p=rng.dirichlet(np.full(clusters, 2.0)))
    shared = rng.normal(size=d)
    shared /= np.linalg.norm(shared)
    centres = rng.normal(size=(clusters, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    x = np.empty((n, d))
    for c in range(clusters):
        rows = np.flatnonzero(which == c)
        basis = 0.45 * rng.normal(size=(24, d)) / np.sqrt(d)
        along = rng.normal(size=(len(rows), 24)) * np.linspace(1, 0.2, 24)
        x[rows] = shared + centres[c] + along @ basis + 0.02 * rng.normal(size=(len(rows), d))
    background = np.flatnonzero(rng.random(n) < 0.1)
    x[background] = shared + 1.2 * rng.normal(size=(len(background), d)) / np.sqrt(d)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32), which.astype(np.int32)


def cpu(who):
    use = resource.getrusage(who)
    return use.ru_utime + use.ru_stime


def ours(program, task, folder, *more):
    before = cpu(resource.RUSAGE_CHILDREN)
    command = [program, task, folder / "x.npy", folder / "out.npy", "2", "1", *more]
    out = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    found = json.loads(out.stdout)
    return min(found["seconds"]), cpu(resource.RUSAGE_CHILDREN) - before, found


def theirs(work):
    before, began = cpu(resource.RUSAGE_SELF), time.perf_counter()
    result = work()
    return time.perf_counter() - began, cpu(resource.RUSAGE_SELF) - before, result


def compare(name, run, peers, repeat, quality):
    """Prints one line for each peer: least wall and CPU seconds of both sides, their ratios and what they reached."""
    for peer, work in peers.items():
        work()
        mine, other = [], []
        for _ in range(repeat):
            mine.append(run())
            other.append(theirs(work))
        wall = min(m[0] for m in mine), min(t[0] for t in other)
        busy = min(m[1] for m in mine), min(t[1] for t in other)
        line = {
            "task": name, "peer": peer,
            "seconds": [round(v, 3) for v in wall], "faster": round(wall[1] / wall[0], 2),
            "cpu_seconds": [round(v, 3) for v in busy], "less_cpu": round(busy[1] / busy[0], 2),
            "quality": quality(mine[-1][2], other[-1][2]),
        }
        print(json.dumps(line), flush=True)


def umap_task(program, folder, n, repeat):
    import umap
    from sklearn.manifold import trustworthiness

    x, _ = mixture(n, 512, 50, 1)
    np.save(folder / "x.npy", x)
    judged = slice(0, 6000)

    def quality(_, points):
        own = np.load(folder / "out.npy")
        both = [trustworthiness(x[judged], y[judged], n_neighbors=15) for y in (own, points)]
        return {"trustworthiness": [round(float(v), 4) for v in both]}

    compare(
        f"umap {n} x 512",
        lambda: ours(program, "umap", folder),
        {
            "umap-learn": lambda: umap.UMAP().fit_transform(x),
            "umap-learn, seeded": lambda: umap.UMAP(random_state=1).fit_transform(x),
        },
        repeat, quality,
    )


def pca_task(program, folder, n, repeat):
    from sklearn.decomposition import PCA

    x, _ = mixture(n, 512, 50, 1)
    np.save(folder / "x.npy", x)

    def quality(found, model):
        return {"explained": [round(dict(found["scores"])["explained_variance_ratio"], 6),
                              round(float(model.explained_variance_ratio_.sum()), 6)]}

    def work():
        model = PCA(50, svd_solver="covariance_eigh")
        model.fit_transform(x)
        return model

    compare(f"pca {n} x 512 to 50", lambda: ours(program, "pca", folder, "n_components=50"),
            {"scikit-learn covariance_eigh": work}, repeat, quality)


def silhouette_task(program, folder, n, repeat):
    from sklearn.metrics import silhouette_score

    x, labels = mixture(n, 512, 50, 1)
    np.save(folder / "x.npy", x)
    np.save(folder / "labels.npy", labels)

    def quality(found, value):
        return {"silhouette": [round(dict(found["scores"])["silhouette"], 6), round(float(value), 6)]}

    compare(f"silhouette {n} x 512", lambda: ours(program, "silhouette", folder, folder / "labels.npy"),
            {"scikit-learn": lambda: silhouette_score(x, labels)}, repeat, quality)


TASKS = {
    "umap": lambda *a: umap_task(*a[:2], 5_000, a[2]),
    "umap50k": lambda *a: umap_task(*a[:2], 50_000, a[2]),
    "pca": lambda *a: pca_task(*a[:2], 50_000, a[2]),
    "silhouette": lambda *a: silhouette_task(*a[:2], 5_000, a[2]),
    "silhouette20k": lambda *a: silhouette_task(*a[:2], 20_000, a[2]),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="target/release/examples/reduce_timings")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("tasks", nargs="*", default=["umap", "pca", "silhouette"], metavar="task",
                        help=", ".join(TASKS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for task in arguments.tasks:
            TASKS[task](arguments.program, pathlib.Path(place), arguments.repeat)
