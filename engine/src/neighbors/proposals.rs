//! Rows packed for products in some order, and what makes safe proposals of the products.
//!
//! The squared distance of two rows is at least `low[a] + low[b] - 2 p` and at most that plus twice both shares. Every row
//! has a share of its own, so one that was rounded badly makes only its own pairs unsure. Rows are packed whole, or by the
//! few directions of a [`Head`], which give a lower end only.

use std::borrow::Cow;
use std::ops::Range;

use super::Points;
use super::head::Head;
use crate::linalg::{Block, Isa, LANES, Panels, Rows, bound};

/// Added to each row's share for the roundings of the comparisons that are made with it, as a part of its squared length.
const COMPARING: f32 = 16.0 / (1 << 24) as f32;

/// The ends of proposals, by places in an order of rows.
#[derive(Debug)]
pub(crate) struct Ends<'a> {
    points: &'a Points<'a>,
    /// The row at each place.
    pub order: Cow<'a, [u32]>,
    /// The squared length less the share; infinite for padding.
    pub low: Vec<f32>,
    /// The row's part of the bound.
    pub share: Vec<f32>,
}

impl<'a> Ends<'a> {
    /// Those of rows with these squared lengths, of which packing moved each by a share of its length.
    pub fn new(
        points: &'a Points<'a>,
        order: impl Into<Cow<'a, [u32]>>,
        norms: &[f32],
        moves: &[f32],
        usual: f32,
    ) -> Ends<'a> {
        let floor = bound::floor(points.dims());
        let share = norms.iter().zip(moves).map(|(&norm, &moved)| {
            bound::share(points.dims(), norm, moved, usual) + COMPARING * norm + floor
        });
        let share: Vec<f32> = share.collect();
        let low = norms.iter().zip(&share).map(|(norm, share)| norm - share);
        let mut low: Vec<f32> = low.collect();
        low.resize(low.len().next_multiple_of(LANES), f32::INFINITY);
        Ends {
            points,
            order: order.into(),
            low,
            share,
        }
    }

    /// The squared distance of the rows kept that decides, and the second row.
    pub fn exact(&self, place: usize, other: usize) -> (f32, u32) {
        let row = self.order[other];
        let squared = self
            .points
            .squared(self.order[place] as usize, row as usize);
        (squared, row)
    }

    /// As [`Ends::exact`], of up to four rows at once.
    pub fn exact_of_some(&self, place: usize, others: &[(f32, u32)], out: &mut [(f32, u32); 4]) {
        let own = self.order[place] as usize;
        let rows: [u32; 4] = std::array::from_fn(|at| {
            let at = at.min(others.len() - 1);
            self.order[others[at].1 as usize]
        });
        let squared = match others.len() {
            4 => self.points.squared_of_four(own, rows),
            some => {
                let mut squared = [0.0; 4];
                for (squared, row) in squared.iter_mut().zip(&rows).take(some) {
                    *squared = self.points.squared(own, *row as usize);
                }
                squared
            }
        };
        *out = std::array::from_fn(|at| (squared[at], rows[at]));
    }

    /// The limit in working units that belongs to an exact squared distance: no lower end of a pair that is as near is beyond.
    pub fn limit(&self, squared: f32) -> f32 {
        let working = f64::from(squared) * self.points.squared_scale();
        let floor = f64::from(bound::floor(self.points.dims()));
        (working * (1.0 + 1e-6) + floor).min(f64::from(f32::MAX)) as f32
    }
}

/// Rows packed in an order.
#[derive(Debug)]
pub(crate) struct Proposals<'a> {
    pub isa: Isa,
    points: &'a Points<'a>,
    head: Option<&'a Head>,
    pub panels: Panels,
    pub ends: Ends<'a>,
}

impl<'a> Proposals<'a> {
    /// Whole rows. O(n d).
    pub fn whole(
        isa: Isa,
        points: &'a Points<'a>,
        order: impl Into<Cow<'a, [u32]>>,
    ) -> Proposals<'a> {
        let order = order.into();
        let panels = points.panels_of(isa, &order);
        let usual = panels.usual_move();
        let ends = Ends::new(points, order, panels.norms(), panels.moves(), usual);
        Proposals {
            isa,
            points,
            head: None,
            panels,
            ends,
        }
    }

    /// Whole rows that are packed already, as integers. O(n d), but only to bring them into panels.
    pub fn of_rows(
        isa: Isa,
        points: &'a Points<'a>,
        order: impl Into<Cow<'a, [u32]>>,
        rows: &Rows,
    ) -> Proposals<'a> {
        Proposals {
            isa,
            points,
            head: None,
            panels: rows.panels(),
            ends: Ends::new(points, order, rows.norms(), rows.moves(), rows.usual_move()),
        }
    }

    /// The directions of a head: lower ends only. O(n h).
    pub fn of_head(
        isa: Isa,
        points: &'a Points<'a>,
        head: &'a Head,
        order: &'a [u32],
    ) -> Proposals<'a> {
        Proposals {
            isa,
            points,
            head: Some(head),
            panels: head.panels(isa, order),
            ends: head.ends(points, order),
        }
    }

    /// Fills a block with the rows at some places.
    pub fn block(&self, places: Range<usize>, block: &mut Block, staging: &mut Vec<f32>) {
        let rows = &self.ends.order[places];
        match self.head {
            None => {
                let rows = rows.iter().map(|&row| row as usize);
                self.points.block(rows, self.isa, block, staging);
            }
            Some(head) => head.fill(rows, block),
        }
    }
}
