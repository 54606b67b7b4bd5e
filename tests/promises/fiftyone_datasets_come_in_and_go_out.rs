//! A dataset exported by FiftyOne comes in whole, and one exported for FiftyOne holds the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::world::World;

/// The album that FiftyOne exported, copied into the world.
pub fn album(world: &World) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/fixtures/fiftyone/album");
    for name in ["metadata.json", "samples.json"] {
        world.write(
            &format!("album/{name}"),
            std::fs::read(fixture.join(name)).expect("a fixture"),
        );
    }
    for entry in std::fs::read_dir(fixture.join("data")).expect("the pictures") {
        let path = entry.expect("a picture").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        world.write(
            &format!("album/data/{name}"),
            std::fs::read(&path).expect("a picture"),
        );
    }
}

/// The samples of an export by id.
fn exported(world: &World, folder: &str) -> BTreeMap<String, Json> {
    let document: Json =
        serde_json::from_str(&world.read(&format!("{folder}/samples.json"))).expect("JSON");
    let samples = document["samples"].as_array().expect("a list").clone();
    samples
        .into_iter()
        .map(|sample| {
            (
                sample["_id"]["$oid"].as_str().expect("an id").to_owned(),
                sample,
            )
        })
        .collect()
}

#[test]
fn an_export_is_recognised_and_answers_what_it_was_asked_there() {
    let world = World::new();
    album(&world);
    let imported = world.json("import album --name album");
    assert_eq!(imported["added"], 30);
    let notes = imported["notes"].to_string();
    assert!(
        notes.contains("the field pose was not taken over: Keypoints"),
        "{notes}"
    );
    assert_eq!(
        world.value(
            "album",
            r#"match(F("objects.detections").filter(F("confidence") > 0.5).length() >= 2).count()"#
        ),
        json!(6)
    );
    assert_eq!(world.samples("album", r#"view("bright")"#).len(), 5);
    let again = world.ok("import album --name album");
    assert!(
        again.stderr.contains("0 added, 30 there already"),
        "{again}"
    );
}

#[test]
fn what_goes_out_is_what_came_in() {
    let world = World::new();
    album(&world);
    world.ok("import album --name album");
    let written = world.json("export album --format fiftyone out");
    assert_eq!(written["exported"]["rows"], 30);
    assert_eq!(written["exported"]["files"], 31);
    let (before, after) = (exported(&world, "album"), exported(&world, "out"));
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let fields = [
        "tags", "index", "count", "score", "ratio", "flag", "name", "title", "day", "taken",
        "_owner", "numbers", "words", "scores", "camera", "weather", "scene", "quality",
    ];
    for (id, sample) in &before {
        for field in fields {
            let given = |sample: &Json| sample.get(field).cloned().unwrap_or_default();
            assert_eq!(given(sample), given(&after[id]), "{id} {field}");
        }
    }
    let third = before
        .values()
        .find(|sample| sample["index"] == 3)
        .expect("a third");
    let path = after[third["_id"]["$oid"].as_str().expect("an id")]["filepath"]
        .as_str()
        .expect("a path");
    assert!(
        path.ends_with("album/data/03.png") && Path::new(path).is_absolute(),
        "{path}"
    );
}

#[test]
fn a_round_trip_gives_the_same_dataset() {
    let world = World::new();
    album(&world);
    world.ok("import album --name album");
    world.ok("export album --format fiftyone --media none out");
    assert_eq!(
        world.files("out"),
        [".messier-export", "metadata.json", "samples.json"]
    );
    world.ok("import out --name back");
    for query in [
        "schema()",
        r#"values("id")"#,
        r#"values("filepath")"#,
        r#"values("objects.detections.label")"#,
        r#"values(F("embedding")[2])"#,
        r#"values("weather.reviewed")"#,
        r#"count_values("tags")"#,
    ] {
        assert_eq!(
            world.value("album", query),
            world.value("back", query),
            "{query}"
        );
    }
    world.ok("rename back third");
    let refused = world.refused("export third --format fiftyone out", 1);
    assert!(
        refused["message"]
            .as_str()
            .expect("a message")
            .contains("exists already"),
        "{refused}"
    );
}

#[test]
fn a_broken_export_is_explained_and_makes_no_dataset() {
    let world = World::new();
    album(&world);
    let text = world.read("album/samples.json");
    world.write("album/samples.json", &text[..text.len() / 2]);
    let error = world.refused("import album --name album", 1);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("samples.json") && message.contains("cut off"),
        "{message}"
    );
    assert_eq!(world.json("list"), json!([]));
}
