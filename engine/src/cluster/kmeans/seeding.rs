//! The first centres: greedy k-means++, or different rows at random.
//!
//! Greedy k-means++ draws a few rows with a chance that grows with the squared distance to the centres so far, and
//! keeps the one that lowers the sum of those distances most. The rows' distances to candidates are proposed by
//! products and decided exactly where a candidate may be nearer; rows whose centre is at most half as far as the
//! candidates from that centre are skipped by the triangle inequality.

use rayon::prelude::*;

use super::draws::Draws;
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, Isa, LANES, Panels, bound, products, select_below, squared_distance};
use crate::neighbors::Points;

/// Rows that one task looks at, and whose distances are added before the sums are added.
const TASK: usize = 1024;
/// Rows whose products are made together.
const ROWS: usize = 64;

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
    let step = context.step("place centres", k as u64 * n as u64);
    let mut search = Search {
        isa,
        points,
        norms: &measured.0,
        moved: measured.1,
        centers: Vec::with_capacity(k * dims),
        nearest: vec![
            Own {
                squared: f32::INFINITY,
                center: 0
            };
            n
        ],
    };
    let first = draws.below(0, 0, n);
    search.take(first, search.gains(&[first], &step)?.swap_remove(0));
    for at in 1..k {
        let candidates = search.draw(trials, draws, at as u64);
        let gains = search.gains(&candidates, &step)?;
        let mut best = 0;
        for (trial, gain) in gains.iter().enumerate() {
            if gain.total > gains[best].total {
                best = trial;
            }
        }
        let gain = gains.into_iter().nth(best);
        search.take(candidates[best], gain.unwrap_or_default());
    }
    Ok(search.centers)
}

/// The nearest centre so far and its squared distance.
#[derive(Debug, Clone, Copy)]
struct Own {
    squared: f32,
    center: u32,
}

/// What a candidate would improve.
#[derive(Debug, Default)]
struct Gain {
    /// By how much the sum of squared distances would fall.
    total: f64,
    /// The rows that would have it as their nearest centre, with their squared distances.
    rows: Vec<(u32, f32)>,
}

struct Search<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    norms: &'a [f32],
    moved: f32,
    centers: Vec<f32>,
    nearest: Vec<Own>,
}

impl Search<'_> {
    /// Draws rows with a chance in proportion to their squared distance.
    fn draw(&self, trials: usize, draws: Draws, step: u64) -> Vec<usize> {
        let sums: Vec<f64> = self
            .nearest
            .par_chunks(TASK)
            .map(|part| part.iter().map(|own| f64::from(own.squared)).sum())
            .collect();
        let total: f64 = sums.iter().sum();
        let pick = |trial: usize| {
            let mut left = draws.unit(step, trial as u64) * total;
            for (part, sum) in sums.iter().enumerate() {
                if left >= *sum {
                    left -= sum;
                    continue;
                }
                for (at, own) in self.nearest[part * TASK..].iter().enumerate() {
                    left -= f64::from(own.squared);
                    if left < 0.0 {
                        return part * TASK + at;
                    }
                }
            }
            self.nearest.len() - 1
        };
        (0..trials).map(pick).collect()
    }

    /// What each candidate row would improve. At most [`LANES`] candidates.
    fn gains(
        &self,
        candidates: &[usize],
        step: &crate::context::Step<'_>,
    ) -> Result<Vec<Gain>, Cancelled> {
        let dims = self.points.dims();
        let mut rows = vec![0.0; candidates.len() * dims];
        for (&candidate, out) in candidates.iter().zip(rows.chunks_exact_mut(dims)) {
            self.points.working_row(self.isa, candidate, out);
        }
        let panels = Panels::pack(self.isa, &rows, dims);
        // The least squared distance from each centre so far to a candidate.
        let reach: Vec<f32> = self
            .centers
            .par_chunks_exact(dims)
            .map(|center| {
                rows.chunks_exact(dims)
                    .map(|row| squared_distance(row, center))
                    .fold(f32::INFINITY, f32::min)
            })
            .collect();
        let tasks = self.nearest.par_chunks(TASK).enumerate().map_init(
            || {
                (
                    Block::new(self.isa),
                    Vec::new(),
                    vec![0.0; ROWS * panels.len() * LANES],
                )
            },
            |(block, staging, tile), (task, own)| {
                step.tick(own.len() as u64)?;
                let near: Vec<usize> = (0..own.len())
                    // Squared: nothing nearer than half the way. The share covers the roundings of both distances.
                    .filter(|&at| {
                        reach
                            .get(own[at].center as usize)
                            .is_none_or(|&far| far * 0.2499 < own[at].squared)
                    })
                    .collect();
                let mut found: Vec<Gain> = candidates.iter().map(|_| Gain::default()).collect();
                for some in near.chunks(ROWS) {
                    self.points.block(
                        some.iter().map(|at| task * TASK + at),
                        self.isa,
                        block,
                        staging,
                    );
                    self.improve(
                        task, some, own, block, staging, tile, &panels, &rows, &mut found,
                    );
                }
                Ok(found)
            },
        );
        let parts: Vec<Vec<Gain>> = tasks.collect::<Result<_, Cancelled>>()?;
        let mut gains: Vec<Gain> = candidates.iter().map(|_| Gain::default()).collect();
        for part in parts {
            for (gain, mut part) in gains.iter_mut().zip(part) {
                gain.total += part.total;
                gain.rows.append(&mut part.rows);
            }
        }
        Ok(gains)
    }

    #[allow(clippy::too_many_arguments)]
    fn improve(
        &self,
        task: usize,
        some: &[usize],
        own: &[Own],
        block: &Block,
        staging: &[f32],
        tile: &mut [f32],
        panels: &Panels,
        candidates: &[f32],
        found: &mut [Gain],
    ) {
        let dims = self.points.dims();
        let stride = panels.len() * LANES;
        products(block, panels, 0..panels.len(), tile, stride);
        let e = bound::relative(dims, self.moved, panels.moved());
        let mut offsets: Vec<f32> = panels.norms().iter().map(|norm| (1.0 - e) * norm).collect();
        offsets.resize(stride, f32::INFINITY);
        let mut close = Vec::new();
        for (slot, &at) in some.iter().enumerate() {
            let off = (1.0 - e) * self.norms[task * TASK + at] - bound::floor(dims);
            let limit = (own[at].squared.min(f32::MAX) - off)
                + 1e-6 * (own[at].squared.min(1e30) + off.abs());
            close.clear();
            select_below(
                self.isa,
                &offsets,
                &tile[slot * stride..][..stride],
                limit.min(f32::MAX),
                0,
                &mut close,
            );
            for &(_, candidate) in &close {
                let candidate = candidate as usize;
                let squared = squared_distance(
                    &staging[slot * dims..][..dims],
                    &candidates[candidate * dims..][..dims],
                );
                if squared < own[at].squared {
                    let row = task * TASK + at;
                    found[candidate].rows.push((row as u32, squared));
                    let gain = if own[at].squared.is_finite() {
                        own[at].squared - squared
                    } else {
                        0.0
                    };
                    found[candidate].total += f64::from(gain);
                }
            }
        }
    }

    /// Makes a row a centre.
    fn take(&mut self, row: usize, gain: Gain) {
        let dims = self.points.dims();
        let center = (self.centers.len() / dims) as u32;
        self.centers.resize(self.centers.len() + dims, 0.0);
        let at = self.centers.len() - dims;
        self.points
            .working_row(self.isa, row, &mut self.centers[at..]);
        for (row, squared) in gain.rows {
            self.nearest[row as usize] = Own { squared, center };
        }
    }
}
