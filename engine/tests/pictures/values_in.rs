//! Promise: values are set by path or id, typed, and all or nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use messier_engine::Error;
use messier_engine::exchange::values::{Key, Values, read_values};
use messier_store::FieldType;

use crate::world::{World, texts};

const IDS: [&str; 3] = [
    "00112233445566778899aabb",
    "00112233445566778899aabc",
    "00112233445566778899aabd",
];

fn set(world: &World, name: &str, text: &str, field: &str, key: Key) -> Result<Values, Error> {
    let path = world.write(name, text);
    let root = world.root();
    let row_of = |wanted: &str| match key {
        Key::Id => IDS.iter().position(|id| *id == wanted),
        Key::Filepath => ["a.png", "b.png", "c.png"]
            .iter()
            .position(|file| root.join(file).to_str() == Some(wanted)),
    };
    read_values(&path, field, key, 3, &row_of, None)
}

#[test]
fn a_csv_by_path_sets_the_rows_it_names() {
    let world = World::new();
    let absolute = world.path("b.png");
    let text = format!(
        "filepath,score,other\na.png,1,x\n{},2,y\nzzz.png,3,z\n",
        absolute.display()
    );
    let values = set(&world, "v.csv", &text, "score", Key::Filepath).unwrap();
    assert_eq!(
        (values.field.name.as_str(), &values.field.ty, values.set),
        ("score", &FieldType::Int, 2)
    );
    assert_eq!(values.unknown, ["zzz.png"]);
    let ints = values.values.as_primitive::<Int64Type>();
    assert_eq!(
        (ints.value(0), ints.value(1), ints.is_null(2)),
        (1, 2, true)
    );
}

#[test]
fn json_may_be_an_object_a_list_or_lines() {
    let world = World::new();
    let object = format!("{{\"{}\": \"x\", \"{}\": null}}", IDS[0], IDS[2]);
    let values = set(&world, "v.json", &object, "kind", Key::Id).unwrap();
    assert_eq!(texts(&values.values), [Some("x".into()), None, None]);
    let list = format!("[{{\"id\": \"{}\", \"kind\": [1.5, 2]}}]", IDS[1]);
    let values = set(&world, "w.json", &list, "kind", Key::Id).unwrap();
    assert_eq!(values.field.ty, FieldType::List(Box::new(FieldType::Float)));
    let lines = format!("{{\"id\": \"{}\", \"kind\": true}}\n", IDS[1]);
    assert_eq!(
        set(&world, "v.jsonl", &lines, "kind", Key::Id)
            .unwrap()
            .field
            .ty,
        FieldType::Bool
    );
}

#[test]
fn a_two_column_table_need_not_name_the_field() {
    let world = World::new();
    let values = set(
        &world,
        "v.csv",
        "filepath,cluster\nc.png,7\n",
        "k20",
        Key::Filepath,
    )
    .unwrap();
    assert_eq!(values.field.ty, FieldType::Int);
    assert_eq!(values.set, 1);
}

#[test]
fn an_existing_field_keeps_its_type_and_the_rows_not_named() {
    let world = World::new();
    let path = world.write("v.csv", format!("id,score\n{},1\n", IDS[1]));
    let row_of = |wanted: &str| IDS.iter().position(|id| *id == wanted);
    let old: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), Some(0.25), None]));
    let values = read_values(
        &path,
        "score",
        Key::Id,
        3,
        &row_of,
        Some((&FieldType::Float, old)),
    )
    .unwrap();
    let floats = values.values.as_primitive::<Float64Type>();
    assert_eq!(
        (floats.value(0), floats.value(1), floats.is_null(2)),
        (0.5, 1.0, true)
    );

    let old: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let problem = read_values(
        &path,
        "score",
        Key::Id,
        3,
        &row_of,
        Some((&FieldType::Text, old)),
    )
    .unwrap_err();
    assert!(
        problem
            .to_string()
            .ends_with("the field \"score\" is of type string: row 1: 1 is not a text"),
        "{problem}"
    );
}

#[test]
fn mistakes_are_sentences() {
    let world = World::new();
    for (name, text, sentence) in [
        (
            "a.csv",
            "filepath,x,y\na.png,1,2\n",
            "there is no column \"score\"; there are filepath, x, y",
        ),
        (
            "b.csv",
            "path,score\na.png,1\n",
            "there is no column \"filepath\"; there are path, score",
        ),
        (
            "c.csv",
            "filepath,score\nz.png,1\n",
            "none of its 1 keys is a filepath of the dataset, not \"z.png\"",
        ),
        (
            "d.csv",
            "filepath,score\na.png,1\na.png,2\n",
            "\"a.png\" is named twice; which value counts?",
        ),
        ("e.json", "[1]", "row 1 is not an object"),
        (
            "f.json",
            "7",
            "the JSON must be an object from key to value, or a list of objects",
        ),
        ("g.json", "{", "this is not JSON"),
        (
            "h.json",
            "[{\"filepath\": 3, \"score\": 1}]",
            "row 1: 3 is no key",
        ),
        (
            "i.json",
            "[{\"filepath\": \"a.png\", \"score\": 1}, {\"filepath\": \"b.png\", \"score\": \"x\"}]",
            "a number beside a text",
        ),
    ] {
        let problem = set(&world, name, text, "score", Key::Filepath)
            .unwrap_err()
            .to_string();
        assert!(problem.contains(sentence), "{problem}");
    }
}
