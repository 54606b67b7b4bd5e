//! What the products of one row with some groups of centres say of it.

use std::ops::Range;

use super::centers::Order;
use crate::linalg::LANES;

/// A centre that may be the nearest of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Close {
    pub at: u32,
    pub center: u32,
    pub value: f32,
}

/// What the panels looked at say of one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The squared length, and how far a proposal may be off.
    pub norm: f32,
    pub off: f32,
    /// Proposals above this are surely not of the nearest.
    pub limit: f32,
    /// The lowest proposal, its centre and group, and the lowest of the group's other centres.
    pub least: f32,
    pub best: u32,
    pub group: usize,
    pub second: f32,
    /// At least the distance to the centre of the lowest proposal.
    pub reach: f32,
    /// The proposal of the row's own centre; infinite until it is looked at.
    pub own: f32,
    /// The group that is not looked at again.
    pub done: usize,
}

pub(super) fn lower(seen: &Seen, value: f32, slack: f32) -> f32 {
    ((seen.norm + value - seen.off).max(0.0).sqrt() * (1.0 - slack)).min(f32::MAX)
}

/// One row's products with the panels of some groups.
pub(super) struct Scan<'a> {
    pub seen: &'a mut Seen,
    pub close: &'a mut Vec<Close>,
    pub at: u32,
    /// The slot of the row's own centre, and the first slot looked at.
    pub own: usize,
    pub first: usize,
    pub order: &'a Order,
    pub offsets: &'a [f32],
    pub sums: &'a [f32],
    pub slack: f32,
}

impl Scan<'_> {
    /// Takes what is said of each of the groups, the lowest proposal of each panel given.
    pub fn groups(&mut self, groups: Range<usize>, lowest: &[f32], bounds: &mut [f32]) {
        let width = self.order.width;
        let own_panel = self.own / LANES;
        for (panels, group) in lowest.chunks(width).zip(groups.clone()) {
            if group == self.seen.done {
                continue;
            }
            let mut least = f32::INFINITY;
            for (at, &low) in panels.iter().enumerate() {
                let panel = (group - groups.start) * width + at;
                least = least.min(low);
                if low <= self.seen.limit || self.first / LANES + panel == own_panel {
                    self.panel(panel, group, low);
                } else if group == self.seen.group {
                    self.seen.second = self.seen.second.min(low);
                }
            }
            bounds[group] = bounds[group].max(lower(self.seen, least, self.slack));
        }
    }

    /// Takes what a panel says that may hold the nearest, or holds the row's own centre; `least` is its lowest proposal.
    fn panel(&mut self, panel: usize, group: usize, least: f32) {
        let lanes = panel * LANES..(panel + 1) * LANES;
        let mut values = [0.0_f32; LANES];
        let pairs = self.offsets[lanes.clone()].iter().zip(&self.sums[lanes]);
        for (value, (offset, sum)) in values.iter_mut().zip(pairs) {
            *value = offset - 2.0 * sum;
        }
        let first_slot = self.first + panel * LANES;
        let best = values.iter().position(|&value| value == least).unwrap_or(0);
        let mut others = values;
        others[best] = f32::INFINITY;
        let next = lowest(others);
        let seen = &mut *self.seen;
        if (first_slot..first_slot + LANES).contains(&self.own) {
            seen.own = values[self.own - first_slot];
        }
        if least < seen.least {
            seen.second = if seen.group == group {
                next.min(seen.least)
            } else {
                next
            };
            (seen.least, seen.group) = (least, group);
            seen.best = self.order.center[first_slot + best];
            seen.limit = seen.limit.min(least + 2.0 * seen.off);
            let reach = (seen.norm + least + seen.off).max(0.0).sqrt() * (1.0 + self.slack);
            seen.reach = seen.reach.min(reach);
        } else if seen.group == group {
            seen.second = seen.second.min(least);
        }
        let limit = seen.limit;
        if least > limit {
            return;
        }
        // Mostly one centre only.
        let lanes = if next > limit {
            best..best + 1
        } else {
            0..LANES
        };
        for lane in lanes {
            let value = values[lane];
            if value <= limit && value < f32::INFINITY {
                self.close.push(Close {
                    at: self.at,
                    center: self.order.center[first_slot + lane],
                    value,
                });
            }
        }
    }
}

/// The lowest of a panel's values, halves onto halves, as vector registers do it.
#[inline(always)]
fn lowest(mut values: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let other = values[lane + half];
            values[lane] = if other < values[lane] {
                other
            } else {
                values[lane]
            };
        }
        half /= 2;
    }
    values[0]
}
