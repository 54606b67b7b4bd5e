"""Mini-batch and bisecting k-means, spectral clustering, mean shift, affinity propagation and Gaussian mixtures against
scikit-learn, each with its defaults where nothing else is said, on f32 rows.

What depends on a random start is done from several seeds on both sides, in turn: times are medians, qualities means, since
one start decides more than the program does. Mixtures are also fitted from one start, the same for both."""

import statistics
import tempfile

import clustering
import numpy as np


def linfa(bench, x, k):
    """linfa-clustering's mixture beside scikit-learn's: why ours is our own."""
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture

    with tempfile.TemporaryDirectory() as folder:
        program = clustering.Ours(bench.examples / "linfa_mixture", x, folder, "full", k)
        # This program has one task only.
        program.command.remove("full")

        def side():
            found = program.run()
            return found["seconds"], found

        theirs = bench.timed(lambda: GaussianMixture(k, random_state=0).fit_predict(x))
        best = bench.alternate({"linfa": side, "scikit-learn": theirs})
    (own, found), (seconds, labels) = best["linfa"], best["scikit-learn"]
    quality = found["problem"] or f"ARI {adjusted_rand_score(labels, found['labels']):.3f}"
    print(f"  full mixture {x.shape[0]} x {x.shape[1]} | scikit-learn: {seconds:.3g} s | linfa: {own:.3g} s | {quality}", flush=True)


def cases(bench):
    """What is compared: a name, and a function that does it."""
    from sklearn.cluster import AffinityPropagation, BisectingKMeans, MeanShift, MiniBatchKMeans, SpectralClustering
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture

    rows = 600 if bench.quick else 5_000
    k = 20
    full = clustering.mixture(rows, 512, k, 1)
    fifty = clustering.mixture(rows, 50, k, 1)
    few = clustering.mixture(rows, 8, k, 1)
    seeds = range(1 if bench.quick else 5)

    def groups(model, x):
        return f"{len(set(model.labels_))} clusters"

    def compare(x, method, make, quality, ours_quality, rounds=None, **params):
        yield f"{method} {params.get('covariance_type', '')}".strip(), lambda: measure(x, method, make, quality, ours_quality, rounds, params)

    def measure(x, method, make, quality, ours_quality, rounds, params):
        def theirs():
            model = make(0)
            return model.fit_predict(x), model

        with tempfile.TemporaryDirectory() as folder:
            words = [f"{name}={value}" for name, value in params.items()]
            program = clustering.Ours(bench.examples / "clustering", x, folder, "fit", method, *words)

            def ours():
                found = program.run()
                return found["seconds"], found

            best = bench.alternate({"ours": ours, "scikit-learn": bench.timed(theirs)}, rounds)
        (own, found), (seconds, (labels, model)) = best["ours"], best["scikit-learn"]
        ari = adjusted_rand_score(labels, found["labels"])
        name = f"{method} {x.shape[0]} x {x.shape[1]}" + (f", {', '.join(words)}" if words else "")
        bench.row(name, "scikit-learn", seconds, own, f"{ours_quality(found)} against {quality(model, x)}, ARI {ari:.3f}")

    def by_seeds(x, method, make, measures, **params):
        name = f"{method} {params.get('covariance_type', '')}".strip()
        return name, lambda: measure_by_seeds(x, method, make, measures, params)

    def measure_by_seeds(x, method, make, measures, params):
        """`measures` are what is told of a fit: its name, ours, and scikit-learn's."""
        words = [f"{name}={value}" for name, value in params.items()]
        times, found = ([], []), ([], [])
        with tempfile.TemporaryDirectory() as folder:
            for seed in seeds:
                own = clustering.Ours(bench.examples / "clustering", x, folder, "fit", method, *words, f"seed={seed}").run()
                seconds, model = bench.timed(lambda: make(seed).fit(x))()
                times[0].append(own["seconds"])
                times[1].append(seconds)
                found[0].append([ours(own) for _, ours, _ in measures])
                found[1].append([theirs(model) for _, _, theirs in measures])
        own, theirs = ([statistics.mean(column) for column in zip(*side)] for side in found)
        told = ", ".join(f"{name} {a:.5g} against {b:.5g}" for (name, *_), a, b in zip(measures, own, theirs))
        name = f"{method} {x.shape[0]} x {x.shape[1]}, {', '.join(words)}"
        bench.row(name, "scikit-learn", statistics.median(times[1]), statistics.median(times[0]), f"means of {len(seeds)} starts: {told}")

    def same_start(x, kind):
        """A mixture from the clusters of one k-means: how long the rounds take."""
        from sklearn.cluster import KMeans

        labels = KMeans(k, n_init=1, random_state=0).fit_predict(x)

        class FromLabels(GaussianMixture):
            def _initialize_parameters(self, rows, *_, **__):
                self._initialize(rows, np.eye(k, dtype=rows.dtype)[labels])

        def theirs():
            model = FromLabels(k, covariance_type=kind).fit(x)
            return model.lower_bound_, model.n_iter_

        with tempfile.TemporaryDirectory() as folder:
            program = clustering.Ours(bench.examples / "clustering", x, folder, "mixture", k, kind)
            labels.astype("<i4").tofile(f"{folder}/rows.f32.start")

            def ours():
                found = program.run()
                return found["seconds"], (found["log_likelihood"], found["iterations"])

            best = bench.alternate({"ours": ours, "scikit-learn": bench.timed(theirs)})
        (own, (a, rounds)), (seconds, (b, peers)) = best["ours"], best["scikit-learn"]
        bench.row(f"gaussian_mixture {x.shape[0]} x {x.shape[1]}, {kind}, from the same clusters", "scikit-learn", seconds, own,
                  f"log-likelihood {a:.6g} after {rounds} rounds against {b:.6g} after {peers}")

    own_groups = lambda found: f"{len(set(found['labels']))} clusters"
    inertia = [("inertia", lambda found: found["inertia"], lambda model: model.inertia_)]

    yield by_seeds(full, "minibatch_kmeans", lambda s: MiniBatchKMeans(k, random_state=s), inertia, n_clusters=k)
    yield by_seeds(full, "bisecting_kmeans", lambda s: BisectingKMeans(k, random_state=s), inertia, n_clusters=k)
    for x, kind in ((full, "diag"), (full, "spherical"), (fifty, "full"), (fifty, "tied")):
        measures = [
            ("log-likelihood", lambda found: found["log_likelihood"], lambda model, x=x: model.score(x)),
            ("rounds", lambda found: found["iterations"], lambda model: model.n_iter_),
        ]
        yield by_seeds(x, "gaussian_mixture", lambda s, kind=kind: GaussianMixture(k, covariance_type=kind, random_state=s),
                       measures, n_components=k, covariance_type=kind)
        yield "same start", lambda x=x, kind=kind: same_start(x, kind)
    for x in (few, fifty):
        yield "linfa", lambda x=x: linfa(bench, x, k)
    yield from compare(full, "spectral", lambda s: SpectralClustering(k, affinity="nearest_neighbors", n_jobs=bench.threads, random_state=s),
                       groups, own_groups, rounds=1, n_clusters=k)
    yield from compare(full, "affinity_propagation", lambda s: AffinityPropagation(random_state=s), groups, own_groups, rounds=1)
    yield from compare(few, "mean_shift", lambda s: MeanShift(n_jobs=bench.threads), groups, own_groups, rounds=1)


def run(bench):
    for _, measure in cases(bench):
        measure()
