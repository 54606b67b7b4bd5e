//! The largest eigenpairs of a sparse symmetric operator, by Lanczos with full reorthogonalisation.
//!
//! The caller says how exact: the search stops at a residual or after a number of steps, and the best vectors so far are
//! given. Everything is summed in a fixed order, from a start that the seed decides.

use pulp::NullaryFnOnce;
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::random;
use crate::reduce::{eigen, vectors};

/// Steps between two looks at the residuals.
const LOOK: usize = 10;
/// Entries of one piece of a sum.
const PIECE: usize = 4096;
/// Entries that all of a basis is taken off of, so that they stay in the nearest cache.
const SPAN: usize = 512;
/// Vectors that one vector is multiplied with side by side.
const TOGETHER: usize = 4;
/// Lanes of a sum.
const LANES: usize = 8;

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
        let alpha = dot(&basis[at], &image);
        alphas.push(alpha);
        // What a product has of the last two vectors is known, and all that it should have.
        let last = &basis[at.saturating_sub(1)..];
        take_off(
            &mut image,
            &[betas.last().copied().unwrap_or(0.0), alpha][2 - last.len()..],
            last,
        );
        orthogonalise(&mut image, known);
        let mut length = dot(&image, &image).sqrt();
        // Twice is enough, and once where next to nothing was left to take off.
        for _ in 0..2 {
            orthogonalise(&mut image, &basis);
            let before = length;
            length = dot(&image, &image).sqrt();
            if length > 0.5 * before {
                break;
            }
        }
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
            let off: Vec<f64> = coefficients.iter().map(|by| -by).collect();
            take_off(&mut vector, &off, &basis);
            normalise(&mut vector);
            vector
        })
        .collect())
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    vectors::run(Dots([x], y))[0]
}

fn orthogonalise(x: &mut [f64], basis: &[Vec<f64>]) {
    let along: Vec<[f64; TOGETHER]> = basis
        .par_chunks(TOGETHER)
        .map(|some| {
            // A short last chunk repeats its first.
            let vectors = [0, 1, 2, 3].map(|at| &some.get(at).unwrap_or(&some[0])[..]);
            vectors::run(Dots(vectors, x))
        })
        .collect();
    take_off(x, &along.as_flattened()[..basis.len()], basis);
}

/// `x -= by * vector` for vectors one after another.
fn take_off(x: &mut [f64], by: &[f64], vectors: &[Vec<f64>]) {
    x.par_chunks_mut(SPAN).enumerate().for_each(|(at, x)| {
        vectors::run(TakeOff {
            x,
            first: at * SPAN,
            by,
            vectors,
        });
    });
}

/// Inner products of vectors with one: sums in lanes, in pieces of a fixed length, in their order.
struct Dots<'a, const R: usize>([&'a [f64]; R], &'a [f64]);

impl<const R: usize> NullaryFnOnce for Dots<'_, R> {
    type Output = [f64; R];

    #[inline(always)]
    fn call(self) -> [f64; R] {
        let Dots(vectors, with) = self;
        let mut sums = [0.0; R];
        for (piece, with) in with.chunks(PIECE).enumerate() {
            let (with, rest) = with.as_chunks::<LANES>();
            let mut lanes = [[0.0; LANES]; R];
            let mut parts = [&vectors[0][..0]; R];
            for row in 0..R {
                parts[row] = &vectors[row][piece * PIECE..][..with.len() * LANES + rest.len()];
            }
            for (at, with) in with.iter().enumerate() {
                for row in 0..R {
                    let Some(own) = parts[row][at * LANES..].first_chunk::<LANES>() else {
                        continue;
                    };
                    for lane in 0..LANES {
                        lanes[row][lane] += own[lane] * with[lane];
                    }
                }
            }
            for row in 0..R {
                let own = &parts[row][with.len() * LANES..];
                for (lane, (own, with)) in lanes[row].iter_mut().zip(own.iter().zip(rest)) {
                    *lane += own * with;
                }
                sums[row] += lanes[row].iter().sum::<f64>();
            }
        }
        sums
    }
}

/// What [`take_off`] does to the entries from `first` on.
struct TakeOff<'a> {
    x: &'a mut [f64],
    first: usize,
    by: &'a [f64],
    vectors: &'a [Vec<f64>],
}

impl NullaryFnOnce for TakeOff<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (by, vector) in self.by.iter().zip(self.vectors) {
            let vector = &vector[self.first..][..self.x.len()];
            for (x, value) in self.x.iter_mut().zip(vector) {
                *x -= by * value;
            }
        }
    }
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
