//! The pass over all pairs: tiles of one part's rows and another's columns.

use std::ops::Range;

use rayon::prelude::*;

use super::parts::Part;
use super::{Head, Neighbors};
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Panels, products, select_close};
use crate::neighbors::{Ends, Points};

/// Rows in a block: they and a strip's tile of products stay in the second-level cache.
pub(super) const ROWS: usize = 64;
/// Columns in a strip.
pub(super) const COLUMNS: usize = 256;

/// What is known of all rows. They are counted by places in an order.
pub(super) struct Sweep<'a> {
    pub points: &'a Points<'a>,
    /// The numbers that are multiplied.
    pub isa: Isa,
    pub ends: Ends<'a>,
    pub ahead: Option<Ahead<'a>>,
    pub k: usize,
}

/// What discards first, for the rows at the first places.
pub(super) struct Ahead<'a> {
    pub head: &'a Head,
    /// The lower ends' parts of the projections.
    pub low: Vec<f32>,
    /// How many rows, from the first.
    pub len: usize,
}

/// Buffers of one thread.
struct Buffers {
    /// The rows of a block, and of the same block for what goes ahead; which of them are filled.
    block: Block,
    ahead: Block,
    filled: (bool, bool),
    staging: Vec<f32>,
    tile: Vec<f32>,
    close: Vec<u32>,
    values: Vec<f32>,
    thresholds: Vec<f32>,
    limits: Vec<f32>,
    across: Vec<Vec<(f32, u32, u32)>>,
}

impl Buffers {
    fn new(isa: Isa) -> Buffers {
        Buffers {
            block: Block::new(isa),
            ahead: Block::new(isa),
            filled: (false, false),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * COLUMNS],
            close: Vec::new(),
            values: Vec::new(),
            thresholds: Vec::new(),
            limits: Vec::new(),
            across: vec![Vec::new(); COLUMNS / ROWS],
        }
    }
}

/// The number of blocks of rows.
pub(super) fn blocks(places: &Range<usize>) -> usize {
    places.len().div_ceil(ROWS)
}

impl Sweep<'_> {
    /// Lets all parts meet and finds the neighbours of their rows, which have these limits. `packed` has the whole rows of the
    /// first part, where they are packed already.
    pub fn run(
        &self,
        parts: &[Range<usize>],
        mut packed: Option<Panels>,
        mut limits: Vec<f32>,
        found: &mut Neighbors,
        context: &Context,
    ) -> Result<(), Error> {
        let strips = |part: &Range<usize>| part.len().div_ceil(COLUMNS);
        let tiles = parts.iter().enumerate().map(|(at, part)| {
            let own = (0..blocks(part)).map(|block| strips(part) - block * ROWS / COLUMNS);
            let others: usize = parts[at + 1..].iter().map(strips).sum();
            own.sum::<usize>() + blocks(part) * others
        });
        let step = context.step("find neighbours", tiles.sum::<usize>() as u64);
        for (at, places) in parts.iter().enumerate() {
            let left = Part::take(self, places.clone(), packed.take(), &limits, found);
            self.visit(&left, &left, |own, strips| own..strips, &step)?;
            for places in &parts[at + 1..] {
                let right = Part::take(self, places.clone(), None, &limits, found);
                self.visit(&left, &right, |_, strips| 0..strips, &step)?;
                right.put_back(self, &mut limits, found);
            }
            left.put_back(self, &mut limits, found);
        }
        Ok(())
    }

    /// Lets each block of one part meet some strips of another, given the one it stands in, if the parts are the same, and
    /// how many there are.
    pub fn visit(
        &self,
        left: &Part,
        right: &Part,
        which: impl Fn(usize, usize) -> Range<usize> + Sync,
        step: &Step<'_>,
    ) -> Result<(), Cancelled> {
        let columns = right.places.clone();
        let same = left.places == right.places;
        (0..blocks(&left.places))
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || Buffers::new(self.isa),
                |buffers, block| {
                    buffers.filled = (false, false);
                    let rows = left.places.start + block * ROWS;
                    for strip in which(block * ROWS / COLUMNS, columns.len().div_ceil(COLUMNS)) {
                        step.tick(1)?;
                        let first = columns.start + strip * COLUMNS;
                        let last = (first + COLUMNS).min(columns.end);
                        // Columns left of the diagonal have met these rows in an earlier block's tile.
                        let first = if same { first.max(rows) } else { first };
                        self.tile(left, right, rows, first..last, buffers);
                    }
                    Ok(())
                },
            )
    }

    fn tile(
        &self,
        left: &Part,
        right: &Part,
        first_row: usize,
        columns: Range<usize>,
        buffers: &mut Buffers,
    ) {
        let Buffers {
            block: whole,
            ahead: short,
            filled,
            staging,
            tile,
            close,
            values,
            thresholds,
            limits,
            across,
        } = buffers;
        let rows = first_row..(first_row + ROWS).min(left.places.end);
        let padded = columns.start..columns.end.next_multiple_of(LANES);
        let width = padded.len();
        let last = rows.end.max(columns.end);
        let ahead = self.ahead.as_ref().filter(|ahead| last <= ahead.len);
        let ahead =
            ahead.and_then(|ahead| Some((ahead, left.ahead.as_ref()?, right.ahead.as_ref()?)));
        let (panels, lows, operand) = match ahead {
            Some((ahead, _, right)) => {
                if !std::mem::replace(&mut filled.1, true) {
                    ahead.head.fill(&self.ends.order[rows.clone()], short);
                }
                (&right.panels, ahead.low.as_slice(), &*short)
            }
            None => {
                if !std::mem::replace(&mut filled.0, true) {
                    self.fill(left, rows.clone(), whole, staging);
                }
                (&right.panels, self.ends.low.as_slice(), &*whole)
            }
        };
        let of_part = |place: usize| (place - right.places.start) / LANES;
        products(
            operand,
            panels,
            of_part(padded.start)..of_part(padded.end),
            tile,
            COLUMNS,
        );
        let ends = &self.ends;
        let first_block = columns.start / ROWS;
        // The block's own columns meet its rows from both sides as rows.
        limits.clear();
        for other in columns.clone().step_by(ROWS) {
            if other == first_row {
                limits.resize(rows.len(), f32::NEG_INFINITY);
            } else {
                limits.extend_from_slice(&right.lists(other).limits);
            }
        }
        thresholds.clear();
        let lows_across = &lows[columns.clone()];
        thresholds.extend(
            limits
                .iter()
                .zip(lows_across)
                .map(|(limit, low)| limit - low),
        );
        thresholds.resize(width, f32::NEG_INFINITY);
        across.iter_mut().for_each(Vec::clear);
        let mut own = left.lists(first_row);
        for row in 0..rows.len() {
            let place = first_row + row;
            let sums = &tile[row * COLUMNS..][..width];
            let low = lows[place];
            close.clear();
            let threshold = own.limits[row] - low;
            select_close(
                self.isa,
                &lows[padded.clone()],
                sums,
                thresholds,
                (low, threshold),
                close,
            );
            if close.is_empty() {
                continue;
            }
            values.clear();
            match ahead {
                None => values.extend(close.iter().map(|&column| sums[column as usize])),
                Some((_, left_ahead, right_ahead)) => {
                    let first = (columns.start - right.places.start) as u32;
                    let own = place - left.places.start;
                    close.iter_mut().for_each(|column| *column += first);
                    let rows = &left_ahead.rows;
                    rows.products_across(own, &right_ahead.rows, close, values);
                    close.iter_mut().for_each(|column| *column -= first);
                }
            }
            let low = ends.low[place];
            for (&column, &product) in close.iter().zip(values.iter()) {
                let other = columns.start + column as usize;
                if other == place {
                    continue;
                }
                let other_low = ends.low[other];
                own.push(row, other_low - 2.0 * product, other as u32, ends);
                let value = low - 2.0 * product;
                if value + other_low <= limits[column as usize] {
                    across[other / ROWS - first_block].push((value, other as u32, place as u32));
                }
            }
        }
        drop(own);
        for (at, group) in across
            .iter()
            .enumerate()
            .filter(|(_, group)| !group.is_empty())
        {
            let mut other = right.lists((first_block + at) * ROWS);
            for &(value, column, row) in group {
                other.push(column as usize % ROWS, value, row, ends);
            }
        }
    }

    /// Fills a block with whole rows of a part.
    fn fill(&self, part: &Part, places: Range<usize>, block: &mut Block, staging: &mut Vec<f32>) {
        match &part.ahead {
            Some(ahead) => {
                let first = part.places.start;
                let rows: Vec<u32> = places.map(|place| (place - first) as u32).collect();
                ahead.rows.fill(&rows, block);
            }
            None => {
                let rows = self.ends.order[places].iter().map(|&row| row as usize);
                self.points.block(rows, self.isa, block, staging);
            }
        }
    }
}
