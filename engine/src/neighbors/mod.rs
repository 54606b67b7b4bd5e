//! Nearest neighbours, exact: the graph under UMAP, HDBSCAN, similarity and duplicates.
//!
//! All pairs are proposed by blocked products and the few that may be among the nearest are decided by exact f32
//! distances, so the answer is the brute-force answer to the bit, ties going to the lower index.

mod candidates;
mod exact;
mod points;

use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Error;
use crate::linalg;

pub(crate) use exact::knn_squared;
pub(crate) use points::Points;

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

#[cfg(test)]
pub(crate) mod tests;
