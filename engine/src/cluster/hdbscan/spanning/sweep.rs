//! One pass over all pairs of rows in different components, for the shortest edges between them.
//!
//! Rows are taken in the order of their components, so that a tile has long runs of one component and a tile inside one
//! component is skipped. The shortest edge so far bounds what a proposal may be, and so does the longest step of the best way
//! between two components that is known before: no longer edge is in the tree. Rows whose core distance is beyond every such
//! bound are left out. What passes is decided exactly. Every edge at or below the final bound passes, so that the answer,
//! ties included, does not depend on threads.

use std::ops::Range;

use rayon::prelude::*;

use super::super::edges::Edge;
use super::super::lists::Lists;
use super::between::Between;
use crate::context::{Cancelled, Context};
use crate::linalg::{self, Block, Isa, LANES, bound, products, select_below_each};
use crate::neighbors::{Ends, Head, Points, Proposals, Way, way};

/// Rows in a block.
const ROWS: usize = 64;
/// Columns in a strip.
const COLUMNS: usize = 256;

/// The rows that are to be joined, and what is known of them.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub points: &'a Points<'a>,
    /// A few directions of each row, if there are any.
    pub head: Option<&'a Head>,
    pub lists: &'a Lists,
    pub stretch: f32,
    /// The component of each row.
    pub of: &'a [u32],
}

impl Rows<'_> {
    /// The greatest lower end of a proposal that a weight may belong to.
    pub fn proposed(&self, weight: f32) -> f32 {
        let squared = f64::from(weight) / f64::from(self.stretch) * self.points.squared_scale();
        // The shares of the rows cover the roundings of the comparison.
        (squared * (1.0 + 1e-6) + f64::from(bound::floor(self.points.dims())))
            .min(f64::from(f32::MAX)) as f32
    }
}

struct Sweep<'a> {
    rows: Rows<'a>,
    /// The rows that may have an edge of interest, in the order of their components: whole, or their heads.
    tiles: Proposals<'a>,
    /// What single pairs of whole rows propose, where tiles are of heads.
    pairs: Option<(linalg::Rows, Ends<'a>)>,
    /// The component of each place in that order.
    of: Vec<u32>,
    between: Between,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    limits: Vec<f32>,
    found: Vec<(f32, u32, u32)>,
    others: Vec<u32>,
    values: Vec<f32>,
}

/// The shortest edges that `between` asks for.
pub(super) fn sweep(
    isa: Isa,
    rows: &Rows<'_>,
    between: Between,
    context: &Context,
) -> Result<Vec<Edge>, Cancelled> {
    let Rows {
        points, lists, of, ..
    } = *rows;
    let components = of.iter().max().map_or(0, |last| *last as usize + 1);
    let most = between.most(components);
    let mut order: Vec<u32> = (0..of.len() as u32)
        .filter(|&row| lists.core[row as usize] <= most[of[row as usize] as usize])
        .collect();
    order.sort_by_key(|&row| of[row as usize]);
    let way = way(isa, points, &order, rows.head, |sampled| {
        let row = sampled.rows[sampled.at];
        let reach = sampled.rows.iter().map(|&other| {
            let (from, to) = (of[row as usize], of[other as usize]);
            let limit = between.limit(from, to);
            if from == to || lists.weight(row, other, 0.0) > limit {
                return -1.0;
            }
            f64::from(rows.proposed(limit))
        });
        reach.collect()
    });
    sweep_by(way, rows, &order, between, context)
}

/// The same by a way that is given, over rows in the order of their components.
fn sweep_by(
    way: Way,
    rows: &Rows<'_>,
    order: &[u32],
    between: Between,
    context: &Context,
) -> Result<Vec<Edge>, Cancelled> {
    let Rows { points, of, .. } = *rows;
    let of = order.iter().map(|&row| of[row as usize]).collect();
    let (tiles, pairs) = match (way, rows.head) {
        (Way::Head(coarse, _), Some(head)) => {
            let whole = linalg::Rows::pack_with(coarse, order.len(), points.dims(), |at, out| {
                points.working_row(coarse, order[at] as usize, out);
            });
            let ends = Ends::new(
                points,
                order,
                whole.norms(),
                whole.moves(),
                whole.usual_move(),
            );
            let tiles = Proposals::of_head(coarse, points, head, order);
            (tiles, Some((whole, ends)))
        }
        _ => (Proposals::whole(way.isa(), points, order), None),
    };
    let sweep = Sweep {
        rows: *rows,
        tiles,
        pairs,
        of,
        between,
    };
    sweep.run(context)?;
    Ok(sweep.between.into_edges())
}

impl Sweep<'_> {
    fn run(&self, context: &Context) -> Result<(), Cancelled> {
        let n = self.of.len();
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
                    block: Block::new(self.tiles.isa),
                    staging: Vec::new(),
                    tile: vec![0.0; ROWS * COLUMNS],
                    limits: Vec::new(),
                    found: Vec::new(),
                    others: Vec::new(),
                    values: Vec::new(),
                },
                |buffers, block| {
                    let rows = block * ROWS..((block + 1) * ROWS).min(n);
                    self.tiles
                        .block(rows.clone(), &mut buffers.block, &mut buffers.staging);
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
            &self.tiles.panels,
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
            let offset = self.tiles.ends.low[row];
            select_below_each(
                self.tiles.isa,
                offset,
                sums,
                &buffers.limits,
                0,
                &mut buffers.found,
            );
            if buffers.found.is_empty() {
                continue;
            }
            self.look_again(row, columns.start, buffers);
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
            let core = self.rows.lists.core[self.tiles.ends.order[column] as usize];
            if other == component || core > limit {
                return f32::NEG_INFINITY;
            }
            (self.rows.proposed(limit) - self.tiles.ends.low[column]).min(f32::MAX)
        }));
        limits.resize(padded.len(), f32::NEG_INFINITY);
    }

    /// Lets go of what a product of whole rows discards, and replaces the rest's lower ends by its own.
    fn look_again(&self, row: usize, first: usize, buffers: &mut Buffers) {
        let Some((rows, ends)) = &self.pairs else {
            return;
        };
        let Buffers {
            found,
            others,
            values,
            ..
        } = buffers;
        others.clear();
        others.extend(found.iter().map(|&(_, column, _)| column + first as u32));
        values.clear();
        rows.products(row, others, values);
        for ((value, ..), product) in found.iter_mut().zip(values.iter()) {
            *value = ends.low[row] - 2.0 * product;
        }
        found.retain(|&(value, column, _)| {
            let column = first + column as usize;
            let limit = self.between.limit(self.of[row], self.of[column]);
            value + ends.low[column] <= self.rows.proposed(limit)
        });
    }

    /// Decides the proposals found for a row, nearest first; whether any was an improvement.
    fn decide(&self, row: usize, first: usize, found: &mut [(f32, u32, u32)]) -> bool {
        let mut improved = false;
        let ends = self
            .pairs
            .as_ref()
            .map_or(&self.tiles.ends, |(_, ends)| ends);
        let lower = |column: usize, value: f32| value + ends.low[column];
        found.sort_unstable_by(|a, b| {
            lower(first + a.1 as usize, a.0)
                .total_cmp(&lower(first + b.1 as usize, b.0))
                .then(a.1.cmp(&b.1))
        });
        let a = self.tiles.ends.order[row];
        for &(value, column, _) in found.iter() {
            let column = first + column as usize;
            let (from, to) = (self.of[row], self.of[column]);
            let limit = self.between.limit(from, to);
            let b = self.tiles.ends.order[column];
            if lower(column, value) > self.rows.proposed(limit)
                || self.rows.lists.weight(a, b, 0.0) > limit
            {
                continue;
            }
            let stretched = self.rows.points.squared(a as usize, b as usize) * self.rows.stretch;
            let weight = self.rows.lists.weight(a, b, stretched);
            improved |= weight <= limit && self.between.improve(from, to, Edge::new(weight, a, b));
        }
        improved
    }
}

#[cfg(test)]
mod tests;
