//! The minimum spanning tree of rows under the l1 distance, without a table: single linkage is its edges.

use rayon::prelude::*;

use super::rounds::Merge;
use crate::context::{Cancelled, Context};

/// Rows that one task looks at.
const TASK: usize = 256;

/// The way from the tree to a row outside it.
#[derive(Debug, Clone, Copy)]
struct Way {
    distance: f32,
    from: u32,
    inside: bool,
}

/// The `n - 1` edges. Source: Prim (1957). O(n² d) time, O(n) memory.
pub(super) fn tree(
    n: usize,
    distance: impl Fn(usize, usize) -> f32 + Sync,
    context: &Context,
) -> Result<Vec<Merge>, Cancelled> {
    let step = context.step("join neighbours", n as u64);
    let mut ways = vec![
        Way {
            distance: f32::INFINITY,
            from: 0,
            inside: false,
        };
        n
    ];
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut newest = 0;
    for _ in 1..n {
        step.tick(1)?;
        ways[newest].inside = true;
        let best: Vec<(f32, usize)> = ways
            .par_chunks_mut(TASK)
            .enumerate()
            .map(|(task, ways)| {
                let mut best = (f32::INFINITY, usize::MAX);
                for (row, way) in (task * TASK..).zip(ways).filter(|(_, way)| !way.inside) {
                    let here = distance(newest, row);
                    if here < way.distance {
                        way.distance = here;
                        way.from = newest as u32;
                    }
                    if way.distance < best.0 || best.1 == usize::MAX {
                        best = (way.distance, row);
                    }
                }
                best
            })
            .collect();
        let nearest = best
            .into_iter()
            .filter(|(_, row)| *row != usize::MAX)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some((distance, row)) = nearest else {
            break;
        };
        edges.push(Merge {
            a: ways[row].from,
            b: row as u32,
            distance: f64::from(distance),
        });
        newest = row;
    }
    Ok(edges)
}
