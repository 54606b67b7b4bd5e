//! A kd-tree over rows of few coordinates: exact neighbours, and boxes to search by.
//!
//! Boxes are compared by the arithmetic of the distances that decide, and rounding keeps order, so the bound of a box is
//! never above the distance of a row in it: nothing has to be widened, and the answer is that of brute force to the bit.
//! Rows are queried a leaf at a time, since the rows of a leaf look at nearly the same other leaves. Every leaf but the
//! last is full, so that leaves are whole vectors.

use rayon::prelude::*;

use super::{Neighbors, Points, in_row_order};
use crate::context::{Cancelled, Context};
use crate::linalg::{Isa, LEAF, leaf_below};

/// The most coordinates a tree takes.
pub(crate) const MOST_DIMS: usize = 16;
/// Leaves that one task searches for.
const TASK: usize = 8;

/// A node: some leaves that lie next to each other. The left child follows its parent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Node {
    /// The first leaf.
    pub first: u32,
    /// How many leaves, at least 1.
    pub leaves: u32,
}

impl Node {
    /// The leaf that the node is, if it is one.
    pub fn leaf(self) -> Option<usize> {
        (self.leaves == 1).then_some(self.first as usize)
    }
}

/// The tree.
#[derive(Debug)]
pub(crate) struct KdTree {
    /// Coordinates of a row: 1, 2, 4, 8 or 16, padded with zeros.
    dims: usize,
    rows: usize,
    /// The row at each place, leaf by leaf; `u32::MAX` at the end of the last leaf.
    order: Vec<u32>,
    /// The coordinates of each leaf, one after the other, [`LEAF`] lanes each; infinite where there is no row.
    leaves: Vec<f32>,
    nodes: Vec<Node>,
    /// For each node the least and the greatest of every coordinate.
    boxes: Vec<f32>,
}

/// The left part of a node's leaves.
fn left_leaves(leaves: u32) -> u32 {
    leaves.div_ceil(2)
}

/// Nodes of a tree with so many leaves.
fn nodes_of(leaves: u32) -> usize {
    2 * leaves as usize - 1
}

/// The squares of the gaps of every coordinate, added in the order of [`crate::linalg::squared_distance`]; a gap is what
/// the closure makes of the values that the slices have for the coordinate.
#[inline(always)]
fn sum<const D: usize, const N: usize>(slices: [&[f32]; N], gap: impl Fn([f32; N]) -> f32) -> f32 {
    let slices = slices.map(|slice| slice.first_chunk::<D>());
    let mut squares = [0.0_f32; D];
    for (dim, square) in squares.iter_mut().enumerate() {
        let gap = gap(slices.map(|slice| slice.map_or(0.0, |slice| slice[dim])));
        *square = gap * gap;
    }
    let mut half = D / 2;
    while half > 0 {
        for dim in 0..half {
            squares[dim] += squares[dim + half];
        }
        half /= 2;
    }
    squares[0]
}

/// [`sum`] over the number of coordinates that trees have.
macro_rules! by_dims {
    ($dims:expr, $slices:expr, $gap:expr) => {
        match $dims {
            1 => sum::<1, _>($slices, $gap),
            2 => sum::<2, _>($slices, $gap),
            4 => sum::<4, _>($slices, $gap),
            8 => sum::<8, _>($slices, $gap),
            _ => sum::<MOST_DIMS, _>($slices, $gap),
        }
    };
}

impl KdTree {
    /// Builds the tree over at least one row of at most [`MOST_DIMS`] coordinates. O(n log n).
    pub fn new(points: &Points<'_>) -> KdTree {
        let (rows, given) = (points.len(), points.dims());
        let dims = given.next_power_of_two();
        let count = rows.div_ceil(LEAF) as u32;
        let mut order: Vec<u32> = (0..rows as u32).collect();
        let mut nodes = vec![Node::default(); nodes_of(count)];
        let mut boxes = vec![0.0; nodes.len() * 2 * dims];
        Part {
            first: 0,
            leaves: count,
            order: &mut order,
            keys: &mut vec![0; rows],
            nodes: &mut nodes,
            boxes: &mut boxes,
        }
        .build(points, dims);
        let mut leaves = vec![0.0; count as usize * LEAF * dims];
        leaves
            .par_chunks_exact_mut(LEAF * dims)
            .zip(order.par_chunks(LEAF))
            .for_each(|(leaf, order)| {
                leaf[..LEAF].fill(f32::INFINITY);
                for (lane, row) in order.iter().enumerate() {
                    for (dim, x) in points.row(*row as usize).iter().enumerate() {
                        leaf[dim * LEAF + lane] = *x;
                    }
                }
            });
        order.resize(count as usize * LEAF, u32::MAX);
        KdTree {
            dims,
            rows,
            order,
            leaves,
            nodes,
            boxes,
        }
    }

    /// The row at each place, leaf by leaf; `u32::MAX` where the last leaf has none.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Numbers the rows by their places; gives the row at each.
    pub fn number_by_place(&mut self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.rows as u32).collect();
        places.resize(self.order.len(), u32::MAX);
        let mut rows = std::mem::replace(&mut self.order, places);
        rows.truncate(self.rows);
        rows
    }

    /// The nodes, parents before children; 0 is the root.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The children of a node that is no leaf.
    pub fn children(&self, node: usize) -> [usize; 2] {
        let left = left_leaves(self.nodes[node].leaves);
        [node + 1, node + 1 + nodes_of(left)]
    }

    /// The coordinates of a leaf, [`LEAF`] lanes for each coordinate.
    pub fn leaf(&self, leaf: usize) -> &[f32] {
        &self.leaves[leaf * LEAF * self.dims..][..LEAF * self.dims]
    }

    /// The coordinates of the row in a leaf's lane.
    pub fn row(&self, leaf: usize, lane: usize) -> [f32; MOST_DIMS] {
        let mut row = [0.0; MOST_DIMS];
        for (x, lanes) in row.iter_mut().zip(self.leaf(leaf).chunks_exact(LEAF)) {
            *x = lanes[lane];
        }
        row
    }

    /// Coordinates that rows are padded to.
    pub fn dims(&self) -> usize {
        self.dims
    }

    fn bounds(&self, node: usize) -> (&[f32], &[f32]) {
        self.boxes[node * 2 * self.dims..][..2 * self.dims].split_at(self.dims)
    }

    /// At most the squared distance between any row of one node and any of another.
    pub fn between(&self, a: usize, b: usize) -> f32 {
        let ((low, high), (other_low, other_high)) = (self.bounds(a), self.bounds(b));
        let sides = [low, high, other_low, other_high];
        by_dims!(self.dims, sides, |[low, high, other_low, other_high]| (low
            - other_high)
            .max(other_low - high)
            .max(0.0))
    }

    /// At most the squared distance from a row to any of a node.
    pub fn to_row(&self, node: usize, row: &[f32]) -> f32 {
        let (low, high) = self.bounds(node);
        by_dims!(self.dims, [low, high, row], |[low, high, x]| (low - x)
            .max(x - high)
            .max(0.0))
    }

    /// The `k` nearest of every row (itself excluded, `k` below the number of rows) with their squared distances.
    /// O(n k log n) where rows of different places are well apart.
    pub fn knn(&self, isa: Isa, k: usize, context: &Context) -> Result<Neighbors, Cancelled> {
        let step = context.step("find neighbours", self.rows as u64);
        let count = self.order.len() / LEAF;
        let tasks = (0..count.div_ceil(TASK)).into_par_iter().map_init(
            || Search::new(self.dims),
            |search, task| {
                let mut found = Vec::with_capacity(TASK * LEAF * k);
                for leaf in task * TASK..((task + 1) * TASK).min(count) {
                    step.tick(LEAF as u64)?;
                    search.run(self, isa, leaf, k);
                    for keys in &search.found {
                        found.extend_from_slice(keys);
                    }
                }
                Ok(found)
            },
        );
        let found: Vec<Vec<u64>> = tasks.collect::<Result<_, Cancelled>>()?;
        Ok(in_row_order(
            &self.order[..self.rows],
            &found,
            TASK * LEAF,
            k,
        ))
    }

    /// Whether a search by boxes is cheaper than all pairs: a few leaves are searched for, and the leaves met are counted.
    pub fn pays(&self, isa: Isa, k: usize) -> bool {
        let count = self.order.len() / LEAF;
        if self.dims <= 2 || count <= 32 {
            return true;
        }
        let mut search = Search::new(self.dims);
        let tried = 32;
        let met: usize = (0..tried)
            .map(|at| {
                search.run(self, isa, at * count / tried, k);
                search.met
            })
            .sum();
        met <= tried * count / 8
    }
}

/// A part of a tree that is being built.
struct Part<'a> {
    first: u32,
    leaves: u32,
    order: &'a mut [u32],
    /// Room for as many keys: numbers are compared faster where they lie side by side.
    keys: &'a mut [u64],
    nodes: &'a mut [Node],
    boxes: &'a mut [f32],
}

/// A number that orders as the coordinate does by [`f32::total_cmp`].
fn rank(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

impl Part<'_> {
    /// Splits the longest side of the box at a whole number of leaves, rows of one coordinate by their numbers.
    fn build(self, points: &Points<'_>, dims: usize) {
        let (own, boxes) = self.boxes.split_at_mut(2 * dims);
        let (low, high) = own.split_at_mut(dims);
        let given = points.dims();
        low[..given].copy_from_slice(points.row(self.order[0] as usize));
        high[..given].copy_from_slice(points.row(self.order[0] as usize));
        for row in self.order.iter() {
            let row = points.row(*row as usize);
            for ((low, high), x) in low.iter_mut().zip(high.iter_mut()).zip(row) {
                *low = low.min(*x);
                *high = high.max(*x);
            }
        }
        let Some((node, nodes)) = self.nodes.split_first_mut() else {
            return;
        };
        (node.first, node.leaves) = (self.first, self.leaves);
        if self.leaves == 1 {
            self.order.sort_unstable();
            return;
        }
        let mut widest = 0;
        for dim in 1..given {
            if high[dim] - low[dim] > high[widest] - low[widest] {
                widest = dim;
            }
        }
        let left = left_leaves(self.leaves);
        let at = left as usize * LEAF;
        for (key, &row) in self.keys.iter_mut().zip(self.order.iter()) {
            *key = (u64::from(rank(points.row(row as usize)[widest])) << 32) | u64::from(row);
        }
        self.keys.select_nth_unstable(at);
        for (row, key) in self.order.iter_mut().zip(self.keys.iter()) {
            *row = *key as u32;
        }
        let (left_keys, right_keys) = self.keys.split_at_mut(at);
        let (left_order, right_order) = self.order.split_at_mut(at);
        let (left_nodes, right_nodes) = nodes.split_at_mut(nodes_of(left));
        let (left_boxes, right_boxes) = boxes.split_at_mut(nodes_of(left) * 2 * dims);
        let parts = [
            Part {
                first: self.first,
                leaves: left,
                order: left_order,
                keys: left_keys,
                nodes: left_nodes,
                boxes: left_boxes,
            },
            Part {
                first: self.first + left,
                leaves: self.leaves - left,
                order: right_order,
                keys: right_keys,
                nodes: right_nodes,
                boxes: right_boxes,
            },
        ];
        let [left, right] = parts;
        rayon::join(|| left.build(points, dims), || right.build(points, dims));
    }
}

/// The search for the neighbours of one leaf's rows; its buffers are reused.
struct Search {
    dims: usize,
    rows: Vec<[f32; MOST_DIMS]>,
    /// For each row the keys of rows that may be among the nearest; see [`leaf_below`].
    found: Vec<Vec<u64>>,
    /// What no neighbour of a row is farther than.
    reach: Vec<f32>,
    open: Vec<(usize, f32)>,
    /// Leaves met.
    met: usize,
}

impl Search {
    fn new(dims: usize) -> Search {
        Search {
            dims,
            rows: Vec::new(),
            found: Vec::new(),
            reach: Vec::new(),
            open: Vec::new(),
            met: 0,
        }
    }

    /// Leaves the `k` nearest of each of the leaf's rows in `found`, nearest first.
    fn run(&mut self, tree: &KdTree, isa: Isa, leaf: usize, k: usize) {
        let order = &tree.order[leaf * LEAF..][..LEAF];
        let count = order.iter().filter(|row| **row != u32::MAX).count();
        self.rows.clear();
        self.rows
            .extend((0..count).map(|lane| tree.row(leaf, lane)));
        self.found.resize_with(count, Vec::new);
        self.found.truncate(count);
        for found in &mut self.found {
            found.clear();
        }
        self.reach.clear();
        self.reach.resize(count, f32::MAX);
        self.met = 0;
        // The node of the leaf, from which boxes are measured.
        let mut own = 0;
        while tree.nodes[own].leaf().is_none() {
            let [left, right] = tree.children(own);
            own = if leaf < tree.nodes[right].first as usize {
                left
            } else {
                right
            };
        }
        let mut farthest = f32::MAX;
        self.open.clear();
        self.open.push((0, 0.0));
        while let Some((node, apart)) = self.open.pop() {
            if apart > farthest {
                continue;
            }
            match tree.nodes[node].leaf() {
                Some(other) => {
                    self.visit(tree, isa, (leaf, order), (node, other), k);
                    farthest = self.reach.iter().copied().fold(0.0, f32::max);
                }
                None => {
                    let mut children = tree
                        .children(node)
                        .map(|child| (child, tree.between(own, child)));
                    // The nearer is taken from the stack first.
                    if children[0].1 <= children[1].1 {
                        children.swap(0, 1);
                    }
                    self.open.extend(children);
                }
            }
        }
        for found in &mut self.found {
            found.sort_unstable();
            found.truncate(k);
        }
    }

    /// Meets the rows of one leaf.
    fn visit(
        &mut self,
        tree: &KdTree,
        isa: Isa,
        (leaf, own): (usize, &[u32]),
        (node, other): (usize, usize),
        k: usize,
    ) {
        self.met += 1;
        let indices = &tree.order[other * LEAF..][..LEAF];
        let lanes = tree.leaf(other);
        let rows = self.rows.iter().zip(&mut self.found).zip(&mut self.reach);
        for (lane, ((row, found), reach)) in rows.enumerate() {
            let row = &row[..self.dims];
            if tree.to_row(node, row) > *reach {
                continue;
            }
            leaf_below(isa, row, lanes, *reach, indices, found);
            if leaf == other {
                found.retain(|key| *key as u32 != own[lane]);
            }
            if found.len() >= k + LEAF / 2 {
                let (_, kth, _) = found.select_nth_unstable(k - 1);
                *reach = f32::from_bits((*kth >> 32) as u32);
                found.truncate(k);
            }
        }
    }
}
