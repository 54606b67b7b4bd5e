//! Every clustering is scored when it is made; it can be judged again, compared, and tried in many ways at once.

use serde_json::{Value as Json, json};

use crate::fixtures;
use crate::world::World;

fn clustered() -> World {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 3 --features embedding --run k3 --quiet");
    world
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| panic!("no number: {json}"))
}

#[test]
fn a_run_has_its_scores_and_each_cluster_its_own() {
    let world = clustered();
    let run = world.json("runs points info k3");
    assert!(
        number(&run["scores"]["silhouette"]) > 0.9,
        "{}",
        run["scores"]
    );
    for score in ["calinski_harabasz", "davies_bouldin", "clusters", "noise"] {
        assert!(run["scores"][score].is_number(), "{score}");
    }
    for cluster in run["clusters"].as_array().expect("clusters") {
        assert!(
            number(&cluster["cohesion"]) < number(&cluster["separation"]),
            "{cluster}"
        );
        assert!(number(&cluster["density"]) > 0.0);
        assert_ne!(cluster["nearest"], cluster["id"]);
        assert_eq!(cluster["central"][0], cluster["medoid"]);
        for list in ["exemplars", "central", "border", "outliers"] {
            let ids = cluster[list].as_array().expect("ids");
            assert!(!ids.is_empty() && ids.len() <= 9, "{list}: {cluster}");
            for id in ids {
                let id = id.as_str().expect("an id");
                let member = world.samples("points", &format!("select([\"{id}\"])"));
                assert_eq!(member[0]["k3"], cluster["id"], "{list}");
            }
        }
    }
    world.ok("cluster points --method hdbscan --min-cluster-size 5 --features embedding --run h5 --quiet");
    let run = world.json("runs points info h5");
    assert!(number(&run["scores"]["dbcv"]) > 0.5, "{}", run["scores"]);
    assert!(run["clusters"][0]["persistence"].is_number());
}

#[test]
fn a_cluster_can_be_looked_at_alone() {
    let world = clustered();
    let ran = world.ok("runs points info k3 --cluster 1");
    for word in [
        "cluster 1 of k3",
        "cohesion",
        "central",
        "border",
        "outliers",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {ran}");
    }
    assert_eq!(world.json("runs points info k3 --cluster 1")["id"], "1");
    let error = world.refused("runs points info k3 --cluster 9", 1);
    assert!(
        error["message"].as_str().expect("text").contains("0, 1, 2"),
        "{error}"
    );
}

#[test]
fn score_gives_a_run_what_it_had_and_keeps_it() {
    let world = clustered();
    let before = world.json("runs points info k3");
    let again = world.json("score points --run k3");
    assert_eq!(again["kind"], "run");
    assert_eq!(again["run"]["scores"], before["scores"]);
    assert_eq!(
        world.json("runs points info k3"),
        before,
        "nothing else has changed"
    );
    world.ok("score points --run k3 --density --quiet");
    let dense = world.json("runs points info k3");
    assert!(number(&dense["scores"]["dbcv"]) > 0.5);
    assert_eq!(
        dense["seconds"], before["seconds"],
        "the clustering's own time stays"
    );
}

#[test]
fn labels_of_any_field_can_be_scored() {
    let world = clustered();
    world.ok("reduce points --method pca --n-components 2 --features embedding --run map --quiet");
    let by_map = world.json("score points --run k3 --features map");
    let kept = world.json("runs points info k3");
    assert_ne!(
        by_map["run"]["scores"]["silhouette"],
        kept["scores"]["silhouette"]
    );
    let trip = fixtures::trip();
    let scored = trip.json("score trip --run label --features embedding");
    let clusters = scored["run"]["clusters"].as_array().expect("groups").len();
    assert_eq!(clusters, 3, "{scored}");
    assert!(scored["run"]["scores"]["silhouette"].is_number());
    assert!(
        trip.json("runs trip").as_array().expect("runs").len() == 1,
        "nothing is kept"
    );
    world.refused("score points --run nothing", 1);
    let error = world.refused("score points --run map", 1);
    assert!(
        error["message"].as_str().expect("text").contains("reduce"),
        "{error}"
    );
}

#[test]
fn two_clusterings_are_compared_group_by_group() {
    let world = clustered();
    world.ok("cluster points --method kmeans --n-clusters 3 --features embedding --run other --seed 9 --quiet");
    world.ok("cluster points --method kmeans --n-clusters 2 --features embedding --run k2 --quiet");
    let same = world.json("compare points k3 other");
    assert_eq!(same["kind"], "comparison");
    let same = &same["comparison"];
    assert_eq!(same["agreement"]["adjusted_rand"], 1.0);
    assert_eq!(same["samples"], 90);
    assert_eq!(same["paired"], 90);
    assert_eq!(same["pairs"].as_array().expect("pairs").len(), 3);
    let coarse = &world.json("compare points k3 k2")["comparison"];
    assert_eq!(coarse["agreement"]["completeness"], 1.0);
    assert!(number(&coarse["agreement"]["homogeneity"]) < 1.0);
    assert_eq!(coarse["pairs"].as_array().expect("pairs").len(), 2);
    assert_eq!(coarse["paired"], 60);
    assert_eq!(
        coarse["without_noise"], coarse["agreement"],
        "there is no noise"
    );
    let text = world.ok("compare points k3 k2").stdout;
    for word in ["adjusted Rand index", "Jaccard", "no partner"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_clustering_is_compared_with_the_truth() {
    let trip = fixtures::trip();
    trip.ok("cluster trip --method kmeans --n-clusters 3 --run k3 --quiet");
    let found = &trip.json("compare trip k3 --truth label")["comparison"];
    assert_eq!(found["a"], "label");
    assert_eq!(found["b"], "k3");
    assert_eq!(found["samples"], 12);
    assert!(number(&found["agreement"]["adjusted_rand"]) > 0.0);
}

#[test]
fn what_cannot_be_compared_is_refused_in_a_sentence() {
    let world = clustered();
    world.ok("cluster points --method kmeans --n-clusters 2 --features embedding --run half --view 'limit(20)' --quiet");
    world.ok("cluster points --method kmeans --n-clusters 2 --features embedding --run rest --view 'skip(20)' --quiet");
    let error = world.refused("compare points half rest", 1);
    assert!(
        error["message"]
            .as_str()
            .expect("text")
            .contains("no sample has a label in both"),
        "{error}"
    );
    let part = &world.json("compare points k3 half")["comparison"];
    assert_eq!(
        (&part["samples"], &part["only_a"], &part["only_b"]),
        (&json!(20), &json!(70), &json!(0))
    );
    world.refused("compare points k3 k4", 1);
    world.refused("compare points k3 embedding", 1);
    world.refused("compare points k3", 2);
}

#[test]
fn a_sweep_keeps_every_try_and_ranks_them() {
    let world = fixtures::points();
    let line = "sweep points --method kmeans,hdbscan --n-clusters 2..4 --min-cluster-size 5,9 --features embedding --bootstrap 2";
    let swept = &world.json(line)["run"];
    let tries = swept["tries"].as_array().expect("tries");
    let keys: Vec<&str> = tries
        .iter()
        .map(|one| one["run"].as_str().expect("a key"))
        .collect();
    assert_eq!(keys.len(), 5);
    assert!(
        keys.contains(&"sweep_kmeans_3") && keys.contains(&"sweep_hdbscan_9"),
        "{keys:?}"
    );
    let scores: Vec<f64> = tries
        .iter()
        .map(|one| number(&one["scores"]["silhouette"]))
        .collect();
    assert!(
        scores.windows(2).all(|pair| pair[0] >= pair[1]),
        "{scores:?}"
    );
    let three = tries
        .iter()
        .find(|one| one["run"] == "sweep_kmeans_3")
        .expect("the try");
    assert_eq!(three["clusters"], 3);
    assert_eq!(
        three["stability"], 1.0,
        "three blobs are three blobs in any sample of them"
    );
    assert_eq!(
        world.value("points", "count_values(\"sweep_kmeans_3\")"),
        json!({ "0": 30, "1": 30, "2": 30 })
    );
    let alone = world.json("runs points info sweep_kmeans_3");
    assert_eq!(alone["operator"], "cluster");
    assert_eq!(alone["scores"], three["scores"]);
}

#[test]
fn a_sweep_that_is_asked_for_again_takes_over_what_is_there() {
    let world = fixtures::points();
    world.ok("sweep points --n-clusters 2,3 --features embedding --run s --quiet");
    let first = world.json("runs points info s_3");
    let more = &world.json("sweep points --n-clusters 2,3,4 --features embedding --run s")["run"];
    assert_eq!(more["tries"].as_array().expect("tries").len(), 3);
    assert_eq!(world.json("runs points info s_3"), first, "not made again");
    let error = world.refused(
        "sweep points --n-clusters 2,3 --features embedding --run s --seed 9",
        1,
    );
    assert!(
        error["message"].as_str().expect("text").contains("s_2"),
        "{error}"
    );
    world.ok(
        "sweep points --n-clusters 2,3 --features embedding --run s --seed 9 --overwrite --quiet",
    );
}

#[test]
fn a_sweep_of_many_samples_tells_the_silhouette_of_some_unless_it_is_to_be_exact() {
    let world = fixtures::points();
    let vectors: Vec<u8> = (0..10_400_u32)
        .flat_map(|i| [(i % 3) * 5 + i % 7 % 2, i % 3 + i % 11])
        .flat_map(|whole| (whole as f32).to_le_bytes())
        .collect();
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (10400, 2), }";
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{head:<117}\n").bytes());
    file.extend(vectors);
    std::fs::write(world.path("many.npy"), file).expect("a file");
    world.ok("import many.npy --name many --quiet");
    let line = "sweep many --n-clusters 2,3 --run s";
    let told = &world.json(line)["run"]["tries"][0];
    let error = number(&told["scores"]["silhouette_standard_error"]);
    assert!(error > 0.0 && error < 0.01, "{error}");
    assert!(world.ok(line).stdout.contains(" ± "), "shown in the table");
    world.refused(&format!("{line} --exact"), 1);
    let exact = &world.json(&format!("{line} --exact --overwrite"))["run"]["tries"][0];
    assert_eq!(exact["run"], told["run"]);
    assert!(exact["scores"]["silhouette_standard_error"].is_null());
    let off = number(&exact["scores"]["silhouette"]) - number(&told["scores"]["silhouette"]);
    assert!(off.abs() < 4.0 * error, "{off} {error}");
    world.ok(&format!("{line} --exact"));
}

#[test]
fn a_sweep_stops_when_it_gets_no_better_and_says_what_it_left_out() {
    let world = fixtures::points();
    let swept =
        &world.json("sweep points --n-clusters 2..9 --features embedding --patience 2")["run"];
    let tries = swept["tries"].as_array().expect("tries");
    let done = tries.iter().filter(|one| one["run"].is_string()).count();
    assert_eq!(done, 4, "2, 3, and two that are no better");
    assert_eq!(tries[0]["run"], "sweep_3");
    assert!(
        tries[7]["problem"]
            .as_str()
            .expect("a reason")
            .contains("left out")
    );
}

#[test]
fn a_method_that_no_parameter_of_the_sweep_is_for_is_noted() {
    let world = fixtures::points();
    let line =
        "sweep points --method kmeans,gaussian_mixture --n-clusters 2..4 --features embedding";
    let notes = world.json(line)["run"]["notes"].to_string();
    assert!(
        notes.contains("gaussian_mixture was tried once, with its defaults: it has no n_clusters, but n_components, "),
        "{notes}"
    );
    assert!(!notes.contains("kmeans"), "{notes}");
}

#[test]
fn the_curves_of_a_sweep_are_drawn() {
    let world = fixtures::points();
    let ran = world.ok("sweep points --n-clusters 2..5 --features embedding -o curves.svg");
    assert!(
        ran.stdout.contains("inertia (elbow)") && ran.stdout.contains("sweep_3"),
        "{ran}"
    );
    let svg = world.read("curves.svg");
    assert_eq!(
        svg.matches("<circle").count(),
        8,
        "four tries, silhouette and inertia"
    );
    world.ok("sweep points --n-clusters 2..5 --features embedding -o curves.png --quiet");
    assert!(
        image::open(world.path("curves.png"))
            .expect("a PNG")
            .width()
            > 500
    );
    let again = world.ok("runs points info sweep");
    assert!(again.stdout.contains("sweep_3"), "{again}");
}

#[test]
fn a_sweep_of_nonsense_is_refused_and_one_bad_try_is_not_the_end() {
    let world = fixtures::points();
    for line in [
        "sweep points --method kmeens --n-clusters 3",
        "sweep points --n-clusters 9..3",
        "sweep points --n-clusters two",
        "sweep points --min-cluster-size 5",
        "sweep points --n-clusters 3 --features nothing",
    ] {
        let ran = world.run(&format!("{line} --json"));
        assert!(ran.code == 1 || ran.code == 2, "{ran}");
    }
    assert_eq!(world.json("runs points"), json!([]));
    let swept = &world.json("sweep points --n-clusters 3,500 --features embedding")["run"];
    assert_eq!(swept["tries"][0]["run"], "sweep_3");
    assert!(
        swept["tries"][1]["problem"].is_string(),
        "{}",
        swept["tries"][1]
    );
    world.refused(
        "sweep points --n-clusters 500 --features embedding --run t",
        1,
    );
}
