//! The distances that decide: fixed order of additions, the same bits on every instruction set.
//!
//! 32 partial sums, one a lane, are filled round robin and added as a fixed tree. Multiplication and addition are
//! rounded apart: a fused form would be one instruction shorter but would give other bits where it is missing.

use super::isa::{for_every_isa, isa};

/// Partial sums per row.
const SUMS: usize = 32;

for_every_isa! {
    pub(super) fn dot_on(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0_f32; SUMS];
        let (mut a, mut b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
        for (x, y) in a.by_ref().zip(b.by_ref()) {
            for lane in 0..SUMS {
                sums[lane] += x[lane] * y[lane];
            }
        }
        for ((sum, x), y) in sums.iter_mut().zip(a.remainder()).zip(b.remainder()) {
            *sum += x * y;
        }
        tree(sums)
    }

    pub(super) fn squared_distance_on(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0_f32; SUMS];
        let (mut a, mut b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
        for (x, y) in a.by_ref().zip(b.by_ref()) {
            for lane in 0..SUMS {
                let gap = x[lane] - y[lane];
                sums[lane] += gap * gap;
            }
        }
        for ((sum, x), y) in sums.iter_mut().zip(a.remainder()).zip(b.remainder()) {
            let gap = x - y;
            *sum += gap * gap;
        }
        tree(sums)
    }
}

for_every_isa! {
    /// Four rows at once: they come from memory side by side, not one after another.
    pub(super) fn squared_distances_on(a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
        let mut first = [0.0_f32; SUMS];
        let mut second = [0.0_f32; SUMS];
        let mut third = [0.0_f32; SUMS];
        let mut fourth = [0.0_f32; SUMS];
        let [mut b0, mut b1, mut b2, mut b3] = b.map(|b| b.chunks_exact(SUMS));
        let mut a = a.chunks_exact(SUMS);
        let others = b0.by_ref().zip(b1.by_ref()).zip(b2.by_ref().zip(b3.by_ref()));
        for (x, ((y0, y1), (y2, y3))) in a.by_ref().zip(others) {
            for lane in 0..SUMS {
                let gap = x[lane] - y0[lane];
                first[lane] += gap * gap;
            }
            for lane in 0..SUMS {
                let gap = x[lane] - y1[lane];
                second[lane] += gap * gap;
            }
            for lane in 0..SUMS {
                let gap = x[lane] - y2[lane];
                third[lane] += gap * gap;
            }
            for lane in 0..SUMS {
                let gap = x[lane] - y3[lane];
                fourth[lane] += gap * gap;
            }
        }
        let mut sums = [first, second, third, fourth];
        for (sums, b) in sums.iter_mut().zip([b0, b1, b2, b3]) {
            for ((sum, x), y) in sums.iter_mut().zip(a.remainder()).zip(b.remainder()) {
                let gap = x - y;
                *sum += gap * gap;
            }
        }
        sums.map(tree)
    }
}

/// Adds the partial sums: halves onto halves until one is left.
#[inline(always)]
fn tree(mut sums: [f32; SUMS]) -> f32 {
    let mut half = SUMS / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// The inner product of two rows of one length, in f32 with a fixed order of additions. O(d).
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    dot_on(isa(), a, b)
}

/// The squared euclidean distance of two rows of one length, in f32 with a fixed order of additions; exactly 0 for
/// equal rows, and symmetric to the bit. O(d).
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    squared_distance_on(isa(), a, b)
}

/// Four of [`squared_distance`], of one row and four others, the same bits, in less time where the others are not in cache. O(d).
pub fn squared_distances(a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
    debug_assert!(b.iter().all(|b| b.len() == a.len()));
    squared_distances_on(isa(), a, b)
}

/// The squared euclidean length of a row: [`dot`] of the row with itself. O(d).
pub fn squared_norm(a: &[f32]) -> f32 {
    dot(a, a)
}
