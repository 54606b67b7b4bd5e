"""PCA to 50 dimensions, 512 columns, against scikit-learn's covariance solver, its fastest here; judged by explained variance."""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def run(bench):
    for rows in [5_000] if bench.quick else [50_000, 200_000]:
        one(bench, rows)


def one(bench, rows, k=50):
    from sklearn.decomposition import PCA

    x, _ = reduce.mixture(rows, 512, 50, 1)

    def peer():
        model = PCA(k, svd_solver="covariance_eigh")
        return model.fit_transform(x), model.explained_variance_ratio_.sum()

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)
        sides = {"ours": lambda: reduce.ours(bench, "pca", folder, f"n_components={k}"), "scikit-learn": bench.timed(peer)}
        best = bench.alternate(sides)
    (seconds, (scores, own)), (theirs, (other, ratio)) = best["ours"], best["scikit-learn"]
    # Components may point either way.
    turned = other * np.sign((own * other).sum(axis=0))
    apart = np.abs(own - turned).max() / np.abs(other).max()
    quality = f"explained {scores['explained_variance_ratio']:.6f} against {ratio:.6f}, points apart by {apart:.0e} at most"
    bench.row(f"PCA {rows} x {x.shape[1]} to {k}", "scikit-learn covariance_eigh", theirs, seconds, quality)
