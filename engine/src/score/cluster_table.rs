//! One cluster at a time: its size, how close it is inside and how far from others, and the samples that show what is
//! in it: central ones, varied ones, those on its border, those that hardly belong.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::Silhouettes;
use crate::error::Error;
use crate::neighbors::{Metric, Points};

/// How many varied exemplars a cluster is shown by.
const EXEMPLARS: usize = 9;
/// Exemplars are chosen among at most this many of the samples nearest the centre.
const CORE: usize = 512;
/// How many samples are named as central, on the border, outlying.
const NAMED: usize = 5;
/// The neighbour by whose distance density is told.
const NEIGHBOR: usize = 5;
/// How many rows of a cluster are asked for that neighbour.
const ASKED: usize = 128;
/// How many of these one task takes.
const ASKED_TOGETHER: usize = 32;
/// How many rows they meet before the next: they stay in the nearest caches.
const MET_TOGETHER: usize = 64;

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
    /// The rows nearest its centre, the medoid first.
    pub central: Vec<usize>,
    /// The medoid, then rows of the nearer half, each as far as possible from those before it.
    pub exemplars: Vec<usize>,
    /// The rows that sit worst, by silhouette; at most a quarter of the cluster.
    pub border: Vec<usize>,
    /// The rows that belong least: by the method's outlier score, else by distance to the centre; at most a quarter.
    pub outliers: Vec<usize>,
    /// The mean silhouette of its rows that were scored; none where it is not defined.
    pub silhouette: Option<f64>,
    /// The mean distance of its rows to the others of the cluster: lower is closer together.
    pub cohesion: Option<f64>,
    /// The mean distance of its rows to those of the cluster that is next to each: higher is farther apart.
    pub separation: Option<f64>,
    /// One over the mean distance to the fifth-nearest row of the cluster (the farthest where there are fewer), over up
    /// to 128 of its rows; none for one row or equal rows.
    pub density: Option<f64>,
    /// The cluster whose centre is nearest.
    pub nearest: Option<i32>,
    /// Its own part of the validity by density, where that was computed.
    pub dbcv: Option<f64>,
}

/// The mean of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Centre {
    /// In f64, summed in row order.
    pub mean: Vec<f64>,
    length: f64,
}

impl Centre {
    /// The mean of some rows.
    pub fn of(x: ArrayView2<'_, f32>, rows: &[usize]) -> Centre {
        let mut mean = vec![0_f64; x.ncols()];
        for &row in rows {
            for (sum, &value) in mean.iter_mut().zip(x.row(row)) {
                *sum += f64::from(value);
            }
        }
        mean.iter_mut()
            .for_each(|sum| *sum /= rows.len().max(1) as f64);
        let length = mean.iter().map(|value| value * value).sum::<f64>().sqrt();
        Centre { mean, length }
    }

    /// How far a row is from it. A vector of zeros has no direction: 1/2 from every direction, as neighbours have it.
    pub fn distance(&self, row: ArrayView1<'_, f32>, metric: Metric) -> f64 {
        match metric {
            Metric::Euclidean => squared_gap(row, &self.mean).sqrt(),
            Metric::Cosine => {
                let length = row
                    .iter()
                    .map(|&value| f64::from(value).powi(2))
                    .sum::<f64>();
                let product: f64 = row
                    .iter()
                    .zip(&self.mean)
                    .map(|(&a, b)| f64::from(a) * b)
                    .sum();
                cosine(product, length.sqrt(), self.length)
            }
        }
    }

    /// How far two centres are apart.
    fn to(&self, other: &Centre, metric: Metric) -> f64 {
        let pairs = || self.mean.iter().zip(&other.mean);
        match metric {
            Metric::Euclidean => pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
            Metric::Cosine => cosine(pairs().map(|(a, b)| a * b).sum(), self.length, other.length),
        }
    }
}

fn cosine(product: f64, a: f64, b: f64) -> f64 {
    match (a == 0.0, b == 0.0) {
        (true, true) => 0.0,
        (false, false) => (1.0 - product / (a * b)).max(0.0),
        _ => 0.5,
    }
}

/// The rows that clusters are described on.
pub(super) struct Rows<'a> {
    x: ArrayView2<'a, f32>,
    metric: Metric,
    points: Points<'a>,
}

impl<'a> Rows<'a> {
    /// Prepares the rows. O(n d).
    pub fn new(x: ArrayView2<'a, f32>, metric: Metric) -> Result<Rows<'a>, Error> {
        Ok(Rows {
            points: Points::new(x, metric)?,
            x,
            metric,
        })
    }

    /// Describes cluster `id`, whose rows are `own` and whose distances to its centre are known. None without rows.
    pub fn describe(
        &self,
        id: usize,
        own: &[usize],
        centres: &[Centre],
        distance: &[f32],
        silhouettes: &Silhouettes,
        outlier_scores: Option<&[f32]>,
    ) -> Option<ClusterDescription> {
        let near = ordered(own, |row| distance[row]);
        let &medoid = near.first()?;
        let few = NAMED.min(own.len().div_ceil(4));
        let few = if own.len() == 1 { 0 } else { few };
        let out = |row: usize| match outlier_scores.and_then(|scores| scores.get(row)) {
            Some(score) => -score,
            None => -distance[row],
        };
        let scored: Vec<usize> = own
            .iter()
            .copied()
            .filter(|&row| !silhouettes.per_row[row].is_nan())
            .collect();
        let mean = |values: &[f32]| {
            let known: Vec<f64> = own
                .iter()
                .map(|&row| f64::from(values[row]))
                .filter(|value| !value.is_nan())
                .collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let nearest = (0..centres.len())
            .filter(|&other| other != id)
            .map(|other| (centres[id].to(&centres[other], self.metric), other))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let label = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        Some(ClusterDescription {
            id: label(id),
            size: own.len(),
            centroid: centres[id].mean.iter().map(|&value| value as f32).collect(),
            medoid,
            exemplars: spread(self.x, &near[..near.len().div_ceil(2).min(CORE)]),
            border: first(ordered(&scored, |row| silhouettes.per_row[row]), few),
            outliers: first(ordered(own, out), few),
            central: first(near, NAMED),
            silhouette: mean(&silhouettes.per_row),
            cohesion: mean(&silhouettes.inside),
            separation: mean(&silhouettes.outside),
            density: self.density(own),
            nearest: nearest.map(|(_, other)| label(other)),
            dbcv: None,
        })
    }

    /// One over the mean distance to the fifth-nearest fellow. O(128 size d).
    fn density(&self, own: &[usize]) -> Option<f64> {
        let place = NEIGHBOR.min(own.len().checked_sub(1)?).checked_sub(1)?;
        let asked = ASKED.min(own.len());
        let asked: Vec<usize> = (0..asked).map(|i| own[i * own.len() / asked]).collect();
        let gaps: Vec<f64> = asked
            .par_chunks(ASKED_TOGETHER)
            .flat_map_iter(|asked| {
                let mut nearest = vec![[f32::INFINITY; NEIGHBOR]; asked.len()];
                // A few rows stay in the cache while all that ask meet them.
                for others in own.chunks(MET_TOGETHER) {
                    for (&row, nearest) in asked.iter().zip(&mut nearest) {
                        for &other in others.iter().filter(|&&other| other != row) {
                            insert(nearest, self.points.squared(row, other));
                        }
                    }
                }
                nearest
                    .into_iter()
                    .map(|nearest| f64::from(self.points.distance(nearest[place])))
            })
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        (mean > 0.0).then(|| 1.0 / mean)
    }
}

/// Takes `square` up among the least, which rise.
fn insert(least: &mut [f32; NEIGHBOR], mut square: f32) {
    for kept in least.iter_mut() {
        if square < *kept {
            std::mem::swap(kept, &mut square);
        }
    }
}

/// Rows by a number, rising, ties by row; what is not a number comes last.
fn ordered(rows: &[usize], by: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_by(|&a, &b| {
        let (x, y) = (by(a), by(b));
        x.is_nan()
            .cmp(&y.is_nan())
            .then(x.total_cmp(&y))
            .then(a.cmp(&b))
    });
    rows
}

fn first(mut rows: Vec<usize>, n: usize) -> Vec<usize> {
    rows.truncate(n);
    rows
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
fn spread(x: ArrayView2<'_, f32>, near: &[usize]) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut gaps = vec![f64::INFINITY; near.len()];
    let mut next = 0;
    while chosen.len() < EXEMPLARS.min(near.len()) {
        let row = near[next];
        chosen.push(row);
        let point: Vec<f64> = x.row(row).iter().map(|&value| f64::from(value)).collect();
        for (gap, &other) in gaps.iter_mut().zip(near) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::score::{Wanted, describe};
    use ndarray::{Array2, array};

    #[test]
    fn a_cluster_by_hand() {
        // Rows at 0, 1, 2, 3, 4 and 20, 21 on a line.
        let x = array![[0.0f32], [1.0], [2.0], [3.0], [4.0], [20.0], [21.0]];
        let labels = [0, 0, 0, 0, 0, 1, 1];
        let context = Context::new(0);
        let found = describe(x.view(), &labels, &Wanted::of(Metric::Euclidean), &context).unwrap();
        let one = &found.clusters[0];
        assert_eq!((one.size, one.medoid), (5, 2));
        assert_eq!(one.central, [2, 1, 3, 0, 4]);
        assert_eq!(
            one.border,
            [4, 0],
            "its ends: 1 - 2.5 / 16.5 and 1 - 2.5 / 20.5"
        );
        assert_eq!(
            one.outliers,
            [0, 4],
            "farthest from the centre, ties by row"
        );
        // Mean distances to the four others: 2.5, 1.75, 1.5, 1.75, 2.5.
        assert!((one.cohesion.unwrap() - 2.0).abs() < 1e-6);
        assert!((one.separation.unwrap() - 18.5).abs() < 1e-5);
        // The farthest of four others: 4, 3, 2, 3, 4.
        assert!((one.density.unwrap() - 5.0 / 16.0).abs() < 1e-9);
        assert_eq!(one.nearest, Some(1));
        assert_eq!(found.per_sample_distance[..5], [2.0, 1.0, 0.0, 1.0, 2.0]);
        assert_eq!(found.dbcv, None, "only where it was asked for");
    }

    #[test]
    fn outlier_scores_of_the_method_decide() {
        let x = Array2::from_shape_fn((9, 1), |(i, _)| i as f32);
        let scores = [0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN];
        let wanted = Wanted {
            density: true,
            outlier_scores: Some(&scores),
            ..Wanted::of(Metric::Euclidean)
        };
        let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1];
        let found = describe(x.view(), &labels, &wanted, &Context::new(0)).unwrap();
        assert_eq!(found.clusters[0].outliers[0], 1);
        assert!(found.dbcv.flatten().is_some());
        assert!(found.clusters.iter().all(|cluster| cluster.dbcv.is_some()));
    }

    #[test]
    fn equal_rows_and_lone_rows_have_no_density() {
        let x = array![[1.0f32, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]];
        let found = describe(
            x.view(),
            &[0, 0, 1, -1],
            &Wanted::of(Metric::Cosine),
            &Context::new(0),
        )
        .unwrap();
        assert_eq!(found.clusters[0].density, None);
        assert_eq!(found.clusters[1].density, None);
        assert_eq!(found.clusters[1].cohesion, None);
        assert!(found.clusters[1].border.is_empty());
        assert!(found.per_sample_distance[3].is_nan());
        assert!(found.per_sample_distance[0].abs() < 1e-7);
    }
}
