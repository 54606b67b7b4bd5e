//! Radius queries: all pairs of rows that are at most so far apart, in tiles, each pair met once.
//!
//! Products propose. What their error bound places surely inside or outside is settled by it; what lies at the edge is
//! decided by the f32 distance, and where even that is within its rounding of the radius, by f64 sums. So the pairs
//! are those of exact arithmetic on the rows, on every machine. With few coordinates the rows are taken in the order of
//! a kd-tree, and tiles whose boxes are farther apart than the radius are skipped.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::plan::Sampled;
use super::spatial::{BLOCK, Spatial};
use super::{Metric, Points, Proposals, way};
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, bound, isa, products, select_below};

/// Columns in a strip: its tile of products against a block stays in the second-level cache.
const COLUMNS: usize = 4 * BLOCK;
/// Covers the roundings of comparisons, which are made in f32 on sums of two lengths.
const SLACK: f64 = 1e-6;

/// The neighbours of every row within a radius, as lists of different lengths.
#[derive(Debug, Clone, PartialEq)]
pub struct RadiusNeighbors {
    /// Row `i` has the entries `starts[i]..starts[i + 1]`; one more than there are rows.
    pub starts: Vec<usize>,
    /// Row numbers; a row is not its own neighbour. Ordered by (distance, index).
    pub indices: Vec<u32>,
    /// The distances that belong to them, in the metric's units.
    pub distances: Vec<f32>,
}

impl RadiusNeighbors {
    /// The neighbours of a row, nearest first, and their distances.
    pub fn of(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.indices[range.clone()], &self.distances[range])
    }
}

/// The rows at most `radius` (at least 0) away from each row of `x` (`n x d`, finite), itself excluded. Exact; the same
/// bits for any number of threads. O(n² d / 2) products at most, less with up to 16 coordinates; memory for every
/// pair found, 24 bytes each.
///
/// # Errors
/// A row that is not finite, more than `u32::MAX` rows, or [`Error::Cancelled`].
pub fn radius_neighbors(
    x: ArrayView2<'_, f32>,
    radius: f64,
    metric: Metric,
    context: &Context,
) -> Result<RadiusNeighbors, Error> {
    let points = Points::new(x, metric)?;
    let n = points.len();
    let within = Within::new(isa().for_dims(x.ncols()), &points, metric, radius);
    let found = Mutex::new(Vec::new());
    within.visit("find neighbours", context, |pairs| {
        let mut decided: Vec<(u32, u32, f32)> = Vec::with_capacity(2 * pairs.len());
        for &(a, b) in pairs {
            let squared = points.squared(a as usize, b as usize);
            decided.push((a, b, squared));
            decided.push((b, a, squared));
        }
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend_from_slice(&decided);
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.2.total_cmp(&b.2)).then(a.1.cmp(&b.1)));
    let mut starts = vec![0; n + 1];
    for &(row, ..) in &found {
        starts[row as usize + 1] += 1;
    }
    for row in 0..n {
        starts[row + 1] += starts[row];
    }
    Ok(RadiusNeighbors {
        starts,
        indices: found.iter().map(|&(_, other, _)| other).collect(),
        distances: found
            .iter()
            .map(|&(.., squared)| points.distance(squared))
            .collect(),
    })
}

/// The squared distance of the rows kept that belongs to a distance of the metric, in f64.
pub(crate) fn squared_for(points: &Points<'_>, metric: Metric, distance: f64) -> f64 {
    let squared = match metric {
        Metric::Euclidean => {
            // Both factors are powers of two: what is left is that of the rows kept.
            let kept = points.squared_from_working(1.0) * points.squared_scale();
            distance * distance / kept
        }
        Metric::Cosine => 2.0 * distance,
    };
    squared.min(f64::MAX)
}

/// Everything that is needed to meet the pairs within a radius.
#[derive(Debug)]
pub(crate) struct Within<'a> {
    points: &'a Points<'a>,
    spatial: Spatial,
    /// The rows in the order of space.
    tiles: Proposals<'a>,
    /// The squared radius in the units of the rows kept, and of proposals.
    squared: f64,
    working: f64,
}

/// Buffers of one thread.
struct Buffers {
    block: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    found: Vec<(f32, u32)>,
    pairs: Vec<(u32, u32)>,
}

impl<'a> Within<'a> {
    /// Prepares the rows. `metric` is that of `points`. O(n d), O(n log n) with few coordinates.
    pub fn new(isa: Isa, points: &'a Points<'a>, metric: Metric, radius: f64) -> Within<'a> {
        let spatial = Spatial::new(points);
        let squared = squared_for(points, metric, radius);
        let working = squared * points.squared_scale();
        // Eight bits where they leave few more pairs to decide.
        let all_within = |sampled: &Sampled<'_>| vec![working; sampled.rows.len()];
        let isa = way(isa, points, &spatial.order, None, all_within).isa();
        Within {
            points,
            tiles: Proposals::whole(isa, points, spatial.order.clone()),
            spatial,
            squared,
            working,
        }
    }

    /// Calls `visit` with the pairs of each tile, every unordered pair of different rows once, pairs of one first row
    /// side by side. Tiles come from several threads in no fixed order.
    pub fn visit(
        &self,
        name: &'static str,
        context: &Context,
        visit: impl Fn(&[(u32, u32)]) + Sync,
    ) -> Result<(), Cancelled> {
        let n = self.points.len();
        let blocks = n.div_ceil(BLOCK);
        let step = context.step(name, blocks as u64);
        (0..blocks)
            .into_par_iter()
            .with_max_len(1)
            .try_for_each_init(
                || Buffers {
                    block: Block::new(self.tiles.isa),
                    staging: Vec::new(),
                    tile: vec![0.0; BLOCK * COLUMNS],
                    found: Vec::new(),
                    pairs: Vec::new(),
                },
                |buffers, block| {
                    step.tick(1)?;
                    let rows = block * BLOCK..((block + 1) * BLOCK).min(n);
                    self.tiles
                        .block(rows.clone(), &mut buffers.block, &mut buffers.staging);
                    let mut next = block;
                    while let Some(near) = self.near(block, next..blocks) {
                        next = near.end;
                        step.tick(0)?;
                        let columns = near.start * BLOCK..(near.end * BLOCK).min(n);
                        self.tile(rows.clone(), columns, buffers);
                        if !buffers.pairs.is_empty() {
                            visit(&buffers.pairs);
                        }
                    }
                    Ok(())
                },
            )
    }

    /// The first blocks of `others`, at most a strip of them, that may hold rows within the radius of a block's.
    fn near(&self, block: usize, mut others: Range<usize>) -> Option<Range<usize>> {
        let limit = self.squared * (1.0 + SLACK);
        let is_near = |&other: &usize| self.spatial.apart(block, other) <= limit;
        let first = others.find(is_near)?;
        let last = others.take(COLUMNS / BLOCK - 1).take_while(is_near).last();
        Some(first..last.unwrap_or(first) + 1)
    }

    /// Collects the pairs of a block's rows with columns right of the diagonal.
    fn tile(&self, rows: Range<usize>, columns: Range<usize>, buffers: &mut Buffers) {
        let Buffers {
            block,
            tile,
            found,
            pairs,
            ..
        } = buffers;
        pairs.clear();
        let padded = columns.start..columns.end.next_multiple_of(LANES);
        products(
            block,
            &self.tiles.panels,
            padded.start / LANES..padded.end / LANES,
            tile,
            COLUMNS,
        );
        let floor = f64::from(bound::floor(self.points.dims()));
        let outside = self.working * (1.0 + SLACK) + floor;
        let ends = &self.tiles.ends;
        for row in rows.clone() {
            let offset = f64::from(ends.low[row]);
            let sums = &tile[(row - rows.start) * COLUMNS..][..padded.len()];
            let threshold = (outside - offset).min(f64::from(f32::MAX)) as f32;
            // Rounded to the nearest: a little more keeps what is at the edge.
            let threshold = threshold + (outside + offset) as f32 * 2.0 * f32::EPSILON;
            found.clear();
            let first = padded.start as u32;
            select_below(
                self.tiles.isa,
                &ends.low[padded.clone()],
                sums,
                threshold.min(f32::MAX),
                first,
                found,
            );
            let a = ends.order[row];
            for &(value, column) in found.iter().filter(|found| found.1 as usize > row) {
                let shares = f64::from(ends.share[row]) + f64::from(ends.share[column as usize]);
                let upper = f64::from(value) + offset + 2.0 * shares;
                let b = ends.order[column as usize];
                if upper <= self.working || self.decide(a as usize, b as usize) {
                    pairs.push((a, b));
                }
            }
        }
    }

    /// Whether two rows are within the radius.
    fn decide(&self, a: usize, b: usize) -> bool {
        let squared = f64::from(self.points.squared(a, b));
        let rounding = (self.points.dims() as f64 / 16.0 + 16.0) * f64::from(f32::EPSILON);
        if (squared - self.squared).abs() > rounding * squared.max(self.squared) {
            return squared <= self.squared;
        }
        let gaps = self.points.row(a).iter().zip(self.points.row(b));
        let exact: f64 = gaps
            .map(|(x, y)| {
                let gap = f64::from(*x) - f64::from(*y);
                gap * gap
            })
            .sum();
        exact <= self.squared
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::cloud;
    use super::*;
    use crate::context::Stop;

    /// The pairs by the definition, in f64.
    fn brute(x: &Array2<f32>, radius: f64, metric: Metric) -> Vec<(u32, u32)> {
        let points = Points::new(x.view(), metric).unwrap();
        let limit = squared_for(&points, metric, radius);
        let mut pairs = Vec::new();
        for a in 0..x.nrows() {
            for b in a + 1..x.nrows() {
                let gaps = points.row(a).iter().zip(points.row(b));
                let squared: f64 = gaps
                    .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
                    .sum();
                if squared <= limit {
                    pairs.push((a as u32, b as u32));
                }
            }
        }
        pairs
    }

    fn check(x: &Array2<f32>, radius: f64, metric: Metric) {
        let expected = brute(x, radius, metric);
        for isa in Isa::available() {
            let points = Points::new(x.view(), metric).unwrap();
            let within = Within::new(isa, &points, metric, radius);
            let all = Mutex::new(Vec::new());
            within
                .visit("test", &Context::new(0), |pairs| {
                    let pairs = pairs.iter().map(|&(a, b)| (a.min(b), a.max(b)));
                    all.lock().unwrap().extend(pairs);
                })
                .unwrap();
            let mut all = all.into_inner().unwrap();
            all.sort_unstable();
            assert_eq!(
                all,
                expected,
                "{isa} {:?} radius {radius} {metric:?}",
                x.dim()
            );
        }
    }

    #[test]
    fn pairs_are_those_of_the_definition_on_every_path() {
        for (n, d) in [
            (0, 3),
            (1, 3),
            (2, 1),
            (65, 2),
            (300, 3),
            (257, 17),
            (200, 64),
            (90, 130),
        ] {
            let x = cloud(n, d, 3 + n as u64);
            for radius in [0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 1e300] {
                check(&x, radius, Metric::Euclidean);
            }
            for radius in [0.0, 1e-4, 0.01, 0.05, 2.0] {
                check(&x, radius, Metric::Cosine);
            }
        }
    }

    #[test]
    fn rows_exactly_at_the_radius_are_inside() {
        // A grid whose steps are whole: distances of 1, sqrt 2 and 2 are met exactly.
        let grid = Array2::from_shape_fn((400, 2), |(i, j)| {
            (if j == 0 { i / 20 } else { i % 20 }) as f32
        });
        for radius in [1.0, 2.0_f64.sqrt(), 2.0, 5.0] {
            check(&grid, radius, Metric::Euclidean);
        }
        let tenths = grid.mapv(|x| x * 0.1);
        check(&tenths, f64::from(0.1_f32), Metric::Euclidean);
        check(&tenths, 0.1, Metric::Euclidean);
        let far = grid.mapv(|x| x + 4096.0);
        check(&far, 1.0, Metric::Euclidean);
    }

    #[test]
    fn hostile_rows_have_the_pairs_of_the_definition() {
        let equal = Array2::from_elem((150, 4), 2.5_f32);
        let zeros = Array2::zeros((70, 3));
        let huge = cloud(120, 5, 1).mapv(|x| x * 2e37);
        let tiny = cloud(120, 5, 2).mapv(|x| x * 1e-38);
        let sizes = Array2::from_shape_fn((150, 40), |(i, j)| {
            2.0_f32.powi((i as i32 % 50) - 25) * (j as f32 - 2.5)
        });
        for x in [equal, zeros, sizes] {
            for radius in [0.0, 1e-3, 1.0] {
                check(&x, radius, Metric::Euclidean);
                check(&x, radius, Metric::Cosine);
            }
        }
        check(&huge, 3e37, Metric::Euclidean);
        check(&tiny, 1e-38, Metric::Euclidean);
    }

    #[test]
    fn lists_are_sorted_symmetric_and_independent_of_threads() {
        let x = cloud(300, 5, 8);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                radius_neighbors(x.view(), 0.9, Metric::Euclidean, &Context::new(0)).unwrap()
            })
        };
        let found = run(1);
        assert_eq!(found, run(3));
        let mut pairs = Vec::new();
        for row in 0..300 {
            let (others, distances) = found.of(row);
            assert!(distances.is_sorted() && distances.iter().all(|d| *d <= 0.9));
            pairs.extend(others.iter().map(|&other| (row as u32, other)));
        }
        assert_eq!(pairs.len(), found.indices.len());
        let turned = pairs.iter().map(|&(a, b)| (b, a));
        let turned: std::collections::HashSet<_> = turned.collect();
        assert!(pairs.iter().all(|pair| turned.contains(pair)));
        assert_eq!(pairs.len(), 2 * brute(&x, 0.9, Metric::Euclidean).len());
    }

    #[test]
    fn it_stops_at_every_tick() {
        let x = cloud(300, 6, 4);
        let mut n = 1;
        loop {
            let mut context = Context::new(0);
            context.stop = Stop::at_tick(n);
            match radius_neighbors(x.view(), 1.0, Metric::Euclidean, &context) {
                Err(Error::Cancelled(_)) => n += 1,
                Err(other) => panic!("{other}"),
                Ok(_) => break,
            }
        }
        assert!(n > 5);
    }
}
