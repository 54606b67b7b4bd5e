//! How time grows with the number of rows: runs methods at growing n on the same kind of data, prints a table with the
//! exponent of each, and draws the times on logarithmic axes.
//!
//! ```text
//! cargo run --release -p messier-benches --example growth -- docs/images/growth.svg [METHOD...]
//! ```
//! A method's series ends after the first run that takes longer than [`PATIENCE`]. The exponent is the slope of a line
//! through the logarithms of three sizes or more, from 20,000 rows on, where fixed costs no longer count.

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use messier_benches::mixture;
use messier_engine::context::Context;
use messier_engine::neighbors::{Metric, knn};
use messier_engine::{cluster, reduce};
use messier_query::signature::{Arg, Args};
use ndarray::ArrayView2;

const SIZES: [usize; 5] = [10_000, 20_000, 50_000, 100_000, 200_000];
const DIMS: usize = 512;
const PATIENCE: Duration = Duration::from_secs(12);
const METHODS: [&str; 8] = [
    "pca",
    "minibatch_kmeans",
    "kmeans",
    "bisecting_kmeans",
    "hdbscan",
    "umap",
    "tsne",
    "knn",
];

/// One method: its name, and rows with their seconds.
struct Series {
    name: String,
    times: Vec<(usize, f64)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let target = args.next().ok_or("usage: growth OUT.svg [METHOD...]")?;
    let mut wanted: Vec<String> = args.collect();
    if wanted.is_empty() {
        wanted = METHODS.iter().map(|&name| name.to_owned()).collect();
    }
    let mut all: Vec<Series> = wanted
        .into_iter()
        .map(|name| Series {
            name,
            times: Vec::new(),
        })
        .collect();
    let rows = mixture(SIZES[SIZES.len() - 1], DIMS, 100, 7);
    for n in SIZES {
        let x = rows.slice(ndarray::s![..n, ..]);
        for series in &mut all {
            let slow = series
                .times
                .last()
                .is_some_and(|&(_, seconds)| seconds > PATIENCE.as_secs_f64());
            if slow {
                continue;
            }
            let began = Instant::now();
            run(&series.name, x)?;
            let seconds = began.elapsed().as_secs_f64();
            eprintln!("{} {n}: {seconds:.3} s", series.name);
            series.times.push((n, seconds));
        }
        // Who does not want to wait for the largest has the others.
        std::fs::write(&target, drawing(&all))?;
    }
    println!("{}", table(&all));
    Ok(())
}

fn run(name: &str, x: ArrayView2<'_, f32>) -> Result<(), Box<dyn Error>> {
    let context = Context::new(0);
    if name == "knn" {
        knn(x, 15, Metric::Euclidean, &context)?;
    } else if let Ok(method) = reduce::method(name) {
        let components = if name == "pca" { 50 } else { 2 };
        let args = Args::from([("n_components".to_owned(), Arg::Int(components))]);
        method.fit(x, &args, &context)?;
    } else {
        let method = cluster::method(name)?;
        let mut args = Args::new();
        let params = method.signature().params;
        if params.iter().any(|param| param.name == "n_clusters") {
            args.insert("n_clusters".to_owned(), Arg::Int(100));
        }
        if params.iter().any(|param| param.name == "min_cluster_size") {
            args.insert("min_cluster_size".to_owned(), Arg::Int(10));
        }
        method.fit(x, &args, &context)?;
    }
    Ok(())
}

/// The slope of the least-squares line through the logarithms, from 20,000 rows on.
fn exponent(times: &[(usize, f64)]) -> Option<f64> {
    let points: Vec<(f64, f64)> = times
        .iter()
        .filter(|&&(n, _)| n >= 20_000)
        .map(|&(n, seconds)| ((n as f64).ln(), seconds.ln()))
        .collect();
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let over: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let under: f64 = points.iter().map(|(x, _)| (x - mx).powi(2)).sum();
    Some(over / under)
}

fn table(all: &[Series]) -> String {
    let mut out = String::from("| method |");
    for n in SIZES {
        let _ = write!(out, " {},000 |", n / 1000);
    }
    out.push_str(" exponent |\n|");
    out.push_str(&" --- |".repeat(SIZES.len() + 2));
    for series in all {
        let _ = write!(out, "\n| {} |", series.name);
        for n in SIZES {
            match series.times.iter().find(|&&(at, _)| at == n) {
                Some((_, seconds)) => {
                    let _ = write!(out, " {seconds:.2} s |");
                }
                None => out.push_str(" - |"),
            }
        }
        let slope = exponent(&series.times).map_or("-".to_owned(), |e| format!("{e:.2}"));
        let _ = write!(out, " {slope} |");
    }
    out
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const COLORS: [&str; 8] = [
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#000000",
];

/// The times on logarithmic axes, one line a method, named at its end.
fn drawing(all: &[Series]) -> String {
    let (left, right, top, bottom) = (60.0, 190.0, 20.0, 40.0);
    let across = |n: usize| {
        let share = (n as f64 / SIZES[0] as f64).ln() / (SIZES[4] as f64 / SIZES[0] as f64).ln();
        left + share * (WIDTH - left - right)
    };
    // From 10 ms to 1,000 s: five decades.
    let down = |seconds: f64| {
        let share = (seconds.max(0.01).log10() + 2.0) / 5.0;
        HEIGHT - bottom - share * (HEIGHT - top - bottom)
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (power, name) in (-2..=3).zip(["10 ms", "0.1 s", "1 s", "10 s", "100 s", "1,000 s"]) {
        let y = down(10_f64.powi(power));
        let _ = writeln!(
            out,
            "<path d=\"M{left} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444\">{name}</text>",
            WIDTH - right,
            left - 6.0,
            y + 4.0
        );
    }
    for n in SIZES {
        let x = across(n);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {top}V{:.1}\" stroke=\"#eee\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444\">{},000</text>",
            HEIGHT - bottom,
            HEIGHT - bottom + 18.0,
            n / 1000
        );
    }
    let mut names: Vec<(f64, f64, String, &str)> = Vec::new();
    for (series, color) in all.iter().zip(COLORS.iter().cycle()) {
        let points: Vec<String> = series
            .times
            .iter()
            .map(|&(n, seconds)| format!("{:.1},{:.1}", across(n), down(seconds)))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        if let Some(&(n, seconds)) = series.times.last() {
            let slope = exponent(&series.times).map_or(String::new(), |e| format!(" n^{e:.2}"));
            let name = format!("{}{slope}", series.name);
            if n == SIZES[SIZES.len() - 1] {
                names.push((down(seconds), across(n), name, color));
            } else {
                // A series that ends early has its name above its end, where its own line does not run.
                let _ = writeln!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{color}\">{name}</text>",
                    across(n),
                    down(seconds) - 8.0
                );
            }
        }
    }
    // The other names stand beside the ends of their lines, pushed apart where they would overlap.
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lowest = f64::NEG_INFINITY;
    for (y, x, name, color) in names {
        let y = y.max(lowest + 14.0);
        lowest = y;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{name}</text>",
            x + 6.0,
            y + 4.0
        );
    }
    out.push_str("</svg>\n");
    out
}
