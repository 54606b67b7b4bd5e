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
/// Rows that stand for all where a point near the mean is wanted.
const SAMPLE: usize = 1024;
/// With so many times as many rows, the mean is found beside the products, in the same pass.
const MANY: usize = 16;
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
        Ok(Centred::about(x, &all, x.nrows()))
    }

    /// About the mean of so many rows, and by the size of what is left of them.
    fn about(x: ArrayView2<'a, f32>, columns: &Columns, count: usize) -> Centred<'a> {
        let n = count as f64;
        let mean: Vec<f64> = columns.sums.iter().map(|sum| sum / n).collect();
        let ranges = columns.least.iter().zip(&columns.most).zip(&mean);
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
        Centred { x, mean, scale }
    }

    /// [`Centred::new`] and [`Centred::scatter`]; of many rows in one pass, which begins about the mean of a few.
    ///
    /// # Errors
    /// As both.
    pub fn with_scatter(
        x: ArrayView2<'a, f32>,
        context: &Context,
    ) -> Result<(Centred<'a>, Array2<f64>), Error> {
        if !is_small(x)
            && x.nrows() >= MANY * SAMPLE
            && let Some(found) = Centred::in_one_pass(x, context)?
        {
            return Ok(found);
        }
        let centred = Centred::new(x, context)?;
        let scatter = centred.scatter(context)?;
        Ok((centred, scatter))
    }

    /// None where the few are not like the rest, or something is not finite.
    fn in_one_pass(
        x: ArrayView2<'a, f32>,
        context: &Context,
    ) -> Result<Option<(Centred<'a>, Array2<f64>)>, Error> {
        let n = x.nrows();
        let some = lines::in_place_or_copied(x.slice_move(s![..;n / SAMPLE, ..]));
        let some = some.view();
        let mut columns = Columns::new(x.ncols());
        columns.add(linalg::isa(), lines::of(&some));
        if !columns.sums.iter().all(|sum| sum.is_finite()) {
            return Ok(None);
        }
        let mut centred = Centred::about(x, &columns, some.nrows());
        let sums = Mutex::new(InOrder::default());
        let (shift, _) = centred.shift();
        let mut scatter = centred.products(&shift, Some(&sums), context)?;
        let largest = scatter.diag().fold(0.0_f64, |largest, &v| largest.max(v)) / n as f64;
        let sums = lock(&sums).take();
        let finite = sums.iter().chain(scatter.diag()).all(|sum| sum.is_finite());
        // Squares must have stayed among the normal numbers of f32.
        if !finite || !(1e-9..1e18).contains(&largest) {
            return Ok(None);
        }
        let rest: Vec<f64> = sums.iter().map(|sum| sum / n as f64).collect();
        take_off(&mut scatter, &rest, n);
        for ((mean, &shift), rest) in centred.mean.iter_mut().zip(&shift).zip(&rest) {
            *mean = (f64::from(shift) + rest) * centred.scale;
        }
        Ok(Some((centred, scatter)))
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
        if is_small(self.x) {
            let fill = |panels: &mut Panels<f64>, rows: Range<usize>, columns: usize| {
                let part = self.x.slice(s![rows, ..columns]);
                panels.pack_columns(part, |column, value| self.entry(column, value));
            };
            symmetric(d, n, context, fill, |_| {})
        } else {
            let (shift, rest) = self.shift();
            let mut scatter = self.products(&shift, None, context)?;
            take_off(&mut scatter, &rest, n);
            Ok(scatter)
        }
    }

    /// The scaled mean in single precision, and what it has beyond that: single precision takes a shift of single precision
    /// away, and the rest is taken off the products, once and for all.
    fn shift(&self) -> (Vec<f32>, Vec<f64>) {
        let scaled = self.mean.iter().map(|mean| mean / self.scale);
        let parts = scaled.map(|mean| (mean as f32, mean - f64::from(mean as f32)));
        parts.unzip()
    }

    /// The products of the columns less a shift, in single precision; their sums go to `sums`.
    fn products(
        &self,
        shift: &[f32],
        sums: Option<&Mutex<InOrder>>,
        context: &Context,
    ) -> Result<Array2<f64>, Error> {
        let (n, d) = self.x.dim();
        let factor = self.scale.recip() as f32;
        let fill = |panels: &mut Panels<f32>, rows: Range<usize>, columns: usize| {
            let chain = rows.start / CHAIN;
            let part = self.x.slice(s![rows, ..columns]);
            panels.pack_centred_columns(part, factor, &shift[..columns]);
            if let Some(sums) = sums
                && columns == d
            {
                lock(sums).add(chain, panels.sums(columns));
            }
        };
        symmetric(d, n, context, fill, |rows| {
            let rows = rows.filter_map(|row| self.x.row(row).to_slice());
            linalg::fetch(rows);
        })
    }

    /// `XX'` of the centred, scaled rows: `n x n`, for few rows of many columns. `n^2 d` operations.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn gram(&self, context: &Context) -> Result<Array2<f64>, Error> {
        let (n, d) = self.x.dim();
        if n.saturating_mul(n).saturating_mul(d) <= SMALL {
            let fill = |panels: &mut Panels<f64>, columns: Range<usize>, rows: usize| {
                let first = columns.start;
                let part = self.x.slice(s![..rows, columns]);
                panels.pack(part, |column, value| self.entry(first + column, value));
            };
            symmetric(n, d, context, fill, |_| {})
        } else {
            let fill = |panels: &mut Panels<f32>, columns: Range<usize>, rows: usize| {
                let first = columns.start;
                let part = self.x.slice(s![..rows, columns]);
                panels.pack(part, |column, value| {
                    self.entry(first + column, value) as f32
                });
            };
            symmetric(n, d, context, fill, |_| {})
        }
    }

    /// An entry less its column's mean, divided by the scale.
    #[inline(always)]
    fn entry(&self, column: usize, value: f32) -> f64 {
        (f64::from(value) - self.mean[column]) * self.scale.recip()
    }
}

/// Whether double precision throughout costs nothing.
fn is_small(x: ArrayView2<'_, f32>) -> bool {
    let (n, d) = x.dim();
    d.saturating_mul(d).saturating_mul(n) <= SMALL
}

/// Products of `n` rows less what their mean is from 0.
fn take_off(scatter: &mut Array2<f64>, mean: &[f64], n: usize) {
    for (mut line, own) in scatter.outer_iter_mut().zip(mean) {
        for (value, other) in line.iter_mut().zip(mean) {
            // In this order both halves get the same bits.
            *value -= own * other * n as f64;
        }
    }
}

/// Sums of chains, added up in the chains' order whichever is found first.
#[derive(Debug, Default)]
struct InOrder {
    total: Vec<f64>,
    chains: usize,
    waiting: BTreeMap<usize, Vec<f64>>,
}

impl InOrder {
    fn add(&mut self, chain: usize, sums: Vec<f64>) {
        self.waiting.insert(chain, sums);
        while let Some(sums) = self.waiting.remove(&self.chains) {
            self.total.resize(sums.len(), 0.0);
            for (total, sum) in self.total.iter_mut().zip(sums) {
                *total += sum;
            }
            self.chains += 1;
        }
    }

    fn take(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.total)
    }
}

fn range(block: usize, n: usize) -> Range<usize> {
    block * ROWS..((block + 1) * ROWS).min(n)
}

/// The inner products of `size` rows of `depth` entries with each other. `fill(panels, entries, rows)` packs those
/// entries of the first so many rows; `ahead(entries)` is told which will be packed before long.
fn symmetric<T: Number>(
    size: usize,
    depth: usize,
    context: &Context,
    fill: impl Fn(&mut Panels<T>, Range<usize>, usize) + Sync,
    ahead: impl Fn(Range<usize>) + Sync,
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
                let (later, lines) = ((chain + 1) * CHAIN, stripe.panels.end);
                let mut line = None;
                for ((a, b), sums) in stripe.pairs().zip(&mut sums) {
                    if line != Some(a) {
                        // A little at a time, so that what is asked for comes while the products are made.
                        let from = later + a * CHAIN / lines;
                        let to = later + (a + 1) * CHAIN / lines;
                        ahead(from.min(depth)..to.min(depth));
                        line = Some(a);
                    }
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
fn lock<T>(found: &Mutex<T>) -> MutexGuard<'_, T> {
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

    #[test]
    fn one_pass_finds_the_mean_and_the_products() {
        let (n, d) = (16_500, 131);
        let draw = |i: usize, j: usize| crate::random::uniform(6, j as u64 % 9, i as u64) as f32;
        let x = Array2::from_shape_fn((n, d), |(i, j)| draw(i, j) + j as f32 + i as f32 * 1e-4);
        let context = Context::new(0);
        let whole = Centred::new(x.view(), &context).unwrap();
        let (found, scatter) = Centred::with_scatter(x.view(), &context).unwrap();
        for (found, mean) in found.mean.iter().zip(&whole.mean) {
            assert!((found - mean).abs() < 1e-6, "{found} {mean}");
        }
        let by = (found.scale / whole.scale).powi(2);
        let wanted = whole.scatter(&context).unwrap();
        for (found, wanted) in scatter.iter().zip(&wanted) {
            assert!((found * by - wanted).abs() < 1e-6 * n as f64);
        }
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| Centred::with_scatter(x.view(), &context).unwrap())
        };
        for threads in [1, 3] {
            let (again, same) = on(threads);
            assert_eq!(again.mean, found.mean);
            assert_eq!(same, scatter);
        }
    }

    #[test]
    fn a_few_rows_that_are_not_like_the_rest_do_not_decide() {
        let (n, d) = (16_384, 129);
        let context = Context::new(0);
        // The few are equal; the rest are tiny, or huge.
        for size in [1e-25_f32, 1e25] {
            let x = Array2::from_shape_fn((n, d), |(i, j)| {
                let draw = crate::random::uniform(6, j as u64, i as u64) as f32;
                if i % 16 == 0 { 0.0 } else { size * draw }
            });
            let (found, scatter) = Centred::with_scatter(x.view(), &context).unwrap();
            let whole = Centred::new(x.view(), &context).unwrap();
            assert_eq!(found.mean, whole.mean);
            assert_eq!(scatter, whole.scatter(&context).unwrap());
        }
        let mut x = Array2::zeros((n, d));
        x[(7, 3)] = f32::NAN;
        assert!(Centred::with_scatter(x.view(), &context).is_err());
    }
}
