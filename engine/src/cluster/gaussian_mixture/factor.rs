//! What a covariance matrix is needed for: whitening differences, and the volume it spans.
//!
//! `C = L L'`, and whitening multiplies by the inverse of `L`. It is computed in f64; products use an f32 copy unless the
//! factor's diagonal spans so much that f32 would lose the short axes.

use ndarray::Array2;

use crate::linalg::{Isa, Panels, isa};

/// A factor whose diagonal spans more than this is used in f64.
const SPAN: f64 = 1024.0;

/// The inverse of a covariance's Cholesky factor.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    /// The inverse of `L`, lower triangular.
    pub inverse: Array2<f64>,
    /// The same in f32, packed for products; none where f64 is needed.
    pub panels: Option<Panels>,
    /// The logarithm of the product of `L`'s diagonal: half that of the determinant.
    pub log_root: f64,
    /// The least of `L`'s diagonal: the deviation left in a coordinate that those before it explain best.
    pub least: f64,
}

/// The instruction set of whitening products: f32, since what they give is squared and added, not decided again.
pub(super) fn products_isa() -> Isa {
    isa().for_dims(1)
}

impl Factor {
    /// Factors a symmetric matrix; none where it is not positive definite. O(d³).
    pub fn of(covariance: &Array2<f64>) -> Option<Factor> {
        let lower = cholesky(covariance)?;
        let diagonal = lower.diag();
        let (least, most) = diagonal
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), &v| {
                (least.min(v), most.max(v))
            });
        let log_root = diagonal.iter().map(|v| v.ln()).sum();
        let inverse = inverse(&lower);
        let narrow: Vec<f32> = inverse.iter().map(|&v| v as f32).collect();
        // Squares of what they make must stay within f32.
        let fits = narrow.iter().all(|v| v.abs() < 1e13);
        let panels = (most <= SPAN * least && fits)
            .then(|| Panels::pack(products_isa(), &narrow, covariance.ncols()));
        Some(Factor {
            inverse,
            panels,
            log_root,
            least,
        })
    }
}

/// Sums in eight lanes: the same order wherever it is compiled.
struct Dot<'a>(&'a [f64], &'a [f64]);

impl pulp::NullaryFnOnce for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        const LANES: usize = 8;
        let mut lanes = [0.0; LANES];
        let (mut a, mut b) = (self.0.chunks_exact(LANES), self.1.chunks_exact(LANES));
        for (a, b) in a.by_ref().zip(b.by_ref()) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        for ((lane, a), b) in lanes.iter_mut().zip(a.remainder()).zip(b.remainder()) {
            *lane += a * b;
        }
        lanes.iter().sum()
    }
}

/// `to -= by * from`.
struct Subtract<'a> {
    to: &'a mut [f64],
    by: f64,
    from: &'a [f64],
}

impl pulp::NullaryFnOnce for Subtract<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to -= self.by * from;
        }
    }
}

/// The lower triangle `L` of `a = L L'`; nothing where `a` is not positive definite.
fn cholesky(a: &Array2<f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    let arch = pulp::Arch::new();
    let mut rows: Vec<f64> = a.iter().copied().collect();
    for i in 0..n {
        let (above, row) = rows.split_at_mut(i * n);
        for j in 0..i {
            let known = arch.dispatch(Dot(&row[..j], &above[j * n..][..j]));
            row[j] = (row[j] - known) / above[j * n + j];
        }
        let rest = row[i] - arch.dispatch(Dot(&row[..i], &row[..i]));
        if rest.is_nan() || rest <= 0.0 {
            return None;
        }
        row[i] = rest.sqrt();
        row[i + 1..n].fill(0.0);
    }
    Array2::from_shape_vec((n, n), rows).ok()
}

/// The inverse of a lower triangular matrix, row by row.
fn inverse(lower: &Array2<f64>) -> Array2<f64> {
    let n = lower.nrows();
    let arch = pulp::Arch::new();
    let mut rows = vec![0.0; n * n];
    for i in 0..n {
        let (above, row) = rows.split_at_mut(i * n);
        row[i] = 1.0;
        for j in 0..i {
            arch.dispatch(Subtract {
                to: &mut row[..=j],
                by: lower[(i, j)],
                from: &above[j * n..][..=j],
            });
        }
        for value in &mut row[..=i] {
            *value /= lower[(i, i)];
        }
    }
    Array2::from_shape_fn((n, n), |(i, j)| rows[i * n + j])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_whitens() {
        for n in [1, 2, 9, 40] {
            let half = Array2::from_shape_fn((n, n), |(i, j)| {
                ((i * 7919 + j * 104_729) % 101) as f64 / 101.0 + if i == j { 2.0 } else { 0.0 }
            });
            let covariance = half.dot(&half.t());
            let factor = Factor::of(&covariance).unwrap();
            let white = factor.inverse.dot(&covariance).dot(&factor.inverse.t());
            for ((i, j), value) in white.indexed_iter() {
                assert!((value - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
            assert!(factor.panels.is_some());
        }
    }

    #[test]
    fn flat_and_long_shapes_are_noticed() {
        let flat = ndarray::arr2(&[[1.0, 1.0], [1.0, 1.0]]);
        assert!(Factor::of(&flat).is_none());
        let long = ndarray::arr2(&[[1.0, 0.0], [0.0, 1e-8]]);
        let factor = Factor::of(&long).unwrap();
        assert!(factor.panels.is_none());
        assert!((factor.log_root - 1e-4_f64.ln()).abs() < 1e-12);
    }
}
