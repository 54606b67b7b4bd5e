//! A small dataset with every type of field, and the shortest ways to ask it something.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray};
use arrow::datatypes::Int32Type;
use messier_query::columns::{Datum, build};
use messier_query::signature::Operator;
use messier_query::{Answer, Diagnostics, Env, Table, Type, View, evaluate, parse, plan};
use messier_store::{Field, FieldType, Schema, StructKind};
use serde_json::Value as Json;

/// Columns given as literals: a name, a type and the values as JSON.
pub fn table(fields: &[(&str, FieldType, Json)]) -> Table {
    let columns = fields.iter().map(|(name, ty, values)| {
        let values: Vec<Datum> = values
            .as_array()
            .unwrap()
            .iter()
            .map(|value| datum(value, ty))
            .collect();
        let array = build(&Type::from(ty), &values.iter().collect::<Vec<_>>());
        (Field::new(*name, ty.clone()), array)
    });
    Table::new(columns.collect()).unwrap()
}

/// A JSON value as a value of a field type; dates are numbers.
pub fn datum(value: &Json, ty: &FieldType) -> Datum {
    match (ty, value) {
        (_, Json::Null) => Datum::Null,
        (FieldType::Float, Json::String(text)) => Datum::Float(match text.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => f64::NAN,
        }),
        (FieldType::Bool, _) => Datum::Bool(value.as_bool().unwrap()),
        (FieldType::Int, _) => Datum::Int(value.as_i64().unwrap()),
        (FieldType::Float, _) => Datum::Float(value.as_f64().unwrap()),
        (FieldType::Text, _) => Datum::Text(value.as_str().unwrap().to_owned()),
        (FieldType::Date, _) => Datum::Date(value.as_i64().unwrap() as i32),
        (FieldType::DateTime, _) => Datum::DateTime(value.as_i64().unwrap()),
        (FieldType::Id, _) => Datum::Id(
            messier_store::SampleId::parse(value.as_str().unwrap())
                .unwrap()
                .0,
        ),
        (FieldType::Vector(_), _) => Datum::Vector(
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|x| x.as_f64().unwrap() as f32)
                .collect(),
        ),
        (FieldType::List(item), _) => Datum::List(
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|v| datum(v, item))
                .collect(),
        ),
        (FieldType::Struct(_, fields), _) => Datum::Struct(
            fields
                .iter()
                .map(|field| {
                    let value = value.get(&field.name).unwrap_or(&Json::Null);
                    (field.name.clone(), datum(value, &field.ty))
                })
                .collect(),
        ),
    }
}

/// The type of boxes with a label and a confidence.
pub fn detections() -> FieldType {
    let detection = FieldType::Struct(
        StructKind::Detection,
        vec![
            Field::new("id", FieldType::Id),
            Field::new("tags", FieldType::List(Box::new(FieldType::Text))),
            Field::new("label", FieldType::Text),
            Field::new("bounding_box", FieldType::List(Box::new(FieldType::Float))),
            Field::new("confidence", FieldType::Float),
        ],
    );
    FieldType::Struct(
        StructKind::Detections,
        vec![Field::new(
            "detections",
            FieldType::List(Box::new(detection)),
        )],
    )
}

fn classification() -> FieldType {
    FieldType::Struct(
        StructKind::Classification,
        vec![
            Field::new("label", FieldType::Text),
            Field::new("confidence", FieldType::Float),
        ],
    )
}

/// Six samples.
pub fn samples() -> Table {
    let id = |i: u32| serde_json::json!(format!("6500000000000000000000{i:02x}"));
    let list = |ty| FieldType::List(Box::new(ty));
    let text = FieldType::Text;
    let metadata = Schema::of_samples().field("metadata").unwrap().ty.clone();
    let size = |w: u32, h: u32| serde_json::json!({ "size_bytes": w * 10, "mime_type": "image/jpeg", "width": w, "height": h, "num_channels": 3 });
    let boxed = |i: u32, label: &str, confidence: f64| {
        serde_json::json!({ "id": format!("66000000000000000000{i:04x}"), "tags": [], "label": label,
            "bounding_box": [0.1, 0.1, 0.5, 0.5], "confidence": confidence })
    };
    let truth = serde_json::json!([
        { "detections": [boxed(1, "cat", 0.95), boxed(2, "dog", 0.6), boxed(3, "cat", 0.92)] },
        { "detections": [] },
        { "detections": [boxed(4, "bird", 0.3)] },
        null,
        { "detections": null },
        { "detections": [boxed(5, "Dog", 0.91), boxed(6, "cat", 0.97)] },
    ]);
    let plain = table(&[
        (
            "id",
            FieldType::Id,
            serde_json::json!([id(1), id(2), id(3), id(4), id(5), id(6)]),
        ),
        (
            "filepath",
            text.clone(),
            serde_json::json!([
                "/data/a.jpg",
                "/data/b.png",
                "/data/beach/c.jpg",
                "/data/d.JPG",
                "/data/IMG_1.jpg",
                "/data/ü.jpg"
            ]),
        ),
        (
            "tags",
            list(text.clone()),
            serde_json::json!([
                ["night"],
                ["night", "rain"],
                [],
                null,
                ["rain"],
                ["sun", "night"]
            ]),
        ),
        (
            "metadata",
            metadata,
            serde_json::json!([
                size(640, 480),
                size(1280, 720),
                size(320, 320),
                null,
                size(2000, 500),
                size(641, 480)
            ]),
        ),
        (
            "created_at",
            FieldType::DateTime,
            serde_json::json!([
                0,
                86_400_000,
                1_700_000_000_123i64,
                1_700_000_000_123i64,
                5,
                1
            ]),
        ),
        (
            "last_modified_at",
            FieldType::DateTime,
            serde_json::json!([
                10,
                86_400_000,
                1_700_000_000_124i64,
                1_700_000_000_123i64,
                5,
                null
            ]),
        ),
        (
            "uniqueness",
            FieldType::Float,
            serde_json::json!([0.5, 0.25, null, "NaN", 0.75, 1.0]),
        ),
        (
            "embedding",
            FieldType::Vector(4),
            serde_json::json!([
                [1, 0, 0, 0],
                [0, 1, 0, 0],
                [1, 1, 0, 0],
                null,
                [0, 0, 0, 0],
                [0.5, 0.1, 0, 0]
            ]),
        ),
        (
            "map",
            FieldType::Vector(2),
            serde_json::json!([[0, 0], [1, 1], [2, 1.5], null, [5, 5], [-1, 0]]),
        ),
        ("ground_truth", detections(), truth),
        (
            "predicted",
            classification(),
            serde_json::json!([{ "label": "cat", "confidence": 0.9 }, { "label": "dog", "confidence": 0.2 }, null, { "label": "cat", "confidence": null }, { "label": null, "confidence": 0.5 }, { "label": "bird", "confidence": 1.0 }]),
        ),
        (
            "kept",
            FieldType::Bool,
            serde_json::json!([true, false, null, true, false, true]),
        ),
        (
            "shot_on",
            FieldType::Date,
            serde_json::json!([0, 1, null, 19_000, 19_001, 2]),
        ),
        (
            "rank",
            FieldType::Int,
            serde_json::json!([3, 1, 2, null, 5, 3]),
        ),
        (
            "scores",
            list(FieldType::Int),
            serde_json::json!([[3, 1, 2], [], null, [5, null, 5], [-1], [7, 7]]),
        ),
    ]);
    let clusters: DictionaryArray<Int32Type> =
        [Some("7"), Some("3"), Some("7"), None, Some("-1"), Some("7")]
            .into_iter()
            .collect();
    with(plain, "k20", FieldType::Text, Arc::new(clusters))
}

/// The table with one more column.
pub fn with(table: Table, name: &str, ty: FieldType, column: ArrayRef) -> Table {
    use messier_query::Source;
    let mut columns: Vec<(Field, ArrayRef)> = table
        .schema()
        .fields
        .iter()
        .map(|field| (field.clone(), table.column(&field.name).unwrap()))
        .collect();
    columns.push((Field::new(name, ty), column));
    Table::new(columns).unwrap()
}

/// What a text comes to over a table, or its mistakes.
pub fn try_ask_with(
    table: &Table,
    text: &str,
    operators: &[Operator],
    views: &[(String, String)],
) -> Result<Answer, Diagnostics> {
    use messier_query::Source;
    let query = parse(text)?;
    let env = Env {
        schema: table.schema(),
        operators,
        views,
    };
    let plan = plan(&query, text, &env)?;
    match evaluate(&plan, table) {
        Ok(answer) => Ok(answer),
        Err(messier_query::Error::Refused(mistakes)) => Err(mistakes),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// What a text comes to over a table, or its mistakes.
pub fn try_ask_of(table: &Table, text: &str) -> Result<Answer, Diagnostics> {
    try_ask_with(table, text, &[], &[])
}

/// What a text comes to over a table.
pub fn ask_of(table: &Table, text: &str) -> Answer {
    try_ask_of(table, text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:#?}"))
}

/// The view that a text gives over the samples.
pub fn view(text: &str) -> View {
    match ask_of(&samples(), text) {
        Answer::View(view) => view,
        other => panic!("{text} gave {other:?}"),
    }
}

/// The value that a text gives over the samples.
pub fn value(text: &str) -> Json {
    value_of(&samples(), text)
}

/// The value that a text gives over a table.
pub fn value_of(table: &Table, text: &str) -> Json {
    match ask_of(table, text) {
        Answer::Value(value) => value.value,
        other => panic!("{text} gave {other:?}"),
    }
}

/// The rows that a text gives over the samples.
pub fn rows(text: &str) -> Vec<u32> {
    view(text).rows().to_vec()
}

/// How many values a text could not compute over the samples.
pub fn skipped(text: &str) -> u64 {
    match ask_of(&samples(), text) {
        Answer::Value(value) => value.skipped,
        Answer::View(view) => view.skipped(),
        other => panic!("{text} gave {other:?}"),
    }
}

/// The mistakes in a text about the samples.
pub fn mistakes(text: &str) -> Diagnostics {
    match try_ask_of(&samples(), text) {
        Err(mistakes) => mistakes,
        Ok(answer) => panic!("{text} is no mistake: {answer:?}"),
    }
}
