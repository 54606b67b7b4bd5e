//! JSON values as an Arrow column of a known field type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int64Array, ListArray, StringArray, StructArray, TimestampMillisecondArray,
    new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field as ArrowField, Fields};
use messier_store::{Field, FieldType, SampleId};
use serde_json::Value;

use super::infer;

static NULL: Value = Value::Null;

/// Builds a column of `ty` from one value a row. The error names the first row that does not fit, from 1.
pub(super) fn column(values: &[&Value], ty: &FieldType) -> Result<ArrayRef, String> {
    let read = |what: &str, at: usize| {
        let shown: String = values[at].to_string().chars().take(60).collect();
        format!("row {}: {shown} is not {what}", at + 1)
    };
    fn each<T>(
        values: &[&Value],
        what: &str,
        wrong: impl Fn(&str, usize) -> String,
        get: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>, String> {
        let rows = values.iter().enumerate().map(|(at, value)| match value {
            Value::Null => Ok(None),
            value => get(value).map(Some).ok_or_else(|| wrong(what, at)),
        });
        rows.collect()
    }
    Ok(match ty {
        FieldType::Bool => Arc::new(BooleanArray::from(each(
            values,
            "true or false",
            read,
            Value::as_bool,
        )?)),
        FieldType::Int => Arc::new(Int64Array::from(each(
            values,
            "a whole number",
            read,
            Value::as_i64,
        )?)),
        FieldType::Float => Arc::new(Float64Array::from(each(values, "a number", read, number)?)),
        FieldType::Text => {
            let texts = each(values, "a text", read, |v| v.as_str().map(str::to_owned))?;
            Arc::new(StringArray::from(texts))
        }
        FieldType::Id => {
            let ids = each(values, "an id of 24 hex digits", read, |v| {
                v.as_str().and_then(SampleId::parse)
            })?;
            let bytes = ids.iter().map(|id| id.map(|id| id.0));
            let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                bytes,
                messier_store::ID_BYTES,
            );
            Arc::new(array.map_err(|e| e.to_string())?)
        }
        FieldType::Vector(dims) => vectors(values, *dims, read)?,
        FieldType::List(item) => list(values, item, read)?,
        FieldType::Struct(_, fields) => document(values, fields, read)?,
        FieldType::Date => Arc::new(Date32Array::from(each(
            values,
            "a day (2024-01-31, or milliseconds since 1970)",
            read,
            |value| i32::try_from(moment(value)?.div_euclid(DAY)).ok(),
        )?)),
        FieldType::DateTime => {
            let what = "a moment (2024-01-31T12:00:00Z, or milliseconds since 1970)";
            let moments = each(values, what, read, moment)?;
            Arc::new(TimestampMillisecondArray::from(moments).with_timezone("UTC"))
        }
    })
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

fn moment(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(messier_query::iso_datetime))
}

fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(infer::special))
}

fn vectors(
    values: &[&Value],
    dims: u32,
    wrong: impl Fn(&str, usize) -> String,
) -> Result<ArrayRef, String> {
    let width = dims as usize;
    let mut flat = Vec::with_capacity(values.len() * width);
    let mut valid = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        valid.push(!value.is_null());
        match value.as_array() {
            None if value.is_null() => flat.resize(flat.len() + width, 0.0),
            Some(items) if items.len() == width => {
                for item in items {
                    let number = number(item).ok_or_else(|| wrong("a list of numbers", at))?;
                    flat.push(number as f32);
                }
            }
            _ => return Err(wrong(&format!("a list of {dims} numbers"), at)),
        }
    }
    vector_column(flat, width, Some(valid))
}

/// `flat` as a vector column of `width` values a row; `valid` says which rows are not null.
pub(super) fn vector_column(
    flat: Vec<f32>,
    width: usize,
    valid: Option<Vec<bool>>,
) -> Result<ArrayRef, String> {
    let size = i32::try_from(width).map_err(|_| format!("{width} dimensions are too many"))?;
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    let values = Arc::new(Float32Array::from(flat));
    let array = FixedSizeListArray::try_new(item, size, values, valid.map(NullBuffer::from));
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}

fn list(
    values: &[&Value],
    item: &FieldType,
    wrong: impl Fn(&str, usize) -> String,
) -> Result<ArrayRef, String> {
    let mut items: Vec<&Value> = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        match value {
            Value::Null => lengths.push(0),
            Value::Array(inner) => {
                items.extend(inner);
                lengths.push(inner.len());
            }
            _ => return Err(wrong("a list", at)),
        }
    }
    let inner = column(&items, item)?;
    let field = Arc::new(ArrowField::new("item", item.arrow(), true));
    let valid = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let array = ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        inner,
        Some(valid),
    );
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}

fn document(
    values: &[&Value],
    fields: &[Field],
    wrong: impl Fn(&str, usize) -> String,
) -> Result<ArrayRef, String> {
    if let Some(at) = values
        .iter()
        .position(|value| !value.is_null() && !value.is_object())
    {
        return Err(wrong("an object", at));
    }
    let arrow: Fields = fields.iter().map(Field::arrow).collect();
    if arrow.is_empty() {
        return Ok(new_null_array(&DataType::Struct(arrow), values.len()));
    }
    let parts = fields.iter().map(|field| {
        let part: Vec<&Value> = values
            .iter()
            .map(|value| value.get(&field.name).unwrap_or(&NULL))
            .collect();
        column(&part, &field.ty).map_err(|why| format!("{}: {why}", field.name))
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let valid = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let array = StructArray::try_new(arrow, parts, Some(valid));
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}
