//! All pairs of some thousand rows, written down: a lower end of every squared distance as a code of sixteen bits.
//!
//! Shortlists that grow while products come in take longer than the products where rows are few: most of what is
//! proposed early is pushed out again. Here every pair is multiplied once and its code kept; then a row's codes are
//! counted and the few that may be among the nearest are decided. Whoever asks for other pairs of the same rows
//! later reads the codes instead of multiplying again. The price is two bytes a pair, which is why there are no more than
//! [`MOST_ROWS`].

mod nearest;

use std::borrow::Cow;

use rayon::prelude::*;

use super::Points;
use super::proposals::{Ends, Proposals};
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, Coding, Isa, LANES, NO_PAIR, Rows, SIDE, products, zeroed};

/// More rows make no table: this many take 68 MB.
pub(super) const MOST_ROWS: usize = 8_192;
/// Columns that are multiplied at a time.
const COLUMNS: usize = 4 * SIDE;
/// Codes in a square of [`SIDE`] rows and columns.
const SQUARE: usize = SIDE * SIDE;

/// The codes of all pairs of some rows, which are counted by places in an order.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    isa: Isa,
    /// The ends of the pairs' distances, and the rows at the places.
    pub ends: Ends<'a>,
    coding: Coding,
    /// Blocks of [`SIDE`] rows.
    blocks: usize,
    /// For each block its rows, one after the other, each with its codes from the block's first place on.
    codes: Vec<u16>,
}

/// Where the codes of a block begin.
fn start(blocks: usize, block: usize) -> usize {
    // So many squares the blocks before it have.
    block * (2 * blocks - block + 1) / 2 * SQUARE
}

impl<'a> Table<'a> {
    /// Multiplies all pairs of the rows of an order. O(n² d / 2) products, n² bytes.
    pub fn new(
        isa: Isa,
        points: &'a Points<'a>,
        order: impl Into<Cow<'a, [u32]>>,
        context: &Context,
    ) -> Result<Table<'a>, Cancelled> {
        let order = order.into();
        let n = order.len();
        let rows = isa.is_int8().then(|| {
            Rows::pack_with(isa, n, points.dims(), |place, out| {
                points.working_row(isa, order[place] as usize, out);
            })
        });
        let tiles = match &rows {
            Some(rows) => Proposals::of_rows(isa, points, order, rows),
            None => Proposals::whole(isa, points, order),
        };
        let blocks = n.div_ceil(SIDE);
        let mut lows = tiles.ends.low.clone();
        lows.resize(blocks * SIDE, f32::INFINITY);
        let longest = lows[..n]
            .iter()
            .zip(&tiles.ends.share)
            .map(|(low, share)| low + share)
            .fold(0.0, f32::max);
        // Nothing is farther apart than twice the length of the longest, but for what is not sure.
        let coding = Coding::up_to(4.1 * longest);
        let mut codes = zeroed(start(blocks, blocks));
        let mut rest = codes.as_mut_slice();
        let parts: Vec<&mut [u16]> = (0..blocks)
            .map(|block| {
                let len = (blocks - block) * SQUARE;
                let (own, others) = std::mem::take(&mut rest).split_at_mut(len);
                rest = others;
                own
            })
            .collect();
        let step = context.step("find neighbours", blocks as u64);
        parts
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .try_for_each_init(
                || (Block::new(isa), Vec::new(), vec![0.0_f32; SIDE * COLUMNS]),
                |(left, staging, tile), (block, part)| {
                    step.tick(1)?;
                    let places = block * SIDE..((block + 1) * SIDE).min(n);
                    match &rows {
                        Some(rows) => {
                            let places: Vec<u32> =
                                places.clone().map(|place| place as u32).collect();
                            rows.fill(&places, left);
                        }
                        None => tiles.block(places.clone(), left, staging),
                    }
                    for first in (places.start..n).step_by(COLUMNS) {
                        step.tick(0)?;
                        let end = (first + COLUMNS).min(n).div_ceil(LANES);
                        products(left, &tiles.panels, first / LANES..end, tile, COLUMNS);
                        // Lanes that were not multiplied are of no row: their offsets are infinite.
                        let behind = first..(first + COLUMNS).min(blocks * SIDE);
                        let lines = part.chunks_exact_mut((blocks - block) * SIDE);
                        for ((place, out), sums) in
                            places.clone().zip(lines).zip(tile.chunks_exact(COLUMNS))
                        {
                            let out = &mut out[first - places.start..][..behind.len()];
                            let sums = &sums[..behind.len()];
                            coding.encode(isa, lows[place], &lows[behind.clone()], sums, out);
                            if first == places.start {
                                out[place - first] = NO_PAIR;
                            }
                        }
                    }
                    Ok(())
                },
            )?;
        Ok(Table {
            isa,
            ends: tiles.ends,
            coding,
            blocks,
            codes,
        })
    }

    /// The instruction set that codes are compared with.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Codes in a row: the places, up to a whole number of blocks.
    pub fn width(&self) -> usize {
        self.blocks * SIDE
    }

    /// The least code that no pair has whose lower end is at most `limit`, in working units.
    pub fn end(&self, limit: f32) -> u16 {
        self.coding.end(limit)
    }

    /// The codes of a row with those from the first place of its block on, and that place. Every pair is in the row of one
    /// end, or of both; where there is no other row, [`NO_PAIR`].
    pub fn row(&self, place: usize) -> (usize, &[u16]) {
        let (block, row) = (place / SIDE, place % SIDE);
        let width = (self.blocks - block) * SIDE;
        let from = start(self.blocks, block) + row * width;
        (block * SIDE, &self.codes[from..from + width])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metric;
    use super::super::tests::cloud;
    use super::nearest::Room;
    use super::*;

    #[test]
    fn pairs_have_a_code_from_both_sides_that_is_a_lower_end() {
        let x = cloud(150, 40, 3);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let order: Vec<u32> = (0..150).rev().collect();
        for isa in Isa::available() {
            for isa in [isa, isa.in_int8()] {
                let table = Table::new(isa, &points, &order, &Context::new(0)).unwrap();
                let mut all: Vec<Vec<u16>> = Vec::new();
                for place in 0..150 {
                    let (mut codes, mut room) = (Vec::new(), Room::default());
                    let first = place / SIDE * SIDE;
                    table.turned_rows(place / SIDE, &mut room, &mut codes);
                    let before = &codes[(place - first) * first..][..first];
                    all.push([before, table.row(place).1].concat());
                }
                for (place, codes) in all.iter().enumerate() {
                    assert_eq!(codes.len(), table.width());
                    assert!(codes[150..].iter().all(|code| *code == NO_PAIR));
                    assert_eq!(codes[place], NO_PAIR);
                    for other in (0..150).filter(|&other| other != place) {
                        // Inside a block both are made, and rounded in another order.
                        if place / SIDE != other / SIDE {
                            assert_eq!(codes[other], all[other][place], "{isa}");
                        }
                        let (from, row) = table.row(place);
                        assert!(other < from || row[other - from] == codes[other]);
                        let (squared, _) = table.ends.exact(place, other);
                        assert!(codes[other] < table.end(table.ends.limit(squared)));
                    }
                }
            }
        }
    }
}
