//! Nearest neighbours: the graph under UMAP, HDBSCAN, similarity and duplicates.
//!
//! [`knn`] is exact: all pairs are proposed by blocked products and the few that may be among the nearest are decided by
//! exact f32 distances; rows of few coordinates are found by a kd-tree where boxes tell them apart. Either way the answer
//! is the brute-force answer to the bit, ties going to the lower index.
//! [`knn_graph`] is that for as many rows as it is cheap for, and beyond looks only at pairs that lie near, and says
//! what share of the truth it found.

mod approximate;
mod candidates;
mod cross;
mod exact;
mod head;
mod kdtree;
mod known;
mod plan;
mod points;
mod proposals;
mod radius;
mod repeats;
mod shortlist;
mod spatial;
mod table;

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::context::Context;
use crate::error::Error;
use crate::linalg::{self, Isa};

pub use approximate::Recall;
pub use cross::{extend, nearest_among};
pub(crate) use exact::{Kept, knn_and_kept};
pub(crate) use head::Head;
pub(crate) use kdtree::{KdTree, MOST_DIMS};
pub use known::Known;
pub(crate) use known::Need;
pub(crate) use plan::{Way, way};
pub(crate) use points::Points;
pub(crate) use proposals::{Ends, Proposals};
pub use radius::{RadiusNeighbors, radius_neighbors};
pub(crate) use radius::{Within, squared_for};
pub(crate) use table::Table;

/// How far apart two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Straight-line distance.
    Euclidean,
    /// One minus the cosine of the angle: half the squared euclidean distance of the rows scaled to length 1, so 0 to
    /// 2. A row of zeros has no direction and stays as it is: 1/2 from every direction, 0 from other zeros.
    Cosine,
}

impl Metric {
    /// The metric called `word` by a parameter; euclidean for any other word.
    pub fn named(word: &str) -> Metric {
        if word == "cosine" {
            Metric::Cosine
        } else {
            Metric::Euclidean
        }
    }
}

/// The nearest neighbours of every row, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors {
    /// `n x min(k, n - 1)` row numbers; a row is not its own neighbour. Ordered by (distance, index).
    pub indices: Array2<u32>,
    /// The distances that belong to them, in the metric's units.
    pub distances: Array2<f32>,
}

/// The `k` nearest neighbours of every row of `x` (`n x d`, finite), itself excluded; `min(k, n - 1)` where there are
/// not more. Exact; the same bits for any number of threads and on every machine. O(n² d / 2) products, or
/// O(n k log n) with up to 16 coordinates that tell rows apart; O(n (d + k)) memory beside `x`.
///
/// # Errors
/// A row that is not finite, more than `u32::MAX` rows, or [`Error::Cancelled`].
pub fn knn(
    x: ArrayView2<'_, f32>,
    k: usize,
    metric: Metric,
    context: &Context,
) -> Result<Neighbors, Error> {
    let points = Points::new(x, metric)?;
    let isa = linalg::isa().for_dims(x.ncols());
    let mut found = knn_squared(isa, &points, k, context)?;
    found
        .distances
        .par_mapv_inplace(|squared| points.distance(squared));
    Ok(found)
}

/// Up to this many rows all pairs are compared: it takes no longer than a search that leaves some out.
pub const EXACT_ROWS: usize = 15_000;

/// Neighbours, and how sure they are.
#[derive(Debug, Clone, PartialEq)]
pub struct KnnGraph {
    /// The neighbours.
    pub neighbors: Neighbors,
    /// The share of the true neighbours that a sample says was found; None where the neighbours are exact.
    pub recall: Option<Recall>,
}

impl KnnGraph {
    /// The nearest `k` of each row, or all there are. The recall is that of the whole.
    pub fn first(&self, k: usize) -> KnnGraph {
        let k = k.min(self.neighbors.indices.ncols());
        KnnGraph {
            neighbors: Neighbors {
                indices: self.neighbors.indices.slice(s![.., ..k]).to_owned(),
                distances: self.neighbors.distances.slice(s![.., ..k]).to_owned(),
            },
            recall: self.recall,
        }
    }
}

/// A kd-tree where it finds `k` neighbours with less work than all pairs.
pub(crate) fn tree_for(isa: Isa, points: &Points<'_>, k: usize) -> Option<KdTree> {
    let k = k.min(points.len().saturating_sub(1));
    (k > 0 && points.dims() <= MOST_DIMS)
        .then(|| KdTree::new(points))
        .filter(|tree| tree.pays(isa, k))
}

/// The `min(k, n - 1)` nearest of every row, with squared distances in the units of the rows kept; by the tree if there
/// is one.
pub(crate) fn knn_by(
    tree: Option<&KdTree>,
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<Neighbors, Error> {
    match tree {
        Some(tree) => Ok(tree.knn(isa, k.min(points.len().saturating_sub(1)), context)?),
        None => exact::knn_squared(isa, points, k, context),
    }
}

/// As [`knn_by`] where that is cheap, else nearly so and with the share that was found: see [`knn_graph`].
pub(crate) fn knn_nearly(
    tree: Option<&KdTree>,
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<(Neighbors, Option<Recall>), Error> {
    if tree.is_none()
        && points.len() > EXACT_ROWS
        && let Some((found, recall)) = approximate::knn_squared(isa, points, k, context)?
    {
        return Ok((found, Some(recall)));
    }
    Ok((knn_by(tree, isa, points, k, context)?, None))
}

/// The `k` nearest neighbours of every row as [`knn`] gives them up to [`EXACT_ROWS`] rows, and beyond nearly all of
/// them: a sample's true neighbours decide how far the search goes, so that about 98 % are found. The same bits for
/// any number of threads. O(n^1.5 d) products for rows that cluster; rows that do not are compared with all.
///
/// # Errors
/// As [`knn`].
pub fn knn_graph(
    x: ArrayView2<'_, f32>,
    k: usize,
    metric: Metric,
    context: &Context,
) -> Result<KnnGraph, Error> {
    if x.nrows() <= EXACT_ROWS {
        let neighbors = knn(x, k, metric, context)?;
        return Ok(KnnGraph {
            neighbors,
            recall: None,
        });
    }
    let points = Points::new(x, metric)?;
    let isa = linalg::isa().for_dims(x.ncols());
    let (mut neighbors, recall) = match approximate::knn_squared(isa, &points, k, context)? {
        Some((neighbors, recall)) => (neighbors, Some(recall)),
        None => (knn_squared(isa, &points, k, context)?, None),
    };
    neighbors
        .distances
        .par_mapv_inplace(|squared| points.distance(squared));
    Ok(KnnGraph { neighbors, recall })
}

/// The `min(k, n - 1)` nearest of every row, with squared distances in the units of the rows kept.
pub(crate) fn knn_squared(
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<Neighbors, Error> {
    knn_by(tree_for(isa, points, k).as_ref(), isa, points, k, context)
}

/// Brings neighbours into the order of rows. `order` has the row at each place; `found` has, for every `part` places, the
/// keys of their `k` neighbours each: the bits of the squared distance above the row.
fn in_row_order(order: &[u32], found: &[Vec<u64>], part: usize, k: usize) -> Neighbors {
    let mut place = vec![0_u32; order.len()];
    for (at, row) in order.iter().enumerate() {
        place[*row as usize] = at as u32;
    }
    let mut neighbors = Neighbors {
        indices: Array2::zeros((order.len(), k)),
        distances: Array2::zeros((order.len(), k)),
    };
    let indices = neighbors.indices.outer_iter_mut().into_par_iter();
    indices
        .zip(neighbors.distances.outer_iter_mut())
        .enumerate()
        .with_min_len(256)
        .for_each(|(row, (mut indices, mut distances))| {
            let at = place[row] as usize;
            let keys = &found[at / part][at % part * k..][..k];
            for ((index, distance), key) in indices.iter_mut().zip(distances.iter_mut()).zip(keys) {
                *index = *key as u32;
                *distance = f32::from_bits((*key >> 32) as u32);
            }
        });
    neighbors
}

#[cfg(test)]
pub(crate) mod tests;
