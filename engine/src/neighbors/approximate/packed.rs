//! All rows packed for products in the order of their cells, with what turns products into safe proposals.

use super::cells::Cells;
use crate::linalg::{Isa, LANES, Panels, bound};
use crate::neighbors::Points;

/// The rows, packed.
pub(super) struct Packed<'a> {
    pub isa: Isa,
    pub points: &'a Points<'a>,
    pub panels: Panels,
    /// `(1 - e) norm` for each row, infinite for padding: with it a proposal is its own lower end.
    pub offsets: Vec<f32>,
    /// The relative part of the bound.
    e: f32,
    /// The largest squared length of a row.
    longest: f32,
}

impl<'a> Packed<'a> {
    /// Packs the rows. O(n d).
    pub fn new(isa: Isa, points: &'a Points<'a>, cells: &Cells) -> Packed<'a> {
        let panels = points.panels(isa, |at| cells.order[at] as usize);
        let e = bound::relative(points.dims(), panels.moved(), panels.moved());
        let longest = panels.norms().iter().copied().fold(0.0, f32::max);
        let mut offsets: Vec<f32> = panels.norms().iter().map(|norm| (1.0 - e) * norm).collect();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Packed {
            isa,
            points,
            panels,
            offsets,
            e,
            longest,
        }
    }

    /// How far the exact distance from the row at this place may lie above a proposal's lower end.
    pub fn margin(&self, place: u32) -> f32 {
        let norm = self.panels.norms()[place as usize];
        // The factor covers the rounding of the offsets and of this product.
        2.0 * 1.001 * (self.e * (norm + self.longest) + bound::floor(self.points.dims()))
    }
}
