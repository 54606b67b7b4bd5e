//! The same bits everywhere, plain Lloyd's labels, and the awkward inputs.

use messier_query::signature::Arg;
use ndarray::Array2;

use super::*;
use crate::context::Stop;
use crate::linalg::squared_distance;
use crate::neighbors::tests::cloud;

pub(super) fn options(k: usize, start: Start) -> Options {
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
            pool.install(|| kmeans_on(isa, x.view(), &options, &Context::new(9)).unwrap())
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
