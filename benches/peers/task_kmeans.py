"""k-means: 25 rounds of Lloyd on rows of 512 coordinates.

From the same start against scikit-learn, each with its own greedy k-means++ against scikit-learn, and against faiss from its
own start (rows at random).
"""

import tempfile

import clustering


def run(bench):
    import faiss
    from sklearn.cluster import KMeans

    rounds = 10 if bench.quick else 25

    def compare(rows, k, start, peers, repeat):
        x = clustering.mixture(rows, 512, 20 if bench.quick else 100, 1)

        def sklearn():
            init = x[:k] if start == "kmeans" else "k-means++"
            return KMeans(k, init=init, n_init=1, max_iter=rounds, tol=0.0, algorithm="lloyd", random_state=0).fit(x).inertia_

        def with_faiss():
            faiss.omp_set_num_threads(bench.threads)
            model = faiss.Kmeans(x.shape[1], k, niter=rounds, seed=51, max_points_per_centroid=rows)
            model.train(x)
            return model.obj[-1]

        with tempfile.TemporaryDirectory() as folder:
            program = clustering.Ours(bench.examples / "clustering", x, folder, start, k, rounds)

            def ours():
                found = program.run()
                return found["seconds"], found["inertia"]

            sides = {"scikit-learn": bench.timed(sklearn), "faiss": bench.timed(with_faiss)}
            best = bench.alternate({"ours": ours, **{peer: sides[peer] for peer in peers}}, rounds=repeat)
        seconds, own = best.pop("ours")
        how = "start given" if start == "kmeans" else "k-means++ included"
        for peer, (theirs, value) in best.items():
            quality = f"inertia {own:.2f} against {value:.2f} ({own / value - 1:+.1e})"
            bench.row(f"k-means {rows} x 512, k = {k}, {rounds} rounds, {how}", peer, theirs, seconds, quality)

    if bench.quick:
        compare(2_000, 20, "kmeans", ["scikit-learn", "faiss"], 1)
        compare(2_000, 20, "kmeans++", ["scikit-learn", "faiss"], 1)
        return
    compare(50_000, 100, "kmeans", ["scikit-learn", "faiss"], 3)
    compare(50_000, 100, "kmeans++", ["scikit-learn", "faiss"], 2)
    compare(50_000, 1_000, "kmeans++", ["faiss"], 1)
    compare(200_000, 1_000, "kmeans++", ["faiss"], 1)
