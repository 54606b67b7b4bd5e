//! One suite over every registered clustering and reduction: what the traits promise, a new line in a table keeps.

use std::collections::HashSet;

use messier_engine::cluster::{self, Clusterer, Clustering};
use messier_engine::context::{Context, Stop};
use messier_engine::reduce::{self, Reducer, Reduction};
use messier_engine::{Error, score};
use messier_query::signature::{Arg, Args, Kind, Param, Signature};
use ndarray::{Array2, s};

fn signatures() -> Vec<&'static Signature> {
    let clusterers = cluster::METHODS.iter().map(|method| method.signature());
    clusterers
        .chain(reduce::METHODS.iter().map(|method| method.signature()))
        .collect()
}

/// Three separate clouds, no two rows equal.
fn clouds(n: usize, d: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, d), |(i, j)| {
        let noise = ((i * 7919 + j * 104_729 + i * j * 31) % 1009) as f32 / 1009.0;
        (i % 3) as f32 * 6.0 * if j % 2 == 0 { 1.0 } else { -1.0 } + noise
    })
}

fn context_stopped_at(tick: u64) -> Context {
    let mut context = Context::new(11);
    context.stop = Stop::at_tick(tick);
    context
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

/// A value that `kind` must refuse, where there is one.
fn out_of_range(kind: &Kind) -> Vec<Arg> {
    match kind {
        Kind::Int { lo, hi } => [lo.checked_sub(1), hi.checked_add(1)]
            .into_iter()
            .flatten()
            .map(Arg::Int)
            .chain([Arg::Text("many".into()), Arg::Null])
            .collect(),
        Kind::Float { lo, hi } => {
            let below = if *lo > 0.0 { 0.0 } else { lo - 1.0 };
            let mut bad = vec![Arg::Float(f64::NAN), Arg::Text("much".into())];
            // There is nothing below the lowest number.
            if below < *lo {
                bad.push(Arg::Float(below));
            }
            if *hi < f64::MAX {
                bad.push(Arg::Float(hi * 2.0));
            }
            bad
        }
        Kind::Choice(_) => vec![Arg::Text("no such word".into()), Arg::Int(1)],
        Kind::Bool => vec![Arg::Text("maybe".into())],
        Kind::Optional(inner) => out_of_range(inner)
            .into_iter()
            .filter(|arg| *arg != Arg::Null)
            .collect(),
        _ => Vec::new(),
    }
}

fn assert_sound(what: &str, n: usize, clustering: Clustering) {
    assert_eq!(clustering.labels.len(), n, "{what}");
    let before = clustering.len();
    let sorted = clustering.by_size();
    let mut sizes = vec![0_usize; sorted.len()];
    for &label in &sorted.labels {
        assert!(label >= -1, "{what}: {label}");
        if let Ok(cluster) = usize::try_from(label) {
            sizes[cluster] += 1;
        }
    }
    assert!(sorted.len() <= before, "{what}");
    assert!(
        sizes.iter().all(|&size| size > 0),
        "{what}: ids are not dense: {sizes:?}"
    );
    assert!(
        sizes.is_sorted_by(|a, b| a >= b),
        "{what}: not by size: {sizes:?}"
    );
    for values in [&sorted.probabilities, &sorted.outlier_scores]
        .into_iter()
        .flatten()
    {
        assert_eq!(values.len(), n, "{what}");
        assert!(
            values.iter().all(|v| (0.0..=1.0).contains(v)),
            "{what}: {values:?}"
        );
    }
    if let Some(centers) = &sorted.centers {
        assert_eq!(centers.nrows(), sorted.len(), "{what}");
        assert!(centers.iter().all(|v| v.is_finite()), "{what}");
    }
    if let Some(persistence) = &sorted.persistence {
        assert_eq!(persistence.len(), sorted.len(), "{what}");
    }
}

fn assert_places(what: &str, n: usize, reduction: &Reduction) {
    let k = match reduction.params.get("n_components") {
        Some(Arg::Int(k)) => usize::try_from(*k).unwrap(),
        other => panic!("{what} records n_components as {other:?}"),
    };
    assert_eq!(reduction.points.dim(), (n, k), "{what}");
    assert!(
        reduction.points.iter().all(|v| v.is_finite()),
        "{what}: {:?}",
        reduction.points
    );
    assert!(
        reduction.scores.iter().all(|(_, v)| v.is_finite()),
        "{what}: {:?}",
        reduction.scores
    );
}

/// An error a person can read, and not a bug or a stop.
fn assert_sentence(what: &str, error: &Error) {
    assert!(
        matches!(error, Error::Input(_) | Error::Arguments { .. }),
        "{what}: {error:?}"
    );
    assert!(error.to_string().len() > 20, "{what}: {error}");
}

/// Data that is legal but extreme: the name and the rows.
fn extremes() -> Vec<(&'static str, Array2<f32>)> {
    let mut repeated = clouds(30, 3);
    for i in 0..20 {
        let first = repeated.row(0).to_owned();
        repeated.row_mut(i).assign(&first);
    }
    vec![
        ("no rows", Array2::zeros((0, 4))),
        ("one row", clouds(1, 4)),
        ("two rows", clouds(2, 4)),
        ("two equal rows", Array2::from_elem((2, 4), 1.5)),
        ("three rows", clouds(3, 4)),
        ("equal rows", Array2::from_elem((12, 4), -2.0)),
        ("zeros", Array2::zeros((20, 3))),
        ("repeated rows", repeated),
        ("one dimension", clouds(25, 1)),
        ("a constant column", {
            let mut x = clouds(25, 3);
            x.column_mut(1).fill(7.0);
            x
        }),
        ("more dimensions than rows", clouds(9, 40)),
        ("huge numbers", clouds(20, 3) * 1e30),
        ("tiny numbers", clouds(20, 3) * 1e-30),
    ]
}

#[test]
fn names_are_unique_and_every_text_is_a_sentence() {
    let mut names = HashSet::new();
    for signature in signatures() {
        let name = signature.name;
        assert!(names.insert(name), "{name} twice");
        assert_snake_case(name);
        assert!(
            signature.summary.ends_with('.'),
            "{name}: {}",
            signature.summary
        );
        assert!(!signature.examples.is_empty(), "{name} has no example");
        for example in signature.examples {
            assert!(example.query.contains(name), "{name}: {}", example.query);
            assert!(example.shows.ends_with('.'), "{name}: {}", example.shows);
        }
        let mut params = HashSet::new();
        for param in signature.params {
            assert!(params.insert(param.name), "{name}: {} twice", param.name);
            assert_snake_case(param.name);
            assert!(
                param.doc.trim().ends_with('.'),
                "{name}: {}: {}",
                param.name,
                param.doc
            );
            assert_default_in_range(name, param);
        }
    }
}

fn assert_snake_case(name: &str) {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        name.chars().all(legal) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        "{name}"
    );
}

fn assert_default_in_range(method: &str, param: &Param) {
    if let Some(default) = param.default.arg() {
        let admitted = param.kind.admit(&default);
        assert_eq!(admitted.as_ref(), Ok(&default), "{method}: {}", param.name);
    }
}

#[test]
fn methods_are_found_by_name_with_either_dash() {
    for method in cluster::METHODS {
        let name = method.signature().name;
        assert!(cluster::method(&name.replace('_', "-")).is_ok(), "{name}");
    }
    for method in reduce::METHODS {
        assert!(reduce::method(method.signature().name).is_ok());
    }
    assert!(cluster::method("umap").is_err());
    // The nearest name, as the language writes it.
    let missed = cluster::method("mini-batch-kmeans").err().unwrap();
    assert!(missed.to_string().contains("minibatch_kmeans"), "{missed}");
    assert!(reduce::method("no such").is_err());
}

/// Calls a method of either kind and keeps only whether it worked.
fn call(
    signature: &Signature,
    x: &Array2<f32>,
    args: &Args,
    context: &Context,
) -> Result<(), Error> {
    match cluster::method(signature.name) {
        Ok(method) => method.fit(x.view(), args, context).map(drop),
        Err(_) => reduce::method(signature.name)
            .unwrap()
            .fit(x.view(), args, context)
            .map(drop),
    }
}

#[test]
fn all_bad_arguments_are_reported_at_once() {
    let x = clouds(24, 4);
    for signature in signatures() {
        for nth in 0..4 {
            let mut args = Args::new();
            for param in signature.params {
                let bad = out_of_range(&param.kind);
                if let Some(arg) = bad.get(nth) {
                    args.insert(param.name.to_owned(), arg.clone());
                }
            }
            args.insert("no_such_parameter".to_owned(), Arg::Int(1));
            match call(signature, &x, &args, &Context::new(0)) {
                Err(Error::Arguments { call, bad }) => {
                    assert_eq!(call, signature.name);
                    let named: HashSet<_> = bad.iter().map(|one| one.name.as_str()).collect();
                    for name in args.keys() {
                        assert!(
                            named.contains(name.as_str()),
                            "{call}: {name} = {}",
                            args[name]
                        );
                    }
                }
                other => panic!("{} took {args:?}: {other:?}", signature.name),
            }
        }
    }
}

#[test]
fn the_record_holds_every_parameter() {
    let x = clouds(24, 4);
    for method in cluster::METHODS {
        let fitted = method
            .fit(x.view(), &Args::new(), &Context::new(0))
            .unwrap();
        assert_recorded(method.signature(), &fitted.params);
    }
    for method in reduce::METHODS {
        let fitted = method
            .fit(x.view(), &Args::new(), &Context::new(0))
            .unwrap();
        assert_recorded(method.signature(), &fitted.params);
    }
}

fn assert_recorded(signature: &Signature, record: &Args) {
    let names: Vec<_> = record.keys().map(String::as_str).collect();
    let mut wanted: Vec<_> = signature.params.iter().map(|param| param.name).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted, "{}", signature.name);
}

#[test]
fn extreme_data_is_grouped_or_refused_in_a_sentence() {
    for method in cluster::METHODS {
        for (name, x) in extremes() {
            let what = format!("{} on {name}", method.signature().name);
            match method.fit(x.view(), &Args::new(), &Context::new(5)) {
                Ok(clustering) => assert_sound(&what, x.nrows(), clustering),
                Err(error) => assert_sentence(&what, &error),
            }
        }
    }
}

#[test]
fn extreme_data_is_placed() {
    for method in reduce::METHODS {
        for (name, x) in extremes() {
            let what = format!("{} on {name}", method.signature().name);
            let reduction = method.fit(x.view(), &Args::new(), &Context::new(5));
            assert_places(&what, x.nrows(), &reduction.unwrap());
        }
    }
}

#[test]
fn more_clusters_than_rows_is_a_sentence() {
    for method in cluster::METHODS {
        for name in ["n_clusters", "n_components"] {
            if method.signature().param(name).is_some() {
                let args = Args::from([(name.to_owned(), Arg::Int(100))]);
                let x = clouds(5, 2);
                let error = method.fit(x.view(), &args, &Context::new(0)).unwrap_err();
                assert_sentence(method.signature().name, &error);
                assert!(error.to_string().contains("100"), "{error}");
            }
        }
    }
}

#[test]
fn more_dimensions_than_the_data_has_are_places_too() {
    for method in reduce::METHODS {
        let most = match method.signature().param("n_components").map(|p| p.kind) {
            Some(Kind::Int { hi, .. }) => hi,
            _ => 5,
        };
        let args = Args::from([("n_components".to_owned(), Arg::Int(most.min(5)))]);
        for x in [clouds(30, 2), clouds(4, 3), clouds(1, 1)] {
            let reduction = method.fit(x.view(), &args, &Context::new(0)).unwrap();
            assert_places(method.signature().name, x.nrows(), &reduction);
        }
    }
}

#[test]
fn what_is_not_finite_is_refused_with_its_row() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = clouds(24, 4);
        x[(17, 2)] = value;
        x[(19, 0)] = value;
        for signature in signatures() {
            let error = call(signature, &x, &Args::new(), &Context::new(0)).unwrap_err();
            assert_sentence(signature.name, &error);
            assert!(
                error.to_string().contains("row 17"),
                "{}: {error}",
                signature.name
            );
        }
    }
}

#[test]
fn rows_need_not_lie_in_order() {
    // Every second row and the columns backwards: a view that is not contiguous.
    let wide = clouds(48, 4);
    let view = wide.slice(s![..;2, ..;-1]);
    let copy = view.to_owned();
    for method in cluster::METHODS {
        let fit = |x| method.fit(x, &Args::new(), &Context::new(2)).unwrap();
        assert_eq!(fit(view), fit(copy.view()), "{}", method.signature().name);
    }
    for method in reduce::METHODS {
        let fit = |x| method.fit(x, &Args::new(), &Context::new(2)).unwrap();
        assert_eq!(fit(view), fit(copy.view()), "{}", method.signature().name);
    }
}

#[test]
fn the_bits_are_the_same_for_any_number_of_threads() {
    // More rows than one block of anything.
    let x = clouds(1300, 9);
    for method in cluster::METHODS {
        let fit = || {
            method
                .fit(x.view(), &Args::new(), &Context::new(3))
                .unwrap()
        };
        let one = on_threads(1, fit);
        for threads in [2, 4] {
            assert!(
                on_threads(threads, fit) == one,
                "{} on {threads}",
                method.signature().name
            );
        }
    }
    for method in reduce::METHODS {
        let fit = || {
            method
                .fit(x.view(), &Args::new(), &Context::new(3))
                .unwrap()
        };
        let one = on_threads(1, fit);
        for threads in [2, 4] {
            assert!(
                on_threads(threads, fit) == one,
                "{} on {threads}",
                method.signature().name
            );
        }
    }
}

#[test]
fn a_stop_at_any_tick_is_heard() {
    let x = clouds(24, 4);
    for method in cluster::METHODS {
        let undisturbed = method
            .fit(x.view(), &Args::new(), &Context::new(11))
            .unwrap();
        let after = stopped_everywhere(method.signature().name, |context| {
            Clusterer::fit(*method, x.view(), &Args::new(), context)
        });
        assert_eq!(after, undisturbed, "{}", method.signature().name);
    }
    for method in reduce::METHODS {
        let undisturbed = method
            .fit(x.view(), &Args::new(), &Context::new(11))
            .unwrap();
        let after = stopped_everywhere(method.signature().name, |context| {
            Reducer::fit(*method, x.view(), &Args::new(), context)
        });
        assert_eq!(after, undisturbed, "{}", method.signature().name);
    }
    let labels: Vec<i32> = (0..24).map(|i| i % 3).collect();
    let metric = messier_engine::neighbors::Metric::Euclidean;
    let described = score::describe(
        x.view(),
        &labels,
        &score::Wanted::of(metric),
        &Context::new(11),
    )
    .unwrap();
    let after = stopped_everywhere("describe", |context| {
        score::describe(x.view(), &labels, &score::Wanted::of(metric), context)
    });
    assert_eq!(after, described);
}

/// Stops at the first tick, the second, and so on, until the work gets through; gives what it gave.
fn stopped_everywhere<T>(what: &str, work: impl Fn(&Context) -> Result<T, Error>) -> T {
    for tick in 1..100_000 {
        let context = context_stopped_at(tick);
        match work(&context) {
            Err(Error::Cancelled(_)) => {
                assert!(context.progress.positions().is_empty(), "{what} at {tick}")
            }
            Err(other) => panic!("{what} stopped at {tick}: {other}"),
            Ok(done) => {
                assert!(tick > 1, "{what} never looks whether it should stop");
                return done;
            }
        }
    }
    panic!("{what} does not get through");
}
