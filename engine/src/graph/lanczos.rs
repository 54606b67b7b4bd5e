//! The largest eigenpairs of a sparse symmetric operator, by Lanczos with full reorthogonalisation.
//!
//! The caller says how exact: the search stops at a residual or after a number of steps, and the best vectors so far are
//! given. Everything is summed in a fixed order, from a start that the seed decides.

use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::random;
use crate::reduce::eigen;

/// Steps between two looks at the residuals.
const LOOK: usize = 10;
/// Entries of one piece of a sum.
const PIECE: usize = 4096;

/// How exact the vectors must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Most steps; each keeps one vector. At least `2 k + 20` are allowed.
    pub steps: usize,
    /// A residual below this is good enough, as a share of the operator's largest eigenvalue, which is about 1.
    pub tolerance: f64,
}

/// `k` unit vectors of length `n`, for the largest eigenvalues of `apply` on the space orthogonal to the unit vectors
/// `known`, largest first. Fewer where that space is smaller.
///
/// `apply(x, y)` writes the product with `x` into `y`. At most `s = effort.steps` products and `4 s^2 n` operations besides.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn largest(
    n: usize,
    k: usize,
    known: &[Vec<f64>],
    seed: u64,
    effort: Effort,
    step: &Step<'_>,
    apply: impl Fn(&[f64], &mut [f64]),
) -> Result<Vec<Vec<f64>>, Error> {
    let room = n.saturating_sub(known.len());
    let most = effort.steps.max(2 * k + 20).min(room);
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(most);
    let (mut alphas, mut betas): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next: Vec<f64> = (0..n)
        .map(|i| random::normal(seed, 0x4C61_6E63, i as u64))
        .collect();
    orthogonalise(&mut next, known);
    normalise(&mut next);
    let mut ritz = None;
    while basis.len() < most {
        step.tick(1)?;
        basis.push(next);
        let at = basis.len() - 1;
        let mut image = vec![0.0; n];
        apply(&basis[at], &mut image);
        alphas.push(dot(&basis[at], &image));
        orthogonalise(&mut image, known);
        // Twice is enough.
        orthogonalise(&mut image, &basis);
        orthogonalise(&mut image, &basis);
        let beta = normalise(&mut image);
        let exhausted = beta < 1e-10;
        if exhausted {
            // An invariant subspace: go on in a direction that is orthogonal to it.
            image = (0..n)
                .map(|i| random::normal(seed, 0x4C61_6E64 + at as u64, i as u64))
                .collect();
            orthogonalise(&mut image, known);
            orthogonalise(&mut image, &basis);
            orthogonalise(&mut image, &basis);
            normalise(&mut image);
        }
        betas.push(if exhausted { 0.0 } else { beta });
        next = image;
        let m = basis.len();
        if m == most || (m > k && m.is_multiple_of(LOOK)) {
            let found = eigen::tridiagonal(&alphas, &betas[..m - 1], k, step)?;
            let settled = found
                .vectors
                .outer_iter()
                .all(|v| betas[m - 1] * v[m - 1].abs() < effort.tolerance);
            // A start inside an invariant subspace settles at once without having seen the rest.
            let done = settled && betas.iter().all(|&beta| beta > 0.0);
            ritz = Some(found);
            if done {
                break;
            }
        }
    }
    let Some(found) = ritz else {
        return Ok(Vec::new());
    };
    Ok(found
        .vectors
        .outer_iter()
        .map(|coefficients| {
            let mut vector = vec![0.0; n];
            vector
                .par_chunks_mut(PIECE)
                .enumerate()
                .for_each(|(piece, out)| {
                    for (by, vector) in coefficients.iter().zip(&basis) {
                        for (out, value) in out.iter_mut().zip(&vector[piece * PIECE..]) {
                            *out += by * value;
                        }
                    }
                });
            normalise(&mut vector);
            vector
        })
        .collect())
}

/// Sums in pieces of a fixed length, in their order.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let piece = |(x, y): (&[f64], &[f64])| -> f64 {
        const LANES: usize = 8;
        let mut lanes = [0.0; LANES];
        for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
            for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
                *lane += x * y;
            }
        }
        lanes.iter().sum()
    };
    x.chunks(PIECE).zip(y.chunks(PIECE)).map(piece).sum()
}

fn orthogonalise(x: &mut [f64], basis: &[Vec<f64>]) {
    let along: Vec<f64> = basis.par_iter().map(|vector| dot(vector, x)).collect();
    x.par_chunks_mut(PIECE).enumerate().for_each(|(piece, x)| {
        for (by, vector) in along.iter().zip(basis) {
            for (x, value) in x.iter_mut().zip(&vector[piece * PIECE..]) {
                *x -= by * value;
            }
        }
    });
}

/// Brings `x` to length 1 and gives the length it had; a zero vector stays.
pub fn normalise(x: &mut [f64]) -> f64 {
    let length = dot(x, x).sqrt();
    if length > 0.0 {
        for value in x {
            *value /= length;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    const EFFORT: Effort = Effort {
        steps: 160,
        tolerance: 1e-4,
    };

    #[test]
    fn finds_the_slow_waves_of_a_path() {
        // The path's adjacency has eigenvalues 2 cos(pi j / (n + 1)).
        let n = 60;
        let context = Context::new(1);
        let step = context.step("lanczos", 0);
        let apply = |x: &[f64], y: &mut [f64]| {
            for (i, y) in y.iter_mut().enumerate() {
                *y = if i > 0 { x[i - 1] } else { 0.0 } + if i + 1 < n { x[i + 1] } else { 0.0 };
            }
        };
        let vectors = largest(n, 3, &[], 1, EFFORT, &step, apply).unwrap();
        for (j, vector) in vectors.iter().enumerate() {
            let value = 2.0 * (std::f64::consts::PI * (j + 1) as f64 / (n + 1) as f64).cos();
            let mut image = vec![0.0; n];
            apply(vector, &mut image);
            for (got, entry) in image.iter().zip(vector) {
                assert!(
                    (got - value * entry).abs() < 1e-3,
                    "{j}: {got} {}",
                    value * entry
                );
            }
        }
    }

    #[test]
    fn the_identity_yields_orthogonal_vectors_and_no_more_than_there_is_room() {
        let context = Context::new(1);
        let step = context.step("lanczos", 0);
        let known = vec![vec![1.0, 0.0, 0.0, 0.0]];
        let vectors = largest(4, 9, &known, 1, EFFORT, &step, |x, y| {
            y.copy_from_slice(x);
        })
        .unwrap();
        assert_eq!(vectors.len(), 3);
        for (i, a) in vectors.iter().enumerate() {
            assert!(dot(a, &known[0]).abs() < 1e-9);
            for (j, b) in vectors.iter().enumerate() {
                assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }
    }
}
