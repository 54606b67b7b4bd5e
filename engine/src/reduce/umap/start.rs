//! Where the points are before the first epoch: spectral, principal components, or random; scaled to a box of side 10.

use ndarray::{Array2, ArrayView2, Axis};

use super::spectral;
use crate::context::Context;
use crate::error::Error;
use crate::graph::Graph;
use crate::random;
use crate::reduce::pca;

/// The side of the box.
const SIDE: f64 = 10.0;
/// The deviation of the noise that keeps equal rows apart.
const NOISE: f64 = 1e-4;

/// How to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The slowest waves of the neighbour graph.
    Spectral,
    /// Principal components of the data.
    Pca,
    /// Uniform in the box.
    Random,
}

impl Init {
    /// The words a parameter may have.
    pub const WORDS: &'static [&'static str] = &["spectral", "pca", "random"];

    /// The start called `word`.
    pub fn named(word: &str) -> Init {
        match word {
            "pca" => Init::Pca,
            "random" => Init::Random,
            _ => Init::Spectral,
        }
    }
}

/// The first positions, `n x dim`, each column from 0 to 10.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn positions(
    init: Init,
    graph: &Graph,
    x: ArrayView2<'_, f32>,
    dim: usize,
    context: &Context,
) -> Result<Array2<f32>, Error> {
    let n = graph.len();
    let seed = context.seed;
    let mut points = match init {
        // With so few rows there are not enough waves.
        Init::Spectral if n > dim + 1 => spectral::layout(graph, x, dim, context)?,
        Init::Pca => {
            let model = pca::Model::fit(x, dim, context)?;
            model.project(x, context)?.mapv(f64::from)
        }
        Init::Spectral | Init::Random => Array2::from_shape_fn((n, dim), |(i, j)| {
            2.0 * random::uniform(seed, 0x5374_6172, (i * dim + j) as u64) - 1.0
        }),
    };
    let largest = points.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let by = if largest > 0.0 { SIDE / largest } else { 0.0 };
    for ((i, j), value) in points.indexed_iter_mut() {
        *value = *value * by + NOISE * random::normal(seed, 0x4E6F_6973, (i * dim + j) as u64);
    }
    for mut column in points.axis_iter_mut(Axis(1)) {
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let by = if high > low { SIDE / (high - low) } else { 0.0 };
        column.mapv_inplace(|value| (value - low) * by);
    }
    Ok(points.mapv(|value| value as f32))
}
