//! The rounds of one cut. With two centres the two bounds of a row know all there is to know, so no product needs to
//! propose: rows that the bounds leave open meet both centres in f32, ties going to the first. Only one of the halves is
//! summed, the other is the rest. Rounds end as those of [`rounds`](crate::cluster::kmeans::lloyd::rounds) do.

use rayon::prelude::*;

use super::super::centers::{SLACK, relative_slack};
use super::super::draws::Draws;
use super::{ROWS, WAVE, add, mean, total};
use crate::context::{Cancelled, Step};
use crate::linalg::{Isa, isa, squared_distance};
use crate::neighbors::Points;

/// The half of a row that has none yet.
const NONE: u8 = u8::MAX;

/// Where the rounds of a cut ended.
pub(super) struct Ends {
    pub labels: Vec<u8>,
    pub centers: [Vec<f32>; 2],
    pub inertia: [f64; 2],
    /// The sum of the rows of the second half.
    pub right: Vec<f64>,
}

/// The rows of a part while it is cut.
pub(super) struct Halves<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    rows: &'a [u32],
    /// The sum of all the rows.
    sum: &'a [f64],
    labels: Vec<u8>,
    /// At least the distance to the row's own centre, and at most that to the other.
    upper: Vec<f32>,
    lower: Vec<f32>,
    /// The sum and the number of the rows of the second half.
    right: Vec<f64>,
    rights: usize,
}

/// What a task did to the second half.
struct Gain {
    changed: usize,
    rows: isize,
    /// Empty where no row came or went.
    sum: Vec<f64>,
}

impl<'a> Halves<'a> {
    pub(super) fn new(points: &'a Points<'a>, rows: &'a [u32], sum: &'a [f64]) -> Halves<'a> {
        Halves {
            isa: isa(),
            points,
            rows,
            sum,
            labels: vec![NONE; rows.len()],
            upper: vec![0.0; rows.len()],
            lower: vec![0.0; rows.len()],
            right: vec![0.0; points.dims()],
            rights: 0,
        }
    }

    fn row(&self, at: usize) -> Vec<f32> {
        let mut row = vec![0.0; self.points.dims()];
        self.points
            .working_row(self.isa, self.rows[at] as usize, &mut row);
        row
    }

    /// Two different rows.
    pub(super) fn random_rows(&self, draws: Draws) -> [Vec<f32>; 2] {
        let n = self.rows.len();
        let first = draws.below(0, 0, n);
        let second = (first + 1 + draws.below(0, 1, n.max(2) - 1)) % n;
        [self.row(first), self.row(second)]
    }

    /// A row, and of two more that are drawn with a chance in proportion to the squared distance the better one.
    pub(super) fn far_rows(
        &self,
        draws: Draws,
        step: &Step<'_>,
    ) -> Result<[Vec<f32>; 2], Cancelled> {
        let first = self.row(draws.below(0, 0, self.rows.len()));
        let near = self.distances(|_| &first, step)?;
        let all = total(&near);
        let mut best: Option<(f64, Vec<f32>)> = None;
        for trial in 0..2 {
            let mut left = draws.unit(1, trial) * all;
            let drawn = near.iter().position(|squared| {
                left -= f64::from(*squared);
                left < 0.0
            });
            let row = self.row(drawn.unwrap_or(self.rows.len() - 1));
            let mut squared = self.distances(|_| &row, step)?;
            for (squared, near) in squared.iter_mut().zip(&near) {
                *squared = squared.min(*near);
            }
            let inertia = total(&squared);
            if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
                best = Some((inertia, row));
            }
        }
        let second = best.map_or_else(|| first.clone(), |(_, row)| row);
        Ok([first, second])
    }

    /// The squared distance of each row to a centre.
    pub(super) fn distances<'c>(
        &self,
        center_of: impl Fn(usize) -> &'c [f32] + Sync,
        step: &Step<'_>,
    ) -> Result<Vec<f32>, Cancelled> {
        let mut squared = vec![0.0; self.rows.len()];
        squared.par_chunks_mut(ROWS).enumerate().try_for_each_init(
            || vec![0.0; self.points.dims()],
            |row, (task, squared)| {
                step.tick(0)?;
                for (at, squared) in squared.iter_mut().enumerate() {
                    let at = task * ROWS + at;
                    self.points
                        .working_row(self.isa, self.rows[at] as usize, row);
                    *squared = squared_distance(row, center_of(at));
                }
                Ok(())
            },
        )?;
        Ok(squared)
    }

    /// Brings labels, bounds and the second half's sum up to date with centres that have moved by `moved` (nothing the
    /// first time). Returns how many labels changed.
    fn update(
        &mut self,
        centers: &[Vec<f32>; 2],
        moved: Option<[f32; 2]>,
        step: &Step<'_>,
    ) -> Result<usize, Cancelled> {
        let way = squared_distance(&centers[0], &centers[1]).sqrt();
        let task = Task {
            isa: self.isa,
            points: self.points,
            centers,
            moved,
            half: 0.5 * way * (1.0 - relative_slack(self.points.dims())),
            slack: relative_slack(self.points.dims()),
        };
        let mut changed = 0;
        let waves = self
            .rows
            .chunks(WAVE * ROWS)
            .zip(self.labels.chunks_mut(WAVE * ROWS))
            .zip(self.upper.chunks_mut(WAVE * ROWS))
            .zip(self.lower.chunks_mut(WAVE * ROWS));
        for (((rows, labels), upper), lower) in waves {
            let gains = rows
                .par_chunks(ROWS)
                .zip(labels.par_chunks_mut(ROWS))
                .zip(upper.par_chunks_mut(ROWS))
                .zip(lower.par_chunks_mut(ROWS))
                .map_init(
                    || vec![0.0; self.points.dims()],
                    |row, (((rows, labels), upper), lower)| {
                        step.tick(0)?;
                        Ok(task.run(rows, (labels, upper, lower), row))
                    },
                )
                .collect::<Result<Vec<Gain>, Cancelled>>()?;
            for gain in gains {
                changed += gain.changed;
                self.rights = self.rights.wrapping_add_signed(gain.rows);
                add(&gain.sum, &mut self.right);
            }
        }
        Ok(changed)
    }

    /// Rounds from these centres; nothing where all rows are the same.
    pub(super) fn rounds(
        &mut self,
        mut centers: [Vec<f32>; 2],
        max_iter: usize,
        tol: f64,
        step: &Step<'_>,
    ) -> Result<Option<Ends>, Cancelled> {
        let slack = relative_slack(self.points.dims());
        let mut moved = None;
        let mut settled = false;
        for _ in 0..max_iter {
            settled = self.update(&centers, moved, step)? == 0;
            let Some(next) = self.means(&centers, step)? else {
                return Ok(None);
            };
            let squared = [0, 1].map(|half| squared_distance(&centers[half], &next[half]));
            moved = Some(squared.map(|squared| squared.sqrt() * (1.0 + slack)));
            centers = next;
            if settled || f64::from(squared[0]) + f64::from(squared[1]) <= tol {
                break;
            }
        }
        if !settled {
            self.update(&centers, moved, step)?;
        }
        let squared = self.distances(|at| &centers[usize::from(self.labels[at])], step)?;
        let mut inertia = [0.0; 2];
        for (squared, labels) in squared.chunks(ROWS).zip(self.labels.chunks(ROWS)) {
            let mut part = [0.0; 2];
            for (&squared, &label) in squared.iter().zip(labels) {
                part[usize::from(label)] += f64::from(squared);
            }
            add(&part, &mut inertia);
        }
        Ok(Some(Ends {
            labels: std::mem::take(&mut self.labels),
            right: std::mem::take(&mut self.right),
            centers,
            inertia,
        }))
    }

    /// The means of the halves; one without rows takes the row that is farthest from its centre, the first of equals.
    fn means(
        &self,
        centers: &[Vec<f32>; 2],
        step: &Step<'_>,
    ) -> Result<Option<[Vec<f32>; 2]>, Cancelled> {
        let n = self.rows.len();
        let mut right = self.right.clone();
        let mut rights = self.rights;
        if rights == 0 || rights == n {
            let own = &centers[usize::from(rights == n)];
            let squared = self.distances(|_| own, step)?;
            let (mut far, mut most) = (0, 0.0);
            for (at, &squared) in squared.iter().enumerate() {
                if squared > most {
                    (far, most) = (at, squared);
                }
            }
            if most == 0.0 {
                return Ok(None);
            }
            let (sign, row) = (if rights == 0 { 1.0 } else { -1.0 }, self.rows[far]);
            self.points
                .add_working_row(self.isa, row as usize, sign, &mut right);
            rights = if rights == 0 { 1 } else { n - 1 };
        }
        let left: Vec<f64> = self
            .sum
            .iter()
            .zip(&right)
            .map(|(all, r)| all - r)
            .collect();
        Ok(Some([mean(&left, n - rights), mean(&right, rights)]))
    }
}

/// What the tasks of an update share.
struct Task<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    centers: &'a [Vec<f32>; 2],
    moved: Option<[f32; 2]>,
    /// Half the way between the centres, at most.
    half: f32,
    slack: f32,
}

impl Task<'_> {
    fn run(
        &self,
        rows: &[u32],
        (labels, upper, lower): (&mut [u8], &mut [f32], &mut [f32]),
        row: &mut [f32],
    ) -> Gain {
        let mut gain = Gain {
            changed: 0,
            rows: 0,
            sum: Vec::new(),
        };
        for (at, &number) in rows.iter().enumerate() {
            let before = labels[at];
            if let Some(moved) = self.moved {
                let own = usize::from(before);
                upper[at] = (upper[at] + moved[own]) * (1.0 + SLACK);
                let less = lower[at] - moved[1 - own];
                lower[at] = less - less.abs() * SLACK;
                if upper[at] < lower[at].max(self.half) {
                    continue;
                }
            }
            self.points.working_row(self.isa, number as usize, row);
            let [left, right] = [0, 1].map(|half| squared_distance(row, &self.centers[half]));
            upper[at] = left.min(right).sqrt() * (1.0 + self.slack);
            lower[at] = left.max(right).sqrt() * (1.0 - self.slack);
            let label = u8::from(right < left);
            if label == before {
                continue;
            }
            labels[at] = label;
            gain.changed += 1;
            let sign = match (before, label) {
                (_, 1) => 1,
                (1, _) => -1,
                _ => continue,
            };
            gain.rows += sign;
            gain.sum.resize(row.len(), 0.0);
            let sums = &mut gain.sum;
            self.points
                .add_working_row(self.isa, number as usize, sign as f64, sums);
        }
        gain
    }
}
