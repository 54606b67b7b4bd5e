//! Ward's distance from centres and sizes: what two clusters would add to the sum of squares if they were one.
//!
//! `2 s t / (s + t)` times the squared distance of the centres: no table of all pairs, so memory grows with the rows
//! and not with their square. Products propose the distances of centres, f32 decides. Centres are kept in f64 once
//! they are means, so that thousands of merges do not wear them down.

use rayon::prelude::*;

use super::few::{Few, Found, Nearest};
use super::rounds::Distances;
use crate::context::{Cancelled, Step};
use crate::linalg::{Block, Isa, LANES, Panels, bound, products, select_below, squared_distance};
use crate::neighbors::Points;

/// Columns of a tile.
const COLUMNS: usize = 256;
/// Rows of a tile at least and at most.
const ROWS: std::ops::RangeInclusive<usize> = 8..=64;
/// Up to this many searches are made without products: packing would cost more.
const DIRECT: usize = 2;
/// Clusters that one task of those looks at.
const TASK: usize = 512;
/// Covers the roundings of comparisons.
const SLACK: f32 = 1e-6;

/// Clusters by centre and size, in working units.
#[derive(Debug)]
pub(super) struct Centroids {
    isa: Isa,
    dims: usize,
    centers: Vec<f32>,
    /// The centres of merged clusters.
    means: Vec<Option<Box<[f64]>>>,
    sizes: Vec<u32>,
}

impl Centroids {
    /// A cluster of `sizes[slot]` equal rows for each of `rows`.
    pub fn new(isa: Isa, points: &Points<'_>, rows: &[u32], sizes: Vec<u32>) -> Centroids {
        let dims = points.dims();
        let mut centers = vec![0.0; rows.len() * dims];
        centers
            .par_chunks_exact_mut(dims)
            .zip(rows)
            .for_each(|(center, &row)| points.working_row(isa, row as usize, center));
        Centroids {
            isa,
            dims,
            centers,
            means: (0..rows.len()).map(|_| None).collect(),
            sizes,
        }
    }

    fn center(&self, slot: u32) -> &[f32] {
        &self.centers[slot as usize * self.dims..][..self.dims]
    }

    /// The factor on the squared distance of the centres of clusters of these sizes.
    fn factor(a: u32, b: u32) -> f32 {
        let (a, b) = (f64::from(a), f64::from(b));
        (2.0 * a * b / (a + b)) as f32
    }

    /// Looks at each of `others`.
    fn look(&self, few: &mut Few, slot: u32, others: &[u32]) {
        for &other in others.iter().filter(|&&other| other != slot) {
            few.offer(Nearest {
                distance: self.between(slot, other),
                slot: other,
            });
        }
    }
}

/// What was found for a cluster; it is alone where that is nothing.
fn found(few: &Few, slot: u32) -> Found {
    few.found().unwrap_or(Found {
        near: Nearest {
            distance: f32::INFINITY,
            slot,
        },
        few: Vec::new(),
        beyond: f32::INFINITY,
    })
}

impl Distances for Centroids {
    fn nearest(
        &mut self,
        live: &[u32],
        wanted: &[u32],
        hints: &[Vec<u32>],
        step: &Step<'_>,
    ) -> Result<Vec<Found>, Cancelled> {
        if wanted.len() <= DIRECT {
            return wanted
                .iter()
                .map(|&slot| {
                    step.tick(0)?;
                    let parts: Vec<Few> = live
                        .par_chunks(TASK)
                        .map(|part| {
                            let mut few = Few::new(slot);
                            self.look(&mut few, slot, part);
                            few
                        })
                        .collect();
                    let mut few = Few::new(slot);
                    parts
                        .iter()
                        .flat_map(Few::iter)
                        .for_each(|near| few.offer(near));
                    Ok(found(&few, slot))
                })
                .collect();
        }
        let search = Search::new(self, live);
        let rows = (wanted.len() / 16).clamp(*ROWS.start(), *ROWS.end());
        let found: Vec<Vec<Found>> = wanted
            .par_chunks(rows)
            .zip(hints.par_chunks(rows))
            .map_init(
                || Buffers {
                    block: Block::new(self.isa),
                    staging: Vec::new(),
                    tile: vec![0.0; rows * COLUMNS],
                    found: Vec::new(),
                },
                |buffers, (wanted, hints)| {
                    step.tick(0)?;
                    Ok(search.nearest(wanted, hints, buffers))
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(found.concat())
    }

    fn between(&self, a: u32, b: u32) -> f32 {
        Centroids::factor(self.sizes[a as usize], self.sizes[b as usize])
            * squared_distance(self.center(a), self.center(b))
    }

    fn beyond_both(&self, pair: (u32, u32), apart: f32, beyond: (f32, f32)) -> f32 {
        // Lance and Williams for a third cluster of c rows: ((s + c) x + (t + c) y - c apart) / (s + t + c), which is least
        // for one row or for very many.
        let (s, t) = (
            self.sizes[pair.0 as usize] as f32,
            self.sizes[pair.1 as usize] as f32,
        );
        let (x, y) = beyond;
        if x == f32::INFINITY || y == f32::INFINITY {
            // One of them has all clusters among its few, and so has the union.
            return f32::INFINITY;
        }
        let one = ((s + 1.0) * x + (t + 1.0) * y - apart) / (s + t + 1.0);
        one.min(x + y - apart) * (1.0 - 4.0 * SLACK)
    }

    fn merge(&mut self, a: u32, b: u32) {
        let (a, b) = (a as usize, b as usize);
        let share =
            f64::from(self.sizes[b]) / (f64::from(self.sizes[a]) + f64::from(self.sizes[b]));
        let widen = |slot: usize| -> Box<[f64]> {
            let center = &self.centers[slot * self.dims..][..self.dims];
            center.iter().map(|x| f64::from(*x)).collect()
        };
        let mut mean = self.means[a].take().unwrap_or_else(|| widen(a));
        let other = self.means[b].take().unwrap_or_else(|| widen(b));
        let center = &mut self.centers[a * self.dims..][..self.dims];
        for ((mean, other), center) in mean.iter_mut().zip(&other).zip(center) {
            *mean += (other - *mean) * share;
            *center = *mean as f32;
        }
        self.means[a] = Some(mean);
        self.sizes[a] += self.sizes[b];
    }
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    found: Vec<(f32, u32)>,
}

/// The live clusters packed for products, small ones first: then the factors in a tile differ little, and the least of
/// them makes one threshold a row good enough.
struct Search<'a> {
    all: &'a Centroids,
    order: Vec<u32>,
    panels: Panels,
    /// `(1 - e) norm` of each place, infinite for padding.
    offsets: Vec<f32>,
    /// The offset of each live slot.
    offset_of: Vec<f32>,
}

impl<'a> Search<'a> {
    fn new(all: &'a Centroids, live: &[u32]) -> Search<'a> {
        let mut order = live.to_vec();
        order.sort_unstable_by_key(|&slot| (all.sizes[slot as usize], slot));
        let panels = Panels::pack_with(all.isa, order.len(), all.dims, |first, out| {
            for (at, out) in out.chunks_exact_mut(all.dims).enumerate() {
                out.copy_from_slice(all.center(order[first + at]));
            }
        });
        let e = bound::relative(all.dims, panels.moved(), panels.moved());
        let mut offsets: Vec<f32> = panels.norms().iter().map(|norm| (1.0 - e) * norm).collect();
        let mut offset_of = vec![0.0; all.sizes.len()];
        for (&slot, &offset) in order.iter().zip(&offsets) {
            offset_of[slot as usize] = offset;
        }
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Search {
            all,
            order,
            panels,
            offsets,
            offset_of,
        }
    }

    fn nearest(&self, wanted: &[u32], hints: &[Vec<u32>], buffers: &mut Buffers) -> Vec<Found> {
        let Buffers {
            block,
            staging,
            tile,
            found: passed,
        } = buffers;
        let all = self.all;
        staging.clear();
        for &slot in wanted {
            staging.extend_from_slice(all.center(slot));
        }
        block.fill(staging, all.dims);
        let mut best: Vec<Few> = wanted
            .iter()
            .zip(hints)
            .map(|(&slot, hints)| {
                let mut few = Few::new(slot);
                all.look(&mut few, slot, hints);
                few
            })
            .collect();
        let floor = bound::floor(all.dims);
        for first in (0..self.order.len()).step_by(COLUMNS) {
            let padded = first..(first + COLUMNS).min(self.offsets.len());
            let panels = padded.start / LANES..padded.end / LANES;
            products(block, &self.panels, panels, tile, COLUMNS);
            let smallest = all.sizes[self.order[first] as usize];
            for ((&slot, best), sums) in wanted.iter().zip(&mut best).zip(tile.chunks(COLUMNS)) {
                let size = all.sizes[slot as usize];
                let offset = self.offset_of[slot as usize];
                let widest = best.reach() / Centroids::factor(size, smallest);
                let threshold = widest * (1.0 + SLACK) + floor - offset;
                // What the difference was rounded by.
                let threshold = threshold + (widest.min(f32::MAX) + offset) * SLACK;
                passed.clear();
                select_below(
                    all.isa,
                    &self.offsets[padded.clone()],
                    &sums[..padded.len()],
                    threshold.min(f32::MAX),
                    first as u32,
                    passed,
                );
                for &(value, column) in passed.iter() {
                    let other = self.order[column as usize];
                    let factor = Centroids::factor(size, all.sizes[other as usize]);
                    let lower = (value + offset) * factor;
                    if other == slot
                        || lower - (lower.abs() + factor * offset) * SLACK - factor * floor
                            > best.reach()
                    {
                        continue;
                    }
                    best.offer(Nearest {
                        distance: all.between(slot, other),
                        slot: other,
                    });
                }
            }
        }
        let each = wanted.iter().zip(&best);
        each.map(|(&slot, few)| found(few, slot)).collect()
    }
}
