//! Nearest neighbours: the graph under UMAP, HDBSCAN, similarity and duplicates.
//!
//! [`knn`] is exact: all pairs are proposed by blocked products and the few that may be among the nearest are decided by
//! exact f32 distances, so the answer is the brute-force answer to the bit, ties going to the lower index.
//! [`knn_graph`] is that for as many rows as it is cheap for, and beyond looks only at pairs that lie near, and says
//! what share of the truth it found.

mod approximate;
mod candidates;
mod exact;
mod points;
mod radius;
mod spatial;

use ndarray::{Array2, ArrayView2, s};

use crate::context::Context;
use crate::error::Error;
use crate::linalg;

pub use approximate::Recall;
pub(crate) use exact::knn_squared;
pub(crate) use points::Points;
pub use radius::{RadiusNeighbors, radius_neighbors};
pub(crate) use radius::{Within, squared_for};

/// How far apart two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Straight-line distance.
    Euclidean,
    /// One minus the cosine of the angle: half the squared euclidean distance of the rows scaled to length 1, so 0 to
    /// 2. A row of zeros has no direction and stays as it is: 1/2 from every direction, 0 from other zeros.
    Cosine,
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
/// not more. Exact; the same bits for any number of threads and on every machine. O(n² d / 2) products,
/// O(n (d + k)) memory beside `x`.
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
    let mut found = exact::knn_squared(linalg::isa().for_dims(x.ncols()), &points, k, context)?;
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
        None => (exact::knn_squared(isa, &points, k, context)?, None),
    };
    neighbors
        .distances
        .par_mapv_inplace(|squared| points.distance(squared));
    Ok(KnnGraph { neighbors, recall })
}

#[cfg(test)]
pub(crate) mod tests;
