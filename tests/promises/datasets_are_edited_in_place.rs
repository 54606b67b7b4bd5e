//! Datasets are listed, described, tagged, given values, renamed, cloned and deleted, and their fields likewise.

use serde_json::{Value as Json, json};

use crate::fixtures;
use crate::world::World;

fn names(world: &World) -> Vec<String> {
    let list = world.json("list");
    list.as_array()
        .expect("a list")
        .iter()
        .map(|d| d["name"].as_str().expect("a name").to_owned())
        .collect()
}

fn type_of(world: &World, field: &str) -> Option<String> {
    let info = world.json("info trip");
    let schema = info["schema"].as_array().expect("a schema");
    schema
        .iter()
        .find(|f| f["name"] == field)
        .map(|f| f["type"].as_str().expect("a type").to_owned())
}

#[test]
fn a_list_and_an_info_say_what_is_there() {
    let world = fixtures::trip();
    let list = world.json("list");
    assert_eq!(list[0]["name"], "trip");
    assert_eq!(list[0]["samples"], 12);
    assert_eq!(list[0]["persistent"], true);
    for time in ["created_at", "last_modified_at"] {
        assert!(
            list[0][time]
                .as_str()
                .is_some_and(|t| t.len() == 24 && t.ends_with('Z')),
            "{}",
            list[0]
        );
    }
    let info = world.json("info trip");
    assert_eq!(info["samples"], 12);
    assert!(info["runs"].is_array() && info["views"].is_array());
    for (field, ty) in [
        ("id", "id"),
        ("filepath", "string"),
        ("tags", "list(string)"),
        ("metadata", "Metadata"),
        ("embedding", "vector(1280)"),
    ] {
        assert_eq!(type_of(&world, field).as_deref(), Some(ty), "{field}");
    }
}

#[test]
fn tags_are_added_once_and_taken_away() {
    let world = fixtures::trip();
    world.ok("tag trip 'limit(3)' a b");
    world.ok("tag trip 'limit(1)' a");
    assert_eq!(
        world.value("trip", "count_values(\"tags\")"),
        json!({ "a": 3, "b": 3 })
    );
    world.ok("untag trip 'skip(1)' a");
    assert_eq!(
        world.value("trip", "count_values(\"tags\")"),
        json!({ "b": 3, "a": 1 })
    );
}

#[test]
fn only_what_changed_is_modified() {
    let world = fixtures::trip();
    let times = |w: &World| -> Vec<Json> {
        w.samples("trip", "")
            .iter()
            .map(|s| s["last_modified_at"].clone())
            .collect()
    };
    let before = times(&world);
    world.ok("tag trip 'limit(1)' a");
    let after = times(&world);
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
}

#[test]
fn values_are_set_by_path_or_by_id_from_csv_or_json() {
    let world = fixtures::trip();
    let samples = world.samples("trip", "limit(2)");
    let path = |i: usize| samples[i]["filepath"].as_str().expect("a path").to_owned();
    world.write(
        "stars.csv",
        format!("filepath,stars\n{},5\n{},3\n", path(0), path(1)),
    );
    world.ok("set-values trip stars stars.csv --key filepath");
    assert_eq!(type_of(&world, "stars").as_deref(), Some("int"));
    assert_eq!(world.value("trip", "sum(\"stars\")"), json!(8));

    let id = samples[1]["id"].as_str().expect("an id");
    world.write("mood.json", json!({ id: "calm" }).to_string());
    world.ok("set-values trip mood mood.json --key id");
    assert_eq!(
        world.value("trip", "count_values(\"mood\")"),
        json!({ "null": 11, "calm": 1 })
    );
}

#[test]
fn keys_that_belong_to_no_sample_are_named() {
    let world = fixtures::trip();
    let path = world.samples("trip", "limit(1)")[0]["filepath"]
        .as_str()
        .expect("a path")
        .to_owned();
    world.write(
        "stars.csv",
        format!("filepath,stars\nnowhere.png,5\n{path},4\n"),
    );
    let done = world.json("set-values trip stars stars.csv --key filepath");
    assert_eq!(done["changed"], 1);
    assert_eq!(done["unknown"], json!(["nowhere.png"]));
    assert_eq!(world.value("trip", "sum(\"stars\")"), json!(4));
}

#[test]
fn values_that_do_not_fit_the_type_are_refused_whole() {
    let world = fixtures::trip();
    let path = world.samples("trip", "limit(1)")[0]["filepath"]
        .as_str()
        .expect("a path")
        .to_owned();
    world.write("stars.csv", format!("filepath,stars\n{path},4\n"));
    world.ok("set-values trip stars stars.csv --key filepath");
    world.write("words.csv", format!("filepath,stars\n{path},many\n"));
    let error = world.refused("set-values trip stars words.csv --key filepath", 1);
    assert!(
        error["message"].as_str().expect("text").contains("many"),
        "{error}"
    );
    assert_eq!(world.value("trip", "sum(\"stars\")"), json!(4));
}

#[test]
fn a_dataset_is_renamed() {
    let world = fixtures::trip();
    world.ok("rename trip journey");
    assert_eq!(names(&world), ["journey"]);
    assert_eq!(world.count("journey"), 12);
}

#[test]
fn a_clone_goes_its_own_way_and_keeps_runs_and_views() {
    let world = fixtures::points();
    world.ok("cluster points --method kmeans --n-clusters 3 --features embedding --run k3 --quiet");
    world.ok("views points save first 'limit(5)'");
    world.ok("clone points copy");
    world.ok("tag copy 'limit(1)' changed");
    assert_eq!(names(&world), ["copy", "points"]);
    assert_eq!(world.value("points", "count(\"tags\")"), json!(0));
    let info = world.json("info copy");
    assert_eq!(info["runs"], json!(["k3"]));
    assert_eq!(info["views"], json!(["first"]));
    world.ok("delete points --yes --quiet");
    assert_eq!(world.value("copy", "count(\"k3\")"), json!(90));
}

#[test]
fn a_view_can_be_cloned() {
    let world = fixtures::trip();
    world.ok("clone trip discs --view 'match(F(\"label\") == \"disc\")'");
    assert_eq!(world.count("discs"), 4);
    assert_eq!(
        world.value("discs", "exists(\"embedding\").count()"),
        json!(4)
    );
}

#[test]
fn a_deleted_dataset_is_gone_and_its_pictures_are_not() {
    let world = World::new();
    world.class_tree("p", 1);
    world.ok("import p --name p --recursive");
    world.refused("delete p", 2);
    assert_eq!(names(&world), ["p"], "nobody was there to be asked");
    world.ok("delete p --yes");
    assert_eq!(names(&world), Vec::<String>::new());
    assert_eq!(world.files("p").len(), 3);
    world.refused("info p", 1);
}

#[test]
fn names_are_checked_and_never_taken_twice() {
    let world = fixtures::trip();
    world.ok("clone trip other");
    for line in [
        "rename trip other",
        "clone trip other",
        "rename trip ../trip",
        "rename trip ''",
        "rename nothing else",
    ] {
        world.refused(line, 1);
    }
    assert_eq!(names(&world), ["other", "trip"]);
}

#[test]
fn fields_are_renamed_cleared_and_dropped() {
    let world = fixtures::trip();
    let id = world.samples("trip", "limit(1)")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.write("v.json", json!({ id: 4 }).to_string());
    world.ok("set-values trip stars v.json --key id");
    world.ok("schema trip rename stars rating");
    assert_eq!(type_of(&world, "rating").as_deref(), Some("int"));
    world.ok("schema trip clear rating");
    assert_eq!(world.value("trip", "count(\"rating\")"), json!(0));
    world.ok("schema trip drop rating");
    assert_eq!(type_of(&world, "rating"), None);
    world.refused("schema trip drop id", 1);
}

#[test]
fn a_temporary_dataset_goes_with_its_last_user() {
    let world = World::new();
    world.class_tree("p", 1);
    world.ok("import p --name scratch --recursive --temporary");
    assert_eq!(names(&world), Vec::<String>::new());
}
