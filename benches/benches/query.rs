//! Questions over 1,000,000 rows: what a person waits for when they type one.
//!
//! `cargo bench -p messier-benches --bench query`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int32Array, Int64Array, ListArray, StringArray,
};
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type, Int64Type};
use criterion::{Criterion, criterion_group, criterion_main};
use messier_query::{Answer, Env, Plan, Source, Table, evaluate, parse, plan};
use messier_store::{Field, FieldType};

const ROWS: usize = 1_000_000;

/// A number that looks random, of a counter.
fn noise(i: usize) -> u64 {
    let mut x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 27)
}

fn table() -> Table {
    let clusters: Vec<String> = (0..20).map(|c| c.to_string()).collect();
    let codes: Int32Array = (0..ROWS).map(|i| Some((noise(i) % 20) as i32)).collect();
    let clusters = Arc::new(StringArray::from(clusters));
    let k20: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(codes, clusters));
    let ids = (0..ROWS).map(|i| {
        let mut id = [0u8; 12];
        id[..8].copy_from_slice(&noise(i).to_be_bytes());
        id
    });
    let ids: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(ids).expect("ids"));
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|i| {
        format!(
            "/data/{}/IMG_{i:07}.jpg",
            ["beach", "city", "forest"][i % 3]
        )
    })));
    let floats: ArrayRef = Arc::new(
        (0..ROWS)
            .map(|i| Some(noise(i) as f64 / u64::MAX as f64))
            .collect::<Float64Array>(),
    );
    let widths: ArrayRef = Arc::new(
        (0..ROWS)
            .map(|i| Some((noise(i) % 4096) as i64))
            .collect::<Int64Array>(),
    );
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
        (0..ROWS).map(|i| Some((0..noise(i) % 4).map(|x| Some(x as i64)))),
    ));
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    let share = |i: usize| (noise(i) % 20_001) as f32 / 10_000.0 - 1.0;
    let flat = Float32Array::from_iter_values((0..2 * ROWS).map(share));
    let map: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, Arc::new(flat), None));
    let list = FieldType::List(Box::new(FieldType::Int));
    Table::new(vec![
        (Field::new("id", FieldType::Id), ids),
        (Field::new("filepath", FieldType::Text), paths),
        (Field::new("k20", FieldType::Text), k20),
        (Field::new("uniqueness", FieldType::Float), floats),
        (Field::new("width", FieldType::Int), widths),
        (Field::new("boxes", list), lists),
        (Field::new("map", FieldType::Vector(2)), map),
    ])
    .expect("columns")
}

/// A condition: inside a star of 10,000 corners, drawn as a hand would, never quite regular.
fn lasso() -> String {
    let corners = (0..10_000).map(|i| {
        let angle = f64::from(i) / 10_000.0 * std::f64::consts::TAU;
        let radius =
            0.6 + 0.3 * (angle * 7.0).sin() + 0.001 * (noise(i as usize) % 100) as f64 / 100.0;
        format!("[{:.6}, {:.6}]", radius * angle.cos(), radius * angle.sin())
    });
    let corners: Vec<String> = corners.collect();
    format!("match(F(\"map\").within([{}])).count()", corners.join(", "))
}

fn planned(table: &Table, text: &str) -> Plan {
    let query = parse(text).expect("syntax");
    let env = Env {
        schema: table.schema(),
        operators: &[],
        views: &[],
    };
    plan(&query, text, &env).expect("plan")
}

fn ask(table: &Table, text: &str) -> Answer {
    evaluate(&planned(table, text), table).expect("answer")
}

fn questions(c: &mut Criterion) {
    let table = table();
    let mut group = c.benchmark_group("query 1M rows");
    for (name, text) in [
        ("filter and count", r#"match(F("k20") == "7").count()"#),
        (
            "two filters and count",
            r#"match(F("k20") == "7").match(F("width") > 640).count()"#,
        ),
        (
            "float filter and count",
            r#"match(F("uniqueness") < 0.25).count()"#,
        ),
        ("filter and ids", r#"match(F("k20") == "7").ids()"#),
        ("group-by count", r#"count_values("k20")"#),
        ("group-by count of ints", r#"count_values("width")"#),
        (
            "top 20 by a float",
            r#"sort_by("uniqueness", reverse=True).limit(20)"#,
        ),
        (
            "string contains",
            r#"match(F("filepath").contains_str("beach")).count()"#,
        ),
        (
            "list length filter",
            r#"match(F("boxes").length() >= 2).count()"#,
        ),
        (
            "filter of list values",
            r#"match(F("boxes").filter(F() > 1).length() > 0).count()"#,
        ),
        ("mean of a float", r#"mean("uniqueness")"#),
    ] {
        group.bench_function(name, |b| b.iter(|| black_box(ask(&table, text))));
    }
    let lasso = lasso();
    group.bench_function("lasso of 10,000 corners and count", |b| {
        b.iter(|| black_box(ask(&table, &lasso)));
    });
    // What of that is reading the text and checking it.
    group.bench_function("lasso of 10,000 corners, text to plan", |b| {
        b.iter(|| black_box(planned(&table, &lasso)));
    });
    group.bench_function("points near a point, count", |b| {
        b.iter(|| {
            black_box(ask(
                &table,
                "match(F(\"map\").near([0.1, 0.2], 0.25)).count()",
            ))
        });
    });
    group.bench_function("nearest 20 of 1,000,000 points", |b| {
        let text = "sort_by_similarity([0.1, 0.2], k=20, index=\"map\", metric=\"euclidean\")";
        b.iter(|| black_box(ask(&table, text)));
    });
    group.bench_function("filter and rows", |b| {
        b.iter(|| match ask(&table, r#"match(F("k20") == "7")"#) {
            Answer::View(view) => black_box(view.rows().len()),
            _ => 0,
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = questions
}
criterion_main!(benches);
