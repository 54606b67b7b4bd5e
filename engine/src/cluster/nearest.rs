//! The nearest of a few centres for any rows, exactly: products propose, f32 distances decide.
//!
//! For methods whose centres move too much for bounds to be worth keeping from round to round. Ties go to the lower
//! centre, so the answer is the brute-force answer to the bit on every machine and for any number of threads.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::context::{Cancelled, Step};
use crate::linalg::{
    Block, Isa, LANES, Panels, bound, nearest, products, select_below, squared_distance,
};
use crate::neighbors::Points;

/// Rows whose products are made together.
const ROWS: usize = 64;

/// Centres in working units, packed.
#[derive(Debug)]
pub(super) struct Targets {
    rows: Vec<f32>,
    dims: usize,
    isa: Isa,
    panels: Panels,
    offsets: Vec<f32>,
    longest: f32,
}

/// A row's nearest centre.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Found {
    pub center: u32,
    /// The squared distance to it in working units.
    pub squared: f32,
}

impl Targets {
    /// Packs centres, `dims` coordinates each, at least one centre.
    pub fn new(isa: Isa, rows: Vec<f32>, dims: usize) -> Targets {
        let panels = Panels::pack(isa, &rows, dims);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        let longest = panels.norms().iter().copied().fold(0.0, f32::max);
        Targets {
            rows,
            dims,
            isa,
            panels,
            offsets,
            longest,
        }
    }

    /// The centres, row after row.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The nearest centre of each of `count` rows, of which `row_at` gives the numbers. `measured` is what
    /// [`Points::measure`] gives. Ticks once a row. O(count k d).
    pub fn nearest(
        &self,
        points: &Points<'_>,
        measured: &(Vec<f32>, f32),
        count: usize,
        row_at: impl Fn(usize) -> usize + Sync,
        step: &Step<'_>,
    ) -> Result<Vec<Found>, Cancelled> {
        let stride = self.offsets.len();
        let mut found = vec![Found::default(); count];
        found.par_chunks_mut(ROWS).enumerate().try_for_each_init(
            || (Block::new(self.isa), Vec::new(), vec![0.0; ROWS * stride]),
            |(block, staging, tile), (part, found)| {
                step.tick(found.len() as u64)?;
                let rows = (0..found.len()).map(|at| row_at(part * ROWS + at));
                points.block(rows.clone(), self.isa, block, staging);
                products(block, &self.panels, 0..self.panels.len(), tile, stride);
                for ((row, at), (staged, found)) in rows
                    .zip(0..)
                    .zip(staging.chunks_exact(self.dims).zip(found))
                {
                    let sums = &tile[at * stride..][..stride];
                    *found = self.decide(staged, sums, measured.0[row], measured.1);
                }
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// Decides among the centres that the bound cannot tell apart.
    fn decide(&self, row: &[f32], sums: &[f32], norm: f32, moved: f32) -> Found {
        let e = bound::relative(self.dims, moved, self.panels.moved());
        let off = (e * (norm + self.longest) + bound::floor(self.dims)) * 1.000_01;
        let first = nearest(self.isa, &self.offsets, sums);
        let mut best = self.exact(row, first.index);
        if first.second - first.value <= 2.0 * off {
            let mut close = Vec::new();
            let limit = first.value + 2.0 * off;
            select_below(self.isa, &self.offsets, sums, limit, 0, &mut close);
            for (_, center) in close {
                let other = self.exact(row, center);
                if (other.squared, other.center) < (best.squared, best.center) {
                    best = other;
                }
            }
        }
        best
    }

    fn exact(&self, row: &[f32], center: u32) -> Found {
        Found {
            center,
            squared: squared_distance(row, &self.rows[center as usize * self.dims..][..self.dims]),
        }
    }
}

/// Rows of `x` as a matrix of their own.
pub(super) fn gather(x: ArrayView2<'_, f32>, rows: &[u32]) -> Array2<f32> {
    let mut out = Array2::zeros((rows.len(), x.ncols()));
    if let Some(slice) = out.as_slice_mut()
        && x.ncols() > 0
    {
        slice
            .par_chunks_mut(ROWS * x.ncols())
            .zip(rows.par_chunks(ROWS))
            .for_each(|(out, rows)| {
                for (out, &row) in out.chunks_exact_mut(x.ncols()).zip(rows) {
                    for (out, value) in out.iter_mut().zip(x.row(row as usize)) {
                        *out = *value;
                    }
                }
            });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::linalg::isa;
    use crate::neighbors::Metric;
    use crate::neighbors::tests::cloud;

    #[test]
    fn the_nearest_is_that_of_brute_force_on_every_path() {
        for (n, d, k) in [(70, 1, 1), (300, 5, 40), (500, 130, 17)] {
            let x = cloud(n, d, 3);
            let points = Points::new(x.view(), Metric::Euclidean).unwrap();
            // Rows 0, 7, 14 repeat others: ties.
            let mut centers = vec![0.0; k * d];
            for (at, out) in centers.chunks_exact_mut(d).enumerate() {
                points.working_row(isa(), (at * 7) % n, out);
            }
            let context = Context::new(0);
            let step = context.step("assign", 0);
            let mut row = vec![0.0; d];
            let plain: Vec<Found> = (0..n)
                .map(|at| {
                    points.working_row(isa(), at, &mut row);
                    let mut best = Found {
                        center: 0,
                        squared: f32::INFINITY,
                    };
                    for (c, center) in centers.chunks_exact(d).enumerate() {
                        let squared = squared_distance(&row, center);
                        if squared < best.squared {
                            best = Found {
                                center: c as u32,
                                squared,
                            };
                        }
                    }
                    best
                })
                .collect();
            for isa in Isa::available() {
                let targets = Targets::new(isa, centers.clone(), d);
                let measured = points.measure(isa);
                let found = targets.nearest(&points, &measured, n, |at| at, &step);
                assert_eq!(found.unwrap(), plain, "{isa} {n} x {d}");
                let last = targets.nearest(&points, &measured, 3, |at| n - 1 - at, &step);
                assert_eq!(last.unwrap()[2], plain[n - 3]);
            }
        }
    }
}
