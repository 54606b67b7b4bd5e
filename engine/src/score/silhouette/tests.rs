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
    let pairs = Pairs::new(isa().for_dims(1), None, &points, &groups);
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

/// The silhouettes of the definition, in f64.
fn definition(x: &Array2<f32>, labels: &[i32], metric: Metric) -> Vec<f64> {
    let (n, count) = (x.nrows(), *labels.iter().max().unwrap() as usize + 1);
    let length = |i: usize| {
        x.row(i)
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let scale: Vec<f64> = match metric {
        Metric::Euclidean => vec![1.0; n],
        Metric::Cosine => (0..n)
            .map(|i| if length(i) > 0.0 { length(i) } else { 1.0 })
            .collect(),
    };
    (0..n)
        .map(|i| {
            let mut sums = vec![(0.0_f64, 0.0_f64); count];
            for j in (0..n).filter(|&j| j != i) {
                let gaps = x.row(i).into_iter().zip(x.row(j));
                let square: f64 = gaps
                    .map(|(&a, &b)| (f64::from(a) / scale[i] - f64::from(b) / scale[j]).powi(2))
                    .sum();
                let sum = &mut sums[labels[j] as usize];
                sum.0 += if metric == Metric::Cosine {
                    square / 2.0
                } else {
                    square.sqrt()
                };
                sum.1 += 1.0;
            }
            let own = labels[i] as usize;
            let others = sums.iter().enumerate().filter(|(c, _)| *c != own);
            let outside = others.map(|(_, s)| s.0 / s.1).fold(f64::INFINITY, f64::min);
            let inside = sums[own].0 / sums[own].1;
            if sums[own].1 == 0.0 || inside.max(outside) == 0.0 {
                0.0
            } else {
                (outside - inside) / inside.max(outside)
            }
        })
        .collect()
}

/// Rows and labels of many kinds: spread out, heavy-tailed, in tiny clusters, nearly equal.
fn kinds() -> Vec<(&'static str, Array2<f32>, Vec<i32>)> {
    use crate::random::normal;
    let noise = |i: usize, j: usize| normal(1, i as u64, j as u64);
    let centre = |c: usize, j: usize| normal(2, c as u64, j as u64);
    let (n, d) = (700, 96);
    let of = |count: usize| -> Vec<i32> { (0..n).map(|i| (i * i % count) as i32).collect() };
    let dense = |labels: Vec<i32>| {
        let mut seen: Vec<i32> = labels.clone();
        seen.sort_unstable();
        seen.dedup();
        labels
            .iter()
            .map(|l| seen.binary_search(l).unwrap() as i32)
            .collect::<Vec<i32>>()
    };
    let make = |labels: &[i32], value: &dyn Fn(usize, usize, usize) -> f64| {
        Array2::from_shape_fn((n, d), |(i, j)| value(labels[i] as usize, i, j) as f32)
    };
    let (few, tiny) = (
        dense(of(23)),
        dense((0..n).map(|i| (i / (2 + i % 4)) as i32).collect()),
    );
    vec![
        (
            "spread",
            make(&few, &|c, i, j| centre(c, j) + 1.5 * noise(i, j)),
            few.clone(),
        ),
        (
            "heavy",
            make(&few, &|c, i, j| centre(c, j) + noise(i, j).powi(5)),
            few.clone(),
        ),
        (
            "flat",
            make(&few, &|c, i, j| centre(c, j % 3) + 0.3 * noise(i, j % 5)),
            few.clone(),
        ),
        (
            "tiny",
            make(&tiny, &|c, i, j| centre(c, j) + noise(i, j)),
            tiny,
        ),
        (
            "near",
            make(&few, &|c, i, j| centre(c, j) + 1e-4 * noise(i / 2, j)),
            few.clone(),
        ),
        (
            "far",
            make(&few, &|c, i, j| {
                300.0 + 0.2 * centre(c, j) + 0.1 * noise(i, j)
            }),
            few,
        ),
    ]
}

#[test]
fn what_bounds_leave_gives_the_silhouettes_of_the_definition() {
    let context = Context::new(0);
    let step = context.step("test", 0);
    for (name, x, labels) in kinds() {
        let wanted = definition(&x, &labels, Metric::Euclidean);
        let groups = Groups::of(&labels);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let places: Vec<usize> = (0..groups.rows.len()).collect();
        let mut next = next::Next::new(isa().for_dims(1), &points, &groups, &step).unwrap();
        let left = |next: &next::Next<'_>| -> usize {
            next.lists(&places, &context)
                .unwrap()
                .iter()
                .map(Vec::len)
                .sum()
        };
        let loosely = left(&next);
        next.find_directions(&step).unwrap();
        assert!(
            left(&next) <= loosely && left(&next) >= places.len(),
            "{name}"
        );
        let (rounded, rounding) = Rounding::choose(&points, &groups);
        let exact = isa().for_dims(1);
        for (isa, rounding) in [(exact, None), (rounded, rounding)] {
            let pairs = Pairs::new(isa, rounding, &points, &groups);
            for found in [
                pairs.by_bounds(&next, &places, &context).unwrap(),
                pairs.all(&context).unwrap(),
            ] {
                for (&at, means) in places.iter().zip(found) {
                    let (got, row) = (f64::from(means.silhouette()), groups.rows[at]);
                    let gap = (got - wanted[row]).abs();
                    assert!(gap < 1e-5, "{name} {isa} row {row}: {got} {}", wanted[row]);
                }
            }
        }
    }
}

#[test]
fn cosine_distances_need_no_pairs() {
    for (name, mut x, labels) in kinds() {
        x.row_mut(5).fill(0.0);
        x.row_mut(6).fill(0.0);
        let wanted = definition(&x, &labels, Metric::Cosine);
        let found = silhouettes(x.view(), &labels, Metric::Cosine, &Context::new(0)).unwrap();
        for (row, (got, wanted)) in found.per_row.iter().zip(wanted).enumerate() {
            assert!(
                (f64::from(*got) - wanted).abs() < 1e-5,
                "{name} row {row}: {got} {wanted}"
            );
        }
    }
}

#[test]
fn clusters_that_lie_apart_are_ruled_out() {
    use crate::random::normal;
    let (n, d, count) = (2400, 48, 12);
    let x = Array2::from_shape_fn((n, d), |(i, j)| {
        let centre = normal(5, (i % count) as u64, j as u64) * (1.0 + (i % count) as f64 / 4.0);
        (centre + 0.5 * normal(6, i as u64, j as u64)) as f32
    });
    let labels: Vec<i32> = (0..n).map(|i| (i % count) as i32).collect();
    let groups = Groups::of(&labels);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let context = Context::new(0);
    let next = next::Next::new(
        isa().for_dims(1),
        &points,
        &groups,
        &context.step("test", 0),
    );
    let places: Vec<usize> = (0..n).collect();
    let lists = next.unwrap().lists(&places, &context).unwrap();
    let left: usize = lists.iter().map(Vec::len).sum();
    assert!(left < 3 * n, "{left}");
    let pairs = Pairs::new(isa().for_dims(1), None, &points, &groups);
    let all = pairs.all(&context).unwrap();
    let bounds = pairs.bounds(&context).unwrap().unwrap();
    assert!(bounds.rows < 0.4 * n as f64, "{}", bounds.rows);
    let some: Vec<usize> = places.iter().copied().step_by(3).collect();
    for (got, &at) in pairs
        .means_at(&some, Some(&bounds), &context)
        .unwrap()
        .iter()
        .zip(&some)
    {
        assert!((got.outside / all[at].outside - 1.0).abs() < 1e-6);
    }
    // No more pairs than half the square of 2,200 rows: all 2,400 are scored.
    let most = (2200, 10_000);
    let beyond = silhouettes_up_to(x.view(), &labels, Metric::Euclidean, most, &context).unwrap();
    assert_eq!((beyond.scored, beyond.standard_error), (n, None));
    for (got, wanted) in pairs
        .means_at(&places, Some(&bounds), &context)
        .unwrap()
        .iter()
        .zip(&all)
    {
        assert!((got.outside / wanted.outside - 1.0).abs() < 1e-6);
        assert!((got.inside / wanted.inside - 1.0).abs() < 1e-6);
    }
}

#[test]
fn little_effort_tells_the_silhouette_of_a_sample_with_its_error() {
    use crate::random::normal;
    let (n, count) = (10_400, 6);
    let x = Array2::from_shape_fn((n, 3), |(i, j)| {
        (normal(7, (i % count) as u64, j as u64) + 0.4 * normal(8, i as u64, j as u64)) as f32
    });
    let labels: Vec<i32> = (0..n).map(|i| (i % count) as i32).collect();
    let told = |effort: Effort, rows: usize| {
        let (x, labels) = (x.slice(ndarray::s![..rows, ..]), &labels[..rows]);
        silhouettes_with(x, labels, Metric::Euclidean, effort, &Context::new(0)).unwrap()
    };
    let (few, all) = (told(Effort::Quick, n), told(Effort::Usual, n));
    assert_eq!((few.scored, all.scored), (2500, n));
    let (error, off) = (
        few.standard_error.unwrap(),
        few.mean.unwrap() - all.mean.unwrap(),
    );
    assert!(error < 0.01 && off.abs() < 3.0 * error, "{off} {error}");
    for (few, all) in few.per_row.iter().zip(&all.per_row) {
        assert!(few.is_nan() || (few - all).abs() < 1e-5);
    }
    assert_eq!(told(Effort::Quick, 10_000).standard_error, None);
}

#[test]
fn odd_clusterings_have_a_score_or_a_note() {
    let one = Array2::from_elem((6, 3), 0.7_f32);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let score = |labels: &[i32]| {
            let context = Context::new(0);
            let x = one.slice(ndarray::s![..labels.len(), ..]);
            let found = crate::score::describe(x, labels, &Wanted::of(metric), &context).unwrap();
            assert!(
                found
                    .scores()
                    .all(|(_, score)| score.is_none_or(f64::is_finite))
            );
            let notes = context.notes.sorted().len();
            (found.silhouette, found.per_sample_silhouette, notes)
        };
        // Equal rows in two clusters: neither is nearer.
        let (mean, rows, _) = score(&[0, 0, 0, 1, 1, 1]);
        assert_eq!((mean, rows), (Some(0.0), vec![0.0; 6]));
        let (mean, rows, _) = score(&[0, 0, -1]);
        assert!(mean.is_none() && rows.iter().all(|value| value.is_nan()));
        for labels in [
            &[0, 0][..],
            &[0, 1],
            &[-1, -1],
            &[0],
            &[],
            &[0, 1, 2, 3, 4, 5],
        ] {
            let (mean, _, notes) = score(labels);
            assert!(mean.is_none() && notes > 0, "{labels:?}");
        }
    }
}
