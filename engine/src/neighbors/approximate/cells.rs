//! Which rows lie together: cells around centres from a few rounds of k-means on a part of the rows.
//!
//! All of it in whole numbers (see `whole`), so that every machine makes the same cells.

use rayon::prelude::*;

use super::lists::Lists;
use super::whole::Whole;
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Panels, nearest, products, select_below, sum_of_squares};
use crate::neighbors::Points;

/// Cells, as a multiple of the root of the number of rows. With more, a row meets hardly fewer rows until enough of its
/// neighbours are among them, and finding its cells takes longer.
const CELLS: f64 = 1.2;
/// Rows of one task.
const ROWS: usize = 64;
/// Rows a cell that centres are trained on.
const TRAINED: usize = 12;
/// Rounds of training.
const ROUNDS: usize = 4;
/// The fewest cells a row lists, however far they are: its own may hold few rows.
const LEAST_LISTED: usize = 16;
/// The most cells a row lists.
pub(super) const MOST_LISTED: usize = 64;
/// How many cells a row lists on average, at most.
const LISTED: usize = 40;
/// Rows that say how far cells may be for that.
const MEASURED: usize = 256;

/// The cells, the rows in the order of their cells, and for each row the cells nearest to it.
#[derive(Debug)]
pub(super) struct Cells {
    /// Rows in the order of their cells, rows of one cell ascending.
    pub order: Vec<u32>,
    /// Cell `c` is `order[starts[c]..starts[c + 1]]`.
    pub starts: Vec<usize>,
    /// The list of the row at each place.
    at: Vec<u32>,
    lists: Lists,
}

impl Cells {
    /// Puts some rows, ascending, into about `1.2 sqrt(n)` cells. Every row lists at least as many as hold `enough` rows.
    /// O(n^1.5 d).
    pub fn new(
        isa: Isa,
        points: &Points<'_>,
        rows: &[u32],
        enough: usize,
        context: &Context,
    ) -> Result<Cells, Error> {
        let n = rows.len();
        let count = ((CELLS * (n as f64).sqrt()) as usize).clamp(1, n);
        // Whole numbers lose nothing in any of them.
        let d = points.dims();
        let isa = isa.coarse(d).unwrap_or(isa.for_dims(d));
        let (whole, centres) = train(isa, points, rows, count, context)?;
        let gap = usual_gap(isa, points, rows, whole, &centres);
        let step = context.step("find cells", n as u64);
        let blocks = rows.par_chunks(ROWS).map_init(
            || Buffers::new(isa, &centres),
            |buffers, rows| {
                step.tick(rows.len() as u64)?;
                buffers.multiply(whole, points, &centres, rows);
                let (mut lengths, mut lists) = (Vec::new(), Vec::new());
                for row in 0..rows.len() {
                    let before = lists.len();
                    buffers.closest(&centres, row, gap, &mut lists);
                    lengths.push((lists.len() - before) as u32);
                }
                Ok((lengths, lists))
            },
        );
        let blocks: Vec<_> = blocks.collect::<Result<_, Cancelled>>()?;
        let mut lists = Lists::join(blocks);
        let mut starts = vec![0; count + 1];
        for list in 0..n {
            starts[lists.cells(list)[0] as usize + 1] += 1;
        }
        for cell in 0..count {
            starts[cell + 1] += starts[cell];
        }
        lists.hold(enough, |cell| {
            starts[cell as usize + 1] - starts[cell as usize]
        });
        let mut next = starts.clone();
        let (mut order, mut at) = (vec![0; n], vec![0; n]);
        for list in 0..n {
            let place = &mut next[lists.cells(list)[0] as usize];
            order[*place] = rows[list];
            at[*place] = list as u32;
            *place += 1;
        }
        Ok(Cells {
            order,
            starts,
            at,
            lists,
        })
    }

    /// The cells nearest to the row at this place, its own first.
    pub fn list(&self, place: usize) -> &[u32] {
        self.lists.cells(self.at[place] as usize)
    }

    /// How much further than the first the cells on that list are, in squared whole steps, before [`Cells::shorten`].
    pub fn gaps(&self, place: usize) -> &[f32] {
        self.lists.gaps(self.at[place] as usize)
    }

    /// Lets every row list at most so many cells, none of which is further than `gap`.
    pub fn shorten(&mut self, width: usize, gap: f32) {
        self.lists = self.lists.shorten(&self.at, width, gap);
        self.at = (0..self.lists.len() as u32).collect();
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of rows in a cell.
    pub fn size(&self, cell: u32) -> usize {
        self.starts[cell as usize + 1] - self.starts[cell as usize]
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
        let panels = Panels::pack_whole(isa, rows, d);
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
    listed: Vec<(f32, u32)>,
    keys: Vec<u64>,
}

impl Buffers {
    fn new(isa: Isa, centres: &Centres) -> Buffers {
        Buffers {
            isa,
            block: Block::new(isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * centres.offsets.len()],
            listed: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn multiply(&mut self, whole: Whole, points: &Points<'_>, centres: &Centres, rows: &[u32]) {
        let d = points.dims();
        self.staging.resize(rows.len() * d, 0.0);
        for (&at, row) in rows.iter().zip(self.staging.chunks_exact_mut(d)) {
            whole.row(self.isa, points, at as usize, row);
        }
        self.block.fill_whole(&self.staging, d);
        let stride = centres.offsets.len();
        products(
            &self.block,
            &centres.panels,
            0..centres.panels.len(),
            &mut self.tile,
            stride,
        );
    }

    fn sums<'a>(&'a self, centres: &Centres, row: usize) -> &'a [f32] {
        let stride = centres.offsets.len();
        &self.tile[row * stride..(row + 1) * stride]
    }

    /// Adds the centres not further than `gap` beyond the closest to a row of the block, closest first, and how much further.
    fn closest(&mut self, centres: &Centres, row: usize, gap: f32, list: &mut Vec<(u32, f32)>) {
        let mut listed = std::mem::take(&mut self.listed);
        listed.clear();
        let sums = self.sums(centres, row);
        let least = nearest(self.isa, &centres.offsets, sums).value;
        select_below(
            self.isa,
            &centres.offsets,
            sums,
            least + gap,
            0,
            &mut listed,
        );
        let mut most = MOST_LISTED;
        if listed.len() < LEAST_LISTED {
            // A row apart from all but its own centre.
            most = LEAST_LISTED;
            listed.clear();
            select_below(self.isa, &centres.offsets, sums, f32::MAX, 0, &mut listed);
        }
        // Bits of numbers that are not negative order as the numbers do; ties go to the lower cell.
        let keys = listed.iter().map(|&(value, cell)| {
            (u64::from((value - least).max(0.0).to_bits()) << 32) | u64::from(cell)
        });
        self.keys.clear();
        self.keys.extend(keys);
        if self.keys.len() > most {
            self.keys.select_nth_unstable(most - 1);
            self.keys.truncate(most);
        }
        self.keys.sort_unstable();
        let cells = self.keys.iter();
        list.extend(cells.map(|&key| (key as u32, f32::from_bits((key >> 32) as u32))));
        self.listed = listed;
    }
}

/// How much further than the closest centre rows may look to list [`LISTED`] on average.
fn usual_gap(isa: Isa, points: &Points<'_>, rows: &[u32], whole: Whole, centres: &Centres) -> f32 {
    let count = centres.panels.rows();
    let sample = MEASURED.min(rows.len());
    let rows: Vec<u32> = (0..sample).map(|i| rows[i * rows.len() / sample]).collect();
    let gaps = rows.par_chunks(ROWS).flat_map_iter(|rows| {
        let mut buffers = Buffers::new(isa, centres);
        buffers.multiply(whole, points, centres, rows);
        let mut gaps = Vec::with_capacity(rows.len() * count);
        for row in 0..rows.len() {
            let sums = buffers.sums(centres, row);
            let least = nearest(isa, &centres.offsets, sums).value;
            let values = centres.offsets[..count].iter().zip(sums);
            gaps.extend(values.map(|(offset, sum)| offset - 2.0 * sum - least));
        }
        gaps
    });
    let mut gaps: Vec<f32> = gaps.collect();
    if count <= LISTED {
        return gaps.into_iter().fold(0.0, f32::max);
    }
    let (_, gap, _) = gaps.select_nth_unstable_by(sample * LISTED, f32::total_cmp);
    *gap
}

/// A few rounds of k-means on evenly spaced rows, in whole numbers throughout.
fn train(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    count: usize,
    context: &Context,
) -> Result<(Whole, Centres), Error> {
    let d = points.dims();
    let sample = (count * TRAINED).min(rows.len());
    let sample: Vec<u32> = (0..sample).map(|i| rows[i * rows.len() / sample]).collect();
    let whole = steps_for(isa, points, &sample);
    let mut centres_rows = vec![0.0; count * d];
    for (cell, row) in centres_rows.chunks_exact_mut(d).enumerate() {
        let first = sample[cell * sample.len() / count];
        whole.row(isa, points, first as usize, row);
    }
    let mut centres = Centres::pack(isa, &centres_rows, d);
    let step = context.step("make cells", (ROUNDS * sample.len()) as u64);
    for _ in 0..ROUNDS {
        let mut cells = vec![0_u32; sample.len()];
        cells
            .par_chunks_mut(ROWS)
            .zip(sample.par_chunks(ROWS))
            .try_for_each_init(
                || Buffers::new(isa, &centres),
                |buffers, (cells, rows)| {
                    step.tick(cells.len() as u64)?;
                    buffers.multiply(whole, points, &centres, rows);
                    for (row, cell) in cells.iter_mut().enumerate() {
                        *cell = nearest(isa, &centres.offsets, buffers.sums(&centres, row)).index;
                    }
                    Ok::<_, Cancelled>(())
                },
            )?;
        let mut members = vec![Vec::new(); count];
        for (&row, &cell) in sample.iter().zip(&cells) {
            members[cell as usize].push(row);
        }
        centres_rows
            .par_chunks_exact_mut(d)
            .zip(members)
            .for_each(|(row, members)| {
                // An empty cell stays where it is.
                if members.is_empty() {
                    return;
                }
                let (mut sums, mut one) = (vec![0.0; d], vec![0.0; d]);
                for &member in &members {
                    whole.row(isa, points, member as usize, &mut one);
                    for (sum, value) in sums.iter_mut().zip(&one) {
                        *sum += value;
                    }
                }
                Whole::mean(&sums, members.len(), row);
            });
        centres = Centres::pack(isa, &centres_rows, d);
    }
    Ok((whole, centres))
}

/// Steps that suit some rows.
fn steps_for(isa: Isa, points: &Points<'_>, rows: &[u32]) -> Whole {
    let mut staging = vec![0.0; points.dims()];
    let squares: f64 = rows
        .iter()
        .map(|&row| {
            points.working_row(isa, row as usize, &mut staging);
            sum_of_squares(isa, &staging)
        })
        .sum();
    Whole::for_rows(squares / rows.len().max(1) as f64, points.dims())
}
