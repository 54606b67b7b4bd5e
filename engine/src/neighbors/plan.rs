//! How a search over all pairs goes about it: what a sample of rows says that each way costs.
//!
//! Coarse proposals are cheap and leave more pairs to be decided. How many, depends on how near neighbours are compared
//! with the length of rows, which the rows know and their number and dimensions do not: where a row has half the rows
//! within the error of eight bits, nothing is gained by them. So a few rows are compared with some thousands, exactly,
//! and the pairs that each way would leave are counted.

use rayon::prelude::*;

use super::Points;
use super::head::{Directions, Head};
use crate::linalg::{Isa, measure, sum_of_squares};

/// Fewer rows are compared as they always were: a sample would take longer than it saves.
const MANY: usize = 2_048;
/// Fewer rows are not worth finding directions for.
const MANY_FOR_HEAD: usize = 1 << 40;
/// Rows of the sample, and the most rows that each is compared with.
const SAMPLE: usize = 24;
const OTHERS: usize = 4_096;
/// The most directions of a head.
const MOST_DIRECTIONS: usize = 256;

// Costs, in products of one coordinate of a pair by the unit for integers, as measured on a Zen 4.
/// Reading a product again.
const READ: f64 = 40.0;
/// One coordinate of an exact distance: rows come from memory.
const EXACT: f64 = 24.0;
/// One coordinate of a single pair's product of integers, and what comes with the pair.
const SINGLE: f64 = 5.0;
const PAIR: f64 = 300.0;
/// Limits are wider at first than at the end: how many times more pairs come by than the sample says.
const EARLY: f64 = 2.0;

/// A way to go about it.
#[derive(Debug)]
pub(super) enum Plan {
    /// Products of whole rows in these numbers propose.
    Whole(Isa),
    /// Products over these directions in integers leave pairs, for which products of whole rows propose.
    Head(Isa, Directions),
}

/// Rows that each of a sample is compared with, and what they are asked for.
pub(crate) struct Sampled<'a> {
    /// The rows, in the order of the squared distances.
    pub rows: &'a [u32],
    /// Which of them is compared with all of them.
    pub at: usize,
    /// Exact squared distances, in working units.
    pub squared: &'a [f64],
}

/// The cheapest way to the `k` nearest of these rows. O(d) of some hundred thousand pairs.
pub(super) fn plan(isa: Isa, points: &Points<'_>, rows: &[u32], k: usize) -> Plan {
    let directions =
        (rows.len() >= MANY_FOR_HEAD && isa.coarse(points.dims()).is_some()).then(|| {
            let count = (points.dims() / 4).next_multiple_of(16);
            let count = count.clamp(32, MOST_DIRECTIONS).min(points.dims());
            Directions::new(points, rows, count)
        });
    let others = sample_of(rows.len());
    // The neighbour that stands in the sample for the last of `k` among all; the row itself is the first.
    let rank = (k * others)
        .div_ceil(rows.len().max(1))
        .min(others.saturating_sub(1));
    weigh(isa, points, rows, directions, 2.0 * EARLY, |sampled| {
        let mut sorted = sampled.squared.to_vec();
        let (_, reach, _) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
        vec![*reach; sampled.rows.len()]
    })
}

/// How many of so many rows each row of the sample is compared with.
fn sample_of(rows: usize) -> usize {
    OTHERS.min(rows / 4).max(1)
}

/// The numbers in which a pass over all pairs of these rows should propose, that asks for pairs up to the squared
/// distance that `reach` gives for each pair of a row of a sample (below 0: the pair is of no interest).
pub(crate) fn numbers(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    reach: impl Fn(&Sampled<'_>) -> Vec<f64> + Sync,
) -> Isa {
    match weigh(isa, points, rows, None, 1.0, reach) {
        Plan::Whole(isa) | Plan::Head(isa, _) => isa,
    }
}

/// The cheapest way, where `often` pairs come by for each that a sample counts.
fn weigh(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    directions: Option<Directions>,
    often: f64,
    reach: impl Fn(&Sampled<'_>) -> Vec<f64> + Sync,
) -> Plan {
    let (n, d) = (rows.len(), points.dims());
    let Some(coarse) = isa.coarse(d).filter(|_| n >= MANY && !isa.is_int8()) else {
        return Plan::Whole(isa);
    };
    let others = sample_of(n);
    let columns: Vec<u32> = (0..others).map(|at| rows[at * n / others]).collect();
    let sample: Vec<usize> = (0..SAMPLE).map(|at| at * others / SAMPLE).collect();
    let head = directions
        .as_ref()
        .map(|directions| Head::new(isa, points, &columns, directions));
    let mut row = vec![0.0; d];
    let mut usual = [0.0_f64; 3];
    for &at in &sample {
        points.working_row(isa, columns[at] as usize, &mut row);
        let of_head = head
            .as_ref()
            .map_or(0.0, |head| measure(coarse, head.row(at)).1);
        let moves = [measure(isa, &row).1, measure(coarse, &row).1, of_head];
        for (usual, moved) in usual.iter_mut().zip(moves) {
            *usual += f64::from(moved).powi(2) / SAMPLE as f64;
        }
    }
    let usual = usual.map(f64::sqrt);
    let lengths: Vec<f64> = columns
        .par_iter()
        .with_min_len(64)
        .map_init(
            || vec![0.0; d],
            |staging, &row| {
                points.working_row(isa, row as usize, staging);
                sum_of_squares(isa, staging)
            },
        )
        .collect();
    let counts: Vec<[usize; 3]> = sample
        .par_iter()
        .with_max_len(1)
        .map(|&at| {
            let scale = points.squared_scale();
            let row = columns[at] as usize;
            let exact = |&other: &u32| f64::from(points.squared(row, other as usize)) * scale;
            let squared: Vec<f64> = columns.iter().map(exact).collect();
            let limits = reach(&Sampled {
                rows: &columns,
                at,
                squared: &squared,
            });
            let mut counts = [0; 3];
            for (other, (&squared, &limit)) in squared.iter().zip(&limits).enumerate() {
                if limit < 0.0 || other == at {
                    continue;
                }
                let sizes = lengths[at] + lengths[other];
                let within = |squared: f64, usual: f64| squared <= limit + 2.0 * usual * sizes;
                counts[0] += usize::from(within(squared, usual[0]));
                counts[1] += usize::from(within(squared, usual[1]));
                if let Some(head) = &head {
                    let gaps = head.row(at).iter().zip(head.row(other));
                    let apart: f32 = gaps.map(|(x, y)| (x - y) * (x - y)).sum();
                    counts[2] += usize::from(within(f64::from(apart), usual[2]));
                }
            }
            counts
        })
        .collect();
    let share = |way: usize| {
        let sum: usize = counts.iter().map(|counts| counts[way]).sum();
        often * sum as f64 / (SAMPLE * others) as f64
    };
    let d = d as f64;
    let words = if isa.is_bf16() { 2.0 } else { 4.0 };
    // What is decided exactly is settled at the end, when limits are narrow.
    let fine_cost = words * d + READ + share(0) / EARLY * EXACT * d;
    let left = share(1) / EARLY * EXACT * d;
    let coarse_cost = d + READ + left;
    let head_cost = head.as_ref().map_or(f64::INFINITY, |head| {
        let h = head.dims() as f64;
        let projection = 8.0 * h * d / n as f64;
        h + READ + projection + share(2) * (SINGLE * d + PAIR) + left
    });
    if let Some(directions) = directions.filter(|_| head_cost < coarse_cost.min(fine_cost)) {
        return Plan::Head(coarse, directions);
    }
    Plan::Whole(if coarse_cost < fine_cost { coarse } else { isa })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::Metric;
    use super::*;
    use crate::linalg::isa;
    use crate::random;

    fn normal(stream: u64, at: usize) -> f32 {
        random::normal(3, stream, at as u64) as f32
    }

    #[test]
    fn rows_within_the_error_of_integers_of_each_other_are_not_proposed_by_them() {
        // Two heaps, so small that eight bits see one place and sixteen do not.
        let x = Array2::from_shape_fn((3000, 64), |(i, j)| {
            normal(1, (i % 2) * 64 + j) + 0.12 * normal(2, i * 64 + j)
        });
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let rows: Vec<u32> = (0..3000).collect();
        let fine = isa().for_dims(64);
        assert!(matches!(plan(fine, &points, &rows, 15), Plan::Whole(isa) if isa == fine));
        let few: Vec<u32> = (0..500).collect();
        assert!(matches!(plan(fine, &points, &few, 15), Plan::Whole(isa) if isa == fine));
    }

    #[test]
    fn rows_apart_are_proposed_by_integers_where_there_is_a_unit_for_them() {
        let x = Array2::from_shape_fn((3000, 64), |(i, j)| normal(1, i * 64 + j));
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let rows: Vec<u32> = (0..3000).collect();
        let fine = isa().for_dims(64);
        let Plan::Whole(chosen) = plan(fine, &points, &rows, 15) else {
            panic!("too few rows for a head");
        };
        assert_eq!(chosen, fine.coarse(64).unwrap_or(fine));
    }
}
