//! Which clusters of the condensed tree are kept, and the labels that follow.

use super::condense::Condensed;

/// How clusters are chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    /// The finest clusters instead of the most stable.
    pub leaves: bool,
    /// Clusters that split below this distance stay together; 0 for all splits.
    pub epsilon: f64,
    /// The most rows a cluster may have (excess of mass only).
    pub max_size: usize,
    /// Whether the root may be chosen.
    pub single: bool,
}

/// The clusters kept, in tree order, and each row's place among them (-1: noise).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub clusters: Vec<u32>,
    pub labels: Vec<i32>,
}

/// Chooses clusters. O(n + clusters²) at most.
pub(super) fn select(tree: &Condensed, choice: &Choice) -> Chosen {
    let mut kept = if choice.leaves {
        leaves(tree)
    } else {
        most_stable(tree, choice)
    };
    if choice.epsilon > 0.0 && (choice.leaves || !kept[0]) {
        kept = merge_close(tree, &kept, choice);
    }
    let clusters: Vec<u32> = (0..tree.clusters.len() as u32)
        .filter(|&c| kept[c as usize])
        .collect();
    let labels = labels(tree, &kept, &clusters, choice);
    Chosen { clusters, labels }
}

/// The clusters that split no further; the root is none.
fn leaves(tree: &Condensed) -> Vec<bool> {
    let clusters = tree.clusters.iter().enumerate();
    clusters
        .map(|(at, cluster)| at > 0 && cluster.children.is_empty())
        .collect()
}

/// Excess of mass: a cluster is kept if it is at least as stable as the kept ones below it together.
fn most_stable(tree: &Condensed, choice: &Choice) -> Vec<bool> {
    let mut stability = tree.stabilities();
    let mut kept = vec![true; tree.clusters.len()];
    for at in (0..tree.clusters.len()).rev() {
        let cluster = &tree.clusters[at];
        let children = cluster.children.clone();
        let below: f64 = children.clone().map(|c| stability[c as usize]).sum();
        let barred = at == 0 && !choice.single;
        // Rows that fall out of the root on the way count for no limit, as in scikit-learn.
        let size = if at == 0 {
            children.map(|c| tree.clusters[c as usize].size).sum()
        } else {
            cluster.size
        };
        if barred || below > stability[at] || size > choice.max_size {
            kept[at] = false;
            stability[at] = below;
        }
    }
    keep_topmost(tree, kept)
}

/// Of clusters one below the other, keeps the upper.
fn keep_topmost(tree: &Condensed, mut kept: Vec<bool>) -> Vec<bool> {
    let mut covered = vec![false; kept.len()];
    for at in 1..kept.len() {
        let parent = tree.clusters[at].parent as usize;
        covered[at] = covered[parent] || kept[parent];
        if covered[at] {
            kept[at] = false;
        }
    }
    kept
}

/// Replaces clusters born below `epsilon` by the ancestor that is not (Malzer and Baum 2020).
fn merge_close(tree: &Condensed, kept: &[bool], choice: &Choice) -> Vec<bool> {
    let width = |at: usize| 1.0 / tree.clusters[at].birth;
    let mut merged = vec![false; kept.len()];
    for at in (1..kept.len()).filter(|&at| kept[at]) {
        let mut at = at;
        if width(at) < choice.epsilon {
            loop {
                let parent = tree.clusters[at].parent as usize;
                if parent == 0 {
                    at = if choice.single { 0 } else { at };
                    break;
                }
                at = parent;
                if width(at) > choice.epsilon {
                    break;
                }
            }
        }
        merged[at] = true;
    }
    keep_topmost(tree, merged)
}

/// Each row's nearest kept ancestor, as its place among the clusters kept.
fn labels(tree: &Condensed, kept: &[bool], clusters: &[u32], choice: &Choice) -> Vec<i32> {
    let mut label_of = vec![-1_i32; kept.len()];
    for (label, &cluster) in clusters.iter().enumerate() {
        label_of[cluster as usize] = label as i32;
    }
    for at in 1..kept.len() {
        if !kept[at] {
            label_of[at] = label_of[tree.clusters[at].parent as usize];
        }
    }
    if !kept[0] {
        return tree
            .fell_from
            .iter()
            .map(|&cluster| label_of[cluster as usize])
            .collect();
    }
    // The root alone: rows that leave before anything in it splits for good are noise, or there would be none.
    let last = (0..tree.fell_from.len())
        .filter(|&row| tree.fell_from[row] == 0)
        .map(|row| tree.fell_at[row])
        .chain(
            tree.clusters[1..]
                .iter()
                .filter(|c| c.parent == 0)
                .map(|c| c.birth),
        )
        .fold(0.0, f64::max);
    let least = if choice.epsilon > 0.0 {
        1.0 / choice.epsilon
    } else {
        last
    };
    tree.fell_at
        .iter()
        .map(|&lambda| if lambda < least { -1 } else { 0 })
        .collect()
}
