//! Times one reduction over vectors in a `.npy` file, for `benches/peers/reduce.py`.
//!
//! `reduce_timings METHOD IN.npy OUT.npy THREADS REPEATS [NAME=VALUE ...]` prints one line of JSON: the seconds of each
//! repeat, the steps of the last and its scores; the points go to `OUT.npy`. `silhouette IN.npy LABELS.npy ...` likewise.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

use messier_engine::context::Context;
use messier_engine::reduce;
use messier_query::signature::Args;
use ndarray::Array2;
use npyz::WriterBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [method, input, output, threads, repeats, rest @ ..] = words.as_slice() else {
        return Err("METHOD IN.npy OUT.npy THREADS REPEATS [NAME=VALUE ...]".into());
    };
    let x = read(input)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;
    let method = reduce::method(method).ok_or("no such method")?;
    let mut args = Args::new();
    for word in rest {
        let (name, value) = word.split_once('=').ok_or("NAME=VALUE")?;
        let param = method.signature().param(name).ok_or("no such parameter")?;
        args.insert(name.to_owned(), param.kind.read_word(value)?);
    }
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..repeats.parse()? {
        let context = Context::new(42);
        let began = Instant::now();
        let reduction = pool.install(|| method.fit(x.view(), &args, &context))?;
        seconds.push(began.elapsed().as_secs_f64());
        last = Some((reduction, context));
    }
    let (reduction, context) = last.ok_or("at least one repeat")?;
    let (n, k) = reduction.points.dim();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[n as u64, k as u64])
        .writer(BufWriter::new(File::create(output)?))
        .begin_nd()?;
    writer.extend(reduction.points.iter().copied())?;
    writer.finish()?;
    let steps: Vec<_> = context
        .progress
        .times()
        .iter()
        .map(|t| (t.name.clone(), t.seconds))
        .collect();
    let scores: Vec<_> = reduction.scores;
    println!(
        "{}",
        serde_json::json!({ "seconds": seconds, "steps": steps, "scores": scores })
    );
    Ok(())
}

fn read(path: &str) -> Result<Array2<f32>, Box<dyn Error>> {
    let npy = npyz::NpyFile::new(BufReader::new(File::open(path)?))?;
    let shape: Vec<usize> = npy.shape().iter().map(|&side| side as usize).collect();
    let [n, d] = shape[..] else {
        return Err("the array has to have two dimensions".into());
    };
    Ok(Array2::from_shape_vec((n, d), npy.into_vec()?)?)
}
