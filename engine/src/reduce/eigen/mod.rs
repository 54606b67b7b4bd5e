//! Eigenpairs of a dense symmetric matrix: Householder reflections to a tridiagonal matrix, then implicit QL.
//!
//! The QL rotations are written down and applied backwards to the wanted unit vectors only, so that the first `k`
//! vectors cost `O(n^2 k)` instead of `O(n^3)`, with the stability of the full method. Inverse iteration would be as
//! cheap, but needs special care where eigenvalues are equal.

// Lanes and rows are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

mod householder;
mod inverse;
mod ql;

use ndarray::Array2;
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::reduce::vectors;
use householder::Tridiagonal;
use ql::{Carry, SLAB};

/// A matrix is scaled by a power of two of at most this many digits.
const FARTHEST: f64 = 1000.0;
/// At most one vector of so many is found from its eigenvalue.
const FEW: usize = 4;

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
/// Only finite entries are meaningful; the lower triangle is read. Ticks `step` once a row. `4/3 n^3 + O(n^2 k)`
/// operations, in `f64`; the same bits for any number of threads. Method: Golub and Van Loan, *Matrix Computations*, 8.3;
/// EISPACK's `tred2` and `tql2`.
///
/// # Errors
/// [`Error::Cancelled`].
///
/// # Panics
/// Where `a` is not square.
pub fn symmetric(mut a: Array2<f64>, k: usize, step: &Step<'_>) -> Result<Eigen, Error> {
    assert_eq!(a.nrows(), a.ncols(), "a symmetric matrix is square");
    if !a.is_standard_layout() {
        a = a.as_standard_layout().into_owned();
    }
    let factor = towards_one(a.iter());
    if factor != 1.0 {
        a.mapv_inplace(|value| value * factor);
    }
    let tridiagonal = householder::reduce(&mut a, step)?;
    drop(a);
    finish(tridiagonal, factor, k, step)
}

/// As [`symmetric`], of the matrix with `diagonal` and, on both sides of it, `beside`, which has a number less. `O(n^2 k)`.
///
/// # Errors
/// [`Error::Cancelled`].
///
/// # Panics
/// Where `beside` is not of that length.
pub fn tridiagonal(
    diagonal: &[f64],
    beside: &[f64],
    k: usize,
    step: &Step<'_>,
) -> Result<Eigen, Error> {
    assert_eq!(beside.len(), diagonal.len().saturating_sub(1), "one less");
    let factor = towards_one(diagonal.iter().chain(beside));
    let scaled = |value: &f64| value * factor;
    let mut matrix = Tridiagonal {
        diagonal: diagonal.iter().map(scaled).collect(),
        beside: beside.iter().map(scaled).collect(),
        reflectors: Vec::new(),
    };
    matrix.beside.resize(diagonal.len(), 0.0);
    finish(matrix, factor, k, step)
}

/// A power of two that brings the largest entry near 1, so that squares neither overflow nor vanish.
fn towards_one<'a>(entries: impl Iterator<Item = &'a f64>) -> f64 {
    let largest = entries.fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest > 0.0 && largest.is_finite() {
        (-largest.log2().ceil()).clamp(-FARTHEST, FARTHEST).exp2()
    } else {
        1.0
    }
}

/// The places of values, largest first, of equals the first first.
fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]).then(i.cmp(&j)));
    order
}

/// The eigenpairs of the matrix that was multiplied by `factor`, reflected and is tridiagonal now.
fn finish(mut matrix: Tridiagonal, factor: f64, k: usize, step: &Step<'_>) -> Result<Eigen, Error> {
    let n = matrix.diagonal.len();
    let k = k.min(n);
    let few = FEW * k <= n && k > 0;
    let before = few.then(|| matrix.clone_without_reflectors());
    let mut rotations = Vec::new();
    if few {
        ql::diagonalise(&mut matrix, |_| {});
    } else {
        rotations.reserve(n * n);
        ql::diagonalise(&mut matrix, |rotation| rotations.push(rotation));
    }
    let mut order = descending(&matrix.diagonal);
    let mut starts = None;
    if let Some(before) = before {
        step.tick(0)?;
        let values: Vec<f64> = order[..k].iter().map(|&i| matrix.diagonal[i]).collect();
        starts = inverse::vectors(&before, &values);
        if starts.is_none() {
            (matrix.diagonal, matrix.beside) = (before.diagonal, before.beside);
            ql::diagonalise(&mut matrix, |rotation| rotations.push(rotation));
            order = descending(&matrix.diagonal);
        }
    }
    let diagonal = &matrix.diagonal;
    let wanted = &order[..k];
    let slabs: Vec<Vec<[f64; SLAB]>> = wanted
        .par_chunks(SLAB)
        .enumerate()
        .map(|(slab, wanted)| {
            step.tick(0)?;
            let mut x = vec![[0.0; SLAB]; n];
            match &starts {
                Some(starts) => {
                    for (lane, start) in starts[slab * SLAB..].iter().take(SLAB).enumerate() {
                        for (x, value) in x.iter_mut().zip(start) {
                            x[lane] = *value;
                        }
                    }
                }
                None => {
                    for (lane, &i) in wanted.iter().enumerate() {
                        x[i][lane] = 1.0;
                    }
                }
            }
            Ok(vectors::run(Carry {
                x,
                rotations: &rotations,
                reflectors: &matrix.reflectors,
            }))
        })
        .collect::<Result<_, Error>>()?;
    let mut vectors = Array2::zeros((wanted.len(), n));
    for (at, mut vector) in vectors.outer_iter_mut().enumerate() {
        for (to, row) in vector.iter_mut().zip(&slabs[at / SLAB]) {
            *to = row[at % SLAB];
        }
    }
    Ok(Eigen {
        values: order.iter().map(|&i| diagonal[i] / factor).collect(),
        vectors,
    })
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
    fn a_tridiagonal_matrix_is_solved_as_it_is() {
        let context = Context::new(0);
        let step = context.step("decompose", 0);
        for n in [0_usize, 1, 2, 30] {
            let diagonal: Vec<f64> = (0..n).map(|i| ((i * 7) % 5) as f64 * 1e9).collect();
            let beside: Vec<f64> = (1..n).map(|i| ((i * 3) % 4) as f64 * 1e9).collect();
            let whole = Array2::from_shape_fn((n, n), |(i, j)| match i.abs_diff(j) {
                0 => diagonal[i],
                1 => beside[i.min(j)],
                _ => 0.0,
            });
            let found = tridiagonal(&diagonal, &beside, 17, &step).unwrap();
            assert_solves(&whole, &found);
            let other = solve(&whole, 17);
            for (a, b) in found.values.iter().zip(&other.values) {
                assert!((a - b).abs() <= 1e-14 * 8e9, "{a} {b}");
            }
        }
    }

    #[test]
    fn the_size_of_numbers_does_not_matter() {
        let a = Array2::from_shape_fn((23, 23), |(i, j)| 1.0 / (1.0 + (i + j) as f64));
        let plain = solve(&a, 4);
        for power in [-1040, -1000, -300, 300, 1000] {
            let size = f64::from(power).exp2();
            let found = solve(&(&a * size), 4);
            for (value, plain) in found.values.iter().zip(&plain.values).take(4) {
                assert!(
                    (value / size - plain).abs() < 1e-9,
                    "2^{power}: {value} {plain}"
                );
            }
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
        let n = 790;
        let a = Array2::from_shape_fn((n, n), |(i, j)| {
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
