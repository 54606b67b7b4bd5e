//! Householder reflections that make a symmetric matrix tridiagonal.
//!
//! Rows are taken from the last up, so that what is left is always the matrix's upper left corner, and of it only the
//! lower triangle is kept: half the memory, which decides the time, and every row begins where a register does. The update
//! by one reflection and the product with the next are one pass over the rows, two rows at a time.

use ndarray::Array2;
use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::reduce::vectors;

/// Sums are kept in so many lanes, whatever the registers' width.
const LANES: usize = 8;
/// With more rows left than this, a pass over them is cut in pieces and worth waking other threads.
const PARALLEL_ROWS: usize = 256;
/// Rows of one piece.
const PIECE: usize = 64;

/// `x - scale * v (v . x)` for the first rows of `x`, as many as `v` is long.
#[derive(Debug)]
pub struct Reflector {
    pub v: Vec<f64>,
    pub scale: f64,
}

/// A tridiagonal matrix, and the reflections that led to it, in their order.
#[derive(Debug)]
pub struct Tridiagonal {
    pub diagonal: Vec<f64>,
    /// Entry `i` is beside the diagonal in rows `i` and `i + 1`; the last is 0.
    pub beside: Vec<f64>,
    pub reflectors: Vec<Reflector>,
}

/// Reduces a matrix of which only the lower triangle is read, and whose squares neither overflow nor vanish: the caller
/// scales it. Ticks `step` once a row.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn reduce(a: &mut Array2<f64>, step: &Step<'_>) -> Result<Tridiagonal, Error> {
    let n = a.nrows();
    let mut found = Tridiagonal {
        diagonal: vec![0.0; n],
        beside: vec![0.0; n],
        reflectors: Vec::new(),
    };
    // The pending update: the rows that are left lose v w' + w v'.
    let (mut v, mut w) = (vec![0.0; n], vec![0.0; n]);
    let (mut next, mut product) = (vec![0.0; n], vec![0.0; n]);
    let mut parts = vec![0.0; n.div_ceil(PIECE) * n];
    let storage = a.as_slice_mut().expect("an owned matrix is contiguous");
    for i in (0..n).rev() {
        step.tick(1)?;
        let (above, row) = storage.split_at_mut(i * n);
        for c in 0..=i {
            row[c] -= v[i] * w[c] + w[i] * v[c];
        }
        found.diagonal[i] = row[i];
        let Some((&beside, rest)) = row[..i].split_last() else {
            break;
        };
        let square = vectors::run(Dot(rest, rest));
        next[..i].copy_from_slice(&row[..i]);
        let scale = if square == 0.0 {
            // Already tridiagonal here; the pending update still has to reach the rows above.
            found.beside[i - 1] = beside;
            next[..i].fill(0.0);
            0.0
        } else {
            let norm = (square + beside * beside).sqrt();
            let target = if beside > 0.0 { -norm } else { norm };
            found.beside[i - 1] = target;
            next[i - 1] = beside - target;
            2.0 / (square + next[i - 1] * next[i - 1])
        };
        let update = Update {
            v: &v[..i],
            w: &w[..i],
            next: &next[..i],
        };
        let rows = &mut above[..i * n];
        if i > PARALLEL_ROWS {
            rows.par_chunks_mut(PIECE * n)
                .zip(parts.par_chunks_mut(n))
                .enumerate()
                .for_each(|(piece, (rows, part))| update.run(rows, n, piece * PIECE, part));
            product[..i].fill(0.0);
            for (piece, part) in parts.chunks(n).take(i.div_ceil(PIECE)).enumerate() {
                // A piece has products with its own rows and all before.
                let reached = ((piece + 1) * PIECE).min(i);
                for (product, part) in product[..reached].iter_mut().zip(part) {
                    *product += part;
                }
            }
        } else {
            update.run(rows, n, 0, &mut product);
        }
        let along = vectors::run(Dot(&product[..i], &next[..i]));
        for (p, v) in product[..i].iter_mut().zip(&next) {
            *p = scale * (*p - 0.5 * scale * along * v);
        }
        if scale > 0.0 {
            found.reflectors.push(Reflector {
                v: next[..i].to_vec(),
                scale,
            });
        }
        std::mem::swap(&mut v, &mut next);
        std::mem::swap(&mut w, &mut product);
    }
    Ok(found)
}

impl Tridiagonal {
    /// The matrix alone.
    pub fn clone_without_reflectors(&self) -> Tridiagonal {
        Tridiagonal {
            diagonal: self.diagonal.clone(),
            beside: self.beside.clone(),
            reflectors: Vec::new(),
        }
    }
}

/// A sum of products.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    vectors::run(Dot(x, y))
}

/// A sum of products, in lanes.
struct Dot<'a>(&'a [f64], &'a [f64]);

impl NullaryFnOnce for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut lanes = [0.0; LANES];
        let ((x, x_rest), (y, y_rest)) = (self.0.as_chunks::<LANES>(), self.1.as_chunks::<LANES>());
        for (x, y) in x.iter().zip(y) {
            for l in 0..LANES {
                lanes[l] += x[l] * y[l];
            }
        }
        for (lane, (x, y)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest)) {
            *lane += x * y;
        }
        lanes.iter().sum()
    }
}

/// The pending update of the rows that are left, and the vector that they are multiplied with after it.
#[derive(Clone, Copy)]
struct Update<'a> {
    v: &'a [f64],
    w: &'a [f64],
    next: &'a [f64],
}

impl Update<'_> {
    /// Updates `rows`, which begin with row `first` of the matrix, and writes their share of the product: that of their
    /// lower triangle and its mirror image.
    fn run(self, rows: &mut [f64], n: usize, first: usize, product: &mut [f64]) {
        let reached = first + rows.len() / n;
        product[..reached].fill(0.0);
        let (pairs, last) = rows.split_at_mut(rows.len() / (2 * n) * (2 * n));
        for (at, pair) in pairs.chunks_exact_mut(2 * n).enumerate() {
            let (upper, lower) = pair.split_at_mut(n);
            self.two(first + 2 * at, upper, lower, product);
        }
        if !last.is_empty() {
            self.one(reached - 1, last, product);
        }
    }

    fn one(self, i: usize, row: &mut [f64], product: &mut [f64]) {
        let Update { v, w, next } = self;
        for c in 0..i {
            row[c] -= v[i] * w[c] + w[i] * v[c];
            product[c] += row[c] * next[i];
        }
        row[i] -= v[i] * w[i] + w[i] * v[i];
        product[i] += vectors::run(Dot(&row[..=i], &next[..=i]));
    }

    /// Rows `i` and `i + 1`.
    fn two(self, i: usize, upper: &mut [f64], lower: &mut [f64], product: &mut [f64]) {
        let Update { v, w, next } = self;
        let [own, other] = vectors::run(TwoRows {
            upper: &mut upper[..i],
            lower: &mut lower[..i],
            v: &v[..i],
            w: &w[..i],
            next: &next[..i],
            product: &mut product[..i],
            by: [[v[i], w[i], next[i]], [v[i + 1], w[i + 1], next[i + 1]]],
        });
        // What is beside the rows' common part: two entries on the diagonal, and one below.
        upper[i] -= v[i] * w[i] + w[i] * v[i];
        lower[i] -= v[i + 1] * w[i] + w[i + 1] * v[i];
        lower[i + 1] -= v[i + 1] * w[i + 1] + w[i + 1] * v[i + 1];
        product[i] += own + upper[i] * next[i] + lower[i] * next[i + 1];
        product[i + 1] += other + lower[i] * next[i] + lower[i + 1] * next[i + 1];
    }
}

/// Updates two rows, adds their multiples to `product`, and gives their products with `next`.
struct TwoRows<'a> {
    upper: &'a mut [f64],
    lower: &'a mut [f64],
    v: &'a [f64],
    w: &'a [f64],
    next: &'a [f64],
    product: &'a mut [f64],
    /// For each row, its entries of the three vectors.
    by: [[f64; 3]; 2],
}

impl WithSimd for TwoRows<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 2] {
        match S::F64_LANES {
            2 => self.in_registers::<S, 4>(simd),
            4 => self.in_registers::<S, 2>(simd),
            8 => self.in_registers::<S, 1>(simd),
            _ => self.in_registers::<S, LANES>(simd),
        }
    }
}

impl TwoRows<'_> {
    /// With `WIDE` registers to [`LANES`]: left to itself the compiler puts the two rows side by side in one.
    #[inline(always)]
    fn in_registers<S: Simd, const WIDE: usize>(self, simd: S) -> [f64; 2] {
        let whole = self.v.len() / LANES * LANES;
        let (upper, upper_rest) = self.upper.split_at_mut(whole);
        let (lower, lower_rest) = self.lower.split_at_mut(whole);
        let (v, v_rest) = self.v.split_at(whole);
        let (w, w_rest) = self.w.split_at(whole);
        let (next, next_rest) = self.next.split_at(whole);
        let (product, product_rest) = self.product.split_at_mut(whole);
        let mut sums = [[simd.splat_f64s(0.0); WIDE]; 2];
        let by = self.by.map(|by| by.map(|value| simd.splat_f64s(value)));
        let rows = S::as_mut_simd_f64s(upper).0.chunks_exact_mut(WIDE);
        let rows = rows.zip(S::as_mut_simd_f64s(lower).0.chunks_exact_mut(WIDE));
        let others = S::as_simd_f64s(v).0.chunks_exact(WIDE);
        let others = others.zip(S::as_simd_f64s(w).0.chunks_exact(WIDE));
        let others = others.zip(S::as_simd_f64s(next).0.chunks_exact(WIDE));
        let others = others.zip(S::as_mut_simd_f64s(product).0.chunks_exact_mut(WIDE));
        for ((upper, lower), (((v, w), next), product)) in rows.zip(others) {
            for r in 0..WIDE {
                let updated = |row, [by_v, by_w, _]: [S::f64s; 3]| {
                    let (vw, wv) = (simd.mul_f64s(by_v, w[r]), simd.mul_f64s(by_w, v[r]));
                    simd.sub_f64s(row, simd.add_f64s(vw, wv))
                };
                let (above, below) = (updated(upper[r], by[0]), updated(lower[r], by[1]));
                sums[0][r] = simd.add_f64s(sums[0][r], simd.mul_f64s(above, next[r]));
                sums[1][r] = simd.add_f64s(sums[1][r], simd.mul_f64s(below, next[r]));
                let more = simd.add_f64s(
                    simd.mul_f64s(above, by[0][2]),
                    simd.mul_f64s(below, by[1][2]),
                );
                product[r] = simd.add_f64s(product[r], more);
                upper[r] = above;
                lower[r] = below;
            }
        }
        let mut lanes = [[0.0; LANES]; 2];
        for (lanes, sums) in lanes.iter_mut().zip(sums) {
            S::as_mut_simd_f64s(lanes).0.copy_from_slice(&sums);
        }
        let [
            [v_upper, w_upper, next_upper],
            [v_lower, w_lower, next_lower],
        ] = self.by;
        let rows = upper_rest.iter_mut().zip(lower_rest);
        let others = v_rest.iter().zip(w_rest).zip(next_rest).zip(product_rest);
        for (l, ((upper, lower), (((v, w), next), product))) in rows.zip(others).enumerate() {
            *upper -= v_upper * w + w_upper * v;
            *lower -= v_lower * w + w_lower * v;
            lanes[0][l] += *upper * next;
            lanes[1][l] += *lower * next;
            *product += *upper * next_upper + *lower * next_lower;
        }
        lanes.map(|lanes| lanes.iter().sum())
    }
}
