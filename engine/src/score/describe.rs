//! What is known of each cluster once the labels are there: size, centre, the samples that show what is in it, scores.

use ndarray::{ArrayView1, ArrayView2};

use super::{Silhouettes, calinski_harabasz, davies_bouldin, silhouettes};
use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Metric;

/// How many exemplars a cluster is shown by.
const EXEMPLARS: usize = 9;
/// Exemplars are chosen among at most this many of the samples nearest the centre.
const CORE: usize = 512;

/// One cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterDescription {
    /// Its label, from 0.
    pub id: i32,
    /// How many rows it has.
    pub size: usize,
    /// The mean of its rows.
    pub centroid: Vec<f32>,
    /// The row nearest its centre, ties by row.
    pub medoid: usize,
    /// The medoid, then rows of the nearer half, each as far as possible from those before it.
    pub exemplars: Vec<usize>,
    /// The mean silhouette of its rows that were scored; none where it is not defined.
    pub silhouette: Option<f64>,
}

/// Everything about a clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The clusters, in the order of their labels, noise left out.
    pub clusters: Vec<ClusterDescription>,
    /// The mean silhouette over the rows scored; none outside 2 to n-1 clusters.
    pub silhouette: Option<f64>,
    /// The silhouette of each row; NaN for noise and for rows that were not in the sample.
    pub per_sample_silhouette: Vec<f32>,
    /// The Calinski-Harabasz index; none outside 2 to n-1 clusters.
    pub calinski_harabasz: Option<f64>,
    /// The Davies-Bouldin index; none outside 2 to n-1 clusters.
    pub davies_bouldin: Option<f64>,
}

impl Description {
    /// The scores of the whole by name, as a run's record lists them.
    pub fn scores(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        [
            ("silhouette", self.silhouette),
            ("calinski_harabasz", self.calinski_harabasz),
            ("davies_bouldin", self.davies_bouldin),
        ]
        .into_iter()
    }
}

/// Describes the clusters that `labels` (dense from 0, -1 for noise) make of the rows of `x` (`n x d`).
///
/// O(n d) but for the silhouette, which is O(n^2 d) up to [`EXACT_ROWS`](super::EXACT_ROWS) rows and sampled beyond.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn describe(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    context: &Context,
) -> Result<Description, Error> {
    let count = labels
        .iter()
        .max()
        .map_or(0, |&last| usize::try_from(last + 1).unwrap_or(0));
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (row, &label) in labels.iter().enumerate() {
        if let Ok(cluster) = usize::try_from(label) {
            members[cluster].push(row);
        }
    }
    let centroids: Vec<Vec<f64>> = members.iter().map(|rows| mean(x, rows)).collect();
    let Silhouettes {
        mean: silhouette,
        per_row,
        ..
    } = silhouettes(x, labels, metric, context)?;

    let step = context.step("describe", count as u64);
    let mut clusters = Vec::with_capacity(count);
    for (cluster, rows) in members.iter().enumerate() {
        step.tick(1)?;
        let mut near: Vec<(f64, usize)> = rows
            .iter()
            .map(|&row| (squared_gap(x.row(row), &centroids[cluster]), row))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some(&(_, medoid)) = near.first() else {
            continue;
        };
        let core = near.len().div_ceil(2).min(CORE);
        let known: Vec<f64> = rows
            .iter()
            .map(|&row| f64::from(per_row[row]))
            .filter(|value| !value.is_nan())
            .collect();
        clusters.push(ClusterDescription {
            id: i32::try_from(cluster).unwrap_or(i32::MAX),
            size: rows.len(),
            centroid: centroids[cluster]
                .iter()
                .map(|&value| value as f32)
                .collect(),
            medoid,
            exemplars: spread(x, &near[..core]),
            silhouette: (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64),
        });
    }
    Ok(Description {
        silhouette,
        per_sample_silhouette: per_row,
        calinski_harabasz: calinski_harabasz(x, &members, &centroids),
        davies_bouldin: davies_bouldin(x, &members, &centroids),
        clusters,
    })
}

/// The mean of some rows, in f64, in row order.
fn mean(x: ArrayView2<'_, f32>, rows: &[usize]) -> Vec<f64> {
    let mut sums = vec![0f64; x.ncols()];
    for &row in rows {
        for (sum, &value) in sums.iter_mut().zip(x.row(row)) {
            *sum += f64::from(value);
        }
    }
    sums.iter()
        .map(|sum| sum / rows.len().max(1) as f64)
        .collect()
}

/// The squared euclidean distance of a row to a point.
pub(super) fn squared_gap(row: ArrayView1<'_, f32>, point: &[f64]) -> f64 {
    row.iter()
        .zip(point)
        .map(|(&a, &b)| {
            let gap = f64::from(a) - b;
            gap * gap
        })
        .sum()
}

/// Farthest-point choice among rows sorted by distance to the centre, starting with the nearest.
fn spread(x: ArrayView2<'_, f32>, near: &[(f64, usize)]) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut gaps = vec![f64::INFINITY; near.len()];
    let mut next = 0;
    while chosen.len() < EXEMPLARS.min(near.len()) {
        let row = near[next].1;
        chosen.push(row);
        let point: Vec<f64> = x.row(row).iter().map(|&value| f64::from(value)).collect();
        for (gap, &(_, other)) in gaps.iter_mut().zip(near) {
            *gap = gap.min(squared_gap(x.row(other), &point));
        }
        gaps[next] = f64::NEG_INFINITY;
        let farthest = gaps
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        next = farthest.map_or(0, |(at, _)| at);
    }
    chosen
}
