//! All pairs in tiles, each tile serving both of its sides.
//!
//! A tile is a block of rows against a strip of columns at or right of the diagonal. Its products are read once while
//! they are in cache, and what is near enough for the row or for the column is proposed to it. Which thread takes which
//! tile changes only which candidates are met first, never the neighbours, because the bound keeps every true one.
//!
//! What a tile multiplies is decided by a [`plan`]: whole rows in f32, bfloat16 or eight-bit integers, or only the
//! directions in which rows differ most, and then single pairs.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ndarray::Array2;
use rayon::prelude::*;

use super::head::Head;
use super::plan::{Plan, plan};
use super::proposals::{Ends, Proposals};
use super::repeats::Repeats;
use super::shortlist::Shortlists;
use super::{Neighbors, Points};
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Rows, products, select_close};

/// Rows in a block: they and a strip's tile of products stay in the second-level cache.
const ROWS: usize = 64;
/// Columns in a strip.
const COLUMNS: usize = 256;

/// What the threads share. Rows are counted by places in an order.
struct Sweep<'a> {
    /// What tiles propose.
    tiles: Proposals<'a>,
    /// What single pairs propose, where tiles give lower ends only.
    pairs: Option<(Rows, Ends<'a>)>,
    blocks: Vec<Mutex<Shortlists>>,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    close: Vec<u32>,
    values: Vec<f32>,
    thresholds: Vec<f32>,
    limits: Vec<f32>,
    across: Vec<Vec<(f32, u32, u32)>>,
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
    let mut found = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    if k == 0 {
        return Ok(found);
    }
    let repeats = Repeats::new(points, k);
    match plan(isa, points, &repeats.kept, k) {
        Plan::Whole(isa) => search_whole(isa, points, &repeats.kept, &mut found, context)?,
        Plan::Head(coarse, directions) => {
            let all: Vec<u32> = (0..n as u32).collect();
            let head = Head::new(isa, points, &all, &directions);
            search_by_head(coarse, points, &head, &repeats.kept, &mut found, context)?;
        }
    }
    repeats.complete(&mut found);
    Ok(found)
}

/// Proposes by products of whole rows.
fn search_whole(
    isa: Isa,
    points: &Points<'_>,
    rows: &[u32],
    found: &mut Neighbors,
    context: &Context,
) -> Result<(), Error> {
    Sweep::new(
        Proposals::whole(isa, points, rows),
        None,
        found.indices.ncols(),
    )
    .run(found, context)
}

/// Discards by the head's directions, proposes by products of single pairs in integers.
fn search_by_head(
    coarse: Isa,
    points: &Points<'_>,
    head: &Head,
    rows: &[u32],
    found: &mut Neighbors,
    context: &Context,
) -> Result<(), Error> {
    // Near rows side by side: limits are narrow from the start.
    let order = head.order(rows);
    let tiles = Proposals::of_head(coarse, points, head, &order);
    let rows = Rows::pack_with(coarse, order.len(), points.dims(), |place, out| {
        points.working_row(coarse, order[place] as usize, out);
    });
    let ends = Ends::new(
        points,
        &order,
        rows.norms(),
        rows.moves(),
        rows.usual_move(),
    );
    Sweep::new(tiles, Some((rows, ends)), found.indices.ncols()).run(found, context)
}

impl<'a> Sweep<'a> {
    fn new(tiles: Proposals<'a>, pairs: Option<(Rows, Ends<'a>)>, k: usize) -> Sweep<'a> {
        let n = tiles.ends.order.len();
        let blocks = (0..n).step_by(ROWS).map(|first| {
            let count = ROWS.min(n - first);
            Mutex::new(Shortlists::new(k, first, count))
        });
        Sweep {
            blocks: blocks.collect(),
            tiles,
            pairs,
        }
    }

    fn run(self, found: &mut Neighbors, context: &Context) -> Result<(), Error> {
        self.propose(context)?;
        self.decide(found, context)
    }

    /// The ends of what is proposed to rows.
    fn ends(&self) -> &Ends<'a> {
        self.pairs
            .as_ref()
            .map_or(&self.tiles.ends, |(_, ends)| ends)
    }

    /// Proposes every pair to both of its rows.
    fn propose(&self, context: &Context) -> Result<(), Cancelled> {
        let n = self.ends().order.len();
        let strips = n.div_ceil(COLUMNS);
        let own_strip = |block: usize| block * ROWS / COLUMNS;
        let blocks = self.blocks.len();
        let tiles: usize = (0..blocks).map(|block| strips - own_strip(block)).sum();
        let step = context.step("find neighbours", tiles as u64);
        // The strip on the diagonal first: what stands near is near, where the order says so, and limits are narrow after.
        self.visit(|block| own_strip(block)..own_strip(block) + 1, &step)?;
        self.visit(|block| own_strip(block) + 1..strips, &step)
    }

    fn visit(
        &self,
        strips: impl Fn(usize) -> Range<usize> + Sync,
        step: &Step<'_>,
    ) -> Result<(), Cancelled> {
        let n = self.ends().order.len();
        (0..self.blocks.len())
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || self.buffers(),
                |buffers, block| {
                    let rows = block * ROWS..((block + 1) * ROWS).min(n);
                    self.tiles
                        .block(rows.clone(), &mut buffers.block, &mut buffers.staging);
                    for strip in strips(block) {
                        step.tick(1)?;
                        // Columns left of the diagonal have met these rows in an earlier block's tile.
                        let columns =
                            (strip * COLUMNS).max(rows.start)..((strip + 1) * COLUMNS).min(n);
                        self.tile(block, columns, buffers);
                    }
                    Ok(())
                },
            )
    }

    fn buffers(&self) -> Buffers {
        Buffers {
            block: Block::new(self.tiles.isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * COLUMNS],
            close: Vec::new(),
            values: Vec::new(),
            thresholds: Vec::new(),
            limits: Vec::new(),
            across: vec![Vec::new(); COLUMNS / ROWS],
        }
    }

    fn tile(&self, block: usize, columns: Range<usize>, buffers: &mut Buffers) {
        let Buffers {
            block: left,
            tile,
            close,
            values,
            thresholds,
            limits,
            across,
            ..
        } = buffers;
        let first_row = block * ROWS;
        let padded = columns.start..columns.end.next_multiple_of(LANES);
        let width = padded.len();
        products(
            left,
            &self.tiles.panels,
            padded.start / LANES..padded.end / LANES,
            tile,
            COLUMNS,
        );
        let (lows, ends) = (&self.tiles.ends.low, self.ends());
        let first_block = columns.start / ROWS;
        // The block's own columns meet its rows from both sides as rows.
        limits.clear();
        for other in first_block..columns.end.div_ceil(ROWS) {
            if other == block {
                limits.resize(left.rows(), f32::NEG_INFINITY);
            } else {
                limits.extend_from_slice(&self.lock(other).limits);
            }
        }
        thresholds.clear();
        let lows_across = &lows[columns.clone()];
        thresholds.extend(
            limits
                .iter()
                .zip(lows_across)
                .map(|(limit, low)| limit - low),
        );
        thresholds.resize(width, f32::NEG_INFINITY);
        across.iter_mut().for_each(Vec::clear);
        let mut own = self.lock(block);
        for row in 0..left.rows() {
            let place = first_row + row;
            let sums = &tile[row * COLUMNS..][..width];
            let low = lows[place];
            close.clear();
            let threshold = own.limits[row] - low;
            select_close(
                self.tiles.isa,
                &lows[padded.clone()],
                sums,
                thresholds,
                (low, threshold),
                close,
            );
            if close.is_empty() {
                continue;
            }
            values.clear();
            match &self.pairs {
                None => values.extend(close.iter().map(|&column| sums[column as usize])),
                Some((rows, _)) => {
                    let first = columns.start as u32;
                    close.iter_mut().for_each(|column| *column += first);
                    rows.products(place, close, values);
                    close.iter_mut().for_each(|column| *column -= first);
                }
            }
            let low = ends.low[place];
            for (&column, &product) in close.iter().zip(values.iter()) {
                let other = columns.start + column as usize;
                if other == place {
                    continue;
                }
                let other_low = ends.low[other];
                own.push(row, other_low - 2.0 * product, other as u32, ends);
                let value = low - 2.0 * product;
                if value + other_low <= limits[column as usize] {
                    across[other / ROWS - first_block].push((value, other as u32, place as u32));
                }
            }
        }
        drop(own);
        for (at, group) in across
            .iter()
            .enumerate()
            .filter(|(_, group)| !group.is_empty())
        {
            let mut other = self.lock(first_block + at);
            for &(value, column, row) in group {
                other.push(column as usize % ROWS, value, row, ends);
            }
        }
    }

    /// Decides among the candidates by exact distances.
    fn decide(&self, found: &mut Neighbors, context: &Context) -> Result<(), Error> {
        let k = found.indices.ncols();
        let ends = self.ends();
        let step = context.step("rank neighbours", self.blocks.len() as u64);
        let decided: Vec<Vec<(f32, u32)>> = (0..self.blocks.len())
            .into_par_iter()
            .with_max_len(4)
            .map(|block| {
                step.tick(1)?;
                let mut own = self.lock(block);
                let mut all = Vec::with_capacity(ROWS * k);
                for row in 0..own.limits.len() {
                    all.extend_from_slice(own.nearest(row, ends));
                }
                Ok(all)
            })
            .collect::<Result<_, Cancelled>>()?;
        let rows = decided.iter().flat_map(|block| block.chunks_exact(k));
        for (&row, near) in ends.order.iter().zip(rows) {
            for (at, &(squared, other)) in near.iter().enumerate() {
                found.indices[[row as usize, at]] = other;
                found.distances[[row as usize, at]] = squared;
            }
        }
        Ok(())
    }

    fn lock(&self, block: usize) -> MutexGuard<'_, Shortlists> {
        self.blocks[block]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::Directions;
    use super::super::tests::cloud;
    use super::super::{Metric, Points};
    use super::*;
    use crate::random;

    fn by_head(points: &Points<'_>, isa: Isa, count: usize, k: usize) -> Neighbors {
        let n = points.len();
        let mut found = Neighbors {
            indices: Array2::zeros((n, k)),
            distances: Array2::zeros((n, k)),
        };
        let repeats = Repeats::new(points, k);
        let directions = Directions::new(points, &repeats.kept, count);
        let all: Vec<u32> = (0..n as u32).collect();
        let head = Head::new(isa, points, &all, &directions);
        let coarse = isa.in_int8();
        let context = Context::new(0);
        search_by_head(coarse, points, &head, &repeats.kept, &mut found, &context).unwrap();
        repeats.complete(&mut found);
        found
    }

    fn whole(points: &Points<'_>, isa: Isa, k: usize) -> Neighbors {
        knn_squared(isa, points, k, &Context::new(0)).unwrap()
    }

    #[test]
    fn a_head_finds_the_same_neighbours_on_every_path() {
        let heavy = Array2::from_shape_fn((400, 70), |(i, j)| {
            (random::normal(1, 1, (i * 70 + j) as u64) as f32).powi(5)
        });
        let one_huge = Array2::from_shape_fn((300, 40), |(i, j)| {
            let x = random::normal(1, 2, (i * 40 + j) as u64) as f32;
            if i == 17 && j == 3 { 1e30 } else { x }
        });
        let flat = Array2::from_shape_fn((200, 50), |(i, j)| if j == 2 { i as f32 } else { 1.0 });
        let equal = Array2::from_elem((300, 20), 2.5_f32);
        let tiny = cloud(200, 33, 2).mapv(|x| x * 1e-38);
        let sets = [
            cloud(700, 33, 3),
            cloud(65, 130, 1),
            heavy,
            one_huge,
            flat,
            equal,
            tiny,
        ];
        for x in sets {
            for metric in [Metric::Euclidean, Metric::Cosine] {
                let points = Points::new(x.view(), metric).unwrap();
                let expected = whole(&points, Isa::PORTABLE, 9);
                for isa in Isa::available() {
                    for count in [1, 16, 20] {
                        let found = by_head(&points, isa, count, 9);
                        assert!(found == expected, "{isa} {count} {:?} {metric:?}", x.dim());
                    }
                }
            }
        }
    }

    #[test]
    fn many_equal_rows_are_no_more_work_than_few() {
        // All pairs of these would be two hundred million candidates.
        let x = Array2::from_shape_fn((20_000, 3), |(i, j)| ((i % 3) * (j + 1)) as f32);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let found = whole(&points, Isa::PORTABLE, 4);
        assert!(found.distances.iter().all(|distance| *distance == 0.0));
        assert_eq!(found.indices.row(0).to_vec(), [3, 6, 9, 12]);
        assert_eq!(found.indices.row(6).to_vec(), [0, 3, 9, 12]);
        assert_eq!(found.indices.row(19_999).to_vec(), [1, 4, 7, 10]);
    }

    #[test]
    fn rows_that_no_bound_tells_apart_are_settled() {
        // A heap so small that every pair of it is within every bound, and a far row that keeps the mean away.
        let x = Array2::from_shape_fn((1200, 48), |(i, j)| {
            let side = if i == 0 { 1.0 } else { -1.0 };
            side + 1e-6 * random::normal(1, 3, (i * 48 + j) as u64) as f32
        });
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let expected = whole(&points, Isa::PORTABLE, 7);
        for isa in Isa::available() {
            assert!(whole(&points, isa, 7) == expected, "{isa}");
        }
        for row in [0, 1, 777] {
            let mut all: Vec<(f32, u32)> = (0..1200)
                .filter(|&other| other != row)
                .map(|other| (points.squared(row, other), other as u32))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let near: Vec<u32> = all[..7].iter().map(|other| other.1).collect();
            assert_eq!(expected.indices.row(row).to_vec(), near);
        }
    }
}
