//! The door of every method: only finite numbers come in.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::Error;

/// Fails with the first row of `x` that holds a NaN or an infinity, its value and position (from 0). O(n d).
///
/// # Errors
/// [`Error::Input`].
pub fn check_finite(x: ArrayView2<'_, f32>) -> Result<(), Error> {
    let bad = |row: usize| x.row(row).iter().position(|value| !value.is_finite());
    let first = (0..x.nrows())
        .into_par_iter()
        .find_first(|&row| bad(row).is_some());
    match first.and_then(|row| bad(row).map(|at| (row, at))) {
        None => Ok(()),
        Some((row, at)) => Err(Error::Input(format!(
            "row {row} holds {} at position {at}; vectors must be finite numbers",
            x[(row, at)]
        ))),
    }
}
