//! The tree of single linkage: the spanning tree's edges, shortest first, each joining two groups.

use rayon::prelude::*;

use super::edges::{Edge, Groups};

/// One joining of two nodes. Nodes below `n` are rows; joining `i` makes node `n + i`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Join {
    pub left: u32,
    pub right: u32,
    pub distance: f64,
    pub size: u32,
}

/// Joins the rows along the edges of a spanning tree, shortest first, of equals in the order given. O(n log n).
pub(super) fn single(n: usize, edges: &[Edge]) -> Vec<Join> {
    // Weights are not negative, so that their bits order as they do.
    let key = |(at, edge): (usize, &Edge)| (u64::from(edge.weight.to_bits()) << 32) | at as u64;
    let mut order: Vec<u64> = edges.iter().enumerate().map(key).collect();
    order.par_sort_unstable();
    let mut groups = Groups::new(n);
    let mut node: Vec<u32> = (0..n as u32).collect();
    let mut size = vec![1_u32; n];
    let mut joins = Vec::with_capacity(order.len());
    for key in order {
        let edge = edges[key as u32 as usize];
        let (a, b) = (groups.of(edge.a), groups.of(edge.b));
        let join = Join {
            left: node[a as usize],
            right: node[b as usize],
            distance: f64::from(edge.weight),
            size: size[a as usize] + size[b as usize],
        };
        let root = groups.join(a, b) as usize;
        node[root] = (n + joins.len()) as u32;
        size[root] = join.size;
        joins.push(join);
    }
    joins
}
