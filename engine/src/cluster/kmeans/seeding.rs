//! The first centres: greedy k-means++, or different rows at random.
//!
//! Greedy k-means++ draws a few rows with a chance that grows with the squared distance to the centres so far, and
//! keeps the one that lowers the sum of those distances most. Looking at all rows for every centre would read the data
//! `k` times, so rows are drawn for many centres at once. Distances only shrink: a row drawn by an older distance and
//! kept with the chance new / old is a row drawn by the new one, and the rows that a candidate would improve are among
//! those that it would have improved before. Those are found once, by products where the triangle inequality leaves
//! anything to find, and decided exactly.

use rayon::prelude::*;

use super::draws::Draws;
use crate::context::{Cancelled, Context, Step};
use crate::linalg::{Block, Isa, LANES, Panels, bound, lowest_of_each, products, squared_distance};
use crate::neighbors::Points;

/// Rows that one task looks at, and whose distances are added before the sums are added.
const TASK: usize = 1024;
/// Rows whose products are made together.
const ROWS: usize = 128;
/// The most candidates drawn at once.
const POOL: usize = 256;

/// `k` different rows, each as likely as any other, in working units. O(n).
pub(super) fn random_rows(points: &Points<'_>, isa: Isa, k: usize, draws: Draws) -> Vec<f32> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    for at in 0..k.min(order.len()) {
        let other = at + draws.below(0, at as u64, order.len() - at);
        order.swap(at, other);
    }
    let mut centers = vec![0.0; k * points.dims()];
    for (row, out) in order.iter().zip(centers.chunks_exact_mut(points.dims())) {
        points.working_row(isa, *row, out);
    }
    centers
}

/// `k` centres by greedy k-means++ with `2 + ln k` candidates a step, in working units.
pub(super) fn plus_plus(
    isa: Isa,
    points: &Points<'_>,
    measured: &(Vec<f32>, f32),
    k: usize,
    draws: Draws,
    context: &Context,
) -> Result<Vec<f32>, Cancelled> {
    let (n, dims) = (points.len(), points.dims());
    let trials = 2 + (k as f64).ln() as usize;
    let step = context.step("place centres", k as u64);
    let mut search = Search {
        isa,
        points,
        norms: &measured.0,
        moved: measured.1,
        centers: Vec::with_capacity(k * dims),
        nearest: Vec::new(),
    };
    search.begin(draws.below(0, 0, n));
    step.tick(1)?;
    let mut pool = Pool::default();
    let mut refills = 0;
    for at in 1..k {
        step.tick(1)?;
        let mut candidates = pool.accept(trials, &search.nearest, draws, refills);
        if candidates.len() < trials {
            refills += 1;
            let size = (4 * at).min((k - at) * trials * 5 / 4);
            let size = size.clamp(trials, POOL).next_multiple_of(LANES);
            let Some(rows) = search.draw(size, draws, refills) else {
                // Every row is a centre's equal: more centres can only repeat.
                search.take(n - 1, &[]);
                continue;
            };
            pool = search.meet(rows, &step)?;
            candidates = pool.accept(trials, &search.nearest, draws, refills);
        }
        let gains: Vec<f64> = candidates
            .par_iter()
            .map(|&at| search.gain(&pool.improved[at]))
            .collect();
        let mut best = 0;
        for (trial, gain) in gains.iter().enumerate() {
            if *gain > gains[best] {
                best = trial;
            }
        }
        let at = candidates[best];
        search.take(pool.rows[at], &pool.improved[at]);
    }
    Ok(search.centers)
}

/// The nearest centre so far and its squared distance.
#[derive(Debug, Clone, Copy)]
struct Own {
    squared: f32,
    center: u32,
}

/// Rows drawn as candidates for the centres to come.
#[derive(Debug, Default)]
struct Pool {
    rows: Vec<usize>,
    /// The squared distance by which each was drawn.
    drawn_by: Vec<f32>,
    /// The rows that each would have improved when it was drawn, with their squared distances, in row order.
    improved: Vec<Vec<(u32, f32)>>,
    /// The first that has not been offered.
    next: usize,
}

impl Pool {
    /// The next candidates, each kept with the chance by which its distance has shrunk; fewer where the pool ends.
    fn accept(&mut self, count: usize, nearest: &[Own], draws: Draws, refill: u64) -> Vec<usize> {
        let mut accepted = Vec::with_capacity(count);
        while accepted.len() < count && self.next < self.rows.len() {
            let at = self.next;
            self.next += 1;
            let now = f64::from(nearest[self.rows[at]].squared);
            if draws.unit(refill, (POOL + at) as u64) * f64::from(self.drawn_by[at]) < now {
                accepted.push(at);
            }
        }
        accepted
    }
}

/// Candidates, packed, and how near they are to the centres so far.
struct Candidates {
    rows: Vec<f32>,
    panels: Panels,
    offsets: Vec<f32>,
    /// For each centre and panel the least squared distance to a candidate.
    reach: Vec<f32>,
}

struct Search<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    norms: &'a [f32],
    moved: f32,
    centers: Vec<f32>,
    nearest: Vec<Own>,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    some: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    few: Vec<f32>,
    lowest: Vec<f32>,
    /// Rows staged, by their places in the task, and for each panel the slots that need it.
    open: Vec<usize>,
    needed: Vec<Vec<u32>>,
}

impl Search<'_> {
    /// Makes a row the first centre.
    fn begin(&mut self, row: usize) {
        let (dims, points, isa) = (self.points.dims(), self.points, self.isa);
        self.centers.resize(dims, 0.0);
        points.working_row(isa, row, &mut self.centers);
        let center = &self.centers;
        let rows = (0..points.len()).into_par_iter().with_min_len(64).map_init(
            || vec![0.0; dims],
            |staging, row| {
                points.working_row(isa, row, staging);
                Own {
                    squared: squared_distance(staging, center),
                    center: 0,
                }
            },
        );
        self.nearest = rows.collect();
    }

    /// Draws rows with a chance in proportion to their squared distance; none if all distances are 0.
    fn draw(&self, count: usize, draws: Draws, refill: u64) -> Option<Vec<usize>> {
        let sums: Vec<f64> = self
            .nearest
            .par_chunks(TASK)
            .map(|part| part.iter().map(|own| f64::from(own.squared)).sum())
            .collect();
        let total: f64 = sums.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let pick = |at: usize| {
            let mut left = draws.unit(refill, at as u64) * total;
            let mut last = 0;
            for (part, sum) in sums.iter().enumerate() {
                if left >= *sum {
                    left -= sum;
                    continue;
                }
                for (at, own) in self.nearest[part * TASK..].iter().enumerate() {
                    if own.squared > 0.0 {
                        last = part * TASK + at;
                        left -= f64::from(own.squared);
                    }
                    if left < 0.0 {
                        return last;
                    }
                }
            }
            last
        };
        Some((0..count).map(pick).collect())
    }

    /// Finds what each of some rows would improve.
    fn meet(&self, rows: Vec<usize>, step: &Step<'_>) -> Result<Pool, Cancelled> {
        let candidates = self.candidates(&rows);
        let count = candidates.panels.len();
        let tasks = self.nearest.par_chunks(TASK).enumerate().map_init(
            || Buffers {
                block: Block::new(self.isa),
                some: Block::new(self.isa),
                staging: Vec::new(),
                tile: vec![0.0; ROWS * count * LANES],
                few: vec![0.0; ROWS * LANES],
                lowest: vec![0.0; count],
                open: Vec::new(),
                needed: vec![Vec::new(); count],
            },
            |buffers, (task, own)| {
                step.tick(0)?;
                let mut found = vec![Vec::new(); rows.len()];
                self.sift(task * TASK, own, &candidates, buffers, &mut found);
                Ok(found)
            },
        );
        let tasks: Vec<Vec<Vec<(u32, f32)>>> = tasks.collect::<Result<_, Cancelled>>()?;
        let improved = (0..rows.len()).into_par_iter().map(|at| {
            let parts: Vec<&[(u32, f32)]> =
                tasks.iter().map(|found| found[at].as_slice()).collect();
            parts.concat()
        });
        Ok(Pool {
            drawn_by: rows.iter().map(|row| self.nearest[*row].squared).collect(),
            improved: improved.collect(),
            rows,
            next: 0,
        })
    }

    fn candidates(&self, rows: &[usize]) -> Candidates {
        let dims = self.points.dims();
        let mut packed = vec![0.0; rows.len() * dims];
        for (&row, out) in rows.iter().zip(packed.chunks_exact_mut(dims)) {
            self.points.working_row(self.isa, row, out);
        }
        let panels = Panels::pack(self.isa, &packed, dims);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        let reach = self.centers.par_chunks_exact(dims).flat_map_iter(|center| {
            packed.chunks(LANES * dims).map(|panel| {
                let rows = panel.chunks_exact(dims);
                rows.map(|row| squared_distance(row, center))
                    .fold(f32::INFINITY, f32::min)
            })
        });
        Candidates {
            reach: reach.collect(),
            rows: packed,
            panels,
            offsets,
        }
    }

    /// Stages the rows of a task that may be nearer to a candidate, and compares them.
    fn sift(
        &self,
        first: usize,
        own: &[Own],
        candidates: &Candidates,
        buffers: &mut Buffers,
        found: &mut [Vec<(u32, f32)>],
    ) {
        let count = candidates.panels.len();
        for (at, own) in own.iter().enumerate() {
            let slot = buffers.open.len() as u32;
            let mut any = false;
            let reach = &candidates.reach[own.center as usize * count..][..count];
            for (far, slots) in reach.iter().zip(&mut buffers.needed) {
                // Squared: nothing nearer than half the way. The share covers the roundings of both distances.
                if far * 0.2499 < own.squared {
                    slots.push(slot);
                    any = true;
                }
            }
            if any {
                buffers.open.push(first + at);
            }
            if buffers.open.len() == ROWS {
                self.improve(candidates, buffers, found);
            }
        }
        self.improve(candidates, buffers, found);
    }

    /// Compares the rows staged with the candidates they need.
    fn improve(
        &self,
        candidates: &Candidates,
        buffers: &mut Buffers,
        found: &mut [Vec<(u32, f32)>],
    ) {
        let dims = self.points.dims();
        let panels = &candidates.panels;
        let stride = candidates.offsets.len();
        let Buffers {
            block,
            some,
            staging,
            tile,
            few,
            lowest,
            open,
            needed,
        } = buffers;
        self.points
            .block(open.iter().copied(), self.isa, block, staging);
        let pairs: usize = needed.iter().map(Vec::len).sum();
        if 2 * pairs > open.len() * panels.len() {
            products(block, panels, 0..panels.len(), tile, stride);
        } else {
            tile[..open.len() * stride].fill(f32::NEG_INFINITY);
            for (group, rows) in needed
                .iter()
                .enumerate()
                .filter(|(_, rows)| !rows.is_empty())
            {
                some.gather(block, rows);
                products(some, panels, group..group + 1, few, LANES);
                for (&slot, sums) in rows.iter().zip(few.chunks_exact(LANES)) {
                    tile[slot as usize * stride + group * LANES..][..LANES].copy_from_slice(sums);
                }
            }
        }
        let e = bound::relative(dims, self.moved, panels.moved());
        let floor = bound::floor(dims);
        let longest = panels.norms().iter().copied().fold(0.0, f32::max);
        for (slot, &row) in open.iter().enumerate() {
            let sums = &tile[slot * stride..][..stride];
            let (norm, own) = (self.norms[row], self.nearest[row].squared);
            let off = e * (norm + longest) + floor;
            let limit = (own - norm + off) + 1e-6 * (own + norm + off);
            lowest_of_each(self.isa, &candidates.offsets, sums, lowest);
            for (group, _) in lowest.iter().enumerate().filter(|(_, low)| **low <= limit) {
                let lanes = group * LANES..((group + 1) * LANES).min(found.len());
                for at in lanes {
                    if candidates.offsets[at] - 2.0 * sums[at] > limit {
                        continue;
                    }
                    let squared = squared_distance(
                        &staging[slot * dims..][..dims],
                        &candidates.rows[at * dims..][..dims],
                    );
                    if squared < own {
                        found[at].push((row as u32, squared));
                    }
                }
            }
        }
        open.clear();
        for slots in needed {
            slots.clear();
        }
    }

    /// By how much the sum of squared distances would fall.
    fn gain(&self, improved: &[(u32, f32)]) -> f64 {
        let gains = improved.iter().map(|&(row, squared)| {
            f64::from((self.nearest[row as usize].squared - squared).max(0.0))
        });
        gains.sum()
    }

    /// Makes a row a centre.
    fn take(&mut self, row: usize, improved: &[(u32, f32)]) {
        let dims = self.points.dims();
        let center = (self.centers.len() / dims) as u32;
        self.centers.resize(self.centers.len() + dims, 0.0);
        let at = self.centers.len() - dims;
        self.points
            .working_row(self.isa, row, &mut self.centers[at..]);
        for &(row, squared) in improved {
            let own = &mut self.nearest[row as usize];
            if squared < own.squared {
                *own = Own { squared, center };
            }
        }
    }
}
