//! All pairs of some thousand rows, written down: a lower end of every squared distance as a code of sixteen bits.
//!
//! Shortlists that grow while products come in take longer than the products where rows are few: most of what is
//! proposed early is pushed out again. Here every pair is multiplied once and its code kept; then a row's codes are
//! counted and the few that may be among the nearest are decided. Whoever asks for other pairs of the same rows
//! later reads the codes instead of multiplying again. The price is two bytes a pair, which is why there are no more than
//! [`MOST_ROWS`].

use std::borrow::Cow;

use rayon::prelude::*;

use super::proposals::{Ends, Proposals};
use super::{Neighbors, Points};
use crate::context::{Cancelled, Context};
use crate::linalg::{
    Block, Coding, Isa, LANES, NO_PAIR, Rows, SIDE, count_at_most, fold_least, products,
    select_coded, turn_square,
};

/// More rows make no table: this many take 68 MB.
pub(super) const MOST_ROWS: usize = 8_192;
/// Columns that are multiplied at a time.
const COLUMNS: usize = 4 * SIDE;
/// Groups of codes for each neighbour that is asked for.
const GROUPS: usize = 8;
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
        let mut codes = vec![0_u16; start(blocks, blocks)];
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

    /// Writes the codes that the rows of a block have with the blocks before it, one row after the other. What is behind
    /// the last row is undefined.
    fn turned_rows(&self, block: usize, room: &mut Room, out: &mut Vec<u16>) {
        let first = block * SIDE;
        out.resize(SIDE * first, NO_PAIR);
        for other in 0..block {
            for (line, square) in room.square.chunks_exact_mut(SIDE).enumerate() {
                let (from, codes) = self.row(other * SIDE + line);
                square.copy_from_slice(&codes[first - from..][..SIDE]);
            }
            turn_square(self.isa, &room.square, &mut room.between, &mut room.turned);
            let lines = out.chunks_exact_mut(first);
            for (line, turned) in lines.zip(room.turned.chunks_exact(SIDE)) {
                line[other * SIDE..][..SIDE].copy_from_slice(turned);
            }
        }
    }

    /// The `k` nearest of every row of the order, at least 1 and fewer than its rows: squared distances of the rows kept.
    pub fn nearest(
        &self,
        k: usize,
        found: &mut Neighbors,
        context: &Context,
    ) -> Result<(), Cancelled> {
        let order = &self.ends.order;
        let usual = Usual::new(&self.ends.share, k);
        let step = context.step("rank neighbours", self.blocks as u64);
        let ranked: Vec<Vec<(f32, u32)>> = (0..self.blocks)
            .into_par_iter()
            .with_max_len(1)
            .map_init(Search::default, |search, block| {
                step.tick(1)?;
                let places = block * SIDE..((block + 1) * SIDE).min(order.len());
                let mut all = Vec::with_capacity(places.len() * k);
                let mut before = std::mem::take(&mut search.before);
                self.turned_rows(block, &mut search.room, &mut before);
                for (row, place) in places.enumerate() {
                    let codes = [
                        &before[row * block * SIDE..][..block * SIDE],
                        self.row(place).1,
                    ];
                    search.run(self, place, codes, k, &usual);
                    all.extend_from_slice(&search.near);
                }
                search.before = before;
                Ok(all)
            })
            .collect::<Result<_, Cancelled>>()?;
        let rows = ranked.iter().flat_map(|task| task.chunks_exact(k));
        for (&row, near) in order.iter().zip(rows) {
            let mut indices = found.indices.row_mut(row as usize);
            let mut distances = found.distances.row_mut(row as usize);
            for ((index, distance), near) in indices.iter_mut().zip(distances.iter_mut()).zip(near)
            {
                (*distance, *index) = *near;
            }
        }
        Ok(())
    }
}

/// The rows whose upper ends are near their lower ones. Where the others were counted, one row that was rounded badly would
/// make the neighbours of all unsure; nobody's neighbours are missed if they are not counted.
struct Usual {
    /// The largest share of those that count.
    share: f32,
    /// [`NO_PAIR`] at places that do not count; empty where all do.
    hidden: Vec<u16>,
}

impl Usual {
    fn new(shares: &[f32], k: usize) -> Usual {
        let mut sorted = shares.to_vec();
        let rank = (sorted.len() * 15 / 16).max(k).min(sorted.len() - 1);
        let (_, &mut share, _) = sorted.select_nth_unstable_by(rank, f32::total_cmp);
        let most = shares.iter().copied().fold(0.0, f32::max);
        if most <= 2.0 * share {
            return Usual {
                share: most,
                hidden: Vec::new(),
            };
        }
        let hide = |own: &f32| if *own > share { NO_PAIR } else { 0 };
        let mut hidden: Vec<u16> = shares.iter().map(hide).collect();
        hidden.resize(hidden.len().next_multiple_of(SIDE), NO_PAIR);
        Usual { share, hidden }
    }
}

/// Squares on their way from the rows of one block to those of another.
struct Room {
    square: Vec<u16>,
    between: Vec<u16>,
    turned: Vec<u16>,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            square: vec![0; SQUARE],
            between: vec![0; SQUARE],
            turned: vec![0; SQUARE],
        }
    }
}

/// Buffers of one thread.
#[derive(Default)]
struct Search {
    room: Room,
    /// What the rows of a block have with those before it.
    before: Vec<u16>,
    least: Vec<u16>,
    hidden: Vec<u16>,
    ends: Vec<u16>,
    masks: Vec<u64>,
    open: Vec<u32>,
    near: Vec<(f32, u32)>,
}

impl Search {
    /// Leaves the `k` nearest of a row in `near`. Its codes are in two parts, the one behind the other.
    fn run(
        &mut self,
        table: &Table<'_>,
        place: usize,
        codes: [&[u16]; 2],
        k: usize,
        usual: &Usual,
    ) {
        let code = self.about_kth(table, codes, k, usual);
        let ends = &table.ends;
        // So many have an upper end at most there.
        let limit = table.coding.above(code) + 2.0 * (ends.share[place] + usual.share);
        let mut end = table.end(limit * (1.0 + 1e-6));
        self.ends.clear();
        self.ends.resize(table.width(), end);
        self.open.clear();
        let mut first = 0;
        for codes in codes {
            let before = self.open.len();
            let ends = &self.ends[..codes.len()];
            select_coded(table.isa, codes, ends, &mut self.masks, &mut self.open);
            self.open[before..].iter_mut().for_each(|key| *key += first);
            first += codes.len() as u32;
        }
        self.open.sort_unstable();
        self.near.clear();
        let mut exact = [(0.0, 0); 4];
        for some in self.open.chunks(exact.len()) {
            // Those beyond the end are last, and change nothing.
            if (some[0] >> 16) as u16 >= end {
                break;
            }
            let others: [(f32, u32); 4] =
                std::array::from_fn(|at| (0.0, some[at.min(some.len() - 1)] & 0xFFFF));
            ends.exact_of_some(place, &others[..some.len()], &mut exact);
            for found in &exact[..some.len()] {
                let after = |other: &(f32, u32)| {
                    let order = other.0.total_cmp(&found.0).then(other.1.cmp(&found.1));
                    order.is_lt()
                };
                if self.near.len() == k {
                    if self.near.last().is_some_and(after) {
                        continue;
                    }
                    self.near.pop();
                }
                let at = self.near.partition_point(after);
                self.near.insert(at, *found);
                if let Some(last) = self.near.get(k - 1) {
                    end = end.min(table.end(ends.limit(last.0)));
                }
            }
        }
    }

    /// A code that at least `k` of a row's counted codes do not exceed, and not many more: the least in each of many groups
    /// stand for all, since few groups have two of the nearest.
    fn about_kth(&mut self, table: &Table<'_>, codes: [&[u16]; 2], k: usize, usual: &Usual) -> u16 {
        let isa = table.isa;
        self.least.clear();
        self.least.resize(
            (GROUPS * k).next_multiple_of(SIDE).min(table.width()),
            NO_PAIR,
        );
        let mut first = 0;
        for codes in codes {
            if usual.hidden.is_empty() {
                fold_least(isa, codes, &mut self.least);
            } else {
                self.hidden.clear();
                let hidden = &usual.hidden[first..];
                let codes = codes.iter().zip(hidden);
                self.hidden
                    .extend(codes.map(|(code, hidden)| code | hidden));
                fold_least(isa, &self.hidden, &mut self.least);
            }
            // The next part begins where this one ended: where there are as many groups as codes, each is alone.
            first += codes.len();
            let turn = codes.len() % self.least.len();
            self.least.rotate_left(turn);
        }
        let (mut low, mut high) = (0, NO_PAIR - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if count_at_most(isa, &self.least, middle) < k {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::Metric;
    use super::super::tests::cloud;
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

    #[test]
    fn a_row_that_is_rounded_badly_hides_nobody() {
        // Some rows are far longer than others, and so their shares.
        let x = Array2::from_shape_fn((300, 64), |(i, j)| {
            let long = if i % 40 == 7 { 300.0 } else { 1.0 };
            long * crate::random::normal(1, 5, (i * 64 + j) as u64) as f32
        });
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let order: Vec<u32> = (0..300).collect();
        let run = |isa: Isa, k| {
            let context = Context::new(0);
            let mut found = Neighbors {
                indices: Array2::zeros((300, k)),
                distances: Array2::zeros((300, k)),
            };
            let table = Table::new(isa, &points, &order, &context).unwrap();
            table.nearest(k, &mut found, &context).unwrap();
            found
        };
        for k in [1, 12, 298, 299] {
            let expected = run(Isa::PORTABLE, k);
            for (row, near) in expected.indices.outer_iter().enumerate() {
                let mut all: Vec<(f32, u32)> = (0..300)
                    .filter(|&other| other != row)
                    .map(|other| (points.squared(row, other), other as u32))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let all: Vec<u32> = all[..k].iter().map(|other| other.1).collect();
                assert_eq!(near.to_vec(), all);
            }
            for isa in Isa::available() {
                assert!(run(isa, k) == expected, "{isa} {k}");
                assert!(run(isa.in_int8(), k) == expected, "{isa} {k}");
            }
        }
    }
}
