//! Reductions: each method is one file and one line in [`METHODS`].

mod covariance;
pub(crate) mod eigen;
pub mod pca;
pub mod tsne;
pub mod umap;

use messier_query::signature::{Args, Signature};
use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Error;

/// Every reduction method, in the order help lists them.
pub static METHODS: &[&dyn Reducer] = &[&pca::Pca, &umap::Umap, &tsne::Tsne];

/// A reduction method.
pub trait Reducer: Sync {
    /// Name, summary, parameters.
    fn signature(&self) -> &'static Signature;

    /// Places the rows of `x` (`n x d`, finite, `n >= 1`) in fewer dimensions.
    ///
    /// # Errors
    /// A bad argument, fewer rows than the method needs, or [`Error::Cancelled`].
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Reduction, Error>;
}

/// What a reduction gives back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// `n x n_components` points, in row order.
    pub points: Array2<f32>,
    /// What the method itself measured: `("explained_variance", 0.83)`, `("loss", 1.2)`.
    pub scores: Vec<(&'static str, f64)>,
    /// Every parameter the method used, defaults too, for the record.
    pub params: Args,
}

/// The method called `name`; `-` and `_` are the same.
pub fn method(name: &str) -> Option<&'static dyn Reducer> {
    let name = name.replace('-', "_");
    METHODS
        .iter()
        .copied()
        .find(|method| method.signature().name == name)
}
