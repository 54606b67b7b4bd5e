//! Edges between components that no list leaves, nearly the shortest: of two components whose centres are near each other,
//! the rows that lie towards the other's centre are compared.
//!
//! Such components lie far apart, and how far exactly hardly matters to what is inside them; an exact answer would be a
//! pass over all pairs. Everything is added in a fixed order, so the edges are the same on every machine.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::super::edges::Edge;
use super::super::lists::Lists;
use crate::context::{Cancelled, Step};
use crate::linalg::{Isa, squared_distance};
use crate::neighbors::Points;

/// Components that each is compared with.
const NEAR: usize = 8;
/// Rows of either side.
const ROWS: usize = 32;

/// An edge between every component and those near it. O(n d) and O(components² d).
pub(super) fn edges(
    isa: Isa,
    points: &Points<'_>,
    lists: &Lists,
    stretch: f32,
    of: &[u32],
    step: &Step<'_>,
) -> Result<Vec<Edge>, Cancelled> {
    let count = of.iter().max().map_or(0, |last| *last as usize + 1);
    let mut members = vec![Vec::new(); count];
    for (row, &component) in of.iter().enumerate() {
        members[component as usize].push(row as u32);
    }
    let centres: Vec<Vec<f32>> = members
        .par_iter()
        .map(|rows| {
            let mut sums = vec![0.0; points.dims()];
            for &row in rows {
                points.add_working_row(isa, row as usize, 1.0, &mut sums);
            }
            let size = rows.len() as f64;
            sums.into_iter().map(|sum| (sum / size) as f32).collect()
        })
        .collect();
    step.tick(0)?;
    let near: Vec<Vec<usize>> = (0..count)
        .into_par_iter()
        .map(|own| {
            let others = (0..count).filter(|&other| other != own);
            let apart =
                others.map(|other| (squared_distance(&centres[own], &centres[other]), other));
            let mut apart: Vec<(f32, usize)> = apart.collect();
            apart.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            apart
                .into_iter()
                .take(NEAR)
                .map(|(_, other)| other)
                .collect()
        })
        .collect();
    let mut pairs = BTreeSet::new();
    for (own, near) in near.iter().enumerate() {
        pairs.extend(near.iter().map(|&other| (own.min(other), own.max(other))));
    }
    step.tick(0)?;
    let found = pairs.par_iter().map(|&(a, b)| {
        step.tick(0)?;
        let from = towards(isa, points, &members[a], &centres[b]);
        let to = towards(isa, points, &members[b], &centres[a]);
        let mut best = Edge::NONE;
        for &row in &from {
            for &other in &to {
                let squared = points.squared(row as usize, other as usize);
                let weight = lists.weight(row, other, squared * stretch);
                best.improve(Edge::new(weight, row, other));
            }
        }
        Ok(best)
    });
    found.collect()
}

/// The rows nearest to a centre, in no order.
fn towards(isa: Isa, points: &Points<'_>, rows: &[u32], centre: &[f32]) -> Vec<u32> {
    if rows.len() <= ROWS {
        return rows.to_vec();
    }
    let mut working = vec![0.0; points.dims()];
    let apart = rows.iter().map(|&row| {
        points.working_row(isa, row as usize, &mut working);
        (squared_distance(&working, centre), row)
    });
    let mut apart: Vec<(f32, u32)> = apart.collect();
    apart.select_nth_unstable_by(ROWS - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    apart[..ROWS].iter().map(|&(_, row)| row).collect()
}
