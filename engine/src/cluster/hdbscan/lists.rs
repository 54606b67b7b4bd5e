//! What the neighbour lists prove about the spanning tree.
//!
//! A row's list ends at some distance; whatever is not listed is at least that far. So if a component's shortest listed
//! edge to the outside is no longer than the ends of all its rows' lists, it is its shortest edge at all, and Borůvka's
//! rule lets it into the tree. Components without that proof wait; others may join them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

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
    /// What is known of each row from earlier rounds: components only grow. Empty before the first.
    pub known: Vec<Known>,
}

/// What rounds find out about a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// How many of its nearest neighbours are in its component.
    inside: u32,
    /// Its shortest listed edge out of its component, as long as it leaves it; [`Edge::NONE`] where none is listed.
    edge: Edge,
}

impl Lists {
    /// The weight of an edge whose stretched squared distance is known.
    pub fn weight(&self, a: u32, b: u32, stretched: f32) -> f32 {
        stretched
            .max(self.core[a as usize])
            .max(self.core[b as usize])
    }

    /// A row's shortest listed edge out of its component; of equals the nearest.
    fn outgoing(&self, row: usize, known: &mut Known, of: &[u32]) -> Edge {
        let leaves = |edge: Edge| of[edge.a as usize] != of[edge.b as usize];
        if known.edge.a == u32::MAX || leaves(known.edge) {
            return known.edge;
        }
        let (mut best, list) = (Edge::NONE, row * self.k..(row + 1) * self.k);
        known.inside += self.neighbors[list.clone()][known.inside as usize..]
            .iter()
            .take_while(|other| of[**other as usize] == of[row])
            .count() as u32;
        for at in list.skip(known.inside as usize) {
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
        known.edge = best;
        best
    }

    /// The shortest listed edge out of each component (dense numbers), and whether it is proven the shortest of all. Of equals
    /// the one that the lowest row lists.
    pub fn shortest(&mut self, of: &[u32], components: usize) -> (Vec<Edge>, Vec<bool>) {
        let none = (u64::from(f32::INFINITY.to_bits()) << 32) | u64::from(u32::MAX);
        // Weights are not negative, so that their bits order as they do; below them the row that lists the edge.
        let best: Vec<AtomicU64> = (0..components).map(|_| AtomicU64::new(none)).collect();
        let end: Vec<AtomicU32> = (0..components)
            .map(|_| AtomicU32::new(f32::INFINITY.to_bits()))
            .collect();
        let mut known = std::mem::take(&mut self.known);
        if known.is_empty() {
            // An edge from a row to itself leaves nothing.
            let own = (0..of.len() as u32).map(|row| Known {
                inside: 0,
                edge: Edge::new(0.0, row, row),
            });
            known = own.collect();
        }
        let rows = known.par_iter_mut().enumerate().with_min_len(256);
        rows.for_each(|(row, known)| {
            let edge = self.outgoing(row, known, of);
            let own = of[row] as usize;
            let bits = self.end[row].to_bits();
            if bits < end[own].load(Ordering::Relaxed) {
                end[own].fetch_min(bits, Ordering::Relaxed);
            }
            if edge.a != u32::MAX {
                let key = (u64::from(edge.weight.to_bits()) << 32) | row as u64;
                // The other end's component may not list it.
                for end in [edge.a, edge.b] {
                    let best = &best[of[end as usize] as usize];
                    if key < best.load(Ordering::Relaxed) {
                        best.fetch_min(key, Ordering::Relaxed);
                    }
                }
            }
        });
        let found = best.into_iter().zip(end).map(|(best, end)| {
            let row = best.into_inner() as u32 as usize;
            let edge = known.get(row).map_or(Edge::NONE, |known| known.edge);
            (edge, edge.weight <= f32::from_bits(end.into_inner()))
        });
        let found = found.unzip();
        self.known = known;
        found
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
