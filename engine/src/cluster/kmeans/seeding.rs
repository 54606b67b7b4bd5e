//! The first centres: greedy k-means++, or different rows at random.
//!
//! Greedy k-means++ draws a few rows with a chance that grows with the squared distance to the centres so far, and
//! keeps the one that lowers the sum of those distances most. Looking at all rows for every centre would read the data
//! `k` times, so rows are drawn for many centres at once. Distances only shrink: a row drawn by an older distance and
//! kept with the chance new / old is a row drawn by the new one. Which of the few is best is judged on a sample of the
//! rows; all rows meet only the centres that were kept, many at a time. So chances are exact, judgement is not, and the
//! work falls by the number of candidates a centre.

use rayon::prelude::*;

use super::compare::{Candidates, Compare};
use super::draws::Draws;
use super::lloyd::Start;
use super::rows::{Rows, TASK};
use crate::context::{Cancelled, Context, Step};
use crate::linalg::{LANES, squared_distance};

/// Rows whose distances are added before the sums are added.
const SUMMED: usize = 1024;
/// The most candidates drawn at once.
const POOL: usize = 256;
/// Candidates are judged on at least so many rows, and so many for each centre.
const JUDGES: usize = 8192;
const JUDGES_EACH: usize = 16;

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

/// `k` centres by greedy k-means++ with `2 + ln k` candidates a step, and the nearest of them for each row.
pub(super) fn plus_plus(
    rows: &Rows<'_>,
    k: usize,
    draws: Draws,
    context: &Context,
) -> Result<Start, Cancelled> {
    let (n, dims) = (rows.len(), rows.dims());
    let trials = 2 + (k as f64).ln() as usize;
    let step = context.step("place centres", k as u64);
    let mut search = Search::begin(rows, k, draws.below(0, 0, n));
    step.tick(1)?;
    let mut refill = 0;
    while search.count() < k {
        refill += 1;
        let left = k - search.count();
        let size = (8 * search.count()).min(left * trials * 5 / 4);
        let size = size.clamp(trials, POOL).next_multiple_of(LANES);
        let Some(drawn) = search.draw(size, draws, refill) else {
            // Every row is a centre's equal: more centres can only repeat.
            for _ in 0..left {
                step.tick(1)?;
                search.repeat(n - 1);
            }
            break;
        };
        let stride = (n / JUDGES.max(JUDGES_EACH * k)).max(1);
        let mut pool = search.judge(drawn, stride, draws, refill, &step)?;
        let mut kept = Vec::new();
        while kept.len() < left {
            let candidates = pool.accept(trials, draws, refill);
            if candidates.len() < trials && !kept.is_empty() {
                break;
            }
            step.tick(1)?;
            kept.push(pool.keep_best(&candidates, dims));
        }
        let kept: Vec<usize> = kept.iter().map(|&at| pool.candidates.numbers[at]).collect();
        search.adopt(kept, &step)?;
    }
    let nearest = search.nearest.iter();
    Ok(Start {
        nearest: Some(nearest.map(|own| (own.center, own.squared)).unzip()),
        centers: search.centers,
    })
}

/// The nearest centre so far and its squared distance.
#[derive(Debug, Clone, Copy)]
struct Own {
    squared: f32,
    center: u32,
}

/// Rows drawn as candidates for the centres to come, and what they do to the judges.
struct Pool {
    candidates: Candidates,
    /// The squared distance by which each was drawn, and what it is now.
    drawn_by: Vec<f32>,
    now: Vec<f32>,
    /// The squared distance of each judge to its nearest centre.
    judges: Vec<f32>,
    /// The judges that each candidate would have improved when it was drawn, with their squared distances.
    improved: Vec<Vec<(u32, f32)>>,
    /// The first that has not been offered.
    next: usize,
}

impl Pool {
    /// The next candidates, each kept with the chance by which its distance has shrunk; fewer where the pool ends.
    fn accept(&mut self, count: usize, draws: Draws, refill: u64) -> Vec<usize> {
        let mut accepted = Vec::with_capacity(count);
        while accepted.len() < count && self.next < self.now.len() {
            let at = self.next;
            self.next += 1;
            let chance = draws.unit(refill, (POOL + at) as u64) * f64::from(self.drawn_by[at]);
            if chance < f64::from(self.now[at]) {
                accepted.push(at);
            }
        }
        accepted
    }

    /// Keeps the candidate by which the judges' squared distances fall most, the first of equals.
    fn keep_best(&mut self, candidates: &[usize], dims: usize) -> usize {
        let gains: Vec<f64> = candidates.iter().map(|&at| self.gain(at)).collect();
        let mut best = 0;
        for (trial, gain) in gains.iter().enumerate() {
            if *gain > gains[best] {
                best = trial;
            }
        }
        let best = candidates[best];
        for &(judge, squared) in &self.improved[best] {
            let own = &mut self.judges[judge as usize];
            *own = own.min(squared);
        }
        let row = |at: usize| &self.candidates.rows[at * dims..][..dims];
        for at in self.next..self.now.len() {
            self.now[at] = self.now[at].min(squared_distance(row(at), row(best)));
        }
        best
    }

    fn gain(&self, at: usize) -> f64 {
        let gains = self.improved[at]
            .iter()
            .map(|&(judge, squared)| f64::from((self.judges[judge as usize] - squared).max(0.0)));
        gains.sum()
    }
}

struct Search<'a> {
    rows: &'a Rows<'a>,
    centers: Vec<f32>,
    nearest: Vec<Own>,
}

impl<'a> Search<'a> {
    /// Makes a row the first of `k` centres.
    fn begin(rows: &'a Rows<'a>, k: usize, row: usize) -> Search<'a> {
        let dims = rows.dims();
        let mut centers = Vec::with_capacity(k * dims);
        centers.resize(dims, 0.0);
        rows.row(row, &mut centers);
        let center = &centers;
        let nearest = (0..rows.len()).into_par_iter().with_min_len(64).map_init(
            || vec![0.0; dims],
            |staging, row| {
                rows.row(row, staging);
                Own {
                    squared: squared_distance(staging, center),
                    center: 0,
                }
            },
        );
        Search {
            nearest: nearest.collect(),
            rows,
            centers,
        }
    }

    /// The centres so far.
    fn count(&self) -> usize {
        self.centers.len() / self.rows.dims()
    }

    /// Draws rows with a chance in proportion to their squared distance; none if all distances are 0.
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

    /// Shows candidates to the judges: one row of every `stride`, drawn anew each time.
    fn judge(
        &self,
        drawn: Vec<usize>,
        stride: usize,
        draws: Draws,
        refill: u64,
        step: &Step<'_>,
    ) -> Result<Pool, Cancelled> {
        let n = self.nearest.len();
        let candidates = Candidates::new(self.rows, drawn);
        let judges: Vec<usize> = (0..n / stride)
            .map(|at| at * stride + draws.below(refill, (2 * POOL + at) as u64, stride))
            .collect();
        let tasks: Vec<&[usize]> = judges.chunk_by(|a, b| a / TASK == b / TASK).collect();
        let found: Vec<Vec<Vec<(u32, f32)>>> = tasks
            .par_iter()
            .map_init(
                || Compare::new(self.rows, &candidates),
                |compare, judges| {
                    step.tick(0)?;
                    let mut found = vec![Vec::new(); candidates.numbers.len()];
                    let places: Vec<u32> = judges.iter().map(|row| (row % TASK) as u32).collect();
                    let own = |at: usize| self.nearest[judges[at]].squared;
                    compare.all(judges[0] / TASK, &places, own, |at, candidate, squared| {
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
        let now: Vec<f32> = candidates
            .numbers
            .iter()
            .map(|row| self.nearest[*row].squared)
            .collect();
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

    /// Makes rows centres: all rows look which is nearest now.
    fn adopt(&mut self, kept: Vec<usize>, step: &Step<'_>) -> Result<(), Cancelled> {
        let (rows, dims) = (self.rows, self.rows.dims());
        let first = self.count() as u32;
        let new = Candidates::new(rows, kept);
        let reach = new.reach(&self.centers, dims);
        self.nearest
            .par_chunks_mut(TASK)
            .enumerate()
            .try_for_each_init(
                || Compare::new(rows, &new),
                |compare, (task, nearest)| {
                    step.tick(0)?;
                    let places: Vec<u32> = (0..nearest.len() as u32)
                        .filter(|&at| {
                            let own = nearest[at as usize];
                            // Squared: nothing is nearer than half the way. The share covers roundings.
                            reach[own.center as usize] * 0.2499 < own.squared
                        })
                        .collect();
                    let before: Vec<f32> = places
                        .iter()
                        .map(|&at| nearest[at as usize].squared)
                        .collect();
                    let own = |at: usize| before[at];
                    compare.nearest(task, &places, own, |at, candidate, squared| {
                        let own = &mut nearest[places[at] as usize];
                        let center = first + candidate as u32;
                        if squared < own.squared {
                            *own = Own { squared, center };
                        }
                    });
                    Ok(())
                },
            )?;
        self.centers.extend_from_slice(&new.rows);
        Ok(())
    }

    /// Makes a row a centre that changes nothing.
    fn repeat(&mut self, row: usize) {
        let (dims, end) = (self.rows.dims(), self.centers.len());
        self.centers.resize(end + dims, 0.0);
        self.rows.row(row, &mut self.centers[end..]);
    }
}
