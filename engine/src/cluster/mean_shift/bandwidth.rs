//! The bandwidth when none is given: how far, on average, a given share of the rows reaches.

use rayon::prelude::*;

use super::climb::Ground;
use crate::context::{Cancelled, Step};
use crate::linalg::{Block, LANES, products};
use crate::random;

/// Rows whose products are made together.
const ROWS: usize = 32;
/// The most rows looked at when nobody says how many.
const MOST: usize = 10_000;
/// The stream that draws the sample.
const SAMPLE: u64 = 0x5361_6D70;

/// The mean over rows of the distance to the `int(quantile n)`-th nearest, the row itself counted, in working units.
/// Source: scikit-learn's `estimate_bandwidth`. O(m² d) for `m` rows looked at.
pub(super) fn estimate(
    ground: &Ground<'_>,
    quantile: f64,
    n_samples: Option<usize>,
    seed: u64,
    step: &Step<'_>,
) -> Result<f64, Cancelled> {
    let n = ground.len();
    let sample;
    let ground = match n_samples.unwrap_or(MOST) {
        size if size < n => {
            sample = ground.part(&different(seed, n, size));
            &sample
        }
        _ => ground,
    };
    let n = ground.len();
    let rank = ((n as f64 * quantile) as usize).clamp(1, n) - 1;
    let dims = ground.dims();
    let width = ground.panels().len() * LANES;
    let sums: Vec<f64> = ground
        .rows()
        .par_chunks(ROWS * dims)
        .enumerate()
        .map_init(
            || {
                (
                    Block::new(ground.isa()),
                    vec![0.0_f32; ROWS * width],
                    vec![0.0_f32; n],
                )
            },
            |(block, tile, squares), (part, rows)| {
                let count = rows.len() / dims;
                step.tick(count as u64)?;
                block.fill(rows, dims);
                let panels = ground.panels();
                products(block, panels, 0..panels.len(), tile, width);
                let mut sum = 0.0;
                for at in 0..count {
                    let row = part * ROWS + at;
                    let norms = panels.norms();
                    let tile = &tile[at * width..][..n];
                    for ((square, product), norm) in squares.iter_mut().zip(tile).zip(norms) {
                        *square = norm - 2.0 * product;
                    }
                    // The row itself is the nearest.
                    squares[row] = f32::NEG_INFINITY;
                    let (_, square, _) = squares.select_nth_unstable_by(rank, f32::total_cmp);
                    if rank > 0 {
                        sum += f64::from(norms[row] + *square).max(0.0).sqrt();
                    }
                }
                Ok(sum)
            },
        )
        .collect::<Result<_, Cancelled>>()?;
    // Products are off by a share of the rows' lengths: what is as small as that is nothing.
    let mean = sums.iter().sum::<f64>() / n as f64;
    Ok(if mean < 1e-5 { 0.0 } else { mean })
}

/// `count` different rows, ascending.
fn different(seed: u64, n: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for at in 0..count {
        let left = (n - at) as u128;
        let skip = (u128::from(random::bits(seed, SAMPLE, at as u64)) * left) >> 64;
        order.swap(at, at + skip as usize);
    }
    order.truncate(count);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::neighbors::tests::cloud;
    use crate::neighbors::{Metric, Points};

    #[test]
    fn the_estimate_is_the_mean_distance_to_the_ranked_neighbour() {
        let x = cloud(120, 7, 4);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let unit = points.squared_from_working(1.0).sqrt();
        let context = Context::new(0);
        let step = context.step("estimate", 0);
        let ground = Ground::new(&points);
        for (quantile, rank) in [(0.3, 36), (0.0, 1), (1.0, 120)] {
            let found = estimate(&ground, quantile, None, 0, &step).unwrap() * unit;
            let plain: f64 = (0..120)
                .map(|i| {
                    let mut all: Vec<f64> = (0..120)
                        .map(|j| f64::from(points.squared(i, j)).sqrt())
                        .collect();
                    all.sort_by(f64::total_cmp);
                    all[rank - 1]
                })
                .sum::<f64>()
                / 120.0;
            assert!((found - plain).abs() < 1e-4, "{found} {plain}");
        }
        let part = estimate(&ground, 0.3, Some(60), 3, &step).unwrap() * unit;
        let whole = estimate(&ground, 0.3, None, 3, &step).unwrap() * unit;
        assert!(part != whole && (part / whole - 1.0).abs() < 0.3);
    }
}
