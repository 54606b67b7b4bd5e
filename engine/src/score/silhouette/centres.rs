//! Mean cosine distances from centres: no pairs at all.
//!
//! A cosine distance is half a squared distance of rows of length 1, and the mean squared distance from a row to the rows of
//! a cluster is its squared distance to their centre plus their mean square about it. Products tell which centres may
//! give the least mean; those few, and the row's own, are computed in f64.

use rayon::prelude::*;

use super::{Groups, Means};
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, LANES, Panels, bound, isa, products};
use crate::neighbors::Points;

/// Rows of a block of products.
const ROWS: usize = 64;

/// A cluster: the centre of its rows, and their mean square about it, as distances are decided.
struct Centre {
    at: Vec<f64>,
    square: f64,
}

impl Centre {
    fn of(points: &Points<'_>, rows: &[usize]) -> Centre {
        let mut at = vec![0.0; points.dims()];
        for &row in rows {
            for (sum, &x) in at.iter_mut().zip(points.row(row)) {
                *sum += f64::from(x);
            }
        }
        at.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
        let mut centre = Centre { at, square: 0.0 };
        let squares: f64 = rows
            .iter()
            .map(|&row| centre.squared(points.row(row)))
            .sum();
        centre.square = squares / rows.len() as f64;
        centre
    }

    fn squared(&self, row: &[f32]) -> f64 {
        const LANES: usize = 8;
        let mut sums = [0.0; LANES];
        for (row, at) in row.chunks(LANES).zip(self.at.chunks(LANES)) {
            for (sum, (&x, &c)) in sums.iter_mut().zip(row.iter().zip(at)) {
                *sum += (f64::from(x) - c) * (f64::from(x) - c);
            }
        }
        sums.iter().sum()
    }
}

/// The means of the rows at some places of the order of the groups, under cosine distances. O(m clusters d).
pub(super) fn means(
    points: &Points<'_>,
    groups: &Groups,
    places: &[usize],
    context: &Context,
) -> Result<Vec<Means>, Cancelled> {
    let (isa, dims, count) = (isa().for_dims(1), points.dims(), groups.len());
    let step = context.step("silhouette", places.len() as u64);
    let centres: Vec<Centre> = (0..count)
        .into_par_iter()
        .map(|cluster| {
            step.tick(0)?;
            Ok(Centre::of(points, groups.members(cluster)))
        })
        .collect::<Result<_, Cancelled>>()?;
    // In working units: what one product proposes.
    let panels = Panels::pack_with(isa, count, dims, |first, out| {
        for (cluster, out) in (first..).zip(out.chunks_exact_mut(dims)) {
            let mut sums = vec![0.0; dims];
            let rows = groups.members(cluster);
            for &row in rows {
                points.add_working_row(isa, row, 1.0, &mut sums);
            }
            for (to, sum) in out.iter_mut().zip(&sums) {
                *to = (sum / rows.len() as f64) as f32;
            }
        }
    });
    let scale = points.squared_scale();
    let (share, floor) = (
        f64::from(bound::relative(dims, 0.0, 0.0)),
        f64::from(bound::floor(dims)),
    );
    let stride = panels.len() * LANES;
    let means: Vec<Vec<Means>> = places
        .par_chunks(ROWS)
        .map_init(
            || (Block::new(isa), Vec::new(), vec![0.0_f32; ROWS * stride]),
            |(left, staging, tile), places| {
                step.tick(places.len() as u64)?;
                let numbers = places.iter().map(|&at| groups.rows[at]);
                points.block(numbers, isa, left, staging);
                products(left, &panels, 0..panels.len(), tile, stride);
                let rows = staging.chunks_exact(dims).zip(tile.chunks_exact(stride));
                let each = places.iter().zip(rows).map(|(&at, (working, products))| {
                    let norm = crate::linalg::sum_of_squares(isa, working);
                    let own = groups.cluster(at);
                    // The least and the most that a mean square may be.
                    let between = |cluster: usize| {
                        let size = norm + f64::from(panels.norms()[cluster]);
                        let off = share * size + floor;
                        let square = size - 2.0 * f64::from(products[cluster]);
                        let mean = square + centres[cluster].square * scale;
                        (mean - off, mean + off)
                    };
                    let others = || (0..count).filter(|&cluster| cluster != own);
                    let most = others()
                        .map(|cluster| between(cluster).1)
                        .fold(f64::INFINITY, f64::min);
                    let row = points.row(groups.rows[at]);
                    let exact =
                        |cluster: usize| centres[cluster].squared(row) + centres[cluster].square;
                    let outside = others()
                        .filter(|&cluster| between(cluster).0 <= most)
                        .map(exact)
                        .fold(f64::INFINITY, f64::min);
                    let size = groups.size(own) as f64;
                    let inside = if size < 2.0 {
                        f64::NAN
                    } else {
                        exact(own) * size / (size - 1.0)
                    };
                    Means {
                        inside: inside / 2.0,
                        outside: outside / 2.0,
                    }
                });
                Ok(each.collect())
            },
        )
        .collect::<Result<_, Cancelled>>()?;
    Ok(means.into_iter().flatten().collect())
}
