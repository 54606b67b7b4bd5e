//! The condensed tree: single linkage without the splits that only lose a few rows.
//!
//! Going down from the root, a split into two groups of at least `min_cluster_size` makes two clusters; any other split
//! only lets the small side's rows fall out of the cluster. `lambda` is one over the distance. Rows at distance 0 of
//! each other cannot be told apart, so a split at distance 0 never makes clusters: its rows fall out together.

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
    /// The clusters it splits into: none or two.
    pub children: Option<[u32; 2]>,
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
        let root = Cluster {
            parent: 0,
            birth: 0.0,
            size: n,
            children: None,
        };
        let mut tree = Condensed {
            clusters: vec![root],
            fell_from: vec![0; n],
            fell_at: vec![0.0; n],
        };
        let size = |node: u32| {
            (node as usize)
                .checked_sub(n)
                .map_or(1, |at| joins[at].size as usize)
        };
        let mut open: Vec<(u32, u32)> = Vec::new();
        if let Some(last) = joins.len().checked_sub(1) {
            open.push(((n + last) as u32, 0));
        }
        while let Some((node, cluster)) = open.pop() {
            let Some(join) = (node as usize).checked_sub(n).map(|at| joins[at]) else {
                // A row alone is no cluster: min_cluster_size is at least 2.
                continue;
            };
            let lambda = if join.distance > 0.0 {
                1.0 / join.distance
            } else {
                f64::INFINITY
            };
            let large = [join.left, join.right].map(|side| size(side) >= min_cluster_size);
            if large == [true, true] && lambda.is_finite() {
                let first = tree.clusters.len() as u32;
                tree.clusters[cluster as usize].children = Some([first, first + 1]);
                for (child, side) in (first..).zip([join.left, join.right]) {
                    tree.clusters.push(Cluster {
                        parent: cluster,
                        birth: lambda,
                        size: size(side),
                        children: None,
                    });
                    open.push((side, child));
                }
                continue;
            }
            for (side, large) in [join.left, join.right].into_iter().zip(large) {
                if large && lambda.is_finite() {
                    open.push((side, cluster));
                } else {
                    tree.fall(side, cluster, lambda, joins, n);
                }
            }
        }
        tree
    }

    /// Lets every row below a node fall out of a cluster.
    fn fall(&mut self, node: u32, cluster: u32, lambda: f64, joins: &[Join], n: usize) {
        let mut below = vec![node];
        while let Some(node) = below.pop() {
            match (node as usize).checked_sub(n) {
                Some(at) => below.extend([joins[at].left, joins[at].right]),
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
