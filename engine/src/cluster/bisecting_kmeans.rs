//! Bisecting k-means: the cluster that deserves it most is cut in two, until there are enough.
//!
//! Each cut is a k-means of its own with two centres on the cluster's rows, so the whole costs about `log k` passes over
//! the data instead of `k`. No row changes cluster after a later cut: the clusters are the leaves of a tree.

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;

use super::kmeans::halves::{How, Part};
use super::kmeans::only_so_many;
use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::neighbors::{Metric, Points};
use crate::random;

/// The stream of the cuts' seeds.
const CUTS: u64 = 0x4375_7473;

params! {
    /// What bisecting k-means needs to know.
    pub struct Params {
        /// How many clusters to make.
        n_clusters: usize = Default::Int(8), Kind::Int { lo: 1, hi: 1_000_000 }, unit "clusters";
        /// How the two centres of a cut are chosen: rows at random, or far apart by greedy k-means++.
        init: String = Default::Text("random"), Kind::Choice(&["random", "k-means++"]);
        /// How many starts to try at each cut; the one with the least inertia wins.
        n_init: usize = Default::Int(1), Kind::Int { lo: 1, hi: 10_000 }, unit "starts";
        /// The most rounds a start may take.
        max_iter: usize = Default::Int(300), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// The rounds of a cut end when both centres together move by at most this share of the features' mean variance (squared).
        tol: f64 = Default::Float(1e-4), Kind::Float { lo: 0.0, hi: f64::MAX };
        /// Which cluster is cut next: the one with the largest sum of squared distances, or the one with the most rows.
        bisecting_strategy: String = Default::Text("biggest_inertia"), Kind::Choice(&["biggest_inertia", "largest_cluster"]);
    }
}

static SIGNATURE: Signature = Signature {
    name: "bisecting_kmeans",
    summary: "Cuts clusters in two, always the widest or the largest, until there are as many as asked for.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="bisecting_kmeans", features="embedding", n_clusters=50, run="b50")"#,
        shows: "Makes 50 clusters of the vectors in `embedding`, quickly, and keeps them as the run `b50`.",
    }],
    returns: Returns::Run,
};

/// The method `bisecting_kmeans`. Source: scikit-learn's `BisectingKMeans`; Steinbach, Karypis and Kumar (2000).
///
/// `tol` is a share of the variance of the rows being cut, as in k-means; scikit-learn takes it as it is here.
#[derive(Debug)]
pub struct BisectingKMeans;

impl Clusterer for BisectingKMeans {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let params = Params::read(args).map_err(|bad| arguments(SIGNATURE.name, bad))?;
        let (n, k) = (x.nrows(), params.n_clusters);
        if k > n {
            return Err(Error::Input(format!(
                "bisecting k-means cannot make {k} clusters of {n} rows; n_clusters must be from 1 to the number of rows"
            )));
        }
        let points = Points::new(x, Metric::Euclidean)?;
        let leaves = cut(&points, &params, context)?;
        let found = leaves.len();
        if found < k {
            context.notes.remark(format!(
                "bisecting k-means found {} instead of {k}: there {}",
                counted(found, "cluster"),
                only_so_many(found)
            ));
        }
        let mut labels = vec![0; n];
        let mut centers = Vec::new();
        for (label, leaf) in leaves.iter().enumerate() {
            for &row in &leaf.rows {
                labels[row as usize] = label as i32;
            }
            centers.extend_from_slice(&leaf.center);
        }
        let inertia = leaves.iter().map(|leaf| leaf.inertia).sum();
        Ok(Clustering {
            labels,
            centers: Some(points.in_data_units(&centers, x.ncols())),
            scores: vec![("inertia", points.squared_from_working(inertia))],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The leaves; fewer than asked for where no leaf has two different rows any more.
fn cut(points: &Points<'_>, params: &Params, context: &Context) -> Result<Vec<Part>, Error> {
    let how = How {
        random: params.init == "random",
        n_init: params.n_init,
        max_iter: params.max_iter,
        tol: params.tol,
    };
    let by_size = params.bisecting_strategy == "largest_cluster";
    let score = |part: &Part| {
        if by_size {
            part.rows.len() as f64
        } else {
            part.inertia
        }
    };
    let step = context.step("cut clusters", params.n_clusters as u64);
    let mut leaves = vec![Part::whole(points, &step)?];
    for split in 1..params.n_clusters {
        step.tick(1)?;
        // The first of equals, so that ties do not depend on anything but the data.
        let widest = (0..leaves.len())
            .filter(|&at| leaves[at].inertia > 0.0)
            .reduce(|best, at| {
                if score(&leaves[at]) > score(&leaves[best]) {
                    at
                } else {
                    best
                }
            });
        let Some(at) = widest else {
            break;
        };
        let seed = random::bits(context.seed, CUTS, split as u64);
        match leaves[at].cut(points, &how, seed, &step)? {
            Some([left, right]) => {
                leaves[at] = left;
                leaves.push(right);
            }
            // Its rows differ by less than the distances can tell.
            None => leaves[at].inertia = 0.0,
        }
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;
    use ndarray::{Array2, ArrayView1};

    use super::*;
    use crate::neighbors::tests::cloud;

    fn squared(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
        let gaps = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
        gaps.map(|gap| gap * gap).sum()
    }

    fn fit(x: &Array2<f32>, args: &[(&str, Arg)], context: &Context) -> Result<Clustering, Error> {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        BisectingKMeans.fit(x.view(), &args.collect(), context)
    }

    #[test]
    fn inertia_is_that_of_the_labels_and_falls_with_more_cuts() {
        let x = cloud(900, 6, 2);
        let mut last = f64::INFINITY;
        for k in [1, 2, 5, 12, 30] {
            for strategy in ["largest_cluster", "biggest_inertia"] {
                let args = [
                    ("n_clusters", Arg::Int(k)),
                    ("bisecting_strategy", Arg::Text(strategy.into())),
                ];
                let found = fit(&x, &args, &Context::new(1)).unwrap();
                assert_eq!(found.len() as i64, k);
                let centers = found.centers.as_ref().unwrap();
                let plain: f64 = x
                    .rows()
                    .into_iter()
                    .zip(&found.labels)
                    .map(|(row, &c)| squared(row, centers.row(c as usize)))
                    .sum();
                let inertia = found.scores[0].1;
                assert!((plain - inertia).abs() < 1e-6 * plain, "{plain} {inertia}");
                if strategy == "biggest_inertia" {
                    assert!(inertia < last);
                    last = inertia;
                }
            }
        }
    }

    #[test]
    fn far_places_are_found_each_by_itself() {
        let noise = cloud(400, 3, 4);
        let x = Array2::from_shape_fn((400, 3), |(i, j)| {
            noise[(i, j)] * 0.01 + if j == 0 { 100.0 * (i % 4) as f32 } else { 0.0 }
        });
        let args = [("n_clusters", Arg::Int(4))];
        let found = fit(&x, &args, &Context::new(7)).unwrap();
        for (i, label) in found.labels.iter().enumerate() {
            assert_eq!(*label, found.labels[i % 4], "row {i}");
        }
    }

    #[test]
    fn fewer_different_rows_than_clusters_is_an_answer_with_a_note() {
        let x = Array2::from_shape_fn((30, 3), |(i, _)| (i % 3) as f32);
        let context = Context::new(0);
        let found = fit(&x, &[], &context).unwrap();
        assert_eq!((found.len(), found.scores[0].1), (3, 0.0));
        let notes = context.notes.sorted();
        assert!(notes[0].message.contains("3 different rows"), "{notes:?}");
    }
}
