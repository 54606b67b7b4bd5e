//! The neighbours are those of brute force, to the bit, whatever the path, the threads and the data.

use ndarray::Array2;

use super::*;
use crate::context::Stop;
use crate::linalg::Isa;

/// A repeatable cloud of rows around a few centres, away from the origin, with every seventh row repeated.
pub(crate) fn cloud(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut x = Array2::from_shape_fn((n, d), |(row, column)| {
        3.0 + ((row % 5) * (column % 3)) as f32 + next()
    });
    for row in (7..n).step_by(7) {
        let earlier = x.row(row / 2).to_owned();
        x.row_mut(row).assign(&earlier);
    }
    x
}

fn brute(x: &Array2<f32>, k: usize, metric: Metric) -> Neighbors {
    let points = Points::new(x.view(), metric).unwrap();
    let n = x.nrows();
    let k = k.min(n.saturating_sub(1));
    let mut found = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    for i in 0..n {
        let mut all: Vec<(f32, usize)> = (0..n)
            .filter(|&j| j != i)
            .map(|j| (points.squared(i, j), j))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (at, (squared, j)) in all.into_iter().take(k).enumerate() {
            found.indices[[i, at]] = j as u32;
            found.distances[[i, at]] = points.distance(squared);
        }
    }
    found
}

fn check(x: &Array2<f32>, k: usize, metric: Metric) {
    let expected = brute(x, k, metric);
    for isa in Isa::available() {
        let points = Points::new(x.view(), metric).unwrap();
        let tree =
            (points.dims() <= MOST_DIMS && k > 0 && x.nrows() > 1).then(|| KdTree::new(&points));
        for tree in [None, tree.as_ref()] {
            let mut found = knn_by(tree, isa, &points, k, &Context::new(0)).unwrap();
            found
                .distances
                .mapv_inplace(|squared| points.distance(squared));
            assert_eq!(
                found,
                expected,
                "{isa} {:?} k={k} {metric:?} {}",
                x.dim(),
                tree.is_some()
            );
        }
    }
}

#[test]
fn neighbours_are_those_of_brute_force_on_every_path() {
    for (n, d, k) in [
        (1, 3, 4),
        (2, 1, 1),
        (3, 2, 10),
        (40, 5, 3),
        (64, 16, 7),
        (65, 17, 15),
        (257, 33, 10),
        (700, 9, 20),
        (900, 2, 40),
        (1500, 3, 5),
        (530, 64, 5),
    ] {
        for metric in [Metric::Euclidean, Metric::Cosine] {
            check(&cloud(n, d, 7 + n as u64), k, metric);
        }
    }
}

#[test]
fn hostile_rows_have_the_neighbours_of_brute_force() {
    let sizes = Array2::from_shape_fn((150, 6), |(i, j)| {
        2.0_f32.powi((i as i32 % 50) - 25) * (j as f32 - 2.5)
    });
    let equal = Array2::from_elem((300, 4), 2.5_f32);
    let zeros = Array2::zeros((70, 3));
    let huge = cloud(200, 5, 1).mapv(|x| x * 2e37);
    let tiny = cloud(200, 5, 2).mapv(|x| x * 1e-38);
    let offset = cloud(200, 5, 3).mapv(|x| x + 1e6);
    let line = Array2::from_shape_fn((300, 1), |(i, _)| (i / 3) as f32);
    for x in [sizes, equal, zeros, huge, tiny, offset, line] {
        for metric in [Metric::Euclidean, Metric::Cosine] {
            check(&x, 10, metric);
        }
    }
}

#[test]
fn neighbours_do_not_depend_on_threads() {
    let x = cloud(600, 20, 5);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| knn(x.view(), 12, Metric::Euclidean, &Context::new(0)).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

#[test]
fn rows_in_any_memory_order_and_without_coordinates_work() {
    let x = cloud(50, 6, 9);
    let turned = x.t().as_standard_layout().into_owned();
    let found = knn(turned.t(), 4, Metric::Euclidean, &Context::new(0)).unwrap();
    assert_eq!(found, brute(&x, 4, Metric::Euclidean));
    let nothing = Array2::<f32>::zeros((5, 0));
    let found = knn(nothing.view(), 2, Metric::Euclidean, &Context::new(0)).unwrap();
    assert_eq!(found.indices.row(3).to_vec(), [0, 1]);
    assert_eq!(
        knn(
            Array2::zeros((0, 3)).view(),
            2,
            Metric::Cosine,
            &Context::new(0)
        )
        .unwrap()
        .indices
        .dim(),
        (0, 0)
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_row() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = cloud(50, 6, 9);
        x[[17, 2]] = bad;
        let error = knn(x.view(), 4, Metric::Euclidean, &Context::new(0))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("row 17") && error.contains("position 2"),
            "{error}"
        );
    }
}

#[test]
fn it_stops_at_every_tick() {
    let x = cloud(300, 20, 4);
    let mut n = 1;
    loop {
        let mut context = Context::new(0);
        context.stop = Stop::at_tick(n);
        match knn(x.view(), 5, Metric::Euclidean, &context) {
            Err(Error::Cancelled(_)) => n += 1,
            Err(other) => panic!("{other}"),
            Ok(_) => break,
        }
    }
    assert!(n > 5);
}
