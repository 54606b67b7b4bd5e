//! The nearest of every row by a table of all pairs.
//!
//! The least codes of many groups say about how far the neighbours of a row reach; what is not beyond is decided, nearest first,
//! until the rest is too far. The codes that a row has with rows before it stand in their rows, and are turned a square
//! at a time.

use rayon::prelude::*;

use super::{SQUARE, Table};
use crate::context::{Cancelled, Context};
use crate::linalg::{NO_PAIR, SIDE, count_at_most, fold_least, select_coded, turn_square};
use crate::neighbors::Neighbors;

/// Groups of codes for each neighbour that is asked for.
const GROUPS: usize = 8;

impl Table<'_> {
    /// Writes the codes that the rows of a block have with the blocks before it, one row after the other. What is behind
    /// the last row is undefined.
    pub(super) fn turned_rows(&self, block: usize, room: &mut Room, out: &mut Vec<u16>) {
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
pub(super) struct Room {
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

    use super::*;
    use crate::linalg::Isa;
    use crate::neighbors::{Metric, Points};

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
