//! The same bits everywhere, plain Lloyd's labels, and the awkward inputs.

use messier_query::signature::Arg;
use ndarray::Array2;

use super::assign::Known;
use super::centers::{Centers, Moves, Order};
use super::*;
use crate::context::Stop;
use crate::linalg::squared_distance;
use crate::neighbors::tests::cloud;

fn options(k: usize, start: Start) -> Options {
    Options {
        n_clusters: k,
        start,
        n_init: 1,
        max_iter: 50,
        tol: 0.0,
    }
}

/// Lloyd's rounds in plain f64.
fn plain(x: &Array2<f32>, mut centers: Array2<f64>, rounds: usize) -> (Vec<u32>, Array2<f64>) {
    let k = centers.nrows();
    let wide = x.mapv(f64::from);
    let assign = |centers: &Array2<f64>| -> Vec<u32> {
        wide.rows()
            .into_iter()
            .map(|row| {
                let distance = |c: usize| (&row - &centers.row(c)).mapv(|g| g * g).sum();
                (0..k)
                    .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
                    .unwrap() as u32
            })
            .collect()
    };
    for _ in 0..rounds {
        let labels = assign(&centers);
        let mut sums = Array2::<f64>::zeros(centers.dim());
        let mut sizes = vec![0.0; k];
        for (row, &label) in wide.rows().into_iter().zip(&labels) {
            let mut sum = sums.row_mut(label as usize);
            sum += &row;
            sizes[label as usize] += 1.0;
        }
        for (c, size) in sizes.iter().enumerate() {
            centers.row_mut(c).assign(&(&sums.row(c) / *size));
        }
    }
    (assign(&centers), centers)
}

#[test]
fn labels_are_those_of_plain_rounds() {
    for (n, d, k) in [(90, 2, 3), (400, 17, 10), (1500, 40, 33), (2100, 5, 6)] {
        let x = cloud(n, d, 5);
        // Every seventh row repeats another; equal centres would leave clusters empty.
        let different: Vec<usize> = (0..n).filter(|row| row % 7 != 0).take(k).collect();
        let start = x.select(ndarray::Axis(0), &different);
        let mut options = options(k, Start::Centers(start.clone()));
        options.max_iter = 4;
        let found = kmeans(x.view(), &options, &Context::new(0)).unwrap();
        let (labels, centers) = plain(&x, start.mapv(f64::from), found.iterations);
        assert_eq!(found.labels, labels, "{n} x {d}, k={k}");
        for (a, b) in found.centers.iter().zip(&centers) {
            assert!((f64::from(*a) - b).abs() < 1e-4);
        }
        let inertia: f64 = x
            .rows()
            .into_iter()
            .zip(&labels)
            .map(|(row, &c)| {
                row.iter()
                    .zip(centers.row(c as usize))
                    .map(|(a, b)| (f64::from(*a) - b).powi(2))
                    .sum::<f64>()
            })
            .sum();
        assert!((found.inertia - inertia).abs() < 1e-4 * inertia);
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_any_path() {
    let x = cloud(3000, 24, 6);
    for start in [Start::KMeansPlusPlus, Start::Random] {
        let options = options(20, start);
        let run = |threads, isa| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                kmeans_on(isa, x.view(), &options, &Context::new(9))
                    .unwrap()
                    .0
            })
        };
        let one = run(1, Isa::PORTABLE);
        for isa in Isa::available() {
            for threads in [1, 2, 4] {
                assert_eq!(run(threads, isa), one, "{isa}, {threads} threads");
            }
        }
    }
}

#[test]
fn seeds_matter_and_repeat() {
    let x = cloud(500, 8, 1);
    let run = |seed| kmeans(x.view(), &options(7, Start::Random), &Context::new(seed)).unwrap();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).labels, run(2).labels);
}

#[test]
fn the_greedy_start_is_better_than_random_rows() {
    // 25 far places: random rows hit some of them twice.
    let noise = cloud(800, 6, 2);
    let x = Array2::from_shape_fn((800, 6), |(i, j)| {
        noise[[i, j]] * 0.1 + ((i % 25) * (j + 7) % 31) as f32
    });
    let inertia = |start: Start| -> f64 {
        let one = Options {
            max_iter: 1,
            ..options(25, start)
        };
        (0..10)
            .map(|seed| kmeans(x.view(), &one, &Context::new(seed)).unwrap().inertia)
            .sum()
    };
    assert!(inertia(Start::KMeansPlusPlus) < 0.2 * inertia(Start::Random));
}

#[test]
fn an_empty_cluster_takes_the_farthest_row() {
    let mut x = Array2::from_shape_fn((40, 2), |(i, j)| ((i * (j + 3)) % 11) as f32 * 0.1);
    x.row_mut(23).fill(50.0);
    // The third centre is nearer to nothing.
    let start = ndarray::arr2(&[[0.0, 0.5], [1.0, 0.5], [-900.0, -900.0]]);
    let found = kmeans(
        x.view(),
        &options(3, Start::Centers(start)),
        &Context::new(0),
    )
    .unwrap();
    assert_eq!(found.labels[23], 2);
    assert_eq!(found.labels.iter().filter(|label| **label == 2).count(), 1);
}

#[test]
fn fewer_different_rows_than_clusters_is_an_answer_with_a_note() {
    let x = Array2::from_shape_fn((30, 3), |(i, _)| (i % 2) as f32);
    let context = Context::new(0);
    let args = Args::from([("n_clusters".to_owned(), Arg::Int(5))]);
    let found = KMEANS.fit(x.view(), &args, &context).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found.centers.as_ref().unwrap().nrows(), 2);
    assert!(
        context.notes.sorted()[0]
            .message
            .contains("2 different rows")
    );
    assert_eq!(found.scores[0], ("inertia", 0.0));
}

#[test]
fn extreme_sizes_give_finite_answers() {
    for factor in [1e-42_f32, 1e-30, 1e30, 2e37] {
        let x = cloud(200, 4, 3).mapv(|x| x * factor);
        let found = kmeans(
            x.view(),
            &options(5, Start::KMeansPlusPlus),
            &Context::new(0),
        )
        .unwrap();
        assert!(found.centers.iter().all(|c| c.is_finite()));
        assert!(found.inertia.is_finite());
        for (row, &label) in x.rows().into_iter().zip(&found.labels) {
            let wide = |c: usize| -> f64 {
                row.iter()
                    .zip(found.centers.row(c))
                    .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                    .sum()
            };
            assert!(
                (0..5).all(|c| wide(label as usize) <= wide(c) * 1.01 + 1e-80),
                "{factor}"
            );
        }
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let x = cloud(5, 3, 1);
    let error = |args: &[(&str, Arg)], x: &Array2<f32>| {
        let args = args
            .iter()
            .map(|(name, arg)| ((*name).to_owned(), arg.clone()))
            .collect();
        KMEANS
            .fit(x.view(), &args, &Context::new(0))
            .unwrap_err()
            .to_string()
    };
    assert!(error(&[], &x).contains("8 clusters of 5 rows"));
    assert!(error(&[], &Array2::zeros((0, 3))).contains("0 rows"));
    assert!(
        error(
            &[("n_clusters", Arg::Int(0)), ("tol", Arg::Float(-1.0))],
            &x
        )
        .contains("tol")
    );
    let mut bad = x.clone();
    bad[[3, 1]] = f32::NAN;
    assert!(error(&[("n_clusters", Arg::Int(2))], &bad).contains("row 3"));
    let start = Start::Centers(Array2::zeros((2, 7)));
    let error = kmeans(x.view(), &options(2, start), &Context::new(0))
        .unwrap_err()
        .to_string();
    assert!(error.contains("2 x 7"), "{error}");
}

#[test]
fn it_stops_at_every_tick() {
    let x = cloud(1500, 5, 4);
    let mut n = 1;
    loop {
        let mut context = Context::new(0);
        context.stop = Stop::at_tick(n);
        match KMEANS.fit(x.view(), &Args::new(), &context) {
            Err(Error::Cancelled(_)) => n += 1,
            Err(other) => panic!("{other}"),
            Ok(_) => break,
        }
    }
    assert!(n > 10);
}

#[test]
fn a_last_assignment_makes_labels_fit_the_centres() {
    let x = cloud(700, 9, 7);
    let one = Options {
        max_iter: 2,
        ..options(12, Start::Random)
    };
    let found = kmeans(x.view(), &one, &Context::new(3)).unwrap();
    assert_eq!(found.iterations, 2);
    let rows = x.as_standard_layout();
    for (row, &label) in rows.rows().into_iter().zip(&found.labels) {
        let to = |c: usize| {
            squared_distance(
                row.as_slice().unwrap(),
                found.centers.row(c).as_slice().unwrap(),
            )
        };
        assert!((0..12).all(|c| to(label as usize) <= to(c) * 1.0001));
    }
}

/// The nearest centre of each row by the distances that decide.
fn brute(rows: &Rows<'_>, centers: &[f32], d: usize) -> Vec<u32> {
    let mut row = vec![0.0; d];
    let nearest = (0..rows.len()).map(|at| {
        rows.row(at, &mut row);
        let mut best = (f32::INFINITY, 0);
        for (c, center) in centers.chunks_exact(d).enumerate() {
            let squared = squared_distance(&row, center);
            if squared < best.0 {
                best = (squared, c as u32);
            }
        }
        best.1
    });
    nearest.collect()
}

#[test]
fn bounds_and_groups_never_change_a_label() {
    let (n, d, k) = (1100, 60, 90);
    let mut x = cloud(n, d, 12);
    for at in 0..40 {
        // Rows that repeat others, and centres that do: ties.
        let row = x.row(at * 3).to_owned();
        x.row_mut(n - 1 - at).assign(&row);
    }
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    for isa in Isa::available() {
        for (width, bytes) in [(1, usize::MAX), (2, usize::MAX), (1, 0), (4, 0)] {
            let rows = Rows::keeping(isa, &points, bytes);
            let mut centers = seeding::random_rows(&rows, k, Draws::new(2, 0));
            centers.copy_within(0..5 * d, 20 * d);
            let mut order = Order::near(&centers, d, n);
            order.width = width;
            let mut known = Known::new(n, &order);
            let context = Context::new(0);
            let step = context.step("assign", 0);
            let mut moves = None;
            for round in 0..12 {
                let packed = Centers::new(isa, centers.clone(), d, &order, rows.usual);
                let before = known.labels.clone();
                let changed = known
                    .update(&rows, &packed, &order, moves.as_ref(), &step)
                    .unwrap();
                assert_eq!(
                    known.labels,
                    brute(&rows, &centers, d),
                    "{isa} {width} {round}"
                );
                let plain = (0..n).filter(|&at| known.labels[at] != before[at]);
                let plain: Vec<(u32, u32)> = plain.map(|at| (at as u32, before[at])).collect();
                assert_eq!(changed, plain);
                // Some centres rest, some creep, a few jump; the two of a pair move alike.
                let mut next = centers.clone();
                for (c, center) in next.chunks_exact_mut(d).enumerate() {
                    let c = if (20..25).contains(&c) { c - 20 } else { c };
                    let by = match (c * 7 + round) % 5 {
                        0 => 0.02,
                        1 if round % 4 == 3 => 0.5,
                        2 => 0.001,
                        _ => 0.0,
                    };
                    for (j, x) in center.iter_mut().enumerate() {
                        *x += by * (((c + j + round) % 9) as f32 - 4.0) / 4.0;
                    }
                }
                if round == 5 {
                    order = Order::near(&next, d, n);
                    order.width = width;
                    known.regroup(&order);
                }
                moves = Some(Moves::new(&centers, &next, d, &order));
                centers = next;
            }
        }
    }
}

#[test]
fn a_greedy_start_knows_the_nearest_centre_of_each_row() {
    let (n, d, k) = (20_000, 9, 40);
    let x = cloud(n, d, 5);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let mut first = None;
    for isa in Isa::available() {
        let rows = Rows::new(isa, &points);
        let start = seeding::plus_plus(&rows, k, Draws::new(4, 0), &Context::new(0)).unwrap();
        assert_eq!(start.centers.len(), k * d);
        let (labels, squared) = start.nearest.as_ref().unwrap();
        assert_eq!(*labels, brute(&rows, &start.centers, d));
        let mut row = vec![0.0; d];
        for at in [0, 77, n - 1] {
            rows.row(at, &mut row);
            let center = &start.centers[labels[at] as usize * d..][..d];
            assert_eq!(squared[at], squared_distance(&row, center));
        }
        let centers = first.get_or_insert_with(|| start.centers.clone());
        assert_eq!(*centers, start.centers, "{isa}");
    }
}
