//! OPTICS as scikit-learn defines it: an order of the rows in which dense regions are valleys, and clusters from it.
//!
//! One order holds the clusters of every radius; two ways lead from it to one clustering: valleys with steep slopes
//! (xi), or what DBSCAN would find at one radius.

mod ahead;
mod by_boxes;
mod order;
mod xi;

use messier_query::params;
use messier_query::signature::{Args, BadArgument, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;

use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::linalg::isa;
use crate::neighbors::{Known, Metric, Need, Points};
use order::Density;
pub use order::Graph;
use xi::Steepness;

params! {
    /// What OPTICS needs to know.
    pub struct Params {
        /// How many rows, the row itself counted, a dense neighbourhood holds.
        min_samples: usize = Default::Int(5), Kind::Int { lo: 2, hi: 4_294_967_295 }, unit "rows";
        /// How far apart two rows may be to count as neighbours at all. None sets no limit and finds clusters at every scale.
        max_eps: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 0.0, hi: f64::MAX });
        /// How far apart two rows are: the straight line, or one minus the cosine of the angle.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// How clusters are taken from the order: valleys with steep slopes (xi), or the clusters of one radius (dbscan).
        cluster_method: String = Default::Text("xi"), Kind::Choice(&["xi", "dbscan"]);
        /// The radius for dbscan. None takes max_eps.
        eps: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 0.0, hi: f64::MAX });
        /// The share by which reachability must fall or rise from one row to the next to bound a cluster of xi.
        xi: f64 = Default::Float(0.05), Kind::Float { lo: 0.0, hi: 1.0 };
        /// Whether clusters of xi end before rows that were reached from outside them.
        predecessor_correction: bool = Default::Bool(true), Kind::Bool;
        /// The fewest rows of a cluster of xi; up to 1 it is a share of all rows. None takes min_samples.
        min_cluster_size: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 0.0, hi: 4_294_967_295.0 }), unit "rows";
    }
}

static SIGNATURE: Signature = Signature {
    name: "optics",
    summary: "Orders rows so that dense regions follow one another, and takes clusters of different density from the order.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="optics", features="embedding", min_samples=10, xi=0.03, run="o10")"#,
        shows: "Takes the valleys of reachability of `embedding` as clusters; what lies in none gets -1.",
    }],
    returns: Returns::Run,
};

/// OPTICS. Source: Ankerst, Breunig, Kriegel, Sander (1999); order and labels as scikit-learn's `OPTICS`.
#[derive(Debug)]
pub struct Optics;

impl Clusterer for Optics {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        self.fit_knowing(x, args, None, context)
    }

    fn takes_neighbors(&self) -> bool {
        true
    }

    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        known: Option<&Known>,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let wrong = |bad| arguments(SIGNATURE.name, bad);
        let params = Params::read(args).map_err(wrong)?;
        let bad = contradictions(&params);
        if !bad.is_empty() {
            return Err(wrong(bad));
        }
        let n = x.nrows();
        let metric = Metric::named(&params.metric);
        let need = Need {
            metric,
            rows: n,
            k: params.min_samples - 1,
            nearly: false,
        };
        let known = (params.min_samples <= n)
            .then(|| Known::meeting(known, need, context))
            .flatten()
            .map(|graph| graph.neighbors.distances.column(need.k - 1).to_vec());
        let graph = visits(
            x,
            known,
            params.min_samples,
            params.max_eps,
            metric,
            context,
        )?;
        let labels = if params.cluster_method == "dbscan" {
            let eps = params.eps.or(params.max_eps).unwrap_or(f64::INFINITY);
            labels_at(&graph, eps)
        } else {
            let least = min_cluster_size(&params, n);
            if least > n && n >= params.min_samples {
                context.notes.remark(format!(
                    "all {n} rows are noise: a cluster needs at least {least} rows"
                ));
            }
            labels_of_valleys(&graph, &params, least)
        };
        if n < params.min_samples {
            context.notes.remark(format!(
                "all {n} rows are noise: a dense neighbourhood needs {} rows (min_samples)",
                params.min_samples
            ));
        } else if params.cluster_method == "dbscan" && params.eps.or(params.max_eps).is_none() {
            context.notes.remark(
                "all rows are noise: cluster_method dbscan needs a radius; give eps or max_eps",
            );
        }
        let reached = graph.reachability.iter().filter(|r| r.is_finite());
        let mean = reached.clone().map(|&r| f64::from(r)).sum::<f64>()
            / reached.clone().count().max(1) as f64;
        Ok(Clustering {
            labels,
            scores: vec![("mean_reachability", mean)],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The order of visits of the rows of `x` (`n x d`, finite) and how each was reached. The same bits for any number of
/// threads. O(n² d) products, about O(n²) comparisons, O(n d) memory and half a gigabyte at most beside it; with up to 16
/// coordinates that tell rows apart a few searches of a kd-tree a row.
///
/// # Errors
/// A row that is not finite, more than `u32::MAX` rows, or [`Error::Cancelled`].
pub fn graph(
    x: ArrayView2<'_, f32>,
    min_samples: usize,
    max_eps: Option<f64>,
    metric: Metric,
    context: &Context,
) -> Result<Graph, Error> {
    visits(x, None, min_samples, max_eps, metric, context)
}

/// [`graph`] where the distance to each row's `min_samples`-th nearest may be known.
fn visits(
    x: ArrayView2<'_, f32>,
    known: Option<Vec<f32>>,
    min_samples: usize,
    max_eps: Option<f64>,
    metric: Metric,
    context: &Context,
) -> Result<Graph, Error> {
    let points = Points::new(x, metric)?;
    let isa = isa().for_dims(x.ncols());
    let density = Density {
        min_samples,
        max_eps: max_eps.unwrap_or(f64::INFINITY),
        known,
    };
    order::visit_all(isa, &points, metric, density, context)
}

fn contradictions(params: &Params) -> Vec<BadArgument> {
    let mut bad = Vec::new();
    if let (Some(eps), Some(most)) = (params.eps, params.max_eps)
        && params.cluster_method == "dbscan"
        && eps > most
    {
        bad.push(BadArgument {
            name: "eps".to_owned(),
            problem: format!("must be at most max_eps, {most}, not {eps}"),
        });
    }
    if let Some(size) = params.min_cluster_size
        && size > 1.0
        && (size.fract() != 0.0 || size < 2.0)
    {
        bad.push(BadArgument {
            name: "min_cluster_size".to_owned(),
            problem: format!("must be a share of at most 1 or a whole number of rows, not {size}"),
        });
    }
    bad
}

/// The fewest rows of a cluster, at least 2 where it is given as a share.
fn min_cluster_size(params: &Params, n: usize) -> usize {
    match params.min_cluster_size {
        None => params.min_samples,
        Some(share) if share <= 1.0 => ((share * n as f64) as usize).max(2),
        Some(rows) => rows as usize,
    }
}

/// Clusters of one radius, in linear time.
fn labels_at(graph: &Graph, eps: f64) -> Vec<i32> {
    let mut labels = vec![-1; graph.ordering.len()];
    let mut cluster = -1;
    for &row in &graph.ordering {
        let row = row as usize;
        let far = f64::from(graph.reachability[row]) > eps;
        let core = f64::from(graph.core_distances[row]) <= eps;
        if far && core {
            cluster += 1;
        }
        if !far || core {
            labels[row] = cluster;
        }
    }
    labels
}

fn labels_of_valleys(graph: &Graph, params: &Params, least: usize) -> Vec<i32> {
    let n = graph.ordering.len();
    let mut place = vec![0; n];
    for (at, &row) in graph.ordering.iter().enumerate() {
        place[row as usize] = at;
    }
    let rows = || graph.ordering.iter().map(|&row| row as usize);
    let reachability: Vec<f32> = rows().map(|row| graph.reachability[row]).collect();
    let from: Vec<Option<usize>> = rows()
        .map(|row| graph.predecessor[row].map(|from| place[from as usize]))
        .collect();
    let clusters = xi::valleys(
        &reachability,
        &from,
        Steepness {
            xi: params.xi,
            min_samples: params.min_samples,
            min_cluster_size: least,
            predecessor_correction: params.predecessor_correction,
        },
    );
    let by_place = xi::labels_by_place(n, &clusters);
    (0..n).map(|row| by_place[place[row]]).collect()
}

#[cfg(test)]
mod tests;
