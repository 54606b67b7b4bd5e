//! Promise: what is exported is whole, stays inside its target, overwrites nothing, and can be read by others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryArray,
    FixedSizeListArray, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Float32Type, Int32Type};
use messier_engine::Error;
use messier_engine::context::{Context, Stop};
use messier_engine::exchange::export::exporter;
use messier_engine::exchange::vectors::read_vectors;
use messier_engine::exchange::{EXPORTERS, Exported, Rows};
use messier_query::signature::{Arg, Args};
use messier_store::{Field, FieldType, Schema, StructKind};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::world::{World, args};

/// Columns in memory.
struct Table {
    schema: Schema,
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Table {
    fn new(columns: Vec<(Field, ArrayRef)>) -> Table {
        let rows = columns[0].1.len();
        let (fields, columns) = columns.into_iter().unzip();
        Table {
            schema: Schema { fields },
            columns,
            rows,
        }
    }

    /// Samples with these paths and groups.
    fn grouped(samples: &[(&Path, Option<&str>)]) -> Table {
        let paths: StringArray = samples.iter().map(|(path, _)| path.to_str()).collect();
        let groups: DictionaryArray<Int32Type> = samples.iter().map(|(_, group)| *group).collect();
        Table::new(vec![
            (Field::new("id", FieldType::Id), ids(samples.len())),
            (Field::new("filepath", FieldType::Text), Arc::new(paths)),
            (Field::new("k", FieldType::Text), Arc::new(groups)),
        ])
    }
}

impl Rows for Table {
    fn len(&self) -> usize {
        self.rows
    }
    fn schema(&self) -> &Schema {
        &self.schema
    }
    fn column(&self, field: &str) -> Result<ArrayRef, Error> {
        let at = self
            .schema
            .fields
            .iter()
            .position(|known| known.name == field);
        at.map(|at| Arc::clone(&self.columns[at]))
            .ok_or_else(|| Error::Input(format!("no {field}")))
    }
}

fn ids(count: usize) -> ArrayRef {
    let ids = (0..count).map(|n| Some([n as u8; 12]));
    Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids, 12).unwrap())
}

/// One field of every type, with nulls.
fn everything() -> Table {
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
    ]);
    let vector = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        [Some([Some(0.1), Some(-2.0)]), None],
        2,
    );
    let inner = [("width", FieldType::Int), ("mime", FieldType::Text)]
        .map(|(name, ty)| Field::new(name, ty));
    let part = StructArray::try_new(
        inner.iter().map(Field::arrow).collect(),
        vec![
            Arc::new(Int64Array::from(vec![640, 0])) as ArrayRef,
            Arc::new(StringArray::from(vec!["image/png", "x"])),
        ],
        Some(vec![true, false].into()),
    );
    let when =
        TimestampMillisecondArray::from(vec![Some(1_700_000_000_123), None]).with_timezone("UTC");
    let text = DictionaryArray::<Int32Type>::from_iter([Some("a,\"b\"\nc"), None]);
    Table::new(vec![
        (Field::new("id", FieldType::Id), ids(2)),
        (
            Field::new("filepath", FieldType::Text),
            Arc::new(StringArray::from(vec!["/a", "/ä b"])),
        ),
        (Field::new("text", FieldType::Text), Arc::new(text)),
        (
            Field::new("flag", FieldType::Bool),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
        ),
        (
            Field::new("n", FieldType::Int),
            Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
        ),
        (
            Field::new("x", FieldType::Float),
            Arc::new(Float64Array::from(vec![f64::NAN, 0.1])),
        ),
        (
            Field::new("day", FieldType::Date),
            Arc::new(Date32Array::from(vec![Some(-1), Some(20_000)])),
        ),
        (Field::new("when", FieldType::DateTime), Arc::new(when)),
        (
            Field::new("list", FieldType::List(Box::new(FieldType::Int))),
            Arc::new(list),
        ),
        (
            Field::new(
                "metadata",
                FieldType::Struct(StructKind::Plain, inner.to_vec()),
            ),
            Arc::new(part.unwrap()),
        ),
        (
            Field::new("embedding", FieldType::Vector(2)),
            Arc::new(vector),
        ),
    ])
}

fn export(
    world: &World,
    format: &str,
    rows: &Table,
    target: &str,
    given: &[(&str, Arg)],
) -> Result<Exported, Error> {
    exporter(format)?.write(rows, &world.path(target), &args(given), &world.ctx)
}

fn text(value: &str) -> Arg {
    Arg::Text(value.into())
}

const FORCE: (&str, Arg) = ("force", Arg::Bool(true));

/// Every path below `folder`, sorted, `/` between parts.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(one) = open.pop() {
        for entry in fs::read_dir(&one).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else {
                found.push(
                    path.strip_prefix(folder)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/"),
                );
            }
        }
    }
    found.sort();
    found
}

#[test]
fn csv_has_a_cell_for_every_value() {
    let world = World::new();
    export(&world, "csv", &everything(), "t.csv", &[]).unwrap();
    insta::assert_snapshot!(fs::read_to_string(world.path("t.csv")).unwrap(), @r#"
    id,filepath,text,flag,n,x,day,when,list,metadata.width,metadata.mime
    000000000000000000000000,/a,"a,""b""
    c",true,9223372036854775807,NaN,1969-12-31,2023-11-14T22:13:20.123Z,"[1,null]",640,image/png
    010101010101010101010101,/ä b,,,,0.1,2024-10-04,,,,
    "#);
    export(
        &world,
        "csv",
        &everything(),
        "v.csv",
        &[("fields", Arg::List(vec![text("embedding"), text("n")]))],
    )
    .unwrap();
    assert_eq!(
        fs::read_to_string(world.path("v.csv")).unwrap(),
        "embedding,n\n\"[0.1,-2.0]\",9223372036854775807\n,\n"
    );
}

#[test]
fn jsonl_has_an_object_for_every_row() {
    let world = World::new();
    export(&world, "jsonl", &everything(), "t.jsonl", &[]).unwrap();
    insta::assert_snapshot!(fs::read_to_string(world.path("t.jsonl")).unwrap(), @r#"
    {"id":"000000000000000000000000","filepath":"/a","text":"a,\"b\"\nc","flag":true,"n":9223372036854775807,"x":"NaN","day":"1969-12-31","when":"2023-11-14T22:13:20.123Z","list":[1,null],"metadata":{"width":640,"mime":"image/png"}}
    {"id":"010101010101010101010101","filepath":"/ä b","text":null,"flag":null,"n":null,"x":0.1,"day":"2024-10-04","when":null,"list":null,"metadata":null}
    "#);
}

#[test]
fn parquet_keeps_types_and_vectors() {
    let world = World::new();
    let exported = export(&world, "parquet", &everything(), "t.parquet", &[]).unwrap();
    assert_eq!((exported.rows, exported.files), (2, 1));
    let file = fs::File::open(world.path("t.parquet")).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = builder
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .clone();
    let ours = metadata
        .iter()
        .find(|pair| pair.key == "messier.schema")
        .unwrap()
        .value
        .as_ref()
        .unwrap();
    assert_eq!(
        serde_json::from_str::<Schema>(ours).unwrap(),
        everything().schema
    );
    let batch = builder.build().unwrap().next().unwrap().unwrap();
    for (field, column) in everything().schema.fields.iter().zip(batch.columns()) {
        let expected = if field.ty == FieldType::Id {
            DataType::Utf8
        } else {
            field.ty.arrow()
        };
        assert!(
            expected.equals_datatype(column.data_type()),
            "{}: {}",
            field.name,
            column.data_type()
        );
        assert_eq!(
            column.null_count(),
            everything().column(&field.name).unwrap().null_count(),
            "{}",
            field.name
        );
    }
    assert_eq!(
        batch.column(0).as_string::<i32>().value(1),
        "010101010101010101010101"
    );
    let vectors = read_vectors(&world.path("t.parquet"), Some("embedding")).unwrap();
    assert_eq!(vectors.by_order(2).unwrap().set, 1);
}

#[test]
fn an_existing_file_is_replaced_only_by_force() {
    let world = World::new();
    for format in ["csv", "jsonl", "parquet"] {
        world.write("out", "mine");
        let problem = export(&world, format, &everything(), "out", &[])
            .unwrap_err()
            .to_string();
        assert!(
            problem.ends_with("it exists already; --force replaces it"),
            "{problem}"
        );
        assert_eq!(fs::read(world.path("out")).unwrap(), b"mine");
        export(&world, format, &everything(), "out", &[FORCE]).unwrap();
        assert_ne!(fs::read(world.path("out")).unwrap(), b"mine");
        fs::create_dir_all(world.path("folder")).unwrap();
        let problem = export(&world, format, &everything(), "folder", &[FORCE])
            .unwrap_err()
            .to_string();
        assert!(
            problem.ends_with("it exists and is a folder; name a file"),
            "{problem}"
        );
        let problem = export(&world, format, &everything(), "no/where", &[])
            .unwrap_err()
            .to_string();
        assert!(problem.ends_with("does not exist"), "{problem}");
        fs::remove_file(world.path("out")).unwrap();
    }
    assert_eq!(tree(&world.root()), Vec::<String>::new());
}

#[test]
fn an_interruption_leaves_nothing_behind() {
    let world = World::new();
    let picture = world.png("src/a.png", 1);
    let rows = Table::grouped(&[(&picture, Some("x")), (&picture, Some("y"))]);
    for exporter in EXPORTERS {
        let ctx = Context {
            stop: Stop::at_tick(1),
            ..Context::new(0)
        };
        let outcome = exporter.write(&rows, &world.path("out"), &Args::new(), &ctx);
        assert!(
            matches!(outcome, Err(Error::Cancelled(_))),
            "{}",
            exporter.signature().name
        );
        assert_eq!(tree(&world.root()), ["src/a.png"]);
    }
}

#[test]
fn pictures_lie_in_the_folder_of_their_group() {
    let world = World::new();
    let (a, b, c) = (
        world.png("src/1/a.png", 1),
        world.png("src/2/a.png", 2),
        world.png("src/c.png", 3),
    );
    let gone = world.path("src/gone.png");
    let rows = Table::grouped(&[
        (&a, Some("7")),
        (&b, Some("7")),
        (&c, Some("-1")),
        (&gone, Some("7")),
        (&c, None),
    ]);
    let exported = export(&world, "image-tree", &rows, "out", &[("by", text("k"))]).unwrap();
    assert_eq!(
        tree(&world.path("out")),
        [
            "-1/c.png",
            ".messier-export",
            "7/a-2.png",
            "7/a.png",
            "_none/c.png",
            "samples.csv"
        ]
    );
    assert_eq!(
        fs::read(world.path("out/7/a-2.png")).unwrap(),
        fs::read(&b).unwrap()
    );
    assert_eq!((exported.rows, exported.files), (4, 5));
    assert_eq!(exported.skipped.len(), 1);
    assert_eq!(exported.skipped[0].reason, "the file is not there");
    let contents = fs::read_to_string(world.path("out/samples.csv")).unwrap();
    assert!(
        contents.starts_with("file,k,id,filepath\n7/a.png,7,000000000000000000000000,/"),
        "{contents}"
    );
    assert_eq!(contents.lines().count(), 5);
}

#[test]
fn hostile_group_names_stay_inside_and_apart() {
    let world = World::new();
    let picture = world.png("src/a.png", 1);
    let long = "x".repeat(400);
    let groups = [
        "../x",
        "..",
        ".",
        "",
        "CON",
        "con",
        "a/b",
        "a\\b",
        "/etc",
        "Cat",
        "cat",
        "cat.",
        "cat ",
        "a_b",
        "samples.csv",
        ".messier-export",
        "日本",
        &long,
        "nul.txt",
        "x\0y",
        "C:",
        "~",
    ];
    let samples: Vec<(&Path, Option<&str>)> = groups
        .iter()
        .map(|group| (picture.as_path(), Some(*group)))
        .collect();
    fs::create_dir(world.path("jail")).unwrap();
    export(
        &world,
        "image-tree",
        &Table::grouped(&samples),
        "jail/out",
        &[("by", text("k"))],
    )
    .unwrap();
    assert_eq!(
        tree(&world.root())
            .iter()
            .filter(|path| !path.starts_with("jail/out/"))
            .collect::<Vec<_>>(),
        ["src/a.png"]
    );
    let pictures: Vec<String> = tree(&world.path("jail/out"))
        .into_iter()
        .filter(|path| path.ends_with("/a.png"))
        .collect();
    assert_eq!(pictures.len(), groups.len(), "{pictures:#?}");
    let folded: std::collections::HashSet<String> =
        pictures.iter().map(|path| path.to_lowercase()).collect();
    assert_eq!(folded.len(), groups.len());
    assert!(pictures.iter().all(|path| path.matches('/').count() == 1));
    assert!(
        pictures.contains(&"a_b/a.png".to_owned()) && pictures.contains(&"Cat/a.png".to_owned())
    );
}

#[cfg(unix)]
#[test]
fn media_may_be_links_or_left_out() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    let picture = world.png("src/a.png", 1);
    let rows = Table::grouped(&[(&picture, Some("g"))]);
    let with = |target: &str, media: &str| {
        export(
            &world,
            "image-tree",
            &rows,
            target,
            &[("by", text("k")), ("media", text(media))],
        )
    };
    with("sym", "symlink").unwrap();
    assert_eq!(fs::read_link(world.path("sym/g/a.png")).unwrap(), picture);
    with("hard", "hardlink").unwrap();
    assert_eq!(
        fs::metadata(world.path("hard/g/a.png")).unwrap().ino(),
        fs::metadata(&picture).unwrap().ino()
    );
    with("none", "none").unwrap();
    assert_eq!(
        tree(&world.path("none")),
        [".messier-export", "samples.csv"]
    );
    let problem = with("odd", "move").unwrap_err().to_string();
    assert!(
        problem.contains("must be one of copy, symlink, hardlink, none"),
        "{problem}"
    );
}

#[test]
fn force_replaces_an_export_and_nothing_else() {
    let world = World::new();
    let (a, b) = (world.png("src/a.png", 1), world.png("src/b.png", 2));
    let first = Table::grouped(&[(&a, Some("x"))]);
    let second = Table::grouped(&[(&b, Some("y"))]);
    let by = ("by", text("k"));
    export(
        &world,
        "image-tree",
        &first,
        "out",
        std::slice::from_ref(&by),
    )
    .unwrap();
    assert!(
        export(
            &world,
            "image-tree",
            &second,
            "out",
            std::slice::from_ref(&by)
        )
        .is_err()
    );
    export(&world, "image-tree", &second, "out", &[by.clone(), FORCE]).unwrap();
    assert_eq!(
        tree(&world.path("out")),
        [".messier-export", "samples.csv", "y/b.png"]
    );

    world.write("out/y/notes.txt", "mine");
    let problem = export(&world, "image-tree", &first, "out", &[by.clone(), FORCE])
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("holds a file that no export wrote (y/notes.txt)"),
        "{problem}"
    );
    let problem = export(&world, "image-tree", &first, "src", &[by.clone(), FORCE])
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("which is to be exported; choose another folder"),
        "{problem}"
    );
    world.write("holiday/mine.png", "x");
    assert!(
        export(
            &world,
            "image-tree",
            &first,
            "holiday",
            &[by.clone(), FORCE]
        )
        .is_err()
    );
    assert!(world.path("holiday/mine.png").is_file());
    fs::create_dir(world.path("empty")).unwrap();
    export(&world, "image-tree", &first, "empty", &[by, FORCE]).unwrap();
    let names: Vec<PathBuf> = fs::read_dir(world.root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        names
            .iter()
            .all(|path| !path.to_str().unwrap().contains(".messier-")),
        "{names:?}"
    );
}

#[test]
fn a_field_without_one_value_a_sample_cannot_name_folders() {
    let world = World::new();
    for (field, ty) in [
        ("list", "list(int)"),
        ("embedding", "vector(2)"),
        ("metadata", "struct"),
    ] {
        let problem = export(
            &world,
            "image-tree",
            &everything(),
            "out",
            &[("by", text(field))],
        )
        .unwrap_err()
        .to_string();
        assert_eq!(
            problem,
            format!("the field {field:?} is of type {ty}; folders need one value for each sample")
        );
    }
    let problem = export(
        &world,
        "csv",
        &everything(),
        "out",
        &[("fields", text("embeding"))],
    )
    .unwrap_err()
    .to_string();
    assert_eq!(
        problem,
        "there is no field called \"embeding\"; did you mean \"embedding\"?"
    );
}

#[test]
fn the_registry_is_in_order() {
    let mut names = std::collections::HashSet::new();
    for exporter in EXPORTERS {
        let signature = exporter.signature();
        assert!(
            names.insert(signature.name)
                && signature.summary.ends_with('.')
                && !signature.examples.is_empty()
        );
        assert!(
            signature
                .params
                .iter()
                .all(|param| param.doc.trim().ends_with('.')),
            "{}",
            signature.name
        );
    }
    assert_eq!(
        exporter("jsnol").err().unwrap().to_string(),
        "there is no export format called \"jsnol\"; did you mean \"jsonl\"?"
    );
}
