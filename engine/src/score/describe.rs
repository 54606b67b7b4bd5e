//! What is known of a clustering once the labels are there: scores of the whole, what each cluster is like and which
//! samples show it, and how well each sample sits in its cluster.

use ndarray::ArrayView2;

use super::cluster_table::{Centre, ClusterDescription, Rows};
use super::silhouette::{Effort, silhouettes_with};
use super::{DBCV_ROWS, calinski_harabasz, davies_bouldin, dbcv};
use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Metric;

/// Everything about a clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The clusters, in the order of their labels, noise left out.
    pub clusters: Vec<ClusterDescription>,
    /// The mean silhouette over the rows scored; none outside 2 to n-1 clusters.
    pub silhouette: Option<f64>,
    /// The standard error of the silhouette where only a sample of the rows was scored.
    pub silhouette_standard_error: Option<f64>,
    /// The silhouette of each row; NaN for noise and for rows that were not in the sample.
    pub per_sample_silhouette: Vec<f32>,
    /// How far each row is from the centre of its cluster; NaN for noise.
    pub per_sample_distance: Vec<f32>,
    /// The Calinski-Harabasz index; none outside 2 to n-1 clusters.
    pub calinski_harabasz: Option<f64>,
    /// The Davies-Bouldin index; none outside 2 to n-1 clusters.
    pub davies_bouldin: Option<f64>,
    /// The validity by density, where it was asked for; none where it is not defined or would take too long.
    pub dbcv: Option<Option<f64>>,
}

impl Description {
    /// The scores of the whole by name, as a run's record lists them.
    pub fn scores(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        let always = [
            ("silhouette", self.silhouette),
            ("calinski_harabasz", self.calinski_harabasz),
            ("davies_bouldin", self.davies_bouldin),
        ];
        let error = self.silhouette_standard_error;
        always
            .into_iter()
            .chain(error.map(|error| ("silhouette_standard_error", Some(error))))
            .chain(self.dbcv.map(|value| ("dbcv", value)))
    }
}

/// What is to be found out beside what always is.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// How far apart rows are.
    pub metric: Metric,
    /// Whether the validity by density is wanted.
    pub density: bool,
    /// Which rows get a silhouette; [`Effort::Exact`] wants the validity by density of however many rows too.
    pub effort: Effort,
    /// How far outside each row is, by the method; without it, rows far from their centre are the outliers.
    pub outlier_scores: Option<&'a [f32]>,
}

impl Wanted<'_> {
    /// What always is found out, under a metric.
    pub fn of(metric: Metric) -> Wanted<'static> {
        Wanted {
            metric,
            density: false,
            effort: Effort::Usual,
            outlier_scores: None,
        }
    }
}

/// Describes the clusters that `labels` (dense from 0, -1 for noise) make of the rows of `x` (`n x d`).
///
/// O(n d) but for the silhouette, at most O(n² d) up to [`EXACT_ROWS`](super::EXACT_ROWS) rows and sampled beyond where clusters do not lie
/// apart ([`silhouettes`](super::silhouettes)), and the validity by density, O(n² d) up to [`DBCV_ROWS`] rows and left out beyond
/// unless everything is to be exact.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn describe(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    wanted: &Wanted<'_>,
    context: &Context,
) -> Result<Description, Error> {
    let members = members(labels);
    let rows = Rows::new(x, wanted.metric)?;
    let centres: Vec<Centre> = members.iter().map(|rows| Centre::of(x, rows)).collect();
    let silhouettes = silhouettes_with(x, labels, wanted.metric, wanted.effort, context)?;
    let mut per_sample_distance = vec![f32::NAN; labels.len()];
    let step = context.step("describe", members.len() as u64);
    let mut clusters = Vec::with_capacity(members.len());
    for (id, own) in members.iter().enumerate() {
        step.tick(1)?;
        for &row in own {
            per_sample_distance[row] = centres[id].distance(x.row(row), wanted.metric) as f32;
        }
        clusters.extend(rows.describe(
            id,
            own,
            &centres,
            &per_sample_distance,
            &silhouettes,
            wanted.outlier_scores,
        ));
    }
    drop(step);
    let density = match wanted.density {
        false => None,
        true if labels.len() > DBCV_ROWS && wanted.effort != Effort::Exact => {
            context.notes.remark(format!(
                "the validity by density (DBCV) was not computed for {} samples; `score` with `exact` does it",
                labels.len()
            ));
            Some(None)
        }
        true => {
            let found = dbcv(x, labels, wanted.metric, context)?;
            for (cluster, value) in clusters
                .iter_mut()
                .zip(found.iter().flat_map(|found| &found.per_cluster))
            {
                cluster.dbcv = Some(*value);
            }
            Some(found.map(|found| found.value))
        }
    };
    let means: Vec<Vec<f64>> = centres.into_iter().map(|centre| centre.mean).collect();
    Ok(Description {
        silhouette: silhouettes.mean,
        silhouette_standard_error: silhouettes.standard_error,
        per_sample_silhouette: silhouettes.per_row,
        per_sample_distance,
        calinski_harabasz: calinski_harabasz(x, &members, &means),
        davies_bouldin: davies_bouldin(x, &members, &means),
        dbcv: density,
        clusters,
    })
}

/// The rows of each cluster, in rising order.
fn members(labels: &[i32]) -> Vec<Vec<usize>> {
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
    members
}
