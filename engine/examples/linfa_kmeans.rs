//! Times linfa's k-means on raw f32 rows, so that the benches can say beside whom our portable path stands.
//!
//! ```text
//! linfa_kmeans ROWS.f32 N D K ROUNDS     the first K rows are the start
//! ```
//! Prints one line of JSON; labels go to `ROWS.f32.labels` as little-endian i32.

use std::error::Error;
use std::time::Instant;

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array2, s};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, n, d, k, rounds] = args.as_slice() else {
        return Err("usage: linfa_kmeans ROWS.f32 N D K ROUNDS".into());
    };
    let (n, d, k): (usize, usize, usize) = (n.parse()?, d.parse()?, k.parse()?);
    let bytes = std::fs::read(path)?;
    let values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let rows = Array2::from_shape_vec((n, d), values)?;
    let start = rows.slice(s![..k, ..]).to_owned();
    let data = DatasetBase::from(rows);
    let began = Instant::now();
    let model = KMeans::params(k)
        .init_method(KMeansInit::Precomputed(start))
        .n_runs(1)
        .max_n_iterations(rounds.parse()?)
        .tolerance(f32::MIN_POSITIVE)
        .fit(&data)?;
    let labels: Vec<usize> = model.predict(data.records()).to_vec();
    let seconds = began.elapsed().as_secs_f64();
    // linfa's inertia is that of the mean row.
    let inertia = f64::from(model.inertia()) * n as f64;
    println!(r#"{{"seconds": {seconds}, "inertia": {inertia}}}"#);
    let labels: Vec<u8> = labels
        .iter()
        .flat_map(|&label| (label as i32).to_le_bytes())
        .collect();
    std::fs::write(format!("{path}.labels"), labels)?;
    Ok(())
}
