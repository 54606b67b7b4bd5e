//! Clusters are merged, split, named, dissolved and their samples moved by hand; the scores follow, the record remembers, and
//! ids that are not touched stay.

use serde_json::{Value as Json, json};

use crate::fixtures;
use crate::world::World;

/// Three blobs of 30 samples, six clusters.
fn clustered() -> World {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 6 --features embedding --run k6 --quiet");
    world
}

fn sizes(world: &World) -> Json {
    world.value("points", "count_values(\"k6\")")
}

fn ids(run: &Json) -> Vec<String> {
    let clusters = run["clusters"].as_array().expect("clusters");
    let mut ids: Vec<String> = clusters
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids
}

fn size(run: &Json, id: &str) -> u64 {
    let clusters = run["clusters"].as_array().expect("clusters");
    let found = clusters.iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("no cluster {id}: {run}"))["size"]
        .as_u64()
        .expect("a size")
}

#[test]
fn merged_clusters_get_a_new_number_and_the_others_keep_theirs() {
    let world = clustered();
    let before = world.json("runs points info k6");
    let run = &world.json("merge points --run k6 --clusters 1,4 --name both")["run"];
    assert_eq!(ids(run), ["0", "2", "3", "5", "6"]);
    assert_eq!(size(run, "6"), size(&before, "1") + size(&before, "4"));
    for same in ["0", "2", "3", "5"] {
        assert_eq!(size(run, same), size(&before, same));
    }
    let kept = world.json("runs points info k6");
    assert_eq!(&kept, run, "what is shown is what is kept");
    assert_eq!(kept["scores"]["clusters"], 5.0);
    assert_ne!(kept["scores"]["silhouette"], before["scores"]["silhouette"]);
    assert!(kept["scores"]["inertia"].as_f64() > before["scores"]["inertia"].as_f64());
    assert_eq!(sizes(&world)["6"], size(run, "6"));
    let edit = &kept["history"][0];
    assert_eq!(
        (&edit["operator"], &edit["made"]),
        (&json!("merge"), &json!(["6"]))
    );
    let merged = kept["clusters"]
        .as_array()
        .expect("clusters")
        .iter()
        .find(|one| one["id"] == "6");
    assert_eq!(merged.expect("cluster 6")["name"], "both");
}

#[test]
fn a_call_in_a_query_does_the_same() {
    let (one, other) = (clustered(), clustered());
    let command = one.json("merge points --run k6 --clusters 1,4");
    let call = other.query("points", "merge(run=\"k6\", clusters=[1, \"4\"])");
    assert_eq!(command["run"]["clusters"], call["run"]["clusters"]);
    assert_eq!(command["run"]["output"], call["run"]["output"]);
}

#[test]
fn a_number_is_never_used_twice() {
    let world = clustered();
    world.ok("merge points --run k6 --clusters 0,1 --quiet");
    world.ok("dissolve points --run k6 --clusters 6 --quiet");
    let run = &world.json("merge points --run k6 --clusters 2,3")["run"];
    assert_eq!(ids(run), ["-1", "4", "5", "7"]);
}

#[test]
fn a_cluster_is_split_by_a_method_of_ones_choice() {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 2 --features embedding --run k6 --quiet");
    let run = &world.json("split points --run k6 --cluster 0")["run"];
    assert_eq!(ids(run), ["1", "2", "3"]);
    assert_eq!(sizes(&world), json!({ "1": 30, "2": 30, "3": 30 }));
    assert!(run["scores"]["silhouette"].as_f64().expect("a score") > 0.9);
    let error = world.refused(
        "split points --run k6 --cluster 1 --method hdbscan --min-cluster-size 20",
        1,
    );
    assert!(
        error["message"]
            .as_str()
            .expect("text")
            .contains("stays as it is"),
        "{error}"
    );
    world.refused(
        "split points --run k6 --cluster 1 --method hdbscan --n-clusters 3",
        1,
    );
    world.refused("split points --run k6 --cluster 1 --method nothing", 1);
}

#[test]
fn samples_of_a_view_move() {
    let world = clustered();
    let before = sizes(&world);
    let run = &world
        .json("move points --run k6 --to 5 --view 'match(F(\"k6\") == \"0\").limit(3)'")["run"];
    let n = |of: &Json, id: &str| of[id].as_u64().unwrap_or(0);
    assert_eq!(n(&sizes(&world), "5"), n(&before, "5") + 3);
    assert_eq!(n(&sizes(&world), "0"), n(&before, "0") - 3);
    assert_eq!(run["history"][0]["changed"], 3);
    assert!(
        run["history"][0]["view"]
            .as_str()
            .expect("a view")
            .contains("limit(3)")
    );
    let answer = world.query(
        "points",
        "limit(4).move(run=\"k6\", to=\"new\", name=\"mine\")",
    );
    assert_eq!(size(&answer["run"], "6"), 4);
    world.ok("move points --run k6 --to -1 --view 'limit(2)' --quiet");
    assert_eq!(n(&sizes(&world), "-1"), 2);
    assert_eq!(
        world.json("runs points info k6")["history"]
            .as_array()
            .expect("edits")
            .len(),
        3
    );
}

#[test]
fn a_name_stands_beside_the_id_and_can_be_used_for_it() {
    let world = clustered();
    let before = world.json("runs points info k6");
    world.ok("rename-cluster points --run k6 --cluster 2 --name beaches --quiet");
    let run = world.json("runs points info k6");
    let named = run["clusters"]
        .as_array()
        .expect("clusters")
        .iter()
        .find(|one| one["id"] == "2");
    assert_eq!(named.expect("cluster 2")["name"], "beaches");
    assert_eq!(run["scores"], before["scores"]);
    assert!(world.ok("runs points info k6").stdout.contains("beaches"));
    world.ok("merge points --run k6 --clusters beaches,3 --quiet");
    let run = world.json("runs points info k6");
    let named = run["clusters"]
        .as_array()
        .expect("clusters")
        .iter()
        .find(|one| one["id"] == "6");
    assert_eq!(
        named.expect("cluster 6")["name"],
        "beaches",
        "the only name goes along"
    );
}

#[test]
fn dissolved_clusters_become_noise_or_join_the_nearest() {
    let world = clustered();
    let before = sizes(&world);
    world.ok("dissolve points --run k6 --clusters 5 --quiet");
    assert_eq!(sizes(&world)["-1"], before["5"]);
    let run = &world.json("dissolve points --run k6 --clusters 4 --into nearest")["run"];
    assert_eq!(ids(run), ["-1", "0", "1", "2", "3"]);
    assert_eq!(sizes(&world)["-1"], before["5"], "no more noise");
    assert_eq!(
        run["scores"]["noise"],
        sizes(&world)["-1"].as_f64().expect("a number")
    );
}

#[test]
fn a_rerun_does_the_edits_again() {
    let world = clustered();
    world.ok("merge points --run k6 --clusters 1,4 --quiet");
    world.ok("split points --run k6 --cluster 6 --n-clusters 3 --quiet");
    let before = world.json("runs points info k6");
    let ran = world.ok("runs points rerun k6");
    assert!(ran.stderr.contains("the same, bit for bit"), "{ran}");
    let after = world.json("runs points info k6");
    assert_eq!(after["output"], before["output"]);
    assert_eq!(after["clusters"], before["clusters"]);
    assert_eq!(after["history"].as_array().expect("edits").len(), 2);
}

#[test]
fn mistakes_are_refused_in_a_sentence_and_change_nothing() {
    let world = clustered();
    world.ok("reduce points --method pca --n-components 2 --features embedding --run map --quiet");
    let before = world.json("runs points info k6");
    for (line, word) in [
        ("merge points --run k6 --clusters 1", "at least two"),
        ("merge points --run k6 --clusters 1,1", "at least two"),
        ("merge points --run k6 --clusters 1,9", "\"9\""),
        ("merge points --run k6 --clusters 1,-1", "noise"),
        ("merge points --run map --clusters 1,2", "reduce"),
        ("merge points --run k7 --clusters 1,2", "k6"),
        (
            "merge points --run k6 --clusters 1,2 --view limit(3)",
            "takes no view",
        ),
        ("move points --run k6 --to 2", "which samples"),
        ("move points --run k6 --to 2 --view limit(0)", "no samples"),
        ("move points --run k6 --to 77 --view limit(3)", "\"77\""),
        (
            "dissolve points --run k6 --clusters 0,1,2,3,4,5 --into nearest",
            "no other cluster",
        ),
        (
            "rename-cluster points --run k6 --cluster 9 --name x",
            "\"9\"",
        ),
    ] {
        let error = world.refused(line, 1);
        let message = error["message"].as_str().expect("text");
        assert!(
            error.to_string().contains(word) || message.contains(word),
            "{line}: {error}"
        );
    }
    assert_eq!(world.json("runs points info k6"), before);
}
