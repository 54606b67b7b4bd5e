//! HDBSCAN as scikit-learn defines it, exact unless it is asked not to be.
//!
//! Core distances from neighbours, the minimum spanning tree of mutual reachability, the tree of single linkage,
//! condensed to clusters of a least size, of which the most stable (or the leaves) are kept. Everything is iterative;
//! deep trees do not touch the stack. `min_samples` counts the row itself.

mod condense;
mod edges;
mod linkage;
mod lists;
mod select;
mod spanning;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;

use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa};
use crate::neighbors::{Known, Metric, Need, Points, squared_for};
use condense::Condensed;
use select::Choice;
use spanning::Near;

params! {
    /// What HDBSCAN needs to know.
    pub struct Params {
        /// The fewest rows that make a cluster; smaller groups are noise or part of a larger cluster.
        min_cluster_size: usize = Default::Int(5), Kind::Int { lo: 2, hi: i64::MAX }, unit "rows";
        /// How many rows, the row itself counted, must lie within a row's core distance: larger calls more rows noise. None takes min_cluster_size.
        min_samples: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: i64::MAX }), unit "rows";
        /// Clusters that split below this distance stay together.
        cluster_selection_epsilon: f64 = Default::Float(0.0), Kind::Float { lo: 0.0, hi: f64::MAX };
        /// The most rows a cluster may have; larger ones are split. Only with eom. None sets no limit.
        max_cluster_size: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 2, hi: i64::MAX }), unit "rows";
        /// How far apart two rows are: the straight line, or one minus the cosine of the angle.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// Divides distances before core distances are compared with them (robust single linkage).
        alpha: f64 = Default::Float(1.0), Kind::Float { lo: 1e-6, hi: 1e6 };
        /// Which clusters of the tree are kept: the most persistent (excess of mass), or the finest.
        cluster_selection_method: String = Default::Text("eom"), Kind::Choice(&["eom", "leaf"]);
        /// Whether all pairs of rows are compared, or, of many rows, only those that lie near each other: faster, and nearly the same clusters.
        neighbors: String = Default::Text("exact"), Kind::Choice(&["exact", "approximate"]);
        /// Whether one cluster of everything may be the answer.
        allow_single_cluster: bool = Default::Bool(false), Kind::Bool;
    }
}

static SIGNATURE: Signature = Signature {
    name: "hdbscan",
    summary: "Groups rows where they lie dense, at whatever density, and calls the rest noise.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="hdbscan", features="embedding", min_cluster_size=10, run="h10")"#,
        shows: "Makes clusters of at least 10 vectors of `embedding`; what fits none gets -1.",
    }],
    returns: Returns::Run,
};

/// HDBSCAN. Source: Campello, Moulavi, Sander (2013, 2015); results as scikit-learn's `HDBSCAN`.
#[derive(Debug)]
pub struct Hdbscan;

/// The one [`Hdbscan`].
pub static HDBSCAN: Hdbscan = Hdbscan;

impl Clusterer for Hdbscan {
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
        let params = Params::read(args).map_err(|bad| arguments(SIGNATURE.name, bad))?;
        let isa = isa().for_dims(x.ncols());
        fit_on(isa, x, &params, known, context).map(Clustering::by_size)
    }
}

fn fit_on(
    isa: Isa,
    x: ArrayView2<'_, f32>,
    params: &Params,
    known: Option<&Known>,
    context: &Context,
) -> Result<Clustering, Error> {
    let metric = Metric::named(&params.metric);
    let points = Points::new(x, metric)?;
    let n = points.len();
    let mut min_samples = params.min_samples.unwrap_or(params.min_cluster_size);
    if n < params.min_cluster_size {
        context.notes.remark(format!(
            "{} and so noise only: a cluster needs at least {}",
            counted(n, "row"),
            counted(params.min_cluster_size, "row")
        ));
    } else if n < min_samples {
        context.notes.remark(format!(
            "min_samples is {min_samples}, more than {}; {n} was used",
            counted(n, "row")
        ));
    }
    min_samples = min_samples.min(n.max(1));
    let nearly = params.neighbors == "approximate";
    let need = Need {
        metric,
        rows: n,
        k: (min_samples - 1).max(1),
        nearly,
    };
    let near = match Known::meeting(known, need, context) {
        Some(graph) => Near::Known(graph),
        None if nearly => Near::Nearly,
        None => Near::Exact,
    };
    let (edges, recall) = spanning::tree(isa, &points, near, min_samples, params.alpha, context)?;
    let step = context.step("cut the tree", 1);
    let condensed = Condensed::new(&linkage::single(n, &edges), n, params.min_cluster_size);
    step.tick(1)?;
    let chosen = select::select(
        &condensed,
        &Choice {
            leaves: params.cluster_selection_method == "leaf",
            epsilon: params.cluster_selection_epsilon,
            max_size: params.max_cluster_size.unwrap_or(usize::MAX),
            single: params.allow_single_cluster,
        },
    );
    Ok(Clustering {
        probabilities: Some(condensed.probabilities(&chosen)),
        outlier_scores: Some(condensed.outlier_scores()),
        persistence: Some(condensed.persistence(&chosen)),
        labels: chosen.labels,
        scores: recall.map_or(Vec::new(), |recall| {
            vec![
                ("neighbors_recall", recall.value),
                ("neighbors_recall_rows", recall.rows as f64),
            ]
        }),
        params: params.record(),
        ..Clustering::default()
    })
}

/// The edges of the tree of single linkage under the rows' own distances: `(distance, row, row)`, in no order.
pub(super) fn single_linkage(
    isa: Isa,
    points: &Points<'_>,
    context: &Context,
) -> Result<Vec<(f32, u32, u32)>, Error> {
    let (edges, _) = spanning::tree(isa, points, Near::Exact, 1, 1.0, context)?;
    Ok(edges.iter().map(|e| (e.weight, e.a, e.b)).collect())
}

/// For each of `count` groups (`of` has each row's) the least mutual reachability between one of its rows and one of
/// another group, where `core` has the rows' core distances; in the metric's units, infinite for a single group.
pub(crate) fn reach_of_others(
    points: &Points<'_>,
    metric: Metric,
    core: &[f64],
    of: &[u32],
    count: usize,
    context: &Context,
) -> Result<Vec<f64>, Error> {
    let squared = |&core: &f64| squared_for(points, metric, core).min(f64::from(f32::MAX)) as f32;
    let isa = isa().for_dims(points.dims());
    let core = core.iter().map(squared).collect();
    let edges = spanning::out_of_each(isa, points, core, of, count, context)?;
    let mut least = vec![f64::INFINITY; count];
    for edge in edges {
        let reach = f64::from(points.distance(edge.weight));
        for row in [edge.a, edge.b] {
            let group = of[row as usize] as usize;
            least[group] = least[group].min(reach);
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests;
