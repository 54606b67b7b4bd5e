//! Promise: an export of FiftyOne becomes a dataset with its ids, fields, labels, vectors and views, or nothing at all.
//!
//! The album is a real export, made by `fixtures/fiftyone/build.py` with FiftyOne 1.22.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use messier_engine::context::Context;
use messier_engine::{Error, ImportOutcome, Reply, Session};
use messier_query::signature::Args;
use serde_json::{Value, json};

struct World {
    dir: tempfile::TempDir,
    session: Session,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let session = Session::open(&dir.path().join("store")).unwrap();
        World { dir, session }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn import(&self, source: &Path) -> Result<ImportOutcome, Error> {
        let context = Context::new(51);
        self.session
            .import("d", source, None, &Args::new(), true, &context)
    }

    fn value(&self, text: &str) -> Value {
        match self.session.answer("d", text, &Context::new(51)).unwrap() {
            Reply::Value(value) => value.value,
            _ => panic!("{text} gives no value"),
        }
    }

    /// An export with a few plain fields, the label `kind` where a sample has it, and the samples given.
    fn export(&self, name: &str, samples: &Value) -> PathBuf {
        let field = |name: &str, db: &str, class: &str| json!({"name": name, "db_field": db, "ftype": format!("fiftyone.core.fields.{class}")});
        let mut fields = vec![
            field("id", "_id", "ObjectIdField"),
            field("filepath", "filepath", "StringField"),
            field("n", "n", "IntField"),
            field("x", "x", "FloatField"),
            field("v", "v", "VectorField"),
        ];
        if samples[0].get("kind").is_some() {
            let mut kind = field("kind", "kind", "EmbeddedDocumentField");
            kind["embedded_doc_type"] = json!("fiftyone.core.labels.Classification");
            fields.push(kind);
        }
        let metadata = json!({"name": "small", "media_type": "image", "sample_fields": fields});
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("metadata.json"), metadata.to_string()).unwrap();
        fs::write(
            folder.join("samples.json"),
            json!({"samples": samples}).to_string(),
        )
        .unwrap();
        folder
    }

    /// The message of an import that fails, which must leave nothing.
    fn refused(&self, source: &Path) -> String {
        let message = self.import(source).unwrap_err().to_string();
        assert_eq!(self.session.store().datasets().unwrap(), []);
        message
    }
}

fn album() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fiftyone/album")
}

fn original() -> Vec<Value> {
    let text = fs::read_to_string(album().join("samples.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    document["samples"].as_array().unwrap().clone()
}

fn sample(i: u32) -> Value {
    json!({"_id": {"$oid": format!("{i:024x}")}, "filepath": format!("data/{i}.jpg"), "n": i})
}

#[test]
fn the_album_has_everything_that_has_a_place_here() {
    let world = World::new();
    let outcome = world.import(&album()).unwrap();
    assert_eq!((outcome.report.added, outcome.samples), (30, 30));
    let samples = original();
    let ids: Vec<&Value> = samples
        .iter()
        .map(|sample| &sample["_id"]["$oid"])
        .collect();
    assert_eq!(world.value(r#"values("id")"#), json!(ids));
    let schema: BTreeMap<String, String> = serde_json::from_value(world.value("schema()")).unwrap();
    insta::assert_json_snapshot!("album_schema", schema);
    let here = fs::canonicalize(album())
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let notes: Vec<String> = outcome
        .notes
        .iter()
        .map(|note| note.replace(&here, "ALBUM"))
        .collect();
    insta::assert_json_snapshot!("album_notes", notes);
    let stored = |field: &str| {
        let values = samples
            .iter()
            .map(|sample| sample.get(field).cloned().unwrap_or_default());
        Value::Array(values.collect())
    };
    for field in [
        "index", "count", "score", "flag", "name", "title", "tags", "numbers", "words",
    ] {
        assert_eq!(
            world.value(&format!("values({field:?})")),
            stored(field),
            "{field}"
        );
    }
    let confidences: Vec<Value> = samples
        .iter()
        .map(|sample| match &sample["objects"]["detections"] {
            Value::Array(boxes) => boxes
                .iter()
                .map(|b| b.get("confidence").cloned().unwrap_or_default())
                .collect(),
            _ => Value::Null,
        })
        .collect();
    assert_eq!(
        world.value(r#"values("objects.detections.confidence")"#),
        json!(confidences)
    );
    assert_eq!(
        world.value(r#"match(F("index") == 0).values("taken")"#),
        json!(["2024-02-27T22:05:07.250Z"])
    );
    assert_eq!(
        world.value(r#"match(F("index") == 0).values("day")"#),
        json!(["2024-01-30"])
    );
    assert_eq!(
        world.value(r#"match(F("index") == 2).values(F("embedding")[2])"#),
        json!([-1.0])
    );
    assert_eq!(
        world.value(r#"match(F("ratio").is_in([Infinity]) | False).count()"#),
        json!(1)
    );
    assert_eq!(
        world.value(r#"match(F("camera.lens.f") > 2).count()"#),
        json!(10)
    );
}

#[test]
fn pictures_that_are_there_are_looked_at_and_others_do_not_matter() {
    let world = World::new();
    world.import(&album()).unwrap();
    // Samples 5 and 20 came without metadata; the picture of sample 3 is missing.
    let widths = world.value(r#"match(F("index").is_in([3, 5, 20])).values("metadata.width")"#);
    assert_eq!(widths, json!([12, 8, 6]));
    assert_eq!(
        world.value(r#"match(F("content_hash") == None).values("index")"#),
        json!([3])
    );
    let first = world.value(r#"limit(1).values("filepath")"#);
    let expected = fs::canonicalize(album().join("data/00.png")).unwrap();
    assert_eq!(first, json!([expected]));
}

#[test]
fn saved_views_mean_what_they_meant() {
    let world = World::new();
    world.import(&album()).unwrap();
    let snapshot = world
        .session
        .store()
        .dataset("d")
        .unwrap()
        .snapshot()
        .unwrap();
    let views: BTreeMap<&str, &str> = snapshot
        .views()
        .iter()
        .map(|view| (view.name.as_str(), view.text.as_str()))
        .collect();
    insta::assert_json_snapshot!("album_views", views);
    let bright = snapshot
        .views()
        .iter()
        .find(|view| view.name == "bright")
        .unwrap();
    assert_eq!(bright.color.as_deref(), Some("#FF6D04"));
    assert_eq!(bright.description.as_deref(), Some("the best"));
    let best = world.value(r#"view("bright").values("score")"#);
    let mut scores: Vec<f64> = original()
        .iter()
        .filter_map(|sample| sample["score"].as_f64())
        .collect();
    scores.sort_by(f64::total_cmp);
    assert_eq!(best, json!(scores.iter().rev().take(5).collect::<Vec<_>>()));
}

#[test]
fn importing_again_adds_only_what_is_new_even_from_another_folder() {
    let world = World::new();
    let two = json!([sample(1), sample(2)]);
    world.import(&world.export("a", &two)).unwrap();
    let again = world.import(&world.path("a")).unwrap();
    assert_eq!((again.report.added, again.report.already), (0, 2));
    let moved = world.export("b", &json!([sample(1), sample(2), sample(3)]));
    let grown = world.import(&moved).unwrap();
    assert_eq!(
        (grown.report.added, grown.report.already, grown.samples),
        (1, 2, 3)
    );
    assert_eq!(world.value(r#"values("n")"#), json!([1, 2, 3]));
}

#[test]
fn labels_that_gained_attributes_are_taken_in_beside_the_old_ones() {
    let world = World::new();
    let labelled = |i: u32, attribute: &str| {
        let mut one = sample(i);
        one["kind"] = json!({"_cls": "Classification", "label": format!("k{i}"), attribute: i});
        one
    };
    let old = json!([labelled(1, "age"), labelled(2, "age")]);
    world.import(&world.export("a", &old)).unwrap();
    let new = json!([labelled(3, "height")]);
    let grown = world.import(&world.export("b", &new)).unwrap();
    assert_eq!((grown.report.added, grown.samples), (1, 3));
    let labels = world.value(r#"values("kind.label")"#);
    assert_eq!(labels, json!(["k1", "k2", "k3"]));
    assert_eq!(world.value(r#"values("kind.age")"#), json!([1, 2, null]));
    assert_eq!(
        world.value(r#"values("kind.height")"#),
        json!([null, null, 3])
    );
    // And the other way round: fewer attributes than there are.
    let plain = json!([labelled(4, "age")]);
    world.import(&world.export("c", &plain)).unwrap();
    assert_eq!(world.value(r#"values("kind.age")"#), json!([1, 2, null, 4]));
}

#[test]
fn samples_in_files_of_their_own_are_read_too() {
    let world = World::new();
    let folder = world.export("a", &json!([]));
    fs::remove_file(folder.join("samples.json")).unwrap();
    fs::create_dir(folder.join("samples")).unwrap();
    for i in [2, 1] {
        fs::write(
            folder.join(format!("samples/{i:06}-x.json")),
            sample(i).to_string(),
        )
        .unwrap();
    }
    world.import(&folder).unwrap();
    assert_eq!(world.value(r#"values("n")"#), json!([1, 2]));
}

#[test]
fn numbers_that_are_none_are_kept_in_fields_and_not_in_vectors() {
    let world = World::new();
    let nan = json!({"$numberDouble": "NaN"});
    let mut samples = [sample(1), sample(2), sample(3)];
    samples[0]["x"] = nan.clone();
    samples[1]["v"] = json!([1, 2]);
    samples[2]["v"] = json!([1, nan]);
    let outcome = world.import(&world.export("a", &json!(samples))).unwrap();
    assert_eq!(world.value(r#"values("x")"#), json!(["NaN", null, null]));
    assert_eq!(
        world.value(r#"match(F("v").exists()).values("n")"#),
        json!([2])
    );
    assert!(
        outcome.notes[0].contains("1 vectors of the field v hold NaN"),
        "{:?}",
        outcome.notes
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_half_imported() {
    let world = World::new();
    let good = world.export("good", &json!([sample(1), sample(2)]));
    let text = fs::read_to_string(good.join("samples.json")).unwrap();
    let spoilt = |name: &str, samples: &str| {
        let folder = world.export(name, &json!([]));
        fs::write(folder.join("samples.json"), samples).unwrap();
        let message = world.refused(&folder);
        message
            .rsplit_once("samples.json: ")
            .unwrap_or_else(|| panic!("{message}"))
            .1
            .to_owned()
    };
    assert!(
        spoilt("cut", &text[..text.len() - 20])
            .starts_with("the file is cut off: EOF while parsing")
    );
    assert!(
        spoilt("junk", "{\"samples\": [1]}")
            .starts_with("this is not what FiftyOne writes: invalid type: integer")
    );
    assert_eq!(spoilt("none", "{}"), "there is no list \"samples\" in it");
    assert!(
        spoilt(
            "deep",
            &format!("{{\"samples\": [{{\"a\": {}", "[".repeat(5000))
        )
        .contains("recursion limit")
    );
    let with = |name: &str, key: &str, value: Value| {
        let mut second = sample(2);
        second[key] = value;
        spoilt(name, &json!({"samples": [sample(1), second]}).to_string())
    };
    assert_eq!(
        with("type", "n", json!("7")),
        "sample 2: data/2.jpg: the field n: \"7\" stands where the declared type is int"
    );
    assert_eq!(
        with("twice", "_id", sample(1)["_id"].clone()),
        "sample 2: data/2.jpg has the id 000000000000000000000001, as sample 1 has"
    );
    assert_eq!(
        with("path", "filepath", json!("")),
        "sample 2: it has no filepath"
    );
    assert_eq!(
        with("id", "_id", json!(null)),
        "sample 2: data/2.jpg has no id"
    );
    assert_eq!(
        with("oid", "_id", json!({"$oid": "xyz"})),
        "sample 2: \"xyz\" is not a value of $oid"
    );
    let packed = json!({"$binary": {"base64": "AAAA", "subType": "00"}});
    assert!(with("zlib", "v", packed).starts_with("v: a vector cannot be read: "));
    fs::remove_file(good.join("metadata.json")).unwrap();
    let context = Context::new(51);
    let error = world
        .session
        .import("d", &good, Some("fiftyone"), &Args::new(), true, &context)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("metadata.json: cannot be opened: it is not there"),
        "{error}"
    );
}
