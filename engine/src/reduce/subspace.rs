//! The first principal directions by subspace iteration from a random start: for tables that are wide on both sides.
//!
//! Halko, Martinsson and Tropp, 2011, with the products of the data taken block by block, so that beside the data
//! only `d x l` numbers are kept.

use ndarray::Array2;
use rayon::prelude::*;

use super::covariance::Centred;
use super::eigen::{self, Eigen};
use super::product;
use crate::context::Context;
use crate::error::Error;
use crate::random;

/// Directions beyond those wanted.
const OVERSAMPLES: usize = 10;
/// Rounds; each squares the gap between what is wanted and what is not.
const ROUNDS: usize = 7;
/// Rows of one product.
const ROWS: usize = 1024;
/// Blocks whose products are summed in one task.
const BLOCKS: usize = 8;

/// The `k` largest eigenvalues of `X'X` and their vectors (`k x d`), nearly. `4 rounds n d (k + 10)` operations.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn largest(centred: &Centred<'_>, k: usize, context: &Context) -> Result<Eigen, Error> {
    let d = centred.mean.len();
    let width = (k + OVERSAMPLES).min(d);
    let mut basis = Array2::from_shape_fn((d, width), |(row, column)| {
        random::normal(context.seed, 0x5043_4120, (row * width + column) as u64)
    });
    orthonormalise(&mut basis);
    let step = context.step("iterate", (ROUNDS + 1) as u64);
    for _ in 0..ROUNDS {
        step.tick(1)?;
        basis = image_of(centred, &basis, context)?;
        orthonormalise(&mut basis);
    }
    step.tick(1)?;
    // Within the subspace the problem is small.
    let image = image_of(centred, &basis, context)?;
    let inner = product::by_rows(basis.t(), image.t());
    let inner = (&inner + &inner.t()) / 2.0;
    let found = eigen::symmetric(inner, k.min(width), &step)?;
    Ok(Eigen {
        values: found.values,
        vectors: product::by_rows(found.vectors.view(), basis.view()),
    })
}

/// `X'(X basis)`: blocks in `f32`, sums in `f64`, in the blocks' order.
fn image_of(
    centred: &Centred<'_>,
    basis: &Array2<f64>,
    context: &Context,
) -> Result<Array2<f64>, Error> {
    let n = centred.nrows();
    let narrow = basis.mapv(|value| value as f32);
    let groups: Vec<usize> = (0..n).step_by(ROWS * BLOCKS).collect();
    let parts: Vec<Array2<f64>> = groups
        .into_par_iter()
        .map(|first| {
            let mut sum = Array2::zeros(basis.dim());
            for begin in (first..(first + ROWS * BLOCKS).min(n)).step_by(ROWS) {
                context.stop.check()?;
                let rows = centred.rows(begin..(begin + ROWS).min(n));
                let along = product::by_rows(rows.view(), narrow.t());
                let back = product::by_rows(rows.t(), along.t());
                sum.zip_mut_with(&back, |sum: &mut f64, &value| *sum += f64::from(value));
            }
            Ok::<_, Error>(sum)
        })
        .collect::<Result<_, Error>>()?;
    let mut total = Array2::zeros(basis.dim());
    for part in &parts {
        total += part;
    }
    Ok(total)
}

/// Makes the columns orthonormal (Gram and Schmidt, twice); a column that depends on those before becomes 0.
fn orthonormalise(basis: &mut Array2<f64>) {
    for column in 0..basis.ncols() {
        let before = basis.column(column).dot(&basis.column(column)).sqrt();
        for _ in 0..2 {
            for earlier in 0..column {
                let along = basis.column(earlier).dot(&basis.column(column));
                let shift = &basis.column(earlier) * along;
                let mut column = basis.column_mut(column);
                column -= &shift;
            }
        }
        let length = basis.column(column).dot(&basis.column(column)).sqrt();
        let by = if length > 1e-12 * before {
            1.0 / length
        } else {
            0.0
        };
        basis.column_mut(column).mapv_inplace(|value| value * by);
    }
}
