//! Against a plain minimum spanning tree, scikit-learn's reference labels, and hand-made trees.

use ndarray::Array2;

use super::edges::{Edge, Groups};
use super::*;
use crate::context::Stop;
use crate::neighbors::tests::cloud;

/// The weights of a minimum spanning tree of mutual reachability by Prim's rule on all pairs, sorted.
fn plain_weights(x: &Array2<f32>, metric: Metric, min_samples: usize, alpha: f64) -> Vec<f32> {
    let points = Points::new(x.view(), metric).unwrap();
    let n = points.len();
    let core: Vec<f32> = (0..n)
        .map(|a| {
            let mut all: Vec<f32> = (0..n).map(|b| points.squared(a, b)).collect();
            all.sort_by(f32::total_cmp);
            all[min_samples - 1]
        })
        .collect();
    let stretch = points.stretch(alpha);
    let weight = |a: usize, b: usize| (points.squared(a, b) * stretch).max(core[a]).max(core[b]);
    let mut near: Vec<f32> = (0..n).map(|b| weight(0, b)).collect();
    let mut inside = vec![false; n];
    inside[0] = true;
    let mut weights = Vec::new();
    for _ in 1..n {
        let next = (0..n)
            .filter(|&b| !inside[b])
            .min_by(|&a, &b| near[a].total_cmp(&near[b]))
            .unwrap();
        weights.push(points.distance(near[next]));
        inside[next] = true;
        for (b, near) in near.iter_mut().enumerate() {
            *near = near.min(weight(next, b));
        }
    }
    weights.sort_by(f32::total_cmp);
    weights
}

fn check_tree(x: &Array2<f32>, metric: Metric, min_samples: usize, alpha: f64) {
    let expected = plain_weights(x, metric, min_samples, alpha);
    for isa in Isa::available() {
        let points = Points::new(x.view(), metric).unwrap();
        let context = Context::new(0);
        let (tree, recall) =
            spanning::tree(isa, &points, Near::Exact, min_samples, alpha, &context).unwrap();
        assert_eq!(recall, None);
        let mut groups = Groups::new(x.nrows());
        let mut joined = Vec::new();
        for edge in &tree {
            groups.add(*edge, &mut joined);
        }
        assert_eq!(
            (groups.count(), joined.len()),
            (1, x.nrows() - 1),
            "{isa}: a tree"
        );
        let mut weights: Vec<f32> = tree.iter().map(|edge| edge.weight).collect();
        weights.sort_by(f32::total_cmp);
        assert_eq!(
            weights,
            expected,
            "{isa} {:?} {metric:?} {min_samples}",
            x.dim()
        );
    }
}

/// Far groups of rows, larger than the neighbour lists, so that the lists cannot join them.
fn groups(n: usize, d: usize, count: usize) -> Array2<f32> {
    let noise = cloud(n, d, 11);
    Array2::from_shape_fn((n, d), |(i, j)| {
        noise[[i, j]] * 0.1 + ((i % count) * (j + 1) % 7) as f32 * 10.0
    })
}

#[test]
fn the_tree_has_the_weights_of_a_plain_one() {
    for (n, d) in [(2, 3), (17, 2), (60, 4), (300, 2), (400, 33)] {
        for metric in [Metric::Euclidean, Metric::Cosine] {
            check_tree(&cloud(n, d, 3), metric, 1.max(n.min(5) - 1), 1.0);
        }
    }
    for count in [2, 5, 20] {
        check_tree(&groups(600, 12, count), Metric::Euclidean, 4, 1.0);
    }
    check_tree(&groups(500, 6, 7), Metric::Euclidean, 30, 1.3);
    check_tree(&cloud(200, 5, 8), Metric::Cosine, 3, 0.7);
    check_tree(&Array2::from_elem((300, 4), 1.5), Metric::Euclidean, 5, 1.0);
    check_tree(
        &Array2::from_shape_fn((300, 1), |(i, _)| (i / 60) as f32),
        Metric::Euclidean,
        5,
        1.0,
    );
    for (n, d, count) in [(3000, 2, 9), (2500, 3, 5), (2000, 10, 3)] {
        check_tree(&groups(n, d, count), Metric::Euclidean, 6, 1.0);
    }
    check_tree(&groups(1500, 2, 6), Metric::Cosine, 5, 1.4);
    check_tree(
        &groups(300, 5, 4).mapv(|x| x * 1e30),
        Metric::Euclidean,
        5,
        1.0,
    );
}

#[test]
fn the_order_of_rows_does_not_matter() {
    // Rows on a coarse grid: most distances have many equals.
    for (n, step, size) in [(150, 0.5, 4), (400, 0.25, 8), (300, 1.0, 5)] {
        let noise = cloud(n, 2, n as u64);
        let x = noise.mapv(|x| (x / step).round() * step);
        let turned: Vec<usize> = (0..n).map(|row| (row * 7 + 3) % n).collect();
        assert!(n % 7 != 0);
        let y = x.select(ndarray::Axis(0), &turned);
        let args = args(&[("min_cluster_size", messier_query::signature::Arg::Int(size))]);
        let run = |x: &Array2<f32>| HDBSCAN.fit(x.view(), &args, &Context::new(0)).unwrap();
        let (a, b) = (run(&x), run(&y));
        assert_eq!(a.len(), b.len());
        let mut names = vec![None; a.len()];
        for (at, &row) in turned.iter().enumerate() {
            assert_eq!(a.labels[row] < 0, b.labels[at] < 0);
            if let Ok(label) = usize::try_from(a.labels[row]) {
                assert_eq!(*names[label].get_or_insert(b.labels[at]), b.labels[at]);
            }
            let of = |found: &Clustering, row: usize| {
                let probabilities = found.probabilities.as_ref().unwrap();
                (
                    probabilities[row],
                    found.outlier_scores.as_ref().unwrap()[row],
                )
            };
            assert_eq!(of(&a, row), of(&b, at));
        }
    }
}

#[test]
fn many_components_are_joined_by_passes_for_each() {
    // 1,080 groups of 17 equal rows: every list ends inside its own group.
    let x = Array2::from_shape_fn((1080 * 17, 2), |(i, j)| {
        let group = i % 1080;
        if j == 0 {
            (group % 36) as f32
        } else {
            (group / 36) as f32 * 1.1
        }
    });
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let context = Context::new(0);
    let (tree, _) = spanning::tree(isa(), &points, Near::Exact, 2, 1.0, &context).unwrap();
    let long = tree
        .iter()
        .filter(|edge| edge.weight > 0.0)
        .map(|edge| f64::from(edge.weight));
    let (count, total) = long.fold((0, 0.0), |(count, total), weight| {
        (count + 1, total + weight)
    });
    // A grid of 36 by 30: each row's 35 steps of 1 along rows, then 29 steps of 1.1.
    assert_eq!(count, 1079);
    assert!((total - (30.0 * 35.0 + 29.0 * 1.1)).abs() < 1e-3, "{total}");
}

fn args(pairs: &[(&str, messier_query::signature::Arg)]) -> Args {
    pairs
        .iter()
        .map(|(name, arg)| ((*name).to_owned(), arg.clone()))
        .collect()
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_any_path() {
    let x = groups(900, 20, 6);
    let params = Params::read(&Args::new()).unwrap();
    let run = |threads, isa| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| fit_on(isa, x.view(), &params, None, &Context::new(0)).unwrap())
    };
    let one = run(1, Isa::PORTABLE);
    assert!(one.len() > 1);
    for isa in Isa::available() {
        for threads in [1, 2, 4] {
            assert_eq!(run(threads, isa), one);
        }
    }
}

/// How far two labellings agree, corrected for chance; noise is a group of its own.
fn adjusted_rand(a: &[i32], b: &[i32]) -> f64 {
    let pairs = |counts: &std::collections::BTreeMap<(i32, i32), u64>| -> f64 {
        counts.values().map(|&n| (n * (n - 1) / 2) as f64).sum()
    };
    let count = |labels: &mut dyn Iterator<Item = (i32, i32)>| {
        let mut counts = std::collections::BTreeMap::new();
        labels.for_each(|label| *counts.entry(label).or_insert(0_u64) += 1);
        pairs(&counts)
    };
    let both = count(&mut a.iter().copied().zip(b.iter().copied()));
    let (of_a, of_b) = (
        count(&mut a.iter().map(|&label| (label, 0))),
        count(&mut b.iter().map(|&label| (label, 0))),
    );
    let n = a.len() as f64;
    let chance = of_a * of_b / (n * (n - 1.0) / 2.0);
    (both - chance) / ((of_a + of_b) / 2.0 - chance)
}

/// Clusters of uneven sizes and a tenth of noise, as rows of normal numbers.
fn mixture(n: usize, d: usize, clusters: usize) -> Array2<f32> {
    let normal = |stream: u64, at: usize| crate::random::normal(8, stream, at as u64) as f32;
    Array2::from_shape_fn((n, d), |(i, j)| {
        let cluster = (i * i + i / 7) % clusters;
        if i % 10 == 3 {
            return 1.5 * normal(1, i * d + j);
        }
        2.0 * normal(2, cluster * d + j) + 0.6 * normal(3, i * d + j)
    })
}

#[test]
fn believing_the_lists_gives_nearly_the_same_clusters() {
    let nearly = args(&[(
        "neighbors",
        messier_query::signature::Arg::Text("approximate".into()),
    )]);
    for (n, d, clusters) in [(1500, 24, 12), (2500, 40, 30), (800, 3, 6)] {
        let x = mixture(n, d, clusters);
        let run = |args: &Args| HDBSCAN.fit(x.view(), args, &Context::new(0)).unwrap();
        let (exact, found) = (run(&Args::new()), run(&nearly));
        assert!(exact.len() >= clusters / 2, "{}", exact.len());
        let agreement = adjusted_rand(&exact.labels, &found.labels);
        assert!(agreement >= 0.98, "{n} x {d}: {agreement}");
        // With few coordinates boxes are as fast, and there is nothing to believe.
        assert!(d > 16 || exact.labels == found.labels);
    }
}

#[test]
fn far_groups_are_joined_when_lists_are_believed_too() {
    // No list leaves its group.
    let x = groups(600, 40, 20);
    for nearly in [false, true] {
        let near = if nearly { Near::Nearly } else { Near::Exact };
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let context = Context::new(0);
        let (tree, _) = spanning::tree(isa(), &points, near, 4, 1.0, &context).unwrap();
        let mut weights: Vec<f32> = tree.iter().map(|edge| edge.weight).collect();
        weights.sort_by(f32::total_cmp);
        let expected = plain_weights(&x, Metric::Euclidean, 4, 1.0);
        assert_eq!(weights.len(), expected.len());
        // Seven groups: what joins them is exact, or nearly.
        let joins = |weights: &[f32]| weights[weights.len() - 6..].iter().sum::<f32>();
        let (found, least) = (joins(&weights), joins(&expected));
        assert!(found >= least && found <= least * if nearly { 1.02 } else { 1.0 });
    }
}

#[test]
fn neighbours_that_are_known_give_the_same_answer_and_are_named() {
    let x = mixture(700, 24, 8);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let word = if metric == Metric::Cosine {
            "cosine"
        } else {
            "euclidean"
        };
        let given = args(&[("metric", messier_query::signature::Arg::Text(word.into()))]);
        let searched = HDBSCAN.fit(x.view(), &given, &Context::new(0)).unwrap();
        for (columns, fits) in [(30, true), (9, true), (4, true), (3, false)] {
            let context = Context::new(0);
            let graph = crate::neighbors::knn_graph(x.view(), columns, metric, &context).unwrap();
            let known = Known {
                run: "near".to_owned(),
                metric,
                graph,
            };
            let run = |known: &Known| {
                let context = Context::new(0);
                let found = HDBSCAN.fit_knowing(x.view(), &given, Some(known), &context);
                let named = context
                    .notes
                    .sorted()
                    .iter()
                    .any(|note| note.message.contains("near\""));
                (found.unwrap(), named)
            };
            let (found, named) = run(&known);
            assert_eq!(
                (found.labels, named),
                (searched.labels.clone(), fits),
                "{columns}"
            );
            // Neighbours that may miss some are not for an exact run.
            let mut some = known.clone();
            some.graph.recall = Some(crate::neighbors::Recall {
                value: 0.9,
                rows: 10,
            });
            assert!(!run(&some).1);
            some.metric = if metric == Metric::Cosine {
                Metric::Euclidean
            } else {
                Metric::Cosine
            };
            assert!(!run(&some).1);
        }
    }
}

#[test]
fn few_rows_and_equal_rows_have_an_answer() {
    for n in [0, 1, 2, 4] {
        let context = Context::new(0);
        let found = HDBSCAN
            .fit(cloud(n, 3, 1).view(), &Args::new(), &context)
            .unwrap();
        assert_eq!(found.labels, vec![-1; n]);
        assert!(!context.notes.sorted().is_empty());
    }
    let equal = Array2::from_elem((50, 3), 0.25);
    let found = HDBSCAN
        .fit(equal.view(), &Args::new(), &Context::new(0))
        .unwrap();
    assert_eq!(found.labels, vec![-1; 50]);
    let single = args(&[(
        "allow_single_cluster",
        messier_query::signature::Arg::Bool(true),
    )]);
    let found = HDBSCAN
        .fit(equal.view(), &single, &Context::new(0))
        .unwrap();
    assert_eq!(found.labels, vec![0; 50]);
    assert!(found.probabilities.unwrap().iter().all(|p| *p == 1.0));
}

#[test]
fn repeated_rows_do_not_spoil_the_numbers() {
    // Three far heaps, each of 30 equal rows and 30 rows around them.
    let noise = cloud(180, 4, 2);
    let x = Array2::from_shape_fn((180, 4), |(i, j)| {
        (i % 3) as f32 * 100.0 + if i < 90 { 0.0 } else { noise[[i, j]] }
    });
    let found = HDBSCAN
        .fit(x.view(), &Args::new(), &Context::new(0))
        .unwrap();
    assert!(found.len() >= 3);
    for values in [found.probabilities.unwrap(), found.outlier_scores.unwrap()] {
        assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
    }
    assert!(
        found
            .persistence
            .unwrap()
            .iter()
            .all(|v| (0.0..=1.0).contains(v))
    );
}

#[test]
fn it_stops_at_every_tick() {
    let x = groups(260, 6, 4);
    let mut n = 1;
    loop {
        let mut context = Context::new(0);
        context.stop = Stop::at_tick(n);
        match HDBSCAN.fit(x.view(), &Args::new(), &context) {
            Err(Error::Cancelled(_)) => n += 1,
            Err(other) => panic!("{other}"),
            Ok(_) => break,
        }
    }
    assert!(n > 10);
}

#[test]
fn a_chain_of_a_hundred_thousand_joins_does_not_overflow_the_stack() {
    let edges: Vec<Edge> = (0..100_000)
        .map(|i| Edge::new(1.0 + i as f32, i, i + 1))
        .collect();
    let n = edges.len() + 1;
    let condensed = Condensed::new(&linkage::single(n, &edges), n, 5);
    assert_eq!(condensed.clusters.len(), 1);
    assert!(condensed.fell_at.iter().all(|lambda| *lambda > 0.0));
}
