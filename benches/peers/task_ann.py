"""About the 15 nearest neighbours of every row, 512 columns, against pynndescent once it is compiled; judged by recall.

Its defaults; it counts a row as its own neighbour, so it is asked for one more. The truth is that of 1,000 rows.
"""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def run(bench):
    for rows in [16_000] if bench.quick else [50_000, 200_000]:
        one(bench, rows)


def one(bench, rows, k=15):
    import pynndescent

    x, _ = reduce.mixture(rows, 512, 50, 1)
    graph = lambda x: pynndescent.NNDescent(x, n_neighbors=k + 1, n_jobs=bench.threads).neighbor_graph[0]
    graph(x[:2_000])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)
        sides = {"ours": lambda: reduce.ours(bench, "neighbors", folder, k), "pynndescent": bench.timed(lambda: graph(x))}
        best = bench.alternate(sides, min(bench.rounds, 2))
    (seconds, (_, own)), (theirs, other) = best["ours"], best["pynndescent"]
    some = reduce.sample(rows, 1_000)
    truth = reduce.nearest(x, some, k)

    def recall(found):
        rows = zip(some, truth)
        return np.mean([len(set(near) & set([j for j in found[row] if j != row][:k])) / k for row, near in rows])

    quality = f"recall {recall(own):.4f} against {recall(other):.4f}"
    bench.row(f"{k} nearest of {rows} x {x.shape[1]}, nearly", "pynndescent", theirs, seconds, quality)
