//! Centred symmetric products `X'X` and `XX'`: short chains of `f32` sums, a few of them added up in `f32`, then in `f64`.
//!
//! `f32` products run twice as fast as `f64` ones; chains and runs of chains are short enough that rounding stays near 1e-6
//! of the result, and across runs nothing is lost. Only the upper triangle is computed. The work is cut by the data, into
//! runs of chains and stripes of columns. Threads take the next task each; what they find is added in the runs' order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::lines;
use super::product::{self, LANES, Number, Panels};
use crate::context::Context;
use crate::error::Error;
use crate::finite::check_finite;
use crate::linalg::{self, Columns, Square};

/// Products in one chain of sums.
const CHAIN: usize = 128;
/// The most chains whose sums are added up in the numbers of the products.
const RUN: usize = 16;
/// Runs that are made of few chains rather than none: enough for threads to share them evenly.
const RUNS: usize = 32;
/// Rows that are centred or measured together.
const ROWS: usize = 1024;
/// Panels of columns whose sums one task keeps.
const STRIPE: usize = 32;
/// Up to this many multiplications `f64` throughout costs nothing that anybody notices.
const SMALL: usize = 1 << 28;
/// The scale and what it is divided by are both numbers of `f32` up to this power of two.
const FARTHEST: f64 = 126.0;

/// Data brought to its mean and to numbers whose squares fit `f32`.
#[derive(Debug, Clone)]
pub struct Centred<'a> {
    x: ArrayView2<'a, f32>,
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// A power of two; entries are divided by it, so that the largest is about 1 at most.
    pub scale: f64,
}

impl<'a> Centred<'a> {
    /// Takes the mean of the columns of `x` (`n >= 1` rows), and the size of what is left, in one pass.
    ///
    /// # Errors
    /// [`Error::Input`] for what is not finite, as [`check_finite`] says it; [`Error::Cancelled`].
    pub fn new(x: ArrayView2<'a, f32>, context: &Context) -> Result<Centred<'a>, Error> {
        let blocks = x.nrows().div_ceil(ROWS);
        let step = context.step("centre", blocks as u64);
        let isa = linalg::isa();
        let parts: Vec<Columns> = (0..blocks)
            .into_par_iter()
            .map(|block| {
                step.tick(1)?;
                let rows = lines::in_place_or_copied(x.slice_move(s![range(block, x.nrows()), ..]));
                let mut columns = Columns::new(x.ncols());
                columns.add(isa, lines::of(&rows.view()));
                Ok(columns)
            })
            .collect::<Result<_, Error>>()?;
        let mut all = Columns::new(x.ncols());
        for columns in &parts {
            all.join(columns);
        }
        if !all.sums.iter().all(|sum| sum.is_finite()) {
            check_finite(x)?;
        }
        let n = x.nrows() as f64;
        let mean: Vec<f64> = all.sums.iter().map(|sum| sum / n).collect();
        let ranges = all.least.iter().zip(&all.most).zip(&mean);
        let largest = ranges.fold(0.0_f64, |largest, ((&least, &most), mean)| {
            largest
                .max(mean - f64::from(least))
                .max(f64::from(most) - mean)
        });
        let scale = if largest > 0.0 {
            largest.log2().ceil().clamp(-FARTHEST, FARTHEST).exp2()
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
            // Single precision takes a shift of single precision away; what the mean has beyond it, once and for all.
            let scaled: Vec<f64> = self.mean.iter().map(|mean| mean / self.scale).collect();
            let shift: Vec<f32> = scaled.iter().map(|&mean| mean as f32).collect();
            let factor = self.scale.recip() as f32;
            let mut scatter = symmetric(d, n, context, |panels, rows, columns| {
                let part = self.x.slice(s![rows, ..columns]);
                panels.pack_centred_columns(part, factor, &shift[..columns]);
            })?;
            let rest: Vec<f64> = scaled
                .iter()
                .zip(&shift)
                .map(|(mean, &shift)| mean - f64::from(shift))
                .collect();
            for (mut line, own) in scatter.outer_iter_mut().zip(&rest) {
                for (value, other) in line.iter_mut().zip(&rest) {
                    // In this order both halves get the same bits.
                    *value -= own * other * n as f64;
                }
            }
            Ok(scatter)
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
    let each = (chains / RUNS).clamp(1, RUN);
    let panels = size.div_ceil(LANES);
    let stripes: Vec<Stripe<T>> = (0..panels)
        .step_by(STRIPE)
        .map(|first| Stripe::new(first..(first + STRIPE).min(panels)))
        .collect();
    let step = context.step("covariance", (chains * stripes.len()) as u64);
    let tasks = chains.div_ceil(each) * stripes.len();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut packed = Panels::default();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return Ok::<_, Error>(());
            }
            let (run, stripe) = (task / stripes.len(), &stripes[task % stripes.len()]);
            let mut sums = stripe.room();
            for chain in run * each..((run + 1) * each).min(chains) {
                step.tick(1)?;
                let entries = chain * CHAIN..((chain + 1) * CHAIN).min(depth);
                fill(&mut packed, entries, (stripe.panels.end * LANES).min(size));
                for ((a, b), sums) in stripe.pairs().zip(&mut sums) {
                    product::add_square(&packed, a, &packed, b, sums);
                }
            }
            stripe.add(run, sums);
        }
    };
    (0..rayon::current_num_threads().min(tasks))
        .into_par_iter()
        .with_max_len(1)
        .try_for_each(|_| work())?;
    let total: Vec<Vec<Square<f64>>> = stripes.into_iter().map(Stripe::total).collect();
    let mut whole = Array2::zeros((size, size));
    whole
        .axis_chunks_iter_mut(Axis(0), LANES)
        .into_par_iter()
        .enumerate()
        .for_each(|(i, mut lines)| {
            for (j, mut part) in lines.axis_chunks_iter_mut(Axis(1), LANES).enumerate() {
                let (a, b) = (i.min(j), i.max(j));
                let first = b / STRIPE * STRIPE;
                let stripe = first..(first + STRIPE).min(panels);
                let tile = &total[b / STRIPE][tile(&stripe, a, b)];
                for ((r, c), value) in part.indexed_iter_mut() {
                    *value = if i <= j { tile[r][c] } else { tile[c][r] };
                }
            }
        });
    Ok(whole)
}

/// Panels of columns, and the inner products of their rows with those of all panels up to them.
struct Stripe<T> {
    panels: Range<usize>,
    found: Mutex<Found<T>>,
}

/// What runs have found so far.
struct Found<T> {
    /// The sums of all runs before `runs`.
    total: Vec<Square<f64>>,
    runs: usize,
    /// Those of later runs that wait for one before them.
    waiting: BTreeMap<usize, Vec<Square<T>>>,
    /// Sums that have been added.
    spare: Vec<Vec<Square<T>>>,
}

impl<T: Number> Stripe<T> {
    fn new(panels: Range<usize>) -> Stripe<T> {
        let total = vec![[[0.0; LANES]; LANES]; tile(&panels, panels.end, panels.end)];
        Stripe {
            panels,
            found: Mutex::new(Found {
                total,
                runs: 0,
                waiting: BTreeMap::new(),
                spare: Vec::new(),
            }),
        }
    }

    /// The pairs of panels, in the order of their tiles: that on the left stays in the nearest cache while those of the
    /// stripe pass.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let Range { start, end } = self.panels;
        (0..end).flat_map(move |a| (a.max(start)..end).map(move |b| (a, b)))
    }

    /// Sums of 0.
    fn room(&self) -> Vec<Square<T>> {
        let mut found = lock(&self.found);
        let (spare, size) = (found.spare.pop(), found.total.len());
        drop(found);
        let mut sums = spare.unwrap_or_else(|| Vec::with_capacity(size));
        sums.clear();
        sums.resize(size, [[T::default(); LANES]; LANES]);
        sums
    }

    /// Takes what a run has found, and adds what can be added in the runs' order.
    fn add(&self, run: usize, sums: Vec<Square<T>>) {
        let mut guard = lock(&self.found);
        let found = &mut *guard;
        found.waiting.insert(run, sums);
        while let Some(sums) = found.waiting.remove(&found.runs) {
            for (total, sums) in found.total.iter_mut().zip(&sums) {
                T::add_to_total(sums, total);
            }
            found.runs += 1;
            found.spare.push(sums);
        }
    }

    fn total(self) -> Vec<Square<f64>> {
        let found = self.found.into_inner();
        found.unwrap_or_else(PoisonError::into_inner).total
    }
}

/// A thread that panicked took its sums with it, and the panic goes on to the caller.
fn lock<T>(found: &Mutex<Found<T>>) -> MutexGuard<'_, Found<T>> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a stripe has the sums of panel `b`, which is in it, with panel `a <= b`; for `a` and `b` at its end, their number.
fn tile(stripe: &Range<usize>, a: usize, b: usize) -> usize {
    let beyond = a.saturating_sub(stripe.start);
    // Above the stripe a line of tiles is as long as the stripe is wide; beside it, one shorter each time.
    let before = a * stripe.len() - beyond * beyond.saturating_sub(1) / 2;
    before + b - a.max(stripe.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition_in_single_and_double() {
        // Beyond the size that is done in double, with a stripe and a group cut in the middle.
        for (n, d) in [(37, 21), (21, 37), (3000, 301), (700, 700)] {
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
