//! The nearest centre of each row, exactly, for as few rows and centres as the bounds leave.
//!
//! Yinyang bounds (Ding et al. 2015): a row knows at least how far its own centre and at most how near the others are,
//! one bound for every panel of centres. Panels that surely hold no nearer centre are left alone, and so are rows none
//! of whose panels is left. What remains is gathered, its products proposed, and what the error bound cannot tell apart
//! is decided by the f32 distance, ties going to the lower centre. Bounds and proposals never change a label, only the
//! work.

use rayon::prelude::*;

use crate::context::{Cancelled, Step};
use crate::linalg::{Block, Isa, LANES, Panels, bound, lowest_of_each, products, squared_distance};
use crate::neighbors::Points;

/// Rows that one task looks at.
const TASK: usize = 1024;
/// Rows whose products are made together.
const ROWS: usize = 128;
/// Every bound is widened by this share, which covers its own roundings.
const SLACK: f32 = 1.0 / (1 << 20) as f32;

/// Centres in working units, packed.
#[derive(Debug)]
pub(super) struct Centers {
    pub rows: Vec<f32>,
    panels: Panels,
    offsets: Vec<f32>,
    longest: f32,
}

impl Centers {
    /// Packs centres, `dims` coordinates each.
    pub fn new(isa: Isa, rows: Vec<f32>, dims: usize) -> Centers {
        let panels = Panels::pack(isa, &rows, dims);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        let longest = panels.norms().iter().copied().fold(0.0, f32::max);
        Centers {
            rows,
            panels,
            offsets,
            longest,
        }
    }

    pub fn row(&self, at: usize, dims: usize) -> &[f32] {
        &self.rows[at * dims..][..dims]
    }
}

/// What is known of each row.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub labels: Vec<u32>,
    /// The squared length of each row.
    norms: Vec<f32>,
    /// The largest share of its length that packing moves a row by.
    moved: f32,
    /// At least the distance to the row's own centre.
    upper: Vec<f32>,
    /// Panels of centres.
    groups: usize,
    /// For each row and panel at most the distance to any centre of the panel but the row's own.
    lower: Vec<f32>,
}

/// How far the centres moved since the last assignment.
#[derive(Debug)]
pub(super) struct Moves {
    each: Vec<f32>,
    /// The farthest of each panel.
    most: Vec<f32>,
    /// Which centre that is, and the second farthest of its panel.
    farthest: Vec<(usize, f32)>,
}

impl Moves {
    /// The moves between two sets of centres.
    pub fn new(from: &[f32], to: &[f32], dims: usize) -> Moves {
        let rows = from.chunks_exact(dims).zip(to.chunks_exact(dims));
        let slack = relative_slack(dims);
        let each: Vec<f32> = rows
            .map(|(a, b)| squared_distance(a, b).sqrt() * (1.0 + slack))
            .collect();
        let mut most = Vec::new();
        let mut farthest = Vec::new();
        for (group, moves) in each.chunks(LANES).enumerate() {
            let (mut at, mut first, mut second) = (0, 0.0, 0.0);
            for (lane, &by) in moves.iter().enumerate() {
                if by > first {
                    (second, first, at) = (first, by, lane);
                } else if by > second {
                    second = by;
                }
            }
            most.push(first);
            farthest.push((group * LANES + at, second));
        }
        Moves {
            each,
            most,
            farthest,
        }
    }
}

/// How much a distance computed in f32 may be off, as a share of it.
fn relative_slack(dims: usize) -> f32 {
    (dims as f32 / 32.0 + 16.0) / (1 << 24) as f32 + SLACK
}

impl Known {
    /// Nothing known: every row will be looked at. Labels start beyond every centre.
    pub fn new(norms: Vec<f32>, moved: f32, centers: usize) -> Known {
        let n = norms.len();
        let groups = centers.div_ceil(LANES);
        Known {
            norms,
            moved,
            labels: vec![u32::MAX; n],
            upper: vec![f32::INFINITY; n],
            groups,
            lower: vec![0.0; n * groups],
        }
    }

    /// Brings labels and bounds up to date with `centers`, which have moved by `moves` (none the first time). Returns
    /// the rows that changed and the cluster they left, in row order.
    pub fn update(
        &mut self,
        isa: Isa,
        points: &Points<'_>,
        centers: &Centers,
        moves: Option<&Moves>,
        step: &Step<'_>,
    ) -> Result<Vec<(u32, u32)>, Cancelled> {
        let groups = self.groups;
        let tasks = self
            .labels
            .par_chunks_mut(TASK)
            .zip(self.upper.par_chunks_mut(TASK))
            .zip(self.lower.par_chunks_mut(TASK * groups))
            .zip(self.norms.par_chunks(TASK))
            .enumerate();
        let changed: Vec<Vec<(u32, u32)>> = tasks
            .map_init(
                || Buffers::new(isa, centers),
                |buffers, (task, (((labels, upper), lower), norms))| {
                    step.tick(labels.len() as u64)?;
                    let mut part = Part {
                        isa,
                        points,
                        centers,
                        first: task * TASK,
                        norms,
                        moved: self.moved,
                        labels,
                        upper,
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

/// A row whose centre the bounds do not settle.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Its place in the task.
    at: usize,
    /// The exact squared distance to its own centre; infinite while it has none.
    own: f32,
}

struct Buffers {
    open: Vec<Open>,
    /// For each panel the open rows, by their slots, that must look at it.
    needed: Vec<Vec<u32>>,
    block: Block,
    some: Block,
    staging: Vec<f32>,
    /// Products of each slot with all centres; minus infinity, so that no proposal is lower, where none were asked for.
    tile: Vec<f32>,
    few: Vec<f32>,
    lowest: Vec<f32>,
}

impl Buffers {
    fn new(isa: Isa, centers: &Centers) -> Buffers {
        Buffers {
            open: Vec::new(),
            needed: vec![Vec::new(); centers.panels.len()],
            block: Block::new(isa),
            some: Block::new(isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * centers.offsets.len()],
            few: vec![0.0; ROWS * LANES],
            lowest: vec![0.0; centers.panels.len()],
        }
    }

    fn clear(&mut self) {
        self.open.clear();
        self.staging.clear();
        for rows in &mut self.needed {
            rows.clear();
        }
    }
}

/// The rows of one task.
struct Part<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    centers: &'a Centers,
    first: usize,
    norms: &'a [f32],
    moved: f32,
    labels: &'a mut [u32],
    upper: &'a mut [f32],
    groups: usize,
    lower: &'a mut [f32],
    changed: Vec<(u32, u32)>,
}

impl Part<'_> {
    fn run(&mut self, moves: Option<&Moves>, buffers: &mut Buffers) {
        buffers.clear();
        for at in 0..self.labels.len() {
            match moves {
                Some(moves) => self.sift(at, moves, buffers),
                None => self.open(at, f32::INFINITY, buffers),
            }
            if buffers.open.len() == ROWS {
                self.assign(buffers);
            }
        }
        if !buffers.open.is_empty() {
            self.assign(buffers);
        }
    }

    /// Moves a row's bounds along with the centres, and opens the row if they do not settle it.
    fn sift(&mut self, at: usize, moves: &Moves, buffers: &mut Buffers) {
        let own = self.labels[at] as usize;
        let lower = &mut self.lower[at * self.groups..][..self.groups];
        let group = own / LANES;
        let before = lower[group];
        let mut least = f32::INFINITY;
        for (lower, most) in lower.iter_mut().zip(&moves.most) {
            *lower = less(*lower, *most);
            least = least.min(*lower);
        }
        if moves.farthest[group].0 == own {
            lower[group] = less(before, moves.farthest[group].1);
            least = lower.iter().copied().fold(f32::INFINITY, f32::min);
        }
        self.upper[at] = (self.upper[at] + moves.each[own]) * (1.0 + SLACK);
        if self.upper[at] < least {
            return;
        }
        let dims = self.points.dims();
        let staged = buffers.open.len() * dims;
        buffers.staging.resize(staged + dims, 0.0);
        let row = &mut buffers.staging[staged..];
        self.points.working_row(self.isa, self.first + at, row);
        let squared = squared_distance(row, self.centers.row(own, dims));
        self.upper[at] = squared.sqrt() * (1.0 + relative_slack(dims));
        if self.upper[at] < least {
            buffers.staging.truncate(staged);
            return;
        }
        self.enter(at, squared, buffers);
    }

    /// Opens a row that has not been looked at.
    fn open(&self, at: usize, own: f32, buffers: &mut Buffers) {
        let dims = self.points.dims();
        let staged = buffers.open.len() * dims;
        buffers.staging.resize(staged + dims, 0.0);
        let row = &mut buffers.staging[staged..];
        self.points.working_row(self.isa, self.first + at, row);
        self.enter(at, own, buffers);
    }

    fn enter(&self, at: usize, own: f32, buffers: &mut Buffers) {
        let slot = buffers.open.len() as u32;
        buffers.open.push(Open { at, own });
        let lower = &self.lower[at * self.groups..][..self.groups];
        for (rows, lower) in buffers.needed.iter_mut().zip(lower) {
            if self.upper[at] >= *lower {
                rows.push(slot);
            }
        }
    }

    /// Finds the nearest centres of the rows that are open, and closes them.
    fn assign(&mut self, buffers: &mut Buffers) {
        let (dims, centers) = (self.points.dims(), self.centers);
        let stride = centers.offsets.len();
        let panels = &centers.panels;
        buffers.block.fill(&buffers.staging, dims);
        let pairs: usize = buffers.needed.iter().map(Vec::len).sum();
        if 2 * pairs > buffers.open.len() * panels.len() {
            products(
                &buffers.block,
                panels,
                0..panels.len(),
                &mut buffers.tile,
                stride,
            );
        } else {
            buffers.tile[..buffers.open.len() * stride].fill(f32::NEG_INFINITY);
            for (group, rows) in buffers.needed.iter().enumerate() {
                if rows.is_empty() {
                    continue;
                }
                buffers.some.gather(&buffers.block, rows);
                products(
                    &buffers.some,
                    panels,
                    group..group + 1,
                    &mut buffers.few,
                    LANES,
                );
                for (&slot, sums) in rows.iter().zip(buffers.few.chunks_exact(LANES)) {
                    buffers.tile[slot as usize * stride + group * LANES..][..LANES]
                        .copy_from_slice(sums);
                }
            }
        }
        let e = bound::relative(dims, self.moved, panels.moved());
        let floor = bound::floor(dims);
        for slot in 0..buffers.open.len() {
            let row = &buffers.staging[slot * dims..][..dims];
            let sums = &mut buffers.tile[slot * stride..][..stride];
            let norm = self.norms[buffers.open[slot].at];
            let off = (e * (norm + centers.longest) + floor) * (1.0 + SLACK);
            self.decide(buffers.open[slot], off, row, sums, &mut buffers.lowest);
        }
        buffers.clear();
    }

    /// Decides one row's centre from its products, none of which is off by more than `off / 2`.
    fn decide(
        &mut self,
        Open { at, own }: Open,
        off: f32,
        row: &[f32],
        sums: &mut [f32],
        lowest: &mut [f32],
    ) {
        let dims = self.points.dims();
        let offsets = &self.centers.offsets;
        let norm = self.norms[at];
        lowest_of_each(self.isa, offsets, sums, lowest);
        let least = lowest.iter().copied().fold(f32::INFINITY, f32::min);
        let before = self.labels[at];
        let (mut label, mut squared) = (before, own);
        // What is above either cannot be nearer. Both ends of the comparison are widened by more than their roundings.
        let to_own = (own - norm + off) + 1e-6 * (own.min(1e30) + norm);
        let limit = (least + 2.0 * off).min(to_own);
        for (group, lowest) in lowest.iter().enumerate() {
            if *lowest > limit {
                continue;
            }
            for c in group * LANES..((group + 1) * LANES).min(offsets.len()) {
                if offsets[c] - 2.0 * sums[c] > limit
                    || c as u32 == before
                    || offsets[c] == f32::INFINITY
                {
                    continue;
                }
                let other = squared_distance(row, self.centers.row(c, dims));
                if other < squared || (other == squared && (c as u32) < label) {
                    (label, squared) = (c as u32, other);
                }
            }
        }
        let slack = relative_slack(dims);
        let lower = &mut self.lower[at * self.groups..][..self.groups];
        let new = label as usize;
        if lowest[new / LANES] < f32::INFINITY {
            // The row's own centre is no bound on the others.
            sums[new] = f32::NEG_INFINITY;
            let group = new / LANES * LANES..(new / LANES + 1) * LANES;
            lowest_of_each(
                self.isa,
                &offsets[group.clone()],
                &sums[group],
                &mut lowest[new / LANES..=new / LANES],
            );
        }
        for (lower, (lowest, sum)) in lower
            .iter_mut()
            .zip(lowest.iter().zip(sums.chunks_exact(LANES)))
        {
            // A panel that was not looked at keeps its bound.
            if sum[LANES - 1] != f32::NEG_INFINITY || sum[0] != f32::NEG_INFINITY {
                // Never infinite: it is still to be moved.
                *lower = ((norm + lowest - off).max(0.0).sqrt() * (1.0 - slack)).min(f32::MAX);
            }
        }
        self.upper[at] = squared.sqrt() * (1.0 + slack);
        if label != before {
            if own < f32::INFINITY {
                // The centre left behind is now one of the others.
                let left = &mut lower[before as usize / LANES];
                *left = left.min(own.sqrt() * (1.0 - slack));
            }
            self.changed.push(((self.first + at) as u32, before));
            self.labels[at] = label;
        }
    }
}

/// `bound - by`, never more than that.
#[inline(always)]
fn less(bound: f32, by: f32) -> f32 {
    let less = bound - by;
    less - less.abs() * SLACK
}
