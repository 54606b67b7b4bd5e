//! Approximate neighbours: rows are put into cells, and each row is compared with the cells nearest to it.
//!
//! Cells make dense products of what a graph search would fetch row by row: at hundreds of dimensions a machine
//! multiplies rows that lie together many times faster than it finds rows that do not. How far a row looks is not
//! guessed: the true neighbours of a sample of rows are found first, and what finds enough of them for the fewest
//! products is done with all. A second sample says afterwards what was reached. (The inverted file of Jégou et al., 2011,
//! with lists that end where cells get much further than the nearest, as in SPANN, Chen et al., 2021; NN-descent as in
//! pynndescent was the alternative.)
//!
//! Within the pairs looked at everything is exact: fast products propose, f32 decides, ties go to the lower index. The
//! result is the same bits for any number of threads, and on every machine.

mod cells;
mod lists;
mod packed;
mod sweep;
mod truth;
mod whole;

use ndarray::Array2;

use super::repeats::Repeats;
use super::{Neighbors, Points};
use crate::context::Context;
use crate::error::Error;
use crate::linalg::Isa;
use cells::Cells;
use packed::Packed;
use sweep::Sweep;
use truth::Truth;

/// The share of the sample's true neighbours that must be within reach.
const WANTED: f64 = 0.98;
/// Below this, an exact search is not much dearer: rows that have no structure at all.
const HOPELESS: f64 = 0.9;
/// Up to this many rows a hopeless search is made exact.
const AFFORDABLE: usize = 100_000;
/// The cells that a row is compared with hold at least so many times `k` rows.
const ENOUGH: usize = 3;
/// Rows whose true neighbours are found: one half chooses, the other judges.
const SAMPLE: usize = 384;

/// How much of the truth was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// The share of the sample's true neighbours that were found.
    pub value: f64,
    /// Rows in the sample.
    pub rows: usize,
}

/// About the `min(k, n - 1)` nearest of every row, with squared distances in the units of the rows kept, and how much
/// of the truth they are; nothing where an exact search is the better way.
///
/// O(n^1.5 d) products for rows that cluster.
///
/// # Errors
/// [`Error::Cancelled`].
pub(super) fn knn_squared(
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<Option<(Neighbors, Recall)>, Error> {
    let n = points.len();
    if k == 0 || !is_many(n, k) {
        return Ok(None);
    }
    let repeats = Repeats::new(points, k);
    if !is_many(repeats.kept.len(), k) {
        return Ok(None);
    }
    let mut cells = Cells::new(isa, points, &repeats.kept, ENOUGH * k, context)?;
    let numbers = isa.coarse(points.dims()).unwrap_or(isa);
    let mut packed = Packed::new(numbers, points, &cells.order);
    let truth = Truth::new(&packed, k, SAMPLE, context)?;
    let reach = truth.reach_for(&cells, WANTED);
    let hopeless = reach.share < HOPELESS && n <= AFFORDABLE;
    if hopeless || reach.met > repeats.kept.len() / 2 {
        return Ok(None);
    }
    if numbers != isa && !truth.is_coarse_enough(reach.met) {
        packed = Packed::new(isa, points, &cells.order);
    }
    cells.shorten(reach.width, reach.gap);
    let sweep = Sweep::new(&packed, &cells, k);
    sweep.run(context)?;
    let mut found = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    sweep.decide(&mut found, context)?;
    repeats.complete(&mut found);
    let recall = truth.recall(&found);
    Ok(Some((found, recall)))
}

/// Whether cells of so many rows are worth their sample.
fn is_many(rows: usize, k: usize) -> bool {
    rows > 2 * k && rows >= 4 * SAMPLE
}

#[cfg(test)]
mod tests;
