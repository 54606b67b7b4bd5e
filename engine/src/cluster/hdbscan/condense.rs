//! The condensed tree: single linkage without the splits that only lose a few rows.
//!
//! Going down from the root, a split into two or more groups of at least `min_cluster_size` makes clusters of them; any
//! other split only lets the small groups' rows fall out of the cluster. `lambda` is one over the distance. Rows at
//! distance 0 of each other cannot be told apart, so a split at distance 0 never makes clusters: its rows fall out
//! together.
//!
//! Joins of one distance are one split. Core distances make equal distances common (a row between two groups reaches
//! both at its own core distance), and any order among them would be an accident: of the rows' order, or of how equal
//! numbers are sorted. So neither the spanning tree chosen among equals nor the order of the rows shows in the clusters.

use std::ops::Range;

use super::linkage::Join;
use super::select::Chosen;

/// One cluster of the condensed tree; 0 is the root, a parent comes before its children.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cluster {
    /// The cluster it split from; its own number for the root.
    pub parent: u32,
    /// The lambda at which it split from its parent; 0 for the root.
    pub birth: f64,
    /// The rows below it.
    pub size: usize,
    /// The clusters it splits into: none, or two or more, by their first rows.
    pub children: Range<u32>,
}

/// The nodes of single linkage: rows, then joins.
struct Nodes<'a> {
    joins: &'a [Join],
    n: usize,
    /// The lowest row below each join.
    first_rows: Vec<u32>,
}

impl<'a> Nodes<'a> {
    fn new(joins: &'a [Join], n: usize) -> Nodes<'a> {
        let mut first_rows = Vec::with_capacity(joins.len());
        for join in joins {
            let of = |node: u32| {
                let join = (node as usize).checked_sub(n);
                join.map_or(node, |at| first_rows[at])
            };
            first_rows.push(of(join.left).min(of(join.right)));
        }
        Nodes {
            joins,
            n,
            first_rows,
        }
    }

    /// The join that a node is, if it is no row.
    fn join(&self, node: u32) -> Option<Join> {
        (node as usize).checked_sub(self.n).map(|at| self.joins[at])
    }

    fn size(&self, node: u32) -> usize {
        self.join(node).map_or(1, |join| join.size as usize)
    }

    fn first_row(&self, node: u32) -> u32 {
        (node as usize)
            .checked_sub(self.n)
            .map_or(node, |at| self.first_rows[at])
    }

    /// The parts that a join joins, with all joins of the same distance below it.
    fn split(&self, node: u32, parts: &mut Vec<u32>) {
        parts.clear();
        let Some(top) = self.join(node) else {
            return;
        };
        let mut open = vec![top.right, top.left];
        while let Some(node) = open.pop() {
            match self.join(node) {
                Some(join) if join.distance == top.distance => open.extend([join.right, join.left]),
                _ => parts.push(node),
            }
        }
    }
}

/// The condensed tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condensed {
    pub clusters: Vec<Cluster>,
    /// For each row the cluster it falls out of.
    pub fell_from: Vec<u32>,
    /// For each row the lambda at which it falls out; infinite for rows at distance 0 of each other.
    pub fell_at: Vec<f64>,
}

impl Condensed {
    /// Condenses the joins of `n` rows. O(n).
    pub fn new(joins: &[Join], n: usize, min_cluster_size: usize) -> Condensed {
        let mut tree = Condensed {
            clusters: vec![Cluster {
                parent: 0,
                birth: 0.0,
                size: n,
                children: 0..0,
            }],
            fell_from: vec![0; n],
            fell_at: vec![0.0; n],
        };
        let nodes = Nodes::new(joins, n);
        let mut open: Vec<(u32, u32)> = Vec::new();
        if let Some(last) = joins.len().checked_sub(1) {
            open.push(((n + last) as u32, 0));
        }
        let mut parts = Vec::new();
        while let Some((node, cluster)) = open.pop() {
            let Some(join) = nodes.join(node) else {
                // A row alone is no cluster: min_cluster_size is at least 2.
                continue;
            };
            let lambda = if join.distance > 0.0 {
                1.0 / join.distance
            } else {
                f64::INFINITY
            };
            nodes.split(node, &mut parts);
            let is_large = |part: u32| nodes.size(part) >= min_cluster_size && lambda.is_finite();
            let mut large: Vec<u32> = parts
                .iter()
                .copied()
                .filter(|part| is_large(*part))
                .collect();
            for part in parts.iter().filter(|part| !is_large(**part)) {
                tree.fall(*part, cluster, lambda, &nodes);
            }
            if let [one] = large.as_slice() {
                open.push((*one, cluster));
                continue;
            }
            large.sort_unstable_by_key(|part| nodes.first_row(*part));
            let first = tree.clusters.len() as u32;
            tree.clusters[cluster as usize].children = first..first + large.len() as u32;
            for (child, part) in (first..).zip(large) {
                tree.clusters.push(Cluster {
                    parent: cluster,
                    birth: lambda,
                    size: nodes.size(part),
                    children: 0..0,
                });
                open.push((part, child));
            }
        }
        tree
    }

    /// Lets every row below a node fall out of a cluster.
    fn fall(&mut self, node: u32, cluster: u32, lambda: f64, nodes: &Nodes<'_>) {
        let mut below = vec![node];
        while let Some(node) = below.pop() {
            match nodes.join(node) {
                Some(join) => below.extend([join.left, join.right]),
                None => {
                    self.fell_from[node as usize] = cluster;
                    self.fell_at[node as usize] = lambda;
                }
            }
        }
    }

    /// Each cluster's stability: the sum over its rows of the lambda they stay for. Infinite where rows are equal.
    pub fn stabilities(&self) -> Vec<f64> {
        let mut stability = vec![0.0; self.clusters.len()];
        for (&cluster, lambda) in self.fell_from.iter().zip(&self.fell_at) {
            stability[cluster as usize] += lambda - self.clusters[cluster as usize].birth;
        }
        for child in &self.clusters[1..] {
            let birth = self.clusters[child.parent as usize].birth;
            stability[child.parent as usize] += (child.birth - birth) * child.size as f64;
        }
        stability
    }

    /// The largest finite lambda at which something leaves each cluster itself; 0 where nothing does.
    fn last_lambdas(&self) -> Vec<f64> {
        let mut last = vec![0.0_f64; self.clusters.len()];
        for (&cluster, &lambda) in self.fell_from.iter().zip(&self.fell_at) {
            if lambda.is_finite() {
                last[cluster as usize] = last[cluster as usize].max(lambda);
            }
        }
        for child in &self.clusters[1..] {
            last[child.parent as usize] = last[child.parent as usize].max(child.birth);
        }
        last
    }

    /// How sure each row is in its cluster: its lambda over the cluster's largest, at most 1; 0 for noise.
    pub fn probabilities(&self, chosen: &Chosen) -> Vec<f32> {
        let last = self.last_lambdas();
        let rows = chosen.labels.iter().zip(&self.fell_at);
        rows.map(|(&label, &lambda)| {
            let Ok(label) = usize::try_from(label) else {
                return 0.0;
            };
            let last = last[chosen.clusters[label] as usize];
            if last == 0.0 {
                1.0
            } else {
                (lambda / last).min(1.0) as f32
            }
        })
        .collect()
    }

    /// GLOSH: how much earlier a row falls out than the densest row below its cluster, 0 to 1 (Campello et al. 2015).
    pub fn outlier_scores(&self) -> Vec<f32> {
        let mut last = self.last_lambdas();
        for child in (1..self.clusters.len()).rev() {
            let parent = self.clusters[child].parent as usize;
            last[parent] = last[parent].max(last[child]);
        }
        let rows = self.fell_from.iter().zip(&self.fell_at);
        rows.map(|(&cluster, &lambda)| {
            let last = last[cluster as usize];
            if last == 0.0 {
                0.0
            } else {
                (1.0 - lambda / last).max(0.0) as f32
            }
        })
        .collect()
    }

    /// How persistent each chosen cluster is: its stability over what it would be if every row stayed to the tree's
    /// largest lambda, 0 to 1.
    pub fn persistence(&self, chosen: &Chosen) -> Vec<f64> {
        let stability = self.stabilities();
        let last = self.fell_at.iter().copied().fold(0.0, f64::max);
        let mut size = vec![0_usize; chosen.clusters.len()];
        for label in &chosen.labels {
            if let Ok(label) = usize::try_from(*label) {
                size[label] += 1;
            }
        }
        let clusters = chosen.clusters.iter().zip(size);
        clusters
            .map(|(&cluster, size)| {
                if !last.is_finite() || last == 0.0 || size == 0 {
                    1.0
                } else {
                    (stability[cluster as usize] / (size as f64 * last)).min(1.0)
                }
            })
            .collect()
    }
}
