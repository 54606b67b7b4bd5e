//! What the neighbour lists prove about the spanning tree.
//!
//! A row's list ends at some distance; whatever is not listed is at least that far. So if a component's shortest listed
//! edge to the outside is no longer than the ends of all its rows' lists, it is its shortest edge at all, and Borůvka's
//! rule lets it into the tree. Components without that proof wait; others may join them.

use rayon::prelude::*;

use super::edges::{Edge, Groups};
use crate::context::{Cancelled, Step};

/// The neighbour lists under mutual reachability; weights are squared distances of the rows kept.
#[derive(Debug)]
pub(super) struct Lists {
    /// Neighbours a row.
    pub k: usize,
    /// Row after row, nearest first.
    pub neighbors: Vec<u32>,
    /// Squared distances, stretched by alpha.
    pub stretched: Vec<f32>,
    /// Squared core distance of each row.
    pub core: Vec<f32>,
    /// What no unlisted neighbour of a row is nearer than; infinite where all are listed, or where lists are believed.
    pub end: Vec<f32>,
    /// How many of a row's nearest neighbours are known to be in its component: components only grow.
    pub inside: Vec<u32>,
}

impl Lists {
    /// The weight of an edge whose stretched squared distance is known.
    pub fn weight(&self, a: u32, b: u32, stretched: f32) -> f32 {
        stretched
            .max(self.core[a as usize])
            .max(self.core[b as usize])
    }

    /// Each row's shortest listed edge out of its component.
    fn outgoing(&mut self, of: &[u32]) -> Vec<Edge> {
        let mut inside = std::mem::take(&mut self.inside);
        let rows = inside.par_iter_mut().enumerate().with_min_len(256);
        let edges = rows.map(|(row, inside)| {
            let (mut best, list) = (Edge::NONE, row * self.k..(row + 1) * self.k);
            *inside += self.neighbors[list.clone()][*inside as usize..]
                .iter()
                .take_while(|other| of[**other as usize] == of[row])
                .count() as u32;
            for at in list.skip(*inside as usize) {
                // No edge of the row is shorter than its core distance: of equals the nearest will do.
                if self.stretched[at] > best.weight || best.weight <= self.core[row] {
                    break;
                }
                let other = self.neighbors[at];
                if of[other as usize] != of[row] {
                    let weight = self.weight(row as u32, other, self.stretched[at]);
                    best.improve(Edge::new(weight, row as u32, other));
                }
            }
            best
        });
        let edges = edges.collect();
        self.inside = inside;
        edges
    }

    /// The shortest listed edge out of each component (dense numbers), and whether it is proven the shortest of all.
    pub fn shortest(&mut self, of: &[u32], components: usize) -> (Vec<Edge>, Vec<bool>) {
        let outgoing = self.outgoing(of);
        let mut best = vec![Edge::NONE; components];
        let mut end = vec![f32::INFINITY; components];
        for (row, edge) in outgoing.iter().enumerate() {
            let component = of[row] as usize;
            best[component].improve(*edge);
            end[component] = end[component].min(self.end[row]);
            // The other end's component may not list it.
            if edge.a != u32::MAX {
                let other = if edge.a as usize == row {
                    edge.b
                } else {
                    edge.a
                };
                best[of[other as usize] as usize].improve(*edge);
            }
        }
        let proven = best
            .iter()
            .zip(&end)
            .map(|(edge, end)| edge.weight <= *end)
            .collect();
        (best, proven)
    }

    /// Joins components as long as the lists prove edges.
    pub fn join(
        &mut self,
        groups: &mut Groups,
        tree: &mut Vec<Edge>,
        step: &Step<'_>,
    ) -> Result<(), Cancelled> {
        loop {
            step.tick(0)?;
            let of = groups.dense();
            let before = groups.count();
            let (best, proven) = self.shortest(&of, before);
            for (edge, _) in best.iter().zip(&proven).filter(|(_, proven)| **proven) {
                groups.add(*edge, tree);
            }
            if groups.count() == before || groups.count() <= 1 {
                return Ok(());
            }
        }
    }
}
