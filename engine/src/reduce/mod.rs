//! Reductions: each method is one file and one line in [`METHODS`].

mod covariance;
pub(crate) mod eigen;
mod lines;
pub mod pca;
mod product;
mod project;
mod subspace;
pub mod tsne;
pub mod umap;
pub(crate) mod vectors;

use messier_query::signature::{Args, Signature};
use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Error;
use crate::neighbors::{KnnGraph, Known, Metric, Need, knn_graph};
use crate::registry;

/// Every reduction method, in the order help lists them.
pub static METHODS: &[&dyn Reducer] = &[&pca::Pca, &umap::Umap, &tsne::Tsne];

/// A reduction method.
pub trait Reducer: Sync {
    /// Name, summary, parameters.
    fn signature(&self) -> &'static Signature;

    /// Places the rows of `x` (`n x d`, finite, `n >= 1`) in fewer dimensions; neighbours that are `known` are not
    /// searched again.
    ///
    /// # Errors
    /// A bad argument, fewer rows than the method needs, or [`Error::Cancelled`].
    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        known: Option<&Known>,
        context: &Context,
    ) -> Result<Reduction, Error>;

    /// Places new rows `x` among rows that this method placed with `args`; those stay where they are, and new rows do not
    /// influence each other.
    ///
    /// # Errors
    /// A bad argument, numbers that are not finite, or [`Error::Cancelled`].
    fn place(
        &self,
        x: ArrayView2<'_, f32>,
        reference: &Reference<'_>,
        args: &Args,
        context: &Context,
    ) -> Result<Array2<f32>, Error>;

    /// [`Reducer::fit_knowing`] with nothing known.
    ///
    /// # Errors
    /// The same.
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Reduction, Error> {
        self.fit_knowing(x, args, None, context)
    }
}

/// What a method placed before.
#[derive(Debug)]
pub struct Reference<'a> {
    /// The rows, `n x d`, `n >= 1`.
    pub rows: ArrayView2<'a, f32>,
    /// Their points, in the same order.
    pub points: Array2<f32>,
    /// The components, where the method has them.
    pub model: Option<pca::Model>,
}

/// The `k` nearest of every row: those that are known where they fit, else searched; and the scores that say how sure
/// they are.
fn neighbors_of(
    x: ArrayView2<'_, f32>,
    k: usize,
    metric: Metric,
    known: Option<&Known>,
    context: &Context,
) -> Result<(KnnGraph, Scores), Error> {
    let k = k.min(x.nrows().saturating_sub(1));
    let need = Need {
        metric,
        rows: x.nrows(),
        k,
        nearly: true,
    };
    let graph = match Known::meeting(known, need, context) {
        Some(graph) => graph.first(k),
        None => knn_graph(x, k, metric, context)?,
    };
    let scores = match graph.recall {
        Some(recall) => vec![
            ("neighbors_recall", recall.value),
            ("neighbors_recall_rows", recall.rows as f64),
        ],
        None => Vec::new(),
    };
    Ok((graph, scores))
}

/// What a method itself measured, by name: `("explained_variance", 0.83)`, `("loss", 1.2)`.
pub type Scores = Vec<(&'static str, f64)>;

/// What a reduction gives back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// `n x n_components` points, in row order.
    pub points: Array2<f32>,
    /// What the method itself measured.
    pub scores: Scores,
    /// Every parameter the method used, defaults too, for the record.
    pub params: Args,
    /// The components, of a method that has them.
    pub model: Option<pca::Model>,
}

/// The method called `name`; `-` and `_` are the same.
///
/// # Errors
/// [`Error::Unknown`] with the nearest names, or all of them where none is near.
pub fn method(name: &str) -> Result<&'static dyn Reducer, Error> {
    registry::find_method("reduction method", name, METHODS, |method| {
        method.signature().name
    })
}
