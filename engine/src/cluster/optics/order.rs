//! The order of visits: always the row that is reached at the least distance, ties to the lower row.
//!
//! A visit needs only those rows whose distance may be below the one they are reached at so far. Products sort out the
//! rest, and soon that is nearly all; f32 distances decide. Rows of few coordinates are searched by a kd-tree instead
//! ([`by_boxes`]).

use ndarray::ArrayView1;

use super::ahead::{Ahead, COLUMNS, ROWS};
use super::by_boxes;
use crate::context::Context;
use crate::error::Error;
use crate::linalg::{Isa, LANES, bound, select_below_each};
use crate::neighbors::{KdTree, Metric, Points, knn_by, tree_for};

/// Covers the roundings of comparisons.
const SLACK: f64 = 1e-6;

/// What OPTICS finds before clusters are taken from it. Distances are in the metric's units, infinite where undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The rows in the order of visits.
    pub ordering: Vec<u32>,
    /// For each row the distance within which it has enough neighbours.
    pub core_distances: Vec<f32>,
    /// For each row the distance it was reached at.
    pub reachability: Vec<f32>,
    /// For each row the row it was reached from.
    pub predecessor: Vec<Option<u32>>,
}

/// What makes a neighbourhood dense.
#[derive(Debug, Clone)]
pub(super) struct Density {
    /// How many rows it holds, the row itself counted.
    pub min_samples: usize,
    /// How far it may reach.
    pub max_eps: f64,
    /// For each row the distance to its `min_samples`-th nearest, where that was found earlier.
    pub known: Option<Vec<f32>>,
}

/// The state of the visits.
struct Visits<'a> {
    points: &'a Points<'a>,
    metric: Metric,
    ahead: Ahead<'a>,
    max_eps: f64,
    /// `(1 - e) norm` of each row, infinite for padding.
    offsets: Vec<f32>,
    /// The reachability of rows not visited, [`f32::MAX`] where not reached; infinite once visited.
    waiting: Vec<f32>,
    /// What a proposal without the visited row's own offset may be to be of interest.
    limits: Vec<f32>,
    graph: Graph,
}

/// Visits all rows. O(n² d) products, O(n min(n, 2¹⁷)) memory, or a few searches of a kd-tree a row.
pub(super) fn visit_all(
    isa: Isa,
    points: &Points<'_>,
    metric: Metric,
    density: Density,
    context: &Context,
) -> Result<Graph, Error> {
    let tree = tree_for(isa, points, density.min_samples - 1);
    visit_by(tree.as_ref(), isa, points, metric, density, context)
}

/// Visits all rows by a tree, if there is one, or by products.
pub(super) fn visit_by(
    tree: Option<&KdTree>,
    isa: Isa,
    points: &Points<'_>,
    metric: Metric,
    density: Density,
    context: &Context,
) -> Result<Graph, Error> {
    let n = points.len();
    let max_eps = density.max_eps;
    let core_distances = core_distances(isa, points, tree, density, context)?;
    if let Some(tree) = tree {
        let found =
            by_boxes::visit_all(isa, points, tree, metric, core_distances, max_eps, context)?;
        return Ok(found);
    }
    let ahead = Ahead::new(isa, points);
    let e = bound::relative(points.dims(), ahead.panels.moved(), ahead.panels.moved());
    let norms = ahead.panels.norms();
    let mut offsets: Vec<f32> = norms.iter().map(|norm| (1.0 - e) * norm).collect();
    offsets.resize(ahead.panels.len() * LANES, f32::INFINITY);
    let mut visits = Visits {
        points,
        metric,
        max_eps,
        waiting: vec![f32::MAX; n],
        limits: vec![f32::NEG_INFINITY; n.next_multiple_of(COLUMNS)],
        offsets,
        ahead,
        graph: Graph {
            ordering: Vec::with_capacity(n),
            core_distances,
            reachability: vec![f32::INFINITY; n],
            predecessor: vec![None; n],
        },
    };
    for row in 0..n {
        visits.limits[row] = visits.limit(row, f32::MAX);
    }
    let step = context.step("visit rows", n as u64);
    let mut found = Vec::new();
    for _ in 0..n {
        step.tick(1)?;
        let row = first_least(&visits.waiting);
        visits.waiting[row] = f32::INFINITY;
        visits.limits[row] = f32::NEG_INFINITY;
        visits.graph.ordering.push(row as u32);
        if visits.graph.core_distances[row].is_finite() {
            visits.reach_from(isa, row, &mut found);
        }
    }
    Ok(visits.graph)
}

/// The distance to the `min_samples`-th nearest row, the row itself counted.
fn core_distances(
    isa: Isa,
    points: &Points<'_>,
    tree: Option<&KdTree>,
    density: Density,
    context: &Context,
) -> Result<Vec<f32>, Error> {
    let n = points.len();
    if density.min_samples > n {
        return Ok(vec![f32::INFINITY; n]);
    }
    let mut core = match density.known {
        Some(known) => known,
        None => {
            let found = knn_by(tree, isa, points, density.min_samples - 1, context)?;
            let last =
                |row: ArrayView1<'_, f32>| row.last().map_or(0.0, |&last| points.distance(last));
            found.distances.outer_iter().map(last).collect()
        }
    };
    for distance in &mut core {
        if f64::from(*distance) > density.max_eps {
            *distance = f32::INFINITY;
        }
    }
    Ok(core)
}

/// Where the least value is, the first of equals.
fn first_least(values: &[f32]) -> usize {
    const LANES: usize = 16;
    let mut least = [f32::INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            least[lane] = if chunk[lane] < least[lane] {
                chunk[lane]
            } else {
                least[lane]
            };
        }
    }
    let least = least
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::INFINITY, f32::min);
    values.iter().position(|&value| value == least).unwrap_or(0)
}

impl Visits<'_> {
    /// What a proposal may be if the distance is to be below `reached`, and no greater than the largest allowed.
    fn limit(&self, row: usize, reached: f32) -> f32 {
        let distance = f64::from(reached).min(self.max_eps);
        let squared = crate::neighbors::squared_for(self.points, self.metric, distance);
        let working = squared * self.points.squared_scale();
        let floor = f64::from(bound::floor(self.points.dims()));
        let offset = f64::from(self.offsets[row]);
        let limit = working * (1.0 + SLACK) + floor - offset + offset * SLACK;
        limit.min(f64::from(f32::MAX)) as f32
    }

    /// Reaches the rows that a core row is near to.
    fn reach_from(&mut self, isa: Isa, row: usize, found: &mut Vec<(f32, u32, u32)>) {
        if !self.ahead.has(row as u32) {
            let next = self.next_in_line(row);
            self.ahead.compute(next);
        }
        let core = self.graph.core_distances[row];
        // Lower ends of proposals lie a little lower still: the row's own rounding.
        let offset = self.offsets[row] * (1.0 - SLACK as f32);
        for strip in 0..self.limits.len() / COLUMNS {
            found.clear();
            let columns = strip * COLUMNS..(strip + 1) * COLUMNS;
            let sums = self.ahead.strip(row as u32, strip);
            select_below_each(isa, offset, sums, &self.limits[columns], 0, found);
            for &(_, column, _) in found.iter() {
                let other = strip * COLUMNS + column as usize;
                let reached = self.graph.reachability[other];
                if core >= reached || other >= self.points.len() {
                    continue;
                }
                let distance = self.points.distance(self.points.squared(row, other));
                let reach = distance.max(core);
                if f64::from(distance) <= self.max_eps && reach < reached {
                    self.graph.reachability[other] = reach;
                    self.graph.predecessor[other] = Some(row as u32);
                    self.waiting[other] = reach;
                    self.limits[other] = self.limit(other, reach);
                }
            }
        }
        self.ahead.forget(row as u32);
    }

    /// A row and those that would be visited next as things are, of those whose products are not there.
    fn next_in_line(&self, row: usize) -> Vec<u32> {
        let waits = |other: &u32| {
            self.waiting[*other as usize] < f32::INFINITY
                && self.graph.core_distances[*other as usize].is_finite()
                && !self.ahead.has(*other)
        };
        let mut others: Vec<u32> = (0..self.points.len() as u32).filter(waits).collect();
        if others.len() >= ROWS {
            others.select_nth_unstable_by(ROWS - 1, |&a, &b| {
                let waiting = |row: u32| self.waiting[row as usize];
                waiting(a).total_cmp(&waiting(b)).then(a.cmp(&b))
            });
            others.truncate(ROWS - 1);
        }
        others.insert(0, row as u32);
        others
    }
}
