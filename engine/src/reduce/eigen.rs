//! Eigenpairs of a dense symmetric matrix: Householder reflections to a tridiagonal matrix, then implicit QL.
//!
//! The QL rotations are written down and applied backwards to the wanted unit vectors only, so that the first `k`
//! vectors cost `O(n^2 k)` instead of `O(n^3)`, with the stability of the full method. Inverse iteration would be as
//! cheap, but needs special care where eigenvalues are equal.

// Lanes and rows are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use ndarray::Array2;
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::reduce::vectors;

/// Vectors are carried through the rotations in slabs of this many, which stay in cache.
const SLAB: usize = 32;
/// Below this many remaining rows a reflection is not worth waking other threads.
const PARALLEL_ROWS: usize = 192;
/// Rows of one parallel piece of a reflection.
const PIECE: usize = 32;
/// QL needs two sweeps an eigenvalue; this many means that nothing more can be gained.
const MAX_SWEEPS: usize = 128;

/// The result of [`symmetric`].
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// All `n` eigenvalues, largest first.
    pub values: Vec<f64>,
    /// `k x n`: row `i` is the unit eigenvector of `values[i]`. Signs are not fixed.
    pub vectors: Array2<f64>,
}

/// All eigenvalues of the symmetric `n x n` matrix `a` and the eigenvectors of its `k` largest (`k` is cut to `n`).
///
/// Only finite entries are meaningful. Ticks `step` once a row. `4/3 n^3 + O(n^2 k)` operations, in `f64`; the same
/// bits for any number of threads. Method: Golub and Van Loan, *Matrix Computations*, 8.3; EISPACK's `tql2`.
///
/// # Errors
/// [`Error::Cancelled`].
///
/// # Panics
/// Where `a` is not square.
pub fn symmetric(mut a: Array2<f64>, k: usize, step: &Step<'_>) -> Result<Eigen, Error> {
    let n = a.nrows();
    assert_eq!(n, a.ncols(), "a symmetric matrix is square");
    let mut tridiagonal = reduce(&mut a, step)?;
    let rotations = tridiagonal.ql();
    let mut order: Vec<usize> = (0..n).collect();
    let diagonal = &tridiagonal.diagonal;
    order.sort_by(|&i, &j| diagonal[j].total_cmp(&diagonal[i]).then(i.cmp(&j)));
    let wanted = &order[..k.min(n)];
    let mut vectors = Array2::zeros((wanted.len(), n));
    let slabs: Vec<Vec<f64>> = wanted
        .par_chunks(SLAB)
        .map(|slab| {
            step.tick(0)?;
            Ok(carry(slab, n, &rotations, &tridiagonal.reflectors))
        })
        .collect::<Result<_, Error>>()?;
    for (s, slab) in slabs.iter().enumerate() {
        let width = SLAB.min(wanted.len() - s * SLAB);
        for (i, row) in slab.chunks_exact(width).enumerate() {
            for (j, &value) in row.iter().enumerate() {
                vectors[(s * SLAB + j, i)] = value;
            }
        }
    }
    Ok(Eigen {
        values: order.iter().map(|&i| diagonal[i]).collect(),
        vectors,
    })
}

/// `x - scale * v (v . x)` for `x` over rows `first..`.
struct Reflector {
    first: usize,
    v: Vec<f64>,
    scale: f64,
}

/// The plane rotation of rows `row` and `row + 1`.
struct Rotation {
    row: u32,
    cos: f64,
    sin: f64,
}

struct Tridiagonal {
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    reflectors: Vec<Reflector>,
}

/// Householder reduction. The update by the last reflection and the product with the next are one pass over the rows.
fn reduce(a: &mut Array2<f64>, step: &Step<'_>) -> Result<Tridiagonal, Error> {
    let n = a.nrows();
    let mut diagonal = vec![0.0; n];
    let mut beside = vec![0.0; n];
    let mut reflectors = Vec::new();
    // The pending update: rows j.. of A lose v w' + w v'.
    let (mut v, mut w) = (vec![0.0; n], vec![0.0; n]);
    let storage = a.as_slice_mut().expect("an owned matrix is contiguous");
    for j in 0..n {
        step.tick(1)?;
        let (head, tail) = storage.split_at_mut((j + 1) * n);
        let row = &mut head[j * n..];
        for c in j..n {
            row[c] -= v[j] * w[c] + w[j] * v[c];
        }
        diagonal[j] = row[j];
        let x = &row[j + 1..];
        if x.is_empty() {
            break;
        }
        let norm = norm(x);
        let rest_is_zero = x[1..].iter().all(|&value| value == 0.0);
        let mut next = vec![0.0; n];
        if rest_is_zero {
            // Already tridiagonal here; the pending update still has to reach the rows below.
            beside[j] = x[0];
        } else {
            let target = if x[0] > 0.0 { -norm } else { norm };
            beside[j] = target;
            next[j + 1..].copy_from_slice(x);
            next[j + 1] -= target;
        }
        let square: f64 = next[j + 1..].iter().map(|value| value * value).sum();
        let scale = if square > 0.0 { 2.0 / square } else { 0.0 };
        let mut product = vec![0.0; n];
        let pass = |rows: &mut [f64], out: &mut [f64], first: usize| {
            for (i, (row, out)) in rows.chunks_exact_mut(n).zip(out).enumerate() {
                let i = first + i;
                *out = vectors::run(UpdateAndDot {
                    row: &mut row[j + 1..],
                    v: &v[j + 1..],
                    w: &w[j + 1..],
                    by_w: v[i],
                    by_v: w[i],
                    next: &next[j + 1..],
                });
            }
        };
        if n - j > PARALLEL_ROWS {
            tail.par_chunks_mut(PIECE * n)
                .zip(product[j + 1..].par_chunks_mut(PIECE))
                .enumerate()
                .for_each(|(piece, (rows, out))| pass(rows, out, j + 1 + piece * PIECE));
        } else {
            pass(tail, &mut product[j + 1..], j + 1);
        }
        let along: f64 = product.iter().zip(&next).map(|(p, v)| p * v).sum();
        for (p, v) in product.iter_mut().zip(&next) {
            *p = scale * (*p - 0.5 * scale * along * v);
        }
        if scale > 0.0 {
            reflectors.push(Reflector {
                first: j + 1,
                v: next[j + 1..].to_vec(),
                scale,
            });
        }
        (v, w) = (next, product);
    }
    Ok(Tridiagonal {
        diagonal,
        beside,
        reflectors,
    })
}

/// `row -= by_w * w + by_v * v`, then `row . next`; in eight lanes, so that the order of the sum is the same everywhere.
struct UpdateAndDot<'a> {
    row: &'a mut [f64],
    v: &'a [f64],
    w: &'a [f64],
    by_w: f64,
    by_v: f64,
    next: &'a [f64],
}

impl pulp::NullaryFnOnce for UpdateAndDot<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        const LANES: usize = 8;
        let mut lanes = [0.0; LANES];
        let n = self.row.len();
        let whole = n - n % LANES;
        let (row, rest) = self.row.split_at_mut(whole);
        let (v, w, next) = (&self.v[..n], &self.w[..n], &self.next[..n]);
        for (((row, v), w), next) in row
            .chunks_exact_mut(LANES)
            .zip(v[..whole].chunks_exact(LANES))
            .zip(w[..whole].chunks_exact(LANES))
            .zip(next[..whole].chunks_exact(LANES))
        {
            for l in 0..LANES {
                row[l] -= self.by_w * w[l] + self.by_v * v[l];
                lanes[l] += row[l] * next[l];
            }
        }
        for (l, row) in rest.iter_mut().enumerate() {
            let c = whole + l;
            *row -= self.by_w * w[c] + self.by_v * v[c];
            lanes[l] += *row * next[c];
        }
        lanes.iter().sum()
    }
}

fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest
        * x.iter()
            .map(|v| (v / largest) * (v / largest))
            .sum::<f64>()
            .sqrt()
}

/// The root of `a² + b²` without overflow; a library's own may differ in the last bit from one to the next.
fn hypotenuse(a: f64, b: f64) -> f64 {
    let (least, most) = (a.abs().min(b.abs()), a.abs().max(b.abs()));
    if most > 0.0 {
        let share = least / most;
        most * (1.0 + share * share).sqrt()
    } else {
        0.0
    }
}

impl Tridiagonal {
    /// Turns the diagonal into the eigenvalues and gives the rotations that did it.
    fn ql(&mut self) -> Vec<Rotation> {
        let (d, e) = (&mut self.diagonal, &mut self.beside);
        let n = d.len();
        let mut rotations = Vec::new();
        for l in 0..n {
            for _ in 0..MAX_SWEEPS {
                let negligible = |i: usize| {
                    let size = d[i].abs() + d[i + 1].abs();
                    e[i].abs() <= f64::EPSILON * size || e[i].abs() < f64::MIN_POSITIVE
                };
                let end = (l..n.saturating_sub(1))
                    .find(|&i| negligible(i))
                    .unwrap_or(n - 1);
                if end == l {
                    break;
                }
                let slope = (d[l + 1] - d[l]) / (2.0 * e[l]);
                let mut g = d[end] - d[l] + e[l] / (slope + hypotenuse(slope, 1.0).copysign(slope));
                let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
                let mut split = false;
                for i in (l..end).rev() {
                    let (f, b) = (sin * e[i], cos * e[i]);
                    let r = hypotenuse(f, g);
                    e[i + 1] = r;
                    if r == 0.0 {
                        d[i + 1] -= shift;
                        e[end] = 0.0;
                        split = true;
                        break;
                    }
                    (sin, cos) = (f / r, g / r);
                    g = d[i + 1] - shift;
                    let t = (d[i] - g) * sin + 2.0 * cos * b;
                    shift = sin * t;
                    d[i + 1] = g + shift;
                    g = cos * t - b;
                    rotations.push(Rotation {
                        row: i as u32,
                        cos,
                        sin,
                    });
                }
                if !split {
                    d[l] -= shift;
                    e[l] = g;
                    e[end] = 0.0;
                }
            }
        }
        rotations
    }
}

/// Carries the unit vectors `wanted` back through rotations and reflections; an `n x wanted.len()` matrix by rows.
fn carry(wanted: &[usize], n: usize, rotations: &[Rotation], reflectors: &[Reflector]) -> Vec<f64> {
    let width = wanted.len();
    let mut x = vec![0.0; n * width];
    for (j, &i) in wanted.iter().enumerate() {
        x[i * width + j] = 1.0;
    }
    for rotation in rotations.iter().rev() {
        let at = rotation.row as usize * width;
        let (upper, lower) = x[at..at + 2 * width].split_at_mut(width);
        for (a, b) in upper.iter_mut().zip(lower) {
            let (above, below) = (*a, *b);
            *a = rotation.cos * above + rotation.sin * below;
            *b = rotation.cos * below - rotation.sin * above;
        }
    }
    let mut along = vec![0.0; width];
    for reflector in reflectors.iter().rev() {
        let rows = &mut x[reflector.first * width..];
        along.fill(0.0);
        for (row, v) in rows.chunks_exact(width).zip(&reflector.v) {
            for (sum, value) in along.iter_mut().zip(row) {
                *sum += v * value;
            }
        }
        for (row, v) in rows.chunks_exact_mut(width).zip(&reflector.v) {
            for (value, sum) in row.iter_mut().zip(&along) {
                *value -= reflector.scale * v * sum;
            }
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use proptest::prelude::*;

    fn solve(a: &Array2<f64>, k: usize) -> Eigen {
        let context = Context::new(0);
        let step = context.step("decompose", 0);
        symmetric(a.clone(), k, &step).unwrap()
    }

    fn assert_solves(a: &Array2<f64>, eigen: &Eigen) {
        let size = a.iter().fold(1e-300, |m: f64, v| m.max(v.abs())) * a.nrows() as f64;
        for (value, vector) in eigen.values.iter().zip(eigen.vectors.outer_iter()) {
            let image = a.dot(&vector);
            for (got, entry) in image.iter().zip(vector) {
                assert!(
                    (got - value * entry).abs() <= 1e-13 * size,
                    "{got} {}",
                    value * entry
                );
            }
        }
        let gram = eigen.vectors.dot(&eigen.vectors.t());
        for ((i, j), value) in gram.indexed_iter() {
            assert!(
                (value - f64::from(u8::from(i == j))).abs() < 1e-12,
                "{i} {j} {value}"
            );
        }
        assert!(eigen.values.is_sorted_by(|a, b| a >= b));
    }

    proptest! {
        #[test]
        fn vectors_solve_the_equation_and_are_orthonormal(
            n in 1_usize..40, k in 1_usize..40, seed in 0_u64..1000, integers in any::<bool>(),
        ) {
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let x = (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5;
                if integers { (4.0 * x).round() } else { x }
            };
            let mut a = Array2::zeros((n, n));
            for i in 0..n {
                for j in 0..=i {
                    let x = draw();
                    a[(i, j)] = x;
                    a[(j, i)] = x;
                }
            }
            let eigen = solve(&a, k);
            prop_assert_eq!(eigen.vectors.nrows(), k.min(n));
            assert_solves(&a, &eigen);
            let trace: f64 = a.diag().sum();
            prop_assert!((trace - eigen.values.iter().sum::<f64>()).abs() < 1e-10);
        }
    }

    #[test]
    fn equal_eigenvalues_get_orthogonal_vectors() {
        let eigen = solve(&Array2::eye(7), 7);
        assert_eq!(eigen.values, vec![1.0; 7]);
        assert_solves(&Array2::eye(7), &eigen);
        let ones = Array2::from_elem((9, 9), 1.0);
        let eigen = solve(&ones, 9);
        assert!((eigen.values[0] - 9.0).abs() < 1e-12);
        assert_solves(&ones, &eigen);
    }

    #[test]
    fn a_matrix_wide_enough_to_be_cut_for_threads_is_the_same_for_any_number() {
        let a = Array2::from_shape_fn((260, 260), |(i, j)| {
            1.0 / (1.0 + (i + j) as f64) + if i == j { (i % 5) as f64 } else { 0.0 }
        });
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| solve(&a, 40))
        };
        let one = with(1);
        assert_solves(&a, &one);
        assert_eq!(one, with(3));
    }
}
