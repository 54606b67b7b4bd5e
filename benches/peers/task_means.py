"""Mini-batch and bisecting k-means, spectral clustering, mean shift, affinity propagation and Gaussian mixtures against
scikit-learn, each with its defaults where nothing else is said, on f32 rows."""

import tempfile

import clustering


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
    seed = iter(range(1000))

    def inertia(model, x):
        return f"inertia {model.inertia_:.4g}"

    def groups(model, x):
        return f"{len(set(model.labels_))} clusters"

    def likelihood(model, x):
        return f"log-likelihood {model.score(x):.6g} after {model.n_iter_} rounds"

    def compare(x, method, make, quality, ours_quality, rounds=None, **params):
        yield f"{method} {params.get('covariance_type', '')}".strip(), lambda: measure(x, method, make, quality, ours_quality, rounds, params)

    def measure(x, method, make, quality, ours_quality, rounds, params):
        def theirs():
            model = make(next(seed))
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

    own_inertia = lambda found: f"inertia {found['inertia']:.4g}"
    own_groups = lambda found: f"{len(set(found['labels']))} clusters"
    own_likelihood = lambda found: f"log-likelihood {found['log_likelihood']:.6g} after {found['iterations']:.0f} rounds"

    yield from compare(full, "minibatch_kmeans", lambda s: MiniBatchKMeans(k, random_state=s), inertia, own_inertia, n_clusters=k)
    yield from compare(full, "bisecting_kmeans", lambda s: BisectingKMeans(k, random_state=s), inertia, own_inertia, n_clusters=k)
    for x, kind in ((full, "diag"), (full, "spherical"), (fifty, "full"), (fifty, "tied")):
        yield from compare(x, "gaussian_mixture", lambda s, kind=kind: GaussianMixture(k, covariance_type=kind, random_state=s),
                           likelihood, own_likelihood, n_components=k, covariance_type=kind)
    for x in (few, fifty):
        yield "linfa", lambda x=x: linfa(bench, x, k)
    yield from compare(full, "spectral", lambda s: SpectralClustering(k, affinity="nearest_neighbors", n_jobs=bench.threads, random_state=s),
                       groups, own_groups, rounds=1, n_clusters=k)
    yield from compare(full, "affinity_propagation", lambda s: AffinityPropagation(random_state=s), groups, own_groups, rounds=1)
    yield from compare(few, "mean_shift", lambda s: MeanShift(n_jobs=bench.threads), groups, own_groups, rounds=1)


def run(bench):
    for _, measure in cases(bench):
        measure()
