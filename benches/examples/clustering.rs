//! Runs one clustering task on raw f32 rows and prints one line of JSON: `benches/peers/clustering.py` calls it.
//!
//! ```text
//! clustering kmeans ROWS.f32 N D K ROUNDS     the first K rows are the start
//! clustering kmeans++ ROWS.f32 N D K ROUNDS   greedy start
//! clustering hdbscan ROWS.f32 N D MIN_CLUSTER_SIZE [exact|approximate]   which neighbours, exact if not said
//! clustering knn ROWS.f32 N D K
//! clustering fit ROWS.f32 N D METHOD [NAME=VALUE ...]   any method by its name
//! clustering mixture ROWS.f32 N D K SHAPE  a Gaussian mixture from the components in ROWS.f32.start, as little-endian i32
//! ```
//! `seed=N` after any of them is another seed than 0.
//! Labels, or the neighbours row after row, go to `ROWS.f32.labels` as little-endian i32. Times are wall seconds without reading the file.

use std::error::Error;
use std::time::Instant;

use messier_engine::cluster::kmeans::{Options, Start, kmeans};
use messier_engine::cluster::{self, Clusterer, gaussian_mixture, hdbscan};
use messier_engine::context::Context;
use messier_engine::neighbors::{Metric, knn};
use messier_query::signature::{Arg, Args};
use ndarray::{Array2, s};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [task, path, n, d, k, rest @ ..] = args.as_slice() else {
        return Err("usage: clustering TASK ROWS.f32 N D K [ROUNDS]".into());
    };
    let (n, d): (usize, usize) = (n.parse()?, d.parse()?);
    let method = cluster::method(k);
    let k: usize = if task == "fit" { 0 } else { k.parse()? };
    let bytes = std::fs::read(path)?;
    let values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let x = Array2::from_shape_vec((n, d), values)?;
    let mut context = Context::new(0);
    let mut words = Vec::new();
    for word in rest {
        match word.strip_prefix("seed=") {
            Some(seed) => context = Context::new(seed.parse()?),
            None => words.push(word.as_str()),
        }
    }
    let rest = words;
    let start = if task == "mixture" {
        std::fs::read(format!("{path}.start"))?
    } else {
        Vec::new()
    };
    let began = Instant::now();
    let (labels, more) = match task.as_str() {
        "kmeans" | "kmeans++" => {
            let start = if task == "kmeans" {
                Start::Centers(x.slice(s![..k, ..]).to_owned())
            } else {
                Start::KMeansPlusPlus
            };
            let max_iter = rest.first().map_or(Ok(300), |rounds| rounds.parse())?;
            let options = Options {
                n_clusters: k,
                start,
                n_init: 1,
                max_iter,
                tol: 0.0,
            };
            let found = kmeans(x.view(), &options, &context)?;
            let more = format!(
                r#""inertia": {}, "iterations": {}"#,
                found.inertia, found.iterations
            );
            (
                found
                    .labels
                    .iter()
                    .map(|label| label.cast_signed())
                    .collect(),
                more,
            )
        }
        "hdbscan" => {
            let size = Arg::Int(i64::try_from(k)?);
            let near = rest.first().copied().unwrap_or("exact");
            let args = Args::from([
                ("min_cluster_size".to_owned(), size),
                ("neighbors".to_owned(), Arg::Text(near.to_owned())),
            ]);
            let found = hdbscan::HDBSCAN.fit(x.view(), &args, &context)?;
            let mut more = format!(r#""clusters": {}"#, found.len());
            for (name, value) in &found.scores {
                more += &format!(r#", "{name}": {value}"#);
            }
            (found.labels, more)
        }
        "mixture" => {
            let labels = start.as_chunks::<4>().0.iter();
            let options = gaussian_mixture::Options {
                n_components: k,
                shape: gaussian_mixture::Shape::named(rest.first().copied().unwrap_or("full")),
                start: gaussian_mixture::Start::Labels(
                    labels.map(|b| u32::from_le_bytes(*b)).collect(),
                ),
                tol: 1e-3,
                reg_covar: 1e-6,
                max_iter: 100,
                n_init: 1,
            };
            let found = gaussian_mixture::mixture(x.view(), &options, &context)?;
            let more = format!(
                r#""log_likelihood": {}, "iterations": {}"#,
                found.log_likelihood, found.iterations
            );
            let labels = found.labels.iter();
            (labels.map(|label| label.cast_signed()).collect(), more)
        }
        "fit" => {
            let method = method?;
            let mut args = Args::new();
            for word in rest {
                let (name, value) = word.split_once('=').ok_or("NAME=VALUE")?;
                let param = method.signature().param(name).ok_or("no such parameter")?;
                args.insert(name.to_owned(), param.kind.read_word(value)?);
            }
            let found = method.fit(x.view(), &args, &context)?;
            let mut more = format!(r#""clusters": {}"#, found.len());
            for (name, value) in &found.scores {
                more += &format!(r#", "{name}": {value}"#);
            }
            (found.labels, more)
        }
        "knn" => {
            let found = knn(x.view(), k, Metric::Euclidean, &context)?;
            let nearest = found
                .indices
                .iter()
                .map(|index| index.cast_signed())
                .collect();
            (
                nearest,
                format!(
                    r#""mean_distance": {}"#,
                    found.distances.mean().unwrap_or(0.0)
                ),
            )
        }
        other => return Err(format!("no task called {other}").into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    let steps = context.progress.times();
    let steps: Vec<String> = steps
        .iter()
        .map(|step| format!(r#"["{}", {:.4}]"#, step.name, step.seconds))
        .collect();
    println!(
        r#"{{"seconds": {seconds}, {more}, "isa": "{}", "steps": [{}]}}"#,
        messier_engine::linalg::isa(),
        steps.join(", ")
    );
    let labels: Vec<u8> = labels
        .iter()
        .flat_map(|label: &i32| label.to_le_bytes())
        .collect();
    std::fs::write(format!("{path}.labels"), labels)?;
    Ok(())
}
