//! The silhouette (Rousseeuw 1987): how much nearer a row is to its own cluster than to the next one.
//!
//! Every distance is decided by the kernel that fixes the order of additions, so the same bits come out for any number
//! of threads; beyond [`EXACT_ROWS`] a fixed sample of rows is scored against all rows.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::context::Context;
use crate::error::Error;
use crate::linalg::squared_distance;
use crate::neighbors::Metric;

/// Up to this many rows every row is scored; beyond, this many rows evenly spread over the data.
pub const EXACT_ROWS: usize = 10_000;
/// Rows a task scores between two looks at the stop.
const BLOCK: usize = 16;

/// Silhouettes of a clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouettes {
    /// The mean over the rows scored; none outside 2 to n-1 clusters.
    pub mean: Option<f64>,
    /// One a row; NaN for noise, for rows outside the sample, and where not defined.
    pub per_row: Vec<f32>,
}

/// Scores the rows of `x` under `labels` (dense from 0, -1 for noise, which is left out).
///
/// A cluster of one row scores 0. Cosine distances are `1 - cos`. O(n min(n, EXACT_ROWS) d).
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
    let members: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] >= 0).collect();
    let count = labels
        .iter()
        .max()
        .map_or(0, |&last| usize::try_from(last + 1).unwrap_or(0));
    if count < 2 || count >= members.len() {
        context.notes.remark(format!(
            "the silhouette is not defined for {count} clusters of {} samples",
            members.len()
        ));
        return Ok(Silhouettes {
            mean: None,
            per_row,
        });
    }
    let mut sizes = vec![0usize; count];
    members
        .iter()
        .for_each(|&row| sizes[labels[row] as usize] += 1);
    let rows = Prepared::of(x, metric);
    let scored: Vec<usize> = if members.len() <= EXACT_ROWS {
        members.clone()
    } else {
        context.notes.remark(format!(
            "the silhouette was taken from {EXACT_ROWS} of {} samples",
            members.len()
        ));
        (0..EXACT_ROWS)
            .map(|i| members[i * members.len() / EXACT_ROWS])
            .collect()
    };
    let step = context.step("silhouette", scored.len() as u64);
    let blocks: Vec<Vec<f32>> = scored
        .par_chunks(BLOCK)
        .map(|block| {
            step.tick(block.len() as u64)?;
            Ok(block
                .iter()
                .map(|&row| one(&rows, row, labels, &members, &sizes))
                .collect())
        })
        .collect::<Result<_, Error>>()?;
    let values: Vec<f32> = blocks.into_iter().flatten().collect();
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    scored
        .iter()
        .zip(values)
        .for_each(|(&row, value)| per_row[row] = value);
    Ok(Silhouettes {
        mean: Some(mean),
        per_row,
    })
}

/// Rows as distances are taken on them: unit length for cosine.
struct Prepared {
    data: Vec<f32>,
    dims: usize,
    metric: Metric,
}

impl Prepared {
    fn of(x: ArrayView2<'_, f32>, metric: Metric) -> Prepared {
        let mut data = Vec::with_capacity(x.len());
        for row in x.rows() {
            let norm = match metric {
                Metric::Euclidean => 1.0,
                Metric::Cosine => row
                    .iter()
                    .map(|v| f64::from(*v) * f64::from(*v))
                    .sum::<f64>()
                    .sqrt(),
            };
            let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            let scaled = row.iter().map(|&v| match metric {
                Metric::Euclidean => v,
                Metric::Cosine => (f64::from(v) * scale) as f32,
            });
            data.extend(scaled);
        }
        Prepared {
            data,
            dims: x.ncols(),
            metric,
        }
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let row = |at: usize| &self.data[at * self.dims..(at + 1) * self.dims];
        let squared = f64::from(squared_distance(row(a), row(b)));
        match self.metric {
            Metric::Euclidean => squared.sqrt(),
            Metric::Cosine => squared / 2.0,
        }
    }
}

fn one(rows: &Prepared, row: usize, labels: &[i32], members: &[usize], sizes: &[usize]) -> f32 {
    let own = labels[row] as usize;
    if sizes[own] == 1 {
        return 0.0;
    }
    let mut sums = vec![0f64; sizes.len()];
    for &other in members {
        sums[labels[other] as usize] += rows.distance(row, other);
    }
    let inside = sums[own] / (sizes[own] - 1) as f64;
    let outside = (0..sizes.len())
        .filter(|&cluster| cluster != own)
        .map(|cluster| sums[cluster] / sizes[cluster] as f64)
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
        assert_eq!(scores.per_row[..3], [0.9, 8.0 / 9.0, 0.0]);
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
            assert_eq!(context.notes.sorted().len(), 1);
        }
    }
}
