//! The parts of k-means against brute force: bounds and groups, samples and greedy starts.

use ndarray::Array2;

use super::abreast::Abreast;
use super::assign::Known;
use super::centers::{Centers, Moves, Order};
use super::grouped::Grouped;
use super::lloyd::Assign;
use super::tests::options;
use super::*;
use crate::linalg::squared_distance;
use crate::neighbors::tests::cloud;

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

/// Rounds in which some centres rest, some creep and a few jump.
fn follows_brute_force(mut assign: impl Assign, rows: &Rows<'_>, what: &str) {
    let dims = rows.dims();
    let context = Context::new(0);
    let step = context.step("assign", 0);
    for round in 0..10 {
        let before = assign.labels().to_vec();
        let changed = assign.update(&step).unwrap();
        let labels = assign.labels().to_vec();
        assert_eq!(
            labels,
            brute(rows, assign.centers(), dims),
            "{what}, {round}"
        );
        let plain = (0..rows.len()).filter(|&at| labels[at] != before[at]);
        let plain: Vec<(u32, u32)> = plain.map(|at| (at as u32, before[at])).collect();
        assert_eq!(changed, plain, "{what}, {round}");
        let mut next = assign.centers().to_vec();
        for (c, center) in next.chunks_exact_mut(dims).enumerate() {
            let by = [0.3, 0.0, 0.001, 0.02, 0.0][(c * 7 + round) % 5];
            let by = if by == 0.3 && round % 4 != 3 { 0.0 } else { by };
            for (j, x) in center.iter_mut().enumerate() {
                *x += by * (((c + j + round) % 9) as f32 - 4.0) / 4.0;
            }
        }
        assign.follow(next);
    }
}

#[test]
fn both_ways_to_assign_are_those_of_brute_force() {
    for (n, d, k, far) in [
        (700, 1, 3, 0.0),
        (900, 2, 30, 0.0),
        (600, 17, 50, 0.0),
        // Two far places: proposals cannot tell their centres apart.
        (500, 5, 20, 3e4),
    ] {
        let noise = cloud(n, d, 8);
        let x = Array2::from_shape_fn((n, d), |(i, j)| {
            noise[[i, j]] + if j == 0 && i % 2 == 0 { far } else { 0.0 }
        });
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        for isa in Isa::available() {
            let rows = Rows::keeping(isa.for_dims(d), &points, if n == 600 { 0 } else { 1 << 30 });
            let mut centers = seeding::random_rows(&rows, k, Draws::new(2, 0));
            // A centre that repeats another: ties.
            centers.copy_within(0..d, (k - 1) * d);
            let start = || lloyd::Start {
                centers: centers.clone(),
                nearest: None,
            };
            let what = format!("{isa}, {n} x {d}, k={k}");
            follows_brute_force(Abreast::new(&rows, start()), &rows, &what);
            follows_brute_force(Grouped::new(&rows, start()), &rows, &what);
        }
    }
}

#[test]
fn a_greedy_start_is_the_same_everywhere_and_knows_the_nearest_centres() {
    // Few rows, and so many that a sample stands for them.
    for (n, k) in [(6_000, 40), (40_000, 12)] {
        let d = 9;
        let x = cloud(n, d, 5);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let mut first = None;
        for isa in Isa::available() {
            let rows = Rows::new(isa, &points);
            let start = seeding::plus_plus(&rows, k, Draws::new(4, 0), &Context::new(0)).unwrap();
            assert_eq!(start.centers.len(), k * d);
            assert_eq!(start.nearest.is_some(), n == 6_000);
            if let Some((labels, squared)) = &start.nearest {
                assert_eq!(*labels, brute(&rows, &start.centers, d));
                let mut row = vec![0.0; d];
                for at in [0, 77, n - 1] {
                    rows.row(at, &mut row);
                    let center = &start.centers[labels[at] as usize * d..][..d];
                    assert_eq!(squared[at], squared_distance(&row, center));
                }
            }
            let centers = first.get_or_insert_with(|| start.centers.clone());
            assert_eq!(*centers, start.centers, "{isa}");
        }
    }
}

#[test]
fn rare_rows_outside_the_sample_become_centres() {
    let rare = [(3, 1.0), (9_001, -2.0), (20_002, 5.0), (33_333, 7.0)];
    let mut x = Array2::from_elem((40_000, 3), 0.5);
    for (at, value) in rare {
        x.row_mut(at).fill(value);
    }
    for seed in 0..4 {
        let context = Context::new(seed);
        let found = kmeans(x.view(), &options(5, Start::KMeansPlusPlus), &context).unwrap();
        assert_eq!(found.inertia, 0.0, "{seed}");
    }
}
