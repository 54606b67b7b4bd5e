//! The first centres: greedy k-means++, or different rows at random.
//!
//! Greedy k-means++ draws a few rows with a chance that grows with the squared distance to the centres so far, and
//! keeps the one that lowers the sum of those distances most. Looking at all rows for every centre would read the data
//! `k` times, so rows are drawn for many centres at once. Distances only shrink: a row drawn by an older distance and
//! kept with the chance new / old is a row drawn by the new one. Which of the few is best is judged on some of the rows;
//! the others meet only the centres that were kept, many at a time. Where there are far more rows than centres, all of
//! this is done on a sample of them.

use rayon::prelude::*;

use super::compare::{Candidates, Compare};
use super::draws::Draws;
use super::lloyd::Start;
use super::pool::{POOL, Pool};
use super::rows::{Rows, TASK};
use crate::context::{Cancelled, Context, Step};
use crate::linalg::{LANES, squared_distance};

/// Rows whose distances are added before the sums are added.
const SUMMED: usize = 1024;
/// Candidates are judged on at least so many rows, and so many for each centre.
const JUDGES: usize = 4096;
const JUDGES_EACH: usize = 16;
/// The sample has at least so many rows, and so many for each centre, and at least one of so many.
const SAMPLED: usize = 8192;
const SAMPLED_EACH: usize = 64;
const SAMPLED_OF: usize = 4;

/// `k` different rows, each as likely as any other, in working units. O(n).
pub(super) fn random_rows(rows: &Rows<'_>, k: usize, draws: Draws) -> Vec<f32> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for at in 0..k.min(order.len()) {
        let other = at + draws.below(0, at as u64, order.len() - at);
        order.swap(at, other);
    }
    let mut centers = vec![0.0; k * rows.dims()];
    for (row, out) in order.iter().zip(centers.chunks_exact_mut(rows.dims())) {
        rows.row(*row, out);
    }
    centers
}

/// `k` centres by greedy k-means++ with `2 + ln k` candidates a step, and, where no sample stood for the rows, the nearest
/// of them for each row.
pub(super) fn plus_plus(
    rows: &Rows<'_>,
    k: usize,
    draws: Draws,
    context: &Context,
) -> Result<Start, Cancelled> {
    let (n, dims) = (rows.len(), rows.dims());
    let trials = 2 + (k as f64).ln() as usize;
    let step = context.step("place centres", k as u64);
    let stride = (n / SAMPLED.max(SAMPLED_EACH * k)).clamp(1, SAMPLED_OF);
    let sample = (0..n / stride).map(|at| at * stride + draws.below(0, 1 + at as u64, stride));
    let mut search = Search::begin(rows, sample.collect(), draws.below(0, 0, n));
    step.tick(1)?;
    let mut refill = 0;
    while search.count() < k {
        refill += 1;
        let left = k - search.count();
        let size = (8 * search.count()).min(left * trials * 5 / 4);
        let size = size.clamp(trials, POOL).next_multiple_of(LANES);
        let Some(drawn) = search.draw(size, draws, refill) else {
            if search.sample.len() < n {
                // Rows that are no centre's equal may be left outside the sample.
                search = search.on_all_rows(&step)?;
                continue;
            }
            // Every row is a centre's equal: more centres can only repeat.
            for _ in 0..left {
                step.tick(1)?;
                search.repeat(n - 1);
            }
            break;
        };
        let stride = (search.sample.len() / JUDGES.max(JUDGES_EACH * k)).max(1);
        let mut pool = search.judge(drawn, stride, draws, refill, &step)?;
        let mut kept = Vec::new();
        while kept.len() < left {
            let candidates = pool.accept(trials, draws, refill);
            if candidates.is_empty() || (candidates.len() < trials && !kept.is_empty()) {
                break;
            }
            step.tick(1)?;
            kept.push(pool.keep_best(&candidates, dims));
        }
        let kept: Vec<usize> = kept.iter().map(|&at| pool.candidates.numbers[at]).collect();
        search.adopt(kept, &step)?;
    }
    let all = search.sample.len() == n;
    let nearest = search.nearest.iter().map(|own| (own.center, own.squared));
    Ok(Start {
        nearest: all.then(|| nearest.unzip()),
        centers: search.centers,
    })
}

/// The nearest centre so far and its squared distance.
#[derive(Debug, Clone, Copy)]
struct Own {
    squared: f32,
    center: u32,
}

struct Search<'a> {
    rows: &'a Rows<'a>,
    /// The rows that stand for all, in order.
    sample: Vec<usize>,
    centers: Vec<f32>,
    /// The rows that the centres are.
    chosen: Vec<usize>,
    /// For each of the sample.
    nearest: Vec<Own>,
}

impl<'a> Search<'a> {
    /// Makes a row the first centre.
    fn begin(rows: &'a Rows<'a>, sample: Vec<usize>, row: usize) -> Search<'a> {
        let dims = rows.dims();
        let mut centers = vec![0.0; dims];
        rows.row(row, &mut centers);
        let center = &centers;
        let nearest = sample.par_iter().with_min_len(64).map_init(
            || vec![0.0; dims],
            |staging, row| {
                rows.row(*row, staging);
                Own {
                    squared: squared_distance(staging, center),
                    center: 0,
                }
            },
        );
        Search {
            nearest: nearest.collect(),
            rows,
            sample,
            centers,
            chosen: vec![row],
        }
    }

    /// The same centres, with all rows instead of a sample.
    fn on_all_rows(self, step: &Step<'_>) -> Result<Search<'a>, Cancelled> {
        let all = (0..self.rows.len()).collect();
        let mut search = Search::begin(self.rows, all, self.chosen[0]);
        if self.chosen.len() > 1 {
            search.adopt(self.chosen[1..].to_vec(), step)?;
        }
        Ok(search)
    }

    /// The centres so far.
    fn count(&self) -> usize {
        self.centers.len() / self.rows.dims()
    }

    /// Draws from the sample with a chance in proportion to the squared distance; none if all distances are 0.
    fn draw(&self, count: usize, draws: Draws, refill: u64) -> Option<Vec<usize>> {
        let sums: Vec<f64> = self
            .nearest
            .par_chunks(SUMMED)
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
                for (at, own) in self.nearest[part * SUMMED..].iter().enumerate() {
                    if own.squared > 0.0 {
                        last = part * SUMMED + at;
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

    /// Shows candidates, as they were drawn, to the judges: one of the sample in every `stride`, drawn anew each time.
    fn judge(
        &self,
        drawn: Vec<usize>,
        stride: usize,
        draws: Draws,
        refill: u64,
        step: &Step<'_>,
    ) -> Result<Pool, Cancelled> {
        let now: Vec<f32> = drawn.iter().map(|&at| self.nearest[at].squared).collect();
        let drawn = drawn.iter().map(|&at| self.sample[at]).collect();
        let candidates = Candidates::new(self.rows, drawn);
        let judges: Vec<usize> = (0..self.sample.len() / stride)
            .map(|at| at * stride + draws.below(refill, (2 * POOL + at) as u64, stride))
            .collect();
        let task = |at: usize| self.sample[at] / TASK;
        let tasks: Vec<&[usize]> = judges.chunk_by(|a, b| task(*a) == task(*b)).collect();
        let found: Vec<Vec<Vec<(u32, f32)>>> = tasks
            .par_iter()
            .map_init(
                || Compare::new(self.rows, &candidates),
                |compare, judges| {
                    step.tick(0)?;
                    let mut found = vec![Vec::new(); candidates.numbers.len()];
                    let places = judges.iter().map(|&at| (self.sample[at] % TASK) as u32);
                    let places: Vec<u32> = places.collect();
                    let own = |at: usize| self.nearest[judges[at]].squared;
                    compare.all(task(judges[0]), &places, own, |at, candidate, squared| {
                        found[candidate].push((at as u32, squared));
                    });
                    Ok(found)
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        let firsts: Vec<u32> = tasks
            .iter()
            .scan(0, |next, task| {
                let first = *next;
                *next += task.len() as u32;
                Some(first)
            })
            .collect();
        let improved = (0..candidates.numbers.len()).into_par_iter().map(|at| {
            let parts = found.iter().zip(&firsts).flat_map(|(found, first)| {
                found[at]
                    .iter()
                    .map(move |&(judge, squared)| (first + judge, squared))
            });
            parts.collect()
        });
        Ok(Pool {
            drawn_by: now.clone(),
            now,
            judges: judges
                .iter()
                .map(|row| self.nearest[*row].squared)
                .collect(),
            improved: improved.collect(),
            candidates,
            next: 0,
        })
    }

    /// Makes rows centres: the sample looks which is nearest now.
    fn adopt(&mut self, kept: Vec<usize>, step: &Step<'_>) -> Result<(), Cancelled> {
        let (rows, dims) = (self.rows, self.rows.dims());
        let first = self.count() as u32;
        let new = Candidates::new(rows, kept);
        let reach = new.reach(&self.centers, dims);
        let mut rest = self.nearest.as_mut_slice();
        let mut tasks = Vec::new();
        for sample in self.sample.chunk_by(|a, b| a / TASK == b / TASK) {
            let (nearest, later) = rest.split_at_mut(sample.len());
            tasks.push((sample, nearest));
            rest = later;
        }
        tasks.into_par_iter().try_for_each_init(
            || Compare::new(rows, &new),
            |compare, (sample, nearest)| {
                step.tick(0)?;
                let near = (0..sample.len()).filter(|&at| {
                    // Squared: nothing is nearer than half the way. The share covers roundings.
                    reach[nearest[at].center as usize] * 0.2499 < nearest[at].squared
                });
                let near: Vec<usize> = near.collect();
                let places: Vec<u32> = near.iter().map(|&at| (sample[at] % TASK) as u32).collect();
                let before: Vec<f32> = near.iter().map(|&at| nearest[at].squared).collect();
                let own = |at: usize| before[at];
                compare.nearest(sample[0] / TASK, &places, own, |at, candidate, squared| {
                    let own = &mut nearest[near[at]];
                    let center = first + candidate as u32;
                    if squared < own.squared {
                        *own = Own { squared, center };
                    }
                });
                Ok(())
            },
        )?;
        self.chosen.extend_from_slice(&new.numbers);
        self.centers.extend_from_slice(&new.rows);
        Ok(())
    }

    /// Makes a row a centre that changes nothing.
    fn repeat(&mut self, row: usize) {
        let (dims, end) = (self.rows.dims(), self.centers.len());
        self.chosen.push(row);
        self.centers.resize(end + dims, 0.0);
        self.rows.row(row, &mut self.centers[end..]);
    }
}
