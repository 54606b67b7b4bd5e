"""UMAP to two dimensions, 5,000 x 512, against umap-learn once it is compiled; judged by trustworthiness at 15 neighbours."""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def run(bench):
    import umap
    from sklearn.manifold import trustworthiness

    rows = 1_000 if bench.quick else 5_000
    x, _ = reduce.mixture(rows, 512, 50, 1)
    umap.UMAP().fit_transform(x[:500])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)

        def ours():
            seconds, _, _ = reduce.ours(bench.examples / "reduce_timings", "umap", folder)
            return seconds, np.load(folder / "out.npy")

        best = bench.alternate({"ours": ours, "umap-learn": bench.timed(lambda: umap.UMAP().fit_transform(x))})
    trust = {name: trustworthiness(x, points, n_neighbors=15) for name, (_, points) in best.items()}
    quality = f"trustworthiness {trust['ours']:.4f} against {trust['umap-learn']:.4f}"
    bench.row(f"UMAP {rows} x {x.shape[1]} to 2", "umap-learn", best["umap-learn"][0], best["ours"][0], quality)
