//! Products of matrices whose bits do not depend on the machine.
//!
//! Each entry is one chain of products, every one rounded by itself and added in order. Libraries fuse the two where the
//! processor can, and so give other bits elsewhere. Rows travel in panels of sixteen, all entries of a column together;
//! those of `f32` meet in the kernel of [`linalg::square`].

// Lanes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use std::borrow::Cow;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};
use pulp::NullaryFnOnce;

use super::{lines, vectors};
use crate::linalg::{self, Square};

/// Rows in a panel.
pub const LANES: usize = linalg::LANES;

/// Rows in panels: entry `k` of row `r` of a panel is at `k * LANES + r`, and what is missing in the last panel is 0.
#[derive(Debug, Clone, Default)]
pub struct Panels<T> {
    words: Vec<T>,
    depth: usize,
}

impl Panels<f32> {
    /// Packs the columns of `x` as rows, entries times `factor` less the column's `shift`, in place of what was there.
    pub fn pack_centred_columns(&mut self, x: ArrayView2<'_, f32>, factor: f32, shift: &[f32]) {
        let (depth, rows) = x.dim();
        let size = rows.div_ceil(LANES) * LANES * depth;
        if self.depth != depth || self.words.len() != size {
            self.depth = depth;
            self.words.clear();
            self.words.resize(size, 0.0);
        } else {
            // The last panel may have had other rows than now.
            self.words[rows / LANES * LANES * depth..].fill(0.0);
        }
        let x = lines::in_place_or_copied(x);
        let x = x.view();
        let (isa, stride) = (linalg::isa(), LANES * depth);
        linalg::centre_columns(isa, lines::of(&x), factor, shift, stride, &mut self.words);
    }

    /// The sums of the first so many rows, single precision for as long as a row is.
    pub fn sums(&self, rows: usize) -> Vec<f64> {
        let mut sums = vec![0.0; rows];
        vectors::run(RowSums {
            words: &self.words,
            depth: self.depth,
            sums: &mut sums,
        });
        sums
    }
}

impl<T: Copy + Default> Panels<T> {
    /// Packs the rows of `x`, each entry through `map(column, entry)`, in place of what was there.
    pub fn pack<U: Copy>(&mut self, x: ArrayView2<'_, U>, map: impl Fn(usize, U) -> T) {
        let (rows, depth) = x.dim();
        self.depth = depth;
        self.words.clear();
        self.words
            .resize(rows.div_ceil(LANES) * LANES * depth, T::default());
        for (row, from) in x.outer_iter().enumerate() {
            let from = line(&from);
            let panel = &mut self.words[row / LANES * LANES * depth..][..LANES * depth];
            let to = panel.iter_mut().skip(row % LANES).step_by(LANES);
            for (column, (to, &value)) in to.zip(from.iter()).enumerate() {
                *to = map(column, value);
            }
        }
    }

    /// Packs the columns of `x` as rows, each entry through `map(column, entry)`, in place of what was there.
    pub fn pack_columns<U: Copy>(&mut self, x: ArrayView2<'_, U>, map: impl Fn(usize, U) -> T) {
        let (depth, rows) = x.dim();
        self.depth = depth;
        self.words.clear();
        self.words
            .resize(rows.div_ceil(LANES) * LANES * depth, T::default());
        for (k, from) in x.outer_iter().enumerate() {
            let from = line(&from);
            let panels = self.words.chunks_exact_mut(LANES * depth);
            for (at, (panel, from)) in panels.zip(from.chunks(LANES)).enumerate() {
                for (lane, (to, &value)) in panel[k * LANES..].iter_mut().zip(from).enumerate() {
                    *to = map(at * LANES + lane, value);
                }
            }
        }
    }

    /// The number of panels.
    pub fn len(&self) -> usize {
        self.words
            .len()
            .checked_div(LANES * self.depth)
            .unwrap_or(0)
    }

    fn panel(&self, at: usize) -> &[T] {
        &self.words[at * LANES * self.depth..(at + 1) * LANES * self.depth]
    }
}

/// A row in one piece.
fn line<'a, U: Copy>(row: &'a ArrayView1<'_, U>) -> Cow<'a, [U]> {
    match row.as_slice() {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(row.to_vec()),
    }
}

/// Numbers that are multiplied and added.
pub trait Number: Copy + Default + Into<f64> + Send + Sync + 'static {
    /// All inner products of the rows of two panels of equal depth.
    fn square(left: &[Self], right: &[Self]) -> Square<Self>;

    /// Adds to sums what [`Number::square`] gives.
    fn add_square(left: &[Self], right: &[Self], sums: &mut Square<Self>);

    /// Adds sums to sums in `f64`.
    fn add_to_total(sums: &Square<Self>, total: &mut Square<f64>) {
        vectors::run(Total { sums, total });
    }
}

impl Number for f32 {
    fn square(left: &[f32], right: &[f32]) -> Square<f32> {
        linalg::square(linalg::isa(), left, right, LANES)
    }

    fn add_square(left: &[f32], right: &[f32], sums: &mut Square<f32>) {
        linalg::add_square(linalg::isa(), left, right, sums);
    }
}

impl Number for f64 {
    fn square(left: &[f64], right: &[f64]) -> Square<f64> {
        vectors::run(Doubles { left, right })
    }

    fn add_square(left: &[f64], right: &[f64], sums: &mut Square<f64>) {
        for (sums, products) in sums.iter_mut().zip(f64::square(left, right)) {
            for (sum, product) in sums.iter_mut().zip(products) {
                *sum += product;
            }
        }
    }
}

/// The inner products of row `16 a + i` on the left and row `16 b + j` on the right, for panels `a` and `b`, at `[i][j]`.
///
/// # Panics
/// If the panels are of different depths: a mistake of the caller.
pub fn square<T: Number>(left: &Panels<T>, a: usize, right: &Panels<T>, b: usize) -> Square<T> {
    assert_eq!(left.depth, right.depth, "panels of one depth");
    T::square(left.panel(a), right.panel(b))
}

/// Adds to `sums` what [`square`] gives.
///
/// # Panics
/// As there.
pub fn add_square<T: Number>(
    left: &Panels<T>,
    a: usize,
    right: &Panels<T>,
    b: usize,
    sums: &mut Square<T>,
) {
    assert_eq!(left.depth, right.depth, "panels of one depth");
    T::add_square(left.panel(a), right.panel(b), sums);
}

/// `left right'` for rows of equal length: `m x n`. O(m n d), on the calling thread.
pub fn by_rows<T: Number>(left: ArrayView2<'_, T>, right: ArrayView2<'_, T>) -> Array2<T> {
    let (mut one, mut other) = (Panels::default(), Panels::default());
    one.pack(left, |_, value| value);
    other.pack(right, |_, value| value);
    let mut out = Array2::default((left.nrows(), right.nrows()));
    write(&one, &other, out.view_mut());
    out
}

/// Writes `left right'` for packed rows into `out`, which has as many rows and columns as there are rows left and right.
pub fn write<T: Number>(left: &Panels<T>, right: &Panels<T>, mut out: ArrayViewMut2<'_, T>) {
    let (m, n) = out.dim();
    // All panels on the left pass while one on the right stays in cache.
    for b in 0..right.len() {
        for a in 0..left.len() {
            let sums = square(left, a, right, b);
            for (i, sums) in sums.iter().enumerate().take(m - a * LANES) {
                let to = b * LANES..((b + 1) * LANES).min(n);
                for (column, &sum) in to.zip(sums) {
                    out[[a * LANES + i, column]] = sum;
                }
            }
        }
    }
}

/// Of rows in panels.
struct RowSums<'a> {
    words: &'a [f32],
    depth: usize,
    sums: &'a mut [f64],
}

impl NullaryFnOnce for RowSums<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let panels = self.words.chunks_exact((LANES * self.depth).max(1));
        for (panel, sums) in panels.zip(self.sums.chunks_mut(LANES)) {
            let (pairs, last) = panel.as_chunks::<{ 2 * LANES }>();
            let mut lanes = [0.0_f32; 2 * LANES];
            for pair in pairs {
                for lane in 0..2 * LANES {
                    lanes[lane] += pair[lane];
                }
            }
            for (lane, x) in lanes.iter_mut().zip(last) {
                *lane += x;
            }
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum = f64::from(lanes[lane]) + f64::from(lanes[LANES + lane]);
            }
        }
    }
}

struct Total<'a, T> {
    sums: &'a Square<T>,
    total: &'a mut Square<f64>,
}

impl<T: Number> NullaryFnOnce for Total<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (total, sums) in self.total.iter_mut().zip(self.sums) {
            for (total, &sum) in total.iter_mut().zip(sums) {
                *total += sum.into();
            }
        }
    }
}

struct Doubles<'a> {
    left: &'a [f64],
    right: &'a [f64],
}

impl NullaryFnOnce for Doubles<'_> {
    type Output = Square<f64>;

    #[inline(always)]
    fn call(self) -> Square<f64> {
        let mut out = [[0.0; LANES]; LANES];
        for (left, right) in self.left.as_chunks().0.iter().zip(self.right.as_chunks().0) {
            let (left, right): (&[f64; LANES], &[f64; LANES]) = (left, right);
            for (out, x) in out.iter_mut().zip(left) {
                for lane in 0..LANES {
                    out[lane] += x * right[lane];
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rows: usize, columns: usize, stream: u64) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            crate::random::uniform(1, stream, (i * columns + j) as u64) as f32 - 0.5
        })
    }

    #[test]
    fn every_entry_is_one_chain_of_rounded_products() {
        for (m, n, d) in [
            (1, 1, 1),
            (16, 16, 7),
            (19, 35, 20),
            (3, 50, 0),
            (40, 2, 130),
        ] {
            let (left, right) = (noise(m, d, 1), noise(n, d, 2));
            let found = by_rows(left.view(), right.view());
            let wide = by_rows(left.mapv(f64::from).view(), right.mapv(f64::from).view());
            for ((i, j), value) in found.indexed_iter() {
                let (mut wanted, mut exact) = (0.0_f32, 0.0_f64);
                for k in 0..d {
                    wanted += left[[i, k]] * right[[j, k]];
                    exact += f64::from(left[[i, k]]) * f64::from(right[[j, k]]);
                }
                assert_eq!(value.to_bits(), wanted.to_bits(), "{m} {n} {d}: {i} {j}");
                assert_eq!(wide[[i, j]].to_bits(), exact.to_bits());
            }
        }
    }

    #[test]
    fn rows_are_summed_without_their_padding() {
        for (rows, depth) in [(1, 1), (16, 6), (21, 9)] {
            let x = noise(rows, depth, 5);
            let mut packed = Panels::default();
            packed.pack(x.view(), |_, value| value);
            let found = packed.sums(rows);
            for (row, found) in x.outer_iter().zip(&found) {
                let wanted: f64 = row.iter().map(|&v| f64::from(v)).sum();
                assert!((found - wanted).abs() < 1e-6);
            }
            assert_eq!(found.len(), rows);
        }
    }

    #[test]
    fn columns_are_packed_as_rows_are() {
        let x = noise(21, 9, 3);
        let (mut rows, mut columns) = (Panels::default(), Panels::default());
        rows.pack(x.view(), |_, value| value);
        columns.pack_columns(x.t(), |_, value| value);
        assert_eq!(rows.words, columns.words);
        assert_eq!((rows.len(), rows.depth), (2, 9));
    }

    #[test]
    fn centred_columns_are_packed_as_others_and_nothing_is_left_of_what_was_there() {
        let mut found = Panels::default();
        for (n, d) in [(9, 35), (9, 33), (9, 32), (4, 3)] {
            let x = noise(n, d, 3);
            let shift: Vec<f32> = (0..d).map(|j| j as f32).collect();
            let mut wanted = Panels::default();
            wanted.pack_columns(x.view(), |column, value| value * 0.25 - shift[column]);
            found.pack_centred_columns(x.view(), 0.25, &shift);
            assert_eq!(found.words, wanted.words);
            // Columns that do not lie in one piece.
            let turned = x.t().as_standard_layout().into_owned();
            found.pack_centred_columns(turned.t(), 0.25, &shift);
            assert_eq!(found.words, wanted.words);
        }
    }
}
