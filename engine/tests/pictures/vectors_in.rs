//! Promise: other people's vectors come in exactly, or not at all with a sentence that says why.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, Float64Builder, Int32Array, LargeListBuilder, RecordBatch,
    StringArray,
};
use arrow::datatypes::Float32Type;
use messier_engine::exchange::import::importer;
use messier_engine::exchange::vectors::{VectorTable, read_vectors};
use messier_query::signature::{Arg, Args};
use parquet::arrow::ArrowWriter;

use crate::world::{World, args, column, texts};

/// A `.npy` file as NumPy writes it.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\0".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn unicode(texts: &[&str], width: usize) -> Vec<u8> {
    let cell = |text: &&str| {
        text.chars()
            .map(u32::from)
            .chain(std::iter::repeat(0))
            .take(width)
            .collect::<Vec<u32>>()
    };
    texts
        .iter()
        .flat_map(cell)
        .flat_map(u32::to_le_bytes)
        .collect()
}

fn npz(world: &World, name: &str, arrays: &[(&str, Vec<u8>)]) {
    let file = File::create(world.path(name)).unwrap();
    let mut writer = npyz::npz::NpzWriter::new(file);
    for (name, bytes) in arrays {
        let zip = writer.zip_writer();
        zip.start_file(format!("{name}.npy"), Default::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
}

fn rows(table: VectorTable) -> Vec<Vec<f32>> {
    let dims = table.dims;
    let column = table.column().unwrap();
    let flat = column
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .values()
        .to_vec();
    flat.chunks(dims).map(<[f32]>::to_vec).collect()
}

#[test]
fn every_number_type_and_order_gives_the_same_vectors() {
    let world = World::new();
    let expected = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
    let c = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let f = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
    let all = |values: &[f64; 6], write: fn(f64) -> Vec<u8>| {
        values.iter().flat_map(|&v| write(v)).collect::<Vec<u8>>()
    };
    let cases = [
        ("<f4", false, all(&c, |v| (v as f32).to_le_bytes().into())),
        (">f4", false, all(&c, |v| (v as f32).to_be_bytes().into())),
        ("<f8", true, all(&f, |v| v.to_le_bytes().into())),
        (
            "<f2",
            false,
            all(&c, |v| half::f16::from_f64(v).to_le_bytes().into()),
        ),
        ("|u1", false, all(&c, |v| vec![v as u8])),
        ("<i8", false, all(&c, |v| (v as i64).to_le_bytes().into())),
        (">i2", true, all(&f, |v| (v as i16).to_be_bytes().into())),
    ];
    for (descr, fortran, data) in cases {
        let path = world.write("v.npy", npy(descr, fortran, "(2, 3)", &data));
        assert_eq!(
            rows(read_vectors(&path, None).unwrap()),
            expected,
            "{descr}"
        );
    }
}

#[test]
fn what_cannot_be_vectors_is_said_and_where() {
    let world = World::new();
    let fine = f32s(&[1.0, 2.0, 3.0, f32::NAN]);
    let cases = [
        (
            npy("<f4", false, "(2, 2)", &fine),
            "row 1 holds NaN in dimension 1; every value must be a finite number",
        ),
        (
            npy("<f8", false, "(1, 1)", &1e300f64.to_le_bytes()),
            "row 0 holds inf in dimension 0",
        ),
        (
            npy("|O", false, "(2,)", b"\x80\x04."),
            "it holds pickled Python objects, which are never read",
        ),
        (
            npy("<c8", false, "(2, 2)", &[0; 32]),
            "its values are of type \"<c8\"",
        ),
        (
            npy("<U4", false, "(2, 2)", &[0; 64]),
            "it holds texts where numbers are needed",
        ),
        (
            npy("<f4", false, "(4,)", &fine),
            "its shape is [4]; a matrix with one row a vector is needed",
        ),
        (
            npy("<f4", false, "(2, 2, 1)", &fine),
            "its shape is [2, 2, 1]",
        ),
        (
            npy("<f4", false, "(3, 2)", &fine),
            "it is cut short: 16 bytes where its shape [3, 2] takes 24",
        ),
        (
            npy("<f4", false, "(4, 0)", &[]),
            "the vectors have no dimensions",
        ),
        (npy("<f4", false, "(0, 4)", &[]), "there are no vectors"),
        (
            npy("<f4", false, "(99999999999999, 99999999999999)", &[]),
            "is beyond all memory",
        ),
        (
            npy("<f4", false, "(9999999999, 512)", &[0; 8]),
            "it is cut short: 8 bytes",
        ),
        (
            npy("<f4", false, "(-1, 2)", &fine),
            "its header names no shape",
        ),
        (
            npy("<f4", false, &"(".repeat(5000), &fine),
            "its header names no shape",
        ),
        (b"PK not numpy".to_vec(), "it is not in NumPy's format"),
        (b"\x93NUM".to_vec(), "it is cut short"),
    ];
    for (bytes, sentence) in cases {
        let path = world.write("v.npy", bytes);
        let problem = read_vectors(&path, None).unwrap_err().to_string();
        assert!(
            problem.contains(sentence),
            "{problem} instead of {sentence}"
        );
    }
    let records =
        String::from_utf8_lossy(&npy("X", false, "(2,)", &[])).replace("'X'", "[('a', '<f4')]");
    let path = world.write("records.npy", records.replace('\u{FFFD}', "\u{93}"));
    assert!(read_vectors(&path, None).is_err());
    assert!(
        read_vectors(&world.write("v.txt", "1 2 3"), None)
            .unwrap_err()
            .to_string()
            .contains(".npy, .npz and .parquet")
    );
}

#[test]
fn an_npz_may_say_whose_vectors_they_are() {
    let world = World::new();
    let matrix = npy("<f4", false, "(2, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0]));
    let paths = npy("<U8", false, "(2,)", &unicode(&["/b.png", "/ä.png"], 8));
    npz(
        &world,
        "v.npz",
        &[("embedding", matrix.clone()), ("filepath", paths.clone())],
    );
    let table = read_vectors(&world.path("v.npz"), None).unwrap();
    assert_eq!(table.filepaths.as_deref().unwrap(), ["/b.png", "/ä.png"]);
    let order = ["/a.png", "/ä.png", "/b.png"];
    let matched = table
        .by_filepath(3, &|path| order.iter().position(|known| *known == path))
        .unwrap();
    assert_eq!((matched.set, matched.dims), (2, 2));
    assert!(matched.column.is_null(0));
    let flat = matched.column.as_fixed_size_list().value(2);
    assert_eq!(flat.as_primitive::<Float32Type>().values(), &[1.0, 2.0]);
    assert!(
        table
            .by_filepath(3, &|_| None)
            .unwrap_err()
            .to_string()
            .contains("none of the 2 filepaths")
    );
    assert!(
        table
            .by_filepath(3, &|_| Some(0))
            .unwrap_err()
            .to_string()
            .contains("is named twice")
    );

    npz(&world, "two.npz", &[("a", matrix.clone()), ("b", matrix)]);
    let problem = read_vectors(&world.path("two.npz"), None)
        .unwrap_err()
        .to_string();
    assert!(
        problem.ends_with("there are several arrays in it; name one of a, b"),
        "{problem}"
    );
    assert!(read_vectors(&world.path("two.npz"), Some("b")).is_ok());
    assert!(read_vectors(&world.path("two.npz"), Some("c")).is_err());
    let short = npy("<U8", false, "(1,)", &unicode(&["/b.png"], 8));
    npz(
        &world,
        "short.npz",
        &[
            ("v", npy("<f4", false, "(2, 1)", &f32s(&[1.0, 2.0]))),
            ("filepath", short),
        ],
    );
    let problem = read_vectors(&world.path("short.npz"), None)
        .unwrap_err()
        .to_string();
    assert!(problem.contains("1 filepaths for 2 vectors"), "{problem}");
    assert!(
        read_vectors(&world.write("no.npz", "no zip"), None)
            .unwrap_err()
            .to_string()
            .contains("not an .npz archive")
    );
}

#[test]
fn by_row_order_the_counts_must_be_equal() {
    let world = World::new();
    let path = world.write(
        "v.npy",
        npy("<f4", false, "(2, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0])),
    );
    assert_eq!(
        read_vectors(&path, None).unwrap().by_order(2).unwrap().set,
        2
    );
    let problem = read_vectors(&path, None)
        .unwrap()
        .by_order(3)
        .unwrap_err()
        .to_string();
    assert_eq!(
        problem,
        "there are 2 vectors for 3 samples; by row order the counts must be equal"
    );
    let problem = read_vectors(&path, None)
        .unwrap()
        .by_filepath(2, &|_| None)
        .unwrap_err()
        .to_string();
    assert!(problem.contains("no text column \"filepath\""), "{problem}");
}

fn parquet(world: &World, name: &str, columns: Vec<(&str, ArrayRef)>) -> std::path::PathBuf {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = world.path(name);
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn lists(rows: &[Option<&[f64]>]) -> ArrayRef {
    let mut builder = LargeListBuilder::new(Float64Builder::new());
    for row in rows {
        match row {
            Some(values) => {
                builder.values().append_slice(values);
                builder.append(true);
            }
            None => builder.append(false),
        }
    }
    Arc::new(builder.finish())
}

#[test]
fn parquet_columns_of_lists_are_vectors() {
    let world = World::new();
    let vectors = lists(&[None, Some(&[1.0, 2.0]), Some(&[3.0, 4.0])]);
    let paths: ArrayRef = Arc::new(StringArray::from(vec!["/a", "/b", "/c"]));
    let counts: ArrayRef = Arc::new(Int32Array::from(vec![7, 8, 9]));
    let path = parquet(
        &world,
        "v.parquet",
        vec![("v", vectors), ("filepath", paths), ("count", counts)],
    );
    let table = read_vectors(&path, None).unwrap();
    assert_eq!((table.len(), table.dims), (3, 2));
    assert_eq!(table.fields[0].0.ty, messier_store::FieldType::Int);
    let matched = table.by_order(3).unwrap();
    assert_eq!((matched.set, matched.column.is_null(0)), (2, true));

    let ragged = parquet(
        &world,
        "r.parquet",
        vec![("v", lists(&[Some(&[1.0, 2.0]), Some(&[3.0])]))],
    );
    let problem = read_vectors(&ragged, None).unwrap_err().to_string();
    assert!(
        problem.ends_with("row 1 has 1 dimensions where the rows before have 2"),
        "{problem}"
    );
    let none = parquet(
        &world,
        "n.parquet",
        vec![("x", Arc::new(Float32Array::from(vec![1.0])) as ArrayRef)],
    );
    assert!(
        read_vectors(&none, None)
            .unwrap_err()
            .to_string()
            .contains("no column of lists of numbers")
    );
    let bytes = std::fs::read(&path).unwrap();
    for part in 0..50 {
        let cut = world.write("cut.parquet", &bytes[..bytes.len() * part / 50]);
        assert!(read_vectors(&cut, None).is_err());
    }
}

#[test]
fn a_file_of_vectors_is_a_dataset_without_pictures() {
    let world = World::new();
    let path = world.write(
        "v.npy",
        npy(
            "<f4",
            false,
            "(3, 2)",
            &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ),
    );
    let given = args(&[
        ("field", Arg::Text("clip".into())),
        ("tags", Arg::List(vec![Arg::Text("t".into())])),
    ]);
    let name = path.to_str().unwrap();
    let known = format!("{name}#1");
    let imported = importer(None, &path)
        .unwrap()
        .read(&path, &given, &|path| path == known, &world.ctx)
        .unwrap();
    assert_eq!((imported.report.added, imported.report.already), (2, 1));
    let expected = [Some(format!("{name}#0")), Some(format!("{name}#2"))];
    assert_eq!(texts(column(&imported, "filepath")), expected);
    let clip = column(&imported, "clip").as_fixed_size_list();
    assert_eq!(
        clip.values().as_primitive::<Float32Type>().values(),
        &[1.0, 2.0, 5.0, 6.0]
    );
    let clash = args(&[("field", Arg::Text("metadata".into()))]);
    assert!(
        importer(None, &path)
            .unwrap()
            .read(&path, &clash, &|_| false, &world.ctx)
            .is_err()
    );
    let all = importer(None, &path)
        .unwrap()
        .read(&path, &Args::new(), &|_| true, &world.ctx)
        .unwrap();
    assert!(all.columns.is_empty());
}
