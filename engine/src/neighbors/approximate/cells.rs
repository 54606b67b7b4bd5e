//! Which rows lie together: cells around centres from a few rounds of k-means on a part of the rows.
//!
//! All of it in whole numbers (see `whole`), so that every machine makes the same cells.

use rayon::prelude::*;

use super::whole::Whole;
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Panels, nearest, products, sum_of_squares};
use crate::neighbors::Points;

/// Rows of one task.
const ROWS: usize = 64;
/// Rows a cell that centres are trained on.
const TRAINED: usize = 12;
/// Rounds of training.
const ROUNDS: usize = 4;

/// The cells, the rows in the order of their cells, and for each row the cells nearest to it.
#[derive(Debug)]
pub(super) struct Cells {
    /// Rows in the order of their cells, rows of one cell ascending.
    pub order: Vec<u32>,
    /// Cell `c` is `order[starts[c]..starts[c + 1]]`.
    pub starts: Vec<usize>,
    /// How many cells each row lists.
    pub width: usize,
    /// The cells of `order[i]`, its own first, are `lists[i * width..(i + 1) * width]`.
    lists: Vec<u32>,
}

impl Cells {
    /// Puts the rows into about `2.5 sqrt(n)` cells. O(n^1.5 d).
    pub fn new(
        isa: Isa,
        points: &Points<'_>,
        most: usize,
        context: &Context,
    ) -> Result<Cells, Error> {
        let n = points.len();
        let count = ((2.5 * (n as f64).sqrt()) as usize).clamp(1, n);
        let (whole, centres) = train(isa, points, count, context)?;
        let width = most.min(count);
        let step = context.step("find cells", n as u64);
        let mut by_row = vec![0_u32; n * width];
        by_row
            .par_chunks_mut(ROWS * width)
            .enumerate()
            .try_for_each_init(
                || Buffers::new(isa, &centres),
                |buffers, (block, lists)| {
                    let first = block * ROWS;
                    let rows = first..first + lists.len() / width;
                    step.tick(rows.len() as u64)?;
                    buffers.multiply(whole, points, &centres, rows);
                    for (row, list) in lists.chunks_exact_mut(width).enumerate() {
                        buffers.closest(&centres, row, list);
                    }
                    Ok::<_, Cancelled>(())
                },
            )?;
        let mut starts = vec![0; count + 1];
        for list in by_row.chunks_exact(width) {
            starts[list[0] as usize + 1] += 1;
        }
        for cell in 0..count {
            starts[cell + 1] += starts[cell];
        }
        let mut next = starts.clone();
        let mut order = vec![0; n];
        let mut lists = vec![0; n * width];
        for (row, list) in by_row.chunks_exact(width).enumerate() {
            let at = &mut next[list[0] as usize];
            order[*at] = row as u32;
            lists[*at * width..(*at + 1) * width].copy_from_slice(list);
            *at += 1;
        }
        Ok(Cells {
            order,
            starts,
            width,
            lists,
        })
    }

    /// The cells nearest to the row at this place, its own first.
    pub fn list(&self, place: usize) -> &[u32] {
        &self.lists[place * self.width..(place + 1) * self.width]
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

/// Centres in whole steps, packed for products.
struct Centres {
    panels: Panels,
    /// Squared lengths, infinite for padding.
    offsets: Vec<f32>,
}

impl Centres {
    fn pack(isa: Isa, rows: &[f32], d: usize) -> Centres {
        let panels = Panels::pack(isa, rows, d);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Centres { panels, offsets }
    }
}

struct Buffers {
    isa: Isa,
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    ranked: Vec<(f32, u32)>,
}

impl Buffers {
    fn new(isa: Isa, centres: &Centres) -> Buffers {
        Buffers {
            isa,
            block: Block::new(isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * centres.offsets.len()],
            ranked: Vec::new(),
        }
    }

    fn multiply(
        &mut self,
        whole: Whole,
        points: &Points<'_>,
        centres: &Centres,
        rows: impl ExactSizeIterator<Item = usize>,
    ) {
        let d = points.dims();
        self.staging.resize(rows.len() * d, 0.0);
        for (at, row) in rows.zip(self.staging.chunks_exact_mut(d)) {
            whole.row(self.isa, points, at, row);
        }
        self.block.fill(&self.staging, d);
        let stride = centres.offsets.len();
        products(
            &self.block,
            &centres.panels,
            0..centres.panels.len(),
            &mut self.tile,
            stride,
        );
    }

    /// Writes the centres closest to a row of the block, closest first.
    fn closest(&mut self, centres: &Centres, row: usize, list: &mut [u32]) {
        let stride = centres.offsets.len();
        let sums = &self.tile[row * stride..(row + 1) * stride];
        let count = centres.panels.rows();
        self.ranked.clear();
        let proposals = centres.offsets[..count].iter().zip(sums).enumerate();
        self.ranked
            .extend(proposals.map(|(cell, (offset, sum))| (offset - 2.0 * sum, cell as u32)));
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if list.len() < count {
            self.ranked.select_nth_unstable_by(list.len() - 1, order);
        }
        let best = &mut self.ranked[..list.len()];
        best.sort_unstable_by(order);
        for (to, (_, cell)) in list.iter_mut().zip(best) {
            *to = *cell;
        }
    }
}

/// A few rounds of k-means on evenly spaced rows, in whole numbers throughout.
fn train(
    isa: Isa,
    points: &Points<'_>,
    count: usize,
    context: &Context,
) -> Result<(Whole, Centres), Error> {
    let (n, d) = (points.len(), points.dims());
    let sample = (count * TRAINED).min(n);
    let row_at = |i: usize| i * n / sample;
    let whole = steps_for(isa, points, sample);
    let mut rows = vec![0.0; count * d];
    for (cell, row) in rows.chunks_exact_mut(d).enumerate() {
        whole.row(isa, points, row_at(cell * sample / count), row);
    }
    let mut centres = Centres::pack(isa, &rows, d);
    let step = context.step("make cells", (ROUNDS * sample) as u64);
    for _ in 0..ROUNDS {
        let mut cells = vec![0_u32; sample];
        cells.par_chunks_mut(ROWS).enumerate().try_for_each_init(
            || Buffers::new(isa, &centres),
            |buffers, (block, cells)| {
                step.tick(cells.len() as u64)?;
                let first = block * ROWS;
                let rows = (first..first + cells.len()).map(row_at);
                buffers.multiply(whole, points, &centres, rows);
                let stride = centres.offsets.len();
                for (cell, sums) in cells.iter_mut().zip(buffers.tile.chunks_exact(stride)) {
                    *cell = nearest(isa, &centres.offsets, sums).index;
                }
                Ok::<_, Cancelled>(())
            },
        )?;
        let mut members = vec![Vec::new(); count];
        for (i, &cell) in cells.iter().enumerate() {
            members[cell as usize].push(row_at(i));
        }
        rows.par_chunks_exact_mut(d)
            .zip(members)
            .for_each(|(row, members)| {
                // An empty cell stays where it is.
                if members.is_empty() {
                    return;
                }
                let (mut sums, mut one) = (vec![0.0; d], vec![0.0; d]);
                for &member in &members {
                    whole.row(isa, points, member, &mut one);
                    for (sum, value) in sums.iter_mut().zip(&one) {
                        *sum += value;
                    }
                }
                Whole::mean(&sums, members.len(), row);
            });
        centres = Centres::pack(isa, &rows, d);
    }
    Ok((whole, centres))
}

/// Steps that suit the rows, by evenly spaced ones.
fn steps_for(isa: Isa, points: &Points<'_>, sample: usize) -> Whole {
    let mut row = vec![0.0; points.dims()];
    let squares: f64 = (0..sample)
        .map(|i| {
            points.working_row(isa, i * points.len() / sample, &mut row);
            sum_of_squares(isa, &row)
        })
        .sum();
    Whole::for_rows(squares / sample.max(1) as f64, points.dims())
}
