"""UMAP to two dimensions, 512 columns, against umap-learn once it is compiled; judged by trustworthiness at 15 neighbours.

Without a seed umap-learn uses all threads, with one it has a single thread; whichever is faster counts. Our side has a
fixed seed and all threads. Beyond 10,000 rows one round; beyond 100,000, where a single thread takes many minutes, without a seed only.
"""

import tempfile
from pathlib import Path

import numpy as np
import reduce


def run(bench):
    for rows in [1_000] if bench.quick else [5_000, 50_000, 200_000]:
        one(bench, rows)


def one(bench, rows):
    import umap

    x, _ = reduce.mixture(rows, 512, 50, 1)
    big = rows > 10_000
    # Beyond 4,096 rows umap-learn goes another way, which is compiled too.
    warm = x[: min(rows, 5_000)]
    umap.UMAP(n_epochs=5).fit_transform(warm)
    umap.UMAP(random_state=1, n_epochs=5).fit_transform(warm)
    sides = {
        "umap-learn": bench.timed(lambda: umap.UMAP().fit_transform(x)),
        "umap-learn, seeded": bench.timed(lambda: umap.UMAP(random_state=1).fit_transform(x)),
    }
    if rows > 100_000:
        del sides["umap-learn, seeded"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "x.npy", x)
        sides = {"ours": lambda: reduce.ours(bench, "umap", folder), **sides}
        best = bench.alternate(sides, 1 if big else None)
    seconds, (_, own) = best.pop("ours")
    peer, (theirs, other) = min(best.items(), key=lambda side: side[1][0])
    trust = [reduce.trustworthiness(x, points, count=rows if not big else 2_000) for points in (own, other)]
    quality = f"trustworthiness {trust[0]:.4f} against {trust[1]:.4f}"
    bench.row(f"UMAP {rows} x {x.shape[1]} to 2", peer, theirs, seconds, quality)
