//! The tree of clustering features: a B-tree whose leaves hold subclusters, each a size, a centre and a spread.
//!
//! A row goes down to the nearest centre on each level and into that subcluster if the radius stays small, else it
//! begins one of its own. A node that is full splits around its farthest two. The spread is the sum of squared distances
//! to the centre, which keeps its digits where the textbook's sum of squares loses them (Lang and Schubert 2020).
//! Nodes live in one list, so that deep trees do not touch the stack.

use crate::linalg::squared_distance;

/// A subcluster of a leaf, or all that is below a node.
#[derive(Debug, Clone)]
struct Feature {
    size: f64,
    sum: Box<[f64]>,
    /// The sum of squared distances to the centre; kept in leaves only.
    spread: f64,
    /// The node below, in inner nodes.
    child: usize,
}

#[derive(Debug, Default)]
struct Node {
    features: Vec<Feature>,
    /// The features' centres, side by side.
    centers: Vec<f32>,
}

/// The tree, in the units of the rows given to it.
#[derive(Debug)]
pub(super) struct Tree {
    dims: usize,
    /// The largest mean squared distance to the centre that a subcluster may have.
    most: f64,
    /// Features in a node.
    branching: usize,
    nodes: Vec<Node>,
    root: usize,
    /// Levels above the leaves.
    height: usize,
}

impl Feature {
    fn of(row: &[f32]) -> Feature {
        Feature {
            size: 1.0,
            sum: row.iter().map(|x| f64::from(*x)).collect(),
            spread: 0.0,
            child: 0,
        }
    }

    fn add_row(&mut self, row: &[f32]) {
        self.size += 1.0;
        for (sum, x) in self.sum.iter_mut().zip(row) {
            *sum += f64::from(*x);
        }
    }

    fn write_center(&self, to: &mut [f32]) {
        for (to, sum) in to.iter_mut().zip(&self.sum) {
            *to = (sum / self.size) as f32;
        }
    }

    /// The spread that the subcluster would have with one more row.
    fn spread_with(&self, row: &[f32]) -> f64 {
        let squared: f64 = self
            .sum
            .iter()
            .zip(row)
            .map(|(sum, x)| {
                let gap = sum / self.size - f64::from(*x);
                gap * gap
            })
            .sum();
        self.spread + squared * self.size / (self.size + 1.0)
    }
}

impl Node {
    fn push(&mut self, feature: Feature, dims: usize) {
        let at = self.centers.len();
        self.centers.resize(at + dims, 0.0);
        feature.write_center(&mut self.centers[at..]);
        self.features.push(feature);
    }

    fn center(&self, at: usize, dims: usize) -> &[f32] {
        &self.centers[at * dims..(at + 1) * dims]
    }

    fn update_center(&mut self, at: usize, dims: usize) {
        self.features[at].write_center(&mut self.centers[at * dims..(at + 1) * dims]);
    }

    /// The feature whose centre is nearest, the first of equals.
    fn nearest(&self, row: &[f32]) -> usize {
        let mut best = (f32::INFINITY, 0);
        for (at, center) in self.centers.chunks_exact(row.len()).enumerate() {
            let squared = squared_distance(center, row);
            if squared < best.0 {
                best = (squared, at);
            }
        }
        best.1
    }
}

impl Tree {
    /// An empty tree for rows of `dims` coordinates, `branching >= 2`.
    pub fn new(dims: usize, most: f64, branching: usize) -> Tree {
        Tree {
            dims,
            most,
            branching,
            nodes: vec![Node::default()],
            root: 0,
            height: 0,
        }
    }

    /// Adds a row. O(branching d log n), and O(branching² d) for a split.
    pub fn insert(&mut self, row: &[f32]) {
        let dims = self.dims;
        let mut path = Vec::with_capacity(self.height);
        let mut at = self.root;
        for _ in 0..self.height {
            let nearest = self.nodes[at].nearest(row);
            path.push((at, nearest));
            at = self.nodes[at].features[nearest].child;
        }
        let leaf = &mut self.nodes[at];
        let nearest = leaf.nearest(row);
        let mut split = false;
        match leaf.features.get_mut(nearest) {
            Some(feature) if feature.spread_with(row) <= self.most * (feature.size + 1.0) => {
                feature.spread = feature.spread_with(row);
                feature.add_row(row);
                leaf.update_center(nearest, dims);
            }
            _ => {
                leaf.push(Feature::of(row), dims);
                split = leaf.features.len() > self.branching;
            }
        }
        while let Some((parent, child_at)) = path.pop() {
            if split {
                let child = self.nodes[parent].features[child_at].child;
                let (left, right) = self.split(child);
                let node = &mut self.nodes[parent];
                node.features[child_at] = left;
                node.update_center(child_at, dims);
                node.push(right, dims);
                split = node.features.len() > self.branching;
            } else {
                self.nodes[parent].features[child_at].add_row(row);
                self.nodes[parent].update_center(child_at, dims);
            }
        }
        if split {
            let (left, right) = self.split(self.root);
            let mut root = Node::default();
            root.push(left, dims);
            root.push(right, dims);
            self.root = self.nodes.len();
            self.nodes.push(root);
            self.height += 1;
        }
    }

    /// Splits a node around the two features that are farthest apart: the node keeps one part, a new one takes the
    /// other. Returns what stands for each.
    fn split(&mut self, at: usize) -> (Feature, Feature) {
        let dims = self.dims;
        let node = std::mem::take(&mut self.nodes[at]);
        let count = node.features.len();
        let (mut first, mut second, mut farthest) = (0, 0, 0.0);
        for a in 0..count {
            for b in a + 1..count {
                let squared = squared_distance(node.center(a, dims), node.center(b, dims));
                if squared > farthest {
                    (first, second, farthest) = (a, b, squared);
                }
            }
        }
        let with_first: Vec<bool> = (0..count)
            .map(|other| {
                let to =
                    |end: usize| squared_distance(node.center(end, dims), node.center(other, dims));
                // The first is its own, also where all are equal.
                other == first || to(first) < to(second)
            })
            .collect();
        let (mut left, mut right) = (Node::default(), Node::default());
        for (feature, with_first) in node.features.into_iter().zip(with_first) {
            let part = if with_first { &mut left } else { &mut right };
            part.push(feature, dims);
        }
        let new = self.nodes.len();
        let whole = (self.sum(&left, at), self.sum(&right, new));
        self.nodes[at] = left;
        self.nodes.push(right);
        whole
    }

    /// All features of a node as one.
    fn sum(&self, node: &Node, child: usize) -> Feature {
        let mut whole = Feature {
            size: 0.0,
            sum: vec![0.0; self.dims].into_boxed_slice(),
            spread: 0.0,
            child,
        };
        for feature in &node.features {
            whole.size += feature.size;
            for (sum, more) in whole.sum.iter_mut().zip(&feature.sum) {
                *sum += more;
            }
        }
        whole
    }

    /// The centres of the leaves' subclusters, left to right, row after row.
    pub fn centers(&self) -> Vec<f32> {
        let mut level = vec![self.root];
        for _ in 0..self.height {
            level = level
                .iter()
                .flat_map(|&node| {
                    self.nodes[node]
                        .features
                        .iter()
                        .map(|feature| feature.child)
                })
                .collect();
        }
        let leaves = level
            .iter()
            .map(|&node| self.nodes[node].centers.as_slice());
        leaves.collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree_of(rows: &[[f32; 2]], most: f64, branching: usize) -> Tree {
        let mut tree = Tree::new(2, most, branching);
        rows.iter().for_each(|row| tree.insert(row));
        tree
    }

    /// Every node holds what its children hold, none is too full, all leaves lie on one level.
    fn check(tree: &Tree, node: usize, height: usize) -> (f64, Vec<f64>) {
        let node = &tree.nodes[node];
        assert!(node.features.len() <= tree.branching);
        assert_eq!(node.centers.len(), node.features.len() * tree.dims);
        let mut total = (0.0, vec![0.0; tree.dims]);
        for (at, feature) in node.features.iter().enumerate() {
            if height > 0 {
                let (size, sum) = check(tree, feature.child, height - 1);
                assert_eq!(feature.size, size);
                for (a, b) in feature.sum.iter().zip(&sum) {
                    assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
                }
            } else {
                assert!(feature.spread <= tree.most * feature.size);
            }
            for (center, sum) in node.center(at, tree.dims).iter().zip(&feature.sum) {
                assert_eq!(*center, (sum / feature.size) as f32);
            }
            total.0 += feature.size;
            for (total, sum) in total.1.iter_mut().zip(&feature.sum) {
                *total += sum;
            }
        }
        total
    }

    #[test]
    fn nodes_hold_what_is_below_them_and_nothing_is_lost() {
        let rows: Vec<[f32; 2]> = (0..700_u32)
            .map(|at| [(at * 7919 % 613) as f32, (at * 104_729 % 509) as f32])
            .collect();
        for (most, branching) in [(0.0, 2), (0.0, 3), (25.0, 5), (400.0, 50), (1e9, 2)] {
            let tree = tree_of(&rows, most, branching);
            let (size, _) = check(&tree, tree.root, tree.height);
            assert_eq!(size, 700.0);
            assert!(!tree.centers().is_empty());
        }
    }

    #[test]
    fn equal_rows_are_one_subcluster_and_far_rows_are_not() {
        let tree = tree_of(&[[1.0, 2.0]; 40], 0.0, 2);
        assert_eq!(tree.centers(), [1.0, 2.0]);
        let tree = tree_of(&[[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]], 0.25, 50);
        assert_eq!(tree.centers(), [0.5, 0.0, 10.0, 0.0]);
    }
}
