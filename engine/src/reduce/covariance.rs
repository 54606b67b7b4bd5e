//! Centred symmetric products `X'X` and `XX'`: blocks of rows in `f32`, added up in `f64`.
//!
//! `f32` products run four times as fast as `f64` ones; a block is short enough that its own rounding stays near 1e-6
//! of the result, and across blocks nothing is lost. Only the upper triangle is computed.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::context::Context;
use crate::error::Error;

/// Rows of one `f32` product.
const ROWS: usize = 1024;
/// Columns of one tile of the result.
const TILE: usize = 128;
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
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Array2<f32> {
        let mut block = Array2::zeros((rows.len(), self.x.ncols()));
        for (from, mut to) in self
            .x
            .slice(s![rows, ..])
            .outer_iter()
            .zip(block.outer_iter_mut())
        {
            for ((to, &value), mean) in to.iter_mut().zip(from).zip(&self.mean) {
                *to = ((f64::from(value) - mean) / self.scale) as f32;
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
        let blocks = self.nrows().div_ceil(ROWS);
        let step = context.step("covariance", blocks as u64);
        let mut sum = Upper::zeros(self.x.ncols(), self.nrows());
        for block in 0..blocks {
            step.tick(1)?;
            sum.add(self.rows(range(block, self.nrows())).view());
        }
        Ok(sum.whole())
    }

    /// `XX'` of the centred, scaled rows: `n x n`, for few rows of many columns. `n^2 d` operations.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn gram(&self, context: &Context) -> Result<Array2<f64>, Error> {
        let rows = self.rows(0..self.nrows());
        let columns = rows.t();
        let step = context.step("covariance", columns.nrows().div_ceil(ROWS) as u64);
        let mut sum = Upper::zeros(self.nrows(), columns.nrows());
        for block in columns.axis_chunks_iter(Axis(0), ROWS) {
            step.tick(1)?;
            sum.add(block);
        }
        Ok(sum.whole())
    }
}

fn range(block: usize, n: usize) -> std::ops::Range<usize> {
    block * ROWS..((block + 1) * ROWS).min(n)
}

/// The tiles of a symmetric matrix on and above its diagonal.
struct Upper {
    size: usize,
    double: bool,
    tiles: Vec<(usize, usize, Array2<f64>)>,
}

impl Upper {
    fn zeros(size: usize, depth: usize) -> Upper {
        let double = size.saturating_mul(size).saturating_mul(depth) <= SMALL;
        let starts: Vec<usize> = (0..size).step_by(TILE).collect();
        let width = |start: usize| TILE.min(size - start);
        let tiles = starts
            .iter()
            .flat_map(|&i| {
                starts
                    .iter()
                    .filter(move |&&j| j >= i)
                    .map(move |&j| (i, j))
            })
            .map(|(i, j)| (i, j, Array2::zeros((width(i), width(j)))))
            .collect();
        Upper {
            size,
            double,
            tiles,
        }
    }

    fn add(&mut self, block: ArrayView2<'_, f32>) {
        let double = self.double;
        self.tiles.par_iter_mut().for_each(|(i, j, tile)| {
            let left = block.slice(s![.., *i..*i + tile.nrows()]);
            let right = block.slice(s![.., *j..*j + tile.ncols()]);
            if double {
                *tile += &left.mapv(f64::from).t().dot(&right.mapv(f64::from));
            } else {
                let product = left.t().dot(&right);
                tile.zip_mut_with(&product, |sum, &value| *sum += f64::from(value));
            }
        });
    }

    fn whole(self) -> Array2<f64> {
        let mut whole = Array2::zeros((self.size, self.size));
        for (i, j, tile) in self.tiles {
            let (height, width) = tile.dim();
            whole
                .slice_mut(s![j..j + width, i..i + height])
                .assign(&tile.t());
            whole
                .slice_mut(s![i..i + height, j..j + width])
                .assign(&tile);
        }
        whole
    }
}
