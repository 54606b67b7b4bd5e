//! Times one reduction, a search for neighbours, or the silhouette, over vectors in a `.npy` file, for `benches/peers`.
//!
//! ```text
//! reduce_timings METHOD IN.npy OUT.npy THREADS REPEATS [NAME=VALUE ...]    the points go to OUT.npy
//! reduce_timings neighbors IN.npy OUT.npy THREADS REPEATS K                row numbers go to OUT.npy as i32
//! reduce_timings silhouette IN.npy - THREADS REPEATS LABELS.npy            labels as i32, -1 for noise
//! ```
//! Prints one line of JSON: the seconds of each repeat, and the steps and scores of the last.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

use messier_engine::context::Context;
use messier_engine::neighbors::{Metric, knn_graph};
use messier_engine::{reduce, score};
use messier_query::signature::Args;
use ndarray::{Array2, ArrayView2};
use npyz::WriterBuilder;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Scores = Vec<(&'static str, f64)>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [task, input, output, threads, repeats, rest @ ..] = words.as_slice() else {
        return Err("METHOD IN.npy OUT.npy THREADS REPEATS [NAME=VALUE ...]".into());
    };
    let x = read(input)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..repeats.parse()? {
        let context = Context::new(42);
        let (spent, scores) = match task.as_str() {
            "neighbors" => neighbors(x.view(), output, rest, &pool, &context)?,
            "silhouette" => silhouette(x.view(), rest, &pool, &context)?,
            method => reduction(method, x.view(), output, rest, &pool, &context)?,
        };
        seconds.push(spent);
        last = Some((scores, context.progress.times()));
    }
    let (scores, steps) = last.ok_or("at least one repeat")?;
    let steps: Vec<_> = steps
        .iter()
        .map(|step| (step.name.clone(), step.seconds))
        .collect();
    println!(
        "{}",
        serde_json::json!({ "seconds": seconds, "steps": steps, "scores": scores })
    );
    Ok(())
}

fn reduction(
    method: &str,
    x: ArrayView2<'_, f32>,
    output: &str,
    words: &[String],
    pool: &rayon::ThreadPool,
    context: &Context,
) -> Result<(f64, Scores)> {
    let method = reduce::method(method)?;
    let mut args = Args::new();
    for word in words {
        let (name, value) = word.split_once('=').ok_or("NAME=VALUE")?;
        let param = method.signature().param(name).ok_or("no such parameter")?;
        args.insert(name.to_owned(), param.kind.read_word(value)?);
    }
    let began = Instant::now();
    let reduction = pool.install(|| method.fit(x, &args, context))?;
    let spent = began.elapsed().as_secs_f64();
    write(output, &reduction.points)?;
    Ok((spent, reduction.scores))
}

fn neighbors(
    x: ArrayView2<'_, f32>,
    output: &str,
    words: &[String],
    pool: &rayon::ThreadPool,
    context: &Context,
) -> Result<(f64, Scores)> {
    let k: usize = words.first().ok_or("K")?.parse()?;
    let began = Instant::now();
    let found = pool.install(|| knn_graph(x, k, Metric::Euclidean, context))?;
    let spent = began.elapsed().as_secs_f64();
    write(output, &found.neighbors.indices.mapv(|row| row as i32))?;
    let scores = found.recall.map(|recall| ("recall", recall.value));
    Ok((spent, scores.into_iter().collect()))
}

fn silhouette(
    x: ArrayView2<'_, f32>,
    words: &[String],
    pool: &rayon::ThreadPool,
    context: &Context,
) -> Result<(f64, Scores)> {
    let path = words.first().ok_or("LABELS.npy")?;
    let labels: Vec<i32> = npyz::NpyFile::new(BufReader::new(File::open(path)?))?.into_vec()?;
    let began = Instant::now();
    let found = pool.install(|| score::silhouettes(x, &labels, Metric::Euclidean, context))?;
    let spent = began.elapsed().as_secs_f64();
    let mean = found.mean.ok_or("no silhouette for these labels")?;
    Ok((spent, vec![("silhouette", mean)]))
}

fn write<T: npyz::AutoSerialize + Copy>(path: &str, points: &Array2<T>) -> Result<()> {
    let (n, k) = points.dim();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[n as u64, k as u64])
        .writer(BufWriter::new(File::create(path)?))
        .begin_nd()?;
    writer.extend(points.iter().copied())?;
    writer.finish()?;
    Ok(())
}

fn read(path: &str) -> Result<Array2<f32>> {
    let npy = npyz::NpyFile::new(BufReader::new(File::open(path)?))?;
    let shape: Vec<usize> = npy.shape().iter().map(|&side| side as usize).collect();
    let [n, d] = shape[..] else {
        return Err("the array has to have two dimensions".into());
    };
    Ok(Array2::from_shape_vec((n, d), npy.into_vec()?)?)
}
