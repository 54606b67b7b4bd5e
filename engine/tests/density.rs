//! DBSCAN, OPTICS, agglomerative clustering and Birch give scikit-learn's results on small fixed arrays (`fixtures/clustering/trees.py`).

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use messier_engine::cluster::{Clusterer, Clustering, agglomerative, birch, dbscan, optics};
use messier_engine::context::Context;
use messier_engine::neighbors::Metric;
use messier_query::signature::{Arg, Args};
use ndarray::Array2;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/clustering")
        .join(name)
}

fn data(case: &Value) -> Array2<f32> {
    let name = format!("{}.npy", case["data"].as_str().unwrap());
    let array = npyz::NpyFile::new(BufReader::new(File::open(fixture(&name)).unwrap())).unwrap();
    let shape: Vec<usize> = array.shape().iter().map(|n| *n as usize).collect();
    Array2::from_shape_vec((shape[0], shape[1]), array.into_vec().unwrap()).unwrap()
}

fn cases(method: &str) -> Vec<Value> {
    let file = BufReader::new(File::open(fixture("trees.json")).unwrap());
    let all: Value = serde_json::from_reader(file).unwrap();
    all[method].as_array().unwrap().clone()
}

fn args(case: &Value) -> Args {
    let pairs = case["params"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let arg = match value {
                Value::Null => Arg::Null,
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

fn labels(case: &Value) -> Vec<i32> {
    let labels = case["labels"].as_array().unwrap().iter();
    labels.map(|x| x.as_i64().unwrap() as i32).collect()
}

fn run(method: &dyn Clusterer, case: &Value) -> Clustering {
    method
        .fit(data(case).view(), &args(case), &Context::new(0))
        .unwrap()
}

/// Whether two labellings are one up to the numbers of clusters; noise must be noise.
fn same(found: &[i32], expected: &[i32]) -> bool {
    let (mut to, mut back) = (HashMap::from([(-1, -1)]), HashMap::from([(-1, -1)]));
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| *to.entry(*a).or_insert(*b) == *b && *back.entry(*b).or_insert(*a) == *a)
}

#[test]
fn dbscan_gives_the_reference_labels() {
    let cases = cases("dbscan");
    assert!(cases.len() > 50);
    for case in cases {
        let found = run(&dbscan::Dbscan, &case).labels;
        assert!(
            same(&found, &labels(&case)),
            "{} {}",
            case["data"],
            case["params"]
        );
    }
}

#[test]
fn optics_gives_the_reference_order_reachability_and_labels() {
    let cases = cases("optics");
    assert!(cases.len() > 10);
    for case in cases {
        let name = format!("{} {}", case["data"], case["params"]);
        let found = run(&optics::Optics, &case);
        assert!(same(&found.labels, &labels(&case)), "{name}");
        let params = &case["params"];
        let metric = if params["metric"] == "cosine" {
            Metric::Cosine
        } else {
            Metric::Euclidean
        };
        let min_samples = params["min_samples"].as_u64().unwrap_or(5) as usize;
        let graph = optics::graph(
            data(&case).view(),
            min_samples,
            params["max_eps"].as_f64(),
            metric,
            &Context::new(0),
        )
        .unwrap();
        let ordering = case["ordering"].as_array().unwrap().iter();
        let ordering: Vec<u64> = ordering.map(|row| row.as_u64().unwrap()).collect();
        let found: Vec<u64> = graph.ordering.iter().map(|row| u64::from(*row)).collect();
        assert_eq!(found, ordering, "{name}");
        let expected = case["reachability"].as_array().unwrap();
        for (row, (found, expected)) in graph.reachability.iter().zip(expected).enumerate() {
            match expected.as_f64() {
                Some(expected) => assert!(
                    (f64::from(*found) - expected).abs() < 1e-5 * expected.max(1.0),
                    "{name}, row {row}: {found} {expected}"
                ),
                None => assert!(found.is_infinite(), "{name}, row {row}: {found}"),
            }
        }
    }
}

#[test]
fn agglomerative_clustering_gives_the_reference_labels() {
    let cases = cases("agglomerative");
    assert!(cases.len() > 150);
    for case in cases {
        let found = run(&agglomerative::Agglomerative, &case).labels;
        assert!(
            same(&found, &labels(&case)),
            "{} {}",
            case["data"],
            case["params"]
        );
    }
}

#[test]
fn birch_gives_the_reference_labels() {
    let cases = cases("birch");
    assert!(cases.len() > 40);
    for case in cases {
        let found = run(&birch::Birch, &case);
        assert!(
            same(&found.labels, &labels(&case)),
            "{} {}",
            case["data"],
            case["params"]
        );
        assert_eq!(found.centers.as_ref().map(|c| c.nrows()), Some(found.len()));
    }
}
