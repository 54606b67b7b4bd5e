//! Edits through a view, made in a store: one commit each, counted, taken back by an undo, and nothing at all where they
//! do not fit or are only rehearsed.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField};
use messier_engine::context::Context;
use messier_engine::{EditRecord, Error, Reply, Session, ViewDetails};
use messier_store::{Changes, Field, FieldType, NewDataset};
use serde_json::{Value as Json, json};

struct World {
    session: Session,
    _dir: tempfile::TempDir,
}

/// Five samples with a number and a vector.
fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::open(dir.path()).unwrap();
    let dataset = session.store().create("d", NewDataset::default()).unwrap();
    let paths = ["a", "b", "c", "d", "e"].map(|name| format!("/p/{name}.jpg"));
    let paths: ArrayRef = Arc::new(StringArray::from(paths.to_vec()));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![
        Some(1.0),
        Some(2.0),
        None,
        Some(4.0),
        Some(5.0),
    ]));
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    let flat = Arc::new(Float32Array::from_iter_values((0..10).map(|x| x as f32)));
    let vectors: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, flat, None));
    let mut changes = Changes::new();
    changes.append(vec![
        (Field::new("filepath", FieldType::Text), paths),
        (Field::new("x", FieldType::Float), numbers),
        (Field::new("v", FieldType::Vector(2)), vectors),
    ]);
    dataset.commit(changes).unwrap();
    World { session, _dir: dir }
}

impl World {
    fn answer(&self, dataset: &str, text: &str) -> Result<Reply, Error> {
        self.session.answer(dataset, text, &Context::new(51))
    }

    fn edit(&self, text: &str) -> EditRecord {
        match self.answer("d", text) {
            Ok(Reply::Edit(record)) => *record,
            Ok(_) => panic!("{text} is no edit"),
            Err(error) => panic!("{text}: {error}"),
        }
    }

    fn value_of(&self, dataset: &str, text: &str) -> Json {
        match self.answer(dataset, text) {
            Ok(Reply::Value(value)) => value.value,
            Ok(_) => panic!("{text} gives no value"),
            Err(error) => panic!("{text}: {error}"),
        }
    }

    fn value(&self, text: &str) -> Json {
        self.value_of("d", text)
    }

    fn generation(&self) -> u64 {
        self.session
            .store()
            .dataset("d")
            .unwrap()
            .info()
            .unwrap()
            .generation
    }

    fn codes(&self, text: &str) -> Vec<&'static str> {
        match self.answer("d", text) {
            Err(Error::Query { mistakes, .. }) => mistakes.0.iter().map(|one| one.code).collect(),
            Err(other) => panic!("{text}: {other:?}"),
            Ok(_) => panic!("{text} is no mistake"),
        }
    }
}

#[test]
fn each_edit_is_one_commit_and_says_what_it_changed() {
    let world = world();
    let mut generation = world.generation();
    for (text, changed, what) in [
        (r#"set_field("y", F("x") * 2).save()"#, 4, "samples"),
        (r#"limit(2).tag_samples(["a", "b"])"#, 2, "samples"),
        (r#"untag_samples("a")"#, 2, "samples"),
        (r#"limit(2).set_values("z", ["p", "q"])"#, 2, "samples"),
        (r#"set_values("x", {"/p/c.jpg": 3})"#, 1, "samples"),
        (r#"exclude_fields("z").keep_fields()"#, 1, "fields"),
        (
            r#"limit(2).save_view("first", description="two")"#,
            1,
            "views",
        ),
        (r#"match(F("x") > 4).clear()"#, 1, "samples"),
        (r#"limit(3).keep()"#, 1, "samples"),
        (r#"delete_samples("/p/a.jpg")"#, 1, "samples"),
    ] {
        let record = world.edit(text);
        assert_eq!((record.changed, record.what), (changed, what), "{text}");
        generation += 1;
        assert_eq!(world.generation(), generation, "{text}");
    }
    assert_eq!(
        world.value(r#"values("filepath")"#),
        json!(["/p/b.jpg", "/p/c.jpg"])
    );
    assert_eq!(world.value(r#"values("y")"#), json!([4.0, null]));
}

#[test]
fn an_edit_that_changes_nothing_commits_nothing() {
    let world = world();
    world.edit(r#"tag_samples("a")"#);
    let generation = world.generation();
    for text in [
        r#"tag_samples("a")"#,
        r#"untag_samples("b")"#,
        r#"set_field("x", F("x")).save()"#,
        r#"match(F("x") > 99).set_field("x", 0).save()"#,
        "keep()",
        r#"match(F("x") > 99).clear()"#,
    ] {
        assert_eq!(world.edit(text).changed, 0, "{text}");
    }
    assert_eq!(world.generation(), generation);
}

#[test]
fn a_rehearsal_counts_the_same_and_changes_nothing() {
    let world = world();
    let generation = world.generation();
    for text in [
        r#"set_field("y", F("x") * 2).save()"#,
        r#"tag_samples("a")"#,
        r#"limit(2).keep()"#,
        r#"keep_fields(["x"])"#,
        r#"sort_by("x", reverse=True).clone("e")"#,
        r#"limit(1).save_view("one")"#,
    ] {
        let rehearsed = match world.session.rehearse("d", text, &Context::new(51)) {
            Ok(Reply::Edit(record)) => *record,
            _ => panic!("{text}"),
        };
        assert!(rehearsed.dry_run);
        assert_eq!(world.generation(), generation, "{text}");
        let other = self::world();
        let done = other.edit(text);
        assert_eq!(
            EditRecord {
                dry_run: false,
                ..rehearsed
            },
            done,
            "{text}"
        );
    }
    assert_eq!(world.session.store().datasets().unwrap().len(), 1);
    let stopped = world.session.rehearse(
        "d",
        r#"reduce(method="pca", n_components=1, run="p")"#,
        &Context::new(51),
    );
    assert!(matches!(stopped, Err(Error::Input(_))));
    assert!(world.session.runs("d").unwrap().is_empty());
}

#[test]
fn an_undo_takes_back_one_edit_and_says_which() {
    let world = world();
    world.edit(r#"set_field("y", F("x") * 2).save()"#);
    world.edit(r#"limit(2).tag_samples("a")"#);
    world.edit(r#"limit(3).keep()"#);

    let rehearsed = world.session.undo("d", true).unwrap();
    let undone = world.session.undo("d", false).unwrap();
    assert!(rehearsed.dry_run && !undone.dry_run);
    assert_eq!(
        (undone.samples_restored, undone.samples, undone.changed),
        (2, 5, 2)
    );
    assert_eq!(world.value("count()"), json!(5));

    let undone = world.session.undo("d", false).unwrap();
    assert_eq!(
        (undone.fields.changed.clone(), undone.changed),
        (vec!["tags".to_owned()], 2)
    );
    assert_eq!(world.value(r#"count("tags")"#), json!(0));

    let undone = world.session.undo("d", false).unwrap();
    assert_eq!(
        (undone.fields.removed.clone(), undone.changed),
        (vec!["y".to_owned()], 4)
    );
    assert_eq!(world.codes(r#"values("y")"#), ["unknown-field"]);
    world.session.undo("d", false).unwrap();
    assert_eq!(
        world.value("count()"),
        json!(0),
        "the import was a change too"
    );
    let none = world.session.undo("d", false);
    assert!(matches!(
        none,
        Err(Error::Store(messier_store::Error::NothingToUndo { .. }))
    ));
}

#[test]
fn an_undo_names_runs_and_views() {
    let world = world();
    world
        .answer(
            "d",
            r#"reduce(method="pca", n_components=1, run="line", features="v")"#,
        )
        .unwrap();
    world.edit(r#"limit(2).save_view("first")"#);
    world.edit(r#"limit(3).save_view("first", overwrite=True)"#);
    assert_eq!(
        world.session.undo("d", false).unwrap().views.changed,
        ["first"]
    );
    assert_eq!(world.value(r#"view("first").count()"#), json!(2));
    assert_eq!(
        world.session.undo("d", false).unwrap().views.removed,
        ["first"]
    );
    let undone = world.session.undo("d", false).unwrap();
    assert_eq!(
        (undone.runs.removed, undone.fields.removed),
        (vec!["line".to_owned()], vec!["line".to_owned()])
    );
}

#[test]
fn a_clone_has_the_views_samples_order_fields_and_values() {
    let world = world();
    world
        .answer(
            "d",
            r#"reduce(method="pca", n_components=1, run="line", features="v")"#,
        )
        .unwrap();
    world.edit(r#"limit(2).save_view("first")"#);
    let made = world.edit(
        r#"exists("x").sort_by("x", reverse=True).set_field("y", F("x") * 2).exclude_fields("v").clone("e")"#,
    );
    assert_eq!((made.samples, made.name.as_deref()), (4, Some("e")));
    assert_eq!(
        world.value_of("e", r#"values(["filepath", "y"])"#),
        json!([
            ["/p/e.jpg", "/p/d.jpg", "/p/b.jpg", "/p/a.jpg"],
            [10.0, 8.0, 4.0, 2.0]
        ])
    );
    assert_eq!(
        world.value_of("e", "ids()"),
        world.value(r#"exists("x").sort_by("x", reverse=True).ids()"#)
    );
    assert_eq!(
        world.value_of("e", r#"values("created_at")"#),
        world.value(r#"exists("x").sort_by("x", reverse=True).values("created_at")"#)
    );
    let copy = world
        .session
        .store()
        .dataset("e")
        .unwrap()
        .snapshot()
        .unwrap();
    assert!(copy.schema().field("v").is_none() && copy.run("line").is_some());
    assert_eq!(copy.views().len(), 1);
    assert_eq!(copy.generation(), 1, "it was made in one commit");
    // In the dataset's own order everything but the rows left out is shared.
    world.edit(r#"match(F("x") > 1).set_field("x", 0).clone("f")"#);
    assert_eq!(world.value_of("f", r#"values("x")"#), json!([0, 0, 0]));
    world.edit(r#"exclude_fields("line").clone("g")"#);
    let copy = world
        .session
        .store()
        .dataset("g")
        .unwrap()
        .snapshot()
        .unwrap();
    assert!(
        copy.run("line").is_none(),
        "a run does not stay without its field"
    );
    assert_eq!(world.value("count()"), json!(5));
}

#[test]
fn a_clone_is_refused_where_it_cannot_be_made() {
    let world = world();
    assert_eq!(
        world.codes(r#"limit(1).concat(limit(2)).clone("e")"#),
        ["sample-twice"]
    );
    assert!(matches!(
        world.answer("d", r#"clone("d")"#),
        Err(Error::Store(messier_store::Error::DatasetExists { .. }))
    ));
    assert!(matches!(
        world.answer("d", r#"clone("../d")"#),
        Err(Error::Store(messier_store::Error::BadName { .. }))
    ));
    let bad = world
        .session
        .rehearse("d", r#"clone("")"#, &Context::new(0));
    assert!(matches!(
        bad,
        Err(Error::Store(messier_store::Error::BadName { .. }))
    ));
    assert_eq!(world.session.store().datasets().unwrap().len(), 1);
}

#[test]
fn a_scratch_dataset_can_be_cloned_from_a_view() {
    let world = world();
    world.edit(r#"limit(1).clone("scratch", persistent=False)"#);
    let info = world
        .session
        .store()
        .dataset("scratch")
        .unwrap()
        .info()
        .unwrap();
    assert!(!info.persistent);
}

#[test]
fn a_field_that_a_run_wrote_stays_as_the_run_left_it() {
    let world = world();
    world
        .answer(
            "d",
            r#"cluster(method="kmeans", n_clusters=2, run="k2", features="v")"#,
        )
        .unwrap();
    let generation = world.generation();
    for text in [
        r#"map_values("k2", {"0": "cats"}).save()"#,
        r#"set_values("k2", {"/p/a.jpg": "1"})"#,
        r#"keep_fields(["x"])"#,
    ] {
        assert_eq!(world.codes(text), ["field-of-run"], "{text}");
    }
    assert_eq!(world.generation(), generation);
    world.edit(r#"set_field("named", F("k2").map_values({"0": "cats"})).save()"#);
}

#[test]
fn values_that_could_not_be_computed_are_counted() {
    let world = world();
    let record = world.edit(r#"set_field("y", 1 / (F("x") - 2)).save()"#);
    assert_eq!((record.changed, record.skipped), (3, 1));
}

#[test]
fn a_view_that_no_longer_fits_says_why() {
    let world = world();
    world.edit(r##"match(F("x") > 2).save_view("big", color="#ff0000")"##);
    assert_eq!(world.codes(r#"limit(2).save_view("big")"#), ["view-exists"]);
    let dataset = world.session.store().dataset("d").unwrap();
    let fits = || {
        let snapshot = dataset.snapshot().unwrap();
        world.session.check_view(&snapshot, &snapshot.views()[0])
    };
    assert!(fits().is_ok());
    world.edit(r#"keep_fields(["v"])"#);
    let why = fits().unwrap_err().to_string();
    assert!(why.contains("no field called `x`"), "{why}");
    assert_eq!(world.codes(r#"view("big").count()"#), ["stale-view"]);
    let details = ViewDetails {
        overwrite: true,
        ..ViewDetails::default()
    };
    world
        .session
        .save_view("d", "big", "limit(1)", &details, &Context::new(0))
        .unwrap();
    assert!(fits().is_ok());
}

#[test]
fn edits_of_several_hands_at_once_are_all_there() {
    let world = world();
    std::thread::scope(|scope| {
        for hand in 0..4 {
            let session = world.session.clone();
            scope.spawn(move || {
                for turn in 0..5 {
                    let text = format!("tag_samples(\"{hand}-{turn}\")");
                    session.answer("d", &text, &Context::new(0)).unwrap();
                }
            });
        }
    });
    assert_eq!(
        world
            .value(r#"count_values("tags")"#)
            .as_object()
            .unwrap()
            .len(),
        20
    );
}
