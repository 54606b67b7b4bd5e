//! A query's answer is a table for people, or JSON, CSV or ids for programs; many queries can be asked from a file.

use serde_json::{Value as Json, json};

use crate::fixtures;

#[test]
fn a_view_is_json_with_the_fields_but_not_the_vectors() {
    let world = fixtures::points();
    let answer = world.query("points", "limit(2)");
    assert_eq!(answer["kind"], "view");
    assert_eq!(answer["dataset"], "points");
    assert_eq!(answer["count"], 2);
    let samples = answer["samples"].as_array().expect("samples");
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let id = sample["id"].as_str().expect("an id");
        assert!(
            id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(sample["tags"], json!([]));
        assert!(sample.get("embedding").is_none(), "{sample}");
    }
}

#[test]
fn a_value_is_json_with_what_was_skipped() {
    let world = fixtures::points();
    assert_eq!(
        world.query("points", "count()"),
        json!({ "kind": "value", "value": 90, "skipped": 0 })
    );
}

#[test]
fn ids_are_one_a_line() {
    let world = fixtures::points();
    let ran = world.ok("query points 'limit(3)' --ids");
    let samples = world.samples("points", "limit(3)");
    let ids: Vec<&str> = samples
        .iter()
        .map(|s| s["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), ids);
}

#[test]
fn csv_has_a_header_and_a_line_a_sample() {
    let world = fixtures::trip();
    let ran = world
        .ok("query trip 'sort_by(\"filepath\").select_fields([\"filepath\", \"label\"])' --csv");
    let mut lines = ran.stdout.lines();
    let header = lines.next().expect("a header");
    assert!(header.split(',').any(|name| name == "filepath"), "{header}");
    assert_eq!(lines.count(), 12, "{ran}");
}

#[test]
fn a_table_fits_and_ends_with_the_count() {
    let world = fixtures::trip();
    let ran = world.ok("query trip 'limit(3)'");
    assert!(ran.stdout.contains("filepath"), "{ran}");
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "no colour without a terminal: {ran}"
    );
}

#[test]
fn a_file_of_queries_gives_one_answer_a_line() {
    let world = fixtures::points();
    world.write(
        "asked.txt",
        "count()\n# a comment\n\nlimit(1)\nmatch(F(\"nothing\") == 1)\ncount(\"tags\")\n",
    );
    let ran = world.run("query points --file asked.txt");
    let answers: Vec<Json> = ran
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}\n{ran}")))
        .collect();
    assert_eq!(answers.len(), 4, "{ran}");
    assert_eq!(answers[0]["value"], 90);
    assert_eq!(answers[1]["kind"], "view");
    assert_eq!(answers[2]["error"]["code"], "unknown-field");
    assert_eq!(answers[3]["value"], 0);
    assert_eq!(ran.code, 1, "one of them was wrong: {ran}");
}

#[test]
fn numbers_come_back_as_they_went_in() {
    let world = fixtures::points();
    world.write("x.csv", "id,x\n");
    let id = world.samples("points", "limit(1)")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.write("x.json", json!({ id: 0.1 + 0.2 }).to_string());
    world.ok("set-values points x x.json --key id");
    assert_eq!(
        world.samples("points", "exists(\"x\")")[0]["x"],
        json!(0.300_000_000_000_000_04)
    );
}
