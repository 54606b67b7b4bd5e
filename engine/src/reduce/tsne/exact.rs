//! Every pair, one row after the other: for few points, and what the mesh and the tree are tested against.

// Lanes and axes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use crate::reduce::vectors;

/// Points of one task.
const POINTS: usize = 64;
/// Points taken at once.
const LANES: usize = 16;

/// The pushes of all points on each, and the sum over pairs. O(n²).
pub fn pushes<const D: usize>(points: &[[f32; D]], out: &mut [[f32; D]]) -> f64 {
    let sums: Vec<f64> = out
        .par_chunks_mut(POINTS)
        .enumerate()
        .map(|(piece, out)| {
            vectors::run(Piece {
                points,
                first: piece * POINTS,
                out,
            })
        })
        .collect();
    sums.iter().sum()
}

struct Piece<'a, const D: usize> {
    points: &'a [[f32; D]],
    first: usize,
    out: &'a mut [[f32; D]],
}

impl<const D: usize> pulp::NullaryFnOnce for Piece<'_, D> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut pairs = 0.0;
        for (at, push) in self.out.iter_mut().enumerate() {
            let (field, value) = push_at(self.points, self.points[self.first + at]);
            *push = field;
            // The point's own share, which is exactly 1.
            pairs += f64::from(value) - 1.0;
        }
        pairs
    }
}

/// The push of `points` at `place`, and the sum of `1 / (1 + distance²)`.
#[inline(always)]
pub fn push_at<const D: usize>(points: &[[f32; D]], place: [f32; D]) -> ([f32; D], f32) {
    let mut sums = [[0.0_f32; LANES]; D];
    let mut values = [0.0_f32; LANES];
    let (whole, rest) = points.as_chunks::<LANES>();
    for others in whole {
        let mut apart = [[0.0_f32; LANES]; D];
        let mut squares = [1.0_f32; LANES];
        for axis in 0..D {
            for lane in 0..LANES {
                apart[axis][lane] = place[axis] - others[lane][axis];
                squares[lane] += apart[axis][lane] * apart[axis][lane];
            }
        }
        for lane in 0..LANES {
            let near = 1.0 / squares[lane];
            values[lane] += near;
            squares[lane] = near * near;
        }
        for axis in 0..D {
            for lane in 0..LANES {
                sums[axis][lane] += squares[lane] * apart[axis][lane];
            }
        }
    }
    let mut field = sums.map(|lanes| lanes.iter().sum::<f32>());
    let mut value: f32 = values.iter().sum();
    for other in rest {
        let apart: [f32; D] = std::array::from_fn(|axis| place[axis] - other[axis]);
        let near = 1.0 / apart.iter().fold(1.0, |sum, gap| sum + gap * gap);
        value += near;
        for axis in 0..D {
            field[axis] += near * near * apart[axis];
        }
    }
    (field, value)
}
