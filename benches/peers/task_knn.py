"""Exact 15 nearest neighbours of 50,000 x 512 rows: faiss's flat index, and recall against it."""

import tempfile

import clustering
import numpy as np


def run(bench):
    import faiss

    rows, k = (3_000, 15) if bench.quick else (50_000, 15)
    x = clustering.mixture(rows, 512, 100, 1)

    def flat():
        faiss.omp_set_num_threads(bench.threads)
        index = faiss.IndexFlatL2(x.shape[1])
        index.add(x)
        # One more: the row itself comes first.
        return index.search(x, k + 1)[1]

    with tempfile.TemporaryDirectory() as folder:
        program = clustering.Ours(bench.examples / "clustering", x, folder, "knn", k)

        def ours():
            found = program.run()
            return found["seconds"], found["labels"].reshape(rows, k)

        best = bench.alternate({"ours": ours, "faiss flat": bench.timed(flat)}, rounds=1 if bench.quick else 2)
    seconds, own = best.pop("ours")
    some = np.random.default_rng(0).choice(rows, min(rows, 1_000), replace=False)
    # The truth of some rows in double precision: faiss rounds, too.
    wide = x.astype("f8")
    truth = []
    for row in some:
        squared = ((wide - wide[row]) ** 2).sum(axis=1)
        squared[row] = np.inf
        truth.append(set(np.argpartition(squared, k)[:k]))
    for peer, (theirs, other) in best.items():
        mine = np.mean([len(truth[at] & set(own[row])) / k for at, row in enumerate(some)])
        its = np.mean([len(truth[at] & set([j for j in other[row] if j != row][:k])) / k for at, row in enumerate(some)])
        bench.row(f"{k} nearest of {rows} x {x.shape[1]}, exact", peer, theirs, seconds, f"recall {mine:.5f} against {its:.5f}")
