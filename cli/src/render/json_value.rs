//! One value of a sample in the width of a cell: what a label says, how large a picture is, how long a vector is.

use messier_store::{FieldType, StructKind};
use serde_json::Value as Json;

use super::number::{bytes, grouped, short};
use super::table::{Cell, Tone};

/// The cell of `value`, which is of type `ty`.
pub fn cell(value: &Json, ty: &FieldType) -> Cell {
    match (ty, value) {
        (FieldType::Vector(dims), Json::Null) if *dims > 3 => Cell::new("null").tone(Tone::Dim),
        (_, Json::Null) => Cell::new("null").tone(Tone::Dim),
        (FieldType::Vector(_), Json::Array(items)) if items.len() <= 3 => Cell::new(point(items)),
        (FieldType::Vector(dims), _) => Cell::new(format!("vector({dims})")).tone(Tone::Dim),
        (FieldType::Struct(kind, _), Json::Object(fields)) => structure(*kind, fields),
        (FieldType::List(item), Json::Array(items)) => list(item, items),
        (FieldType::DateTime, Json::String(text)) => Cell::new(
            text.get(..16)
                .map_or_else(|| text.clone(), |start| start.replace('T', " ")),
        ),
        _ => scalar(value),
    }
}

/// A value on its own: text without quotes, numbers short.
pub fn scalar(value: &Json) -> Cell {
    match value {
        Json::Null => Cell::new("null").tone(Tone::Dim),
        Json::String(text) if text.is_empty() => Cell::new("\"\"").tone(Tone::Dim),
        Json::String(text) => Cell::new(text.as_str()),
        Json::Number(n) => Cell::new(number(n)),
        Json::Bool(b) => Cell::new(b.to_string()),
        Json::Array(items) => Cell::new(
            items
                .iter()
                .map(|item| scalar(item).text)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Json::Object(_) => Cell::new(value.to_string()),
    }
}

fn number(n: &serde_json::Number) -> String {
    match (n.as_i64(), n.as_f64()) {
        (Some(i), _) => i.to_string(),
        (None, Some(x)) => short(x),
        _ => n.to_string(),
    }
}

fn point(items: &[Json]) -> String {
    let parts: Vec<String> = items
        .iter()
        .map(|x| {
            x.as_f64()
                .map_or_else(|| "?".to_owned(), |x| format!("{x:.2}"))
        })
        .collect();
    format!("({})", parts.join(", "))
}

fn structure(kind: StructKind, fields: &serde_json::Map<String, Json>) -> Cell {
    let get = |name: &str| fields.get(name).filter(|value| !value.is_null());
    match kind {
        StructKind::Metadata => match (
            get("width"),
            get("height"),
            get("size_bytes").and_then(Json::as_u64),
        ) {
            (Some(w), Some(h), _) => Cell::new(format!("{w}×{h}")),
            (.., Some(size)) => Cell::new(bytes(size)),
            _ => Cell::new("null").tone(Tone::Dim),
        },
        StructKind::Classification | StructKind::Detection => {
            let label = get("label").and_then(Json::as_str).unwrap_or("?");
            match get("confidence").and_then(Json::as_f64) {
                Some(sure) => Cell::new(format!("{label} {sure:.2}")),
                None => Cell::new(label),
            }
        }
        StructKind::Classifications => labels(get("classifications")),
        StructKind::Detections => labels(get("detections")),
        StructKind::Regression => {
            get("value").map_or_else(|| Cell::new("null").tone(Tone::Dim), scalar)
        }
        StructKind::Plain => {
            let parts: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{name}: {}", scalar(value).text))
                .collect();
            Cell::new(parts.join(", "))
        }
    }
}

/// `3: cat 2, dog`.
fn labels(items: Option<&Json>) -> Cell {
    let Some(Json::Array(items)) = items else {
        return Cell::new("null").tone(Tone::Dim);
    };
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for label in items.iter().filter_map(|item| item.get("label")?.as_str()) {
        match counts.iter_mut().find(|(name, _)| *name == label) {
            Some((_, n)) => *n += 1,
            None => counts.push((label, 1)),
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let names: Vec<String> = counts
        .iter()
        .map(|(name, n)| {
            if *n > 1 {
                format!("{name} {n}")
            } else {
                (*name).to_owned()
            }
        })
        .collect();
    if names.is_empty() {
        Cell::new("0").tone(Tone::Dim)
    } else {
        Cell::new(format!("{}: {}", items.len(), names.join(", ")))
    }
}

fn list(item: &FieldType, items: &[Json]) -> Cell {
    match item.innermost() {
        _ if items.is_empty() => Cell::new("[]").tone(Tone::Dim),
        FieldType::Struct(..) => {
            Cell::new(format!("{} items", grouped(items.len() as u64))).tone(Tone::Dim)
        }
        _ => Cell::new(
            items
                .iter()
                .map(|one| scalar(one).text)
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_store::Schema;
    use serde_json::json;

    #[test]
    fn values_in_a_cell() {
        let metadata = Schema::of_samples().field("metadata").unwrap().ty.clone();
        let detections = FieldType::Struct(StructKind::Detections, Vec::new());
        let cases = [
            (
                FieldType::Vector(1280),
                json!("vector(1280)"),
                "vector(1280)",
            ),
            (FieldType::Vector(2), json!([1.234, -5.0]), "(1.23, -5.00)"),
            (FieldType::Vector(2), Json::Null, "null"),
            (
                metadata,
                json!({"width": 640, "height": 480, "size_bytes": 9000}),
                "640×480",
            ),
            (
                detections,
                json!({"detections": [{"label": "dog"}, {"label": "cat"}, {"label": "cat"}]}),
                "3: cat 2, dog",
            ),
            (
                FieldType::Struct(StructKind::Classification, vec![]),
                json!({"label": "cat", "confidence": 0.934}),
                "cat 0.93",
            ),
            (
                FieldType::DateTime,
                json!("2026-11-23T10:00:00.000Z"),
                "2026-11-23 10:00",
            ),
            (
                FieldType::List(Box::new(FieldType::Text)),
                json!(["a", "b"]),
                "a, b",
            ),
            (FieldType::Float, json!(0.123_456_7), "0.1235"),
            (FieldType::Float, json!("NaN"), "NaN"),
            (FieldType::Text, json!("a\u{1b}[2Jb"), "a\u{fffd}[2Jb"),
        ];
        for (ty, value, text) in cases {
            assert_eq!(cell(&value, &ty).text, text, "{ty} {value}");
        }
    }
}
