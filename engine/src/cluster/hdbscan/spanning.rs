//! The minimum spanning tree of mutual reachability by Borůvka's rule in as few passes over all pairs as data
//! allows.
//!
//! One pass finds neighbours and with them core distances; their lists prove most edges. What is left are components
//! that lists cannot see out of. If they are few, one more pass finds the shortest edge between every two of them and
//! the tree is finished on those (what is longer than a way between two of them that lists know is not looked for); if they are many, a pass finds each component's shortest edge and the rest repeats.
//! Weights are squared distances until the end: the order is the same. Rows of few coordinates are searched by a kd-tree
//! instead of passes over all pairs.
//!
//! Lists that are not exact, or are asked to be enough, are believed: the shortest listed edge counts as the shortest.
//! Components that no list leaves are joined by rows that lie towards each other. So the tree is that of the lists' graph,
//! which is as good inside clusters and somewhat longer between them.

mod between;
mod centres;
mod descent;
mod lookup;
mod sweep;

use rayon::prelude::*;

use super::edges::{Edge, Groups};
use super::lists::Lists;
use crate::context::Context;
use crate::error::Error;
use crate::linalg::Isa;
use crate::neighbors::{
    KdTree, Kept, KnnGraph, Neighbors, Points, Recall, knn_and_kept, knn_by, knn_nearly, tree_for,
};
use between::Between;
use descent::Descent;
use lookup::look_up;
use sweep::sweep;

/// Listed neighbours a row at least: more prove more.
const LISTED: usize = 16;
/// Components that are few enough for a table of all pairs of them.
const TABLE: usize = 1024;

/// Where the neighbours come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Near<'a> {
    /// Found here, all of them.
    Exact,
    /// Found here, nearly all where rows are many.
    Nearly,
    /// Found earlier, exactly if they have no recall.
    Known(&'a KnnGraph),
}

/// Neighbours with squared distances, and whether the tree may rest on their being all.
struct Found<'a> {
    neighbors: Neighbors,
    recall: Option<Recall>,
    believed: bool,
    /// What the search leaves for passes over other pairs.
    kept: Kept<'a>,
}

fn find<'a>(
    near: Near<'_>,
    by_box: Option<&KdTree>,
    isa: Isa,
    points: &'a Points<'a>,
    listed: usize,
    context: &Context,
) -> Result<Found<'a>, Error> {
    Ok(match near {
        Near::Exact => {
            let (neighbors, kept) = match by_box {
                Some(_) => (knn_by(by_box, isa, points, listed, context)?, Kept::Nothing),
                None => knn_and_kept(isa, points, listed, context)?,
            };
            Found {
                neighbors,
                recall: None,
                believed: false,
                kept,
            }
        }
        Near::Nearly => {
            let (neighbors, recall) = knn_nearly(by_box, isa, points, listed, context)?;
            Found {
                neighbors,
                recall,
                // The tree of boxes is exact and as fast.
                believed: by_box.is_none(),
                kept: Kept::Nothing,
            }
        }
        Near::Known(graph) => {
            let mut neighbors = graph.first(listed).neighbors;
            let rows = neighbors.indices.outer_iter().into_par_iter();
            rows.zip(neighbors.distances.outer_iter_mut())
                .enumerate()
                .with_min_len(64)
                .for_each(|(row, (indices, mut squared))| {
                    for (squared, other) in squared.iter_mut().zip(indices) {
                        *squared = points.squared(row, *other as usize);
                    }
                });
            Found {
                neighbors,
                recall: graph.recall,
                believed: graph.recall.is_some(),
                kept: Kept::Nothing,
            }
        }
    })
}

/// The `n - 1` edges of the tree, weights in the metric's units, and what share of the neighbours it rests on if not on all.
/// Of several right trees (equal weights) one; their weights are the same. O(n² d) a pass, usually two passes; with few
/// coordinates about O(n log² n).
pub(super) fn tree(
    isa: Isa,
    points: &Points<'_>,
    near: Near<'_>,
    min_samples: usize,
    alpha: f64,
    context: &Context,
) -> Result<(Vec<Edge>, Option<Recall>), Error> {
    let listed = LISTED.max(min_samples - 1);
    let grow = |points: &Points<'_>, by_box: Option<&KdTree>| {
        grow(
            isa,
            points,
            near,
            by_box,
            (min_samples, listed),
            alpha,
            context,
        )
    };
    match (tree_for(isa, points, listed), near) {
        (Some(mut by_box), Near::Exact | Near::Nearly) => {
            // Rows that lie side by side are looked at one after the other.
            let rows = by_box.number_by_place();
            let (mut tree, recall) = grow(&points.select(&rows), Some(&by_box))?;
            for edge in &mut tree {
                *edge = Edge::new(edge.weight, rows[edge.a as usize], rows[edge.b as usize]);
            }
            Ok((tree, recall))
        }
        (by_box, _) => grow(points, by_box.as_ref()),
    }
}

/// As [`tree`], by boxes if there are any.
fn grow(
    isa: Isa,
    points: &Points<'_>,
    near: Near<'_>,
    by_box: Option<&KdTree>,
    (min_samples, listed): (usize, usize),
    alpha: f64,
    context: &Context,
) -> Result<(Vec<Edge>, Option<Recall>), Error> {
    let n = points.len();
    let found = find(near, by_box, isa, points, listed, context)?;
    let (recall, believed, kept) = (found.recall, found.believed, found.kept);
    let found = found.neighbors;
    let k = found.indices.ncols();
    let stretch = points.stretch(alpha);
    let squared = found.distances.into_raw_vec_and_offset().0;
    // The row itself is its first sample.
    let core = (0..n).into_par_iter().with_min_len(1024).map(|row| {
        if min_samples < 2 || k == 0 {
            0.0
        } else {
            squared[row * k + min_samples - 2]
        }
    });
    let core: Vec<f32> = core.collect();
    let mut stretched = squared;
    if stretch != 1.0 {
        stretched
            .par_iter_mut()
            .for_each(|squared| *squared *= stretch);
    }
    let end = (0..n)
        .map(|row| {
            if k + 1 >= n || believed {
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
        known: Vec::new(),
    };

    let mut groups = Groups::new(n);
    let mut tree = Vec::with_capacity(n.saturating_sub(1));
    let step = context.step("join neighbours", 0);
    lists.join(&mut groups, &mut tree, &step)?;
    drop(step);
    if let Some(by_box) = by_box {
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
    while believed && (2..=TABLE).contains(&groups.count()) {
        let step = context.step("join components", 0);
        let of = groups.dense();
        let mut edges = centres::edges(isa, points, &lists, stretch, &of, &step)?;
        edges.sort_unstable_by(Edge::compare);
        for edge in edges {
            groups.add(edge, &mut tree);
        }
    }
    while groups.count() > 1 {
        let of = groups.dense();
        let (known, _) = lists.shortest(&of, groups.count());
        let between = if groups.count() <= TABLE {
            Between::every_two(groups.count(), &lists, &of)
        } else {
            Between::out_of_each(known)
        };
        let rows = sweep::Rows {
            points,
            head: match &kept {
                Kept::Head(head) => Some(head),
                _ => None,
            },
            lists: &lists,
            stretch,
            of: &of,
        };
        let mut edges = match &kept {
            Kept::Table(table) => look_up(table, &rows, between, context)?,
            _ => sweep(isa, &rows, between, context)?,
        };
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
    Ok((tree, recall))
}

/// The shortest edge of mutual reachability out of each of `count` groups, where `of` has each row's group and `core` its
/// squared core distance; weights are squared distances. O(n² d) at most.
pub(super) fn out_of_each(
    isa: Isa,
    points: &Points<'_>,
    core: Vec<f32>,
    of: &[u32],
    count: usize,
    context: &Context,
) -> Result<Vec<Edge>, Error> {
    let lists = Lists {
        k: 0,
        neighbors: Vec::new(),
        stretched: Vec::new(),
        core,
        end: Vec::new(),
        known: Vec::new(),
    };
    let known = vec![Edge::NONE; count];
    if let Some(by_box) = tree_for(isa, points, LISTED) {
        let step = context.step("join components", 0);
        return Ok(Descent::new(isa, &by_box, &lists, 1.0).shortest(of, known, &step)?);
    }
    let rows = sweep::Rows {
        points,
        head: None,
        lists: &lists,
        stretch: 1.0,
        of,
    };
    Ok(sweep(isa, &rows, Between::out_of_each(known), context)?)
}
