//! The nearest centre of each row, exactly, for as few rows and centres as the bounds leave.
//!
//! Yinyang bounds (Ding et al. 2015): a row knows at least how far its own centre and at most how near the others are,
//! one bound for every group of centres. Groups that surely hold no nearer centre are left alone, and so are rows none
//! of whose groups is left. Of a row that is open its own panel is looked at first: that tightens both bounds, and
//! mostly nothing is left. Products propose; what the error bound cannot tell apart is decided by the f32 distance, ties
//! going to the lower centre. Bounds and proposals never change a label, only the work.

use rayon::prelude::*;

use super::centers::{Centers, Moves, Order, relative_slack};
use super::look::Look;
use super::rows::{Rows, TASK};
use super::sift::Sift;
use crate::context::{Cancelled, Step};
use crate::linalg::squared_distance;

/// A row that has no centre yet.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of each row.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub labels: Vec<u32>,
    /// At least the distance to the row's own centre.
    upper: Vec<f32>,
    /// Whether that is the distance itself but for roundings.
    tight: Vec<bool>,
    /// Groups of centres.
    groups: usize,
    /// For each row and group at most the distance to any centre of the group but the row's own.
    lower: Vec<f32>,
}

impl Known {
    /// Nothing known: every row will be looked at. Labels start beyond every centre.
    pub fn new(rows: usize, order: &Order) -> Known {
        Known {
            labels: vec![NONE; rows],
            upper: vec![f32::INFINITY; rows],
            tight: vec![true; rows],
            groups: order.groups(),
            lower: vec![0.0; rows * order.groups()],
        }
    }

    /// Each row's nearest centre known, and its squared distance.
    pub fn nearest(labels: Vec<u32>, squared: &[f32], dims: usize, order: &Order) -> Known {
        let slack = relative_slack(dims);
        Known {
            upper: squared.iter().map(|s| s.sqrt() * (1.0 + slack)).collect(),
            ..Known {
                labels,
                ..Known::new(squared.len(), order)
            }
        }
    }

    /// Forgets the bounds of groups: they are other groups from now on.
    pub fn regroup(&mut self, order: &Order) {
        self.groups = order.groups();
        self.lower.clear();
        self.lower.resize(self.labels.len() * self.groups, 0.0);
    }

    /// Brings labels and bounds up to date with `centers`, which have moved by `moves` (none the first time). Returns
    /// the rows that changed and the cluster they left, in row order.
    pub fn update(
        &mut self,
        rows: &Rows<'_>,
        centers: &Centers,
        order: &Order,
        moves: Option<&Moves>,
        step: &Step<'_>,
    ) -> Result<Vec<(u32, u32)>, Cancelled> {
        if centers.panels.rows() == 1 && self.labels.iter().all(|&label| label == 0) {
            return Ok(Vec::new());
        }
        let groups = self.groups;
        let tasks = self
            .labels
            .par_chunks_mut(TASK)
            .zip(self.upper.par_chunks_mut(TASK))
            .zip(self.tight.par_chunks_mut(TASK))
            .zip(self.lower.par_chunks_mut(TASK * groups))
            .enumerate();
        let changed: Vec<Vec<(u32, u32)>> = tasks
            .map_init(
                || Buffers {
                    open: Vec::new(),
                    look: Look::new(rows, centers, order),
                    row: vec![0.0; rows.dims()],
                },
                |buffers, (task, (((labels, upper), tight), lower))| {
                    step.tick(labels.len() as u64)?;
                    let mut part = Part {
                        rows,
                        centers,
                        order,
                        task,
                        labels,
                        upper,
                        tight,
                        groups,
                        lower,
                        changed: Vec::new(),
                    };
                    part.run(moves, buffers);
                    Ok(part.changed)
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(changed.concat())
    }
}

struct Buffers<'a> {
    /// The rows that the bounds do not settle, by their places in the task.
    open: Vec<u32>,
    look: Look<'a>,
    row: Vec<f32>,
}

/// The rows of one task.
struct Part<'a> {
    rows: &'a Rows<'a>,
    centers: &'a Centers,
    order: &'a Order,
    task: usize,
    labels: &'a mut [u32],
    upper: &'a mut [f32],
    tight: &'a mut [bool],
    groups: usize,
    lower: &'a mut [f32],
    changed: Vec<(u32, u32)>,
}

impl Part<'_> {
    fn run(&mut self, moves: Option<&Moves>, buffers: &mut Buffers<'_>) {
        let Buffers { open, look, row } = buffers;
        open.clear();
        match moves {
            Some(moves) => pulp::Arch::new().dispatch(Sift {
                labels: self.labels,
                upper: self.upper,
                tight: self.tight,
                groups: self.groups,
                lower: self.lower,
                order: self.order,
                moves,
                open,
            }),
            None => open.extend(0..self.labels.len() as u32),
        }
        if open.is_empty() {
            return;
        }
        look.start(self.task, open, self.upper);
        self.own_groups(open, look);
        self.other_groups(open, look);
        look.sort_close(open);
        for &at in open.iter() {
            self.decide(at as usize, look, row);
        }
    }

    /// Looks at the group of a row's own centre where that may settle the row.
    fn own_groups(&mut self, open: &[u32], look: &mut Look<'_>) {
        if self.groups == 1 {
            return;
        }
        for &at in open {
            let row = at as usize;
            let own = self.labels[row];
            if own == NONE {
                continue;
            }
            let group = self.order.group(own);
            let lower = &self.lower[row * self.groups..][..self.groups];
            let near = lower.iter().filter(|&&l| l <= self.upper[row]).count();
            // Where most groups are to be looked at anyway, all are looked at together.
            if 2 * near <= self.groups && (!self.tight[row] || lower[group] <= self.upper[row]) {
                look.needed[group].push(at);
            }
        }
        look.all_needed(self.lower, self.labels, open);
        for &at in open {
            let at = at as usize;
            if let Some(own) = look.own(at) {
                self.upper[at] = self.upper[at].min(look.upper(at, own));
                self.tight[at] = true;
                look.within(at, self.upper[at]);
                look.leave(at, self.order.group(self.labels[at]));
            }
        }
    }

    /// Looks at every other group that may hold a nearer centre.
    fn other_groups(&mut self, open: &[u32], look: &mut Look<'_>) {
        let mut left = Vec::with_capacity(open.len());
        for &at in open {
            let row = at as usize;
            let reach = look.reach(row);
            let done = look.own(row).map(|_| self.order.group(self.labels[row]));
            let lower = &self.lower[row * self.groups..][..self.groups];
            let mut any = false;
            for (group, lower) in lower.iter().enumerate() {
                if *lower <= reach && Some(group) != done {
                    look.needed[group].push(at);
                    any = true;
                }
            }
            if any {
                left.push(at);
            }
        }
        look.all_needed(self.lower, self.labels, &left);
    }

    /// Decides the centre of a row looked at.
    fn decide(&mut self, at: usize, look: &Look<'_>, row: &mut [f32]) {
        let before = self.labels[at];
        let seen = before == NONE || look.own(at).is_some();
        let label = match look.close_to(at) {
            [] => return,
            [only] if seen => {
                let upper = look.upper(at, only.value);
                self.upper[at] = if only.center == before {
                    upper.min(self.upper[at])
                } else {
                    upper
                };
                only.center
            }
            close => {
                let dims = self.rows.dims();
                self.rows.row(self.task * TASK + at, row);
                let to = |center: u32| {
                    (
                        squared_distance(row, self.centers.row(center, dims)),
                        center,
                    )
                };
                let mut best = if seen {
                    (f32::INFINITY, NONE)
                } else {
                    to(before)
                };
                for (squared, center) in close.iter().map(|close| to(close.center)) {
                    if squared < best.0 || (squared == best.0 && center < best.1) {
                        best = (squared, center);
                    }
                }
                self.upper[at] = best.0.sqrt() * (1.0 + relative_slack(dims));
                best.1
            }
        };
        self.tight[at] = true;
        let lower = &mut self.lower[at * self.groups..][..self.groups];
        if let Some((group, bound)) = look.others_of_best(at, label) {
            // The row's own centre is no bound on the others.
            lower[group] = lower[group].max(bound);
        }
        if label != before {
            if before != NONE {
                // The centre left behind is now one of the others, and no nearer than the new one.
                let left = &mut lower[self.order.group(before)];
                *left = left.min(look.left(at));
            }
            let row = self.task * TASK + at;
            self.changed.push((row as u32, before));
            self.labels[at] = label;
        }
    }
}
