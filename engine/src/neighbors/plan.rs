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
const MANY_FOR_HEAD: usize = 8_192;
/// Rows of the sample, and the most rows that each is compared with.
const SAMPLE: usize = 32;
const OTHERS: usize = 4_096;
/// The most directions of a head: finding them takes their square.
const MOST_DIRECTIONS: usize = 128;

// Costs, in products of one coordinate of a pair by the unit for integers, as measured on a Zen 4.
/// Reading a product again.
const READ: f64 = 40.0;
/// One coordinate of an exact distance: rows come from memory.
const EXACT: f64 = 24.0;
/// One coordinate of a single pair's product of integers, and what comes with the pair.
const SINGLE: f64 = 5.0;
const PAIR: f64 = 300.0;
/// The share of pairs that may be nearer by the directions of a head than a row's neighbours are, for a row to be discarded by it.
const LEFT: f64 = 0.025;
/// A way to go about it.
#[derive(Debug)]
pub(super) enum Plan {
    /// Products of whole rows in these numbers propose.
    Whole(Isa),
    /// Products over these directions in integers leave pairs, for which products of whole rows propose; where a row's
    /// neighbours are nearer than the number, the squared distance by the directions alone that few pairs are below.
    Head(Isa, Directions, f32),
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
    let source = directions.as_ref().map_or(Source::None, Source::New);
    let cheapest = weigh(isa, points, rows, &source, 2.0, |sampled| {
        let mut sorted = sampled.squared.to_vec();
        let (_, reach, _) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
        vec![*reach; sampled.rows.len()]
    });
    match (cheapest, directions) {
        (Way::Head(isa, few), Some(directions)) => Plan::Head(isa, directions, few),
        (cheapest, _) => Plan::Whole(cheapest.isa()),
    }
}

/// How many of so many rows each row of the sample is compared with.
fn sample_of(rows: usize) -> usize {
    OTHERS.min(rows / 4).max(1)
}

/// How a pass over all pairs that asks for some goes about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// Products of whole rows in these numbers.
    Whole(Isa),
    /// Products over the directions of a head, in integers, and then single pairs. Few pairs have a squared distance by the
    /// directions alone that is below the number.
    Head(Isa, f32),
}

impl Way {
    /// The numbers to multiply in.
    pub fn isa(self) -> Isa {
        match self {
            Way::Whole(isa) | Way::Head(isa, _) => isa,
        }
    }
}

/// The cheapest way of a pass over all pairs of these rows, that asks for pairs up to the squared distance that `reach`
/// gives for each pair of a row of a sample (below 0: the pair is of no interest).
pub(crate) fn way(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    head: Option<&Head>,
    reach: impl Fn(&Sampled<'_>) -> Vec<f64> + Sync,
) -> Way {
    let source = head.map_or(Source::None, Source::Made);
    weigh(isa, points, rows, &source, 1.0, reach)
}

/// Where a head would come from.
enum Source<'a> {
    None,
    New(&'a Directions),
    Made(&'a Head),
}

/// The cheapest way, where a pair may be asked for by so many of its `sides`.
fn weigh(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    source: &Source<'_>,
    sides: f64,
    reach: impl Fn(&Sampled<'_>) -> Vec<f64> + Sync,
) -> Way {
    let (n, d) = (rows.len(), points.dims());
    let Some(coarse) = isa.coarse(d).filter(|_| n >= MANY && !isa.is_int8()) else {
        return Way::Whole(isa);
    };
    let others = sample_of(n);
    let columns: Vec<u32> = (0..others).map(|at| rows[at * n / others]).collect();
    let sample: Vec<usize> = (0..SAMPLE).map(|at| at * others / SAMPLE).collect();
    // Of the sample's own rows, or of all.
    let own = match source {
        Source::New(directions) => Some(Head::new(isa, points, &columns, directions)),
        _ => None,
    };
    let head = match (&own, source) {
        (Some(own), _) => Some((own, false)),
        (None, Source::Made(head)) => Some((*head, true)),
        _ => None,
    };
    // As rounded to integers, turned: that keeps distances.
    let mut turned = Vec::new();
    let of_head = |at: usize| {
        head.map(|(head, of_all)| (head, if of_all { columns[at] as usize } else { at }))
    };
    for (head, row) in (0..others).filter_map(of_head) {
        head.append_turned(row, &mut turned);
    }
    let width = turned.len() / others;
    let short = |at: usize| (width > 0).then(|| &turned[at * width..][..width]);
    let mut row = vec![0.0; d];
    let mut usual = [0.0_f64; 3];
    for &at in &sample {
        points.working_row(isa, columns[at] as usize, &mut row);
        let short = of_head(at).map_or(0.0, |(head, row)| head.moved(row));
        let moves = [measure(isa, &row).1, measure(coarse, &row).1, short];
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
    let pairs: Vec<Pairs> = sample
        .par_iter()
        .with_max_len(1)
        .map(|&at| {
            let scale = points.squared_scale();
            let row = columns[at] as usize;
            let mut squared = Vec::with_capacity(columns.len());
            for four in columns.chunks(4) {
                // The last may be fewer, and then the last of them stands for more.
                let rows = std::array::from_fn(|at| four[at.min(four.len() - 1)]);
                let exact = points.squared_of_four(row, rows);
                let exact = exact.iter().take(four.len());
                squared.extend(exact.map(|squared| f64::from(*squared) * scale));
            }
            let limits = reach(&Sampled {
                rows: &columns,
                at,
                squared: &squared,
            });
            let mut pairs = Pairs::default();
            for (other, (&squared, &limit)) in squared.iter().zip(&limits).enumerate() {
                if limit < 0.0 || other == at {
                    continue;
                }
                let sizes = lengths[at] + lengths[other];
                let within = |usual: f64| squared <= limit + 2.0 * usual * sizes;
                pairs.fine += usize::from(within(usual[0]));
                pairs.coarse += usize::from(within(usual[1]));
                if let (Some(own), Some(short)) = (short(at), short(other)) {
                    let apart: f32 = own.iter().zip(short).map(|(x, y)| (x - y) * (x - y)).sum();
                    // Less what rounding leaves unsure.
                    let apart = f64::from(apart) - 2.0 * usual[2] * sizes;
                    pairs.short += usize::from(apart <= limit);
                    pairs.apart.push(apart as f32);
                    pairs.reach = pairs.reach.max(limit + 2.0 * usual[1] * sizes);
                }
            }
            pairs
        })
        .collect();
    let share = |count: usize| count as f64 / (SAMPLE * others) as f64;
    let fine = share(pairs.iter().map(|pairs| pairs.fine).sum());
    let coarse_left = share(pairs.iter().map(|pairs| pairs.coarse).sum());
    let d = d as f64;
    let words = if isa.is_bf16() { 2.0 } else { 4.0 };
    let fine_cost = words * d + READ + sides * fine * EXACT * d;
    let left = sides * coarse_left * EXACT * d;
    let coarse_cost = d + READ + left;
    let h = head.map_or(0, |(head, _)| head.dims()) as f64;
    let by_head = |share: f64| h + READ + sides * share * (SINGLE * d + PAIR);
    let (head_cost, few) = match source {
        Source::None => (f64::INFINITY, 0.0),
        Source::Made(_) => {
            let short = share(pairs.iter().map(|pairs| pairs.short).sum());
            (by_head(short) + left, 0.0)
        }
        Source::New(_) => {
            let mut apart: Vec<f32> = pairs
                .iter()
                .flat_map(|pairs| pairs.apart.iter().copied())
                .collect();
            let rank = (apart.len() as f64 * LEFT) as usize;
            let few = match apart.get(rank) {
                Some(_) => *apart.select_nth_unstable_by(rank, f32::total_cmp).1,
                None => f32::NEG_INFINITY,
            };
            let ahead = pairs.iter().filter(|pairs| pairs.reach <= f64::from(few));
            let both = (ahead.count() as f64 / SAMPLE as f64).powi(2);
            let projection = 8.0 * h * d / n as f64;
            let cost = both * by_head(LEFT) + (1.0 - both) * (d + READ) + projection + left;
            (cost, few)
        }
    };
    if head_cost < coarse_cost.min(fine_cost) {
        return Way::Head(coarse, few);
    }
    Way::Whole(if coarse_cost < fine_cost { coarse } else { isa })
}

/// The pairs of one row of the sample.
#[derive(Debug, Default)]
struct Pairs {
    /// Those that proposals of either kind of numbers would leave.
    fine: usize,
    coarse: usize,
    /// Those that the directions of a head would leave, and all squared distances by them.
    short: usize,
    apart: Vec<f32>,
    /// The furthest that is asked for, and what is not sure about it.
    reach: f64,
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
