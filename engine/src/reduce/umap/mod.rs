//! UMAP: neighbours, their fuzzy set, a spectral start, and a descent that is parallel and repeatable.
//!
//! Definitions and defaults are umap-learn's; the order of the descent is our own (see `layout`).

mod curve;
mod density;
mod forces;
mod fuzzy_set;
mod layout;
mod loss;
mod place;
mod spectral;
mod start;

use messier_query::params;
use messier_query::signature::{Args, BadArgument, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};

use super::{Known, Reducer, Reduction, Reference, neighbors_of};
use crate::context::Context;
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::finite::check_finite;
use crate::neighbors::{Metric, nearest_among};
use curve::Curve;
use density::Densities;
use fuzzy_set::Shape;
use start::Init;

/// Up to this many rows the default is the larger number of epochs.
const SMALL: usize = 10_000;
/// More epochs for densMAP, as umap-learn has it.
const DENSE: usize = 200;

params! {
    /// What UMAP needs to know.
    pub struct Params {
        /// How many neighbours describe the surroundings of a row, the row itself counted. Small shows detail, large shows the whole. It is cut to the number of rows.
        n_neighbors: usize = Default::Int(15), Kind::Int { lo: 2, hi: 10_000 }, unit "rows";
        /// How many dimensions to place the rows in.
        n_components: usize = Default::Int(2), Kind::Int { lo: 1, hi: 256 };
        /// How distances between rows are measured.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// How close together points may be put. Small packs clusters, large spreads them. At most `spread`.
        min_dist: f64 = Default::Float(0.1), Kind::Float { lo: 0.0, hi: 1000.0 };
        /// The scale of the map.
        spread: f64 = Default::Float(1.0), Kind::Float { lo: 0.001, hi: 1000.0 };
        /// Where the points begin: `spectral` from the neighbour graph, `pca` from the data, or `random`.
        init: String = Default::Text("spectral"), Kind::Choice(Init::WORDS);
        /// How many rounds to move the points. None means 500 up to 10,000 rows and 200 beyond, and 200 more for `densmap`.
        n_epochs: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 0, hi: 100_000 });
        /// The size of the first round's steps. It falls to 0 linearly.
        learning_rate: f64 = Default::Float(1.0), Kind::Float { lo: 1e-6, hi: 100.0 };
        /// How many nearest neighbours count as fully connected, fractions interpolated.
        local_connectivity: f64 = Default::Float(1.0), Kind::Float { lo: 0.0, hi: 10_000.0 };
        /// How neighbourhoods that disagree are joined: 1 keeps an edge that either end knows, 0 only those that both know.
        set_op_mix_ratio: f64 = Default::Float(1.0), Kind::Float { lo: 0.0, hi: 1.0 };
        /// How many points push a point away for each that pulls it.
        negative_sample_rate: usize = Default::Int(5), Kind::Int { lo: 0, hi: 1000 };
        /// How much a push weighs against a pull.
        repulsion_strength: f64 = Default::Float(1.0), Kind::Float { lo: 0.0, hi: 1000.0 };
        /// Whether dense places stay denser on the map than thin ones (densMAP). It takes longer; new rows are placed without it.
        densmap: bool = Default::Bool(false), Kind::Bool;
        /// How much densities weigh against neighbourhoods, for `densmap`. 0 leaves them out.
        dens_lambda: f64 = Default::Float(2.0), Kind::Float { lo: 0.0, hi: 1000.0 };
        /// The share of the rounds, at the end, in which densities count, for `densmap`.
        dens_frac: f64 = Default::Float(0.3), Kind::Float { lo: 0.0, hi: 1.0 };
        /// What is added to the variance of the map's densities, so that a small one divides nothing, for `densmap`.
        dens_var_shift: f64 = Default::Float(0.1), Kind::Float { lo: 0.0, hi: 1000.0 };
    }
}

static SIGNATURE: Signature = Signature {
    name: "umap",
    summary: "Draws a map on which neighbours stay neighbours.",
    params: Params::TABLE,
    examples: &[
        Example {
            query: r#"reduce(method="umap", features="embedding", run="map")"#,
            shows: "Draws a map in two dimensions.",
        },
        Example {
            query: r#"reduce(method="umap", features="embedding", n_components=10, n_neighbors=30, min_dist=0.0, run="u10")"#,
            shows: "Packs the vectors tightly in ten dimensions, to cluster there.",
        },
    ],
    returns: Returns::Run,
};

/// The method `umap`. `McInnes, Healy and Melville, 2018`; reference implementation umap-learn 0.5.
///
/// Unlike umap-learn, rows that are far from everything keep their edges, so that every row gets a place.
#[derive(Debug)]
pub struct Umap;

impl Reducer for Umap {
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
        let params = read(args)?;
        check_finite(x)?;
        let (n, dim) = (x.nrows(), params.n_components);
        let neighbours = params.n_neighbors.min(n);
        if neighbours < params.n_neighbors {
            context.notes.remark(format!(
                "`n_neighbors` is {}, more than {}; all of them are used",
                params.n_neighbors,
                counted(n, "row")
            ));
        }
        if n < 2 {
            let points = Array2::zeros((n, dim));
            return Ok(Reduction {
                points,
                scores: Vec::new(),
                model: None,
                params: params.record(),
            });
        }
        let metric = Metric::named(&params.metric);
        let (near, sureness) = neighbors_of(x, neighbours - 1, metric, known, context)?;
        let near = near.neighbors;
        let shape = Shape {
            n_neighbors: neighbours,
            local_connectivity: params.local_connectivity,
            set_op_mix_ratio: params.set_op_mix_ratio,
        };
        let step = context.step("connect neighbours", n as u64);
        let graph = fuzzy_set::fuzzy_set(near.indices.view(), near.distances.view(), shape, &step)?;
        drop(step);
        let default = if n <= SMALL { 500 } else { 200 } + if params.densmap { DENSE } else { 0 };
        let epochs = params.n_epochs.unwrap_or(default);
        // Edges too light for a single sample take no part; a very short run keeps those of a default one.
        let rounds = if epochs > 10 { epochs } else { default };
        let graph = graph.prune(graph.heaviest() / rounds as f32);
        let (indices, distances) = (near.indices.view(), near.distances.view());
        let radii = params
            .densmap
            .then(|| density::radii(&graph, indices, distances));
        drop(near);
        let points = start::positions(Init::named(&params.init), &graph, x, dim, context)?;
        let curve = Curve::fit(params.spread, params.min_dist);
        let descent = layout::Descent {
            curve,
            epochs,
            learning_rate: params.learning_rate,
            negative_sample_rate: params.negative_sample_rate,
            repulsion_strength: params.repulsion_strength,
        };
        let densities = radii.as_ref().map(|radii| {
            let weights = density::Weights {
                lambda: params.dens_lambda,
                share: params.dens_frac,
                shift: params.dens_var_shift,
            };
            Densities::new(radii, &graph, weights)
        });
        let (mut places, _) = points.into_raw_vec_and_offset();
        layout::descend(
            &mut places,
            dim,
            &graph,
            &descent,
            densities.as_ref(),
            context,
        )?;
        let loss = loss::cross_entropy(&places, dim, &graph, curve);
        let points = Array2::from_shape_vec((n, dim), places).map_err(|problem| {
            Error::Input(format!("the points do not form a table: {problem}"))
        })?;
        let mut scores = vec![("loss", loss), ("epochs", epochs as f64)];
        if let Some(radii) = radii {
            let correlation = density::correlation(&radii, &points, shape, context)?;
            scores.push(("density_correlation", correlation));
        }
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
        let params = read(args)?;
        check_finite(x)?;
        let n = reference.rows.nrows();
        let k = params.n_neighbors.min(n);
        let metric = Metric::named(&params.metric);
        let near = nearest_among(x, reference.rows, k, metric, context)?;
        let shape = Shape {
            n_neighbors: k,
            // A new row is no neighbour of its own, so one neighbour fewer is fully connected.
            local_connectivity: (params.local_connectivity - 1.0).max(0.0),
            set_op_mix_ratio: params.set_op_mix_ratio,
        };
        let few = if n <= SMALL { 100 } else { 30 };
        let moves = place::Moves {
            curve: Curve::fit(params.spread, params.min_dist),
            epochs: params.n_epochs.map_or(few, |epochs| epochs / 3),
            learning_rate: params.learning_rate / 4.0,
            negative_sample_rate: params.negative_sample_rate,
            repulsion_strength: params.repulsion_strength,
        };
        place::place(&near, &reference.points, shape, &moves, context)
    }
}

fn read(args: &Args) -> Result<Params, Error> {
    let wrong = |bad| arguments("umap", bad);
    let params = Params::read(args).map_err(wrong)?;
    if params.min_dist > params.spread {
        return Err(wrong(vec![BadArgument {
            name: "min_dist".to_owned(),
            problem: format!(
                "must be at most `spread` ({:?}), not {:?}",
                params.spread, params.min_dist
            ),
        }]));
    }
    Ok(params)
}

#[cfg(test)]
mod tests;
