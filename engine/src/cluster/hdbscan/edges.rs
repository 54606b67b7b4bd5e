//! Edges with a total order, and groups of rows that edges join.

use std::cmp::Ordering;

use rayon::prelude::*;

/// An edge between two rows, `a < b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    pub weight: f32,
    pub a: u32,
    pub b: u32,
}

impl Edge {
    /// An edge between two rows in either order.
    pub fn new(weight: f32, a: u32, b: u32) -> Edge {
        Edge {
            weight,
            a: a.min(b),
            b: a.max(b),
        }
    }

    /// Longer than every edge.
    pub const NONE: Edge = Edge {
        weight: f32::INFINITY,
        a: u32::MAX,
        b: u32::MAX,
    };

    /// By weight, then lower row, then higher row: ties do not depend on who met an edge first.
    pub fn compare(&self, other: &Edge) -> Ordering {
        self.weight
            .total_cmp(&other.weight)
            .then(self.a.cmp(&other.a))
            .then(self.b.cmp(&other.b))
    }

    /// Keeps the shorter of two.
    pub fn improve(&mut self, other: Edge) {
        if other.compare(self) == Ordering::Less {
            *self = other;
        }
    }
}

/// Rows in groups that grow together: union-find by size with path halving (Tarjan 1975).
#[derive(Debug)]
pub(super) struct Groups {
    parent: Vec<u32>,
    size: Vec<u32>,
    count: usize,
}

impl Groups {
    /// Every row a group of its own.
    pub fn new(n: usize) -> Groups {
        Groups {
            parent: (0..n as u32).collect(),
            size: vec![1; n],
            count: n,
        }
    }

    /// The group a row is in: one of its rows.
    pub fn of(&mut self, mut row: u32) -> u32 {
        while self.parent[row as usize] != row {
            let up = self.parent[row as usize];
            self.parent[row as usize] = self.parent[up as usize];
            row = up;
        }
        row
    }

    /// Joins the groups of two rows; returns the group made.
    pub fn join(&mut self, a: u32, b: u32) -> u32 {
        let (mut a, mut b) = (self.of(a), self.of(b));
        if a == b {
            return a;
        }
        if self.size[a as usize] < self.size[b as usize] {
            (a, b) = (b, a);
        }
        self.parent[b as usize] = a;
        self.size[a as usize] += self.size[b as usize];
        self.count -= 1;
        a
    }

    /// Adds an edge if it joins two groups.
    pub fn add(&mut self, edge: Edge, tree: &mut Vec<Edge>) {
        if edge.a != u32::MAX && self.of(edge.a) != self.of(edge.b) {
            self.join(edge.a, edge.b);
            tree.push(edge);
        }
    }

    /// The number of groups.
    pub fn count(&self) -> usize {
        self.count
    }

    /// For each row the number of its group, dense, in the order of the groups' first rows. O(n log n), less as groups grow.
    pub fn dense(&mut self) -> Vec<u32> {
        let parent = &self.parent;
        let root = |mut row: u32| {
            while parent[row as usize] != row {
                row = parent[row as usize];
            }
            row
        };
        let rows = (0..parent.len() as u32).into_par_iter().with_min_len(2048);
        let mut of: Vec<u32> = rows.map(root).collect();
        self.parent.copy_from_slice(&of);
        let mut number = vec![u32::MAX; of.len()];
        let mut next = 0;
        for group in &mut of {
            let number = &mut number[*group as usize];
            if *number == u32::MAX {
                *number = next;
                next += 1;
            }
            *group = *number;
        }
        of
    }
}
