//! The nearest centre of each row, exactly, for as few rows as the bounds leave.
//!
//! Hamerly's bounds (2010): a row whose own centre is surely nearer than any other can have become is left alone. The
//! others are gathered into blocks, their products proposed, and what the error bound cannot tell apart is decided by
//! the f32 distance, ties going to the lower centre. Bounds and proposals never change a label, only the work.

use rayon::prelude::*;

use crate::context::{Cancelled, Step};
use crate::linalg::{
    Block, Isa, LANES, Panels, bound, nearest, products, select_below, squared_distance,
};
use crate::neighbors::Points;

/// Rows that one task looks at.
const TASK: usize = 1024;
/// Rows whose products are made together.
const ROWS: usize = 64;
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
    /// At most the distance to any other centre.
    lower: Vec<f32>,
}

/// How far the centres moved since the last assignment.
#[derive(Debug)]
pub(super) struct Moves {
    each: Vec<f32>,
    farthest: usize,
    most: f32,
    second: f32,
}

impl Moves {
    /// The moves between two sets of centres.
    pub fn new(from: &[f32], to: &[f32], dims: usize) -> Moves {
        let rows = from.chunks_exact(dims).zip(to.chunks_exact(dims));
        let slack = relative_slack(dims);
        let each: Vec<f32> = rows
            .map(|(a, b)| squared_distance(a, b).sqrt() * (1.0 + slack))
            .collect();
        let mut moves = Moves {
            farthest: 0,
            most: 0.0,
            second: 0.0,
            each,
        };
        for (at, &by) in moves.each.iter().enumerate() {
            if by > moves.most {
                (moves.second, moves.most, moves.farthest) = (moves.most, by, at);
            } else {
                moves.second = moves.second.max(by);
            }
        }
        moves
    }
}

/// How much a distance computed in f32 may be off, as a share of it.
fn relative_slack(dims: usize) -> f32 {
    (dims as f32 / 32.0 + 16.0) / (1 << 24) as f32 + SLACK
}

impl Known {
    /// Nothing known: every row will be looked at. Labels start beyond every centre.
    pub fn new(norms: Vec<f32>, moved: f32) -> Known {
        let n = norms.len();
        Known {
            norms,
            moved,
            labels: vec![u32::MAX; n],
            upper: vec![f32::INFINITY; n],
            lower: vec![0.0; n],
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
        let tasks = self
            .labels
            .par_chunks_mut(TASK)
            .zip(self.upper.par_chunks_mut(TASK))
            .zip(self.lower.par_chunks_mut(TASK))
            .zip(self.norms.par_chunks(TASK))
            .enumerate();
        let changed: Vec<Vec<(u32, u32)>> = tasks
            .map_init(
                || Buffers::new(isa, points.dims(), centers),
                |buffers, (task, (((labels, upper), lower), norms))| {
                    step.tick(labels.len() as u64)?;
                    let mut part = Part {
                        first: task * TASK,
                        norms,
                        moved: self.moved,
                        labels,
                        upper,
                        lower,
                    };
                    part.sift(isa, points, centers, moves, buffers);
                    Ok(part.assign(isa, points, centers, buffers))
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(changed.concat())
    }
}

struct Buffers {
    active: Vec<usize>,
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    row: Vec<f32>,
    close: Vec<(f32, u32)>,
}

impl Buffers {
    fn new(isa: Isa, dims: usize, centers: &Centers) -> Buffers {
        Buffers {
            active: Vec::new(),
            block: Block::new(isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * centers.offsets.len()],
            row: vec![0.0; dims],
            close: Vec::new(),
        }
    }
}

/// The rows of one task.
struct Part<'a> {
    first: usize,
    norms: &'a [f32],
    moved: f32,
    labels: &'a mut [u32],
    upper: &'a mut [f32],
    lower: &'a mut [f32],
}

impl Part<'_> {
    /// Collects the rows that the bounds do not settle.
    fn sift(
        &mut self,
        isa: Isa,
        points: &Points<'_>,
        centers: &Centers,
        moves: Option<&Moves>,
        buffers: &mut Buffers,
    ) {
        buffers.active.clear();
        let Some(moves) = moves else {
            buffers.active.extend(0..self.labels.len());
            return;
        };
        let slack = relative_slack(points.dims());
        for at in 0..self.labels.len() {
            let own = self.labels[at] as usize;
            let others = if own == moves.farthest {
                moves.second
            } else {
                moves.most
            };
            self.upper[at] = (self.upper[at] + moves.each[own]) * (1.0 + SLACK);
            self.lower[at] = (self.lower[at] - others)
                * if self.lower[at] > others {
                    1.0 - SLACK
                } else {
                    1.0 + SLACK
                };
            if self.upper[at] < self.lower[at] {
                continue;
            }
            points.working_row(isa, self.first + at, &mut buffers.row);
            let distance = squared_distance(&buffers.row, centers.row(own, points.dims())).sqrt();
            self.upper[at] = distance * (1.0 + slack);
            if self.upper[at] >= self.lower[at] {
                buffers.active.push(at);
            }
        }
    }

    /// Looks at every centre for the rows collected.
    fn assign(
        &mut self,
        isa: Isa,
        points: &Points<'_>,
        centers: &Centers,
        buffers: &mut Buffers,
    ) -> Vec<(u32, u32)> {
        let dims = points.dims();
        let stride = centers.offsets.len();
        let floor = bound::floor(dims);
        let mut changed = Vec::new();
        let Buffers {
            active,
            block,
            staging,
            tile,
            close,
            ..
        } = buffers;
        for rows in active.chunks(ROWS) {
            points.block(rows.iter().map(|at| self.first + at), isa, block, staging);
            products(
                block,
                &centers.panels,
                0..centers.panels.len(),
                tile,
                stride,
            );
            let e = bound::relative(dims, self.moved, centers.panels.moved());
            for (slot, &at) in rows.iter().enumerate() {
                let sums = &tile[slot * stride..][..stride];
                let norm = self.norms[at];
                let off = (e * (norm + centers.longest) + floor) * (1.0 + SLACK);
                let found = nearest(isa, &centers.offsets, sums);
                let mut label = found.index;
                let mut second = found.second;
                if found.second - found.value <= 2.0 * off {
                    let row = &staging[slot * dims..][..dims];
                    close.clear();
                    select_below(
                        isa,
                        &centers.offsets,
                        sums,
                        found.value + 2.0 * off,
                        0,
                        close,
                    );
                    let decided = close
                        .iter()
                        .map(|&(_, c)| (squared_distance(row, centers.row(c as usize, dims)), c));
                    if let Some((_, c)) =
                        decided.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
                    {
                        label = c;
                    }
                    second = if label == found.index {
                        found.second
                    } else {
                        found.value
                    };
                }
                let value = sums[label as usize].mul_add(-2.0, centers.offsets[label as usize]);
                self.upper[at] = (norm + value + off).max(0.0).sqrt() * (1.0 + SLACK);
                self.lower[at] = (norm + second - off).max(0.0).sqrt() * (1.0 - SLACK);
                if label != self.labels[at] {
                    changed.push(((self.first + at) as u32, self.labels[at]));
                    self.labels[at] = label;
                }
            }
        }
        changed
    }
}
