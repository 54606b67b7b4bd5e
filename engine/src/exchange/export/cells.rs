//! Values of Arrow columns as JSON and as table cells.
//!
//! Floats have as many digits as it takes to read the same number back, ids are hex, dates ISO 8601 in UTC, and NaN
//! and infinities are words, since JSON has no numbers for them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMillisecondType,
};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use messier_store::SampleId;
use serde_json::{Map, Number, Value};

/// The value in `row`.
pub(super) fn json(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            // The shortest decimal of the f32, not of the f64 beside it.
            float(value.to_string().parse().unwrap_or_else(|_| value.into()))
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let key = dictionary.keys().value(row);
            usize::try_from(key).map_or(Value::Null, |key| json(dictionary.values().as_ref(), key))
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(row);
            bytes
                .try_into()
                .map_or(Value::Null, |bytes| SampleId(bytes).to_string().into())
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            date(days).map_or(Value::Null, |date| date.to_string().into())
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let millis = array.as_primitive::<TimestampMillisecondType>().value(row);
            let moment = DateTime::from_timestamp_millis(millis);
            moment.map_or(Value::Null, |m| {
                m.to_rfc3339_opts(SecondsFormat::Millis, true).into()
            })
        }
        DataType::List(_) => items(&array.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(array.as_struct().columns());
            Value::Object(
                parts
                    .map(|(field, part)| (field.name().clone(), json(part, row)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => format!("({other})").into(),
    }
}

/// The value in `row` as a cell: nothing for null, a text as it is, lists and documents as JSON.
pub(super) fn cell(array: &dyn Array, row: usize) -> String {
    match json(array, row) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn items(array: &ArrayRef) -> Value {
    (0..array.len()).map(|row| json(array, row)).collect()
}

fn float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(
        || {
            Value::from(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        },
        Value::Number,
    )
}

fn date(days: i32) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let distance = Days::new(days.unsigned_abs().into());
    if days < 0 {
        first.checked_sub_days(distance)
    } else {
        first.checked_add_days(distance)
    }
}
