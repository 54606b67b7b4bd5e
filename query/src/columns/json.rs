//! Values as JSON, as the command line promises them: ids as hex digits, dates as ISO 8601 in UTC with milliseconds,
//! floats with as many digits as it takes to read the same number back, NaN and infinities as texts.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Number, Value as Json};

use super::{Datum, Texts, datum};
use crate::types::Type;

/// The value at `row` of a column of type `ty`; only the fields that `ty` names.
pub fn json(array: &dyn Array, row: usize, ty: &Type) -> Json {
    if array.is_null(row) {
        return Json::Null;
    }
    match (ty, array.data_type()) {
        (Type::Struct(_, fields), DataType::Struct(_)) => {
            let structs = array.as_struct();
            let pairs = fields.iter().filter_map(|(name, ty)| {
                let column = structs.column_by_name(name)?;
                Some((name.clone(), json(column, row, ty)))
            });
            Json::Object(pairs.collect::<Map<_, _>>())
        }
        (Type::List(item), DataType::List(_)) => {
            let values = array.as_list::<i32>().value(row);
            Json::Array(
                (0..values.len())
                    .map(|at| json(&values, at, item))
                    .collect(),
            )
        }
        (_, DataType::FixedSizeList(..)) => {
            let values = array.as_fixed_size_list().value(row);
            let floats = values.as_primitive_opt::<Float32Type>();
            let floats = floats
                .map(|floats| floats.values().as_ref())
                .unwrap_or_default();
            Json::Array(floats.iter().map(|x| short_json(*x)).collect())
        }
        (Type::Text, _) => match Texts::of(array) {
            Some(texts) => texts.at(row).map_or(Json::Null, Json::from),
            None => Json::Null,
        },
        _ => datum_json(&datum(array, row)),
    }
}

/// One value as JSON.
fn datum_json(value: &Datum) -> Json {
    match value {
        Datum::Null => Json::Null,
        Datum::Bool(x) => Json::from(*x),
        Datum::Int(x) => Json::from(*x),
        Datum::Float(x) => number_json(*x),
        Datum::Text(x) => Json::from(x.as_str()),
        Datum::Date(days) => Json::from(date_text(*days)),
        Datum::DateTime(millis) => Json::from(moment_text(*millis)),
        Datum::Id(bytes) => Json::from(hex(bytes)),
        Datum::Vector(x) => Json::Array(x.iter().map(|x| short_json(*x)).collect()),
        Datum::List(items) => Json::Array(items.iter().map(datum_json).collect()),
        Datum::Struct(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, v)| (name.clone(), datum_json(v)))
                .collect(),
        ),
    }
}

/// A float as JSON; what JSON has no number for as a text.
pub fn number_json(x: f64) -> Json {
    match Number::from_f64(x) {
        Some(number) => Json::Number(number),
        None if x.is_nan() => Json::from("NaN"),
        None if x > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}

/// A 32-bit float with the fewest digits that read back to it.
fn short_json(x: f32) -> Json {
    if x.is_finite() {
        // The shortest text of the 32-bit number; widening it directly would print its 64-bit tail.
        number_json(x.to_string().parse().unwrap_or_else(|_| f64::from(x)))
    } else {
        number_json(f64::from(x))
    }
}

/// Bytes as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// `2026-11-23T10:00:00.000Z`.
pub fn moment_text(millis: i64) -> String {
    match DateTime::from_timestamp_millis(millis) {
        Some(moment) => moment.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        None => format!("{millis} ms"),
    }
}

/// `2026-11-23`.
pub(super) fn date_text(days: i32) -> String {
    match NaiveDate::from_epoch_days(days) {
        Some(date) => date.format("%Y-%m-%d").to_string(),
        None => format!("{days} days"),
    }
}
