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
use super::proposals::Proposals;
use super::repeats::Repeats;
use super::shortlist::Shortlists;
use super::table::{MOST_ROWS, Table};
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
    /// What proposes to rows.
    tiles: Proposals<'a>,
    ahead: Option<Ahead<'a>>,
    blocks: Vec<Mutex<Shortlists>>,
}

/// What discards first, for the rows at the first places.
struct Ahead<'a> {
    tiles: Proposals<'a>,
    /// What proposes the pairs that are left.
    rows: Rows,
}

impl Ahead<'_> {
    /// How many rows, from the first.
    fn len(&self) -> usize {
        self.tiles.ends.order.len()
    }
}

/// Buffers of one thread.
struct Buffers {
    /// The rows of a block, and of the same block for what goes ahead; which of them are filled.
    block: Block,
    ahead: Block,
    filled: (bool, bool),
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
    Ok(knn_and_kept(isa, points, k, context)?.0)
}

/// What a search leaves that another pass over pairs of the same rows may go by.
#[derive(Debug)]
pub(crate) enum Kept<'a> {
    Nothing,
    /// The head of all rows.
    Head(Head),
    /// The codes of all pairs, but for rows that repeat others.
    Table(Table<'a>),
}

/// As [`knn_squared`], and what the search leaves.
pub(crate) fn knn_and_kept<'a>(
    isa: Isa,
    points: &'a Points<'a>,
    k: usize,
    context: &Context,
) -> Result<(Neighbors, Kept<'a>), Error> {
    let n = points.len();
    let k = k.min(n.saturating_sub(1));
    let mut found = Neighbors {
        indices: Array2::zeros((n, k)),
        distances: Array2::zeros((n, k)),
    };
    if k == 0 {
        return Ok((found, Kept::Nothing));
    }
    let mut made = Kept::Nothing;
    let repeats = Repeats::new(points, k);
    match plan(isa, points, &repeats.kept, k) {
        Plan::Whole(isa) if repeats.kept.len() <= MOST_ROWS => {
            let table = Table::new(isa, points, repeats.kept.clone(), context)?;
            table.nearest(k, &mut found, context)?;
            made = Kept::Table(table);
        }
        Plan::Whole(isa) => {
            let tiles = Proposals::whole(isa, points, &repeats.kept);
            let limits = vec![f32::MAX; repeats.kept.len()];
            Sweep::new(tiles, None, k, &limits).run(&mut found, context)?;
        }
        Plan::Head(coarse, directions, usual) => {
            let all: Vec<u32> = (0..n as u32).collect();
            let head = Head::new(isa, points, &all, &directions);
            let rows = &repeats.kept;
            search_by_head(coarse, points, &head, usual, rows, &mut found, context)?;
            made = Kept::Head(head);
        }
    }
    repeats.complete(&mut found);
    Ok((found, made))
}

/// Discards by the head's directions, and proposes by products of single pairs in integers. That is little for a row whose
/// neighbours are nearer than most rows are by those directions alone, `usual` and more; the pairs of other rows,
/// which have no near neighbours, are proposed by products of whole rows at once.
fn search_by_head(
    coarse: Isa,
    points: &Points<'_>,
    head: &Head,
    usual: f32,
    rows: &[u32],
    found: &mut Neighbors,
    context: &Context,
) -> Result<(), Error> {
    let k = found.indices.ncols();
    let order = head.order(rows);
    // Near rows stand side by side: what a row's strip holds limits how far its neighbours may be.
    let limits = {
        let tiles = Proposals::whole(coarse, points, order.as_slice());
        let sweep = Sweep::new(tiles, None, k, &vec![f32::MAX; order.len()]);
        let step = context.step("find near rows", sweep.blocks.len() as u64);
        sweep.visit(|own, _| own..own + 1, &step)?;
        sweep.limits()
    };
    let mut places: Vec<usize> = (0..order.len()).collect();
    places.sort_by_key(|&place| limits[place] > usual);
    let first = limits.iter().filter(|&&limit| limit <= usual).count();
    let order: Vec<u32> = places.iter().map(|&place| order[place]).collect();
    let limits: Vec<f32> = places.iter().map(|&place| limits[place]).collect();
    let ahead = Ahead {
        tiles: Proposals::of_head(coarse, points, head, &order[..first]),
        rows: Rows::pack_with(coarse, first, points.dims(), |place, out| {
            points.working_row(coarse, order[place] as usize, out);
        }),
    };
    let tiles = Proposals::whole(coarse, points, order.as_slice());
    Sweep::new(tiles, Some(ahead), k, &limits).run(found, context)
}

impl<'a> Sweep<'a> {
    fn new(tiles: Proposals<'a>, ahead: Option<Ahead<'a>>, k: usize, limits: &[f32]) -> Sweep<'a> {
        let blocks = limits
            .chunks(ROWS)
            .enumerate()
            .map(|(block, limits)| Mutex::new(Shortlists::new(k, block * ROWS, limits.to_vec())));
        Sweep {
            blocks: blocks.collect(),
            tiles,
            ahead,
        }
    }

    fn run(self, found: &mut Neighbors, context: &Context) -> Result<(), Error> {
        self.propose(context)?;
        self.decide(found, context)
    }

    /// How far the neighbours of each row may be by what was proposed so far.
    fn limits(&self) -> Vec<f32> {
        let blocks = (0..self.blocks.len()).flat_map(|block| {
            let mut own = self.lock(block);
            own.narrow(&self.tiles.ends);
            own.limits.clone()
        });
        blocks.collect()
    }

    /// Proposes every pair to both of its rows.
    fn propose(&self, context: &Context) -> Result<(), Cancelled> {
        let strips = self.tiles.ends.order.len().div_ceil(COLUMNS);
        let blocks = 0..self.blocks.len();
        let tiles: usize = blocks.map(|block| strips - block * ROWS / COLUMNS).sum();
        let step = context.step("find neighbours", tiles as u64);
        self.visit(|own, strips| own..strips, &step)
    }

    /// Lets each block meet some strips, given its own and their number.
    fn visit(
        &self,
        which: impl Fn(usize, usize) -> Range<usize> + Sync,
        step: &Step<'_>,
    ) -> Result<(), Cancelled> {
        let n = self.tiles.ends.order.len();
        (0..self.blocks.len())
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || self.buffers(),
                |buffers, block| {
                    buffers.filled = (false, false);
                    let first = block * ROWS;
                    for strip in which(first / COLUMNS, n.div_ceil(COLUMNS)) {
                        step.tick(1)?;
                        // Columns left of the diagonal have met these rows in an earlier block's tile.
                        let columns = (strip * COLUMNS).max(first)..((strip + 1) * COLUMNS).min(n);
                        self.tile(block, columns, buffers);
                    }
                    Ok(())
                },
            )
    }

    fn buffers(&self) -> Buffers {
        Buffers {
            block: Block::new(self.tiles.isa),
            ahead: Block::new(self.tiles.isa),
            filled: (false, false),
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
            block: whole,
            ahead: short,
            filled,
            staging,
            tile,
            close,
            values,
            thresholds,
            limits,
            across,
        } = buffers;
        let first_row = block * ROWS;
        let rows = first_row..(first_row + ROWS).min(self.tiles.ends.order.len());
        let padded = columns.start..columns.end.next_multiple_of(LANES);
        let width = padded.len();
        let ahead = self
            .ahead
            .as_ref()
            .filter(|ahead| rows.end.max(columns.end) <= ahead.len());
        let (tiles, left, filled) = match ahead {
            Some(ahead) => (&ahead.tiles, short, &mut filled.1),
            None => (&self.tiles, whole, &mut filled.0),
        };
        if !std::mem::replace(filled, true) {
            tiles.block(rows, left, staging);
        }
        products(
            left,
            &tiles.panels,
            padded.start / LANES..padded.end / LANES,
            tile,
            COLUMNS,
        );
        let (lows, ends) = (&tiles.ends.low, &self.tiles.ends);
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
                tiles.isa,
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
            match ahead {
                None => values.extend(close.iter().map(|&column| sums[column as usize])),
                Some(ahead) => {
                    let first = columns.start as u32;
                    close.iter_mut().for_each(|column| *column += first);
                    ahead.rows.products(place, close, values);
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
        let ends = &self.tiles.ends;
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

    fn by_head(points: &Points<'_>, isa: Isa, count: usize, usual: f32, k: usize) -> Neighbors {
        let n = points.len();
        let mut found = Neighbors {
            indices: Array2::zeros((n, k)),
            distances: Array2::zeros((n, k)),
        };
        let repeats = Repeats::new(points, k);
        let directions = Directions::new(points, &repeats.kept, count);
        let all: Vec<u32> = (0..n as u32).collect();
        let head = Head::new(isa, points, &all, &directions);
        let (coarse, rows) = (isa.in_int8(), &repeats.kept);
        let context = Context::new(0);
        search_by_head(coarse, points, &head, usual, rows, &mut found, &context).unwrap();
        repeats.complete(&mut found);
        found
    }

    fn whole(points: &Points<'_>, isa: Isa, k: usize) -> Neighbors {
        knn_squared(isa, points, k, &Context::new(0)).unwrap()
    }

    /// By shortlists, which few rows would not get.
    fn by_shortlists(points: &Points<'_>, isa: Isa, k: usize) -> Neighbors {
        let n = points.len();
        let mut found = Neighbors {
            indices: Array2::zeros((n, k)),
            distances: Array2::zeros((n, k)),
        };
        let repeats = Repeats::new(points, k);
        let tiles = Proposals::whole(isa, points, &repeats.kept);
        let limits = vec![f32::MAX; repeats.kept.len()];
        let sweep = Sweep::new(tiles, None, k, &limits);
        sweep.run(&mut found, &Context::new(0)).unwrap();
        repeats.complete(&mut found);
        found
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
                // All rows ahead, about half, none.
                let mut near: Vec<f32> = expected.distances.column(8).to_vec();
                near.sort_by(f32::total_cmp);
                let scale = points.squared_scale() as f32;
                let usuals = [f32::MAX, near[near.len() / 2] * scale, -1.0];
                for isa in Isa::available() {
                    assert!(whole(&points, isa, 9) == expected, "{isa} {metric:?}");
                    assert!(
                        by_shortlists(&points, isa, 9) == expected,
                        "{isa} {metric:?}"
                    );
                    for (count, usual) in [1, 16, 20].into_iter().zip(usuals) {
                        let found = by_head(&points, isa, count, usual, 9);
                        assert!(found == expected, "{isa} {count} {:?} {metric:?}", x.dim());
                    }
                    let found = by_head(&points, isa, 16, usuals[1] * 1.5, 9);
                    assert!(found == expected, "{isa} {:?} {metric:?}", x.dim());
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
            assert!(by_shortlists(&points, isa, 7) == expected, "{isa}");
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
