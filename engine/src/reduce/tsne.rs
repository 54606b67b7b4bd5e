//! t-SNE: neighbours weighted to a perplexity, pulled together along their graph, pushed apart by a field that is
//! summed on a mesh (in the plane) or over a tree.
//!
//! Defaults and rules are openTSNE's: gradient without the factor 4, learning rate n over the phase's exaggeration,
//! momentum 0.8 throughout, gains, steps of at most 5. Rounds are counted as scikit-learn counts them: `max_iter` is
//! all of them.

mod affinity;
mod convolution;
mod descent;
mod exact;
mod mesh;
mod place;
mod repulsion;
mod start;
mod transform;
mod tree;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};

use super::{Known, Reducer, Reduction, Reference, neighbors_of};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::finite::check_finite;
use crate::graph::Graph;
use crate::neighbors::{Metric, nearest_among};
use descent::{Phase, descend, divergence};
use repulsion::Repulsion;

/// Momentum of both phases.
const MOMENTUM: f32 = 0.8;
/// The most neighbours, smoothly, that a row counts on which is placed later; openTSNE's.
const NEW_PERPLEXITY: f64 = 5.0;

params! {
    /// What t-SNE needs to know.
    pub struct Params {
        /// How many dimensions to place the rows in.
        n_components: usize = Default::Int(2), Kind::Int { lo: 1, hi: 3 };
        /// How many neighbours a row counts on, smoothly. Small shows detail, large shows the whole. At most a third of the rows.
        perplexity: f64 = Default::Float(30.0), Kind::Float { lo: 1.0, hi: 10_000.0 }, unit "rows";
        /// How distances between rows are measured.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// Where the points begin: `pca` from the data, or `random`.
        init: String = Default::Text("pca"), Kind::Choice(&["pca", "random"]);
        /// How many rounds to move the points in all, those of the early exaggeration counted.
        max_iter: usize = Default::Int(1000), Kind::Int { lo: 0, hi: 100_000 };
        /// How many times stronger neighbours pull in the first rounds, so that clusters find together.
        early_exaggeration: f64 = Default::Float(12.0), Kind::Float { lo: 1.0, hi: 1000.0 };
        /// How many rounds are exaggerated.
        early_exaggeration_iter: usize = Default::Int(250), Kind::Int { lo: 0, hi: 100_000 };
        /// The size of the steps. None means the number of rows over the exaggeration of the phase.
        learning_rate: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 1e-6, hi: 1e9 });
        /// How coarsely far points push together when a tree sums them up: 0 is exact, 0.8 is fast. None means 0.5 in one and three dimensions, and a mesh instead of a tree in two.
        theta: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 0.0, hi: 1.0 });
    }
}

static SIGNATURE: Signature = Signature {
    name: "tsne",
    summary: "Draws a map that keeps small neighbourhoods together.",
    params: Params::TABLE,
    examples: &[
        Example {
            query: r#"reduce(method="tsne", features="embedding", run="map")"#,
            shows: "Draws a map in two dimensions.",
        },
        Example {
            query: r#"reduce(method="tsne", features="embedding", metric="cosine", perplexity=50, run="angles")"#,
            shows: "Compares the vectors by their angles and looks at larger neighbourhoods.",
        },
    ],
    returns: Returns::Run,
};

/// The method `tsne`. van der Maaten and Hinton, 2008; reference implementation openTSNE 1.0.
#[derive(Debug)]
pub struct Tsne;

impl Reducer for Tsne {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        known: Option<&Known>,
        context: &Context,
    ) -> Result<Reduction, Error> {
        let params = Params::read(args).map_err(|bad| arguments("tsne", bad))?;
        check_finite(x)?;
        let n = x.nrows();
        if n < 2 {
            return Ok(Reduction {
                points: Array2::zeros((n, params.n_components)),
                scores: Vec::new(),
                params: params.record(),
                model: None,
            });
        }
        let perplexity = affordable(&params, n, context);
        let near = ((3.0 * perplexity) as usize).clamp(1, n - 1);
        let metric = Metric::named(&params.metric);
        let (near, sureness) = neighbors_of(x, near, metric, known, context)?;
        let step = context.step("weigh neighbours", n as u64);
        let graph = affinity::joint(&near.neighbors, perplexity, &step)?;
        drop((step, near));
        let (points, divergence) = match params.n_components {
            1 => lay_out::<1>(x, &graph, &params, context)?,
            2 => lay_out::<2>(x, &graph, &params, context)?,
            _ => lay_out::<3>(x, &graph, &params, context)?,
        };
        let mut scores = vec![("kl_divergence", divergence), ("perplexity", perplexity)];
        scores.extend(sureness);
        Ok(Reduction {
            points,
            scores,
            params: params.record(),
            model: None,
        })
    }

    fn place(
        &self,
        x: ArrayView2<'_, f32>,
        reference: &Reference<'_>,
        args: &Args,
        context: &Context,
    ) -> Result<Array2<f32>, Error> {
        let params = Params::read(args).map_err(|bad| arguments("tsne", bad))?;
        check_finite(x)?;
        // A new row counts on few neighbours: what is far on a finished map would draw it into the void between.
        let n = reference.rows.nrows();
        let perplexity = params
            .perplexity
            .min(NEW_PERPLEXITY)
            .min((n as f64 / 3.0).max(1.0));
        let k = ((3.0 * perplexity) as usize).clamp(1, n.max(1));
        let metric = Metric::named(&params.metric);
        let near = nearest_among(x, reference.rows, k, metric, context)?;
        let theta = params.theta.unwrap_or(0.5) as f32;
        match params.n_components {
            1 => place::place::<1>(&near, &reference.points, perplexity, theta, context),
            2 => place::place::<2>(&near, &reference.points, perplexity, theta, context),
            _ => place::place::<3>(&near, &reference.points, perplexity, theta, context),
        }
    }
}

/// The perplexity that so many rows allow: at most a third of the other rows, as openTSNE has it.
fn affordable(params: &Params, n: usize, context: &Context) -> f64 {
    let most = ((n - 1) as f64 / 3.0).max(1.0);
    if params.perplexity <= most {
        return params.perplexity;
    }
    context.notes.remark(format!(
        "`perplexity` is {}, but {n} rows allow {most:.1} at most, which was used",
        params.perplexity
    ));
    most
}

/// Lays the rows out, and says how far the map's affinities are from the data's.
fn lay_out<const D: usize>(
    x: ArrayView2<'_, f32>,
    graph: &Graph,
    params: &Params,
    context: &Context,
) -> Result<(Array2<f32>, f64), Error> {
    let n = x.nrows();
    let mut points = start::positions::<D>(x, params.init == "pca", context)?;
    let mut repulsion = Repulsion::<D>::new(n, params.theta);
    let early = params.early_exaggeration_iter.min(params.max_iter);
    let phase = |rounds, exaggeration: f64| Phase {
        rounds,
        exaggeration: exaggeration as f32,
        learning_rate: params.learning_rate.unwrap_or(n as f64 / exaggeration) as f32,
        momentum: MOMENTUM,
    };
    let phases = [
        phase(early, params.early_exaggeration),
        phase(params.max_iter - early, 1.0),
    ];
    descend(&mut points, graph, &mut repulsion, &phases, context)?;
    let mut pushes = vec![[0.0; D]; n];
    let pairs = repulsion.pushes(&points, &mut pushes);
    let divergence = divergence(&points, graph, pairs);
    let points = Array2::from_shape_fn((n, D), |(row, axis)| points[row][axis]);
    Ok((points, divergence))
}

#[cfg(test)]
mod tests;
