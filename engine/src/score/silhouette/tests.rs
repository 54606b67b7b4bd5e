//! Against the definition, and against scikit-learn.

use ndarray::{Array2, array};
use serde::Deserialize;

use super::*;
use crate::linalg::isa;
use crate::score::Wanted;

#[test]
fn known_by_hand() {
    // Rows 0 and 1 are 1 apart; row 2 is 10 from row 0 and 9 from row 1, alone in its cluster with row 3 (noise).
    let x = array![[0.0f32], [1.0], [10.0], [50.0]];
    let scores = silhouettes(
        x.view(),
        &[0, 0, 1, -1],
        Metric::Euclidean,
        &Context::new(0),
    )
    .unwrap();
    for (got, wanted) in scores.per_row.iter().zip([0.9, 8.0 / 9.0, 0.0]) {
        assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
    }
    assert!(scores.per_row[3].is_nan());
    assert!((scores.mean.unwrap() - (0.9 + 8.0 / 9.0) / 3.0).abs() < 1e-7);
}

#[test]
fn not_defined_for_one_cluster_or_for_singles() {
    let x = array![[0.0f32], [1.0], [2.0]];
    for labels in [[0, 0, 0], [0, 1, 2], [-1, -1, -1]] {
        let context = Context::new(0);
        let scores = silhouettes(x.view(), &labels, Metric::Euclidean, &context).unwrap();
        assert_eq!(scores.mean, None);
        assert!(!context.notes.sorted().is_empty());
    }
}

#[derive(Deserialize)]
struct Case {
    metric: String,
    rows: Vec<Vec<f32>>,
    labels: Vec<i32>,
    samples: Vec<f32>,
    silhouette: f64,
    calinski_harabasz: f64,
    davies_bouldin: f64,
}

#[test]
fn agrees_with_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!(
        "../../../tests/fixtures/score/clusterings.json"
    ))
    .unwrap();
    for case in cases {
        let x = Array2::from_shape_vec((case.rows.len(), case.rows[0].len()), case.rows.concat())
            .unwrap();
        let metric = if case.metric == "cosine" {
            Metric::Cosine
        } else {
            Metric::Euclidean
        };
        let described = crate::score::describe(
            x.view(),
            &case.labels,
            &Wanted::of(metric),
            &Context::new(0),
        )
        .unwrap();
        for (got, wanted) in described.per_sample_silhouette.iter().zip(&case.samples) {
            assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
        }
        let close = |got: Option<f64>, wanted: f64| (got.unwrap() / wanted - 1.0).abs() < 1e-5;
        assert!(
            close(described.silhouette, case.silhouette),
            "{:?}",
            described.silhouette
        );
        assert!(close(described.calinski_harabasz, case.calinski_harabasz));
        assert!(close(described.davies_bouldin, case.davies_bouldin));
    }
}

#[test]
fn tight_clusters_far_from_the_origin_keep_their_digits() {
    // Two pairs of near rows: within 1e-4, apart 1, at 1000 from the origin.
    let x = array![
        [1000.0f32, 0.0],
        [1000.0, 1e-4],
        [1000.0, 1.0],
        [1000.0, 1.0001]
    ];
    let scores = silhouettes(x.view(), &[0, 0, 1, 1], Metric::Euclidean, &Context::new(0)).unwrap();
    for value in scores.per_row {
        assert!((f64::from(value) - 0.9999).abs() < 2e-6, "{value}");
    }
}

#[test]
fn tiles_and_stretches_do_not_show() {
    // More rows than a tile, clusters of odd sizes across its edges, against the definition.
    let n = 1200;
    let x = Array2::from_shape_fn((n, 3), |(i, j)| {
        ((i * 7919 + j * 104_729) % 1009) as f32 / 100.0
    });
    let labels: Vec<i32> = (0..n)
        .map(|i| {
            if i % 11 == 0 {
                -1
            } else {
                ((i * i) % 7) as i32 % 4
            }
        })
        .collect();
    let dense: Vec<i32> = crate::cluster::Clustering {
        labels,
        ..Default::default()
    }
    .by_size()
    .labels;
    let scores = silhouettes(x.view(), &dense, Metric::Euclidean, &Context::new(0)).unwrap();
    let count = *dense.iter().max().unwrap() as usize + 1;
    for i in (0..n).step_by(37).filter(|&i| dense[i] >= 0) {
        let mut sums = vec![(0.0_f64, 0.0_f64); count];
        for j in (0..n).filter(|&j| dense[j] >= 0 && j != i) {
            let squares = (0..3).map(|c| f64::from(x[(i, c)] - x[(j, c)]).powi(2));
            let sum = &mut sums[dense[j] as usize];
            *sum = (sum.0 + squares.sum::<f64>().sqrt(), sum.1 + 1.0);
        }
        let own = dense[i] as usize;
        let inside = sums[own].0 / sums[own].1;
        let outside = (0..count)
            .filter(|&c| c != own)
            .map(|c| sums[c].0 / sums[c].1)
            .fold(f64::INFINITY, f64::min);
        let wanted = (outside - inside) / outside.max(inside);
        assert!((f64::from(scores.per_row[i]) - wanted).abs() < 1e-5);
    }
}

#[test]
fn a_sample_of_the_rows_gives_nearly_the_same_mean_and_says_how_nearly() {
    let (x, labels) = three_lines(900);
    let context = Context::new(0);
    let all = silhouettes(x.view(), &labels, Metric::Euclidean, &context).unwrap();
    assert_eq!((all.scored, all.standard_error), (900, None));
    let groups = Groups::of(&labels);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let pairs = Pairs::new(isa().for_dims(1), None, &points, &groups, Metric::Euclidean);
    let places = groups.spread(300);
    for (&at, means) in places.iter().zip(pairs.of(&places, &context).unwrap()) {
        let exact = all.per_row[groups.rows[at]];
        assert!((means.silhouette() - exact).abs() < 1e-5, "place {at}");
    }
    for cluster in 0..groups.len() {
        let share = places
            .iter()
            .filter(|&&at| groups.cluster(at) == cluster)
            .count();
        let size = groups.starts[cluster + 1] - groups.starts[cluster];
        assert!(
            (share as f64 - size as f64 / 3.0).abs() <= 1.0,
            "{share} of {size}"
        );
    }
}

#[test]
fn threads_do_not_show() {
    let (x, labels) = three_lines(700);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let context = Context::new(0);
            silhouettes(x.view(), &labels, Metric::Euclidean, &context).unwrap()
        })
    };
    let bits = |found: &Silhouettes| -> Vec<u32> {
        let all = found
            .per_row
            .iter()
            .chain(&found.inside)
            .chain(&found.outside);
        all.map(|value| value.to_bits()).collect()
    };
    let first = on(1);
    for threads in [2, 3] {
        assert_eq!(bits(&on(threads)), bits(&first));
    }
}

/// Rows on three crossing lines in five dimensions.
fn three_lines(n: usize) -> (Array2<f32>, Vec<i32>) {
    let x = Array2::from_shape_fn((n, 5), |(i, j)| {
        let along = ((i * 7919) % 1009) as f32 / 100.0;
        if i % 3 == j {
            along
        } else {
            ((i * 31 + j * 17) % 53) as f32 / 53.0
        }
    });
    let labels = (0..n).map(|i| [0, 1, 2, 2][i % 4]).collect();
    (x, labels)
}
