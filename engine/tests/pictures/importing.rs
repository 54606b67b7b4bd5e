//! Promise: a folder becomes samples, each oddity has one clear outcome, and importing again adds only what is new.

use std::collections::HashSet;
use std::fs;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use image::ImageFormat;
use messier_engine::Error;
use messier_engine::context::{Context, Stop};
use messier_engine::exchange::import::importer;
use messier_engine::exchange::{IMPORTERS, Imported};
use messier_query::signature::{Arg, Args};

use crate::world::{World, args, column, encoded, jpeg_turned, names, picture, texts};

fn import(world: &World, format: &str, source: &str, args: &Args) -> Result<Imported, Error> {
    let source = world.path(source);
    importer(Some(format), &source)?.read(&source, args, &|_| false, &world.ctx)
}

fn folder(world: &World, pairs: &[(&str, Arg)]) -> Imported {
    import(world, "image-folder", "", &args(pairs)).unwrap()
}

const YES: Arg = Arg::Bool(true);

#[test]
fn a_folder_of_pictures_has_paths_metadata_and_hashes() {
    let world = World::new();
    let turned = world.write("a.jpg", jpeg_turned(&picture(30, 20, 1), 6));
    world.png("b.png", 2);
    world.write("notes.txt", "no picture");
    let imported = folder(
        &world,
        &[(
            "tags",
            Arg::List(vec![Arg::Text("night".into()), Arg::Text("raw".into())]),
        )],
    );
    assert_eq!(names(&world, &imported), ["a.jpg", "b.png"]);
    assert_eq!((imported.report.added, imported.report.ignored), (2, 1));
    let metadata = column(&imported, "metadata").as_struct();
    let int = |name: &str| {
        metadata
            .column_by_name(name)
            .unwrap()
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    };
    assert_eq!(
        (int("width"), int("height"), int("num_channels")),
        (vec![20, 8], vec![30, 6], vec![3, 3])
    );
    assert_eq!(
        int("size_bytes")[0] as u64,
        fs::metadata(&turned).unwrap().len()
    );
    let hashes = texts(column(&imported, "content_hash"));
    assert_eq!(
        hashes[0].as_deref().unwrap(),
        blake3::hash(&fs::read(&turned).unwrap()).to_hex().as_str()
    );
    let tags = column(&imported, "tags").as_list::<i32>();
    assert_eq!(
        texts(&tags.value(1)),
        [Some("night".into()), Some("raw".into())]
    );
}

#[test]
fn folders_below_are_for_recursive_imports_and_name_labels() {
    let world = World::new();
    world.png("root.png", 1);
    world.png("cat/1.png", 2);
    world.png("cat/deep/2.png", 3);
    assert_eq!(names(&world, &folder(&world, &[])), ["root.png"]);
    let all = folder(&world, &[("recursive", YES), ("label_from_folder", YES)]);
    assert_eq!(
        names(&world, &all),
        ["cat/1.png", "cat/deep/2.png", "root.png"]
    );
    assert_eq!(
        texts(column(&all, "label")),
        [Some("cat".into()), Some("deep".into()), None]
    );
    let tree = import(&world, "class-tree", "", &Args::new()).unwrap();
    assert_eq!(
        texts(column(&tree, "label")),
        [Some("cat".into()), Some("cat".into()), None]
    );
}

#[test]
fn importing_again_adds_only_what_is_new() {
    let world = World::new();
    world.png("a.png", 1);
    let first = folder(&world, &[]);
    let known: HashSet<String> = texts(column(&first, "filepath"))
        .into_iter()
        .flatten()
        .collect();
    world.png("b.png", 2);
    let source = world.root();
    let again = |known: &HashSet<String>| {
        importer(None, &source)
            .unwrap()
            .read(
                &source,
                &Args::new(),
                &|path| known.contains(path),
                &world.ctx,
            )
            .unwrap()
    };
    let second = again(&known);
    assert_eq!(names(&world, &second), ["b.png"]);
    assert_eq!((second.report.added, second.report.already), (1, 1));
    let all = known
        .into_iter()
        .chain(texts(column(&second, "filepath")).into_iter().flatten())
        .collect();
    let third = again(&all);
    assert!(third.columns.is_empty());
    assert_eq!((third.report.added, third.report.already), (0, 2));
}

#[test]
fn a_broken_picture_is_skipped_or_kept_and_reported_either_way() {
    let world = World::new();
    world.png("fine.png", 1);
    world.write("broken.jpg", "no picture at all");
    world.write("empty.png", "");
    world.write("phone.heic", "whatever");
    let skipping = folder(&world, &[]);
    assert_eq!(names(&world, &skipping), ["fine.png"]);
    let reasons: Vec<&str> = skipping
        .report
        .skipped
        .iter()
        .map(|s| s.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "this is not a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM picture",
            "the file is empty",
            "HEIC pictures cannot be read; convert it to JPEG or PNG",
        ]
    );
    let keeping = folder(&world, &[("keep_broken", YES)]);
    assert_eq!(
        names(&world, &keeping),
        ["broken.jpg", "empty.png", "fine.png"]
    );
    assert_eq!(keeping.report.kept_broken.len(), 2);
    let metadata = column(&keeping, "metadata");
    assert_eq!(
        (
            metadata.is_null(0),
            metadata.is_null(1),
            metadata.is_null(2)
        ),
        (true, true, false)
    );
    let both = import(
        &world,
        "image-folder",
        "",
        &args(&[("keep_broken", YES), ("skip_broken", YES)]),
    );
    assert!(both.unwrap_err().to_string().contains("exclude each other"));
}

#[test]
fn hidden_names_are_passed_over() {
    let world = World::new();
    world.png(".hidden.png", 1);
    world.png(".folder/a.png", 2);
    world.png("seen.png", 3);
    assert_eq!(
        names(&world, &folder(&world, &[("recursive", YES)])),
        ["seen.png"]
    );
}

#[test]
fn an_empty_folder_and_a_missing_one_are_sentences() {
    let world = World::new();
    fs::create_dir(world.path("empty")).unwrap();
    let problem = import(&world, "image-folder", "empty", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(
        problem.ends_with("there are no pictures in this folder"),
        "{problem}"
    );
    world.png("outer/inner/a.png", 1);
    let problem = import(&world, "image-folder", "outer", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(
        problem.ends_with("the folder in it was not searched (--recursive does)"),
        "{problem}"
    );
    let problem = import(&world, "image-folder", "nowhere", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(
        problem.ends_with("cannot be opened: it is not there"),
        "{problem}"
    );
    world.png("file.png", 1);
    let problem = import(&world, "image-folder", "file.png", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(problem.ends_with("this is not a folder"), "{problem}");
}

#[test]
fn a_folder_that_vanishes_midway_adds_nothing() {
    let world = World::new();
    for seed in 0..3 {
        world.png(&format!("trip/{seed}.png"), seed);
    }
    let trip = world.path("trip");
    // Asked about the first path, the folder goes away: after the listing, before the files are opened.
    let vanish = |_: &str| {
        let _ = fs::remove_dir_all(&trip);
        false
    };
    let problem = importer(None, &trip)
        .unwrap()
        .read(&trip, &Args::new(), &vanish, &world.ctx)
        .unwrap_err();
    assert!(
        problem
            .to_string()
            .ends_with("the folder vanished while it was read; nothing was added"),
        "{problem}"
    );
}

#[test]
fn a_file_that_vanishes_midway_is_skipped_even_when_broken_ones_are_kept() {
    let world = World::new();
    let gone = world.png("gone.png", 1);
    world.png("stays.png", 2);
    let source = world.root();
    let vanish = |_: &str| {
        let _ = fs::remove_file(&gone);
        false
    };
    let keep = args(&[("keep_broken", YES)]);
    let imported = importer(None, &source)
        .unwrap()
        .read(&source, &keep, &vanish, &world.ctx)
        .unwrap();
    assert_eq!(names(&world, &imported), ["stays.png"]);
    assert_eq!(
        imported.report.skipped[0].reason,
        "the file vanished while the folder was read"
    );
}

#[cfg(unix)]
#[test]
fn two_names_for_one_file_are_two_samples_and_reported() {
    let world = World::new();
    let a = world.png("a.png", 1);
    fs::hard_link(&a, world.path("b.png")).unwrap();
    std::os::unix::fs::symlink(&a, world.path("c.png")).unwrap();
    world.png("copy.png", 1);
    let imported = folder(&world, &[]);
    assert_eq!(
        names(&world, &imported),
        ["a.png", "b.png", "c.png", "copy.png"]
    );
    let same: Vec<(&str, &str)> = imported
        .report
        .same_file
        .iter()
        .map(|s| (s.path.as_str(), s.reason.as_str()))
        .collect();
    let (b, c) = (world.path("b.png"), world.path("c.png"));
    assert_eq!(
        same,
        [
            (b.to_str().unwrap(), a.to_str().unwrap()),
            (c.to_str().unwrap(), a.to_str().unwrap())
        ]
    );
    let hashes: HashSet<_> = texts(column(&imported, "content_hash"))
        .into_iter()
        .collect();
    assert_eq!(hashes.len(), 1);
}

#[cfg(unix)]
#[test]
fn loops_of_links_end_and_each_folder_is_read_once() {
    use std::os::unix::fs::symlink;
    let world = World::new();
    world.png("real/a.png", 1);
    symlink(world.root(), world.path("real/up")).unwrap();
    symlink(world.path("real"), world.path("alias")).unwrap();
    symlink(world.path("self"), world.path("self")).unwrap();
    symlink(world.path("nowhere.png"), world.path("dangling.png")).unwrap();
    let imported = folder(&world, &[("recursive", YES)]);
    assert_eq!(names(&world, &imported), ["real/a.png"]);
    assert_eq!(imported.report.skipped.len(), 1);
    assert_eq!(imported.report.skipped[0].reason, "the link leads nowhere");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_and_files_that_are_no_files_are_skipped() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    world.png("fine.png", 1);
    fs::write(
        world
            .root()
            .join(std::ffi::OsStr::from_bytes(b"bad\xFF.png")),
        "x",
    )
    .unwrap();
    std::os::unix::net::UnixListener::bind(world.path("socket.png")).unwrap();
    let imported = folder(&world, &[]);
    assert_eq!(names(&world, &imported), ["fine.png"]);
    let reasons: Vec<&str> = imported
        .report
        .skipped
        .iter()
        .map(|s| s.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "its name is not UTF-8 text, which a filepath has to be; rename it",
            "this is not a regular file"
        ]
    );
}

#[test]
fn an_interrupted_import_gives_nothing() {
    let world = World::new();
    for seed in 0..5 {
        world.png(&format!("{seed}.png"), seed);
    }
    let source = world.root();
    let mut finished = false;
    for fuse in 1..20 {
        let ctx = Context {
            stop: Stop::at_tick(fuse),
            ..Context::new(0)
        };
        match importer(None, &source)
            .unwrap()
            .read(&source, &Args::new(), &|_| false, &ctx)
        {
            Err(Error::Cancelled(_)) => assert!(!finished),
            Ok(imported) => {
                assert_eq!(imported.report.added, 5);
                finished = true;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(finished);
}

#[test]
fn a_csv_gives_pictures_and_typed_fields() {
    let world = World::new();
    world.png("pics/a.png", 1);
    world.png("pics/b.png", 2);
    world.png("pics/c.png", 3);
    world.write("labels.csv", "filepath,label,score,n,ok,code,tags,id\npics/a.png,cat,0.5,1,True,007,\"x;y\",1\npics/b.png,,2,2,false,010,,2\npics/missing.png,dog,1,3,true,1,,3\npics/c.png,\"do\ng\",1e3,4,true,9,\"[\"\"z\"\"]\",4\npics/a.png,cat,0,5,true,1,,5\n");
    let imported = import(&world, "csv", "labels.csv", &Args::new()).unwrap();
    assert_eq!(
        names(&world, &imported),
        ["pics/a.png", "pics/b.png", "pics/c.png"]
    );
    let types: Vec<String> = imported
        .columns
        .iter()
        .map(|(field, _)| format!("{}: {}", field.name, field.ty))
        .collect();
    assert_eq!(
        types,
        [
            "filepath: string",
            "metadata: Metadata",
            "content_hash: string",
            "label: string",
            "score: float",
            "n: int",
            "ok: bool",
            "code: string",
            "tags: list(string)",
        ]
    );
    assert_eq!(
        texts(column(&imported, "label")),
        [Some("cat".into()), None, Some("do\ng".into())]
    );
    assert_eq!(
        column(&imported, "n").as_primitive::<Int64Type>().values(),
        &[1, 2, 4]
    );
    let tags = column(&imported, "tags").as_list::<i32>();
    assert_eq!(texts(&tags.value(0)), [Some("x".into()), Some("y".into())]);
    let reasons: Vec<&str> = imported
        .report
        .skipped
        .iter()
        .map(|s| s.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "row 5 names it again; the first row counts",
            "the file vanished while the folder was read"
        ]
    );
    assert_eq!(
        world.notes(),
        ["the column \"id\" was not taken over: the program computes it itself"]
    );
}

#[test]
fn jsonl_keeps_the_types_it_has() {
    let world = World::new();
    world.png("a.png", 1);
    world.png("b.png", 2);
    world.write("s.jsonl", "{\"filepath\": \"a.png\", \"tags\": [\"t\"], \"box\": {\"x\": 1, \"y\": 2.5}, \"l\": [1, 2]}\n\n{\"filepath\": \"b.png\", \"l\": [], \"s\": \"NaN\"}\n");
    let imported = import(&world, "jsonl", "s.jsonl", &Args::new()).unwrap();
    let types: Vec<String> = imported
        .columns
        .iter()
        .skip(3)
        .map(|(field, _)| format!("{}: {}", field.name, field.ty))
        .collect();
    assert_eq!(
        types,
        [
            "tags: list(string)",
            "box: struct",
            "l: list(int)",
            "s: string"
        ]
    );
    assert!(column(&imported, "box").is_null(1));
    world.write(
        "mixed.jsonl",
        "{\"filepath\": \"a.png\", \"x\": 1}\n{\"filepath\": \"b.png\", \"x\": \"one\"}\n",
    );
    let problem = import(&world, "jsonl", "mixed.jsonl", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(
        problem.ends_with("column \"x\": a number beside a text (first in row 2)"),
        "{problem}"
    );
    world.write("bad.jsonl", "{\"filepath\": \"a.png\"}\n{oops\n");
    let problem = import(&world, "jsonl", "bad.jsonl", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(problem.contains("line 2: this is not JSON"), "{problem}");
}

#[test]
fn tables_without_paths_are_refused() {
    let world = World::new();
    for (name, text, sentence) in [
        (
            "nopath.csv",
            "file,label\na.png,x\n",
            "there is no column \"filepath\" with the pictures' paths; there are file, label",
        ),
        (
            "ragged.csv",
            "filepath,label\na.png\n",
            "not a well-formed CSV file",
        ),
        (
            "twice.csv",
            "filepath,a,a\nx,1,2\n",
            "two columns are called \"a\"",
        ),
        ("empty.csv", "", "the file has no header line"),
        (
            "hole.csv",
            "filepath,a\n,1\n",
            "row 1: filepath holds no path",
        ),
    ] {
        world.write(name, text);
        let problem = import(&world, "csv", name, &Args::new())
            .unwrap_err()
            .to_string();
        assert!(problem.contains(sentence), "{problem}");
    }
    world.write("latin1.csv", b"filepath,a\nx.png,\xE9\n");
    let problem = import(&world, "csv", "latin1.csv", &Args::new())
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("this is not UTF-8 text (byte 17)"),
        "{problem}"
    );
}

#[test]
fn the_registry_is_in_order() {
    let mut names = HashSet::new();
    for importer in IMPORTERS {
        let signature = importer.signature();
        assert!(names.insert(signature.name));
        assert!(signature.summary.ends_with('.') && !signature.examples.is_empty());
        assert!(
            signature
                .params
                .iter()
                .all(|param| param.doc.trim().ends_with('.')),
            "{}",
            signature.name
        );
    }
    let world = World::new();
    let problem = importer(Some("csvs"), &world.root())
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        problem,
        "there is no import format called \"csvs\"; did you mean \"csv\"?"
    );
    assert!(importer(None, &world.path("x.zip")).is_err());
    let unknown = import(&world, "csv", "", &args(&[("colour", Arg::Int(1))])).unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("`colour` is not a parameter here"),
        "{unknown}"
    );
}

#[test]
fn the_demo_unpacks_with_its_labels() {
    let world = World::new();
    let demo = messier_engine::exchange::demo::unpack(&world.path("demo"), &world.ctx).unwrap();
    assert!(demo.pictures.len() > 1800, "{}", demo.pictures.len());
    let dog = demo
        .pictures
        .iter()
        .find(|picture| picture.name == "dog face")
        .unwrap();
    assert_eq!(
        (dog.group.as_str(), dog.subgroup.as_str()),
        ("Animals & Nature", "animal-mammal")
    );
    let about = messier_engine::decode::header(&dog.path).unwrap();
    assert_eq!((about.width, about.height), (64, 64));
    let again = messier_engine::exchange::demo::unpack(&world.path("demo"), &world.ctx).unwrap();
    assert_eq!(again.pictures, demo.pictures);
    let encoded = encoded(&picture(2, 2, 0).into(), ImageFormat::Png);
    assert_ne!(fs::read(&dog.path).unwrap(), encoded);
}
