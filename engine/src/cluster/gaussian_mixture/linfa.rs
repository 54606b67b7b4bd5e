//! Another start: the groups of a mixture that linfa-clustering fits. Rounds that begin elsewhere may end elsewhere, so
//! this is a second opinion on what k-means suggests.
//!
//! linfa's densities are plain exponentials, so rows are scaled to bring typical densities near 1. Its rounds cannot be
//! interrupted: a stop is heard between starts.

use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use linfa_clustering::{GaussianMixtureModel, GmmError};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use super::Options;
use crate::error::Error;

/// The deviation at which the log density of a row is 0 on average, whatever the number of dimensions.
const UNIT_DEVIATION: f64 = 0.241_970_724_519_143_37;

/// The component of each row in a mixture of full covariances by linfa-clustering. One thread.
///
/// # Errors
/// A mixture that linfa cannot fit: one that does not settle, or a Gaussian that collapses.
pub(super) fn labels(
    x: ArrayView2<'_, f32>,
    options: &Options,
    seed: u64,
) -> Result<Vec<u32>, Error> {
    let (rows, scale) = prepare(x);
    let data = DatasetBase::from(rows);
    let rng = Xoshiro256Plus::seed_from_u64(seed);
    let model = GaussianMixtureModel::params_with_rng(options.n_components, rng)
        .tolerance(options.tol.max(f64::MIN_POSITIVE))
        .reg_covariance(options.reg_covar * scale * scale)
        .max_n_iterations(options.max_iter as u64)
        .check()
        .and_then(|valid| valid.fit(&data))
        .map_err(|problem| Error::Input(explain(&problem, options)))?;
    let labels = model.predict(data.records());
    Ok(labels.iter().map(|&label| label as u32).collect())
}

/// The rows centred and scaled so that a typical density is near 1, and the factor.
fn prepare(x: ArrayView2<'_, f32>) -> (Array2<f64>, f64) {
    let mut rows = x.mapv(f64::from);
    let mean = rows
        .mean_axis(Axis(0))
        .unwrap_or_else(|| Array1::zeros(x.ncols()));
    rows -= &mean;
    let square = rows.iter().map(|v| v * v).sum::<f64>() / rows.len().max(1) as f64;
    let scale = if square > 0.0 {
        UNIT_DEVIATION / square.sqrt()
    } else {
        1.0
    };
    rows *= scale;
    (rows, scale)
}

fn explain(problem: &GmmError, options: &Options) -> String {
    let why = match problem {
        GmmError::NotConverged(_) => {
            format!("it did not settle within {} rounds", options.max_iter)
        }
        GmmError::EmptyCluster(_) => "a Gaussian lost all its rows".to_owned(),
        GmmError::LinalgError(_) => "a Gaussian collapsed onto too few rows".to_owned(),
        other => other.to_string(),
    };
    format!(
        "linfa's mixture of {} Gaussians could not be a start: {why}; use init_params=\"kmeans\", or reduce the dimensions first",
        options.n_components
    )
}
