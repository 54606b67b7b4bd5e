//! Eigenvectors of a tridiagonal matrix, one at a time, from eigenvalues that are known: inverse iteration.
//!
//! A few vectors of many cost next to nothing so, where carrying each through all rotations of QL costs as much as the rest.
//! What is found is checked: vectors whose values lie too close to tell them apart are left to the rotations.

use rayon::prelude::*;

use super::householder::{Tridiagonal, dot};
use crate::random;

/// Solutions in turn; each brings a vector nearer by the nearness of its value.
const SOLVES: usize = 3;
/// Values closer than this share of the largest have vectors that are made orthogonal.
const CLOSE: f64 = 1e-3;
/// The least length that must be left of a vector then.
const LEFT: f64 = 0.5;

/// A unit vector for each of some eigenvalues, descending; none where one is not an eigenvector to rounding, or not surely
/// another than those before it. `O(n)` a vector, and `O(n)` for each pair of close values.
pub fn vectors(matrix: &Tridiagonal, values: &[f64]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.diagonal.len();
    let sizes = matrix.diagonal.iter().chain(&matrix.beside);
    let size = sizes.fold(0.0, |size: f64, value| size.max(value.abs()));
    let start: Vec<f64> = (0..n)
        .map(|i| random::uniform(0, 0x496E_7665, i as u64) - 0.5)
        .collect();
    let mut found: Vec<Vec<f64>> = values
        .par_iter()
        .map(|&value| {
            let factors = Factors::of(matrix, value, size * f64::EPSILON);
            let mut x = start.clone();
            for _ in 0..SOLVES {
                factors.solve(&mut x);
                to_length_one(&mut x);
            }
            x
        })
        .collect();
    for at in 0..found.len() {
        let (before, own) = found.split_at_mut(at);
        let own = &mut own[0];
        let near = values[..at]
            .iter()
            .rposition(|value| value - values[at] > CLOSE * size);
        let before = &before[near.map_or(0, |far| far + 1)..];
        // Twice: what is left of a vector after much was taken off is not orthogonal yet.
        for _ in 0..2 {
            for other in before {
                let along = dot(own, other);
                for (own, other) in own.iter_mut().zip(other) {
                    *own -= along * other;
                }
            }
            let left = to_length_one(own);
            if left.is_nan() || left < LEFT {
                return None;
            }
        }
        let off = off(matrix, values[at], own);
        if off.is_nan() || off > n as f64 * size * f64::EPSILON {
            return None;
        }
    }
    Some(found)
}

/// The largest entry of `T x - value x`, or NaN.
fn off(matrix: &Tridiagonal, value: f64, x: &[f64]) -> f64 {
    let (diagonal, beside) = (&matrix.diagonal, &matrix.beside);
    let mut off = 0.0_f64;
    for i in 0..x.len() {
        let mut entry = (diagonal[i] - value) * x[i];
        if i > 0 {
            entry += beside[i - 1] * x[i - 1];
        }
        if i + 1 < x.len() {
            entry += beside[i] * x[i + 1];
        }
        if entry.is_nan() || entry.abs() > off {
            off = entry.abs();
        }
        if off.is_nan() {
            break;
        }
    }
    off
}

/// Brings `x` to length 1 and gives the length it had.
fn to_length_one(x: &mut [f64]) -> f64 {
    let length = dot(x, x).sqrt();
    for value in x {
        *value /= length;
    }
    length
}

/// `T - value` as a product of triangles, rows exchanged so that no multiplier is above 1.
struct Factors {
    /// The upper triangle: the diagonal, and the two lines above it.
    upper: Vec<[f64; 3]>,
    /// What of a row is taken off the next, and whether the two were exchanged before.
    lower: Vec<(f64, bool)>,
}

impl Factors {
    /// A pivot of less than `least` becomes that.
    fn of(matrix: &Tridiagonal, value: f64, least: f64) -> Factors {
        let n = matrix.diagonal.len();
        let (mut upper, mut lower) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let pivot = |own: f64| {
            if own.abs() < least {
                least.max(f64::MIN_POSITIVE)
            } else {
                own
            }
        };
        let mut own = matrix.diagonal[0] - value;
        let mut right = matrix.beside[0];
        for i in 1..n {
            let (below, diagonal) = (matrix.beside[i - 1], matrix.diagonal[i] - value);
            let next = if i + 1 < n { matrix.beside[i] } else { 0.0 };
            if own.abs() >= below.abs() {
                own = pivot(own);
                let by = below / own;
                upper.push([own, right, 0.0]);
                lower.push((by, false));
                (own, right) = (diagonal - by * right, next);
            } else {
                let by = own / below;
                upper.push([below, diagonal, next]);
                lower.push((by, true));
                (own, right) = (right - by * diagonal, -by * next);
            }
        }
        upper.push([pivot(own), 0.0, 0.0]);
        Factors { upper, lower }
    }

    /// Replaces `x` by what the matrix makes `x` of.
    fn solve(&self, x: &mut [f64]) {
        for (i, &(by, exchanged)) in self.lower.iter().enumerate() {
            if exchanged {
                x.swap(i, i + 1);
            }
            x[i + 1] -= by * x[i];
        }
        let (mut next, mut after) = (0.0, 0.0);
        for (x, [own, right, second]) in x.iter_mut().zip(&self.upper).rev() {
            *x = (*x - right * next - second * after) / own;
            (next, after) = (*x, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(diagonal: Vec<f64>, mut beside: Vec<f64>) -> Tridiagonal {
        beside.push(0.0);
        Tridiagonal {
            diagonal,
            beside,
            reflectors: Vec::new(),
        }
    }

    #[test]
    fn vectors_of_a_path_are_its_waves() {
        // 2 cos(pi j / (n + 1)), and sines.
        let n = 50;
        let path = matrix(vec![0.0; n], vec![1.0; n - 1]);
        let angle = |j: usize| std::f64::consts::PI * j as f64 / (n + 1) as f64;
        let values: Vec<f64> = (1..=10).map(|j| 2.0 * angle(j).cos()).collect();
        let found = vectors(&path, &values).unwrap();
        for (j, found) in (1..).zip(&found) {
            let wave: Vec<f64> = (1..=n).map(|i| (angle(j) * i as f64).sin()).collect();
            let along = dot(found, &wave) / dot(&wave, &wave).sqrt();
            assert!((along.abs() - 1.0).abs() < 1e-12, "{j}: {along}");
        }
    }

    #[test]
    fn what_is_no_eigenvalue_or_has_no_vector_of_its_own_is_refused() {
        let n = 20;
        let path = matrix(vec![0.0; n], vec![1.0; n - 1]);
        assert!(vectors(&path, &[1.2345]).is_none());
        // One vector cannot be two.
        let top = 2.0 * (std::f64::consts::PI / (n + 1) as f64).cos();
        assert!(vectors(&path, &[top, top]).is_none());
    }
}
