"""The silhouette of 50,000 vectors of 512 dimensions in 100 clusters, beside scikit-learn's, on the same arrays and labels."""

import json
import subprocess

import numpy as np


def run(bench):
    from sklearn.metrics import silhouette_score

    n = 5_000 if bench.quick else 50_000
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(100, 512)).astype("f4")
    labels = rng.choice(100, size=n, p=rng.dirichlet(np.full(100, 2.0))).astype("<i4")
    labels = np.unique(labels, return_inverse=True)[1].astype("<i4")
    x = (centres[labels] + 1.5 * rng.normal(size=(n, 512))).astype("f4")
    path = bench.work / "silhouette.f32"
    x.tofile(path)
    labels.tofile(f"{path}.labels")

    def ours():
        command = [bench.examples / "judging", "silhouette", path, n, 512]
        found = json.loads(subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout)
        return found["seconds"], found["silhouette"]

    sides = {"scikit-learn": bench.timed(lambda: silhouette_score(x, labels)), "Messier": ours}
    best = bench.alternate(sides, rounds=1)
    (theirs, value), (mine, found) = best["scikit-learn"], best["Messier"]
    bench.row(f"silhouette {n:,} x 512, 100 clusters", "scikit-learn", theirs, mine, f"{found:.6f} against {value:.6f}")
