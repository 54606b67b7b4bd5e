//! The order, the distances and the predecessors are those of the definition, visited one row at a time.

use ndarray::Array2;

use super::*;
use crate::neighbors::Points;

/// Rows on a fine grid around a few centres, so that there are ties and equal rows.
fn cloud(n: usize, d: usize, steps: f32, seed: u64) -> Array2<f32> {
    let mut state = seed;
    Array2::from_shape_fn((n, d), |(row, column)| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
        let centre = ((row % 5) * (column % 3)) as f32 * 4.0;
        ((centre + noise * (1.0 + (row % 5) as f32)) * steps).round() / steps
    })
}

fn brute(x: &Array2<f32>, min_samples: usize, max_eps: f64, metric: Metric) -> Graph {
    let points = Points::new(x.view(), metric).unwrap();
    let n = x.nrows();
    let distance = |a: usize, b: usize| points.distance(points.squared(a, b));
    let core_distances: Vec<f32> = (0..n)
        .map(|row| {
            let mut all: Vec<f32> = (0..n).map(|other| distance(row, other)).collect();
            all.sort_by(f32::total_cmp);
            match all.get(min_samples - 1) {
                Some(&core) if f64::from(core) <= max_eps => core,
                _ => f32::INFINITY,
            }
        })
        .collect();
    let mut graph = Graph {
        ordering: Vec::new(),
        core_distances,
        reachability: vec![f32::INFINITY; n],
        predecessor: vec![None; n],
    };
    let mut visited = vec![false; n];
    for _ in 0..n {
        let mut next = usize::MAX;
        for row in (0..n).filter(|&row| !visited[row]) {
            if next == usize::MAX || graph.reachability[row] < graph.reachability[next] {
                next = row;
            }
        }
        visited[next] = true;
        graph.ordering.push(next as u32);
        let core = graph.core_distances[next];
        for other in (0..n).filter(|&other| !visited[other] && core.is_finite()) {
            let here = distance(next, other);
            let reach = here.max(core);
            if f64::from(here) <= max_eps && reach < graph.reachability[other] {
                graph.reachability[other] = reach;
                graph.predecessor[other] = Some(next as u32);
            }
        }
    }
    graph
}

#[test]
fn the_graph_is_that_of_the_definition() {
    for (n, d, steps) in [
        (1, 2, 4.0),
        (4, 2, 4.0),
        (65, 1, 2.0),
        (300, 3, 4.0),
        (530, 8, 64.0),
        (280, 60, 1000.0),
    ] {
        let x = cloud(n, d, steps, n as u64);
        for metric in [Metric::Euclidean, Metric::Cosine] {
            for (min_samples, max_eps) in [
                (2, None),
                (5, None),
                (12, None),
                (5, Some(1.0)),
                (5, Some(0.01)),
                (3, Some(0.0)),
            ] {
                let found = graph(x.view(), min_samples, max_eps, metric, &Context::new(0));
                let limit = max_eps.unwrap_or(f64::INFINITY);
                assert_eq!(
                    found.unwrap(),
                    brute(&x, min_samples, limit, metric),
                    "{n} x {d}, min_samples {min_samples}, max_eps {max_eps:?}, {metric:?}"
                );
            }
        }
    }
}

#[test]
fn boxes_and_products_give_one_graph() {
    let (n, d) = (1300, 3);
    let x = cloud(n, d, 3.0, 5);
    let metric = Metric::Euclidean;
    let points = Points::new(x.view(), metric).unwrap();
    let (isa, context) = (isa().for_dims(d), Context::new(0));
    for (min_samples, max_eps) in [(4, f64::INFINITY), (30, f64::INFINITY), (5, 0.7)] {
        let by = |tree| {
            let density = Density {
                min_samples,
                max_eps,
                known: None,
            };
            order::visit_by(tree, isa, &points, metric, density, &context)
        };
        let tree = crate::neighbors::KdTree::new(&points);
        assert_eq!(
            by(Some(&tree)).unwrap(),
            by(None).unwrap(),
            "{min_samples} {max_eps}"
        );
    }
}

#[test]
fn hostile_rows_have_the_graph_of_the_definition() {
    let huge = cloud(120, 5, 100.0, 1).mapv(|x| x * 2e36);
    let tiny = cloud(120, 5, 100.0, 2).mapv(|x| x * 1e-38);
    let equal = Array2::from_elem((90, 4), 2.5_f32);
    for x in [huge, tiny, equal] {
        let found = graph(x.view(), 5, None, Metric::Euclidean, &Context::new(0)).unwrap();
        assert_eq!(found, brute(&x, 5, f64::INFINITY, Metric::Euclidean));
    }
}

#[test]
fn contradictions_are_sentences() {
    use messier_query::signature::Arg;
    let x = cloud(30, 2, 4.0, 1);
    let fit = |args: &[(&str, Arg)]| {
        let args = args
            .iter()
            .map(|(name, arg)| ((*name).to_owned(), arg.clone()));
        Optics
            .fit(x.view(), &args.collect(), &Context::new(0))
            .map(|found| found.labels)
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        fit(&[
            ("cluster_method", Arg::Text("dbscan".into())),
            ("eps", Arg::Float(2.0)),
            ("max_eps", Arg::Float(1.0)),
        ]),
        Err("optics: `eps` must be at most max_eps, 1, not 2".to_owned())
    );
    assert_eq!(
        fit(&[("min_cluster_size", Arg::Float(7.5))]),
        Err("optics: `min_cluster_size` must be a share of at most 1 or a whole number of rows, not 7.5".to_owned())
    );
    let share = fit(&[("min_cluster_size", Arg::Float(0.2))]);
    assert_eq!(share, fit(&[("min_cluster_size", Arg::Int(6))]));
}
