//! The shortest edges between components by the codes of all pairs that the search for neighbours left.
//!
//! What a pass over all pairs would multiply is there already: a row's codes are compared with an end for each other row,
//! which follows from the bound on the edges between both components. What is below is decided exactly, by the rules of
//! [`sweep`](super::sweep::sweep), so the edges are the same.

use rayon::prelude::*;

use super::super::edges::Edge;
use super::between::Between;
use super::sweep::Rows;
use crate::context::{Cancelled, Context};
use crate::linalg::select_coded;
use crate::neighbors::Table;

/// Rows of a task.
const TASK: usize = 32;

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    /// The component that `ends` is of.
    component: Option<u32>,
    /// For each other component the greatest weight of interest, and the end of the codes that may have it.
    limits: Vec<(f32, u16)>,
    /// The end for each place.
    ends: Vec<u16>,
    masks: Vec<u64>,
    open: Vec<u32>,
}

/// The shortest edges that `between` asks for. O(n²) comparisons of codes. Rows without a place repeat others at no
/// distance, and an edge of theirs is one of the others too.
pub(super) fn look_up(
    table: &Table<'_>,
    rows: &Rows<'_>,
    between: Between,
    context: &Context,
) -> Result<Vec<Edge>, Cancelled> {
    let Rows { lists, of, .. } = *rows;
    let components = of.iter().max().map_or(0, |last| *last as usize + 1);
    let most = between.most(components);
    let row_at = |place: u32| table.ends.order[place as usize];
    let mut places: Vec<u32> = (0..table.ends.order.len() as u32)
        .filter(|&place| {
            let row = row_at(place) as usize;
            lists.core[row] <= most[of[row] as usize]
        })
        .collect();
    places.sort_by_key(|&place| of[row_at(place) as usize]);
    let step = context.step("join components", places.len() as u64);
    places
        .par_chunks(TASK)
        .try_for_each_init(Buffers::default, |buffers, places| {
            step.tick(places.len() as u64)?;
            buffers.component = None;
            for &place in places {
                let row = row_at(place);
                let component = of[row as usize];
                if buffers.component != Some(component) {
                    fill_ends(table, rows, &between, component, components, buffers);
                }
                let (from, codes) = table.row(place as usize);
                buffers.open.clear();
                let ends = &buffers.ends[from..];
                let Buffers {
                    masks,
                    open,
                    limits,
                    ..
                } = buffers;
                select_coded(table.isa(), codes, ends, masks, open);
                // The ends were filled for many rows; since then some have come down.
                open.retain(|key| {
                    let other = row_at(from as u32 + (key & 0xFFFF));
                    ((key >> 16) as u16) < limits[of[other as usize] as usize].1
                });
                open.sort_unstable();
                for &key in open.iter() {
                    let (code, other) = ((key >> 16) as u16, row_at(from as u32 + (key & 0xFFFF)));
                    let to = of[other as usize];
                    let limit = between.limit(component, to);
                    if limit < limits[to as usize].0 {
                        limits[to as usize] = (limit, table.end(rows.proposed(limit)));
                    }
                    if code >= limits[to as usize].1 || lists.weight(row, other, 0.0) > limit {
                        continue;
                    }
                    let stretched =
                        rows.points.squared(row as usize, other as usize) * rows.stretch;
                    let weight = lists.weight(row, other, stretched);
                    if weight <= limit {
                        between.improve(component, to, Edge::new(weight, row, other));
                    }
                }
            }
            Ok(())
        })?;
    Ok(between.into_edges())
}

/// Brings the ends to those of a component.
fn fill_ends(
    table: &Table<'_>,
    rows: &Rows<'_>,
    between: &Between,
    component: u32,
    components: usize,
    buffers: &mut Buffers,
) {
    buffers.component = Some(component);
    buffers.limits.clear();
    let others = 0..components as u32;
    buffers.limits.extend(others.map(|other| {
        if other == component {
            return (f32::NEG_INFINITY, 0);
        }
        let limit = between.limit(component, other);
        (limit, table.end(rows.proposed(limit)))
    }));
    buffers.ends.clear();
    buffers.ends.extend(table.ends.order.iter().map(|&other| {
        let (limit, end) = buffers.limits[rows.of[other as usize] as usize];
        if rows.lists.core[other as usize] <= limit {
            end
        } else {
            0
        }
    }));
    buffers.ends.resize(table.width(), 0);
}
