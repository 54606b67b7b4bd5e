//! MongoDB's Extended JSON: what its `$` objects mean.
//!
//! Both spellings are read, the relaxed one that FiftyOne writes and the canonical one of other tools. What a wrapper
//! means is decided here and nowhere else.

use messier_query::iso_datetime;
use messier_store::{FieldType, SampleId};
use serde_json::{Map, Value};

/// A value that is neither a list nor a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Id(SampleId),
    /// Milliseconds since 1970 in UTC.
    Moment(i64),
    /// Base64 text.
    Binary(&'a str),
}

impl Scalar<'_> {
    /// The type a column of such values has; none for binary data.
    pub fn ty(&self) -> Option<FieldType> {
        Some(match self {
            Scalar::Bool(_) => FieldType::Bool,
            Scalar::Int(_) => FieldType::Int,
            Scalar::Float(_) => FieldType::Float,
            Scalar::Text(_) => FieldType::Text,
            Scalar::Id(_) => FieldType::Id,
            Scalar::Moment(_) => FieldType::DateTime,
            Scalar::Binary(_) => return None,
        })
    }
}

/// The scalar that `value` stands for: `Ok(None)` for null, lists and documents, an error for a wrapper that is broken.
pub(super) fn scalar(value: &Value) -> Result<Option<Scalar<'_>>, String> {
    Ok(Some(match value {
        Value::Bool(bool) => Scalar::Bool(*bool),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Scalar::Int(int),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Scalar::Text(text),
        Value::Object(map) => return wrapped(map),
        Value::Null | Value::Array(_) => return Ok(None),
    }))
}

fn wrapped(map: &Map<String, Value>) -> Result<Option<Scalar<'_>>, String> {
    let mut entries = map.iter();
    let Some((key, inner)) = entries.next().filter(|(key, _)| key.starts_with('$')) else {
        return Ok(None);
    };
    let text = inner.as_str();
    let read = match key.as_str() {
        "$oid" => text.and_then(SampleId::parse).map(Scalar::Id),
        "$date" => moment(inner).map(Scalar::Moment),
        "$numberLong" | "$numberInt" => text.and_then(|text| text.parse().ok()).map(Scalar::Int),
        "$numberDouble" | "$numberDecimal" => text.and_then(double).map(Scalar::Float),
        "$uuid" | "$symbol" => text.map(Scalar::Text),
        "$binary" => text
            .or_else(|| inner.get("base64")?.as_str())
            .map(Scalar::Binary),
        _ => return Err(format!("{key} is no kind of value that is known")),
    };
    match read {
        Some(scalar) => Ok(Some(scalar)),
        None => Err(format!("{} is not a value of {key}", shown(inner))),
    }
}

fn double(text: &str) -> Option<f64> {
    match text {
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        number => number.parse().ok(),
    }
}

fn moment(inner: &Value) -> Option<i64> {
    match inner {
        Value::String(text) => iso_datetime(text),
        Value::Number(number) => number.as_i64(),
        Value::Object(map) => map.get("$numberLong")?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// The beginning of a value, for a message.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_wrapper_is_read_in_both_spellings() {
        let read = |value: Value| format!("{:?}", scalar(&value).unwrap());
        let same = |a: Value, b: Value| assert_eq!(read(a), read(b));
        same(json!({"$numberLong": "7"}), json!(7));
        same(json!({"$numberDouble": "2.5"}), json!(2.5));
        same(
            json!({"$date": "1970-01-01T00:00:01.500Z"}),
            json!({"$date": {"$numberLong": "1500"}}),
        );
        same(
            json!({"$binary": {"base64": "AA==", "subType": "00"}}),
            json!({"$binary": "AA==", "$type": "00"}),
        );
        assert!(read(json!({"$numberDouble": "-Infinity"})).contains("-inf"));
        assert_eq!(scalar(&json!({"a": 1})).unwrap(), None);
        assert_eq!(scalar(&json!(null)).unwrap(), None);
    }

    #[test]
    fn a_broken_wrapper_is_named() {
        let wrong = |value: Value| scalar(&value).unwrap_err();
        assert_eq!(
            wrong(json!({"$oid": "12"})),
            "\"12\" is not a value of $oid"
        );
        assert!(wrong(json!({"$date": "yesterday"})).contains("$date"));
        assert!(wrong(json!({"$code": "x"})).contains("no kind of value"));
    }
}
