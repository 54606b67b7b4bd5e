//! Few coordinates: rows abreast meet all centres, and two bounds spare most rows that.
//!
//! Hamerly's bounds (2010): a row knows at least how far its own centre is, and at most how near any other; and no other
//! centre is nearer where the own one lies within half the way to its nearest neighbour. More bounds would spare more
//! products, but with few coordinates a product costs less than a bound. Products propose; what the error bound cannot tell
//! apart is decided by the f32 distance, ties going to the lower centre.

use rayon::prelude::*;

use super::assign::NONE;
use super::centers::{SLACK, relative_slack};
use super::lloyd::{Assign, Start};
use super::rows::{Rows, TASK};
use crate::context::{Cancelled, Step};
use crate::linalg::{
    Fours, LANES, TwoNearest, bound, centre_across, squared_distance, squared_norm, two_nearest,
};

/// Rows and centres with two bounds a row.
pub(super) struct Abreast<'a> {
    rows: &'a Rows<'a>,
    labels: Vec<u32>,
    /// At least the distance to the row's own centre.
    upper: Vec<f32>,
    /// At most the distance to any other.
    lower: Vec<f32>,
    centers: Vec<f32>,
    packed: Fours,
    /// What is known of each centre since it moved; empty before.
    moved: Vec<Moved>,
}

/// What a centre's last move means for its rows.
#[derive(Debug, Clone, Copy)]
struct Moved {
    /// How far it went.
    by: f32,
    /// How far any other went at most.
    others: f32,
    /// Half the way to its nearest neighbour, at most.
    half: f32,
}

impl<'a> Abreast<'a> {
    pub fn new(rows: &'a Rows<'a>, start: Start) -> Abreast<'a> {
        let (n, dims) = (rows.len(), rows.dims());
        let slack = relative_slack(dims);
        let (labels, upper) = match start.nearest {
            Some((labels, squared)) => {
                let upper = squared.iter().map(|s| s.sqrt() * (1.0 + slack));
                (labels, upper.collect())
            }
            None => (vec![NONE; n], vec![f32::INFINITY; n]),
        };
        Abreast {
            rows,
            labels,
            upper,
            lower: vec![0.0; n],
            packed: Fours::pack(&start.centers, dims),
            centers: start.centers,
            moved: Vec::new(),
        }
    }

    /// Half the way from each centre to its nearest neighbour, at most.
    fn halves(&self) -> Vec<f32> {
        let dims = self.rows.dims();
        let ruler = Ruler::new(dims);
        let groups = self.centers.par_chunks(LANES * dims).map_init(
            || (vec![0.0; LANES * dims], vec![0.0; dims]),
            |(lanes, origin), centers| {
                let mut norms = [0.0; LANES];
                let mut own: [&[f32]; LANES] = [&[]; LANES];
                for (lane, center) in centers.chunks_exact(dims).enumerate() {
                    norms[lane] = squared_norm(center);
                    own[lane] = center;
                }
                let count = centers.len() / dims;
                centre_across(self.rows.isa, &own[..count], origin, lanes);
                let found = two_nearest(self.rows.isa, lanes, &self.packed);
                // A centre is nearest to itself, or to one that is its equal: then the second is no farther than 0.
                let bounds = ruler.bounds(&norms, &found);
                let own = bounds.lower.into_iter().take(centers.len() / dims);
                own.map(|lower| 0.5 * lower).collect::<Vec<f32>>()
            },
        );
        groups.collect::<Vec<_>>().concat()
    }
}

impl Assign for Abreast<'_> {
    fn labels(&self) -> &[u32] {
        &self.labels
    }

    fn centers(&self) -> &[f32] {
        &self.centers
    }

    fn update(&mut self, step: &Step<'_>) -> Result<Vec<(u32, u32)>, Cancelled> {
        let (rows, dims) = (self.rows, self.rows.dims());
        if self.packed.len() == 1 && self.labels.iter().all(|&label| label == 0) {
            return Ok(Vec::new());
        }
        let tasks = self
            .labels
            .par_chunks_mut(TASK)
            .zip(self.upper.par_chunks_mut(TASK))
            .zip(self.lower.par_chunks_mut(TASK))
            .enumerate();
        let (centers, packed, moved) = (&self.centers, &self.packed, &self.moved);
        let changed: Vec<Vec<(u32, u32)>> = tasks
            .map_init(
                || Buffers {
                    open: Vec::with_capacity(TASK),
                    lanes: vec![0.0; LANES * dims],
                    staging: vec![0.0; LANES * dims],
                    origin: vec![0.0; dims],
                },
                |buffers, (task, ((labels, upper), lower))| {
                    step.tick(labels.len() as u64)?;
                    let mut part = Part {
                        rows,
                        centers,
                        packed,
                        ruler: Ruler::new(dims),
                        first: task * TASK,
                        labels,
                        upper,
                        lower,
                        changed: Vec::new(),
                    };
                    part.run(moved, buffers);
                    Ok(part.changed)
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(changed.concat())
    }

    fn follow(&mut self, next: Vec<f32>) {
        let dims = self.rows.dims();
        let slack = relative_slack(dims);
        let by: Vec<f32> = self
            .centers
            .chunks_exact(dims)
            .zip(next.chunks_exact(dims))
            .map(|(a, b)| squared_distance(a, b).sqrt() * (1.0 + slack))
            .collect();
        let (mut farthest, mut first, mut second) = (0, 0.0, 0.0);
        for (at, &by) in by.iter().enumerate() {
            if by > first {
                (second, first, farthest) = (first, by, at);
            } else if by > second {
                second = by;
            }
        }
        self.packed = Fours::pack(&next, dims);
        self.centers = next;
        let halves = self.halves();
        let moved = by.iter().zip(halves).enumerate().map(|(at, (&by, half))| {
            let others = if at == farthest { second } else { first };
            Moved { by, others, half }
        });
        self.moved = moved.collect();
    }

    fn end(self) -> (Vec<u32>, Vec<f32>) {
        (self.labels, self.centers)
    }
}

/// What proposals say of distances.
#[derive(Debug, Clone, Copy)]
struct Ruler {
    /// How far proposals may be off, as a share.
    share: f32,
    floor: f32,
    slack: f32,
}

/// What is sure of sixteen rows.
struct Bounds {
    /// At least the distance to the nearest centre, at most the distance to any other.
    upper: [f32; LANES],
    lower: [f32; LANES],
    /// Whether it is sure which centre is the nearest.
    sure: [bool; LANES],
}

impl Ruler {
    fn new(dims: usize) -> Ruler {
        Ruler {
            share: bound::relative(dims, 0.0, 0.0) * 1.001,
            floor: bound::floor(dims),
            slack: relative_slack(dims),
        }
    }

    /// How far the proposal of a centre may be off that is no farther than `squared`. A proposal is off by a share of
    /// `nx + 2 nc`, and a centre's squared length is at most twice the row's and twice the squared distance.
    #[inline(always)]
    fn off(self, norm: f32, squared: f32) -> f32 {
        let squared = if squared > 0.0 { squared } else { 0.0 };
        self.share * (5.0 * norm + 4.0 * squared) + self.floor
    }

    /// What is sure of rows of these squared lengths.
    fn bounds(self, norms: &[f32; LANES], found: &TwoNearest) -> Bounds {
        let mut bounds = Bounds {
            upper: [0.0; LANES],
            lower: [0.0; LANES],
            sure: [false; LANES],
        };
        for (lane, &norm) in norms.iter().enumerate() {
            let squared = found.value[lane] + norm;
            let off = self.off(norm, squared);
            let most = squared + off;
            let most = if most > 0.0 { most } else { 0.0 };
            bounds.upper[lane] = most.sqrt() * (1.0 + self.slack);
            // Never infinite: it is still to be moved.
            let other = found.second[lane] + norm;
            let other = if other < f32::MAX / 8.0 {
                other
            } else {
                f32::MAX / 8.0
            };
            let least = other - self.off(norm, other);
            let least = if least > 0.0 { least } else { 0.0 };
            bounds.lower[lane] = least.sqrt() * (1.0 - self.slack);
            bounds.sure[lane] = found.second[lane] - found.value[lane] > 2.0 * off;
        }
        bounds
    }
}

struct Buffers {
    /// The rows that the bounds do not settle, by their places in the task.
    open: Vec<u32>,
    lanes: Vec<f32>,
    staging: Vec<f32>,
    origin: Vec<f32>,
}

/// The rows of one task.
struct Part<'a> {
    rows: &'a Rows<'a>,
    centers: &'a [f32],
    packed: &'a Fours,
    ruler: Ruler,
    first: usize,
    labels: &'a mut [u32],
    upper: &'a mut [f32],
    lower: &'a mut [f32],
    changed: Vec<(u32, u32)>,
}

impl Part<'_> {
    fn run(&mut self, moved: &[Moved], buffers: &mut Buffers) {
        let Buffers {
            open,
            lanes,
            staging,
            origin,
        } = buffers;
        let dims = origin.len();
        open.clear();
        if moved.is_empty() {
            open.extend(0..self.labels.len() as u32);
        } else {
            self.sift(moved, open);
        }
        for group in open.chunks(LANES) {
            let mut norms = [0.0; LANES];
            let mut own: [&[f32]; LANES] = [&[]; LANES];
            for ((lane, &at), staging) in
                group.iter().enumerate().zip(staging.chunks_exact_mut(dims))
            {
                let number = self.first + at as usize;
                norms[lane] = self.rows.norms[number];
                own[lane] = match self.rows.kept(number) {
                    Some(kept) => kept,
                    None => {
                        self.rows.row(number, staging);
                        staging
                    }
                };
            }
            centre_across(self.rows.isa, &own[..group.len()], origin, lanes);
            let found = two_nearest(self.rows.isa, lanes, self.packed);
            let bounds = self.ruler.bounds(&norms, &found);
            for (lane, &at) in group.iter().enumerate() {
                let at = at as usize;
                let label = if bounds.sure[lane] {
                    (self.upper[at], self.lower[at]) = (bounds.upper[lane], bounds.lower[lane]);
                    found.number[lane]
                } else {
                    self.decide(at, &mut staging[..dims])
                };
                let before = self.labels[at];
                if label != before {
                    self.changed.push(((self.first + at) as u32, before));
                    self.labels[at] = label;
                }
            }
        }
    }

    /// Moves the bounds along with the centres, and opens the rows that they do not settle.
    fn sift(&mut self, moved: &[Moved], open: &mut Vec<u32>) {
        open.resize(self.labels.len(), 0);
        let mut count = 0;
        let bounds = self.upper.iter_mut().zip(self.lower.iter_mut());
        for (at, (&label, (upper, lower))) in self.labels.iter().zip(bounds).enumerate() {
            let Moved { by, others, half } = moved[label as usize];
            *upper = (*upper + by) * (1.0 + SLACK);
            let less = *lower - others;
            *lower = less - less.abs() * SLACK;
            let near = if *lower > half { *lower } else { half };
            // Every place is written, and the next moves on only for those that stay: nothing to predict.
            open[count] = at as u32;
            count += usize::from(*upper >= near);
        }
        open.truncate(count);
    }

    /// Decides by the distances to all centres.
    fn decide(&mut self, at: usize, row: &mut [f32]) -> u32 {
        self.rows.row(self.first + at, row);
        let (mut best, mut next) = ((f32::INFINITY, NONE), f32::MAX);
        for (center, c) in self.centers.chunks_exact(row.len()).zip(0..) {
            let squared = squared_distance(row, center);
            if squared < best.0 {
                (next, best) = (next.min(best.0), (squared, c));
            } else {
                next = next.min(squared);
            }
        }
        self.upper[at] = best.0.sqrt() * (1.0 + self.ruler.slack);
        self.lower[at] = next.sqrt() * (1.0 - self.ruler.slack);
        best.1
    }
}
