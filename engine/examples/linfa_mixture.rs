//! Times linfa's Gaussian mixture on raw f32 rows, so that the benches can say beside whom our own rounds stand.
//!
//! ```text
//! linfa_mixture ROWS.f32 N D K
//! ```
//! Rows are centred and scaled first, since linfa's densities are plain exponentials. Prints one line of JSON; labels
//! go to `ROWS.f32.labels` as little-endian i32.

use std::error::Error;
use std::time::Instant;

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::GaussianMixtureModel;
use ndarray::{Array2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

/// The deviation at which the log density of a row is 0 on average, whatever the number of dimensions.
const UNIT_DEVIATION: f64 = 0.241_970_724_519_143_37;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, n, d, k] = args.as_slice() else {
        return Err("usage: linfa_mixture ROWS.f32 N D K".into());
    };
    let (n, d, k): (usize, usize, usize) = (n.parse()?, d.parse()?, k.parse()?);
    let bytes = std::fs::read(path)?;
    let values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f64::from(f32::from_le_bytes(*b)))
        .collect();
    let mut rows = Array2::from_shape_vec((n, d), values)?;
    let began = Instant::now();
    let mean = rows.mean_axis(Axis(0)).ok_or("no rows")?;
    rows -= &mean;
    let square = rows.iter().map(|v| v * v).sum::<f64>() / rows.len() as f64;
    let scale = UNIT_DEVIATION / square.sqrt();
    rows *= scale;
    let data = DatasetBase::from(rows);
    let model = GaussianMixtureModel::params_with_rng(k, Xoshiro256Plus::seed_from_u64(0))
        .tolerance(1e-3)
        .reg_covariance(1e-6 * scale * scale)
        .fit(&data);
    let labels: Vec<usize> = match &model {
        Ok(model) => model.predict(data.records()).to_vec(),
        Err(_) => vec![0; n],
    };
    let seconds = began.elapsed().as_secs_f64();
    let problem = model.err().map(|problem| problem.to_string());
    println!(
        r#"{{"seconds": {seconds}, "problem": {}}}"#,
        serde_json::to_string(&problem)?
    );
    let labels: Vec<u8> = labels
        .iter()
        .flat_map(|&label| (label as i32).to_le_bytes())
        .collect();
    std::fs::write(format!("{path}.labels"), labels)?;
    Ok(())
}
