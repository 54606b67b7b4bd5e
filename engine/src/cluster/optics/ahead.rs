//! Products of the row that is visited with all others, computed ahead: for it and for those that stand next in line.
//!
//! The order of visits is known only one row at a time, and one row's products alone would be bound by memory. So they
//! are made for a block at a time, of rows that will probably be visited soon, and kept until then within a budget. What
//! is kept changes only the time.

use rayon::prelude::*;

use crate::linalg::{Block, Isa, LANES, Panels, products};
use crate::neighbors::Points;

/// Rows in a block.
pub(super) const ROWS: usize = 64;
/// Columns in a strip.
pub(super) const COLUMNS: usize = 256;
/// Bytes of products kept at most.
const KEPT: usize = 512 << 20;
/// No block has them.
const NONE: u32 = u32::MAX;

/// Blocks of products.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    pub panels: Panels,
    blocks: Vec<Option<Products>>,
    /// The oldest block that may still be kept.
    oldest: usize,
    kept: usize,
    most: usize,
    /// The block that has a row's products and where.
    place: Vec<(u32, u8)>,
}

/// Strip after strip: [`ROWS`] times [`COLUMNS`] products each.
#[derive(Debug)]
struct Products {
    values: Vec<f32>,
    rows: Vec<u32>,
    unused: usize,
}

impl<'a> Ahead<'a> {
    /// Nothing computed yet. O(n d).
    pub fn new(isa: Isa, points: &'a Points<'a>) -> Ahead<'a> {
        let panels = points.panels(isa, |at| at);
        let bytes = panels.len().div_ceil(COLUMNS / LANES) * ROWS * COLUMNS * size_of::<f32>();
        Ahead {
            isa,
            points,
            panels,
            blocks: Vec::new(),
            oldest: 0,
            kept: 0,
            most: (KEPT / bytes.max(1)).max(2),
            place: vec![(NONE, 0); points.len()],
        }
    }

    /// Whether a row's products are there.
    pub fn has(&self, row: u32) -> bool {
        self.place[row as usize].0 != NONE
    }

    /// Computes the products of at most [`ROWS`] rows. O(n d) each.
    pub fn compute(&mut self, rows: Vec<u32>) {
        let mut block = Block::new(self.isa);
        let own = rows.iter().map(|&row| row as usize);
        self.points
            .block(own, self.isa, &mut block, &mut Vec::new());
        let panels = &self.panels;
        let strips = panels.len().div_ceil(COLUMNS / LANES);
        let mut values = vec![0.0; strips * ROWS * COLUMNS];
        values
            .par_chunks_mut(ROWS * COLUMNS)
            .enumerate()
            .for_each(|(strip, values)| {
                let first = strip * COLUMNS / LANES;
                let last = (first + COLUMNS / LANES).min(panels.len());
                products(&block, panels, first..last, values, COLUMNS);
            });
        for (at, &row) in rows.iter().enumerate() {
            self.place[row as usize] = (self.blocks.len() as u32, at as u8);
        }
        self.blocks.push(Some(Products {
            unused: rows.len(),
            values,
            rows,
        }));
        self.kept += 1;
        while self.kept > self.most {
            if let Some(block) = self.blocks[self.oldest].take() {
                self.kept -= 1;
                for row in block.rows {
                    if self.place[row as usize].0 == self.oldest as u32 {
                        self.place[row as usize].0 = NONE;
                    }
                }
            }
            self.oldest += 1;
        }
    }

    /// A row's products with the columns of a strip, where they are there.
    pub fn strip(&self, row: u32, strip: usize) -> &[f32] {
        let (block, at) = self.place[row as usize];
        let block = self.blocks.get(block as usize).and_then(Option::as_ref);
        block.map_or(&[], |block| {
            &block.values[(strip * ROWS + usize::from(at)) * COLUMNS..][..COLUMNS]
        })
    }

    /// A row has been visited; its products are not needed again.
    pub fn forget(&mut self, row: u32) {
        let (at, _) = self.place[row as usize];
        self.place[row as usize].0 = NONE;
        if let Some(slot) = self.blocks.get_mut(at as usize)
            && let Some(block) = slot
        {
            block.unused -= 1;
            if block.unused == 0 {
                *slot = None;
                self.kept -= 1;
            }
        }
    }
}
