//! Encodes the pictures of a folder with one encoder and prints the seconds of the best round as JSON.
//!
//! `benches/peers/run.py` calls it in turn with onnxruntime: `encoder MODEL FOLDER ROUNDS OUT.f32`. Decoding is not timed. The threads are
//! rayon's, `RAYON_NUM_THREADS`.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use messier_engine::{decode, models};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, rounds, out] = words.as_slice() else {
        return Err("usage: encoder MODEL FOLDER ROUNDS OUT.f32".into());
    };
    let encoder = models::encoder(model)?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let pictures = files
        .iter()
        .map(|path| decode::pixels(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut best = f64::INFINITY;
    for _ in 0..rounds.parse::<usize>()?.max(1) {
        let began = Instant::now();
        let vectors = encoder.embed(&pictures)?;
        best = best.min(began.elapsed().as_secs_f64());
        let bytes: Vec<u8> = vectors
            .iter()
            .flatten()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        std::fs::write(out, bytes)?;
    }
    println!(r#"{{"seconds": {best}}}"#);
    Ok(())
}
