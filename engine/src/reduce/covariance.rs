//! Centred symmetric products `X'X` and `XX'`: chains of `f32` sums, added up in `f64`.
//!
//! `f32` products run twice as fast as `f64` ones; a chain is short enough that its own rounding stays near 1e-6 of the
//! result, and across chains nothing is lost. Only the upper triangle is computed. The work is cut by the data, into
//! groups of chains and stripes of columns, and summed in the groups' order.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::product::{self, LANES, Number, Panels};
use crate::context::Context;
use crate::error::Error;

/// Products in one chain of sums.
const CHAIN: usize = 256;
/// Rows that are centred or measured together.
const ROWS: usize = 1024;
/// Panels of columns whose sums one task keeps.
const STRIPE: usize = 16;
/// The most groups of chains.
const GROUPS: usize = 16;
/// The most numbers that the sums of all groups may take (128 MB).
const KEPT: usize = 1 << 24;
/// Up to this many multiplications `f64` throughout costs nothing that anybody notices.
const SMALL: usize = 1 << 28;

/// Data brought to its mean and to numbers whose squares fit `f32`.
#[derive(Debug, Clone)]
pub struct Centred<'a> {
    x: ArrayView2<'a, f32>,
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// A power of two; entries are divided by it, so that the largest is at most 1.
    pub scale: f64,
}

impl<'a> Centred<'a> {
    /// Takes the mean of the columns of `x` (`n >= 1` rows, finite), and the size of what is left.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn new(x: ArrayView2<'a, f32>, context: &Context) -> Result<Centred<'a>, Error> {
        let blocks = x.nrows().div_ceil(ROWS);
        let step = context.step("centre", blocks as u64);
        let sums: Vec<Vec<f64>> = (0..blocks)
            .into_par_iter()
            .map(|block| {
                step.tick(1)?;
                let mut sums = vec![0.0; x.ncols()];
                for row in x.slice(s![range(block, x.nrows()), ..]).outer_iter() {
                    for (sum, &value) in sums.iter_mut().zip(row) {
                        *sum += f64::from(value);
                    }
                }
                Ok(sums)
            })
            .collect::<Result<_, Error>>()?;
        let mut mean = vec![0.0; x.ncols()];
        for block in &sums {
            for (mean, sum) in mean.iter_mut().zip(block) {
                *mean += sum;
            }
        }
        for mean in &mut mean {
            *mean /= x.nrows() as f64;
        }
        let largest = (0..blocks)
            .into_par_iter()
            .map(|block| {
                let mut largest = 0.0_f64;
                for row in x.slice(s![range(block, x.nrows()), ..]).outer_iter() {
                    for (&value, mean) in row.iter().zip(&mean) {
                        largest = largest.max((f64::from(value) - mean).abs());
                    }
                }
                largest
            })
            .reduce(|| 0.0, f64::max);
        let scale = if largest > 0.0 {
            largest.log2().ceil().exp2()
        } else {
            1.0
        };
        Ok(Centred { x, mean, scale })
    }

    /// Rows `rows` less the mean, divided by the scale.
    pub fn rows(&self, rows: Range<usize>) -> Array2<f32> {
        let mut block = Array2::zeros((rows.len(), self.x.ncols()));
        for (from, mut to) in self
            .x
            .slice(s![rows, ..])
            .outer_iter()
            .zip(block.outer_iter_mut())
        {
            for (column, (to, &value)) in to.iter_mut().zip(from).enumerate() {
                *to = self.entry(column, value) as f32;
            }
        }
        block
    }

    /// The sum of squares of the centred, scaled rows.
    pub fn squares(&self) -> f64 {
        let blocks = self.nrows().div_ceil(ROWS);
        let sums: Vec<f64> = (0..blocks)
            .into_par_iter()
            .map(|block| {
                let rows = self.rows(range(block, self.nrows()));
                rows.iter().map(|&value| f64::from(value).powi(2)).sum()
            })
            .collect();
        sums.iter().sum()
    }

    /// The number of rows.
    pub fn nrows(&self) -> usize {
        self.x.nrows()
    }

    /// `X'X` of the centred, scaled rows: `d x d`. `n d^2` operations.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn scatter(&self, context: &Context) -> Result<Array2<f64>, Error> {
        let (n, d) = self.x.dim();
        if d.saturating_mul(d).saturating_mul(n) <= SMALL {
            symmetric(d, n, context, |panels, rows, columns| {
                let part = self.x.slice(s![rows, ..columns]);
                panels.pack_columns(part, |column, value| self.entry(column, value));
            })
        } else {
            symmetric(d, n, context, |panels, rows, columns| {
                let part = self.x.slice(s![rows, ..columns]);
                panels.pack_columns(part, |column, value| self.entry(column, value) as f32);
            })
        }
    }

    /// `XX'` of the centred, scaled rows: `n x n`, for few rows of many columns. `n^2 d` operations.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn gram(&self, context: &Context) -> Result<Array2<f64>, Error> {
        let (n, d) = self.x.dim();
        if n.saturating_mul(n).saturating_mul(d) <= SMALL {
            symmetric(n, d, context, |panels, columns, rows| {
                let first = columns.start;
                let part = self.x.slice(s![..rows, columns]);
                panels.pack(part, |column, value| self.entry(first + column, value));
            })
        } else {
            symmetric(n, d, context, |panels, columns, rows| {
                let first = columns.start;
                let part = self.x.slice(s![..rows, columns]);
                panels.pack(part, |column, value| {
                    self.entry(first + column, value) as f32
                });
            })
        }
    }

    /// An entry less its column's mean, divided by the scale.
    #[inline(always)]
    fn entry(&self, column: usize, value: f32) -> f64 {
        (f64::from(value) - self.mean[column]) * self.scale.recip()
    }
}

fn range(block: usize, n: usize) -> Range<usize> {
    block * ROWS..((block + 1) * ROWS).min(n)
}

/// The inner products of `size` rows of `depth` entries with each other. `fill(panels, entries, rows)` packs those
/// entries of the first so many rows.
fn symmetric<T: Number>(
    size: usize,
    depth: usize,
    context: &Context,
    fill: impl Fn(&mut Panels<T>, Range<usize>, usize) + Sync,
) -> Result<Array2<f64>, Error> {
    let chains = depth.div_ceil(CHAIN);
    let panels = size.div_ceil(LANES);
    let groups = (KEPT / (size * size).max(1))
        .clamp(1, GROUPS)
        .min(chains.max(1));
    let stripes: Vec<Range<usize>> = (0..panels)
        .step_by(STRIPE)
        .map(|first| first..(first + STRIPE).min(panels))
        .collect();
    let tasks: Vec<(usize, Range<usize>)> = (0..groups)
        .flat_map(|group| stripes.iter().cloned().map(move |stripe| (group, stripe)))
        .collect();
    let step = context.step("covariance", (chains * stripes.len()) as u64);
    // For each task its tiles: for each panel of the stripe, those with all panels up to it.
    let sums: Vec<Vec<product::Square<f64>>> = tasks
        .into_par_iter()
        .with_max_len(1)
        .map(|(group, stripe)| {
            let tiles = stripe.clone().map(|panel| panel + 1).sum();
            let mut sums = vec![[[0.0; LANES]; LANES]; tiles];
            let mut packed = Panels::default();
            for chain in group * chains / groups..(group + 1) * chains / groups {
                step.tick(1)?;
                let entries = chain * CHAIN..((chain + 1) * CHAIN).min(depth);
                fill(&mut packed, entries, (stripe.end * LANES).min(size));
                let pairs = stripe.clone().flat_map(|b| (0..=b).map(move |a| (a, b)));
                for ((a, b), sums) in pairs.zip(&mut sums) {
                    let found = product::square(&packed, a, &packed, b);
                    for (sum, value) in sums.as_flattened_mut().iter_mut().zip(found.as_flattened())
                    {
                        *sum += (*value).into();
                    }
                }
            }
            Ok(sums)
        })
        .collect::<Result<_, Error>>()?;
    let mut whole = Array2::zeros((size, size));
    for (task, sums) in sums.iter().enumerate() {
        let stripe = &stripes[task % stripes.len()];
        let pairs = stripe.clone().flat_map(|b| (0..=b).map(move |a| (a, b)));
        for ((a, b), tile) in pairs.zip(sums) {
            for (i, line) in (a * LANES..size).zip(tile) {
                for (j, sum) in (b * LANES..size).zip(line) {
                    whole[[i, j]] += sum;
                }
            }
        }
    }
    for i in 0..size {
        for j in 0..i {
            whole[[i, j]] = whole[[j, i]];
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition_in_single_and_double() {
        // Beyond the size that is done in double, with a stripe and a group cut in the middle.
        for (n, d) in [(37, 21), (21, 37), (3000, 301)] {
            let x = Array2::from_shape_fn((n, d), |(i, j)| {
                crate::random::uniform(4, j as u64 % 7, i as u64) as f32 + j as f32
            });
            let context = Context::new(0);
            let centred = Centred::new(x.view(), &context).unwrap();
            let rows = centred.rows(0..n).mapv(f64::from);
            let scatter = centred.scatter(&context).unwrap();
            for (at, value) in scatter.indexed_iter().step_by(97) {
                let wanted = rows.column(at.0).dot(&rows.column(at.1));
                assert!((value - wanted).abs() < 1e-6 * n as f64, "{at:?}");
                assert_eq!(*value, scatter[[at.1, at.0]]);
            }
            if n < 100 {
                for (at, value) in centred.gram(&context).unwrap().indexed_iter() {
                    let wanted = rows.row(at.0).dot(&rows.row(at.1));
                    assert!((value - wanted).abs() < 1e-6 * d as f64, "{at:?}");
                }
            }
        }
    }
}
