//! The shortest edges between components so far, and what they make of longer ones.
//!
//! Either one edge for every two components, or one out of each. Between two components that others connect, no edge is of
//! interest that is longer than the longest step of the best way known: it is in no tree. Threads read the bounds without a lock and
//! may see one that is a little too wide, which costs time and changes nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::edges::Edge;
use super::super::lists::Lists;

/// The shortest edges so far, and which pairs of components share one.
#[derive(Debug)]
pub(super) struct Between {
    /// Components in a table of all pairs; `None` for one edge out of each component.
    table: Option<usize>,
    best: Vec<Mutex<Edge>>,
    /// The bits of the weights beyond which no edge is of interest, the best edges' or less: not negative, so that their
    /// order is that of the numbers.
    weight: Vec<AtomicU32>,
}

impl Between {
    /// An edge between every two of `components`, starting from those that the lists hold. O(n k + components²).
    pub fn every_two(components: usize, lists: &Lists, of: &[u32]) -> Between {
        let between = Between::filled(Some(components), vec![Edge::NONE; components * components]);
        for (row, list) in lists.neighbors.chunks(lists.k.max(1)).enumerate() {
            for (at, &other) in list.iter().enumerate() {
                let (from, to) = (of[row], of[other as usize]);
                if from != to {
                    let stretched = lists.stretched[row * lists.k + at];
                    let weight = lists.weight(row as u32, other, stretched);
                    if weight <= between.limit(from, to) {
                        between.improve(from, to, Edge::new(weight, row as u32, other));
                    }
                }
            }
        }
        between.narrow(components);
        between
    }

    /// Limits each pair of components to the longest step of the best known way between them (Prim's rule): by the rule of
    /// cycles, no longer edge is in the tree.
    fn narrow(&self, components: usize) {
        let mut ways = vec![0.0_f32; components * components];
        let mut near: Vec<(f32, usize)> = (0..components)
            .map(|to| (self.limit(0, to as u32), 0))
            .collect();
        let mut inside = vec![0_usize];
        let mut outside: Vec<usize> = (1..components).collect();
        while let Some(at) =
            (0..outside.len()).min_by(|&a, &b| near[outside[a]].0.total_cmp(&near[outside[b]].0))
        {
            let next = outside.swap_remove(at);
            let (step, from) = near[next];
            for &other in &inside {
                let way = ways[from * components + other].max(step);
                ways[next * components + other] = way;
                ways[other * components + next] = way;
                let pair = next.min(other) * components + next.max(other);
                self.weight[pair].fetch_min(way.to_bits(), Ordering::Relaxed);
            }
            inside.push(next);
            for &other in &outside {
                let weight = self.best_weight(next, other, components);
                if weight < near[other].0 {
                    near[other] = (weight, next);
                }
            }
        }
    }

    /// The weight of the best edge between two components, before any limit.
    fn best_weight(&self, a: usize, b: usize, components: usize) -> f32 {
        let best = &self.best[a.min(b) * components + a.max(b)];
        best.lock().unwrap_or_else(PoisonError::into_inner).weight
    }

    /// For each component the greatest weight of interest of an edge that leaves it.
    pub fn most(&self, components: usize) -> Vec<f32> {
        match self.table {
            Some(_) => (0..components as u32)
                .map(|a| {
                    let others = (0..components as u32).filter(|&b| b != a);
                    others.map(|b| self.limit(a, b)).fold(0.0, f32::max)
                })
                .collect(),
            None => {
                let all = (0..components as u32).map(|a| self.limit(a, a));
                vec![all.fold(0.0, f32::max); components]
            }
        }
    }

    /// An edge out of each component, starting from known ones.
    pub fn out_of_each(known: Vec<Edge>) -> Between {
        Between::filled(None, known)
    }

    fn filled(table: Option<usize>, best: Vec<Edge>) -> Between {
        let weight = best
            .iter()
            .map(|edge| AtomicU32::new(edge.weight.to_bits()))
            .collect();
        Between {
            table,
            best: best.into_iter().map(Mutex::new).collect(),
            weight,
        }
    }

    /// The greatest weight an edge between two components may have to be of interest.
    pub fn limit(&self, a: u32, b: u32) -> f32 {
        let read = |at: usize| f32::from_bits(self.weight[at].load(Ordering::Relaxed));
        match self.table {
            Some(components) => read(a.min(b) as usize * components + a.max(b) as usize),
            None => read(a as usize).max(read(b as usize)),
        }
    }

    /// Takes an edge between two components into account; whether it was an improvement.
    pub fn improve(&self, a: u32, b: u32, edge: Edge) -> bool {
        let at = |at: usize| {
            let mut best = self.best[at].lock().unwrap_or_else(PoisonError::into_inner);
            let before = *best;
            best.improve(edge);
            self.weight[at].fetch_min(edge.weight.to_bits(), Ordering::Relaxed);
            *best != before
        };
        match self.table {
            Some(components) => at(a.min(b) as usize * components + a.max(b) as usize),
            None if a == b => at(a as usize),
            None => at(a as usize) | at(b as usize),
        }
    }

    /// The edges found.
    pub fn into_edges(self) -> Vec<Edge> {
        let best = self
            .best
            .into_iter()
            .map(|edge| edge.into_inner().unwrap_or_else(PoisonError::into_inner));
        best.filter(|edge| edge.a != u32::MAX).collect()
    }
}
