//! Many coordinates: bounds for groups of centres, which mostly spare the long products.

use super::assign::Known;
use super::centers::{Centers, Moves, Order};
use super::lloyd::{Assign, Start};
use super::rows::Rows;
use crate::context::{Cancelled, Step};

/// Rows and centres with one bound for each row and group of centres ([`Known`]).
pub(super) struct Grouped<'a> {
    rows: &'a Rows<'a>,
    centers: Centers,
    order: Order,
    known: Known,
    moves: Option<Moves>,
}

impl<'a> Grouped<'a> {
    pub fn new(rows: &'a Rows<'a>, start: Start) -> Grouped<'a> {
        let (n, dims) = (rows.len(), rows.dims());
        let order = Order::near(&start.centers, dims, n);
        Grouped {
            rows,
            centers: Centers::new(rows.isa, start.centers, dims, &order, rows.usual),
            known: match start.nearest {
                Some((labels, squared)) => Known::nearest(labels, &squared, dims, &order),
                None => Known::new(n, &order),
            },
            order,
            moves: None,
        }
    }
}

impl Assign for Grouped<'_> {
    fn labels(&self) -> &[u32] {
        &self.known.labels
    }

    fn centers(&self) -> &[f32] {
        &self.centers.rows
    }

    fn update(&mut self, step: &Step<'_>) -> Result<Vec<(u32, u32)>, Cancelled> {
        self.known.update(
            self.rows,
            &self.centers,
            &self.order,
            self.moves.as_ref(),
            step,
        )
    }

    fn follow(&mut self, next: Vec<f32>) {
        let (n, dims) = (self.rows.len(), self.rows.dims());
        if self.moves.is_none() {
            // No bound outlives the first move, so nothing is lost by an order that fits better.
            self.order = Order::near(&next, dims, n);
            self.known.regroup(&self.order);
        }
        self.moves = Some(Moves::new(&self.centers.rows, &next, dims, &self.order));
        self.centers = Centers::new(self.rows.isa, next, dims, &self.order, self.rows.usual);
    }

    fn end(self) -> (Vec<u32>, Vec<f32>) {
        (self.known.labels, self.centers.rows)
    }
}
