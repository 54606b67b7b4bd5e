//! The minimum spanning tree of mutual reachability, exact, by Borůvka's rule in as few passes over all pairs as data
//! allows.
//!
//! One pass finds neighbours and with them core distances; their lists prove most edges. What is left are components
//! that lists cannot see out of. If they are few, one more pass finds the shortest edge between every two of them and
//! the tree is finished on those; if they are many, a pass finds each component's shortest edge and the rest repeats.
//! Weights are squared distances until the end: the order is the same. Rows of few coordinates are searched by a kd-tree
//! instead of passes over all pairs.

mod descent;
mod sweep;

use super::edges::{Edge, Groups};
use super::lists::Lists;
use crate::context::Context;
use crate::error::Error;
use crate::linalg::Isa;
use crate::neighbors::{Points, knn_by, tree_for};
use descent::Descent;
use sweep::{Between, sweep};

/// Listed neighbours a row at least: more prove more.
const LISTED: usize = 16;
/// Components that are few enough for a table of all pairs of them.
const TABLE: usize = 1024;

/// The `n - 1` edges of the tree, weights in the metric's units. Of several right trees (equal weights) one; their weights
/// are the same. O(n² d) a pass, usually two passes; with few coordinates about O(n log² n).
pub(super) fn tree(
    isa: Isa,
    points: &Points<'_>,
    min_samples: usize,
    alpha: f64,
    context: &Context,
) -> Result<Vec<Edge>, Error> {
    let n = points.len();
    let listed = LISTED.max(min_samples - 1);
    let by_box = tree_for(isa, points, listed);
    let found = knn_by(by_box.as_ref(), isa, points, listed, context)?;
    let k = found.indices.ncols();
    let stretch = points.stretch(alpha);
    let squared = found.distances.into_raw_vec_and_offset().0;
    // The row itself is its first sample.
    let core = (0..n).map(|row| {
        if min_samples < 2 || k == 0 {
            0.0
        } else {
            squared[row * k + min_samples - 2]
        }
    });
    let core: Vec<f32> = core.collect();
    let stretched: Vec<f32> = squared.iter().map(|squared| squared * stretch).collect();
    let end = (0..n)
        .map(|row| {
            if k + 1 >= n {
                f32::INFINITY
            } else {
                stretched[row * k + k - 1]
            }
        })
        .collect();
    let mut lists = Lists {
        k,
        neighbors: found.indices.into_raw_vec_and_offset().0,
        stretched,
        core,
        end,
        inside: vec![0; n],
    };

    let mut groups = Groups::new(n);
    let mut tree = Vec::with_capacity(n.saturating_sub(1));
    let step = context.step("join neighbours", 0);
    lists.join(&mut groups, &mut tree, &step)?;
    drop(step);
    if let Some(by_box) = &by_box {
        let step = context.step("join components", 0);
        let descent = Descent::new(isa, by_box, &lists, stretch);
        while groups.count() > 1 {
            let of = groups.dense();
            let (known, _) = lists.shortest(&of, groups.count());
            for edge in descent.shortest(&of, known, &step)? {
                groups.add(edge, &mut tree);
            }
        }
    }
    while groups.count() > 1 {
        let of = groups.dense();
        let (known, _) = lists.shortest(&of, groups.count());
        let between = if groups.count() <= TABLE {
            Between::every_two(groups.count(), &known, &of)
        } else {
            Between::out_of_each(known)
        };
        let mut edges = sweep(isa, points, &lists, stretch, &of, between, context)?;
        edges.sort_unstable_by(Edge::compare);
        for edge in edges {
            groups.add(edge, &mut tree);
        }
        let step = context.step("join neighbours", 0);
        lists.join(&mut groups, &mut tree, &step)?;
    }
    for edge in &mut tree {
        edge.weight = points.distance(edge.weight);
    }
    Ok(tree)
}
