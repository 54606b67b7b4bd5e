//! The shortest edge out of each component by descending a kd-tree from both ends.
//!
//! Two nodes are left alone when all their rows are in one component, or when their boxes or core distances are at
//! least as far apart as the shortest edge that the first one's component has so far (March, Ram, Gray 2010). Of edges
//! of one weight any may be kept: the tree's weights, and with them the joins at every distance, are the same.

use rayon::prelude::*;

use super::super::edges::Edge;
use super::super::lists::Lists;
use super::between::Between;
use crate::context::{Cancelled, Step};
use crate::linalg::{Isa, LEAF, leaf_outside};
use crate::neighbors::KdTree;

/// A node's component where its rows are in several.
const SEVERAL: u32 = u32::MAX;
/// Leaves that one task descends for.
const TASK: u32 = 32;

/// What does not change from round to round.
#[derive(Debug)]
pub(super) struct Descent<'a> {
    isa: Isa,
    tree: &'a KdTree,
    stretch: f32,
    /// The squared core distance of each place; infinite where there is no row.
    core: Vec<f32>,
    /// The least core distance in each node.
    least_core: Vec<f32>,
}

/// One round.
struct Round<'a> {
    descent: &'a Descent<'a>,
    /// The component of each place.
    of: Vec<u32>,
    /// The component of each node, or [`SEVERAL`].
    component: Vec<u32>,
    /// For each node the longest of its components' shortest edges when the round began.
    limit: Vec<f32>,
    between: Between,
}

impl<'a> Descent<'a> {
    /// Prepares for rounds over the rows of `tree`.
    pub fn new(isa: Isa, tree: &'a KdTree, lists: &Lists, stretch: f32) -> Descent<'a> {
        let core: Vec<f32> = tree
            .order()
            .iter()
            .map(|row| {
                lists
                    .core
                    .get(*row as usize)
                    .map_or(f32::INFINITY, |core| *core)
            })
            .collect();
        let least_core = upwards(
            tree,
            |leaf| {
                core[leaf * LEAF..][..LEAF]
                    .iter()
                    .copied()
                    .fold(f32::INFINITY, f32::min)
            },
            f32::min,
        );
        Descent {
            isa,
            tree,
            stretch,
            core,
            least_core,
        }
    }

    /// The shortest edge out of each component, where `of` has each row's component and `known` an edge of each, or none.
    pub fn shortest(
        &self,
        of: &[u32],
        mut known: Vec<Edge>,
        step: &Step<'_>,
    ) -> Result<Vec<Edge>, Cancelled> {
        self.join_places(of, &mut known);
        let of: Vec<u32> = self
            .tree
            .order()
            .iter()
            .map(|row| of.get(*row as usize).map_or(SEVERAL, |of| *of))
            .collect();
        let one = |leaf: usize| {
            let of = &of[leaf * LEAF..][..LEAF];
            // Places without a row are at the end of the last leaf and count for nothing.
            let all = of.iter().all(|other| *other == of[0] || *other == SEVERAL);
            if all { of[0] } else { SEVERAL }
        };
        let component = upwards(self.tree, one, |a, b| if a == b { a } else { SEVERAL });
        let longest = |leaf: usize| {
            of[leaf * LEAF..][..LEAF]
                .iter()
                .filter(|of| **of != SEVERAL)
                .map(|of| known[*of as usize].weight)
                .fold(0.0, f32::max)
        };
        let limit = upwards(self.tree, longest, f32::max);
        let round = Round {
            descent: self,
            of,
            component,
            limit,
            between: Between::out_of_each(known),
        };
        self.tasks().into_par_iter().try_for_each(|node| {
            step.tick(1)?;
            round.descend(node, 0, self.tree.between(node, 0));
            Ok(())
        })?;
        Ok(round.between.into_edges())
    }

    /// Gives each component that has no edge one to a row at a neighbouring place, so that every search has an end.
    fn join_places(&self, of: &[u32], known: &mut [Edge]) {
        if known.iter().all(|edge| edge.a != u32::MAX) {
            return;
        }
        let lacks: Vec<bool> = known.iter().map(|edge| edge.a == u32::MAX).collect();
        for (place, pair) in self.tree.order().windows(2).enumerate() {
            let (Some(&from), Some(&to)) = (of.get(pair[0] as usize), of.get(pair[1] as usize))
            else {
                break;
            };
            if from == to || !(lacks[from as usize] || lacks[to as usize]) {
                continue;
            }
            let row = |place: usize| self.tree.row(place / LEAF, place % LEAF);
            let squared = crate::linalg::squared_distance(&row(place), &row(place + 1));
            let weight = (squared * self.stretch)
                .max(self.core[place])
                .max(self.core[place + 1]);
            let edge = Edge::new(weight, pair[0], pair[1]);
            known[from as usize].improve(edge);
            known[to as usize].improve(edge);
        }
    }

    /// Nodes of at most [`TASK`] leaves that together hold all rows.
    fn tasks(&self) -> Vec<usize> {
        let mut tasks = Vec::new();
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            if self.tree.nodes()[node].leaves <= TASK {
                tasks.push(node);
            } else {
                open.extend(self.tree.children(node));
            }
        }
        tasks.sort_unstable();
        tasks
    }
}

/// A value for each node, from its leaves upwards.
fn upwards<T: Copy>(tree: &KdTree, leaf: impl Fn(usize) -> T, join: impl Fn(T, T) -> T) -> Vec<T> {
    let mut values: Vec<T> = vec![leaf(0); tree.nodes().len()];
    for (node, place) in tree.nodes().iter().enumerate().rev() {
        values[node] = match place.leaf() {
            Some(at) => leaf(at),
            None => {
                let [left, right] = tree.children(node);
                join(values[left], values[right])
            }
        };
    }
    values
}

impl Round<'_> {
    /// What an edge out of a node must be shorter than to be of interest.
    fn limit(&self, node: usize) -> f32 {
        match self.component[node] {
            SEVERAL => self.limit[node],
            one => self.between.limit(one, one),
        }
    }

    /// Looks for edges from the rows of `node` to those of `other`, whose boxes are `apart` (squared).
    fn descend(&self, node: usize, other: usize, apart: f32) {
        let tree = self.descent.tree;
        if self.component[node] != SEVERAL && self.component[node] == self.component[other] {
            return;
        }
        let core = &self.descent.least_core;
        let floor = (apart * self.descent.stretch)
            .max(core[node])
            .max(core[other]);
        if floor >= self.limit(node) {
            return;
        }
        let (own, its) = (tree.nodes()[node], tree.nodes()[other]);
        match (own.leaf(), its.leaf()) {
            (Some(own), Some(its)) => self.meet(own, its, other),
            (own_leaf, None) if own_leaf.is_some() || its.leaves >= own.leaves => {
                let mut children = tree
                    .children(other)
                    .map(|child| (tree.between(node, child), child));
                if children[1].0 < children[0].0 {
                    children.swap(0, 1);
                }
                for (apart, child) in children {
                    self.descend(node, child, apart);
                }
            }
            _ => {
                for child in tree.children(node) {
                    self.descend(child, other, tree.between(child, other));
                }
            }
        }
    }

    /// Looks for edges between the rows of two leaves.
    fn meet(&self, own: usize, its: usize, node: usize) {
        let Descent {
            isa,
            tree,
            stretch,
            core,
            ..
        } = self.descent;
        let there = its * LEAF..(its + 1) * LEAF;
        for lane in 0..LEAF {
            let place = own * LEAF + lane;
            let component = self.of[place];
            if component == SEVERAL {
                break;
            }
            let limit = self.between.limit(component, component);
            if core[place] >= limit {
                continue;
            }
            let row = tree.row(own, lane);
            let row = &row[..tree.dims()];
            if tree.to_row(node, row) * stretch >= limit {
                continue;
            }
            let (weight, lane) = leaf_outside(
                *isa,
                row,
                tree.leaf(its),
                (*stretch, core[place], component),
                &core[there.clone()],
                &self.of[there.clone()],
            );
            if weight < limit {
                let edge = Edge::new(
                    weight,
                    tree.order()[place],
                    tree.order()[there.start + lane],
                );
                self.between.improve(component, component, edge);
            }
        }
    }
}
