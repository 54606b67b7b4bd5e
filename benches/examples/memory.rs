//! How much memory a method takes beside its rows: makes rows, runs one method on them, and prints the peak of the process.
//!
//! ```text
//! cargo run --release -p messier-benches --example memory -- kmeans 1000000 512 100 [ROUNDS]
//! cargo run --release -p messier-benches --example memory -- knn 1000000 512 15 [SECONDS]
//! ```
//! Rows lie in memory as one array; the peak is the process's `VmHWM`, and what is more than before the method began is the
//! method's own. Neighbours of a million rows take long: after so many seconds they are stopped, which is after nearly all that they
//! need was taken but the lists they return, and the size of those is added.

use std::error::Error;
use std::time::{Duration, Instant};

use messier_engine::cluster::kmeans::{Options, Start, kmeans};
use messier_engine::context::Context;
use messier_engine::neighbors::{Metric, knn};
use ndarray::Array2;

/// Rows of the clouds that the data is made of.
const CLOUDS: usize = 100;
/// Directions that the clouds spread in.
const SPREAD: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [task, n, d, k, rest @ ..] = args.as_slice() else {
        return Err("usage: memory kmeans|knn N D K [ROUNDS|SECONDS]".into());
    };
    let (n, d, k): (usize, usize, usize) = (n.parse()?, d.parse()?, k.parse()?);
    let more: Option<usize> = rest.first().map(|word| word.parse()).transpose()?;
    let x = rows(n, d);
    let before = peak()?;
    let context = Context::new(0);
    let began = Instant::now();
    let (own_later, what) = match task.as_str() {
        "kmeans" => {
            let options = Options {
                n_clusters: k,
                start: Start::KMeansPlusPlus,
                n_init: 1,
                max_iter: more.unwrap_or(4),
                tol: 0.0,
            };
            let found = kmeans(x.view(), &options, &context)?;
            (0, format!("{} rounds", found.iterations))
        }
        "knn" => {
            let stop = context.stop.clone();
            let seconds = more.unwrap_or(30) as u64;
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(seconds));
                stop.ask();
            });
            match knn(x.view(), k, Metric::Euclidean, &context) {
                Ok(_) => (0, "to the end".to_owned()),
                Err(_) => (8 * n * k, "stopped".to_owned()),
            }
        }
        other => return Err(format!("no task called {other}").into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    let own = peak()? - before + own_later;
    let data = 4 * n * d;
    println!(
        "{task} {n} x {d}, k = {k}, {what}, {seconds:.1} s: rows {:.2} GB, own {:.2} GB, all {:.2} GB",
        data as f64 / 1e9,
        own as f64 / 1e9,
        (before + own) as f64 / 1e9
    );
    Ok(())
}

/// A number from -0.5 to 0.5 for each place.
fn noise(at: u64) -> f32 {
    let mut x = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
}

/// Rows in clouds, made in place.
fn rows(n: usize, d: usize) -> Array2<f32> {
    let basis: Vec<f32> = (0..(CLOUDS + SPREAD) * d)
        .map(|at| noise(at as u64))
        .collect();
    let mut x = Array2::zeros((n, d));
    for (at, mut row) in x.rows_mut().into_iter().enumerate() {
        let cloud = noise(u64::MAX - at as u64).to_bits() as usize % CLOUDS;
        let along: [f32; SPREAD] =
            std::array::from_fn(|way| noise((at * SPREAD + way) as u64 | 1 << 40));
        for (j, value) in row.iter_mut().enumerate() {
            *value = basis[cloud * d + j] + 0.2 * noise((at * d + j) as u64 | 1 << 50);
            for (way, along) in along.iter().enumerate() {
                *value += along * basis[(CLOUDS + way) * d + j];
            }
        }
    }
    x
}

/// The most memory that the process has had, in bytes.
fn peak() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("/proc/self/status has no VmHWM: this example runs on Linux only")?;
    let kilobytes: usize = line
        .split_whitespace()
        .next()
        .ok_or("VmHWM is empty")?
        .parse()?;
    Ok(kilobytes * 1024)
}
