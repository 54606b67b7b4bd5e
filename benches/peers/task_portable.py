"""Our path without any vector instructions of its own (MESSIER_ISA=portable, what another processor would run) against
scikit-learn and linfa: k-means, nearest neighbours, HDBSCAN. Never slower is what is promised."""

import os
import tempfile

import clustering


def run(bench):
    from sklearn.cluster import HDBSCAN, KMeans
    from sklearn.metrics import adjusted_rand_score
    from sklearn.neighbors import NearestNeighbors

    rounds = 5 if bench.quick else 25
    os.environ["MESSIER_ISA"] = "portable"
    try:
        with tempfile.TemporaryDirectory() as folder:
            for rows, dims, k in ((2_000, 64, 20),) if bench.quick else ((50_000, 512, 100), (20_000, 1_280, 20), (100_000, 16, 50)):
                x = clustering.mixture(rows, dims, k, 1)
                program = clustering.Ours(bench.examples / "clustering", x, folder, "kmeans", k, rounds)
                other = clustering.Ours(bench.examples / "linfa_kmeans", x, folder, "start", k, rounds)
                # This program has one task only.
                other.command.remove("start")

                def side(program):
                    def go():
                        found = program.run()
                        return found["seconds"], found["inertia"]

                    return go

                def sklearn():
                    return KMeans(k, init=x[:k], n_init=1, max_iter=rounds, tol=0.0, algorithm="lloyd", random_state=0).fit(x).inertia_

                sides = {"ours": side(program), "scikit-learn": bench.timed(sklearn), "linfa": side(other)}
                best = bench.alternate(sides, rounds=min(bench.rounds, 2))
                seconds, own = best.pop("ours")
                for peer, (theirs, value) in best.items():
                    bench.row(f"portable k-means {rows} x {dims}, k = {k}, {rounds} rounds", peer, theirs, seconds,
                              f"inertia {own:.2f} against {value:.2f}")

            for rows, dims in ((1_000, 64),) if bench.quick else ((20_000, 512), (50_000, 8)):
                x = clustering.mixture(rows, dims, 50, 1)
                program = clustering.Ours(bench.examples / "clustering", x, folder, "knn", 15)

                def ours():
                    found = program.run()
                    return found["seconds"], found["labels"].reshape(rows, 15)

                def search():
                    return NearestNeighbors(n_neighbors=15, n_jobs=bench.threads).fit(x).kneighbors(return_distance=False)

                best = bench.alternate({"ours": ours, "scikit-learn": bench.timed(search)}, rounds=1)
                (seconds, own), (theirs, found) = best["ours"], best["scikit-learn"]
                same = sum(len(set(a) & set(b)) for a, b in zip(own, found)) / own.size
                bench.row(f"portable 15 nearest of {rows} x {dims}", "scikit-learn", theirs, seconds, f"{same:.5f} of them the same")

            x = clustering.mixture(600 if bench.quick else 5_000, 512, 50, 2)
            program = clustering.Ours(bench.examples / "clustering", x, folder, "hdbscan", 10)

            def ours():
                found = program.run()
                return found["seconds"], found["labels"]

            theirs = bench.timed(lambda: HDBSCAN(min_cluster_size=10, n_jobs=bench.threads, copy=True).fit_predict(x))
            best = bench.alternate({"ours": ours, "scikit-learn": theirs}, rounds=1)
            (seconds, own), (peer, found) = best["ours"], best["scikit-learn"]
            bench.row(f"portable HDBSCAN {len(x)} x 512", "scikit-learn", peer, seconds, f"ARI {adjusted_rand_score(found, own):.4f}")
    finally:
        del os.environ["MESSIER_ISA"]
