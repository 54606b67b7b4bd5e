//! What rounding to bfloat16 does to sums of distances, and how it is taken back.
//!
//! A product of rounded rows is off by `e = x.y - r(x).r(y)`, so a squared distance by `2 e` and a distance `g` by about
//! `e / g`. Over a whole cluster the sum of the `e` is known exactly from two sums of its rows, `x - r(x)` times the sum
//! of `y` plus `r(x)` times the sum of `y - r(y)`, and distances to one cluster are alike. So each sum is set right by
//! that sum over the cluster's mean distance. What is left is the spread of distances times the spread of the `e`:
//! below 1e-5 of a silhouette. Where the rows of clusters lie so close together that many distances would have to be
//! computed again, f32 is quicker, and is used.

use rayon::prelude::*;

use super::Groups;
use crate::linalg::{Isa, dot, isa, packed};
use crate::neighbors::Points;

/// Clusters whose mean squared distance inside is below this share of the mean squared lengths are close.
const CLOSE: f64 = 0.1;
/// More pairs than this share inside close clusters are too many to be computed again.
const MOST_CLOSE: f64 = 0.02;
/// Rows a cluster must have on average for its sums to be worth their while.
const ROWS_A_CLUSTER: usize = 64;

/// The sums of a clustering's rows, as the products have them.
pub(super) struct Rounding {
    isa: Isa,
    /// For each cluster the sum of its rows, and the sum of what packing takes from them.
    clusters: Vec<[Vec<f32>; 2]>,
}

impl Rounding {
    /// The instruction set for a clustering's products and, if it rounds, what it takes to undo that. O(n d).
    pub fn choose(points: &Points<'_>, groups: &Groups) -> (Isa, Option<Rounding>) {
        let plain = isa().for_dims(1);
        let widest = isa().for_dims(points.dims());
        if !widest.is_bf16() || groups.len() * ROWS_A_CLUSTER > groups.rows.len() {
            return (plain, None);
        }
        let (rounding, close) = Rounding::of(widest, points, groups);
        if close > MOST_CLOSE {
            (plain, None)
        } else {
            (widest, Some(rounding))
        }
    }

    /// The sums, and the share of all pairs that is inside close clusters.
    pub fn of(isa: Isa, points: &Points<'_>, groups: &Groups) -> (Rounding, f64) {
        let dims = points.dims();
        let found: Vec<([Vec<f32>; 2], f64)> = (0..groups.len())
            .into_par_iter()
            .map(|cluster| {
                let rows = groups.members(cluster);
                let (mut sum, mut lost) = (vec![0.0_f64; dims], vec![0.0_f64; dims]);
                let mut squares = 0.0;
                let mut working = vec![0.0_f32; dims];
                for &row in rows {
                    points.working_row(isa, row, &mut working);
                    for ((sum, lost), &x) in sum.iter_mut().zip(&mut lost).zip(&working) {
                        *sum += f64::from(x);
                        *lost += f64::from(x - packed(isa, x));
                        squares += f64::from(x) * f64::from(x);
                    }
                }
                let m = rows.len() as f64;
                let centre: f64 = sum.iter().map(|x| (x / m) * (x / m)).sum();
                let close = squares / m - centre < CLOSE * squares / m;
                let narrow = |values: &[f64]| values.iter().map(|&x| x as f32).collect();
                let pairs = if close { m * m } else { 0.0 };
                ([narrow(&sum), narrow(&lost)], pairs)
            })
            .collect();
        let n = groups.rows.len() as f64;
        let close = found.iter().map(|(_, pairs)| pairs).sum::<f64>() / (n * n).max(1.0);
        let clusters = found.into_iter().map(|(sums, _)| sums).collect();
        (Rounding { isa, clusters }, close)
    }

    /// What packing makes of a row in working units, and takes from it. O(d).
    pub fn row(&self, row: &[f32]) -> RoundedRow {
        let rounded: Vec<f32> = row.iter().map(|&x| packed(self.isa, x)).collect();
        let itself = row.iter().zip(&rounded);
        RoundedRow {
            lost: row.iter().zip(&rounded).map(|(x, r)| x - r).collect(),
            itself: itself
                .map(|(&x, &r)| f64::from(x) * f64::from(x) - f64::from(r) * f64::from(r))
                .sum(),
            rounded,
        }
    }

    /// A row's sum of distances to `others` rows of a cluster, set right; `own` says whether the row is of the cluster, so
    /// that its distance 0 to itself is in the sum but not in `others`. O(d).
    pub fn undo(
        &self,
        row: &RoundedRow,
        cluster: usize,
        own: bool,
        others: usize,
        sum: f64,
    ) -> f64 {
        let [rows, takes] = &self.clusters[cluster];
        let mut off = f64::from(dot(&row.lost, rows)) + f64::from(dot(&row.rounded, takes));
        if own {
            off -= row.itself;
        }
        if sum > 0.0 && others > 0 {
            sum - off * others as f64 / sum
        } else {
            sum
        }
    }
}

/// A row as [`Rounding::row`] makes it.
pub(super) struct RoundedRow {
    rounded: Vec<f32>,
    lost: Vec<f32>,
    /// What the row's product with itself is off by.
    itself: f64,
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::sums::Pairs;
    use super::*;
    use crate::context::Context;
    use crate::neighbors::Metric;

    #[test]
    fn rounded_products_give_the_silhouettes_of_f32() {
        let (n, d) = (900, 96);
        let x = Array2::from_shape_fn((n, d), |(i, j)| {
            let noise = ((i * 7919 + j * 104_729 + i * j * 31) % 2003) as f32 / 1001.5 - 1.0;
            noise + if j % 5 == i % 5 { 0.8 } else { 0.0 }
        });
        let labels: Vec<i32> = (0..n as i32)
            .map(|i| [0, 1, 2, 3, 4, 0][(i % 6) as usize])
            .collect();
        let groups = Groups::of(&labels);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let exact = Pairs::new(Isa::PORTABLE, None, &points, &groups);
        let exact = exact.all(&Context::new(0)).unwrap();
        for isa in Isa::available().into_iter().filter(|isa| isa.is_bf16()) {
            let (rounding, close) = Rounding::of(isa, &points, &groups);
            assert_eq!(close, 0.0);
            let pairs = Pairs::new(isa, Some(rounding), &points, &groups);
            let some: Vec<usize> = (0..n).step_by(7).collect();
            let sampled = pairs.of(&some, &Context::new(0)).unwrap();
            for (at, got) in pairs.all(&Context::new(0)).unwrap().iter().enumerate() {
                let gap = (got.silhouette() - exact[at].silhouette()).abs();
                assert!(gap < 1e-5, "{isa} row {at}: {gap}");
            }
            for (&at, got) in some.iter().zip(&sampled) {
                let gap = (got.silhouette() - exact[at].silhouette()).abs();
                assert!(gap < 1e-5, "{isa} row {at} of a sample: {gap}");
            }
        }
    }

    #[test]
    fn close_clusters_are_noticed() {
        let x = Array2::from_shape_fn((300, 64), |(i, j)| {
            (if i % 3 == j % 3 { 10.0 } else { 0.0 }) + ((i * 31 + j * 17) % 53) as f32 / 53.0
        });
        let labels: Vec<i32> = (0..300).map(|i| i % 3).collect();
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let (_, close) = Rounding::of(Isa::PORTABLE, &points, &Groups::of(&labels));
        assert!((close - 1.0 / 3.0).abs() < 1e-9, "{close}");
        let (isa, rounding) = Rounding::choose(&points, &Groups::of(&labels));
        assert!(!isa.is_bf16() && rounding.is_none());
    }
}
