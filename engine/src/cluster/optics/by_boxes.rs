//! The order of visits where a kd-tree tells rows apart.
//!
//! Every visited row keeps the one row, of those not visited, that it would reach first. The least of all of these is the
//! next visit, because what a row would reach only moves away as others are visited: an entry is looked up anew only when
//! it comes to the top of the heap and its row is gone. Boxes without rows to visit are passed by.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::order::Graph;
use crate::context::{Cancelled, Context};
use crate::linalg::{Isa, LEAF, leaf_below};
use crate::neighbors::{KdTree, Metric, Points, squared_for};

/// Covers the roundings of comparisons.
const SLACK: f64 = 1e-6;

/// What is looked up again and again.
struct Visits<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    tree: &'a KdTree,
    metric: Metric,
    max_eps: f64,
    /// Where each row is in the tree.
    place: Vec<u32>,
    /// Rows to visit in each node.
    waiting: Vec<u32>,
    /// The lowest row of each node.
    lowest: Vec<u32>,
    visited: Vec<bool>,
    open: Vec<(usize, f32)>,
    found: Vec<u64>,
}

/// Visits all rows of the tree. About O(n log n) searches where neighbourhoods are of one size.
pub(super) fn visit_all(
    isa: Isa,
    points: &Points<'_>,
    tree: &KdTree,
    metric: Metric,
    core_distances: Vec<f32>,
    max_eps: f64,
    context: &Context,
) -> Result<Graph, Cancelled> {
    let n = points.len();
    let mut place = vec![0; n];
    for (at, &row) in tree.order().iter().enumerate() {
        if let Some(place) = place.get_mut(row as usize) {
            *place = at as u32;
        }
    }
    let rows_of = |leaf: usize| {
        let rows = &tree.order()[leaf * LEAF..][..LEAF];
        rows.iter().copied().filter(|&row| row != u32::MAX)
    };
    let nodes = tree.nodes();
    let (mut waiting, mut lowest) = (vec![0; nodes.len()], vec![u32::MAX; nodes.len()]);
    for (node, its) in nodes.iter().enumerate().rev() {
        (waiting[node], lowest[node]) = match its.leaf() {
            Some(leaf) => (
                rows_of(leaf).count() as u32,
                rows_of(leaf).min().unwrap_or(u32::MAX),
            ),
            None => {
                let [left, right] = tree.children(node);
                (
                    waiting[left] + waiting[right],
                    lowest[left].min(lowest[right]),
                )
            }
        };
    }
    let mut visits = Visits {
        isa,
        points,
        tree,
        metric,
        max_eps,
        place,
        waiting,
        lowest,
        visited: vec![false; n],
        open: Vec::new(),
        found: Vec::new(),
    };
    let mut graph = Graph {
        ordering: Vec::with_capacity(n),
        core_distances,
        reachability: vec![f32::INFINITY; n],
        predecessor: vec![None; n],
    };
    let step = context.step("visit rows", n as u64);
    // Reach (its bits: not negative), row reached, when the row that reaches was visited.
    let mut heap: BinaryHeap<Reverse<(u32, u32, u32)>> = BinaryHeap::new();
    let mut first = 0;
    while graph.ordering.len() < n {
        let row = match heap.pop() {
            Some(Reverse((reach, row, by))) => {
                let from = graph.ordering[by as usize];
                let gone = visits.visited[row as usize];
                if !gone {
                    graph.reachability[row as usize] = f32::from_bits(reach);
                    graph.predecessor[row as usize] = Some(from);
                    visits.visit(row);
                }
                let core = graph.core_distances[from as usize];
                if let Some((reach, other)) = visits.first_from(from, core) {
                    heap.push(Reverse((reach.to_bits(), other, by)));
                }
                if gone {
                    continue;
                }
                row
            }
            None => {
                // Nothing is in reach: the lowest row that is left.
                while visits.visited[first as usize] {
                    first += 1;
                }
                visits.visit(first);
                first
            }
        };
        step.tick(1)?;
        let by = graph.ordering.len() as u32;
        graph.ordering.push(row);
        let core = graph.core_distances[row as usize];
        if core.is_finite()
            && let Some((reach, other)) = visits.first_from(row, core)
        {
            heap.push(Reverse((reach.to_bits(), other, by)));
        }
    }
    Ok(graph)
}

impl Visits<'_> {
    /// Takes a row out of the boxes it is in.
    fn visit(&mut self, row: u32) {
        self.visited[row as usize] = true;
        let leaf = self.place[row as usize] as usize / LEAF;
        let mut node = 0;
        loop {
            self.waiting[node] -= 1;
            if self.tree.nodes()[node].leaf().is_some() {
                return;
            }
            let [left, right] = self.tree.children(node);
            node = if leaf < self.tree.nodes()[right].first as usize {
                left
            } else {
                right
            };
        }
    }

    /// The row to visit that a row with this core distance reaches at the least distance, the lowest of equals.
    fn first_from(&mut self, row: u32, core: f32) -> Option<(f32, u32)> {
        let tree = self.tree;
        let place = self.place[row as usize] as usize;
        let coordinates = tree.row(place / LEAF, place % LEAF);
        let coordinates = &coordinates[..tree.dims()];
        let mut best: Option<(f32, u32)> = None;
        // What a squared distance may be to be of interest.
        let mut threshold = self.threshold(self.max_eps);
        self.open.clear();
        self.open.push((0, core));
        while let Some((node, reach)) = self.open.pop() {
            if best.is_some_and(|best| (reach, self.lowest[node]) >= best) {
                continue;
            }
            let Some(leaf) = tree.nodes()[node].leaf() else {
                let mut children = tree.children(node).map(|child| {
                    let apart = self.points.distance(tree.to_row(child, coordinates));
                    (child, apart)
                });
                // The nearer is taken first.
                if children[0].1 <= children[1].1 {
                    children.swap(0, 1);
                }
                for (child, apart) in children {
                    if self.waiting[child] > 0 && f64::from(apart) <= self.max_eps {
                        self.open.push((child, apart.max(core)));
                    }
                }
                continue;
            };
            self.found.clear();
            let rows = &tree.order()[leaf * LEAF..][..LEAF];
            let lanes = tree.leaf(leaf);
            leaf_below(
                self.isa,
                coordinates,
                lanes,
                threshold,
                rows,
                &mut self.found,
            );
            let before = best;
            for &key in &self.found {
                let other = key as u32;
                if other == u32::MAX || self.visited[other as usize] {
                    continue;
                }
                let distance = self.points.distance(f32::from_bits((key >> 32) as u32));
                let reach = (distance.max(core), other);
                if f64::from(distance) <= self.max_eps && best.is_none_or(|best| reach < best) {
                    best = Some(reach);
                }
            }
            if let Some((reach, _)) = best.filter(|_| best != before) {
                threshold = self.threshold(f64::from(reach).min(self.max_eps));
            }
        }
        best
    }

    /// At least every squared distance of the rows kept that is at most `distance`.
    fn threshold(&self, distance: f64) -> f32 {
        // Distances end at the largest number.
        if distance >= f64::from(f32::MAX) {
            return f32::MAX;
        }
        let squared = squared_for(self.points, self.metric, distance) * (1.0 + SLACK);
        (squared + f64::from(f32::MIN_POSITIVE)).min(f64::from(f32::MAX)) as f32
    }
}
