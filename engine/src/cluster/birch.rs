//! Birch as scikit-learn defines it: rows are condensed to subclusters in one pass, and those are clustered.
//!
//! The tree takes rows in their order, one after another, so this part runs on one thread; the subclusters are merged by
//! Ward's linkage, and each row goes to the cluster of the nearest subcluster.

mod tree;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};

use super::nearest::Targets;
use super::{Clusterer, Clustering, agglomerative};
use crate::context::{Cancelled, Context};
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa};
use crate::neighbors::{Metric, Points};
use tree::Tree;

/// Rows between two looks at the stop.
const ROWS: usize = 64;

params! {
    /// What Birch needs to know.
    pub struct Params {
        /// The radius that a subcluster may have: the root of the mean squared distance to its centre. Smaller makes more subclusters.
        threshold: f64 = Default::Float(0.5), Kind::Float { lo: 0.0, hi: f64::MAX };
        /// How many subclusters a node of the tree may hold before it splits.
        branching_factor: usize = Default::Int(50), Kind::Int { lo: 2, hi: 1_000_000 }, unit "subclusters";
        /// How many clusters the subclusters are merged to, by Ward's linkage. None keeps the subclusters.
        n_clusters: Option<usize> = Default::Int(3), Kind::Optional(&Kind::Int { lo: 1, hi: 4_294_967_295 }), unit "clusters";
    }
}

static SIGNATURE: Signature = Signature {
    name: "birch",
    summary: "Condenses rows to small subclusters in one pass and merges those to a given number of clusters.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="birch", features="embedding", threshold=0.3, n_clusters=20, run="b20")"#,
        shows: "Condenses `embedding` to subclusters of radius 0.3 at most and merges them to 20 clusters.",
    }],
    returns: Returns::Run,
};

/// Birch. Source: Zhang, Ramakrishnan, Livny (1996); results as scikit-learn's `Birch`.
///
/// O(n `branching_factor` d log n) for the tree, then Ward's linkage on the subclusters. The centres given back are
/// the means of the clusters' rows.
#[derive(Debug)]
pub struct Birch;

impl Clusterer for Birch {
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
        let n = x.nrows();
        if let Some(count) = params.n_clusters
            && count > n
        {
            return Err(Error::Input(format!(
                "birch cannot make {count} clusters of {n} rows; n_clusters must be from 1 to the number of rows"
            )));
        }
        let points = Points::new(x, Metric::Euclidean)?;
        let isa = isa().for_dims(x.ncols());
        let centers = condense(isa, &points, &params, context)?;
        let subclusters = centers.len() / points.dims();
        let cluster_of: Vec<i32> = match params.n_clusters {
            Some(count) if count <= subclusters => {
                let centers = ArrayView2::from_shape((subclusters, points.dims()), &centers)
                    .map_err(|problem| Error::Input(problem.to_string()))?;
                agglomerative::ward_labels(centers, count, context)?
            }
            wanted => {
                if let Some(count) = wanted {
                    context.notes.remark(format!(
                        "birch found {}, fewer than the {count} clusters asked for; a threshold below {} makes more",
                        counted(subclusters, "subcluster"),
                        params.threshold
                    ));
                }
                (0..subclusters as i32).collect()
            }
        };
        let labels = assign(isa, &points, centers, &cluster_of, context)?;
        Ok(Clustering {
            centers: Some(means(&points, isa, x.ncols(), &labels)),
            labels,
            scores: vec![("subclusters", subclusters as f64)],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The centres of the subclusters in working units.
fn condense(
    isa: Isa,
    points: &Points<'_>,
    params: &Params,
    context: &Context,
) -> Result<Vec<f32>, Cancelled> {
    let n = points.len();
    let step = context.step("condense rows", n as u64);
    let most = params.threshold * params.threshold / points.squared_from_working(1.0);
    let mut tree = Tree::new(points.dims(), most.min(f64::MAX), params.branching_factor);
    let mut row = vec![0.0; points.dims()];
    for first in (0..n).step_by(ROWS) {
        let last = (first + ROWS).min(n);
        step.tick((last - first) as u64)?;
        for at in first..last {
            points.working_row(isa, at, &mut row);
            tree.insert(&row);
        }
    }
    Ok(tree.centers())
}

/// The cluster of the nearest subcluster of each row.
fn assign(
    isa: Isa,
    points: &Points<'_>,
    centers: Vec<f32>,
    cluster_of: &[i32],
    context: &Context,
) -> Result<Vec<i32>, Cancelled> {
    let n = points.len();
    if cluster_of.is_empty() {
        return Ok(Vec::new());
    }
    let step = context.step("assign", n as u64);
    let targets = Targets::new(isa, centers, points.dims());
    let found = targets.nearest(points, &points.measure(isa), n, |at| at, &step)?;
    Ok(found
        .iter()
        .map(|found| cluster_of[found.center as usize])
        .collect())
}

/// The mean of the rows of each cluster, in the units of the data.
fn means(points: &Points<'_>, isa: Isa, columns: usize, labels: &[i32]) -> Array2<f32> {
    let dims = points.dims();
    let count = labels.iter().max().map_or(0, |&last| last as usize + 1);
    let mut sums = vec![0.0_f64; count * dims];
    let mut sizes = vec![0.0_f64; count];
    for (row, &label) in labels.iter().enumerate() {
        let cluster = label as usize;
        points.add_working_row(
            isa,
            row,
            1.0,
            &mut sums[cluster * dims..(cluster + 1) * dims],
        );
        sizes[cluster] += 1.0;
    }
    // A cluster without rows keeps zeros; it is dropped when clusters are numbered.
    let means: Vec<f32> = sums
        .iter()
        .zip((0..count * dims).map(|at| sizes[at / dims].max(1.0)))
        .map(|(sum, size)| (sum / size) as f32)
        .collect();
    points.in_data_units(&means, columns)
}
