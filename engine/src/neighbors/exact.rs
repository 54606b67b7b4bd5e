//! All pairs in tiles, each tile serving both of its sides.
//!
//! A tile is a block of rows against a strip of columns at or right of the diagonal. Its products are read twice while
//! they are in cache: along rows for the block's candidates, across for the strip's. Which thread takes which tile
//! changes only which candidates are met first, never the neighbours, because the bound keeps every true one.

use std::sync::{Mutex, PoisonError};

use ndarray::Array2;
use rayon::prelude::*;

use super::candidates::Candidates;
use super::{Neighbors, Points};
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Panels, bound, products, select_below, select_below_each};

/// Rows in a block: they and a strip's tile of products stay in the second-level cache.
const ROWS: usize = 64;
/// Columns in a strip.
const COLUMNS: usize = 256;

/// What the threads share.
struct Sweep<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    panels: Panels,
    /// `(1 - e) ny` for each column, infinite for padding: with it a proposal is its own lower end.
    offsets: Vec<f32>,
    blocks: Vec<Mutex<Candidates>>,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    found: Vec<(f32, u32)>,
    across: Vec<(f32, u32, u32)>,
    thresholds: Vec<f32>,
}

/// The `min(k, n - 1)` nearest of every row, with squared distances in the units of the rows kept.
pub(crate) fn knn_squared(
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<Neighbors, Error> {
    let n = points.len();
    let k = k.min(n.saturating_sub(1));
    if k == 0 {
        return Ok(Neighbors {
            indices: Array2::zeros((n, 0)),
            distances: Array2::zeros((n, 0)),
        });
    }
    let panels = points.panels(isa, |at| at);
    let e = bound::relative(points.dims(), panels.moved(), panels.moved());
    let floor = bound::floor(points.dims());
    let longest = panels.norms().iter().copied().fold(0.0, f32::max);
    let mut offsets: Vec<f32> = panels.norms().iter().map(|norm| (1.0 - e) * norm).collect();
    offsets.resize(panels.len() * LANES, f32::INFINITY);
    let blocks = panels
        .norms()
        .chunks(ROWS)
        .map(|norms| {
            // The factor covers the rounding of the offsets and of this product.
            let margins = norms
                .iter()
                .map(|norm| 2.0 * 1.001 * (e * (norm + longest) + floor));
            Mutex::new(Candidates::new(k, margins))
        })
        .collect();
    let sweep = Sweep {
        isa,
        points,
        panels,
        offsets,
        blocks,
    };
    sweep.run(context)?;
    sweep.decide(k, context)
}

impl Sweep<'_> {
    fn buffers(&self) -> Buffers {
        Buffers {
            block: Block::new(self.isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * COLUMNS],
            found: Vec::new(),
            across: Vec::new(),
            thresholds: Vec::new(),
        }
    }

    /// Proposes every pair to both of its rows.
    fn run(&self, context: &Context) -> Result<(), Cancelled> {
        let n = self.points.len();
        let strips = n.div_ceil(COLUMNS);
        let tiles: usize = (0..self.blocks.len())
            .map(|block| strips - block * ROWS / COLUMNS)
            .sum();
        let step = context.step("find neighbours", tiles as u64);
        (0..self.blocks.len())
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || self.buffers(),
                |buffers, block| {
                    let rows = block * ROWS..((block + 1) * ROWS).min(n);
                    self.points
                        .block(rows, self.isa, &mut buffers.block, &mut buffers.staging);
                    for strip in block * ROWS / COLUMNS..strips {
                        step.tick(1)?;
                        self.tile(block, strip, buffers);
                    }
                    Ok(())
                },
            )
    }

    fn tile(&self, block: usize, strip: usize, buffers: &mut Buffers) {
        let Buffers {
            block: left,
            tile,
            found,
            across,
            thresholds,
            ..
        } = buffers;
        let first_row = block * ROWS;
        // Columns left of the diagonal have met these rows in an earlier block's tile.
        let columns =
            (strip * COLUMNS).max(first_row)..((strip + 1) * COLUMNS).min(self.offsets.len());
        let first = columns.start as u32;
        products(
            left,
            &self.panels,
            columns.start / LANES..columns.end / LANES,
            tile,
            COLUMNS,
        );
        let offsets = &self.offsets[columns.clone()];
        {
            let mut own = self.lock(block);
            for row in 0..left.rows() {
                let sums = &tile[row * COLUMNS..][..offsets.len()];
                found.clear();
                select_below(self.isa, offsets, sums, own.thresholds[row], first, found);
                found.retain(|(_, column)| *column as usize != first_row + row);
                own.add(row, found);
            }
        }
        // The block's own columns have just met its rows from both sides.
        let own_columns = (first_row + ROWS).saturating_sub(columns.start);
        thresholds.clear();
        thresholds.resize(own_columns.min(columns.len()), f32::NEG_INFINITY);
        for block in
            (columns.start + own_columns) / ROWS..columns.end.div_ceil(ROWS).min(self.blocks.len())
        {
            thresholds.extend_from_slice(&self.lock(block).thresholds);
        }
        thresholds.resize(columns.len(), f32::NEG_INFINITY);
        across.clear();
        for row in 0..left.rows() {
            let offset = self.offsets[first_row + row];
            let sums = &tile[row * COLUMNS..][..thresholds.len()];
            select_below_each(
                self.isa,
                offset,
                sums,
                thresholds,
                (first_row + row) as u32,
                across,
            );
        }
        across.sort_unstable_by_key(|(_, column, _)| column / ROWS as u32);
        for group in across.chunk_by(|a, b| a.1 / ROWS as u32 == b.1 / ROWS as u32) {
            let block = (columns.start + group[0].1 as usize) / ROWS;
            let mut other = self.lock(block);
            for &(value, column, row) in group {
                other.push(column as usize % ROWS, value, row);
            }
        }
    }

    /// Decides among the candidates by exact distances.
    fn decide(&self, k: usize, context: &Context) -> Result<Neighbors, Error> {
        let n = self.points.len();
        let step = context.step("rank neighbours", self.blocks.len() as u64);
        let mut indices = Array2::zeros((n, k));
        let mut distances = Array2::zeros((n, k));
        let (Some(all_indices), Some(all_distances)) =
            (indices.as_slice_mut(), distances.as_slice_mut())
        else {
            return Err(Error::Input("the neighbours do not fit in memory".into()));
        };
        all_indices
            .par_chunks_mut(ROWS * k)
            .zip(all_distances.par_chunks_mut(ROWS * k))
            .enumerate()
            .try_for_each(|(block, (indices, distances))| {
                step.tick(1)?;
                let mut own = self.lock(block);
                let rows = indices
                    .chunks_exact_mut(k)
                    .zip(distances.chunks_exact_mut(k));
                for (row, (indices, distances)) in rows.enumerate() {
                    let mut ranked: Vec<(f32, u32)> = own
                        .thin(row)
                        .iter()
                        .map(|&(_, other)| {
                            (
                                self.points.squared(block * ROWS + row, other as usize),
                                other,
                            )
                        })
                        .collect();
                    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    for ((index, distance), (squared, other)) in
                        indices.iter_mut().zip(distances).zip(ranked)
                    {
                        *index = other;
                        *distance = squared;
                    }
                }
                Ok::<(), Cancelled>(())
            })?;
        Ok(Neighbors { indices, distances })
    }

    fn lock(&self, block: usize) -> std::sync::MutexGuard<'_, Candidates> {
        self.blocks[block]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
