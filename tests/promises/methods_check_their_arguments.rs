//! Bad arguments of a method are all reported together, with the value given and the range, before anything runs.

use crate::fixtures;

#[test]
fn every_bad_argument_is_reported_at_once() {
    let world = fixtures::points();
    let error = world.refused(
        "cluster points --method kmeans --n-clusters 0 --max-iter 0 --features embedding --run k",
        2,
    );
    let text = error.to_string();
    assert!(
        text.contains("n_clusters") || text.contains("n-clusters"),
        "{text}"
    );
    assert!(
        text.contains("max_iter") || text.contains("max-iter"),
        "{text}"
    );
}

#[test]
fn more_clusters_than_rows_is_a_sentence() {
    let world = fixtures::points();
    let error = world.refused(
        "cluster points --method kmeans --n-clusters 91 --features embedding --run k",
        1,
    );
    let message = error["message"].as_str().expect("text");
    assert!(
        message.contains("91") && message.contains("90"),
        "{message}"
    );
}

#[test]
fn a_method_that_does_not_exist_has_a_suggestion() {
    let world = fixtures::points();
    let error = world.refused(
        "cluster points --method hdbscn --features embedding --run k",
        2,
    );
    assert!(error.to_string().contains("hdbscan"), "{error}");
}

#[test]
fn a_parameter_of_another_method_is_not_ignored() {
    let world = fixtures::points();
    let ran =
        world.run("cluster points --method hdbscan --n-clusters 4 --features embedding --run k");
    assert!(ran.code == 1 || ran.code == 2, "{ran}");
    assert!(
        ran.stderr.contains("n_clusters") || ran.stderr.contains("n-clusters"),
        "{ran}"
    );
}

#[test]
fn features_must_be_vectors() {
    let world = fixtures::points();
    let error = world.refused(
        "cluster points --method kmeans --n-clusters 2 --features tags --run k",
        1,
    );
    assert!(
        error["message"].as_str().expect("text").contains("tags"),
        "{error}"
    );
}

#[test]
fn a_clustering_can_use_the_points_of_a_reduction() {
    let world = fixtures::points();
    world.ok("reduce points --method pca --n-components 2 --features embedding --run map");
    world.ok("cluster points --method hdbscan --min-cluster-size 10 --features map --run h");
    let run = world.json("runs points info h");
    assert_eq!(run["input"]["field"], "map");
    assert_eq!(run["input"]["dims"], 2);
    assert_eq!(
        run["clusters"]
            .as_array()
            .expect("clusters")
            .iter()
            .filter(|c| c["id"] != "-1")
            .count(),
        3
    );
}

#[test]
fn a_view_limits_what_is_clustered() {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 2 --features embedding --run k --view 'limit(40)'");
    assert_eq!(world.json("runs points info k")["input"]["rows"], 40);
    assert_eq!(world.value("points", "count(\"k\")"), serde_json::json!(40));
}

#[test]
fn the_command_and_the_call_are_the_same_thing() {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 4 --features embedding --run a --seed 3");
    let call = "cluster(method=\"kmeans\", n_clusters=4, features=\"embedding\", run=\"b\")";
    let answer = world.json(&format!("query points '{call}' --seed 3"));
    assert_eq!(answer["kind"], "run");
    let (a, b) = (
        world.json("runs points info a"),
        world.json("runs points info b"),
    );
    assert_eq!(a["params"], b["params"]);
    assert_eq!(a["scores"], b["scores"]);
    let differing = world.value("points", "match(F(\"a\") != F(\"b\")).count()");
    assert_eq!(differing, 0);
}
