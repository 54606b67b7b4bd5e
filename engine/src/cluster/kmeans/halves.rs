//! k-means with two centres on some of the rows, again and again: what bisecting k-means is made of.
//!
//! The rows stay where they are, with one mean and one scale for all cuts, and a part's sum is known before it is cut.

mod rounds;

use rayon::prelude::*;

use self::rounds::{Ends, Halves};
use super::draws::Draws;
use crate::context::{Cancelled, Step};
use crate::linalg::isa;
use crate::neighbors::Points;

/// Rows of one task.
const ROWS: usize = 128;
/// Tasks whose sums are kept at a time: enough for any number of threads.
const WAVE: usize = 64;

/// How a cut is made; the names are those of [`Options`](super::Options).
#[derive(Debug, Clone)]
pub(in crate::cluster) struct How {
    /// Whether the first centres are rows at random, not far apart.
    pub random: bool,
    /// How many starts to try, at least 1.
    pub n_init: usize,
    /// The most rounds a start may take, at least 1.
    pub max_iter: usize,
    /// Share of the features' mean variance below which the squared movement of both centres ends the rounds.
    pub tol: f64,
}

/// Some of the rows, in order, around a centre; all numbers in working units.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Part {
    /// The rows' numbers.
    pub rows: Vec<u32>,
    /// The centre.
    pub center: Vec<f32>,
    /// The sum of squared distances of the rows to it.
    pub inertia: f64,
    sum: Vec<f64>,
}

impl Part {
    /// All rows around their mean. O(n d).
    pub fn whole(points: &Points<'_>, step: &Step<'_>) -> Result<Part, Cancelled> {
        let rows: Vec<u32> = (0..points.len() as u32).collect();
        let (isa, dims) = (isa(), points.dims());
        let mut sum = vec![0.0; dims];
        for wave in rows.chunks(WAVE * ROWS) {
            step.tick(0)?;
            let parts = wave.par_chunks(ROWS).map(|rows| {
                let mut sum = vec![0.0; dims];
                for &row in rows {
                    points.add_working_row(isa, row as usize, 1.0, &mut sum);
                }
                sum
            });
            for part in parts.collect::<Vec<Vec<f64>>>() {
                add(&part, &mut sum);
            }
        }
        let center = mean(&sum, rows.len());
        let squared = Halves::new(points, &rows, &sum).distances(|_| &center, step)?;
        Ok(Part {
            center,
            inertia: total(&squared),
            sum,
            rows,
        })
    }

    /// Cuts the part in two; nothing where its rows are all the same. The same bits for any number of threads.
    /// O(n d) a round at most.
    pub fn cut(
        &self,
        points: &Points<'_>,
        how: &How,
        seed: u64,
        step: &Step<'_>,
    ) -> Result<Option<[Part; 2]>, Cancelled> {
        let cells = (self.rows.len() * points.dims()) as f64;
        let tol = how.tol * self.inertia / cells;
        let mut best: Option<(f64, Ends)> = None;
        for start in 0..how.n_init.max(1) {
            let mut halves = Halves::new(points, &self.rows, &self.sum);
            let draws = Draws::new(seed, start as u64);
            let centers = if how.random {
                halves.random_rows(draws)
            } else {
                halves.far_rows(draws, step)?
            };
            let Some(ends) = halves.rounds(centers, how.max_iter, tol, step)? else {
                continue;
            };
            let inertia = ends.inertia[0] + ends.inertia[1];
            if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
                best = Some((inertia, ends));
            }
        }
        let Some((_, ends)) = best else {
            return Ok(None);
        };
        let left = self
            .sum
            .iter()
            .zip(&ends.right)
            .map(|(all, right)| all - right);
        let mut sums = [left.collect(), ends.right];
        let mut centers = ends.centers;
        let parts = [0_usize, 1].map(|half| Part {
            rows: self
                .rows
                .iter()
                .zip(&ends.labels)
                .filter(|&(_, &label)| usize::from(label) == half)
                .map(|(&row, _)| row)
                .collect(),
            center: std::mem::take(&mut centers[half]),
            inertia: ends.inertia[half],
            sum: std::mem::take(&mut sums[half]),
        });
        Ok(parts
            .iter()
            .all(|part| !part.rows.is_empty())
            .then_some(parts))
    }
}

fn add(part: &[f64], sum: &mut [f64]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

fn mean(sum: &[f64], count: usize) -> Vec<f32> {
    let count = count.max(1) as f64;
    sum.iter().map(|sum| (sum / count) as f32).collect()
}

/// The sum of distances, in blocks that the data fixes.
fn total(squared: &[f32]) -> f64 {
    let part = |some: &[f32]| some.iter().map(|s| f64::from(*s)).sum::<f64>();
    squared.chunks(ROWS).map(part).sum()
}

#[cfg(test)]
mod tests;
