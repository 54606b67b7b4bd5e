//! Mean shift, affinity propagation, spectral clustering, Gaussian mixtures, mini-batch and bisecting k-means give
//! scikit-learn's results on small fixed arrays (`fixtures/clustering/make_means.py`).

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use messier_engine::cluster::gaussian_mixture::{Options, Shape, Start, mixture};
use messier_engine::cluster::{self, Clustering};
use messier_engine::context::Context;
use messier_query::signature::{Arg, Args};
use ndarray::Array2;
use serde_json::Value;

fn fixture(name: &str) -> BufReader<File> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/clustering")
        .join(name);
    BufReader::new(File::open(path).unwrap())
}

fn data(case: &Value) -> Array2<f32> {
    let name = format!("means_{}.npy", case["data"].as_str().unwrap());
    let array = npyz::NpyFile::new(fixture(&name)).unwrap();
    let shape: Vec<usize> = array.shape().iter().map(|n| *n as usize).collect();
    Array2::from_shape_vec((shape[0], shape[1]), array.into_vec().unwrap()).unwrap()
}

fn cases(method: &str) -> Vec<Value> {
    let all: Value = serde_json::from_reader(fixture("means.json")).unwrap();
    let cases = all[method].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap();
    values.iter().map(|x| x.as_f64().unwrap()).collect()
}

fn labels(case: &Value) -> Vec<i32> {
    numbers(&case["labels"]).iter().map(|x| *x as i32).collect()
}

fn fit(method: &str, case: &Value, seed: u64) -> (Clustering, Context) {
    let pairs = case["params"].as_object().unwrap().iter();
    let args: Args = pairs
        .map(|(name, value)| {
            let arg = match value {
                Value::Bool(b) => Arg::Bool(*b),
                Value::String(text) => Arg::Text(text.clone()),
                other => other
                    .as_i64()
                    .map_or_else(|| Arg::Float(other.as_f64().unwrap()), Arg::Int),
            };
            (name.clone(), arg)
        })
        .collect();
    let context = Context::new(seed);
    let method = cluster::method(method).unwrap();
    let found = method.fit(data(case).view(), &args, &context).unwrap();
    (found, context)
}

/// The same groups, whatever their numbers, and the same noise.
fn assert_same_groups(found: &[i32], expected: &[i32], what: &str) {
    assert_eq!(found.len(), expected.len());
    let mut there = HashMap::from([(-1, -1)]);
    let mut back = HashMap::from([(-1, -1)]);
    for (row, (&a, &b)) in found.iter().zip(expected).enumerate() {
        assert_eq!(*there.entry(a).or_insert(b), b, "{what}: row {row}");
        assert_eq!(*back.entry(b).or_insert(a), a, "{what}: row {row}");
    }
}

#[test]
fn mean_shift_finds_the_reference_peaks() {
    for case in cases("mean_shift") {
        let (found, _) = fit("mean_shift", &case, 0);
        let what = format!("{} {}", case["data"], case["params"]);
        assert_same_groups(&found.labels, &labels(&case), &what);
        let centers = found.centers.unwrap();
        let expected: Vec<Vec<f64>> = case["centers"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        for center in centers.rows() {
            let nearest = expected
                .iter()
                .map(|other| {
                    let gaps = center.iter().zip(other);
                    gaps.map(|(a, b)| (f64::from(*a) - b).abs())
                        .fold(0.0, f64::max)
                })
                .fold(f64::INFINITY, f64::min);
            assert!(nearest < 1e-3, "{what}: {center} is {nearest} away");
        }
    }
}

#[test]
fn affinity_propagation_chooses_the_reference_rows() {
    for case in cases("affinity_propagation") {
        let (found, context) = fit("affinity_propagation", &case, 0);
        let what = format!("{} {}", case["data"], case["params"]);
        assert_same_groups(&found.labels, &labels(&case), &what);
        let x = data(&case);
        let centers = found.centers.unwrap();
        for row in numbers(&case["exemplars"]) {
            let row = x.row(row as usize);
            assert!(centers.rows().into_iter().any(|c| c == row), "{what}");
        }
        assert!(context.notes.sorted().is_empty(), "{what}");
    }
}

#[test]
fn spectral_clustering_finds_the_reference_groups() {
    for case in cases("spectral") {
        for seed in 0..3 {
            let (found, _) = fit("spectral", &case, seed);
            let what = format!("{} {}", case["data"], case["params"]);
            assert_same_groups(&found.labels, &labels(&case), &what);
        }
    }
}

#[test]
fn mixtures_take_the_reference_rounds_to_the_reference_likelihood() {
    for case in cases("gaussian_mixture") {
        let params = &case["params"];
        let number = |name: &str, default: f64| params[name].as_f64().unwrap_or(default);
        let options = Options {
            n_components: number("n_components", 1.0) as usize,
            shape: Shape::named(params["covariance_type"].as_str().unwrap()),
            start: Start::Labels(numbers(&case["start"]).iter().map(|x| *x as u32).collect()),
            tol: number("tol", 1e-3),
            reg_covar: number("reg_covar", 1e-6),
            max_iter: number("max_iter", 100.0) as usize,
            n_init: 1,
        };
        let found = mixture(data(&case).view(), &options, &Context::new(0)).unwrap();
        let what = format!("{} {params}", case["data"]);
        assert_eq!(
            found.iterations as f64,
            case["iterations"].as_f64().unwrap(),
            "{what}"
        );
        for (name, value, tolerance) in [
            ("log_likelihood", found.log_likelihood, 1e-3),
            ("lower_bound", found.lower_bound, 1e-3),
            ("aic", found.aic, 2e-3 * found.labels.len() as f64),
            ("bic", found.bic, 2e-3 * found.labels.len() as f64),
        ] {
            let expected = case[name].as_f64().unwrap();
            assert!(
                (value - expected).abs() < tolerance,
                "{what}: {name} {value} {expected}"
            );
        }
        let found_labels: Vec<i32> = found
            .labels
            .iter()
            .map(|label| label.cast_signed())
            .collect();
        assert_eq!(found_labels, labels(&case), "{what}");
        for (a, b) in found
            .probabilities
            .iter()
            .zip(numbers(&case["probabilities"]))
        {
            assert!((f64::from(*a) - b).abs() < 2e-3, "{what}: {a} {b}");
        }
        for (a, b) in found.weights.iter().zip(numbers(&case["weights"])) {
            assert!((a - b).abs() < 1e-4, "{what}: {a} {b}");
        }
        let means = case["means"].as_array().unwrap().iter().flat_map(numbers);
        for (a, b) in found.means.iter().zip(means) {
            assert!((f64::from(*a) - b).abs() < 1e-3, "{what}: {a} {b}");
        }
    }
}

/// The median over seeds is at most 2 % above the reference's median.
fn assert_inertia(method: &str) {
    for case in cases(method) {
        let mut found: Vec<f64> = (0..15)
            .map(|seed| {
                let (found, _) = fit(method, &case, seed);
                found
                    .scores
                    .iter()
                    .find(|(name, _)| *name == "inertia")
                    .unwrap()
                    .1
            })
            .collect();
        found.sort_by(f64::total_cmp);
        let expected = case["inertia"].as_f64().unwrap();
        assert!(
            found[7] <= 1.02 * expected,
            "{method} {} {}: {} against {expected}",
            case["data"],
            case["params"],
            found[7]
        );
    }
}

#[test]
fn mini_batches_reach_the_reference_inertia() {
    assert_inertia("minibatch_kmeans");
}

#[test]
fn bisections_reach_the_reference_inertia() {
    assert_inertia("bisecting_kmeans");
}
