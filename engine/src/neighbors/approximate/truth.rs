//! The true neighbours of a sample of rows: what says how far to search, and afterwards how well it went.

use rayon::prelude::*;

use super::Recall;
use super::cells::{Cells, MOST_LISTED};
use super::packed::Packed;
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, LANES, products, select_below};
use crate::neighbors::Neighbors;
use crate::neighbors::shortlist::Shortlists;

/// Rows of one task.
const ROWS: usize = 16;
/// Columns multiplied at once.
const COLUMNS: usize = 256;
/// Lengths of lists that are tried.
const WIDTHS: [usize; 12] = [2, 3, 4, 6, 8, 11, 16, 22, 32, 45, 54, MOST_LISTED];
/// An exact distance takes as long as so many products of eight-bit integers, or as many more of wider numbers take longer.
const EXACT: usize = 40;

/// A row of the sample.
#[derive(Debug)]
struct Known {
    /// The row, and where it is in the order of the cells.
    row: u32,
    place: u32,
    /// The places of its nearest rows, ties by row.
    near: Vec<u32>,
    /// The squared distance of the last of them.
    reach: f32,
}

/// The sample.
#[derive(Debug)]
pub(super) struct Truth {
    known: Vec<Known>,
    /// Exact distances that a row took beyond its `k` neighbours.
    undecided: usize,
}

/// How far a row looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reach {
    /// At most so many cells of its list.
    pub width: usize,
    /// None that is so much further than the first.
    pub gap: f32,
    /// The share of the sample's neighbours that are met.
    pub share: f64,
    /// The pairs that a row's cells make with it.
    pub met: usize,
}

impl Truth {
    /// Finds the `k` nearest of `sample` rows. O(sample n d).
    pub fn new(
        packed: &Packed<'_>,
        k: usize,
        sample: usize,
        context: &Context,
    ) -> Result<Truth, Cancelled> {
        let (isa, ends) = (packed.isa(), packed.ends());
        let n = ends.order.len();
        let mut places: Vec<u32> = (0..n as u32).collect();
        places.sort_unstable_by_key(|&place| ends.order[place as usize]);
        // Evenly spaced rows, not places: cells are no part of it.
        let chosen: Vec<u32> = (0..sample).map(|i| places[i * n / sample]).collect();
        let step = context.step("sample neighbours", sample as u64);
        let known = chosen.par_chunks(ROWS).map(|chosen| {
            step.tick(chosen.len() as u64)?;
            let mut block = Block::new(isa);
            packed.fill(chosen, &mut block, &mut Vec::new());
            let one = |&place: &u32| Shortlists::new(k, place as usize, vec![f32::MAX]);
            let mut lists: Vec<Shortlists> = chosen.iter().map(one).collect();
            let mut tile = vec![0.0; ROWS * COLUMNS];
            let mut found = Vec::new();
            for first in (0..n).step_by(COLUMNS) {
                let columns = first..(first + COLUMNS).min(n).next_multiple_of(LANES);
                let lows = packed.lows(columns.clone());
                let panels = columns.start / LANES..columns.end / LANES;
                products(&block, &packed.tiles.panels, panels, &mut tile, COLUMNS);
                let rows = chosen.iter().zip(&mut lists).zip(tile.chunks(COLUMNS));
                for ((&place, list), sums) in rows {
                    found.clear();
                    let limit = list.limits[0] - ends.low[place as usize];
                    let sums = &sums[..lows.len()];
                    select_below(isa, lows, sums, limit, first as u32, &mut found);
                    for &(value, other) in found.iter().filter(|other| other.1 != place) {
                        list.push(0, value, other, ends);
                    }
                }
            }
            let known = chosen.iter().zip(&mut lists).map(|(&place, list)| {
                let near = list.nearest(0, ends);
                let known = Known {
                    row: ends.order[place as usize],
                    place,
                    reach: near.last().map_or(0.0, |last| last.0),
                    near: near.iter().map(|&(_, row)| row).collect(),
                };
                (known, list.decided().saturating_sub(k))
            });
            Ok(known.collect())
        });
        let known: Vec<Vec<(Known, usize)>> = known.collect::<Result<_, Cancelled>>()?;
        let (mut known, undecided): (Vec<Known>, Vec<usize>) = known.into_iter().flatten().unzip();
        for near in known.iter_mut().flat_map(|known| &mut known.near) {
            // Rows are found by their numbers; only those that are kept have a place.
            let at = places.partition_point(|&place| ends.order[place as usize] < *near);
            *near = places[at];
        }
        Ok(Truth {
            known,
            undecided: undecided.into_iter().sum::<usize>() / sample.max(1),
        })
    }

    /// Whether products of these coarse numbers of so many pairs a row leave so little to decide that they pay.
    pub fn is_coarse_enough(&self, met: usize) -> bool {
        self.undecided * EXACT <= met
    }

    /// The least that rows must be compared with to reach this share of the true neighbours of one half of the sample. All
    /// that rows list, if that is not enough.
    pub fn reach_for(&self, cells: &Cells, wanted: f64) -> Reach {
        let mut homes = vec![0; cells.order.len()];
        for cell in 0..cells.len() {
            homes[cells.starts[cell]..cells.starts[cell + 1]].fill(cell as u32);
        }
        let chosen = || self.known.iter().step_by(2);
        // Where either row of a pair lists the other's cell: the rank and the gap.
        let mut pairs: Vec<[(usize, f32); 2]> = Vec::new();
        for known in chosen() {
            let spot = |place: u32, other: u32| {
                let list = cells.list(place as usize);
                let home = homes[other as usize];
                let at = list.iter().position(|&cell| cell == home);
                at.map_or((usize::MAX, f32::INFINITY), |at| {
                    let gap = cells.gaps(place as usize)[at];
                    // Cells that are no further than the first are listed whatever the width.
                    (if gap > 0.0 { at } else { 0 }, gap)
                })
            };
            let near = known.near.iter();
            pairs.extend(near.map(|&other| [spot(known.place, other), spot(other, known.place)]));
        }
        let rank = ((wanted * pairs.len() as f64).ceil() as usize).saturating_sub(1);
        let met_within = |width: usize, gap: f32| {
            let met: usize = chosen()
                .map(|known| {
                    let place = known.place as usize;
                    let listed = cells.list(place).iter().zip(cells.gaps(place));
                    let within =
                        |at: usize, other: f32| other <= 0.0 || (at < width && other <= gap);
                    let listed = listed
                        .enumerate()
                        .filter(|(at, (_, other))| within(*at, **other));
                    listed
                        .map(|(_, (&cell, _))| cells.size(cell))
                        .sum::<usize>()
                })
                .sum();
            met / chosen().count().max(1)
        };
        let reach_of = |width: usize| {
            let within = |spots: &[(usize, f32); 2]| {
                let near = spots.iter().filter(|spot| spot.0 < width);
                near.map(|spot| spot.1).fold(f32::INFINITY, f32::min)
            };
            let mut gaps: Vec<f32> = pairs.iter().map(within).collect();
            gaps.sort_unstable_by(f32::total_cmp);
            let gap = gaps.get(rank).map_or(f32::INFINITY, |gap| *gap);
            let found = gaps.partition_point(|other| *other <= gap && other.is_finite());
            Reach {
                width,
                gap,
                share: found as f64 / pairs.len().max(1) as f64,
                met: met_within(width, gap),
            }
        };
        let all = reach_of(MOST_LISTED);
        let tried = WIDTHS.into_iter().map(reach_of);
        let enough = tried.filter(|reach| reach.gap.is_finite());
        enough.min_by_key(|reach| reach.met).unwrap_or(all)
    }

    /// The share of the true neighbours of the other half that was found; what is as near as the last of them counts.
    pub fn recall(&self, found: &Neighbors) -> Recall {
        let (mut hits, mut pairs) = (0, 0);
        let judged = || self.known.iter().skip(1).step_by(2);
        for known in judged() {
            let distances = found.distances.row(known.row as usize);
            hits += distances.iter().filter(|&&d| d <= known.reach).count();
            pairs += known.near.len();
        }
        Recall {
            value: hits as f64 / pairs.max(1) as f64,
            rows: judged().count(),
        }
    }
}
