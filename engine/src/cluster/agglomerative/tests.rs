//! The merges are those of the definition: the nearest two clusters, again and again.

use ndarray::{Array2, array};

use super::*;
use messier_query::signature::Arg;

/// A repeatable cloud of rows, no two distances equal.
fn cloud(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut state = seed;
    Array2::from_shape_fn((n, d), |(row, column)| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
        ((row % 4) * (column % 3)) as f32 + 2.0 * noise
    })
}

/// The distances of all merges, nearest first, by searching all pairs of clusters before every merge.
fn brute(x: &Array2<f32>, linkage: &str, metric: &str) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = x
        .outer_iter()
        .map(|row| row.iter().map(|v| f64::from(*v)).collect())
        .collect();
    let between = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = || a.iter().zip(b);
        match metric {
            "euclidean" => pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt(),
            "l1" => pairs().map(|(x, y)| (x - y).abs()).sum(),
            _ => {
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
                1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
            }
        }
    };
    let mean = |cluster: &[usize]| -> Vec<f64> {
        (0..x.ncols())
            .map(|at| cluster.iter().map(|&row| rows[row][at]).sum::<f64>() / cluster.len() as f64)
            .collect()
    };
    let distance = |a: &[usize], b: &[usize]| -> f64 {
        let all = || {
            a.iter()
                .flat_map(|&a| b.iter().map(move |&b| (a, b)))
                .map(|(a, b)| between(&rows[a], &rows[b]))
        };
        match linkage {
            "ward" => {
                let (s, t) = (a.len() as f64, b.len() as f64);
                between(&mean(a), &mean(b)) * (2.0 * s * t / (s + t)).sqrt()
            }
            "complete" => all().fold(0.0, f64::max),
            "single" => all().fold(f64::INFINITY, f64::min),
            _ => all().sum::<f64>() / (a.len() * b.len()) as f64,
        }
    };
    let mut clusters: Vec<Vec<usize>> = (0..x.nrows()).map(|row| vec![row]).collect();
    let mut found = Vec::new();
    while clusters.len() > 1 {
        let mut best = (f64::INFINITY, 0, 0);
        for a in 0..clusters.len() {
            for b in a + 1..clusters.len() {
                let here = distance(&clusters[a], &clusters[b]);
                if here < best.0 {
                    best = (here, a, b);
                }
            }
        }
        found.push(best.0);
        let gone = clusters.swap_remove(best.2);
        clusters[best.1].extend(gone);
    }
    found
}

fn merges(x: &Array2<f32>, linkage: &str, metric: &str, isa: Isa) -> Vec<Merge> {
    let measure = Measure {
        metric: if metric == "cosine" {
            Metric::Cosine
        } else {
            Metric::Euclidean
        },
        l1: metric == "l1",
    };
    let points = Points::new(x.view(), measure.metric).unwrap();
    let context = Context::new(0);
    let merges = match linkage {
        "ward" => ward(isa, &points, &context),
        "single" => single(isa, &points, measure, &context),
        "complete" => by_table(&points, measure, Linkage::Complete, &context),
        _ => by_table(&points, measure, Linkage::Average, &context),
    };
    let mut merges = merges.unwrap();
    assert_eq!(merges.len(), x.nrows() - 1);
    merges.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    merges
}

#[test]
fn merge_distances_are_those_of_the_definition() {
    let mut repeated = cloud(40, 3, 5);
    for row in 0..12 {
        let first = repeated.row(row % 3).to_owned();
        repeated.row_mut(20 + row).assign(&first);
    }
    for x in [
        cloud(2, 2, 1),
        cloud(3, 1, 1),
        cloud(60, 3, 2),
        cloud(45, 70, 3),
        repeated,
    ] {
        for (linkage, metric) in [
            ("ward", "euclidean"),
            ("complete", "euclidean"),
            ("average", "euclidean"),
            ("single", "euclidean"),
            ("complete", "cosine"),
            ("average", "cosine"),
            ("single", "cosine"),
            ("complete", "l1"),
            ("average", "l1"),
            ("single", "l1"),
        ] {
            if metric == "cosine" && x.ncols() == 1 {
                continue;
            }
            let expected = brute(&x, linkage, metric);
            for isa in Isa::available() {
                let found = merges(&x, linkage, metric, isa);
                for (merge, expected) in found.iter().zip(&expected) {
                    assert!(
                        (merge.distance - expected).abs() < 2e-5 * (1.0 + expected),
                        "{linkage} {metric} {:?} {isa}: {} {expected}",
                        x.dim(),
                        merge.distance
                    );
                }
            }
        }
    }
}

#[test]
fn a_grid_full_of_ties_is_merged_in_few_rounds_and_completely() {
    let grid = Array2::from_shape_fn((900, 2), |(i, j)| {
        (if j == 0 { i / 30 } else { i % 30 }) as f32
    });
    for linkage in ["ward", "complete", "average", "single"] {
        let found = merges(&grid, linkage, "euclidean", isa());
        let leaves = cut(900, found, Cut::Clusters(1));
        assert!(leaves.labels.iter().all(|&label| label == 0), "{linkage}");
    }
    // The distances of one line of growing gaps allow one merge at a time.
    let line = Array2::from_shape_fn((300, 1), |(i, _)| (i * i) as f32);
    let found = merges(&line, "single", "l1", isa());
    let gaps: Vec<f64> = (1..300).map(|i| f64::from(2 * i - 1)).collect();
    assert_eq!(found.iter().map(|m| m.distance).collect::<Vec<_>>(), gaps);
    merges(&line, "ward", "euclidean", isa());
    merges(&line, "complete", "euclidean", isa());
}

fn fit(x: &Array2<f32>, args: &[(&str, Arg)]) -> Result<Clustering, Error> {
    let args = args
        .iter()
        .map(|(name, arg)| ((*name).to_owned(), arg.clone()));
    Agglomerative.fit(x.view(), &args.collect(), &Context::new(0))
}

#[test]
fn a_distance_threshold_cuts_below_it() {
    let x = array![[0.0f32], [1.0], [3.0], [13.0]];
    let labels = |threshold: f64| {
        let args = [
            ("linkage", Arg::Text("single".into())),
            ("distance_threshold", Arg::Float(threshold)),
        ];
        fit(&x, &args).unwrap().labels
    };
    assert_eq!(labels(0.0), [0, 1, 2, 3]);
    assert_eq!(labels(1.0), [0, 1, 2, 3]);
    assert_eq!(labels(2.0), [0, 0, 1, 2]);
    assert_eq!(labels(2.5), [0, 0, 0, 1]);
    assert_eq!(labels(1e300), [0, 0, 0, 0]);
    let two = fit(&x, &[]).unwrap();
    assert_eq!(two.labels, [0, 0, 0, 1]);
    let ends = fit(&x, &[("linkage", Arg::Text("single".into()))]).unwrap();
    assert_eq!(
        ends.scores,
        [("last_merge_distance", 2.0), ("next_merge_distance", 10.0)]
    );
}

#[test]
fn contradictions_are_sentences() {
    let x = cloud(9, 2, 1);
    let both = fit(
        &x,
        &[
            ("n_clusters", Arg::Int(3)),
            ("distance_threshold", Arg::Float(1.0)),
        ],
    );
    assert_eq!(
        both.unwrap_err().to_string(),
        "agglomerative: `distance_threshold` and `n_clusters` exclude each other; give one of them"
    );
    for metric in ["cosine", "l1", "manhattan"] {
        let wrong = fit(&x, &[("metric", Arg::Text(metric.into()))]);
        assert_eq!(
            wrong.unwrap_err().to_string(),
            format!(
                "agglomerative: `metric` must be euclidean for the linkage ward, not {metric}; complete, average and single take it"
            )
        );
    }
    assert_eq!(
        fit(&x, &[("n_clusters", Arg::Int(10))])
            .unwrap_err()
            .to_string(),
        "agglomerative clustering cannot leave 10 clusters of 9 rows; n_clusters must be from 1 to the number of rows"
    );
}

#[test]
fn all_metrics_and_linkages_take_hostile_rows() {
    let rows = [
        Array2::from_elem((40, 3), 2.5_f32),
        Array2::zeros((30, 2)),
        cloud(50, 4, 1).mapv(|x| x * 1e37),
        cloud(50, 4, 2).mapv(|x| x * 1e-38),
        cloud(50, 1, 3),
        cloud(30, 2, 4).mapv(|x| x.round()),
    ];
    for x in rows {
        for linkage in ["ward", "complete", "average", "single"] {
            for metric in ["euclidean", "cosine", "l1"] {
                if linkage == "ward" && metric != "euclidean" {
                    continue;
                }
                let args = [
                    ("n_clusters", Arg::Int(5)),
                    ("linkage", Arg::Text(linkage.into())),
                    ("metric", Arg::Text(metric.into())),
                ];
                let found = fit(&x, &args).unwrap();
                assert_eq!(found.len(), 5, "{linkage} {metric}");
                assert!(found.scores.iter().all(|(_, value)| value.is_finite()));
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let x = cloud(700, 20, 9);
    for linkage in ["ward", "complete", "average", "single"] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| merges(&x, linkage, "euclidean", isa()))
        };
        assert_eq!(run(1), run(3), "{linkage}");
    }
}
