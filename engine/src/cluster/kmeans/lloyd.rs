//! Lloyd's rounds, ended as scikit-learn ends them.
//!
//! A round assigns, then moves the centres to the means. The rounds end when no label changes, when all centres
//! together move by no more than `tol`, or after `max_iter`; unless no label changed, a last assignment makes the
//! labels fit the centres returned. A cluster that lost all its rows takes the row farthest from its centre.

use rayon::prelude::*;

use super::assign::{Known, NONE};
use super::centers::{Centers, Moves, Order};
use super::means::{Entry, Sums};
use super::rows::Rows;
use crate::context::{Cancelled, Context};
use crate::linalg::squared_distance;

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
    /// The squared distance of each row to its centre.
    pub squared: Vec<f32>,
    pub inertia: f64,
    pub iterations: usize,
}

/// Runs the rounds.
pub(super) fn rounds(
    rows: &Rows<'_>,
    start: Start,
    max_iter: usize,
    tol: f64,
    context: &Context,
) -> Result<Outcome, Cancelled> {
    let (n, dims, isa) = (rows.len(), rows.dims(), rows.isa);
    let k = start.centers.len() / dims;
    let step = context.step("assign", n as u64 * (max_iter as u64 + 1));
    let mut order = Order::near(&start.centers, dims, n);
    let mut centers = Centers::new(isa, start.centers, dims, &order, rows.usual);
    let mut known = match start.nearest {
        Some((labels, squared)) => Known::nearest(labels, &squared, dims, &order),
        // One centre is the nearest of all rows.
        None if k == 1 => Known::nearest(vec![0; n], &vec![0.0; n], dims, &order),
        None => Known::new(n, &order),
    };
    let is_known = k == 1 || known.labels.first().is_some_and(|label| *label != NONE);
    let mut sums = Sums::new(isa, k, dims);
    let mut moves = None;
    let mut iterations = 0;
    let mut settled = false;
    while iterations < max_iter && !settled {
        iterations += 1;
        if iterations == 1 && is_known {
            sums.restart(rows.points, &known.labels);
        } else {
            let changed = known.update(rows, &centers, &order, moves.as_ref(), &step)?;
            if changed.len() > n / 3 {
                sums.restart(rows.points, &known.labels);
            } else {
                sums.follow(rows.points, &changed, &known.labels);
            }
            settled = changed.is_empty();
        }
        let next = match fill_empty(rows, &centers, &known.labels, &sums) {
            Some(filled) => filled.means(),
            None => sums.means(),
        };
        let moved: f64 = squared_moves(&centers.rows, &next, dims);
        if iterations == 1 {
            // No bound outlives the first move, so nothing is lost by an order that fits better.
            order = Order::near(&next, dims, n);
            known.regroup(&order);
        }
        moves = Some(Moves::new(&centers.rows, &next, dims, &order));
        centers = Centers::new(isa, next, dims, &order, rows.usual);
        if !settled && moved <= tol {
            break;
        }
    }
    if !settled {
        known.update(rows, &centers, &order, moves.as_ref(), &step)?;
    }
    let squared = distances(rows, &centers, &known.labels);
    let inertia = squared
        .chunks(ROWS)
        .map(|part| part.iter().map(|d| f64::from(*d)).sum::<f64>())
        .sum();
    Ok(Outcome {
        labels: known.labels,
        centers: centers.rows,
        squared,
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
fn distances(rows: &Rows<'_>, centers: &Centers, labels: &[u32]) -> Vec<f32> {
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
                    *distance = squared_distance(row, centers.row(label, dims));
                }
            },
        );
    distances
}

/// Where clusters are empty, the sums with each given the farthest row that is left, the lower row of equals. The labels
/// stay: the next assignment finds the new centres.
fn fill_empty(rows: &Rows<'_>, centers: &Centers, labels: &[u32], sums: &Sums) -> Option<Sums> {
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
