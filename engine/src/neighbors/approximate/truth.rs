//! The true neighbours of a sample of rows: what says how far to search, and afterwards how well it went.

use rayon::prelude::*;

use super::Recall;
use super::cells::Cells;
use super::packed::Packed;
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, LANES, products, select_below};
use crate::neighbors::Neighbors;
use crate::neighbors::candidates::Candidates;

/// Rows of one task.
const ROWS: usize = 16;
/// Columns multiplied at once.
const COLUMNS: usize = 256;

/// A row of the sample.
#[derive(Debug)]
struct Known {
    row: u32,
    /// Its nearest rows, ties by index.
    near: Vec<u32>,
    /// The squared distance of the last of them.
    reach: f32,
}

/// The sample.
#[derive(Debug)]
pub(super) struct Truth {
    known: Vec<Known>,
    /// Where each row is in the order of the cells.
    places: Vec<u32>,
}

impl Truth {
    /// Finds the `k` nearest of `sample` rows, evenly spaced. O(sample n d).
    pub fn new(
        packed: &Packed<'_>,
        cells: &Cells,
        k: usize,
        sample: usize,
        context: &Context,
    ) -> Result<Truth, Cancelled> {
        let (isa, points) = (packed.isa, packed.points);
        let n = points.len();
        let mut places = vec![0; n];
        for (place, &row) in cells.order.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        let rows: Vec<u32> = (0..sample).map(|i| (i * n / sample) as u32).collect();
        let step = context.step("sample neighbours", sample as u64);
        let known: Vec<Vec<Known>> = rows
            .par_chunks(ROWS)
            .map(|rows| {
                step.tick(rows.len() as u64)?;
                let mut block = Block::new(isa);
                let mut staging = Vec::new();
                points.block(
                    rows.iter().map(|&row| row as usize),
                    isa,
                    &mut block,
                    &mut staging,
                );
                let margins = rows.iter().map(|&row| packed.margin(places[row as usize]));
                let mut candidates = Candidates::new(k, margins);
                let mut tile = vec![0.0; ROWS * COLUMNS];
                let mut found = Vec::new();
                for (strip, offsets) in packed.offsets.chunks(COLUMNS).enumerate() {
                    let first = strip * COLUMNS;
                    let range = first / LANES..(first + offsets.len()) / LANES;
                    products(&block, &packed.panels, range, &mut tile, COLUMNS);
                    for (at, &row) in rows.iter().enumerate() {
                        let sums = &tile[at * COLUMNS..][..offsets.len()];
                        found.clear();
                        let threshold = candidates.thresholds[at];
                        select_below(isa, offsets, sums, threshold, first as u32, &mut found);
                        found.retain(|&(_, column)| column != places[row as usize]);
                        candidates.add(at, &found);
                    }
                }
                let known = rows.iter().enumerate().map(|(at, &row)| {
                    let mut ranked: Vec<(f32, u32)> = candidates
                        .thin(at)
                        .iter()
                        .map(|&(_, other)| {
                            let other = cells.order[other as usize];
                            (points.squared(row as usize, other as usize), other)
                        })
                        .collect();
                    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    ranked.truncate(k);
                    Known {
                        row,
                        reach: ranked.last().map_or(0.0, |last| last.0),
                        near: ranked.into_iter().map(|(_, other)| other).collect(),
                    }
                });
                Ok(known.collect())
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(Truth {
            known: known.into_iter().flatten().collect(),
            places,
        })
    }

    /// The least number of cells a row must be compared with to reach this share of the true neighbours of one half of
    /// the sample, and the share reached. All that rows list, if that is not enough.
    pub fn cells_needed(&self, cells: &Cells, wanted: f64) -> (usize, f64) {
        // How many pairs are met first when the lists are that long, as either end lists the other's cell.
        let mut met = vec![0_usize; cells.width + 1];
        let mut pairs = 0;
        for known in self.known.iter().step_by(2) {
            let place = self.places[known.row as usize] as usize;
            for &other in &known.near {
                let other = self.places[other as usize] as usize;
                let rank = rank(cells, place, other).min(rank(cells, other, place));
                met[rank.min(cells.width)] += 1;
                pairs += 1;
            }
        }
        let mut sum = 0;
        for (rank, count) in met[..cells.width].iter().enumerate() {
            sum += count;
            if sum as f64 >= wanted * f64::from(pairs) {
                return (rank + 1, sum as f64 / f64::from(pairs));
            }
        }
        (cells.width, sum as f64 / f64::from(pairs.max(1)))
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

/// Where the cell of the row at `other` stands in the list of the row at `place`.
fn rank(cells: &Cells, place: usize, other: usize) -> usize {
    let home = cells.list(other)[0];
    let list = cells.list(place);
    list.iter()
        .position(|&cell| cell == home)
        .unwrap_or(usize::MAX)
}
