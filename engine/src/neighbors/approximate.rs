//! Approximate neighbours: rows are put into cells, and each row is compared with the cells nearest to it.
//!
//! Cells make dense products of what a graph search would fetch row by row: at hundreds of dimensions a machine
//! multiplies rows that lie together many times faster than it finds rows that do not. How many cells a row is
//! compared with is not guessed: the true neighbours of a sample of rows are found first, and as many cells are taken
//! as that sample needs. A second sample says afterwards what was reached. (The inverted file of Jégou et al., 2011;
//! NN-descent as in pynndescent was the alternative.)
//!
//! Within the pairs looked at everything is exact: fast products propose, f32 decides, ties go to the lower index. The
//! result is the same bits for any number of threads, and on every machine.

mod cells;
mod packed;
mod sweep;
mod truth;
mod whole;

use super::{Neighbors, Points};
use crate::context::Context;
use crate::error::Error;
use crate::linalg::Isa;
use cells::Cells;
use packed::Packed;
use sweep::Sweep;
use truth::Truth;

/// The share of the sample's true neighbours that must be within reach.
const WANTED: f64 = 0.985;
/// Below this, an exact search is not much dearer: rows that have no structure at all.
const HOPELESS: f64 = 0.9;
/// Up to this many rows a hopeless search is made exact.
const AFFORDABLE: usize = 100_000;
/// Rows whose true neighbours are found: one half chooses, the other judges.
const SAMPLE: usize = 384;
/// The most cells a row is compared with.
const MOST_CELLS: usize = 64;

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
    if k == 0 || n <= 2 * k || n < 4 * SAMPLE {
        return Ok(None);
    }
    let cells = Cells::new(isa, points, MOST_CELLS, context)?;
    let packed = Packed::new(isa, points, &cells);
    let truth = Truth::new(&packed, &cells, k, SAMPLE, context)?;
    let (width, reached) = truth.cells_needed(&cells, WANTED);
    if reached < HOPELESS && n <= AFFORDABLE {
        return Ok(None);
    }
    let mut sweep = Sweep::new(&packed, &cells, k);
    sweep.run(width, context)?;
    let found = sweep.decide(k, context)?;
    let recall = truth.recall(&found);
    Ok(Some((found, recall)))
}

#[cfg(test)]
mod tests;
