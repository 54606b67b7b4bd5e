//! Compares rows with the cells they list, each pair once, serving both of its rows.
//!
//! Every row meets the cells on its list; a row of such a cell that does not list the visitor's own cell is served from
//! the same product, so a pair is found if either end lists the other's cell, and proposed once. Which thread takes
//! which cell changes only the order in which candidates are met, never the neighbours.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::cells::Cells;
use super::packed::Packed;
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{Block, LANES, products, select_close};
use crate::neighbors::Neighbors;
use crate::neighbors::shortlist::Shortlists;

/// Rows in a block of visitors, and in a block of shortlists.
const ROWS: usize = 64;
/// Columns multiplied at once.
const COLUMNS: usize = 256;

/// What the threads share. Rows are counted by their places in the order of the cells.
pub(super) struct Sweep<'a> {
    packed: &'a Packed<'a>,
    cells: &'a Cells,
    blocks: Vec<Mutex<Shortlists>>,
}

/// Some rows, and the cell that they are compared with.
struct Visit {
    cell: u32,
    rows: Vec<u32>,
    /// Whether the rows are of the cell itself.
    at_home: bool,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    close: Vec<u32>,
    limits: Vec<f32>,
    thresholds: Vec<f32>,
    across: Vec<Vec<(f32, u32, u32)>>,
}

impl<'a> Sweep<'a> {
    /// Empty shortlists for every row.
    pub fn new(packed: &'a Packed<'a>, cells: &'a Cells, k: usize) -> Sweep<'a> {
        let n = cells.order.len();
        let blocks = (0..n).step_by(ROWS).map(|first| {
            let rows = ROWS.min(n - first);
            Mutex::new(Shortlists::new(k, first, vec![f32::MAX; rows]))
        });
        Sweep {
            packed,
            cells,
            blocks: blocks.collect(),
        }
    }

    /// Lets every row visit the cells of its list.
    pub fn run(&self, context: &Context) -> Result<(), Cancelled> {
        let cells = self.cells;
        let mut visitors = vec![Vec::new(); cells.len()];
        let mut visits = 0;
        for place in 0..cells.order.len() {
            let list = cells.list(place);
            visits += list.len();
            for &cell in &list[1..] {
                visitors[cell as usize].push(place as u32);
            }
        }
        let step = context.step("find neighbours", visits as u64);
        // Own cells first: afterwards limits are tight.
        let mut at_home = Vec::new();
        for cell in 0..cells.len() {
            let rows: Vec<u32> = (cells.starts[cell]..cells.starts[cell + 1])
                .map(|place| place as u32)
                .collect();
            at_home.extend(rows.chunks(ROWS).map(|rows| Visit {
                cell: cell as u32,
                rows: rows.to_vec(),
                at_home: true,
            }));
        }
        self.visit(&at_home, &step)?;
        let mut abroad = Vec::new();
        for (cell, rows) in visitors.into_iter().enumerate() {
            if cells.size(cell as u32) > 0 {
                abroad.extend(rows.chunks(ROWS).map(|rows| Visit {
                    cell: cell as u32,
                    rows: rows.to_vec(),
                    at_home: false,
                }));
            }
        }
        self.visit(&abroad, &step)
    }

    fn visit(&self, visits: &[Visit], step: &Step<'_>) -> Result<(), Cancelled> {
        visits.par_iter().with_max_len(4).try_for_each_init(
            || Buffers {
                block: Block::new(self.packed.isa()),
                staging: Vec::new(),
                tile: vec![0.0; ROWS * COLUMNS],
                close: Vec::new(),
                limits: Vec::new(),
                thresholds: Vec::new(),
                across: vec![Vec::new(); COLUMNS / ROWS + 1],
            },
            |buffers, visit| {
                step.tick(visit.rows.len() as u64)?;
                let Buffers { block, staging, .. } = buffers;
                self.packed.fill(&visit.rows, block, staging);
                let cell = visit.cell as usize;
                let mut members = self.cells.starts[cell]..self.cells.starts[cell + 1];
                if visit.at_home {
                    // Members before these have met them as visitors of their own.
                    members.start = visit.rows[0] as usize;
                }
                let end = members.end.next_multiple_of(LANES);
                let mut first = members.start / LANES * LANES;
                while first < end {
                    let last = (first + COLUMNS).min(end);
                    self.tile(visit, &members, first..last, buffers);
                    first = last;
                }
                Ok(())
            },
        )
    }

    /// One product of the visitors with a strip of columns, of which `members` count.
    fn tile(
        &self,
        visit: &Visit,
        members: &Range<usize>,
        columns: Range<usize>,
        buffers: &mut Buffers,
    ) {
        let Buffers {
            block,
            tile,
            close,
            limits,
            thresholds,
            across,
            ..
        } = buffers;
        let panels = columns.start / LANES..columns.end / LANES;
        products(block, &self.packed.tiles.panels, panels, tile, COLUMNS);
        let (ends, lows) = (self.packed.ends(), self.packed.lows(columns.clone()));
        // The visitors' own columns, at home, meet them from both sides as visitors.
        let own_end = match (visit.at_home, visit.rows.last()) {
            (true, Some(last)) => *last as usize + 1,
            _ => 0,
        };
        let served = members.start.max(columns.start).max(own_end)..members.end.min(columns.end);
        let first_block = columns.start / ROWS;
        limits.clear();
        limits.resize(columns.len(), f32::NEG_INFINITY);
        for other in served.start / ROWS..served.end.div_ceil(ROWS) {
            let own = self.lock(other);
            let places = other * ROWS..other * ROWS + own.limits.len();
            for place in places.start.max(served.start)..places.end.min(served.end) {
                limits[place - columns.start] = own.limits[place - other * ROWS];
            }
        }
        thresholds.clear();
        thresholds.extend(limits.iter().zip(lows).map(|(limit, low)| limit - low));
        for (at, &place) in visit.rows.iter().enumerate() {
            let sums = &tile[at * COLUMNS..][..columns.len()];
            let low = ends.low[place as usize];
            let mut own = self.lock(place as usize / ROWS);
            let row = place as usize % ROWS;
            close.clear();
            let threshold = own.limits[row] - low;
            select_close(
                self.packed.isa(),
                lows,
                sums,
                thresholds,
                (low, threshold),
                close,
            );
            if close.is_empty() {
                continue;
            }
            let home = self.cells.list(place as usize)[0];
            for &column in close.iter() {
                let other = columns.start + column as usize;
                if other == place as usize || !members.contains(&other) {
                    continue;
                }
                let product = sums[column as usize];
                own.push(
                    row,
                    lows[column as usize] - 2.0 * product,
                    other as u32,
                    ends,
                );
                let value = low - 2.0 * product;
                // Those that visit this row's cell themselves are served there.
                if value + lows[column as usize] <= limits[column as usize]
                    && (visit.at_home || !self.cells.list(other).contains(&home))
                {
                    across[other / ROWS - first_block].push((value, other as u32, place));
                }
            }
        }
        for (at, group) in across.iter_mut().enumerate() {
            if group.is_empty() {
                continue;
            }
            let mut other = self.lock(first_block + at);
            for (value, column, row) in group.drain(..) {
                other.push(column as usize % ROWS, value, row, ends);
            }
        }
    }

    /// Decides among the candidates by exact distances; rows and indices are those of the data again.
    pub fn decide(&self, found: &mut Neighbors, context: &Context) -> Result<(), Error> {
        let (n, k) = (self.cells.order.len(), found.indices.ncols());
        let step = context.step("rank neighbours", n as u64);
        let ranked: Vec<Vec<(f32, u32)>> = (0..self.blocks.len())
            .into_par_iter()
            .with_max_len(4)
            .map(|block| {
                let mut own = self.lock(block);
                let rows = own.limits.len();
                step.tick(rows as u64)?;
                let mut all = Vec::with_capacity(rows * k);
                for row in 0..rows {
                    let near = own.nearest(row, self.packed.ends());
                    if near.len() < k {
                        all.extend(self.among_all(block * ROWS + row, k));
                    } else {
                        all.extend_from_slice(near);
                    }
                }
                Ok(all)
            })
            .collect::<Result<_, Cancelled>>()?;
        let rows = ranked.iter().flat_map(|block| block.chunks_exact(k));
        for (&row, ranked) in self.cells.order.iter().zip(rows) {
            for (at, &(squared, other)) in ranked.iter().enumerate() {
                found.indices[[row as usize, at]] = other;
                found.distances[[row as usize, at]] = squared;
            }
        }
        Ok(())
    }

    /// A row whose cells hold too few rows is compared with all.
    fn among_all(&self, place: usize, k: usize) -> Vec<(f32, u32)> {
        let ends = self.packed.ends();
        let others = (0..ends.order.len()).filter(|&other| other != place);
        let mut ranked: Vec<(f32, u32)> = others.map(|other| ends.exact(place, other)).collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        ranked.select_nth_unstable_by(k - 1, order);
        ranked.truncate(k);
        ranked.sort_unstable_by(order);
        ranked
    }

    fn lock(&self, block: usize) -> MutexGuard<'_, Shortlists> {
        self.blocks[block]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
