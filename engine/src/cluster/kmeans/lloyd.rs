//! Lloyd's rounds, ended as scikit-learn ends them.
//!
//! A round assigns, then moves the centres to the means. The rounds end when no label changes, when all centres
//! together move by no more than `tol`, or after `max_iter`; unless no label changed, a last assignment makes the
//! labels fit the centres returned. A cluster that lost all its rows takes the row farthest from its centre.

use rayon::prelude::*;

use super::abreast::Abreast;
use super::grouped::Grouped;
use super::means::{Entry, Sums};
use super::rows::Rows;
use crate::context::{Cancelled, Context, Step};
use crate::linalg::{Isa, squared_distance};

/// Rows whose distances are added before the sums are added.
const ROWS: usize = 1024;

/// Where the rounds begin, in working units.
#[derive(Debug)]
pub(super) struct Start {
    /// Centres, row after row.
    pub centers: Vec<f32>,
    /// The nearest of them for each row, the lower of equals, and its squared distance, where that is known.
    pub nearest: Option<(Vec<u32>, Vec<f32>)>,
}

/// Where the rounds ended, in working units.
#[derive(Debug)]
pub(super) struct Outcome {
    pub labels: Vec<u32>,
    pub centers: Vec<f32>,
    pub inertia: f64,
    pub iterations: usize,
}

/// How rows find their nearest centres, round after round.
pub(super) trait Assign {
    /// The centre of each row as far as it is known.
    fn labels(&self) -> &[u32];
    /// The centres, row after row.
    fn centers(&self) -> &[f32];
    /// Brings labels up to date with the centres. Returns the rows that changed and the cluster they left, in row order.
    fn update(&mut self, step: &Step<'_>) -> Result<Vec<(u32, u32)>, Cancelled>;
    /// Moves the centres.
    fn follow(&mut self, next: Vec<f32>);
    /// The labels and the centres.
    fn end(self) -> (Vec<u32>, Vec<f32>);
}

/// Runs the rounds.
pub(super) fn rounds(
    rows: &Rows<'_>,
    mut start: Start,
    max_iter: usize,
    tol: f64,
    context: &Context,
) -> Result<Outcome, Cancelled> {
    let n = rows.len();
    let step = context.step("assign", n as u64 * (max_iter as u64 + 1));
    if start.centers.len() == rows.dims() {
        // One centre is the nearest of all rows.
        start.nearest = Some((vec![0; n], vec![0.0; n]));
    }
    let is_known = start.nearest.is_some();
    if few(rows.isa, rows.dims(), start.centers.len() / rows.dims()) {
        let assign = Abreast::new(rows, start);
        rounds_with(rows, assign, is_known, (max_iter, tol), &step)
    } else {
        let assign = Grouped::new(rows, start);
        rounds_with(rows, assign, is_known, (max_iter, tol), &step)
    }
}

/// Whether rows abreast are faster than bounds for groups: measured, with and without wide registers.
pub(super) fn few(isa: Isa, dims: usize, k: usize) -> bool {
    let most = if isa == Isa::PORTABLE { 8192 } else { 16_384 };
    dims <= 64 && dims * k <= most
}

fn rounds_with(
    rows: &Rows<'_>,
    mut assign: impl Assign,
    is_known: bool,
    (max_iter, tol): (usize, f64),
    step: &Step<'_>,
) -> Result<Outcome, Cancelled> {
    let (n, dims) = (rows.len(), rows.dims());
    let mut sums = Sums::new(rows.isa, assign.centers().len() / dims, dims);
    let mut iterations = 0;
    let mut settled = false;
    while iterations < max_iter && !settled {
        iterations += 1;
        if iterations == 1 && is_known {
            sums.restart(rows.points, assign.labels());
        } else {
            let changed = assign.update(step)?;
            if changed.len() > n / 3 {
                sums.restart(rows.points, assign.labels());
            } else {
                sums.follow(rows.points, &changed, assign.labels());
            }
            settled = changed.is_empty();
        }
        let next = match fill_empty(rows, assign.centers(), assign.labels(), &sums) {
            Some(filled) => filled.means(),
            None => sums.means(),
        };
        let moved: f64 = squared_moves(assign.centers(), &next, dims);
        assign.follow(next);
        if !settled && moved <= tol {
            break;
        }
    }
    if !settled {
        assign.update(step)?;
    }
    let (labels, centers) = assign.end();
    let squared = distances(rows, &centers, &labels);
    let inertia = squared
        .chunks(ROWS)
        .map(|part| part.iter().map(|d| f64::from(*d)).sum::<f64>())
        .sum();
    Ok(Outcome {
        labels,
        centers,
        inertia,
        iterations,
    })
}

fn squared_moves(from: &[f32], to: &[f32], dims: usize) -> f64 {
    from.chunks_exact(dims)
        .zip(to.chunks_exact(dims))
        .map(|(a, b)| f64::from(squared_distance(a, b)))
        .sum()
}

/// The squared distance of each row to its centre, exact f32.
fn distances(rows: &Rows<'_>, centers: &[f32], labels: &[u32]) -> Vec<f32> {
    let dims = rows.dims();
    let mut distances = vec![0.0; labels.len()];
    distances
        .par_chunks_mut(ROWS)
        .zip(labels.par_chunks(ROWS))
        .enumerate()
        .for_each_init(
            || vec![0.0; dims],
            |row, (part, (distances, labels))| {
                for (at, (distance, &label)) in distances.iter_mut().zip(labels).enumerate() {
                    rows.row(part * ROWS + at, row);
                    *distance = squared_distance(row, &centers[label as usize * dims..][..dims]);
                }
            },
        );
    distances
}

/// Where clusters are empty, the sums with each given the farthest row that is left, the lower row of equals. The labels
/// stay: the next assignment finds the new centres.
fn fill_empty(rows: &Rows<'_>, centers: &[f32], labels: &[u32], sums: &Sums) -> Option<Sums> {
    let empty: Vec<u32> = (0..sums.sizes.len())
        .filter(|&c| sums.sizes[c] == 0)
        .map(|c| c as u32)
        .collect();
    if empty.is_empty() {
        return None;
    }
    let distances = distances(rows, centers, labels);
    let mut far: Vec<u32> = (0..labels.len() as u32).collect();
    far.sort_unstable_by(|&a, &b| {
        distances[b as usize]
            .total_cmp(&distances[a as usize])
            .then(a.cmp(&b))
    });
    // All rows sit on their centres: there are fewer different rows than clusters.
    if far
        .first()
        .is_none_or(|&row| distances[row as usize] == 0.0)
    {
        return None;
    }
    let mut filled = sums.clone();
    let mut taken: Vec<Entry> = empty
        .iter()
        .zip(&far)
        .flat_map(|(&cluster, &row)| {
            [
                Entry {
                    cluster: labels[row as usize],
                    row,
                    sign: -1,
                },
                Entry {
                    cluster,
                    row,
                    sign: 1,
                },
            ]
        })
        .collect();
    taken.sort_by_key(|entry| entry.row);
    filled.apply(rows.points, taken);
    Some(filled)
}
