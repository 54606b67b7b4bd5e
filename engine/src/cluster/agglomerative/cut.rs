//! From merges to clusters: the nearest merges are made, the others are not.

use super::super::joining::Joining;
use super::rounds::Merge;

/// Where the tree is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cut {
    /// So many clusters are left.
    Clusters(usize),
    /// Merges at this distance or beyond are not made.
    Distance(f64),
}

/// What a cut gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaves {
    /// Clusters in the order of their first rows.
    pub labels: Vec<i32>,
    /// The distance of the farthest merge made, and of the nearest not made.
    pub made: Option<f64>,
    pub not_made: Option<f64>,
}

/// Cuts the tree of `n` rows. Of equally far merges those found first are made first. O(n log n).
pub(super) fn cut(n: usize, mut merges: Vec<Merge>, at: Cut) -> Leaves {
    merges.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let made = match at {
        Cut::Clusters(count) => n.saturating_sub(count).min(merges.len()),
        Cut::Distance(most) => merges.partition_point(|merge| merge.distance < most),
    };
    let joining = Joining::new(n);
    for merge in &merges[..made] {
        joining.join(merge.a, merge.b);
    }
    let mut number = vec![-1_i32; n];
    let mut next = 0;
    let labels = (0..n)
        .map(|row| {
            let root = joining.root(row as u32) as usize;
            if root == row {
                number[row] = next;
                next += 1;
            }
            number[root]
        })
        .collect();
    Leaves {
        labels,
        made: made.checked_sub(1).map(|last| merges[last].distance),
        not_made: merges.get(made).map(|merge| merge.distance),
    }
}
