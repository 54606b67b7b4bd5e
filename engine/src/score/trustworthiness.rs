//! Trustworthiness (Venna and Kaski 2001): how far neighbours on a map were neighbours before.
//!
//! What it asks is ranks, and ranks ask for distances to all rows. Blocked products propose them; only what lies too
//! near a neighbour's own distance to be told apart is computed again exactly, so the answer is the brute-force one.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{self, Block, Isa, LANES, Panels, bound, products, select_below};
use crate::neighbors::{Metric, Points};

/// Up to this many rows every row is judged.
const EXACT_ROWS: usize = 10_000;
/// Beyond, as many rows as so many multiplications pay for: a judgement should cost less than the map.
const BUDGET: usize = 100_000_000_000;
/// But at least this many.
const LEAST_ROWS: usize = 1000;
/// Rows judged together, between two looks at the stop: what they meet is read from memory once for all of them.
const ROWS: usize = 64;
/// Columns multiplied at once.
const COLUMNS: usize = 512;

/// A map's trustworthiness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trustworthiness {
    /// 0 to 1; 1 where every neighbour on the map is a neighbour in the data.
    pub value: f64,
    /// How many rows were judged.
    pub rows: usize,
}

/// Judges `points` (`n x k`) as a map of `x` (`n x d`) by the `neighbors` nearest points of each row, with euclidean
/// distances, ties by row, as scikit-learn does with `n_neighbors`. None where `neighbors` is 0 or not below `n / 2`.
///
/// Up to 10,000 rows all are judged; beyond, evenly spaced ones, as many as 10^11 multiplications pay for and at least
/// 1,000. The same bits for any number of threads.
///
/// # Errors
/// Tables with different numbers of rows, numbers that are not finite, or [`Error::Cancelled`].
pub fn trustworthiness(
    x: ArrayView2<'_, f32>,
    points: ArrayView2<'_, f32>,
    neighbors: usize,
    context: &Context,
) -> Result<Option<Trustworthiness>, Error> {
    let n = x.nrows();
    if points.nrows() != n {
        return Err(Error::Input(format!(
            "a map has one point a row, but there are {n} rows and {} points",
            points.nrows()
        )));
    }
    if neighbors == 0 || 2 * neighbors >= n {
        return Ok(None);
    }
    let judged = judged_rows(n, x.ncols() + points.ncols());
    let (data, map) = (Side::new(x)?, Side::new(points)?);
    let step = context.step("judge map", judged.len() as u64);
    let penalties: Vec<u64> = judged
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            let near = map.nearest(rows, neighbors);
            Ok(data
                .ranks(rows, &near)
                .into_iter()
                .map(|rank| rank.saturating_sub(neighbors as u64))
                .sum())
        })
        .collect::<Result<_, Cancelled>>()?;
    let penalty: u64 = penalties.iter().sum();
    let k = neighbors as f64;
    let worst = judged.len() as f64 * k * (2.0 * n as f64 - 3.0 * k - 1.0) / 2.0;
    Ok(Some(Trustworthiness {
        value: 1.0 - penalty as f64 / worst,
        rows: judged.len(),
    }))
}

/// The rows to judge among `n` of `width` numbers: all, or evenly spaced ones.
fn judged_rows(n: usize, width: usize) -> Vec<usize> {
    let affordable = BUDGET / n.max(1) / width.max(1);
    let count = if n <= EXACT_ROWS {
        n
    } else {
        affordable.clamp(LEAST_ROWS, EXACT_ROWS)
    };
    (0..count).map(|i| i * n / count).collect()
}

/// Rows on one side of the map, packed.
struct Side<'a> {
    isa: Isa,
    points: Points<'a>,
    panels: Panels,
    /// Squared lengths, infinite for padding.
    offsets: Vec<f32>,
    /// The relative and the absolute part of the bound of a proposal.
    e: f32,
    floor: f32,
    longest: f32,
}

impl<'a> Side<'a> {
    fn new(x: ArrayView2<'a, f32>) -> Result<Side<'a>, Error> {
        let points = Points::new(x, Metric::Euclidean)?;
        let isa = linalg::isa().for_dims(points.dims());
        let panels = points.panels(isa, |at| at);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Ok(Side {
            isa,
            e: bound::relative(points.dims(), panels.moved(), panels.moved()),
            floor: bound::floor(points.dims()),
            longest: panels.norms().iter().copied().fold(0.0, f32::max),
            points,
            panels,
            offsets,
        })
    }

    /// How far a proposal for this row may be off, on either side.
    fn slack(&self, row: usize) -> f32 {
        // The factor covers the rounding of what is compared with it.
        1.001 * (self.e * (self.offsets[row] + self.longest) + self.floor)
            + 4.0 * f32::EPSILON * (self.offsets[row] + self.longest)
    }

    /// Calls `each(row of the block, first column, offsets, products)` for every strip of columns.
    fn strips(&self, rows: &[usize], mut each: impl FnMut(usize, usize, &[f32], &[f32])) {
        let mut block = Block::new(self.isa);
        self.points
            .block(rows.iter().copied(), self.isa, &mut block, &mut Vec::new());
        let mut tile = vec![0.0; ROWS * COLUMNS];
        for (strip, offsets) in self.offsets.chunks(COLUMNS).enumerate() {
            let first = strip * COLUMNS;
            let range = first / LANES..(first + offsets.len()) / LANES;
            products(&block, &self.panels, range, &mut tile, COLUMNS);
            for at in 0..rows.len() {
                each(at, first, offsets, &tile[at * COLUMNS..][..offsets.len()]);
            }
        }
    }

    /// The `k` nearest of each row, nearest first, ties by index.
    fn nearest(&self, rows: &[usize], k: usize) -> Vec<Vec<u32>> {
        let mut kept: Vec<Vec<(f32, u32)>> = vec![Vec::new(); rows.len()];
        let mut full = vec![4 * k + 32; rows.len()];
        let mut thresholds = vec![f32::MAX; rows.len()];
        let by_value = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let thin = |row: usize, kept: &mut Vec<(f32, u32)>, threshold: &mut f32| {
            if kept.len() > k {
                let kth = kept.select_nth_unstable_by(k - 1, by_value).1.0;
                *threshold = threshold.min(kth + 2.0 * self.slack(row));
                kept.retain(|one| one.0 <= *threshold);
            }
        };
        self.strips(rows, |at, first, offsets, sums| {
            let kept = &mut kept[at];
            select_below(self.isa, offsets, sums, thresholds[at], first as u32, kept);
            if kept.len() >= full[at] {
                kept.retain(|one| one.1 as usize != rows[at]);
                thin(rows[at], kept, &mut thresholds[at]);
                full[at] = full[at].max(2 * kept.len());
            }
        });
        let rows = rows.iter().zip(kept.iter_mut()).zip(&mut thresholds);
        rows.map(|((&row, kept), threshold)| {
            kept.retain(|one| one.1 as usize != row);
            thin(row, kept, threshold);
            for (value, other) in kept.iter_mut() {
                *value = self.points.squared(row, *other as usize);
            }
            kept.sort_unstable_by(by_value);
            kept.iter().take(k).map(|&(_, other)| other).collect()
        })
        .collect()
    }

    /// For each row and each of its targets, the target's place among all other rows by their distance, from 1.
    fn ranks(&self, rows: &[usize], targets: &[Vec<u32>]) -> Vec<u64> {
        let scale = self.points.squared_scale();
        // A target's exact distance, its index, and that distance as proposals measure it.
        let sorted: Vec<Vec<(f32, u32, f32)>> = rows
            .iter()
            .zip(targets)
            .map(|(&row, targets)| {
                let length = f64::from(self.offsets[row]);
                let mut sorted: Vec<(f32, u32, f32)> = targets
                    .iter()
                    .map(|&target| {
                        let exact = self.points.squared(row, target as usize);
                        (exact, target, (f64::from(exact) * scale - length) as f32)
                    })
                    .collect();
                sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                sorted
            })
            .collect();
        let mut closer: Vec<Vec<u64>> = targets.iter().map(|t| vec![0; t.len() + 1]).collect();
        let mut found = Vec::new();
        self.strips(rows, |at, first, offsets, sums| {
            let (row, sorted) = (rows[at], &sorted[at]);
            let slack = self.slack(row);
            let Some(farthest) = sorted.last() else {
                return;
            };
            found.clear();
            select_below(
                self.isa,
                offsets,
                sums,
                farthest.2 + slack,
                first as u32,
                &mut found,
            );
            for &(value, other) in found.iter().filter(|one| one.1 as usize != row) {
                // Targets from `unsure` on may be farther than this row, those from `sure` on are.
                let unsure = sorted.partition_point(|target| target.2 < value - slack);
                let sure = sorted.partition_point(|target| target.2 <= value + slack);
                let mut from = sure;
                if unsure < sure {
                    let exact = self.points.squared(row, other as usize);
                    let before = |target: &(f32, u32, f32)| {
                        exact
                            .total_cmp(&target.0)
                            .then(other.cmp(&target.1))
                            .is_ge()
                    };
                    from = unsure + sorted[unsure..sure].partition_point(before);
                }
                closer[at][from] += 1;
            }
        });
        let ranks = closer.into_iter().flat_map(|closer| {
            let targets = closer.len() - 1;
            closer.into_iter().take(targets).scan(1, |rank, count| {
                *rank += count;
                Some(*rank)
            })
        });
        ranks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[derive(serde::Deserialize)]
    struct Case {
        rows: Vec<Vec<f32>>,
        points: Vec<Vec<f32>>,
        by_k: Vec<(usize, f64)>,
    }

    fn table(rows: &[Vec<f32>]) -> Array2<f32> {
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let case: Case = serde_json::from_str(include_str!(
            "../../tests/fixtures/score/trustworthiness.json"
        ))
        .unwrap();
        let (x, points) = (table(&case.rows), table(&case.points));
        for (k, wanted) in case.by_k {
            let got = trustworthiness(x.view(), points.view(), k, &Context::new(0))
                .unwrap()
                .unwrap();
            assert!(
                (got.value - wanted).abs() < 1e-12,
                "{k}: {} {wanted}",
                got.value
            );
            assert_eq!(got.rows, 80);
        }
    }

    #[test]
    fn data_is_a_perfect_map_of_itself_and_half_the_rows_are_no_neighbourhood() {
        let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * 31 + j * 17) % 41) as f32);
        let judge = |k| trustworthiness(x.view(), x.view(), k, &Context::new(0)).unwrap();
        assert_eq!(judge(15).unwrap().value, 1.0);
        assert_eq!(judge(20), None);
        assert_eq!(judge(0), None);
    }

    /// The definition, pair by pair.
    fn brute(x: &Array2<f32>, points: &Array2<f32>, k: usize) -> f64 {
        let n = x.nrows();
        let square = |x: &Array2<f32>, i: usize, j: usize| {
            crate::linalg::squared_distance(&x.row(i).to_vec(), &x.row(j).to_vec())
        };
        let order = |x: &Array2<f32>, i: usize| {
            let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            others.sort_by(|&a, &b| square(x, i, a).total_cmp(&square(x, i, b)).then(a.cmp(&b)));
            others
        };
        let mut penalty = 0;
        for i in 0..n {
            let before = order(x, i);
            for other in &order(points, i)[..k] {
                let rank = before.iter().position(|one| one == other).unwrap() + 1;
                penalty += rank.saturating_sub(k);
            }
        }
        let (n, k) = (n as f64, k as f64);
        1.0 - penalty as f64 * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))
    }

    #[test]
    fn ranks_are_those_of_brute_force_with_ties_and_extremes() {
        for (d, size) in [(1, 1.0), (3, 1.0), (40, 1e-12), (40, 1e12), (200, 1.0)] {
            let x = Array2::from_shape_fn((150, d), |(i, j)| {
                (((i / 2) * 31 + j * 17 + i * j / 3) % 13) as f32 * size + 5.0 * size
            });
            let map = Array2::from_shape_fn((150, 2), |(i, j)| ((i * 7 + j * 11) % 19) as f32);
            for k in [1, 15] {
                let got = trustworthiness(x.view(), map.view(), k, &Context::new(0));
                assert_eq!(
                    got.unwrap().unwrap().value,
                    brute(&x, &map, k),
                    "{d} {size} {k}"
                );
            }
        }
    }

    #[test]
    fn large_maps_are_judged_by_a_sample() {
        assert_eq!(judged_rows(10_000, 514).len(), 10_000);
        assert_eq!(judged_rows(50_000, 514).len(), 3891);
        assert_eq!(judged_rows(5_000_000, 514).len(), 1000);
        assert_eq!(judged_rows(20_000, 5).len(), 10_000);
    }
}
