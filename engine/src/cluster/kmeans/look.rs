//! Looking at groups of centres for the open rows of one task: products, and what they say of each row.
//!
//! A proposal is a squared distance less the row's squared length. For each row the lowest is kept, with the second
//! lowest of its group, and every centre that may turn out to be the nearest.

use std::ops::Range;

use super::assign::NONE;
use super::centers::{Centers, Order, relative_slack};
use super::rows::{Open, Rows, TASK};
use super::scan::{Close, Scan, Seen, lower};
use crate::linalg::{LANES, bound, lowest_of_each};

/// Columns of a tile. Groups are looked at together up to this many; where one alone is wider, fewer rows are.
const COLUMNS: usize = 6 * LANES;

/// Buffers for one task after another.
pub(super) struct Look<'a> {
    rows: &'a Rows<'a>,
    centers: &'a Centers,
    order: &'a Order,
    floor: f32,
    slack: f32,
    task: usize,
    /// For each group the rows, by their places in the task, that are to look at it.
    pub needed: Vec<Vec<u32>>,
    seen: Vec<Seen>,
    close: Vec<Close>,
    /// Where each row's part of `close` ends, once sorted.
    ends: Vec<(u32, u32)>,
    open: Open,
    tile: Vec<f32>,
    lowest: Vec<f32>,
}

impl<'a> Look<'a> {
    pub fn new(rows: &'a Rows<'a>, centers: &'a Centers, order: &'a Order) -> Look<'a> {
        let dims = rows.dims();
        let nothing = Seen {
            norm: 0.0,
            off: 0.0,
            limit: f32::INFINITY,
            least: f32::INFINITY,
            best: NONE,
            group: usize::MAX,
            second: f32::INFINITY,
            reach: f32::INFINITY,
            own: f32::INFINITY,
            done: usize::MAX,
        };
        let columns = (order.width * LANES).max(COLUMNS);
        Look {
            rows,
            centers,
            order,
            floor: bound::floor(dims),
            slack: relative_slack(dims),
            task: 0,
            needed: vec![Vec::new(); order.groups()],
            seen: vec![nothing; TASK],
            close: Vec::new(),
            ends: vec![(0, 0); TASK],
            open: Open::new(rows.isa),
            tile: vec![0.0; rows_at_once(columns) * columns],
            lowest: vec![0.0; columns / LANES],
        }
    }

    /// Begins with some rows of a task, of which `upper` is at least the distance to their own centres.
    pub fn start(&mut self, task: usize, open: &[u32], upper: &[f32]) {
        self.task = task;
        self.close.clear();
        self.rows.open(task, open, &mut self.open);
        for &at in open {
            let at = at as usize;
            let norm = self.rows.norms[task * TASK + at];
            let off = self.rows.shares[task * TASK + at] + self.centers.share + self.floor;
            self.seen[at] = Seen {
                norm,
                off: off * 1.000_001,
                limit: f32::INFINITY,
                least: f32::INFINITY,
                best: NONE,
                group: usize::MAX,
                second: f32::INFINITY,
                reach: upper[at],
                own: f32::INFINITY,
                done: usize::MAX,
            };
            self.within(at, upper[at]);
        }
    }

    /// The distance to a row's own centre is at most `upper`.
    pub fn within(&mut self, at: usize, upper: f32) {
        let seen = &mut self.seen[at];
        let squared = upper * upper;
        let limit = (squared - seen.norm + seen.off) + 1e-6 * (squared + seen.norm);
        seen.limit = seen.limit.min(limit);
        seen.reach = seen.reach.min(upper);
    }

    /// At most this far is the nearest.
    pub fn reach(&self, at: usize) -> f32 {
        self.seen[at].reach
    }

    /// The proposal of the row's own centre, if it was looked at.
    pub fn own(&self, at: usize) -> Option<f32> {
        Some(self.seen[at].own).filter(|own| *own < f32::INFINITY)
    }

    /// Leaves a group out from now on.
    pub fn leave(&mut self, at: usize, group: usize) {
        self.seen[at].done = group;
    }

    /// At least the distance behind a proposal.
    pub fn upper(&self, at: usize, value: f32) -> f32 {
        let seen = &self.seen[at];
        (seen.norm + value + seen.off).max(0.0).sqrt() * (1.0 + self.slack)
    }

    /// At most the distance behind a proposal, and never infinite: it is still to be moved.
    fn lower(&self, at: usize, value: f32) -> f32 {
        lower(&self.seen[at], value, self.slack)
    }

    /// If a row's lowest proposal was that of `label`: its group, and at most the distance to the group's others.
    pub fn others_of_best(&self, at: usize, label: u32) -> Option<(usize, f32)> {
        let seen = &self.seen[at];
        (seen.best == label).then(|| (seen.group, self.lower(at, seen.second)))
    }

    /// At most the distance to a centre that a row has left for a nearer one.
    pub fn left(&self, at: usize) -> f32 {
        let seen = &self.seen[at];
        let value = if seen.own < f32::INFINITY {
            seen.own
        } else {
            seen.least
        };
        self.lower(at, value)
    }

    /// Looks at what is needed. `lower` and `labels` are the task's.
    pub fn all_needed(&mut self, lower: &mut [f32], labels: &[u32], open: &[u32]) {
        let mut needed = std::mem::take(&mut self.needed);
        let groups = needed.len();
        let pairs: usize = needed.iter().map(Vec::len).sum();
        if 2 * pairs > open.len() * groups {
            self.groups(0..groups, open, lower, labels);
        } else {
            for (group, rows) in needed.iter_mut().enumerate() {
                // What was looked at since may have brought the nearest nearer.
                rows.retain(|&at| {
                    let seen = &self.seen[at as usize];
                    seen.least == f32::INFINITY || lower[at as usize * groups + group] <= seen.reach
                });
                if !rows.is_empty() {
                    self.groups(group..group + 1, rows, lower, labels);
                }
            }
        }
        needed.iter_mut().for_each(Vec::clear);
        self.needed = needed;
    }

    /// Looks at groups for some rows.
    fn groups(&mut self, groups: Range<usize>, rows: &[u32], lower: &mut [f32], labels: &[u32]) {
        let (width, all) = (self.order.width, self.order.groups());
        let together = (COLUMNS / (width * LANES)).max(1);
        let at_once = rows_at_once(together * width * LANES);
        for rows in rows.chunks(at_once) {
            for first in groups.clone().step_by(together) {
                let some = first..(first + together).min(groups.end);
                let panels = first * width..(some.end * width).min(self.centers.panels.len());
                let columns = panels.len() * LANES;
                let tile = &mut self.tile[..rows.len() * columns];
                let right = (&self.centers.panels, panels.clone());
                self.rows
                    .products(self.task, rows, &mut self.open, right, tile);
                for (slot, &at) in rows.iter().enumerate() {
                    let at = at as usize;
                    let label = labels[at];
                    let mut scan = Scan {
                        seen: &mut self.seen[at],
                        close: &mut self.close,
                        at: at as u32,
                        own: if label == NONE {
                            usize::MAX
                        } else {
                            self.order.slot[label as usize] as usize
                        },
                        first: panels.start * LANES,
                        order: self.order,
                        offsets: &self.centers.offsets[panels.start * LANES..panels.end * LANES],
                        sums: &self.tile[slot * columns..][..columns],
                        slack: self.slack,
                    };
                    let lowest = &mut self.lowest[..panels.len()];
                    lowest_of_each(self.rows.isa, scan.offsets, scan.sums, lowest);
                    scan.groups(some.clone(), lowest, &mut lower[at * all..][..all]);
                }
            }
        }
    }

    /// Brings what may be nearest in order: [`Look::close_to`] is right from here on.
    pub fn sort_close(&mut self, open: &[u32]) {
        let seen = &self.seen;
        self.close
            .retain(|close| close.value <= seen[close.at as usize].limit);
        self.close
            .sort_unstable_by_key(|close| (close.at, close.center));
        let mut next = 0;
        for &at in open {
            let begin = next;
            while self.close.get(next).is_some_and(|close| close.at == at) {
                next += 1;
            }
            self.ends[at as usize] = (begin as u32, next as u32);
        }
    }

    /// The centres that may be a row's nearest, by their numbers.
    pub fn close_to(&self, at: usize) -> &[Close] {
        let (begin, end) = self.ends[at];
        &self.close[begin as usize..end as usize]
    }
}

fn rows_at_once(columns: usize) -> usize {
    (TASK * COLUMNS / columns).clamp(8, TASK)
}
