"""t-SNE to two dimensions, 512 columns, against openTSNE with as many rounds; judged by one divergence for both.

Each side reports a divergence from its own affinities, which rest on its own neighbours. Here both maps are compared
with the affinities of the true neighbours, and with the normalisation summed over all pairs.
"""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def divergence(graph, points):
    """KL(P || Q) of a map, P sparse and 1 in all, Q over all pairs."""
    points = np.asarray(points, dtype=np.float64)
    pairs = 0.0
    for first in range(0, len(points), 1_000):
        gaps = points[first:first + 1_000, None, :] - points[None, :, :]
        pairs += (1 / (1 + (gaps**2).sum(-1))).sum()
    pairs -= len(points)
    graph = graph.tocoo()
    near = 1 / (1 + ((points[graph.row] - points[graph.col])**2).sum(-1))
    return float((graph.data * np.log(graph.data * pairs / near)).sum())


def run(bench):
    sizes = [1_000] if bench.quick else [5_000]
    for rows in sizes:
        one(bench, rows)


def one(bench, rows):
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
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
    graph = PerplexityBasedNN(x, perplexity=30, method="exact", n_jobs=bench.threads).P
    kl = {name: divergence(graph, points) for name, (_, (_, points)) in best.items()}
    quality = f"KL {kl['ours']:.4f} against {kl['openTSNE']:.4f}, trustworthiness {trust['ours']:.4f} against {trust['openTSNE']:.4f}"
    bench.row(f"t-SNE {rows} x {x.shape[1]} to 2", "openTSNE", best["openTSNE"][0], best["ours"][0], quality)
