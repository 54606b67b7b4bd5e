//! One pass over all pairs of rows in different components, for the shortest edges between them.
//!
//! Rows are taken in the order of their components, so that a tile has long runs of one component and a tile inside one
//! component is skipped. The shortest edge so far bounds what a proposal may be; what passes is decided exactly. Every
//! edge at or below the final shortest passes, so that the answer, ties included, does not depend on threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::super::edges::Edge;
use super::super::lists::Lists;
use crate::context::{Cancelled, Context};
use crate::linalg::{Block, Isa, LANES, Panels, bound, products, select_below_each};
use crate::neighbors::Points;

/// Rows in a block.
const ROWS: usize = 64;
/// Columns in a strip.
const COLUMNS: usize = 256;

/// The shortest edges so far, and which pairs of components share one.
#[derive(Debug)]
pub(super) struct Between {
    /// Components in a table of all pairs; `None` for one edge out of each component.
    table: Option<usize>,
    best: Vec<Mutex<Edge>>,
    /// The bits of the best edges' weights: not negative, so that their order is that of the numbers.
    weight: Vec<AtomicU32>,
}

impl Between {
    /// An edge between every two of `components`, starting from some known ones.
    pub fn every_two(components: usize, known: &[Edge], of: &[u32]) -> Between {
        let between = Between::filled(Some(components), vec![Edge::NONE; components * components]);
        for edge in known.iter().filter(|edge| edge.a != u32::MAX) {
            between.improve(of[edge.a as usize], of[edge.b as usize], *edge);
        }
        between
    }

    /// An edge out of each component, starting from known ones.
    pub fn out_of_each(known: Vec<Edge>) -> Between {
        Between::filled(None, known)
    }

    fn filled(table: Option<usize>, best: Vec<Edge>) -> Between {
        let weight = best
            .iter()
            .map(|edge| AtomicU32::new(edge.weight.to_bits()))
            .collect();
        Between {
            table,
            best: best.into_iter().map(Mutex::new).collect(),
            weight,
        }
    }

    /// The greatest weight an edge between two components may have to be of interest.
    pub fn limit(&self, a: u32, b: u32) -> f32 {
        let read = |at: usize| f32::from_bits(self.weight[at].load(Ordering::Relaxed));
        match self.table {
            Some(components) => read(a.min(b) as usize * components + a.max(b) as usize),
            None => read(a as usize).max(read(b as usize)),
        }
    }

    /// Takes an edge between two components into account; whether it was an improvement.
    pub fn improve(&self, a: u32, b: u32, edge: Edge) -> bool {
        let at = |at: usize| {
            let mut best = self.best[at].lock().unwrap_or_else(PoisonError::into_inner);
            let before = *best;
            best.improve(edge);
            self.weight[at].fetch_min(edge.weight.to_bits(), Ordering::Relaxed);
            *best != before
        };
        match self.table {
            Some(components) => at(a.min(b) as usize * components + a.max(b) as usize),
            None if a == b => at(a as usize),
            None => at(a as usize) | at(b as usize),
        }
    }

    /// The edges found.
    pub fn into_edges(self) -> Vec<Edge> {
        let best = self
            .best
            .into_iter()
            .map(|edge| edge.into_inner().unwrap_or_else(PoisonError::into_inner));
        best.filter(|edge| edge.a != u32::MAX).collect()
    }
}

struct Sweep<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    lists: &'a Lists,
    stretch: f32,
    /// Rows in the order of their components.
    order: Vec<u32>,
    /// The component of each place in that order.
    of: Vec<u32>,
    panels: Panels,
    /// `(1 - e) norm` of each place, infinite for padding.
    offsets: Vec<f32>,
    between: Between,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    limits: Vec<f32>,
    found: Vec<(f32, u32, u32)>,
}

/// The shortest edges that `between` asks for, given each row's component.
pub(super) fn sweep(
    isa: Isa,
    points: &Points<'_>,
    lists: &Lists,
    stretch: f32,
    of: &[u32],
    between: Between,
    context: &Context,
) -> Result<Vec<Edge>, Cancelled> {
    let mut order: Vec<u32> = (0..of.len() as u32).collect();
    order.sort_by_key(|&row| of[row as usize]);
    let panels = points.panels(isa, |at| order[at] as usize);
    let e = bound::relative(points.dims(), panels.moved(), panels.moved());
    let mut offsets: Vec<f32> = panels.norms().iter().map(|norm| (1.0 - e) * norm).collect();
    offsets.resize(panels.len() * LANES, f32::INFINITY);
    let of = order.iter().map(|&row| of[row as usize]).collect();
    let sweep = Sweep {
        isa,
        points,
        lists,
        stretch,
        order,
        of,
        panels,
        offsets,
        between,
    };
    sweep.run(context)?;
    Ok(sweep.between.into_edges())
}

impl Sweep<'_> {
    fn run(&self, context: &Context) -> Result<(), Cancelled> {
        let n = self.order.len();
        let (blocks, strips) = (n.div_ceil(ROWS), n.div_ceil(COLUMNS));
        let tiles: usize = (0..blocks)
            .map(|block| strips - block * ROWS / COLUMNS)
            .sum();
        let step = context.step("join components", tiles as u64);
        (0..blocks)
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || Buffers {
                    block: Block::new(self.isa),
                    staging: Vec::new(),
                    tile: vec![0.0; ROWS * COLUMNS],
                    limits: Vec::new(),
                    found: Vec::new(),
                },
                |buffers, block| {
                    let rows = block * ROWS..((block + 1) * ROWS).min(n);
                    let places = rows.clone().map(|at| self.order[at] as usize);
                    self.points
                        .block(places, self.isa, &mut buffers.block, &mut buffers.staging);
                    for strip in block * ROWS / COLUMNS..strips {
                        step.tick(1)?;
                        let columns =
                            (strip * COLUMNS).max(rows.start)..((strip + 1) * COLUMNS).min(n);
                        self.tile(rows.clone(), columns, buffers);
                    }
                    Ok(())
                },
            )
    }

    fn tile(&self, rows: Range<usize>, columns: Range<usize>, buffers: &mut Buffers) {
        // Places are in the order of components: equal ends mean one component.
        if self.of[rows.start] == self.of[columns.end - 1] {
            return;
        }
        let padded = columns.start..columns.end.next_multiple_of(LANES);
        products(
            &buffers.block,
            &self.panels,
            padded.start / LANES..padded.end / LANES,
            &mut buffers.tile,
            COLUMNS,
        );
        let mut component = None;
        for row in rows.clone() {
            if component != Some(self.of[row]) {
                component = Some(self.of[row]);
                self.fill_limits(self.of[row], &columns, &padded, &mut buffers.limits);
            }
            let sums = &buffers.tile[(row - rows.start) * COLUMNS..][..padded.len()];
            buffers.found.clear();
            let offset = self.offsets[row];
            select_below_each(
                self.isa,
                offset,
                sums,
                &buffers.limits,
                0,
                &mut buffers.found,
            );
            if self.decide(row, columns.start, &mut buffers.found) {
                self.fill_limits(self.of[row], &columns, &padded, &mut buffers.limits);
            }
        }
    }

    /// The greatest proposal of each column, without the row's own offset, that is of interest to a component.
    fn fill_limits(
        &self,
        component: u32,
        columns: &Range<usize>,
        padded: &Range<usize>,
        limits: &mut Vec<f32>,
    ) {
        limits.clear();
        let mut last = (component, f32::NEG_INFINITY);
        limits.extend(columns.clone().map(|column| {
            let other = self.of[column];
            if other != last.0 {
                last = (other, self.between.limit(component, other));
            }
            let limit = last.1;
            if other == component || self.lists.core[self.order[column] as usize] > limit {
                return f32::NEG_INFINITY;
            }
            (self.proposed(limit) - self.offsets[column]).min(f32::MAX)
        }));
        limits.resize(padded.len(), f32::NEG_INFINITY);
    }

    /// The greatest lower end of a proposal that a weight may belong to.
    fn proposed(&self, weight: f32) -> f32 {
        let squared = f64::from(weight) / f64::from(self.stretch) * self.points.squared_scale();
        // The shares cover the roundings of the comparison; `bound::relative` has room for those of its terms.
        (squared * (1.0 + 1e-6) + f64::from(bound::floor(self.points.dims())))
            .min(f64::from(f32::MAX)) as f32
    }

    /// Decides the proposals found for a row, nearest first; whether any was an improvement.
    fn decide(&self, row: usize, first: usize, found: &mut [(f32, u32, u32)]) -> bool {
        let mut improved = false;
        let lower = |column: usize, value: f32| value + self.offsets[column];
        found.sort_unstable_by(|a, b| {
            lower(first + a.1 as usize, a.0)
                .total_cmp(&lower(first + b.1 as usize, b.0))
                .then(a.1.cmp(&b.1))
        });
        let a = self.order[row];
        for &(value, column, _) in found.iter() {
            let column = first + column as usize;
            let (from, to) = (self.of[row], self.of[column]);
            let limit = self.between.limit(from, to);
            let b = self.order[column];
            if lower(column, value) > self.proposed(limit) || self.lists.weight(a, b, 0.0) > limit {
                continue;
            }
            let stretched = self.points.squared(a as usize, b as usize) * self.stretch;
            let weight = self.lists.weight(a, b, stretched);
            improved |= weight <= limit && self.between.improve(from, to, Edge::new(weight, a, b));
        }
        improved
    }
}
