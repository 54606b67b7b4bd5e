//! A session from files to runs: what an operator leaves behind, and what it leaves alone when it fails.

use std::fs;
use std::path::{Path, PathBuf};

use messier_engine::context::{Context, Stop};
use messier_engine::exchange::values::Key;
use messier_engine::{Error, Reply, Session};
use messier_query::signature::{Arg, Args};
use npyz::WriterBuilder;

/// Three tight groups of 2-D vectors, 30, 20 and 10 rows.
fn groups() -> Vec<[f32; 2]> {
    let centres = [(0.0, 0.0, 30), (10.0, 0.0, 20), (0.0, 10.0, 10)];
    centres
        .iter()
        .flat_map(|&(x, y, n)| {
            (0..n).map(move |i| {
                let angle = i as f32 * 2.4;
                [
                    x + angle.cos() * 0.01 * i as f32,
                    y + angle.sin() * 0.01 * i as f32,
                ]
            })
        })
        .collect()
}

fn write_npy(path: &Path, rows: &[[f32; 2]]) {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[rows.len() as u64, 2])
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(rows.iter().flatten().copied()).unwrap();
    writer.finish().unwrap();
    fs::write(path, bytes).unwrap();
}

struct World {
    dir: tempfile::TempDir,
    session: Session,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let session = Session::open(&dir.path().join("store")).unwrap();
        let world = World { dir, session };
        let file = world.file("v.npy");
        write_npy(&file, &groups());
        let args = Args::from([("field".to_owned(), Arg::Text("v".into()))]);
        world
            .session
            .import("d", &file, None, &args, true, &Context::new(51))
            .unwrap();
        world
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn answer(&self, text: &str) -> Result<Reply, Error> {
        self.session.answer("d", text, &Context::new(51))
    }

    fn value(&self, text: &str) -> serde_json::Value {
        match self.answer(text).unwrap() {
            Reply::Value(value) => value.value,
            _ => panic!("{text} gives no value"),
        }
    }

    fn run(&self, text: &str) -> messier_engine::runs::RunRecord {
        match self.answer(text).unwrap() {
            Reply::Run(record) => *record,
            _ => panic!("{text} gives no run"),
        }
    }
}

#[test]
fn an_operator_in_a_query_leaves_a_field_and_a_record() {
    let world = World::new();
    let record = world.run(r#"cluster(method="kmeans", features="v", n_clusters=3, run="k3")"#);
    let sizes: Vec<usize> = record.clusters.iter().map(|cluster| cluster.size).collect();
    assert_eq!(sizes, [30, 20, 10]);
    assert_eq!(record.params["n_clusters"], 3);
    assert_eq!(record.params["max_iter"], 300, "defaults are recorded too");
    assert_eq!(record.seed, 51);
    assert!(record.scores["silhouette"].unwrap() > 0.9);
    let counts = world.value(r#"count_values("k3")"#);
    assert_eq!(counts, serde_json::json!({"0": 30, "1": 20, "2": 10}));
    assert_eq!(world.value(r#"match(F("k3") == "2").count()"#), 10);
    assert_eq!(world.session.run_info("d", "k3").unwrap(), record);
}

#[test]
fn a_command_and_a_call_leave_the_same_record() {
    let world = World::new();
    let called = world.run(r#"limit(40).cluster(method="kmeans", n_clusters=2, run="a", seed=7)"#);
    let args = Args::from([
        ("method".to_owned(), Arg::Text("kmeans".into())),
        ("n_clusters".to_owned(), Arg::Int(2)),
        ("run".to_owned(), Arg::Text("b".into())),
        ("seed".to_owned(), Arg::Int(7)),
    ]);
    let commanded = world
        .session
        .operate("d", "cluster", &args, Some("limit(40)"), &Context::new(51))
        .unwrap();
    assert_eq!(called.params, commanded.params);
    assert_eq!(called.view, commanded.view);
    assert_eq!(called.output, commanded.output);
    assert_eq!(called.input, commanded.input);
    assert_eq!(world.value(r#"match(F("a") == None).count()"#), 20);
}

#[test]
fn a_rerun_gives_the_same_bits_and_takes_the_old_ones_place() {
    let world = World::new();
    world.run(r#"reduce(method="pca", n_components=1, run="line")"#);
    world.run(r#"cluster(method="hdbscan", features="line", min_cluster_size=5, run="h")"#);
    let again = world.session.rerun("d", "h", &Context::new(0)).unwrap();
    assert!(again.same_input && again.same_output);
    let keys: Vec<String> = world
        .session
        .runs("d")
        .unwrap()
        .into_iter()
        .map(|run| run.key)
        .collect();
    assert_eq!(keys, ["line", "h"]);
}

#[test]
fn a_run_that_is_stopped_or_fails_changes_nothing() {
    let world = World::new();
    let before = world
        .session
        .store()
        .dataset("d")
        .unwrap()
        .info()
        .unwrap()
        .generation;
    let text = r#"cluster(method="kmeans", n_clusters=3, run="k3")"#;
    for tick in 1..500 {
        let context = Context {
            stop: Stop::at_tick(tick),
            ..Context::new(51)
        };
        match world.session.answer("d", text, &context) {
            Err(Error::Cancelled(_)) => {
                let now = world
                    .session
                    .store()
                    .dataset("d")
                    .unwrap()
                    .info()
                    .unwrap()
                    .generation;
                assert_eq!(now, before);
            }
            Ok(_) => break,
            Err(other) => panic!("{other}"),
        }
    }
    for bad in [
        r#"cluster(method="kmeans", n_clusters=0, run="x")"#,
        r#"cluster(method="kmeans", n_clusters=1000, run="x")"#,
        r#"cluster(method="kmeens", run="x")"#,
        r#"cluster(method="kmeans", run="v")"#,
        r#"cluster(method="kmeans", run="a.b")"#,
        r#"cluster(method="kmeans", features="filepath", run="x")"#,
        r#"match(F("id") == "000000000000000000000000").cluster(method="kmeans", run="x")"#,
    ] {
        assert!(world.answer(bad).is_err(), "{bad}");
    }
    assert!(world.session.run_info("d", "x").is_err());
}

#[test]
fn runs_are_renamed_and_deleted_with_what_they_wrote() {
    let world = World::new();
    world.run(r#"cluster(method="kmeans", n_clusters=3, run="k3")"#);
    world.session.rename_run("d", "k3", "three").unwrap();
    assert_eq!(world.value(r#"match(F("three") == "0").count()"#), 30);
    assert!(world.answer(r#"count_values("k3")"#).is_err());
    assert_eq!(
        world.session.run_info("d", "three").unwrap().fields,
        ["three"]
    );
    world.session.delete_run("d", "three").unwrap();
    assert!(world.answer(r#"count_values("three")"#).is_err());
    assert!(world.session.runs("d").unwrap().is_empty());
    let error = world.session.delete_run("d", "three").unwrap_err();
    assert!(error.to_string().contains("three"), "{error}");
}

#[test]
fn edits_say_how_many_samples_they_changed() {
    let world = World::new();
    let tags = ["night".to_owned()];
    assert_eq!(
        world
            .session
            .tag("d", "limit(5)", &tags, true)
            .unwrap()
            .changed,
        5
    );
    assert_eq!(
        world
            .session
            .tag("d", "limit(7)", &tags, true)
            .unwrap()
            .changed,
        2
    );
    assert_eq!(world.value(r#"match_tags("night").count()"#), 7);
    assert_eq!(world.session.tag("d", "", &tags, false).unwrap().changed, 7);

    let Reply::View(view) = world.answer("limit(2)").unwrap() else {
        panic!("a view")
    };
    let ids = view.ids().unwrap();
    let csv = format!(
        "id,stars\n{},3\n{},4\nffffffffffffffffffffffff,5\n",
        ids[0], ids[1]
    );
    let file = world.file("stars.csv");
    fs::write(&file, csv).unwrap();
    let edited = world
        .session
        .set_values("d", "stars", &file, Key::Id)
        .unwrap();
    assert_eq!((edited.changed, edited.unknown.len()), (2, 1));
    assert_eq!(world.value(r#"sum("stars")"#), 7);

    assert_eq!(
        world
            .session
            .clone_dataset("d", "e", Some("skip(50)"))
            .unwrap(),
        10
    );
    assert_eq!(
        world
            .session
            .save_view(
                "d",
                "first",
                "limit(3)",
                &Default::default(),
                &Context::new(0)
            )
            .unwrap(),
        3
    );
    assert_eq!(world.value(r#"view("first").count()"#), 3);
    world.session.change_view("d", "first", Some("f")).unwrap();
    world.session.change_view("d", "f", None).unwrap();
    assert!(world.answer(r#"view("f")"#).is_err());
    assert!(world.session.drop_field("d", "id").is_err());
    world.session.rename_field("d", "stars", "rank").unwrap();
    world.session.drop_field("d", "rank").unwrap();
}

#[test]
fn an_interrupted_import_or_an_empty_one_makes_no_dataset() {
    let world = World::new();
    let empty = world.file("empty");
    fs::create_dir(&empty).unwrap();
    let error = world
        .session
        .import("new", &empty, None, &Args::new(), true, &Context::new(0))
        .unwrap_err();
    assert!(error.to_string().contains("no pictures"), "{error}");
    let context = Context {
        stop: Stop::at_tick(1),
        ..Context::new(0)
    };
    assert!(
        world
            .session
            .import_demo("new", &world.file("demo"), &context)
            .is_err()
    );
    assert!(world.session.store().dataset("new").is_err());
}

#[test]
fn imports_of_the_same_file_at_once_add_each_sample_once() {
    let world = World::new();
    let file = world.file("v.npy");
    for round in 0..5 {
        let name = format!("new{round}");
        let args = Args::from([("field".to_owned(), Arg::Text("v".into()))]);
        let start = std::sync::Barrier::new(4);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let import = || {
                start.wait();
                world
                    .session
                    .import(&name, &file, None, &args, true, &Context::new(0))
                    .unwrap()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(import)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let info = world.session.store().dataset(&name).unwrap().info();
        assert_eq!(info.unwrap().samples, 60);
        assert_eq!(outcomes.iter().map(|o| o.report.added).sum::<usize>(), 60);
        assert_eq!(outcomes.iter().filter(|o| o.created).count(), 1);
    }
}

#[test]
fn embedding_again_touches_neither_weights_nor_job_files() {
    let world = World::new();
    let run = world.run(&format!(
        r#"embed(field="w", from="{}")"#,
        world.file("v.npy").display()
    ));
    assert_eq!(run.input.rows, 60);
    let again = world.run(r#"embed(field="w")"#);
    assert_eq!(again.input.rows, 0);
    let said = |text: &str| again.notes.iter().any(|note| note.message.contains(text));
    assert!(said("nothing was computed"), "{:?}", again.notes);
    assert!(!world.session.store().dir().join("jobs").exists());
}

#[test]
fn an_index_is_used_where_it_fits_and_grows_with_the_samples() {
    let world = World::new();
    let first = world.run(r#"similarity(features="v", run="near", neighbors=20)"#);
    assert_eq!(first.scores["recall"], Some(1.0));
    assert!(first.fields.is_empty());
    let remark = "the neighbours are those of the run \"near\"";
    let used = |record: &messier_engine::runs::RunRecord| {
        record.notes.iter().any(|note| note.message == remark)
    };
    let with = world.run(r#"reduce(features="v", method="umap", run="with", n_epochs=20)"#);
    assert!(used(&with), "{:?}", with.notes);
    // Another metric, more neighbours than are kept, other samples: searched again.
    assert!(!used(&world.run(
        r#"reduce(features="v", method="umap", run="a", n_epochs=20, metric="cosine")"#
    )));
    assert!(!used(&world.run(
        r#"reduce(features="v", method="umap", run="b", n_epochs=20, n_neighbors=40)"#
    )));
    assert!(!used(&world.run(
        r#"limit(50).reduce(features="v", method="umap", run="c", n_epochs=20)"#
    )));
    let clusters = world.run(r#"cluster(features="v", method="hdbscan", run="e")"#);
    assert!(used(&clusters), "{:?}", clusters.notes);
    assert!(!used(&world.run(
        r#"cluster(features="v", method="hdbscan", run="f", min_samples=30)"#
    )));
    assert!(!used(&world.run(
        r#"cluster(features="v", method="kmeans", run="g", n_clusters=3)"#
    )));
    world.session.delete_run("d", "near").unwrap();
    let again = world.run(r#"cluster(features="v", method="hdbscan", run="h")"#);
    assert!(!used(&again));
    assert_eq!(again.output, clusters.output);
    let without = world.run(r#"reduce(features="v", method="umap", run="without", n_epochs=20)"#);
    assert!(!used(&without));
    assert_eq!(
        with.output, without.output,
        "an index changes nothing but the time"
    );
    world.run(r#"limit(52).similarity(features="v", run="near", neighbors=20)"#);
    let grown = world.run(r#"similarity(features="v", run="near", neighbors=20, overwrite=True)"#);
    assert_eq!(grown.output, first.output);
    let added = "8 samples were added to the index of 52 that was there";
    assert!(
        grown.notes.iter().any(|note| note.message == added),
        "{:?}",
        grown.notes
    );
    assert!(
        world
            .answer(r#"similarity(features="v", run="with", overwrite=True)"#)
            .is_err()
    );
}

#[test]
fn samples_that_came_later_are_placed_among_the_others() {
    let world = World::new();
    for call in [
        r#"limit(55).reduce(features="v", method="pca", run="flat")"#,
        r#"limit(55).reduce(features="v", method="umap", run="map", n_neighbors=8)"#,
        r#"limit(55).reduce(features="v", method="tsne", run="tsne", perplexity=5)"#,
        r#"limit(55).cluster(features="v", method="kmeans", n_clusters=3, run="k3")"#,
        r#"limit(55).cluster(features="v", method="hdbscan", min_cluster_size=4, run="h4")"#,
    ] {
        world.run(call);
    }
    let all = world.run(r#"reduce(features="v", method="pca", run="whole")"#);
    assert!(all.scores["explained_variance_ratio"].unwrap() > 0.99);
    for key in ["flat", "map", "tsne", "k3", "h4"] {
        let before = world.value(&format!(r#"limit(55).values("{key}")"#));
        let record = world.run(&format!(r#"place(run="{key}")"#));
        assert_eq!(record.history.len(), 1, "{key}");
        assert_eq!(record.history[0].changed, 5, "{key}");
        assert_eq!(
            world.value(&format!(r#"limit(55).values("{key}")"#)),
            before,
            "{key}"
        );
        let missing = format!(r#"exists("{key}", False).count()"#);
        assert_eq!(world.value(&missing), 0, "{key}");
        assert!(
            world.answer(&format!(r#"place(run="{key}")"#)).is_err(),
            "{key}: nothing is left"
        );
    }
    // The last ten samples are one group; five of them came later and went where the other five are.
    assert_eq!(
        world.value(r#"skip(50).distinct("k3")"#),
        serde_json::json!(["2"])
    );
    for map in ["map", "tsne", "flat"] {
        let points = world.value(&format!(r#"values("{map}")"#));
        let point =
            |row: usize| -> [f64; 2] { [0, 1].map(|axis| points[row][axis].as_f64().unwrap()) };
        let apart = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        for new in 55..60 {
            let own = (50..55)
                .map(|row| apart(point(new), point(row)))
                .fold(f64::MAX, f64::min);
            let others = (0..50)
                .map(|row| apart(point(new), point(row)))
                .fold(f64::MAX, f64::min);
            assert!(own < others, "{map} {new}: {own} {others}");
        }
    }
}
