//! Moving the bounds of rows along with the centres.

use super::centers::{Moves, Order, SLACK};

/// Moves the bounds of a task's rows along with the centres, and opens the rows that they do not settle.
pub(super) struct Sift<'a> {
    pub labels: &'a [u32],
    pub upper: &'a mut [f32],
    pub tight: &'a mut [bool],
    pub groups: usize,
    pub lower: &'a mut [f32],
    pub order: &'a Order,
    pub moves: &'a Moves,
    pub open: &'a mut Vec<u32>,
}

impl pulp::NullaryFnOnce for Sift<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let moves = self.moves;
        let rows = self.lower.chunks_exact_mut(self.groups);
        for (at, lower) in rows.enumerate() {
            let own = self.labels[at];
            let group = self.order.group(own);
            let before = lower[group];
            for (lower, most) in lower.iter_mut().zip(&moves.most) {
                *lower = less(*lower, *most);
            }
            if moves.farthest[group].0 == own {
                lower[group] = less(before, moves.farthest[group].1);
            }
            let mut least = f32::INFINITY;
            for &lower in lower.iter() {
                least = if lower < least { lower } else { least };
            }
            let by = moves.each[own as usize];
            if by > 0.0 {
                self.tight[at] = false;
            }
            self.upper[at] = (self.upper[at] + by) * (1.0 + SLACK);
            if self.upper[at] >= least {
                self.open.push(at as u32);
            }
        }
    }
}

/// `bound - by`, never more than that.
#[inline(always)]
fn less(bound: f32, by: f32) -> f32 {
    let less = bound - by;
    less - less.abs() * SLACK
}
