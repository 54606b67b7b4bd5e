//! Values as MongoDB's Extended JSON in its relaxed form, as FiftyOne writes them.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float32Type, Float64Type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use messier_store::FieldType;
use serde_json::{Map, Value, json};

use super::classes::{class, is_label, is_packed, key};
use crate::exchange::export::cells;

/// The value in `row`; `None` for null, which FiftyOne does not write. `place` tells labels without ids apart.
pub(super) fn value(array: &ArrayRef, ty: &FieldType, row: usize, place: &str) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match ty {
        FieldType::Float => float(cells::json(array, row)),
        FieldType::Id => json!({"$oid": cells::json(array, row)}),
        FieldType::DateTime => json!({"$date": cells::json(array, row)}),
        FieldType::Date => match cells::json(array, row) {
            Value::String(day) => json!({"$date": format!("{day}T00:00:00Z")}),
            other => other,
        },
        FieldType::Vector(_) => {
            let numbers = array.as_fixed_size_list().value(row);
            packed(
                numbers
                    .as_primitive::<Float32Type>()
                    .values()
                    .iter()
                    .copied(),
            )
        }
        FieldType::List(item) => {
            let items = array.as_list::<i32>().value(row);
            let each = (0..items.len())
                .map(|at| value(&items, item, at, &format!("{place}.{at}")).unwrap_or_default());
            each.collect()
        }
        FieldType::Struct(kind, parts) => {
            let array = array.as_struct();
            let mut map = Map::new();
            map.insert("_cls".into(), class(*kind).into());
            for part in parts {
                let Some(column) = array.column_by_name(&part.name) else {
                    continue;
                };
                let given = if is_packed(*kind, &part.name) && column.is_valid(row) {
                    logits(column, row)
                } else {
                    value(column, &part.ty, row, &format!("{place}.{}", part.name))
                };
                if let Some(given) = given {
                    map.insert(key(part), given);
                }
            }
            if is_label(*kind) {
                map.entry("_id").or_insert_with(|| label_id(place));
                map.entry("tags").or_insert_with(|| json!([]));
            }
            Value::Object(map)
        }
        FieldType::Bool | FieldType::Int | FieldType::Text => cells::json(array, row),
    })
}

/// Numbers that JSON cannot write.
fn float(value: Value) -> Value {
    match value {
        Value::String(name) => json!({"$numberDouble": name}),
        number => number,
    }
}

fn logits(column: &ArrayRef, row: usize) -> Option<Value> {
    let numbers = column.as_list_opt::<i32>()?.value(row);
    let numbers = numbers.as_primitive_opt::<Float64Type>()?;
    Some(packed(numbers.values().iter().map(|x| *x as f32)))
}

/// A vector as FiftyOne packs it: base64 of zlib of a `.npy` file, version 1.0.
fn packed(numbers: impl ExactSizeIterator<Item = f32>) -> Value {
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}",
        numbers.len()
    );
    // Magic, version, length and header end at a multiple of 64 bytes, with a line end.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    numbers.for_each(|x| bytes.extend(x.to_le_bytes()));
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let written = zlib.write_all(&bytes).and_then(|()| zlib.finish());
    json!({"$binary": {"base64": STANDARD.encode(written.unwrap_or_default()), "subType": "00"}})
}

/// An id for a label that has none, the same in every export of the same label.
fn label_id(place: &str) -> Value {
    let hash = blake3::hash(place.as_bytes()).to_hex();
    json!({"$oid": &hash.as_str()[..24]})
}
