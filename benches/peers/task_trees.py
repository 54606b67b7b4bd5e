"""DBSCAN, OPTICS and Birch on 5,000 x 512, Ward's linkage on 20,000 x 512, against scikit-learn: time and labels."""

import resource
import tempfile

import clustering


def run(bench):
    from sklearn.cluster import DBSCAN, OPTICS, AgglomerativeClustering, Birch
    from sklearn.metrics import adjusted_rand_score

    rows, many = (1_000, 2_000) if bench.quick else (5_000, 20_000)
    x = clustering.mixture(rows, 512, 50, 2)
    # A radius that splits this mixture into its clusters and noise.
    tasks = [
        (rows, "dbscan", DBSCAN, {"eps": 0.6, "min_samples": 5}, bench.rounds),
        (rows, "optics", OPTICS, {"min_samples": 5}, 1),
        (rows, "birch", Birch, {"threshold": 0.4, "n_clusters": 50}, bench.rounds),
        (many, "agglomerative", AgglomerativeClustering, {"n_clusters": 100}, 1),
    ]
    for n, name, peer, params, rounds in tasks:
        if n != len(x):
            x = clustering.mixture(n, 512, 100, 1)
        words = [f"{key}={value}" for key, value in params.items()]
        theirs = bench.timed(lambda peer=peer, params=params, x=x: peer(**params).fit_predict(x))
        with tempfile.TemporaryDirectory() as folder:
            program = clustering.Ours(bench.examples / "clustering", x, folder, "fit", name, *words)

            def ours(program=program):
                found = program.run()
                return found["seconds"], found["labels"]

            best = bench.alternate({"ours": ours, "theirs": theirs}, rounds)
        (seconds, labels), (peers, other) = best["ours"], best["theirs"]
        same = adjusted_rand_score(labels, other)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        quality = f"{labels.max() + 1} clusters, labels agree: ARI {same:.4f}; our programs so far took {most:.2f} GB at most"
        bench.row(f"{name} {n} x 512", "scikit-learn", peers, seconds, quality)
