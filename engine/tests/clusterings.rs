//! k-means and HDBSCAN give scikit-learn's results on small fixed arrays (`fixtures/clustering/make.py`).

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use messier_engine::cluster::kmeans::{Options, Start, kmeans};
use messier_engine::cluster::{Clusterer, hdbscan};
use messier_engine::context::Context;
use messier_query::signature::{Arg, Args};
use ndarray::{Array2, s};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/clustering")
        .join(name)
}

fn data(name: &str) -> Array2<f32> {
    let file = BufReader::new(File::open(fixture(&format!("{name}.npy"))).unwrap());
    let array = npyz::NpyFile::new(file).unwrap();
    let shape: Vec<usize> = array.shape().iter().map(|n| *n as usize).collect();
    Array2::from_shape_vec((shape[0], shape[1]), array.into_vec().unwrap()).unwrap()
}

fn expected() -> Value {
    serde_json::from_reader(BufReader::new(
        File::open(fixture("expected.json")).unwrap(),
    ))
    .unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn args(params: &Value) -> Args {
    let pairs = params.as_object().unwrap().iter().map(|(name, value)| {
        let arg = match value {
            Value::Bool(b) => Arg::Bool(*b),
            Value::String(text) => Arg::Text(text.clone()),
            Value::Number(n) => n
                .as_i64()
                .map_or_else(|| Arg::Float(n.as_f64().unwrap()), Arg::Int),
            other => panic!("{other}"),
        };
        (name.clone(), arg)
    });
    pairs.collect()
}

/// The adjusted Rand index (Hubert and Arabie 1985); noise counts as one group.
fn ari(a: &[i32], b: &[i32]) -> f64 {
    let pairs = |n: u64| (n * n.saturating_sub(1) / 2) as f64;
    let (mut both, mut left, mut right) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (x, y) in a.iter().zip(b) {
        *both.entry((x, y)).or_insert(0_u64) += 1;
        *left.entry(x).or_insert(0_u64) += 1;
        *right.entry(y).or_insert(0_u64) += 1;
    }
    let together: f64 = both.values().map(|n| pairs(*n)).sum();
    let (left, right): (f64, f64) = (
        left.values().map(|n| pairs(*n)).sum(),
        right.values().map(|n| pairs(*n)).sum(),
    );
    let chance = left * right / pairs(a.len() as u64);
    let most = (left + right) / 2.0;
    if most == chance {
        1.0
    } else {
        (together - chance) / (most - chance)
    }
}

#[test]
fn hdbscan_gives_the_reference_labels_probabilities_and_outlier_scores() {
    for case in expected()["hdbscan"].as_array().unwrap() {
        let name = format!("{} {}", case["data"], case["params"]);
        let x = data(case["data"].as_str().unwrap());
        let found = hdbscan::HDBSCAN
            .fit(x.view(), &args(&case["params"]), &Context::new(0))
            .unwrap();
        let labels: Vec<i32> = numbers(&case["labels"]).iter().map(|x| *x as i32).collect();
        let agreement = ari(&found.labels, &labels);
        if case["tied"].is_array() {
            // The reference's tree with joins of one distance taken as one split: labels no order of rows changes.
            let tied: Vec<i32> = numbers(&case["tied"]).iter().map(|x| *x as i32).collect();
            let agreement = ari(&found.labels, &tied);
            assert!(agreement > 0.9999, "{name}: ARI {agreement}");
        }
        // As near as the reference is to itself with its rows in another order: exactly, where it is sure.
        let itself = case["agreement"].as_f64().unwrap();
        if itself == 1.0 || !case["tied"].is_array() {
            assert!(
                agreement >= itself.min(0.9999),
                "{name}: ARI {agreement}, the reference with itself {itself}"
            );
        }
        close(
            &found.probabilities.unwrap(),
            &case["probabilities"],
            &format!("probability, {name}"),
        );
        if case["outlier_scores"].is_array() {
            close(
                &found.outlier_scores.unwrap(),
                &case["outlier_scores"],
                &format!("outlier score, {name}"),
            );
        }
    }
}

/// Compares with the reference where it did not depend on the order of rows in the orders tried; where trees are
/// several, some rows still differ.
fn close(found: &[f32], expected: &Value, name: &str) {
    let expected = expected.as_array().unwrap();
    let pairs: Vec<(f64, f64)> = found
        .iter()
        .zip(expected)
        .filter_map(|(found, expected)| Some((f64::from(*found), expected.as_f64()?)))
        .collect();
    let equal = pairs.iter().filter(|(a, b)| (a - b).abs() < 1e-4).count();
    assert!(
        equal * 100 >= pairs.len() * 95,
        "{name}: {equal} of {} rows",
        pairs.len()
    );
}

#[test]
fn k_means_takes_the_reference_rounds_to_the_reference_centres() {
    for case in expected()["kmeans"].as_array().unwrap() {
        let x = data(case["data"].as_str().unwrap());
        let k = case["n_clusters"].as_u64().unwrap() as usize;
        let options = Options {
            n_clusters: k,
            start: Start::Centers(x.slice(s![..k, ..]).to_owned()),
            n_init: 1,
            max_iter: case["max_iter"].as_u64().unwrap() as usize,
            tol: case["tol"].as_f64().unwrap(),
        };
        let found = kmeans(x.view(), &options, &Context::new(0)).unwrap();
        let name = format!("{} k={k}", case["data"]);
        let labels: Vec<u32> = numbers(&case["labels"]).iter().map(|x| *x as u32).collect();
        assert_eq!(found.labels, labels, "{name}");
        assert_eq!(
            found.iterations as u64,
            case["iterations"].as_u64().unwrap(),
            "{name}"
        );
        let inertia = case["inertia"].as_f64().unwrap();
        assert!(
            (found.inertia - inertia).abs() <= 1e-5 * inertia,
            "{name}: {} {inertia}",
            found.inertia
        );
        for (found, expected) in found
            .centers
            .rows()
            .into_iter()
            .zip(case["centers"].as_array().unwrap())
        {
            for (x, y) in found.iter().zip(numbers(expected)) {
                assert!(
                    (f64::from(*x) - y).abs() < 1e-4 * y.abs().max(1.0),
                    "{name}: {x} {y}"
                );
            }
        }
    }
}
