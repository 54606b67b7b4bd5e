//! The silhouette (Rousseeuw 1987): how much nearer a row is to its own cluster than to the next one.
//!
//! Up to [`EXACT_ROWS`], and beyond where it is no more work than that many rows can be, every row is scored. Else a sample
//! that is spread evenly over each cluster is, and the mean comes with its standard error. [`sums`] adds the distances up, of the row's own cluster and of
//! those that [`next`] cannot rule out. Cosine distances need no pairs at all ([`centres`]).

mod centres;
mod next;
mod rounding;
mod shape;
mod sums;

use ndarray::ArrayView2;

use crate::context::Context;
use crate::counted::counted;
use crate::error::Error;
use crate::neighbors::{Metric, Points};
use rounding::Rounding;
use sums::{Bounds, Pairs};

/// Up to this many rows every row is scored, and beyond where clusters lie so far apart that no more pairs have to be met.
pub const EXACT_ROWS: usize = 100_000;
/// A sample of fewer rows than this meets all others sooner than bounds on the clusters are found.
const SAMPLE_FOR_BOUNDS: usize = 4096;

/// Which rows get a silhouette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// All of them.
    Exact,
    /// Up to [`EXACT_ROWS`] all, beyond about 10,000 where clusters do not lie apart.
    Usual,
    /// Up to 10,000 all, beyond 2,500: enough to tell tries apart.
    Quick,
}

impl Effort {
    /// [`Effort::Exact`] where asked for, else the usual.
    pub fn exact_if(asked: bool) -> Effort {
        if asked { Effort::Exact } else { Effort::Usual }
    }

    /// Up to how many rows all are scored.
    pub fn exact_rows(self) -> usize {
        match self {
            Effort::Exact => usize::MAX,
            Effort::Usual => EXACT_ROWS,
            Effort::Quick => 10_000,
        }
    }

    /// How many are beyond.
    fn sample(self) -> usize {
        match self {
            Effort::Quick => 2_500,
            Effort::Exact | Effort::Usual => 10_000,
        }
    }
}

/// Silhouettes of a clustering. What is not defined, or was not scored, is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouettes {
    /// The mean over the rows scored; none outside 2 to n-1 clusters.
    pub mean: Option<f64>,
    /// The standard error of the mean where only a sample was scored.
    pub standard_error: Option<f64>,
    /// How many rows were scored.
    pub scored: usize,
    /// One a row; NaN for noise too.
    pub per_row: Vec<f32>,
    /// Each row's mean distance to the others of its cluster; NaN in a cluster of one.
    pub inside: Vec<f32>,
    /// Each row's mean distance to the rows of the cluster that is next to it.
    pub outside: Vec<f32>,
}

/// Scores the rows of `x` under `labels` (dense from 0, -1 for noise, which is left out).
///
/// A cluster of one row scores 0. Cosine distances are `1 - cos`: O(n clusters d), however many rows. Euclidean: at most
/// all pairs once, O(n² d / 2), up to [`EXACT_ROWS`] rows, and O(10,000 n d) beyond; where clusters lie apart, a row meets
/// its own cluster's rows and those of the few that may be next to it, and all rows are scored as long as these are no
/// more pairs than [`EXACT_ROWS`] rows have. The error is below 1e-5 a row where products are rounded to bfloat16.
/// O(n (d + clusters)) memory; the same bits for any number of threads.
///
/// # Errors
/// A row that is not finite, or [`Error::Cancelled`].
pub fn silhouettes(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    context: &Context,
) -> Result<Silhouettes, Error> {
    silhouettes_with(x, labels, metric, Effort::Usual, context)
}

/// [`silhouettes`] of as many rows as the effort says.
///
/// # Errors
/// As there.
pub fn silhouettes_with(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    effort: Effort,
    context: &Context,
) -> Result<Silhouettes, Error> {
    let rows = (effort.exact_rows(), effort.sample());
    silhouettes_up_to(x, labels, metric, rows, context)
}

/// All rows up to so many, and beyond so many of them.
fn silhouettes_up_to(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    (exact_rows, sample): (usize, usize),
    context: &Context,
) -> Result<Silhouettes, Error> {
    let groups = Groups::of(labels);
    let (n, count) = (groups.rows.len(), groups.len());
    let mut found = Silhouettes {
        mean: None,
        standard_error: None,
        scored: 0,
        per_row: vec![f32::NAN; labels.len()],
        inside: vec![f32::NAN; labels.len()],
        outside: vec![f32::NAN; labels.len()],
    };
    if count < 2 || count >= n {
        context.notes.remark(match count {
            0 => "there is no silhouette without clusters".to_owned(),
            1 => "a silhouette needs two clusters; there is one".to_owned(),
            _ => format!("there is no silhouette of {count} clusters of one sample each"),
        });
        return Ok(found);
    }
    if n < labels.len() {
        context.notes.remark(format!(
            "the silhouette leaves out {} of noise",
            counted(labels.len() - n, "sample")
        ));
    }
    let points = Points::new(x, metric)?;
    let all = || (0..n).collect();
    let (scored, means) = match metric {
        Metric::Cosine => {
            let scored: Vec<usize> = all();
            let means = centres::means(&points, &groups, &scored, context)?;
            (scored, means)
        }
        Metric::Euclidean => {
            let (isa, rounding) = Rounding::choose(&points, &groups);
            let pairs = Pairs::new(isa, rounding, &points, &groups);
            let few = n > exact_rows && sample < SAMPLE_FOR_BOUNDS;
            let bounds = if few { None } else { pairs.bounds(context)? };
            let most = (exact_rows as f64).powi(2) / 2.0;
            let cheap = |bounds: &Bounds<'_>| n as f64 * bounds.rows <= most;
            let scored = if n <= exact_rows || bounds.as_ref().is_some_and(cheap) {
                all()
            } else {
                groups.spread(sample)
            };
            let means = pairs.means_at(&scored, bounds.as_ref(), context)?;
            (scored, means)
        }
    };
    let mut sum = 0.0;
    for (&at, means) in scored.iter().zip(&means) {
        let row = groups.rows[at];
        found.per_row[row] = means.silhouette();
        found.inside[row] = means.inside as f32;
        found.outside[row] = means.outside as f32;
        sum += f64::from(found.per_row[row]);
    }
    let m = scored.len() as f64;
    let mean = sum / m;
    found.mean = Some(mean);
    found.scored = scored.len();
    if scored.len() < n {
        let squares = scored
            .iter()
            .map(|&at| (f64::from(found.per_row[groups.rows[at]]) - mean).powi(2));
        let error = (squares.sum::<f64>() / (m - 1.0).max(1.0) / m).sqrt();
        found.standard_error = Some(error);
        context.notes.remark(format!(
            "the silhouette was taken from {} of {n} samples; its standard error is {error:.4}",
            scored.len()
        ));
    }
    Ok(found)
}

/// The rows in clusters, cluster by cluster.
pub(super) struct Groups {
    /// Rows of the data, noise left out.
    pub rows: Vec<usize>,
    /// Cluster `c` is `starts[c]..starts[c + 1]` of the rows.
    pub starts: Vec<usize>,
}

impl Groups {
    /// Sorts the rows by label, then by number.
    pub fn of(labels: &[i32]) -> Groups {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] >= 0).collect();
        rows.sort_by_key(|&row| (labels[row], row));
        let mut starts = vec![0];
        for at in 1..=rows.len() {
            if at == rows.len() || labels[rows[at]] != labels[rows[at - 1]] {
                starts.push(at);
            }
        }
        if rows.is_empty() {
            starts.truncate(1);
        }
        Groups { rows, starts }
    }

    /// The rows of a cluster.
    pub fn members(&self, cluster: usize) -> &[usize] {
        &self.rows[self.starts[cluster]..self.starts[cluster + 1]]
    }

    /// The number of rows of a cluster.
    pub fn size(&self, cluster: usize) -> usize {
        self.starts[cluster + 1] - self.starts[cluster]
    }

    /// The number of clusters.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The cluster of the row at `at`.
    pub fn cluster(&self, at: usize) -> usize {
        self.starts.partition_point(|&start| start <= at) - 1
    }

    /// About `m` places in the sorted rows, evenly apart, so that every cluster has its share.
    fn spread(&self, m: usize) -> Vec<usize> {
        let n = self.rows.len();
        (0..m.min(n)).map(|i| i * n / m.min(n)).collect()
    }
}

/// A row's mean distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Means {
    /// To the others of its cluster; NaN in a cluster of one.
    pub inside: f64,
    /// To the cluster that is next.
    pub outside: f64,
}

impl Means {
    fn silhouette(self) -> f32 {
        let widest = self.inside.max(self.outside);
        if self.inside.is_nan() || widest == 0.0 {
            0.0
        } else {
            ((self.outside - self.inside) / widest) as f32
        }
    }
}

#[cfg(test)]
mod tests;
