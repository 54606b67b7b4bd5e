//! Cuts against Lloyd's rounds written plainly, on the same rows from the same start.

use ndarray::Array2;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::context::Context;
use crate::linalg::squared_distance;
use crate::neighbors::Metric;
use crate::neighbors::tests::cloud;

fn how() -> How {
    How {
        random: false,
        n_init: 1,
        max_iter: 300,
        tol: 0.0,
    }
}

/// The rows in working units.
fn working(points: &Points<'_>) -> Vec<Vec<f32>> {
    let rows = (0..points.len()).map(|at| {
        let mut row = vec![0.0; points.dims()];
        points.working_row(isa(), at, &mut row);
        row
    });
    rows.collect()
}

/// The mean of some rows, at least one.
fn mean_of<'a>(rows: impl Iterator<Item = &'a Vec<f32>>) -> Vec<f32> {
    let (mut sum, mut count) = (Vec::new(), 0);
    for row in rows {
        count += 1;
        sum.resize(row.len(), 0.0);
        sum.iter_mut()
            .zip(row)
            .for_each(|(sum, &x)| *sum += f64::from(x));
    }
    mean(&sum, count)
}

/// Labels and centres after rounds in which every row meets both centres.
fn plainly(rows: &[Vec<f32>], mut centers: [Vec<f32>; 2]) -> (Vec<u8>, [Vec<f32>; 2]) {
    let mut labels = Vec::new();
    loop {
        let nearest = rows.iter().map(|row| {
            let [left, right] = [0, 1].map(|half| squared_distance(row, &centers[half]));
            u8::from(right < left)
        });
        let nearest: Vec<u8> = nearest.collect();
        if nearest == labels {
            return (labels, centers);
        }
        labels = nearest;
        centers = [0, 1].map(|half| {
            let own = rows.iter().zip(&labels).filter(|&(_, &l)| l == half);
            mean_of(own.map(|(row, _)| row))
        });
    }
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn rounds_are_lloyds() {
    let x = cloud(700, 40, 7);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let context = Context::new(0);
    let step = context.step("cut", 1);
    let all = Part::whole(&points, &step).unwrap();
    let rows = working(&points);
    for start in 0..12 {
        let mut halves = Halves::new(&points, &all.rows, &all.sum);
        let centers = halves.random_rows(Draws::new(3, start));
        let (labels, wanted) = plainly(&rows, centers.clone());
        let ends = halves.rounds(centers, 300, 0.0, &step).unwrap().unwrap();
        assert_eq!(ends.labels, labels, "start {start}");
        assert!((0..2).all(|half| close(&ends.centers[half], &wanted[half])));
    }
}

#[test]
fn parts_hold_their_rows_their_means_and_their_inertia() {
    let x = cloud(900, 24, 5);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let context = Context::new(0);
    let step = context.step("cut", 1);
    let rows = working(&points);
    let all = Part::whole(&points, &step).unwrap();
    let [left, right] = all.cut(&points, &how(), 4, &step).unwrap().unwrap();
    let [near, far] = left.cut(&points, &how(), 5, &step).unwrap().unwrap();
    let mut together = [near.rows.clone(), far.rows.clone(), right.rows.clone()].concat();
    together.sort_unstable();
    assert_eq!(together, all.rows);
    assert!(left.inertia + right.inertia < all.inertia);
    for part in [&all, &left, &right, &near, &far] {
        let own: Vec<&Vec<f32>> = part.rows.iter().map(|&row| &rows[row as usize]).collect();
        assert!(close(&part.center, &mean_of(own.iter().copied())));
        let inertia = own
            .iter()
            .map(|row| f64::from(squared_distance(row, &part.center)));
        let inertia: f64 = inertia.sum();
        assert!((part.inertia / inertia - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_half_that_runs_empty_takes_the_farthest_row_and_equal_rows_are_not_cut() {
    let context = Context::new(0);
    let step = context.step("cut", 1);
    let mut x = Array2::zeros((300, 3));
    x.row_mut(211).fill(9.0);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let all = Part::whole(&points, &step).unwrap();
    let mut halves = Halves::new(&points, &all.rows, &all.sum);
    let nowhere = [all.center.clone(), vec![50.0; 3]];
    let ends = halves.rounds(nowhere, 300, 0.0, &step).unwrap().unwrap();
    let alone: Vec<usize> = (0..300).filter(|&at| ends.labels[at] == 1).collect();
    assert_eq!(alone, [211]);
    assert_eq!(ends.inertia, [0.0, 0.0]);

    let same = Array2::from_elem((50, 3), 0.5);
    let points = Points::new(same.view(), Metric::Euclidean).unwrap();
    let all = Part::whole(&points, &step).unwrap();
    for random in [false, true] {
        let how = How { random, ..how() };
        assert!(all.cut(&points, &how, 1, &step).unwrap().is_none());
    }
}

#[test]
fn a_cut_is_the_same_bits_for_any_number_of_threads() {
    let x = cloud(20_000, 16, 9);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let cut = |threads: usize| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let context = Context::new(0);
            let step = context.step("cut", 1);
            let all = Part::whole(&points, &step).unwrap();
            let parts = all.cut(&points, &how(), 6, &step).unwrap().unwrap();
            parts.map(|part| (part.rows, part.center, part.sum, part.inertia))
        })
    };
    assert_eq!(cut(1), cut(3));
}
