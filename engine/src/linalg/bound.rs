//! How far a proposed squared distance may be from the one that decides.
//!
//! A proposal is `nx + ny - 2 p`, where `nx`, `ny` are squared lengths and `p` is a product from
//! [`products`](super::products). Its distance from [`squared_distance`](super::squared_distance) is at most
//! `e (nx + ny)` plus a small constant, with one `e` for a pair of blocks. The terms of `e`, with
//! `u = 2^-24` and using `2 |x| |y| <= nx + ny`:
//!
//! - summing `d` products in f32, in any order, fused or not: `d u / (1 - d u)` of `|x| |y|`, twice;
//! - rounding rows to bfloat16 or to eight-bit integers, which moves them by `rx |x|` and `ry |y|` (measured when
//!   packing): `rx + ry + rx ry` of `|x| |y|`, twice;
//! - the lengths (f64 sums rounded once) and the additions of the proposal: less than `8 u`;
//! - the deciding distance itself: `(d / 32 + 8) u` of a squared distance of at most `2 (nx + ny)`;
//! - where the proposal works on rows that had a mean subtracted and were rounded, and the decision on rows before
//!   that: each coordinate moved by `u`, so the distance by `u (|x| + |y|)`: `4 u`.
//!
//! Rows are scaled by a power of two to at most 1 per coordinate before packing ([`Scale`]), so a product below the
//! normal numbers, which bfloat16 units flush to zero, is off by at most `2^-126`. Decisions are made on rows whose
//! coordinates are below `2^20` and, unless all are 0, reach `2^-20`: a square that falls below the normal numbers is
//! off by `2^-149`, in the proposals' scale `2^-107` at most. Integers make zeros of rows below `2^-103` a coordinate.
//! The constant [`floor`] covers all of that.
//!
//! Rows differ in how far rounding moves them, in eight bits more than in sixteen. [`share`] gives each row a part of its
//! own, and the bound of a pair is the sum of both parts, so that a row that is rounded badly spoils only its own pairs.

/// Unit roundoff of f32.
const U: f64 = 1.0 / (1 << 24) as f64;

/// The factor `e` for rows of `d` coordinates of which the two sides moved by at most `left` and `right` of their
/// length when they were rounded for packing (0 for f32).
pub fn relative(d: usize, left: f32, right: f32) -> f32 {
    let d = d as f64;
    let (left, right) = (f64::from(left), f64::from(right));
    let sum = (d + 2.0) * U / (1.0 - (d + 2.0) * U).max(0.5);
    let rounding = left + right + left * right;
    let decision = 2.0 * (d / 32.0 + 8.0) * U;
    // A little more, for the roundings of this function and of the comparisons made with its result.
    ((sum * (1.0 + rounding) + rounding + decision + 16.0 * U) * 1.001) as f32
}

/// What one row, of squared length `norm` and moved by this share of its length, adds to the bound of every pair that it is
/// in: a proposal is off by at most the two rows' shares plus [`floor`]. `usual` must be the same for both rows of a pair;
/// any number above 0 is right (0 too, where no row moved at all), and one near most rows' shares
/// ([`Panels::usual_move`](super::Panels::usual_move)) is best: `2 rx |x| |y| <= rx² nx / usual + usual ny`.
pub fn share(d: usize, norm: f32, moved: f32, usual: f32) -> f32 {
    // Below f32: what such a row adds is below the floor.
    if norm == 0.0 {
        return 0.0;
    }
    let (d, moved, usual) = (d as f64, f64::from(moved), f64::from(usual));
    let sum = (d + 2.0) * U / (1.0 - (d + 2.0) * U).max(0.5);
    let rounding = if moved > 0.0 {
        usual + moved * moved / usual + moved * moved
    } else {
        usual
    };
    let decision = 2.0 * (d / 32.0 + 8.0) * U;
    let relative = sum * (1.0 + moved) * (1.0 + moved) + rounding + decision + 16.0 * U;
    (relative * 1.001 * f64::from(norm)) as f32
}

/// A middling one of the shares that rounding moved rows by, for [`share`]: their root mean square. O(n).
pub fn usual(moves: &[f32]) -> f32 {
    let squares: f64 = moves.iter().map(|&m| f64::from(m) * f64::from(m)).sum();
    (squares / moves.len().max(1) as f64).sqrt() as f32
}

/// The absolute part of the bound: what numbers too small to hold may lose over `d` products.
pub fn floor(d: usize) -> f32 {
    (d as f32 + 64.0) * 2.0_f32.powi(-100)
}

/// The power of two that brings the largest coordinate into [1/2, 1): exact, so that it changes no comparison, and
/// squares neither overflow nor vanish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    exponent: i32,
}

impl Scale {
    /// The scale for rows whose largest absolute coordinate is `largest`.
    pub fn of(largest: f32) -> Scale {
        let largest = f64::from(largest);
        let exponent = if largest > 0.0 && largest.is_finite() {
            -(largest.log2().floor() as i32 + 1)
        } else {
            0
        };
        Scale { exponent }
    }

    /// Whether nothing changes.
    pub fn is_one(self) -> bool {
        self.exponent == 0
    }

    /// Whether squares of the coordinates stay far from overflow and underflow without scaling.
    pub fn is_mild(self) -> bool {
        self.exponent.abs() <= 20
    }

    /// The factor, as f64 (it may lie beyond f32).
    pub fn factor(self) -> f64 {
        2.0_f64.powi(self.exponent)
    }

    /// A coordinate in the new scale.
    pub fn apply(self, x: f32) -> f32 {
        (f64::from(x) * self.factor()) as f32
    }

    /// A coordinate or distance back in the old scale; what would overflow stays at the largest f32.
    pub fn undo(self, x: f32) -> f32 {
        ((f64::from(x) / self.factor()) as f32).min(f32::MAX)
    }
}
