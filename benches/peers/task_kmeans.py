"""k-means: 25 rounds of Lloyd on 50,000 x 512, k = 100, from the same start, against scikit-learn; and against faiss from its own."""

import tempfile

import clustering


def run(bench):
    import faiss
    from sklearn.cluster import KMeans

    rows, k, rounds = (2_000, 20, 10) if bench.quick else (50_000, 100, 25)
    x = clustering.mixture(rows, 512, k, 1)

    def sklearn():
        return KMeans(k, init=x[:k], n_init=1, max_iter=rounds, tol=0.0, algorithm="lloyd").fit(x).inertia_

    def with_faiss():
        faiss.omp_set_num_threads(bench.threads)
        model = faiss.Kmeans(x.shape[1], k, niter=rounds, seed=51, max_points_per_centroid=rows)
        model.train(x)
        return model.obj[-1]

    with tempfile.TemporaryDirectory() as folder:
        program = clustering.Ours(bench.examples / "clustering", x, folder, "kmeans", k, rounds)

        def ours():
            found = program.run()
            return found["seconds"], found["inertia"]

        best = bench.alternate({"ours": ours, "scikit-learn": bench.timed(sklearn), "faiss": bench.timed(with_faiss)})
    seconds, own = best.pop("ours")
    for peer, (theirs, value) in best.items():
        quality = f"inertia {own:.2f} against {value:.2f} ({own / value - 1:+.1e})"
        bench.row(f"k-means {rows} x {x.shape[1]}, k = {k}, {rounds} rounds", peer, theirs, seconds, quality)
