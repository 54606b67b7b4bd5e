//! Compares rows with the cells they list, each pair once, serving both of its rows.
//!
//! Every row meets the cells on its list; a row of such a cell that does not list the visitor's own cell is served from
//! the same product, so a pair is found if either end lists the other's cell, and proposed once. Which thread takes
//! which cell changes only the order in which candidates are met, never the neighbours.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ndarray::Array2;
use rayon::prelude::*;

use super::cells::Cells;
use super::packed::Packed;
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{Block, LANES, products, select_below, select_below_each};
use crate::neighbors::Neighbors;
use crate::neighbors::candidates::Candidates;

/// Rows in a block of visitors, and in a block of candidates.
const ROWS: usize = 64;
/// Columns multiplied at once.
const COLUMNS: usize = 256;

/// What the threads share. Rows are counted by their places in the order of the cells.
pub(super) struct Sweep<'a> {
    packed: &'a Packed<'a>,
    cells: &'a Cells,
    blocks: Vec<Mutex<Candidates>>,
    /// How many cells of its list each row visits.
    width: usize,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    found: Vec<(f32, u32)>,
    across: Vec<(f32, u32, u32)>,
    thresholds: Vec<f32>,
}

impl<'a> Sweep<'a> {
    /// Empty candidates for every row.
    pub fn new(packed: &'a Packed<'a>, cells: &'a Cells, k: usize) -> Sweep<'a> {
        let rows: Vec<u32> = (0..packed.points.len() as u32).collect();
        let blocks = rows.chunks(ROWS).map(|rows| {
            let margins = rows.iter().map(|&row| packed.margin(row));
            Mutex::new(Candidates::new(k, margins))
        });
        Sweep {
            packed,
            cells,
            blocks: blocks.collect(),
            width: 0,
        }
    }

    /// Lets every row visit the first `width` cells of its list.
    pub fn run(&mut self, width: usize, context: &Context) -> Result<(), Cancelled> {
        self.width = width;
        let n = self.packed.points.len();
        let step = context.step("find neighbours", (n * width) as u64);
        // Own cells first: afterwards thresholds are tight.
        let at_home: Vec<(usize, Vec<u32>)> = (0..self.cells.len())
            .flat_map(|cell| {
                let rows: Vec<u32> = (self.cells.starts[cell]..self.cells.starts[cell + 1])
                    .map(|row| row as u32)
                    .collect();
                rows.chunks(ROWS)
                    .map(|rows| (cell, rows.to_vec()))
                    .collect::<Vec<_>>()
            })
            .collect();
        self.visit(&at_home, false, &step)?;
        let mut visitors = vec![Vec::new(); self.cells.len()];
        for row in 0..n {
            for &cell in &self.cells.list(row)[1..width] {
                visitors[cell as usize].push(row as u32);
            }
        }
        let abroad: Vec<(usize, Vec<u32>)> = visitors
            .into_iter()
            .enumerate()
            .flat_map(|(cell, rows)| {
                rows.chunks(ROWS)
                    .map(|rows| (cell, rows.to_vec()))
                    .collect::<Vec<_>>()
            })
            .collect();
        self.visit(&abroad, true, &step)
    }

    /// Compares each group of rows with the rows of its cell.
    fn visit(
        &self,
        groups: &[(usize, Vec<u32>)],
        abroad: bool,
        step: &Step<'_>,
    ) -> Result<(), Cancelled> {
        groups.par_iter().with_max_len(4).try_for_each_init(
            || Buffers {
                block: Block::new(self.packed.isa),
                staging: Vec::new(),
                tile: vec![0.0; ROWS * COLUMNS],
                found: Vec::new(),
                across: Vec::new(),
                thresholds: Vec::new(),
            },
            |buffers, (cell, rows)| {
                step.tick(rows.len() as u64)?;
                let original = rows
                    .iter()
                    .map(|&row| self.cells.order[row as usize] as usize);
                self.packed.points.block(
                    original,
                    self.packed.isa,
                    &mut buffers.block,
                    &mut buffers.staging,
                );
                let members = self.cells.starts[*cell]..self.cells.starts[*cell + 1];
                let end = members.end.next_multiple_of(LANES);
                let mut first = members.start / LANES * LANES;
                while first < end && !members.is_empty() {
                    let last = (first + COLUMNS).min(end);
                    self.tile(rows, &members, first..last, abroad, buffers);
                    first = last;
                }
                Ok(())
            },
        )
    }

    /// One product of the visitors with a strip of columns, of which `members` count.
    fn tile(
        &self,
        rows: &[u32],
        members: &std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        abroad: bool,
        buffers: &mut Buffers,
    ) {
        let Buffers {
            block,
            tile,
            found,
            across,
            thresholds,
            ..
        } = buffers;
        products(
            block,
            &self.packed.panels,
            columns.start / LANES..columns.end / LANES,
            tile,
            COLUMNS,
        );
        let offsets = &self.packed.offsets[columns.clone()];
        let first = columns.start;
        for (at, &row) in rows.iter().enumerate() {
            let sums = &tile[at * COLUMNS..][..offsets.len()];
            let place = row as usize % ROWS;
            let mut own = self.lock(row as usize / ROWS);
            found.clear();
            select_below(
                self.packed.isa,
                offsets,
                sums,
                own.thresholds[place],
                first as u32,
                found,
            );
            found.retain(|&(_, column)| column != row && members.contains(&(column as usize)));
            own.add(place, found);
        }
        if !abroad {
            return;
        }
        thresholds.clear();
        for block in columns.start / ROWS..columns.end.div_ceil(ROWS).min(self.blocks.len()) {
            let own = self.lock(block);
            let places = block * ROWS..block * ROWS + own.thresholds.len();
            for place in places.start.max(columns.start)..places.end.min(columns.end) {
                let counts = members.contains(&place);
                thresholds.push(if counts {
                    own.thresholds[place - block * ROWS]
                } else {
                    f32::NEG_INFINITY
                });
            }
        }
        thresholds.resize(columns.len(), f32::NEG_INFINITY);
        across.clear();
        for (at, &row) in rows.iter().enumerate() {
            let before = across.len();
            let sums = &tile[at * COLUMNS..][..thresholds.len()];
            let offset = self.packed.offsets[row as usize];
            select_below_each(self.packed.isa, offset, sums, thresholds, row, across);
            // Those that visit this row's cell themselves are served there.
            let home = self.cells.list(row as usize)[0];
            let mut kept = before;
            for i in before..across.len() {
                let place = first + across[i].1 as usize;
                if !self.cells.list(place)[..self.width].contains(&home) {
                    across[kept] = across[i];
                    kept += 1;
                }
            }
            across.truncate(kept);
        }
        across.sort_unstable_by_key(|&(_, column, _)| (first + column as usize) / ROWS);
        let block_of = |one: &(f32, u32, u32)| (first + one.1 as usize) / ROWS;
        for group in across.chunk_by(|a, b| block_of(a) == block_of(b)) {
            let mut other = self.lock(block_of(&group[0]));
            for &(value, column, row) in group {
                other.push((first + column as usize) % ROWS, value, row);
            }
        }
    }

    /// Decides among the candidates by exact distances; rows and indices are those of the data again.
    pub fn decide(&self, k: usize, context: &Context) -> Result<Neighbors, Error> {
        let n = self.packed.points.len();
        let step = context.step("rank neighbours", n as u64);
        let ranked: Vec<Vec<(f32, u32)>> = (0..self.blocks.len())
            .into_par_iter()
            .map(|block| {
                let mut own = self.lock(block);
                let rows = block * ROWS..((block + 1) * ROWS).min(n);
                step.tick(rows.len() as u64)?;
                let mut all = Vec::with_capacity(rows.len() * k);
                for place in rows {
                    let row = self.cells.order[place] as usize;
                    let mut ranked: Vec<(f32, u32)> = own
                        .thin(place % ROWS)
                        .iter()
                        .map(|&(_, other)| {
                            let other = self.cells.order[other as usize];
                            (self.packed.points.squared(row, other as usize), other)
                        })
                        .collect();
                    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    if ranked.len() < k {
                        self.fill(row, k, &mut ranked);
                    }
                    all.extend_from_slice(&ranked[..k]);
                }
                Ok(all)
            })
            .collect::<Result<_, Cancelled>>()?;
        let mut indices = Array2::zeros((n, k));
        let mut distances = Array2::zeros((n, k));
        let rows = ranked.iter().flat_map(|block| block.chunks_exact(k));
        for (&row, ranked) in self.cells.order.iter().zip(rows) {
            for (at, &(squared, other)) in ranked.iter().enumerate() {
                indices[[row as usize, at]] = other;
                distances[[row as usize, at]] = squared;
            }
        }
        Ok(Neighbors { indices, distances })
    }

    /// A row whose cells hold too few rows is compared with all.
    fn fill(&self, row: usize, k: usize, ranked: &mut Vec<(f32, u32)>) {
        ranked.clear();
        ranked.extend(
            (0..self.packed.points.len())
                .filter(|&other| other != row)
                .map(|other| (self.packed.points.squared(row, other), other as u32)),
        );
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        ranked.select_nth_unstable_by(k - 1, order);
        ranked.truncate(k);
        ranked.sort_unstable_by(order);
    }

    fn lock(&self, block: usize) -> MutexGuard<'_, Candidates> {
        self.blocks[block]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
