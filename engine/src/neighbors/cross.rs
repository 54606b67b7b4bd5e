//! Neighbours across: those of new rows among rows that are there, and a graph to which rows are added.
//!
//! Blocked products propose and exact distances decide, as among the rows of one table; for a handful of rows, packing
//! the others would take longer than comparing with them.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::candidates::Candidates;
use super::{KnnGraph, Metric, Neighbors, Points};
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{self, Block, LANES, Panels, bound, measure, products, select_below};

/// Rows in a block.
const ROWS: usize = 64;
/// Columns multiplied at once.
const COLUMNS: usize = 256;
/// Up to this many rows are compared with the others one by one.
const FEW: usize = 6;
/// Rows that one of those few is compared with in one task.
const PIECE: usize = 4096;

fn by_distance(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The nearest `k`, in order.
fn nearest(mut ranked: Vec<(f32, u32)>, k: usize) -> Vec<(f32, u32)> {
    if k == 0 {
        return Vec::new();
    }
    if k < ranked.len() {
        ranked.select_nth_unstable_by(k - 1, by_distance);
        ranked.truncate(k);
    }
    ranked.sort_unstable_by(by_distance);
    ranked
}

/// The `min(k, m)` nearest among the `m` rows of `reference` for every row of `x`, exactly, ties by index. Both have the
/// same columns. O(n m d) products.
///
/// # Errors
/// A number that is not finite, more than `u32::MAX` rows, or [`Error::Cancelled`].
pub fn nearest_among(
    x: ArrayView2<'_, f32>,
    reference: ArrayView2<'_, f32>,
    k: usize,
    metric: Metric,
    context: &Context,
) -> Result<Neighbors, Error> {
    let (n, m) = (x.nrows(), reference.nrows());
    let k = k.min(m);
    let both = ndarray::concatenate(ndarray::Axis(0), &[reference.view(), x.view()]).map_err(
        |problem| {
            Error::Input(format!(
                "the rows cannot be compared with each other: {problem}"
            ))
        },
    )?;
    let points = Points::new(both.view(), metric)?;
    let step = context.step("find neighbours", n as u64);
    let (there, new): (Vec<u32>, Vec<u32>) =
        (0..(m + n) as u32).partition(|&row| (row as usize) < m);
    let found = nearest_of(&points, &new, &there, k, &step)?;
    Ok(table(found.into_iter(), n, k, &points))
}

/// The graph of all rows of `x`, of which those at `places` (in the order of `old`'s rows) had the graph `old`. The others are
/// compared with all; neighbours of old rows that were exact stay so. The recall is the old one's. O(added n d) products.
///
/// # Errors
/// A number that is not finite, more than `u32::MAX` rows, or [`Error::Cancelled`].
pub fn extend(
    x: ArrayView2<'_, f32>,
    old: &KnnGraph,
    places: &[u32],
    metric: Metric,
    context: &Context,
) -> Result<KnnGraph, Error> {
    let points = Points::new(x, metric)?;
    let n = points.len();
    let k = old.neighbors.indices.ncols();
    let mut is_old = vec![false; n];
    for &place in places {
        is_old[place as usize] = true;
    }
    let added: Vec<u32> = (0..n as u32).filter(|&row| !is_old[row as usize]).collect();
    let all: Vec<u32> = (0..n as u32).collect();
    let step = context.step("find neighbours", n as u64);
    let for_new = nearest_of(&points, &added, &all, k, &step)?;
    let for_old = nearest_of(&points, places, &added, k, &step)?;
    // Where the order of rows is as it was, a list that nothing comes into stays as it is.
    let in_order = places.is_sorted();
    let mut neighbors = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    for (&row, ranked) in added.iter().zip(for_new) {
        write(&mut neighbors, row, &ranked, &points);
    }
    let merged: Vec<Option<Vec<(f32, u32)>>> = for_old
        .into_par_iter()
        .enumerate()
        .with_min_len(ROWS)
        .map(|(at, mut ranked)| {
            let farthest = old.neighbors.distances.row(at).last().copied();
            let comes_in = |(squared, _): &(f32, u32)| {
                farthest.is_none_or(|farthest| points.distance(*squared) <= farthest)
            };
            if in_order && !ranked.first().is_some_and(comes_in) {
                return None;
            }
            let row = places[at] as usize;
            let known = old.neighbors.indices.row(at);
            ranked.extend(known.iter().map(|&other| {
                let other = places[other as usize];
                (points.squared(row, other as usize), other)
            }));
            Some(nearest(ranked, k))
        })
        .collect();
    for (at, merged) in merged.into_iter().enumerate() {
        match merged {
            Some(ranked) => write(&mut neighbors, places[at], &ranked, &points),
            None => {
                let row = places[at] as usize;
                for (to, &other) in neighbors
                    .indices
                    .row_mut(row)
                    .iter_mut()
                    .zip(old.neighbors.indices.row(at))
                {
                    *to = places[other as usize];
                }
                let distances = old.neighbors.distances.row(at);
                neighbors.distances.row_mut(row).assign(&distances);
            }
        }
    }
    Ok(KnnGraph {
        neighbors,
        recall: old.recall,
    })
}

/// The `k` nearest, or all, of each of `rows` among `columns`, a row itself left out; with squared distances, ties by
/// number.
fn nearest_of(
    points: &Points<'_>,
    rows: &[u32],
    columns: &[u32],
    k: usize,
    step: &Step<'_>,
) -> Result<Vec<Vec<(f32, u32)>>, Cancelled> {
    if k == 0 || columns.is_empty() {
        return Ok(vec![Vec::new(); rows.len()]);
    }
    if rows.len() > FEW {
        return Columns::pack(points, columns).nearest(rows, k, step);
    }
    let one = |&row: &u32| {
        step.tick(1)?;
        let pieces: Vec<Vec<(f32, u32)>> = columns
            .par_chunks(PIECE)
            .map(|columns| {
                let others = columns.iter().filter(|&&other| other != row);
                let with = |&other: &u32| (points.squared(row as usize, other as usize), other);
                nearest(others.map(with).collect(), k)
            })
            .collect();
        Ok(nearest(pieces.concat(), k))
    };
    rows.iter().map(one).collect()
}

/// Rows that others are compared with, packed.
struct Columns<'a> {
    points: &'a Points<'a>,
    isa: linalg::Isa,
    numbers: &'a [u32],
    panels: Panels,
    longest: f32,
}

impl<'a> Columns<'a> {
    fn pack(points: &'a Points<'a>, numbers: &'a [u32]) -> Columns<'a> {
        let isa = linalg::isa().for_dims(points.dims());
        let d = points.dims();
        let panels = Panels::pack_with(isa, numbers.len(), d, |first, out| {
            for (row, out) in numbers[first..].iter().zip(out.chunks_exact_mut(d)) {
                points.working_row(isa, *row as usize, out);
            }
        });
        Columns {
            points,
            isa,
            longest: panels.norms().iter().copied().fold(0.0, f32::max),
            numbers,
            panels,
        }
    }

    fn nearest(
        &self,
        rows: &[u32],
        k: usize,
        step: &Step<'_>,
    ) -> Result<Vec<Vec<(f32, u32)>>, Cancelled> {
        let (isa, d) = (self.isa, self.points.dims());
        let measured: Vec<(f32, f32)> = rows
            .par_iter()
            .with_min_len(ROWS)
            .map_init(
                || vec![0.0; d],
                |staging, &row| {
                    self.points.working_row(isa, row as usize, staging);
                    measure(isa, staging)
                },
            )
            .collect();
        let moved = measured.iter().map(|(_, moved)| *moved).fold(0.0, f32::max);
        let e = bound::relative(d, moved, self.panels.moved());
        let norms = self.panels.norms().iter();
        // With these a proposal is its own lower end; what pads is never proposed.
        let mut offsets: Vec<f32> = norms.map(|norm| (1.0 - e) * norm).collect();
        offsets.resize(self.panels.len() * LANES, f32::INFINITY);
        // The factor covers the rounding of the offsets and of this product.
        let margin = |norm: f32| {
            2.0 * 1.001 * (e * (norm + self.longest) + bound::floor(self.points.dims()))
        };
        let found: Vec<Vec<Vec<(f32, u32)>>> = rows
            .par_chunks(ROWS)
            .zip(measured.par_chunks(ROWS))
            .map(|(rows, measured)| {
                step.tick(rows.len() as u64)?;
                let mut block = Block::new(isa);
                let numbers = rows.iter().map(|&row| row as usize);
                self.points.block(numbers, isa, &mut block, &mut Vec::new());
                let margins = measured.iter().map(|&(norm, _)| margin(norm));
                let mut candidates = Candidates::new(k, margins);
                let mut tile = vec![0.0; ROWS * COLUMNS];
                let mut proposals = Vec::new();
                for (strip, offsets) in offsets.chunks(COLUMNS).enumerate() {
                    let first = strip * COLUMNS;
                    let range = first / LANES..(first + offsets.len()) / LANES;
                    products(&block, &self.panels, range, &mut tile, COLUMNS);
                    for (at, &row) in rows.iter().enumerate() {
                        let sums = &tile[at * COLUMNS..][..offsets.len()];
                        let threshold = candidates.thresholds[at];
                        proposals.clear();
                        select_below(isa, offsets, sums, threshold, first as u32, &mut proposals);
                        proposals.retain(|&(_, at)| self.numbers[at as usize] != row);
                        candidates.add(at, &proposals);
                    }
                }
                let decided = rows.iter().enumerate().map(|(at, &row)| {
                    let with = |&(_, at): &(f32, u32)| {
                        let other = self.numbers[at as usize];
                        (self.points.squared(row as usize, other as usize), other)
                    };
                    nearest(candidates.thin(at).iter().map(with).collect(), k)
                });
                Ok(decided.collect())
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn write(neighbors: &mut Neighbors, row: u32, ranked: &[(f32, u32)], points: &Points<'_>) {
    for (at, &(squared, other)) in ranked.iter().enumerate() {
        neighbors.indices[[row as usize, at]] = other;
        neighbors.distances[[row as usize, at]] = points.distance(squared);
    }
}

fn table(
    rows: impl Iterator<Item = Vec<(f32, u32)>>,
    n: usize,
    k: usize,
    points: &Points<'_>,
) -> Neighbors {
    let mut found = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    for (row, ranked) in rows.enumerate() {
        write(&mut found, row as u32, &ranked, points);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::{knn, knn_graph, tests::cloud};
    use ndarray::s;

    #[test]
    fn an_extended_graph_is_that_of_all_rows_wherever_the_new_ones_stand() {
        // No two distances are equal, so that an order of rows cannot decide who is on an old list.
        let x = Array2::from_shape_fn((400, 60), |(i, j)| {
            crate::random::normal(5, i as u64, j as u64) as f32
        });
        let context = Context::new(0);
        let all = knn(x.view(), 7, Metric::Euclidean, &context).unwrap();
        // New rows first, last, a few, many; and old rows in another order than they had.
        let turned: Vec<u32> = (0..400).rev().filter(|row| row % 4 != 0).collect();
        for places in [
            (3..400).collect(),
            (0..398).collect(),
            (0..400).filter(|row| row % 3 != 1).collect(),
            turned,
        ] {
            let rows: Vec<usize> = places.iter().map(|&row: &u32| row as usize).collect();
            let before = x.select(ndarray::Axis(0), &rows);
            let old = knn_graph(before.view(), 7, Metric::Euclidean, &context).unwrap();
            let found = extend(x.view(), &old, &places, Metric::Euclidean, &context).unwrap();
            assert_eq!(found.neighbors, all, "{}", places.len());
        }
    }

    #[test]
    fn many_rows_and_few_find_the_same_neighbours() {
        let x = cloud(700, 70, 9);
        let (reference, new) = (x.slice(s![..600, ..]), x.slice(s![600.., ..]));
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let context = Context::new(0);
            let many = nearest_among(new, reference, 11, metric, &context).unwrap();
            for first in (0..100).step_by(FEW) {
                let last = (first + FEW).min(100);
                let some = new.slice(s![first..last, ..]);
                let few = nearest_among(some, reference, 11, metric, &context).unwrap();
                assert_eq!(few.indices, many.indices.slice(s![first..last, ..]));
            }
        }
    }

    #[test]
    fn an_extended_graph_is_that_of_all_rows() {
        let x = cloud(200, 7, 3);
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let context = Context::new(0);
            // Every fifth row is new.
            let places: Vec<u32> = (0..200).filter(|row| row % 5 != 2).collect();
            let rows: Vec<usize> = places.iter().map(|&row| row as usize).collect();
            let before = x.select(ndarray::Axis(0), &rows);
            let old = knn_graph(before.view(), 9, metric, &context).unwrap();
            let found = extend(x.view(), &old, &places, metric, &context).unwrap();
            let all = knn(x.view(), 9, metric, &context).unwrap();
            assert_eq!(found.neighbors, all, "{metric:?}");
        }
    }

    #[test]
    fn neighbours_across_are_the_nearest_of_the_others() {
        let x = cloud(60, 4, 8);
        let (reference, new) = (x.slice(s![..40, ..]), x.slice(s![40.., ..]));
        let found = nearest_among(new, reference, 5, Metric::Euclidean, &Context::new(0)).unwrap();
        for (row, near) in found.indices.outer_iter().enumerate() {
            let square = |other: usize| {
                crate::linalg::squared_distance(
                    &new.row(row).to_vec(),
                    &reference.row(other).to_vec(),
                )
            };
            let mut all: Vec<usize> = (0..40).collect();
            all.sort_by(|&a, &b| square(a).total_cmp(&square(b)).then(a.cmp(&b)));
            let wanted: Vec<u32> = all[..5].iter().map(|&other| other as u32).collect();
            assert_eq!(near.to_vec(), wanted);
        }
        let all = nearest_among(new, reference, 99, Metric::Cosine, &Context::new(0)).unwrap();
        assert_eq!(all.indices.dim(), (20, 40));
    }
}
