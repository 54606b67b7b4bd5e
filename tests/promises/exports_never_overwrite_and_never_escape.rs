//! An export is complete and reads back elsewhere, leaves what is already there alone, and stays inside its target.

use std::fs;

use serde_json::{Value as Json, json};

use crate::fixtures;
use crate::pictures::Kind;
use crate::world::World;

#[test]
fn an_image_tree_has_a_folder_for_each_value() {
    let world = fixtures::trip();
    world.ok("export trip --format image-tree --by label out");
    let files = world.files("out");
    assert_eq!(
        files.iter().filter(|f| f.starts_with("disc/")).count(),
        4,
        "{files:?}"
    );
    assert_eq!(
        files.iter().filter(|f| f.ends_with(".png")).count(),
        12,
        "{files:?}"
    );
}

#[test]
fn a_view_limits_what_is_exported() {
    let world = fixtures::trip();
    world.ok("export trip --view 'match(F(\"label\") == \"disc\")' --format jsonl out.jsonl");
    assert_eq!(world.read("out.jsonl").lines().count(), 4);
}

#[test]
fn lines_of_json_are_the_samples() {
    let world = fixtures::trip();
    world.ok("export trip --format jsonl out.jsonl");
    let lines: Vec<Json> = world
        .read("out.jsonl")
        .lines()
        .map(|l| serde_json::from_str(l).expect("a document a line"))
        .collect();
    let samples = world.samples("trip", "");
    assert_eq!(lines.len(), 12);
    for (line, sample) in lines.iter().zip(&samples) {
        assert_eq!(line["id"], sample["id"]);
        assert_eq!(line["label"], sample["label"]);
    }
}

#[test]
fn csv_reads_back_with_its_quotes() {
    let world = World::new();
    world.picture("p/with, comma and \"quotes\".png", Kind::Disc, 0);
    world.ok("import p --name p");
    world.ok("export p --format csv out.csv");
    let text = world.read("out.csv");
    assert!(
        text.lines()
            .next()
            .is_some_and(|h| h.split(',').any(|c| c == "filepath")),
        "{text}"
    );
    assert!(
        text.contains("with, comma and \"\"quotes\"\".png\""),
        "{text}"
    );
}

#[test]
fn parquet_reads_back_with_its_vectors() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let world = fixtures::points();
    world.ok("export points --format parquet out.parquet");
    let file = fs::File::open(world.path("out.parquet")).expect("the file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("a Parquet file")
        .build()
        .expect("a reader");
    let batches: Vec<_> = reader.map(|b| b.expect("a batch")).collect();
    assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 90);
    let schema = batches[0].schema();
    for name in ["id", "embedding", "tags"] {
        assert!(
            schema.field_with_name(name).is_ok(),
            "{name} is missing: {schema}"
        );
    }
}

#[test]
fn an_existing_target_is_left_alone_without_force() {
    let world = fixtures::trip();
    world.write("out.csv", "mine");
    let error = world.refused("export trip --format csv out.csv", 1);
    assert!(error.to_string().contains("--force"), "{error}");
    assert_eq!(world.read("out.csv"), "mine");
    world.ok("export trip --format csv out.csv --force");
    assert_ne!(world.read("out.csv"), "mine");

    world.write("tree/mine.txt", "mine");
    world.refused("export trip --format image-tree --by label tree", 1);
    assert_eq!(world.files("tree"), ["mine.txt"]);
}

#[test]
fn a_hostile_group_name_stays_inside_the_target() {
    let world = fixtures::trip();
    let samples = world.samples("trip", "");
    let names = [
        "../escaped",
        "/absolute",
        "CON",
        "a/b",
        "..",
        ".",
        "",
        "nul.txt",
        "x\u{0}y",
        "trailing. ",
        "c:\\d",
    ];
    let values: serde_json::Map<String, Json> = samples
        .iter()
        .zip(names)
        .map(|(s, name)| (s["id"].as_str().expect("an id").to_owned(), json!(name)))
        .collect();
    world.write("names.json", Json::from(values).to_string());
    world.ok("set-values trip group names.json --key id");
    fs::create_dir(world.path("deep")).expect("a folder");
    world.ok("export trip --format image-tree --by group deep/out");
    assert_eq!(
        world
            .files("deep")
            .iter()
            .filter(|f| !f.starts_with("out/"))
            .count(),
        0
    );
    assert!(!world.path("escaped").exists() && !world.path("deep/escaped").exists());
    let files = world.files("deep/out");
    assert_eq!(
        files.iter().filter(|f| f.ends_with(".png")).count(),
        12,
        "{files:?}"
    );
    for file in &files {
        assert!(
            !file
                .split('/')
                .any(|part| part == ".." || part.eq_ignore_ascii_case("con")),
            "{file}"
        );
        assert!(file.matches('/').count() <= 1, "one folder a group: {file}");
    }
}

#[test]
fn names_that_clash_get_a_suffix() {
    let world = World::new();
    world.picture("p/a/same.png", Kind::Disc, 0);
    world.picture("p/b/same.png", Kind::Disc, 1);
    world.picture("p/c/SAME.png", Kind::Disc, 2);
    world.ok("import p --name p --recursive --tags all");
    world.ok("export p --format image-tree out");
    let files: Vec<String> = world
        .files("out")
        .into_iter()
        .filter(|f| f.to_lowercase().ends_with(".png"))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let mut lower: Vec<String> = files.iter().map(|f| f.to_lowercase()).collect();
    lower.sort();
    lower.dedup();
    assert_eq!(lower.len(), 3, "also where case does not count: {files:?}");
}

#[cfg(unix)]
#[test]
fn media_are_copied_linked_or_left() {
    use std::os::unix::fs::MetadataExt;
    let world = fixtures::trip();
    let first_png = |folder: &str| {
        let file = world
            .files(folder)
            .into_iter()
            .find(|f| f.ends_with(".png"))
            .expect("a picture");
        world.path(folder).join(file)
    };
    for (media, check) in [
        (
            "copy",
            (|m: &fs::Metadata| m.is_file() && m.nlink() == 1) as fn(&fs::Metadata) -> bool,
        ),
        ("symlink", |m| m.file_type().is_symlink()),
    ] {
        world.ok(&format!(
            "export trip --format image-tree --by label --media {media} {media}"
        ));
        let path = first_png(media);
        assert!(
            check(&fs::symlink_metadata(&path).expect("metadata")),
            "{media}"
        );
        assert!(
            fs::metadata(&path)
                .expect("the picture behind it")
                .is_file()
        );
    }
}

#[test]
fn a_picture_that_is_gone_is_named_and_the_rest_is_exported() {
    let world = World::new();
    world.picture("p/a.png", Kind::Disc, 0);
    world.picture("p/b.png", Kind::Disc, 1);
    world.ok("import p --name p");
    fs::remove_file(world.path("p/a.png")).expect("removed");
    let ran = world.run("export p --format image-tree out");
    assert!(ran.stderr.contains("a.png"), "{ran}");
    assert!(
        world.files("out").iter().any(|f| f.ends_with("b.png")),
        "{ran}"
    );
}
