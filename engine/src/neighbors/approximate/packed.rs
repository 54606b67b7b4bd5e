//! All rows packed for products in the order of their cells: as the right side, and integers as the left side too.

use std::ops::Range;

use crate::linalg::{Block, Isa, Rows};
use crate::neighbors::Points;
use crate::neighbors::proposals::{Ends, Proposals};

/// The rows, packed.
pub(super) struct Packed<'a> {
    pub points: &'a Points<'a>,
    pub tiles: Proposals<'a>,
    /// Rows of integers, which are so short that they are kept: rows of other numbers are packed whenever they are needed.
    rows: Option<Rows>,
}

impl<'a> Packed<'a> {
    /// Packs the rows in this order. O(n d).
    pub fn new(isa: Isa, points: &'a Points<'a>, order: &[u32]) -> Packed<'a> {
        if !isa.is_int8() {
            return Packed {
                points,
                tiles: Proposals::whole(isa, points, order.to_vec()),
                rows: None,
            };
        }
        let rows = Rows::pack_with(isa, order.len(), points.dims(), |place, out| {
            points.working_row(isa, order[place] as usize, out);
        });
        Packed {
            points,
            tiles: Proposals::of_rows(isa, points, order.to_vec(), &rows),
            rows: Some(rows),
        }
    }

    /// The instructions and numbers of products.
    pub fn isa(&self) -> Isa {
        self.tiles.isa
    }

    /// What proposals are worth.
    pub fn ends(&self) -> &Ends<'a> {
        &self.tiles.ends
    }

    /// Fills a block with the rows at some places.
    pub fn fill(&self, places: &[u32], block: &mut Block, staging: &mut Vec<f32>) {
        match &self.rows {
            Some(rows) => rows.fill(places, block),
            None => {
                let rows = places.iter().map(|&at| self.ends().order[at as usize]);
                let rows = rows.map(|row| row as usize);
                self.points.block(rows, self.isa(), block, staging);
            }
        }
    }

    /// The lower ends' parts of some places, padding included.
    pub fn lows(&self, places: Range<usize>) -> &[f32] {
        &self.ends().low[places]
    }
}
