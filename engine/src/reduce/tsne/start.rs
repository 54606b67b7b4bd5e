//! Where the points begin: principal components or noise, so small that every pair still pulls and pushes linearly.

use ndarray::ArrayView2;

use crate::context::Context;
use crate::error::Error;
use crate::random;
use crate::reduce::pca;

/// The deviation of the first coordinate.
const DEVIATION: f64 = 1e-4;
/// The share of it that is noise, which keeps equal rows apart.
const NOISE: f64 = 0.01;

/// The first positions; `pca` for principal components, else normal noise.
///
/// # Errors
/// Those of PCA, and [`Error::Cancelled`].
pub fn positions<const D: usize>(
    x: ArrayView2<'_, f32>,
    pca: bool,
    context: &Context,
) -> Result<Vec<[f32; D]>, Error> {
    let n = x.nrows();
    let noise = |row: usize, axis: usize| {
        random::normal(context.seed, 0x7453_4E45, (row * D + axis) as u64)
    };
    let mut points = vec![[0.0; D]; n];
    let mut deviation = 0.0;
    if pca {
        let model = pca::Model::fit(x, D, context)?;
        let places = model.project(x, context)?;
        let first: Vec<f64> = places.column(0).iter().map(|&v| f64::from(v)).collect();
        let mean = first.iter().sum::<f64>() / n as f64;
        let squares: f64 = first.iter().map(|value| (value - mean).powi(2)).sum();
        deviation = (squares / n as f64).sqrt();
        if deviation > 0.0 {
            for (to, from) in points.iter_mut().zip(places.outer_iter()) {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = (f64::from(from) / deviation * DEVIATION) as f32;
                }
            }
        }
    }
    let share = if deviation > 0.0 { NOISE } else { 1.0 };
    for (row, point) in points.iter_mut().enumerate() {
        for (axis, value) in point.iter_mut().enumerate() {
            *value += (noise(row, axis) * DEVIATION * share) as f32;
        }
    }
    Ok(points)
}
