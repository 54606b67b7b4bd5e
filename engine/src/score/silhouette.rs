//! The silhouette (Rousseeuw 1987): how much nearer a row is to its own cluster than to the next one.
//!
//! Distances come from products of tiles over rows that are sorted by cluster, so a row's sums are sums of stretches.
//! Where a product cannot tell two close rows apart, their distance is computed directly. Beyond [`EXACT_ROWS`] a
//! sample that is spread evenly over the data is scored against all rows.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::context::Context;
use crate::error::Error;
use crate::linalg::{squared_distance, squared_norm};
use crate::neighbors::Metric;

/// Up to this many rows every row is scored.
pub const EXACT_ROWS: usize = 20_000;
/// Beyond, this many are.
const SAMPLE: usize = 10_000;
/// Rows scored together, between two looks at the stop.
const ROWS: usize = 64;
/// Rows they are compared with at a time.
const TILE: usize = 512;
/// Squared distances below this share of the squared norms have lost too many digits in a product.
const CANCELLED: f32 = 1e-3;

/// Silhouettes of a clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouettes {
    /// The mean over the rows scored; none outside 2 to n-1 clusters.
    pub mean: Option<f64>,
    /// The standard error of the mean where only a sample was scored.
    pub standard_error: Option<f64>,
    /// One a row; NaN for noise, for rows outside the sample, and where not defined.
    pub per_row: Vec<f32>,
}

/// Scores the rows of `x` under `labels` (dense from 0, -1 for noise, which is left out).
///
/// A cluster of one row scores 0. Cosine distances are `1 - cos`. O(n min(n, EXACT_ROWS) d) time, O(n d) memory; the
/// same bits for any number of threads.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn silhouettes(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    context: &Context,
) -> Result<Silhouettes, Error> {
    let mut per_row = vec![f32::NAN; labels.len()];
    let groups = Groups::of(labels);
    let (n, count) = (groups.rows.len(), groups.starts.len() - 1);
    if n < labels.len() {
        context.notes.remark(format!(
            "the silhouette leaves out {} samples of noise",
            labels.len() - n
        ));
    }
    if count < 2 || count >= n {
        context.notes.remark(format!(
            "the silhouette is not defined for {count} clusters of {n} samples"
        ));
        return Ok(Silhouettes {
            mean: None,
            standard_error: None,
            per_row,
        });
    }
    let scored: Vec<usize> = if n <= EXACT_ROWS {
        (0..n).collect()
    } else {
        (0..SAMPLE).map(|i| i * n / SAMPLE).collect()
    };
    let prepared = Prepared::of(x, &groups.rows, metric);
    let step = context.step("silhouette", scored.len() as u64);
    let blocks: Vec<Vec<f32>> = scored
        .par_chunks(ROWS)
        .map(|block| {
            step.tick(block.len() as u64)?;
            Ok(prepared.score(block, &groups))
        })
        .collect::<Result<_, Error>>()?;
    let values: Vec<f32> = blocks.into_iter().flatten().collect();
    let m = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / m;
    for (&at, &value) in scored.iter().zip(&values) {
        per_row[groups.rows[at]] = value;
    }
    let standard_error = (scored.len() < n).then(|| {
        let squares = values
            .iter()
            .map(|&value| (f64::from(value) - mean).powi(2));
        (squares.sum::<f64>() / (m - 1.0) / m).sqrt()
    });
    if let Some(error) = standard_error {
        context.notes.remark(format!(
            "the silhouette was taken from {SAMPLE} of {n} samples; its standard error is {error:.4}"
        ));
    }
    Ok(Silhouettes {
        mean: Some(mean),
        standard_error,
        per_row,
    })
}

/// The rows in clusters, cluster by cluster.
struct Groups {
    rows: Vec<usize>,
    /// Cluster `c` is `starts[c]..starts[c + 1]` of the rows.
    starts: Vec<usize>,
}

impl Groups {
    fn of(labels: &[i32]) -> Groups {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] >= 0).collect();
        rows.sort_by_key(|&row| (labels[row], row));
        let mut starts = vec![0];
        for at in 1..=rows.len() {
            if at == rows.len() || labels[rows[at]] != labels[rows[at - 1]] {
                starts.push(at);
            }
        }
        Groups { rows, starts }
    }
}

/// The rows in the order of the groups, as distances are taken on them: centred, or of unit length for cosine.
struct Prepared {
    data: Array2<f32>,
    norms: Vec<f32>,
    metric: Metric,
}

impl Prepared {
    fn of(x: ArrayView2<'_, f32>, rows: &[usize], metric: Metric) -> Prepared {
        let mut mean = vec![0.0_f64; x.ncols()];
        if metric == Metric::Euclidean {
            for &row in rows {
                for (mean, &value) in mean.iter_mut().zip(x.row(row)) {
                    *mean += f64::from(value) / rows.len() as f64;
                }
            }
        }
        let mut data = Array2::zeros((rows.len(), x.ncols()));
        for (&row, mut to) in rows.iter().zip(data.outer_iter_mut()) {
            let from = x.row(row);
            let length = match metric {
                Metric::Euclidean => 1.0,
                Metric::Cosine => {
                    let squares = from.iter().map(|v| f64::from(*v) * f64::from(*v));
                    let length = squares.sum::<f64>().sqrt();
                    if length > 0.0 { length } else { 1.0 }
                }
            };
            for ((to, &value), mean) in to.iter_mut().zip(from).zip(&mean) {
                *to = ((f64::from(value) - mean) / length) as f32;
            }
        }
        let norms = (0..rows.len())
            .map(|at| squared_norm(row(&data, at)))
            .collect();
        Prepared {
            data,
            norms,
            metric,
        }
    }

    /// The silhouettes of the rows at `block`.
    fn score(&self, block: &[usize], groups: &Groups) -> Vec<f32> {
        let count = groups.starts.len() - 1;
        let mut sums = vec![0.0_f64; block.len() * count];
        let own = self.data.select(Axis(0), block);
        let mut cluster = 0;
        for first in (0..self.norms.len()).step_by(TILE) {
            let last = (first + TILE).min(self.norms.len());
            let products = own.dot(&self.data.slice(s![first..last, ..]).t());
            while groups.starts[cluster + 1] <= first {
                cluster += 1;
            }
            for (i, &at) in block.iter().enumerate() {
                let products = products.row(i);
                let products = products.as_slice().unwrap_or_default();
                let sums = &mut sums[i * count..(i + 1) * count];
                let mut begin = first;
                for (cluster, sum) in sums.iter_mut().enumerate().skip(cluster) {
                    let end = groups.starts[cluster + 1].min(last);
                    *sum += self.distances(at, begin..end, &products[begin - first..end - first]);
                    begin = end;
                    if begin == last {
                        break;
                    }
                }
            }
        }
        block
            .iter()
            .zip(sums.chunks_exact(count))
            .map(|(&at, sums)| one(at, sums, &groups.starts))
            .collect()
    }

    /// The sum of the distances of the row at `at` to those at `others`.
    fn distances(&self, at: usize, others: std::ops::Range<usize>, products: &[f32]) -> f64 {
        const LANES: usize = 16;
        let norm = self.norms[at];
        let norms = &self.norms[others.clone()];
        let mut total = 0.0_f64;
        for (chunk, (norms, products)) in
            norms.chunks(LANES).zip(products.chunks(LANES)).enumerate()
        {
            let mut squares = [0.0_f32; LANES];
            let mut cancelled = false;
            for (square, (other, product)) in squares.iter_mut().zip(norms.iter().zip(products)) {
                let size = norm + other;
                *square = size - 2.0 * product;
                cancelled |= *square < CANCELLED * size;
            }
            if cancelled {
                let first = others.start + chunk * LANES;
                for (l, square) in squares.iter_mut().enumerate().take(norms.len()) {
                    *square = squared_distance(row(&self.data, at), row(&self.data, first + l));
                }
            }
            let sum: f32 = match self.metric {
                Metric::Euclidean => squares.iter().map(|square| square.sqrt()).sum(),
                Metric::Cosine => squares.iter().map(|square| square / 2.0).sum(),
            };
            total += f64::from(sum);
        }
        total
    }
}

fn row(data: &Array2<f32>, at: usize) -> &[f32] {
    let d = data.ncols();
    data.as_slice()
        .map_or(&[], |all| &all[at * d..(at + 1) * d])
}

fn one(at: usize, sums: &[f64], starts: &[usize]) -> f32 {
    let own = starts.partition_point(|&start| start <= at) - 1;
    let size = |cluster: usize| starts[cluster + 1] - starts[cluster];
    if size(own) == 1 {
        return 0.0;
    }
    let inside = sums[own] / (size(own) - 1) as f64;
    let outside = (0..sums.len())
        .filter(|&cluster| cluster != own)
        .map(|cluster| sums[cluster] / size(cluster) as f64)
        .fold(f64::INFINITY, f64::min);
    let widest = inside.max(outside);
    if widest == 0.0 {
        0.0
    } else {
        ((outside - inside) / widest) as f32
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use serde::Deserialize;

    use super::*;

    #[test]
    fn known_by_hand() {
        // Rows 0 and 1 are 1 apart; row 2 is 10 from row 0 and 9 from row 1, alone in its cluster with row 3 (noise).
        let x = array![[0.0f32], [1.0], [10.0], [50.0]];
        let scores = silhouettes(
            x.view(),
            &[0, 0, 1, -1],
            Metric::Euclidean,
            &Context::new(0),
        )
        .unwrap();
        for (got, wanted) in scores.per_row.iter().zip([0.9, 8.0 / 9.0, 0.0]) {
            assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
        }
        assert!(scores.per_row[3].is_nan());
        assert!((scores.mean.unwrap() - (0.9 + 8.0 / 9.0) / 3.0).abs() < 1e-7);
    }

    #[test]
    fn not_defined_for_one_cluster_or_for_singles() {
        let x = array![[0.0f32], [1.0], [2.0]];
        for labels in [[0, 0, 0], [0, 1, 2], [-1, -1, -1]] {
            let context = Context::new(0);
            let scores = silhouettes(x.view(), &labels, Metric::Euclidean, &context).unwrap();
            assert_eq!(scores.mean, None);
            assert!(!context.notes.sorted().is_empty());
        }
    }

    #[derive(Deserialize)]
    struct Case {
        metric: String,
        rows: Vec<Vec<f32>>,
        labels: Vec<i32>,
        samples: Vec<f32>,
        silhouette: f64,
        calinski_harabasz: f64,
        davies_bouldin: f64,
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/score/clusterings.json"))
                .unwrap();
        for case in cases {
            let x =
                Array2::from_shape_vec((case.rows.len(), case.rows[0].len()), case.rows.concat())
                    .unwrap();
            let metric = if case.metric == "cosine" {
                Metric::Cosine
            } else {
                Metric::Euclidean
            };
            let described =
                crate::score::describe(x.view(), &case.labels, metric, &Context::new(0)).unwrap();
            for (got, wanted) in described.per_sample_silhouette.iter().zip(&case.samples) {
                assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
            }
            let close = |got: Option<f64>, wanted: f64| (got.unwrap() / wanted - 1.0).abs() < 1e-5;
            assert!(
                close(described.silhouette, case.silhouette),
                "{:?}",
                described.silhouette
            );
            assert!(close(described.calinski_harabasz, case.calinski_harabasz));
            assert!(close(described.davies_bouldin, case.davies_bouldin));
        }
    }

    #[test]
    fn tight_clusters_far_from_the_origin_keep_their_digits() {
        // Two pairs of near rows: within 1e-4, apart 1, at 1000 from the origin.
        let x = array![
            [1000.0f32, 0.0],
            [1000.0, 1e-4],
            [1000.0, 1.0],
            [1000.0, 1.0001]
        ];
        let scores =
            silhouettes(x.view(), &[0, 0, 1, 1], Metric::Euclidean, &Context::new(0)).unwrap();
        for value in scores.per_row {
            assert!((f64::from(value) - 0.9999).abs() < 2e-6, "{value}");
        }
    }

    #[test]
    fn tiles_and_stretches_do_not_show() {
        // More rows than a tile, clusters of odd sizes across its edges, against the definition.
        let n = 1200;
        let x = Array2::from_shape_fn((n, 3), |(i, j)| {
            ((i * 7919 + j * 104_729) % 1009) as f32 / 100.0
        });
        let labels: Vec<i32> = (0..n)
            .map(|i| {
                if i % 11 == 0 {
                    -1
                } else {
                    ((i * i) % 7) as i32 % 4
                }
            })
            .collect();
        let dense: Vec<i32> = crate::cluster::Clustering {
            labels,
            ..Default::default()
        }
        .by_size()
        .labels;
        let scores = silhouettes(x.view(), &dense, Metric::Euclidean, &Context::new(0)).unwrap();
        let count = *dense.iter().max().unwrap() as usize + 1;
        for i in (0..n).step_by(37).filter(|&i| dense[i] >= 0) {
            let mut sums = vec![(0.0_f64, 0.0_f64); count];
            for j in (0..n).filter(|&j| dense[j] >= 0 && j != i) {
                let squares = (0..3).map(|c| f64::from(x[(i, c)] - x[(j, c)]).powi(2));
                let sum = &mut sums[dense[j] as usize];
                *sum = (sum.0 + squares.sum::<f64>().sqrt(), sum.1 + 1.0);
            }
            let own = dense[i] as usize;
            let inside = sums[own].0 / sums[own].1;
            let outside = (0..count)
                .filter(|&c| c != own)
                .map(|c| sums[c].0 / sums[c].1)
                .fold(f64::INFINITY, f64::min);
            let wanted = (outside - inside) / outside.max(inside);
            assert!((f64::from(scores.per_row[i]) - wanted).abs() < 1e-5);
        }
    }
}
