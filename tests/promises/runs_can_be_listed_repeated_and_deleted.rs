//! Every reduction and clustering is a run: listed, shown with all it takes to repeat it, renamed, repeated to the bit, deleted
//! with what it wrote.

use serde_json::{Value as Json, json};

use crate::fixtures;
use crate::world::World;

fn clustered() -> World {
    let world = fixtures::points();
    world.ok(
        "cluster points --method kmeans --n-clusters 3 --features embedding --run k3 --seed 51",
    );
    world
}

fn keys(world: &World) -> Vec<String> {
    let runs = world.json("runs points");
    runs.as_array()
        .expect("a list")
        .iter()
        .map(|r| r["key"].as_str().expect("a key").to_owned())
        .collect()
}

fn labels(world: &World, field: &str) -> Vec<Json> {
    world
        .samples("points", "")
        .iter()
        .map(|s| s[field].clone())
        .collect()
}

#[test]
fn a_record_names_everything() {
    let world = clustered();
    let run = world.json("runs points info k3");
    assert_eq!(run["key"], "k3");
    assert_eq!(run["operator"], "cluster");
    assert_eq!(run["method"], "kmeans");
    assert_eq!(run["seed"], 51);
    assert_eq!(run["status"], "done");
    assert_eq!(run["params"]["n_clusters"], 3);
    for default in ["init", "n_init", "max_iter", "tol"] {
        assert!(
            run["params"].get(default).is_some(),
            "{default} is missing: {}",
            run["params"]
        );
    }
    assert_eq!(run["input"]["field"], "embedding");
    assert_eq!(run["input"]["rows"], 90);
    assert_eq!(run["input"]["dims"], 8);
    assert!(
        run["input"]["fingerprint"]
            .as_str()
            .is_some_and(|f| !f.is_empty())
    );
    assert!(run["started_at"].as_str().is_some_and(|t| t.ends_with('Z')));
    assert!(run["seconds"].is_number());
    assert!(run["steps"].as_array().is_some_and(|s| !s.is_empty()));
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["fields"], json!(["k3"]));
    assert!(run["scores"]["inertia"].is_number());
    let clusters = run["clusters"].as_array().expect("clusters");
    let ids: Vec<&str> = clusters
        .iter()
        .map(|c| c["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, ["0", "1", "2"]);
    for cluster in clusters {
        assert_eq!(cluster["size"], 30, "{cluster}");
        let medoid = cluster["medoid"].as_str().expect("a medoid");
        assert_eq!(medoid.len(), 24);
        let member = world.samples("points", &format!("select([\"{medoid}\"])"));
        assert_eq!(member[0]["k3"], cluster["id"]);
    }
}

#[test]
fn the_clusters_are_the_blobs() {
    let world = clustered();
    let labels = labels(&world, "k3");
    for (i, label) in labels.iter().enumerate() {
        assert_eq!(label, &labels[i % 3], "row {i}");
    }
    assert_eq!(
        world.value("points", "count_values(\"k3\")"),
        json!({ "0": 30, "1": 30, "2": 30 })
    );
}

#[test]
fn a_run_can_be_renamed() {
    let world = clustered();
    world.ok("runs points rename k3 three");
    assert_eq!(keys(&world), ["three"]);
    assert_eq!(world.value("points", "count(\"three\")"), json!(90));
    world.refused("runs points info k3", 1);
}

#[test]
fn a_deleted_run_takes_its_fields_along() {
    let world = clustered();
    world.ok("runs points delete k3");
    assert_eq!(keys(&world), Vec::<String>::new());
    let error = world.refused("query points 'count(\"k3\")'", 1);
    assert_eq!(error["code"], "unknown-field", "{error}");
}

#[test]
fn a_rerun_gives_the_same_bits_for_any_number_of_threads() {
    for (name, method) in [
        (
            "kmeans",
            "cluster points --method kmeans --n-clusters 7 --features embedding",
        ),
        (
            "hdbscan",
            "cluster points --method hdbscan --min-cluster-size 5 --features embedding",
        ),
        (
            "gaussian mixture",
            "cluster points --method gaussian-mixture --n-components 3 --features embedding",
        ),
        (
            "pca",
            "reduce points --method pca --n-components 3 --features embedding",
        ),
        (
            "umap",
            "reduce points --method umap --n-neighbors 10 --features embedding",
        ),
    ] {
        let world = fixtures::points();
        world.ok(&format!("{method} --run r --seed 7 --threads 1 --quiet"));
        let result = |world: &World| -> Vec<Json> {
            world
                .samples("points", "select_fields(\"r\")")
                .iter()
                .map(|s| s["r"].clone())
                .collect()
        };
        let first = result(&world);
        assert!(first.iter().all(|r| !r.is_null()), "{name}");
        world.ok("runs points rerun r --threads 2 --quiet");
        assert_eq!(result(&world), first, "{name}: rerun with 2 threads");
        let other = fixtures::points();
        other.ok(&format!("{method} --run r --seed 7 --threads 2 --quiet"));
        assert_eq!(result(&other), first, "{name}: 2 threads from the start");
    }
}

#[test]
fn another_seed_is_recorded() {
    let world = clustered();
    world.ok(
        "cluster points --method kmeans --n-clusters 3 --features embedding --run other --seed 52",
    );
    assert_eq!(world.json("runs points info other")["seed"], 52);
}

#[test]
fn a_key_that_is_taken_is_refused_before_any_work() {
    let world = clustered();
    let before = labels(&world, "k3");
    let error = world.refused(
        "cluster points --method kmeans --n-clusters 5 --features embedding --run k3",
        1,
    );
    assert!(
        error["message"].as_str().expect("text").contains("k3"),
        "{error}"
    );
    assert_eq!(labels(&world, "k3"), before);
}

#[test]
fn an_unknown_run_has_a_suggestion() {
    let world = clustered();
    let error = world.refused("runs points info k4", 1);
    assert!(error.to_string().contains("k3"), "{error}");
}
