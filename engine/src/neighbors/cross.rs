//! Neighbours across: those of new rows among rows that are there, and a graph to which rows are added.
//!
//! Few rows meet many here, so every distance is simply computed; the blocked search pays where both sides are large.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{KnnGraph, Metric, Neighbors, Points};
use crate::context::{Cancelled, Context};
use crate::error::Error;

/// Rows of one task.
const ROWS: usize = 8;

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
/// same columns. O(n m d).
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
    let rows: Vec<usize> = (m..m + n).collect();
    let found: Vec<Vec<Vec<(f32, u32)>>> = rows
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            let near = rows.iter().map(|&row| {
                let all = (0..m).map(|other| (points.squared(row, other), other as u32));
                nearest(all.collect(), k)
            });
            Ok(near.collect())
        })
        .collect::<Result<_, Cancelled>>()?;
    Ok(table(found.into_iter().flatten(), n, k, &points))
}

/// The graph of all rows of `x`, of which those at `places` (in the order of `old`'s rows) had the graph `old`. The others are
/// compared with all; neighbours of old rows that were exact stay so. The recall is the old one's. O(added n d).
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
    let mut old_row = vec![None; n];
    for (row, &place) in places.iter().enumerate() {
        old_row[place as usize] = Some(row);
    }
    let added: Vec<u32> = (0..n as u32)
        .filter(|&row| old_row[row as usize].is_none())
        .collect();
    let step = context.step("find neighbours", n as u64);
    let rows: Vec<usize> = (0..n).collect();
    let found: Vec<Vec<Vec<(f32, u32)>>> = rows
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            let near = rows.iter().map(|&row| {
                let with = |other: u32| (points.squared(row, other as usize), other);
                let all: Vec<(f32, u32)> = match old_row[row] {
                    Some(at) => {
                        let known = old.neighbors.indices.row(at);
                        let known = known.iter().map(|&other| places[other as usize]);
                        known.chain(added.iter().copied()).map(with).collect()
                    }
                    None => (0..n as u32)
                        .filter(|&other| other as usize != row)
                        .map(with)
                        .collect(),
                };
                nearest(all, k)
            });
            Ok(near.collect())
        })
        .collect::<Result<_, Cancelled>>()?;
    Ok(KnnGraph {
        neighbors: table(found.into_iter().flatten(), n, k, &points),
        recall: old.recall,
    })
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
        for (at, (squared, other)) in ranked.into_iter().enumerate() {
            found.indices[[row, at]] = other;
            found.distances[[row, at]] = points.distance(squared);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::{knn, knn_graph, tests::cloud};
    use ndarray::s;

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
