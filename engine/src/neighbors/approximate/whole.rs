//! Rows as whole numbers, so small that every sum of their products is exact in any order and in any precision.
//!
//! Cells are made by proposals alone, without exact distances to decide. In fractions their bits would depend on the
//! machine's instructions, and with them the rows that meet. A product of whole numbers of at most 7 bits and a sign is exact
//! in bfloat16 and in eight-bit integers, and so is a sum below 2^24 in f32: then every machine makes the same cells.

use crate::linalg::{Isa, MOST_WHOLE, sum_of_squares};
use crate::neighbors::Points;

/// Sums of products stay below its square: 2^24.
const LONGEST: f64 = 4096.0;
/// A row longer than this many times the usual is shortened.
const STRETCH: f64 = 2.0;
/// From this many coordinates on, products may be made in bfloat16, which holds whole numbers up to 256, or in integers of
/// eight bits.
const NARROW: usize = 48;
/// The usual number then; the largest is three times as large.
const USUAL: f64 = 42.0;

/// The step of the whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    /// How many steps a working unit has.
    steps: f64,
    /// No row is longer than this, in steps.
    longest: f64,
    largest: f32,
}

impl Whole {
    /// Steps that suit rows whose squared lengths, in working units, have this mean.
    pub fn for_rows(mean_square: f64, d: usize) -> Whole {
        let root = (d as f64).sqrt();
        // Rounding to whole numbers, once a row and once its cell's mean, may make rows that much longer.
        let longest = (LONGEST - 1.5 * root - 1.0).max(1.0);
        let length = mean_square.sqrt();
        let (usual, largest) = if d < NARROW {
            (longest / STRETCH, LONGEST as f32)
        } else {
            ((longest / STRETCH).min(USUAL * root), MOST_WHOLE)
        };
        Whole {
            steps: if length > 0.0 { usual / length } else { 1.0 },
            longest,
            largest,
        }
    }

    /// Writes the row at this place in whole steps. O(d).
    pub fn row(&self, isa: Isa, points: &Points<'_>, at: usize, out: &mut [f32]) {
        points.working_row(isa, at, out);
        let length = sum_of_squares(isa, out).sqrt();
        let steps = if length * self.steps > self.longest {
            self.longest / length
        } else {
            self.steps
        };
        for value in out {
            *value = whole(*value * steps as f32).clamp(-self.largest, self.largest);
        }
    }

    /// The mean of `count >= 1` rows with these sums, in whole steps.
    pub fn mean(sums: &[f32], count: usize, out: &mut [f32]) {
        for (out, &sum) in out.iter_mut().zip(sums) {
            *out = whole((f64::from(sum) / count as f64) as f32);
        }
    }
}

/// The nearest whole number, ties to even, of one that is small.
fn whole(x: f32) -> f32 {
    /// Adding it leaves no fraction.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND) - ROUND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::isa;
    use crate::neighbors::Metric;
    use ndarray::Array2;

    #[test]
    fn products_of_any_two_rows_are_exact() {
        for d in [1, 3, 47, 48, 600, 5000] {
            let x = Array2::from_shape_fn((60, d), |(i, j)| {
                // A few rows are far longer than the others, a few have one large coordinate.
                let by = [1.0, 1.0, 1.0, 90.0][i % 4];
                let peak = if i % 7 == 0 && j == i % d { 50.0 } else { 1.0 };
                by * peak * crate::random::normal(3, i as u64, j as u64) as f32
            });
            let points = Points::new(x.view(), Metric::Euclidean).unwrap();
            let mut row = vec![0.0; d];
            let squares: f64 = (0..60)
                .map(|at| {
                    points.working_row(isa(), at, &mut row);
                    sum_of_squares(isa(), &row)
                })
                .sum();
            let whole = Whole::for_rows(squares / 60.0, d);
            for at in 0..60 {
                whole.row(isa(), &points, at, &mut row);
                assert!(row.iter().all(|x| x.fract() == 0.0));
                assert!(d < NARROW || row.iter().all(|x| x.abs() <= MOST_WHOLE));
                let length = sum_of_squares(isa(), &row).sqrt();
                assert!(length < LONGEST - (d as f64).sqrt(), "{d}: {length}");
            }
        }
    }
}
