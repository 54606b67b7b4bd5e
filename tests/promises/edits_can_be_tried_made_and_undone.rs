//! A query may end in a change: it can be tried first, it says what it changed, and it can be taken back.

use serde_json::json;

use crate::fixtures;
use crate::world::World;

fn shape(world: &World) -> (serde_json::Value, serde_json::Value) {
    (
        world.json("info trip"),
        world.value("trip", "values(\"tags\")"),
    )
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let world = fixtures::trip();
    let before = shape(&world);
    let said = world.json("query trip 'limit(3).tag_samples(\"a\")' --dry-run");
    assert_eq!(said["kind"], "edit");
    assert_eq!(
        (&said["changed"], &said["dry_run"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(shape(&world), before);
    let text = world.ok("query trip 'limit(2).keep()' --dry-run");
    assert!(
        text.stderr.contains("Would delete 10 samples; 2 are left."),
        "{text}"
    );
    assert_eq!(world.count("trip"), 12);
    // A question is answered as ever.
    assert_eq!(world.json("query trip 'count()' --dry-run")["value"], 12);
    world.refused("query trip 'cluster(run=\"k\")' --dry-run", 1);
    assert_eq!(world.json("runs trip").as_array().expect("runs").len(), 1);
}

#[test]
fn an_edit_answers_with_what_it_changed() {
    let world = fixtures::trip();
    let done = world.json("query trip 'set_field(\"wide\", metadata.width > 20).save()'");
    assert_eq!(
        done,
        json!({ "kind": "edit", "edit": "save", "dataset": "trip", "changed": 12, "what": "samples", "fields": ["wide"],
            "name": null, "samples": 12, "skipped": 0, "dry_run": false })
    );
    let text = world.ok("query trip 'limit(1).set_values(\"mood\", [\"calm\"])'");
    assert_eq!(text.stdout, "", "what was done is no data");
    assert!(text.stderr.contains("Changed mood of 1 sample."), "{text}");
}

#[test]
fn an_undo_takes_back_the_newest_change_of_whatever_kind() {
    let world = fixtures::trip();
    world.ok("query trip 'limit(4).keep()'");
    let tried = world.json("undo trip --dry-run");
    assert_eq!(
        (&tried["samples_restored"], &tried["dry_run"]),
        (&json!(8), &json!(true))
    );
    assert_eq!(world.count("trip"), 4);
    let done = world.ok("undo trip");
    assert!(done.stderr.contains("8 samples are back"), "{done}");
    assert_eq!(world.count("trip"), 12);
    world.ok("cluster trip --method kmeans --n-clusters 2 --run k2 --quiet");
    let done = world.json("undo trip");
    assert_eq!(done["runs"]["removed"], json!(["k2"]));
    let left = world.json("runs trip");
    assert_eq!(
        left.as_array().expect("runs").len(),
        1,
        "the embedding stays"
    );
    let error = world.refused("undo nothing", 1);
    assert_eq!(error["code"], "unknown-dataset");
}

#[test]
fn undoing_comes_to_an_end_with_a_sentence() {
    let world = fixtures::points();
    let mut undone = 0;
    while world.run("undo points --json").code == 0 {
        undone += 1;
        assert!(undone < 20, "there is always something to undo");
    }
    assert_eq!(world.refused("undo points", 1)["code"], "nothing-to-undo");
}

#[test]
fn a_mistake_in_an_edit_has_its_place_and_changes_nothing() {
    let world = fixtures::trip();
    let before = shape(&world);
    for line in [
        "query trip 'limit(2).set_values(\"x\", [1])'",
        "query trip 'set_values(\"x\", {\"nowhere.png\": 1})'",
        "query trip 'set_field(\"label\", 3).save()'",
        "query trip 'keep().count()'",
    ] {
        let error = world.refused(line, 1);
        assert!(error["labels"][0]["start"].is_number(), "{line}: {error}");
    }
    world.refused("query trip 'tag_samples(\"a\")' --ids", 2);
    world.refused("query trip 'tag_samples(\"a\")' --csv", 2);
    assert_eq!(shape(&world), before);
}

#[test]
fn a_file_of_queries_may_edit_and_each_line_sees_what_came_before() {
    let world = fixtures::trip();
    world.write(
        "lines.txt",
        "limit(2).tag_samples(\"a\")\nmatch_tags(\"a\").count()\nkeep(3)\n",
    );
    let ran = world.run("query trip --file lines.txt");
    assert_eq!(ran.code, 1);
    let lines: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (&lines[0]["changed"], &lines[1]["value"]),
        (&json!(2), &json!(2))
    );
    assert!(lines[2]["error"].is_object());
    world.write("one.txt", "limit(3).keep()\n");
    world.ok("query trip --file one.txt --dry-run");
    assert_eq!(world.count("trip"), 12);
}

#[test]
fn a_view_is_cloned_with_its_order_and_what_it_computed() {
    let world = fixtures::trip();
    let view = "sort_by(\"filepath\", reverse=True).set_field(\"n\", 1).limit(3)";
    world.ok(&format!("clone trip last --view '{view}'"));
    assert_eq!(
        world.value("last", "values(\"filepath\")"),
        world.value("trip", &format!("{view}.values(\"filepath\")"))
    );
    assert_eq!(world.value("last", "sum(\"n\")"), json!(3));
    world.ok("query trip 'limit(1).clone(\"one\")'");
    assert_eq!(world.count("one"), 1);
}
