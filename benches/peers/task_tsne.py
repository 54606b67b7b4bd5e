"""t-SNE to two dimensions, 512 columns, against openTSNE with as many rounds; judged by one divergence for both.

Each side reports a divergence from its own affinities, which rest on its own neighbours. Here both maps are compared
with the affinities of the true neighbours, and with the normalisation summed over all pairs.
"""

import tempfile
from pathlib import Path

import numba
import numpy as np
import reduce


@numba.njit(parallel=True, fastmath=True)
def pairs(points):
    """The sum of 1 / (1 + distance²) over all ordered pairs."""
    sums = np.zeros(len(points))
    for i in numba.prange(len(points)):
        x, y = points[i]
        sum = 0.0
        for j in range(len(points)):
            sum += 1 / (1 + (points[j, 0] - x) ** 2 + (points[j, 1] - y) ** 2)
        sums[i] = sum - 1
    return sums.sum()


def divergence(graph, points):
    """KL(P || Q) of a map, P sparse and 1 in all, Q over all pairs."""
    points = np.ascontiguousarray(points, dtype=np.float64)
    graph = graph.tocoo()
    near = 1 / (1 + ((points[graph.row] - points[graph.col]) ** 2).sum(-1))
    return float((graph.data * np.log(graph.data * pairs(points) / near)).sum())


def run(bench):
    for rows in [1_000] if bench.quick else [5_000, 50_000]:
        one(bench, rows)


def one(bench, rows):
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN

    x, _ = reduce.mixture(rows, 512, 50, 1)
    big = rows > 10_000
    # openTSNE's own rounds: 250 exaggerated, 500 not.
    TSNE(n_jobs=bench.threads, n_iter=1, early_exaggeration_iter=1).fit(x[:500])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)
        sides = {
            "ours": lambda: reduce.ours(bench, "tsne", folder, "max_iter=750"),
            "openTSNE": bench.timed(lambda: np.asarray(TSNE(n_jobs=bench.threads, random_state=1).fit(x))),
        }
        best = bench.alternate(sides, 1 if big else None)
    (seconds, (_, own)), (theirs, other) = best["ours"], best["openTSNE"]
    graph = PerplexityBasedNN(x, perplexity=30, method="exact", n_jobs=bench.threads).P
    kl = [divergence(graph, points) for points in (own, other)]
    trust = [reduce.trustworthiness(x, points, count=2_000 if big else rows) for points in (own, other)]
    quality = f"KL {kl[0]:.4f} against {kl[1]:.4f}, trustworthiness {trust[0]:.4f} against {trust[1]:.4f}"
    bench.row(f"t-SNE {rows} x {x.shape[1]} to 2", "openTSNE", theirs, seconds, quality)
