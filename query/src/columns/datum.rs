//! One value by itself: what literals are before they are columns, and how single rows of a column are read.
//!
//! Not used in loops over rows; a column is worked on as an Arrow array.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, FixedSizeBinaryBuilder,
    FixedSizeListArray, Float32Array, Float64Array, Int64Array, NullArray, StringArray,
    StructArray, TimestampMillisecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Field as ArrowField, Float32Type, Float64Type, Int64Type,
    TimestampMillisecondType,
};
use std::sync::Arc;

use super::Texts;
use crate::types::Type;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// Days since 1970.
    Date(i32),
    /// Milliseconds since 1970, UTC.
    DateTime(i64),
    /// An identifier.
    Id([u8; 12]),
    /// A vector.
    Vector(Vec<f32>),
    /// A list.
    List(Vec<Datum>),
    /// A document.
    Struct(Vec<(String, Datum)>),
}

impl Datum {
    /// The type of the value; `None` for a list of things that have no common type.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Datum::Null => Type::Null,
            Datum::Bool(_) => Type::Bool,
            Datum::Int(_) => Type::Int,
            Datum::Float(_) => Type::Float,
            Datum::Text(_) => Type::Text,
            Datum::Date(_) => Type::Date,
            Datum::DateTime(_) => Type::DateTime,
            Datum::Id(_) => Type::Id,
            Datum::Vector(x) => Type::Vector(u32::try_from(x.len()).ok()?),
            Datum::List(items) => {
                let mut ty = Type::Null;
                for item in items {
                    ty = ty.unify(&item.ty()?)?;
                }
                Type::list(ty)
            }
            Datum::Struct(fields) => Type::Struct(
                messier_store::StructKind::Plain,
                fields
                    .iter()
                    .map(|(name, value)| Some((name.clone(), value.ty()?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// The number, for an int or a float.
    pub fn number(&self) -> Option<f64> {
        match self {
            Datum::Int(i) => Some(*i as f64),
            Datum::Float(x) => Some(*x),
            _ => None,
        }
    }
}

/// A column of type `ty` with these values. A value that does not fit the type is null.
pub fn build(ty: &Type, values: &[&Datum]) -> ArrayRef {
    macro_rules! primitive {
        ($array:ty, $pattern:pat => $value:expr) => {
            Arc::new(
                values
                    .iter()
                    .map(|value| match value {
                        $pattern => $value,
                        _ => None,
                    })
                    .collect::<$array>(),
            )
        };
    }
    match ty {
        Type::Null => Arc::new(NullArray::new(values.len())),
        Type::Bool => primitive!(BooleanArray, Datum::Bool(x) => Some(*x)),
        Type::Int => primitive!(Int64Array, Datum::Int(x) => Some(*x)),
        Type::Float => values
            .iter()
            .map(|v| v.number())
            .collect::<Float64Array>()
            .into_ref(),
        Type::Text => primitive!(StringArray, Datum::Text(x) => Some(x.clone())),
        Type::Date => primitive!(Date32Array, Datum::Date(x) => Some(*x)),
        Type::DateTime => {
            let millis = values.iter().map(|value| match value {
                Datum::DateTime(x) => Some(*x),
                Datum::Date(days) => Some(i64::from(*days) * super::DAY),
                _ => None,
            });
            millis
                .collect::<TimestampMillisecondArray>()
                .with_timezone("UTC")
                .into_ref()
        }
        Type::Id => {
            let mut ids = FixedSizeBinaryBuilder::new(12);
            for value in values {
                match value {
                    Datum::Id(bytes) if ids.append_value(bytes).is_ok() => {}
                    _ => ids.append_null(),
                }
            }
            Arc::new(ids.finish())
        }
        Type::Vector(d) => build_vectors(*d, values),
        Type::List(item) => build_lists(item, values),
        Type::Struct(_, fields) => {
            let null = Datum::Null;
            let children = fields.iter().map(|(name, ty)| {
                let column: Vec<&Datum> = values
                    .iter()
                    .map(|value| match value {
                        Datum::Struct(fields) => fields
                            .iter()
                            .find(|(n, _)| n == name)
                            .map_or(&null, |(_, v)| v),
                        _ => &null,
                    })
                    .collect();
                build(ty, &column)
            });
            let children: Vec<ArrayRef> = children.collect();
            let valid: NullBuffer = values
                .iter()
                .map(|value| matches!(value, Datum::Struct(_)))
                .collect();
            super::make_struct(ty, children, Some(valid), values.len())
        }
    }
}

fn build_vectors(d: u32, values: &[&Datum]) -> ArrayRef {
    let width = d as usize;
    let mut flat = Vec::with_capacity(width * values.len());
    let valid: NullBuffer = values
        .iter()
        .map(|value| match value {
            Datum::Vector(x) if x.len() == width => {
                flat.extend_from_slice(x);
                true
            }
            Datum::List(items) if items.len() == width => {
                flat.extend(items.iter().map(|x| x.number().unwrap_or(f64::NAN) as f32));
                true
            }
            _ => {
                flat.extend(std::iter::repeat_n(0.0, width));
                false
            }
        })
        .collect();
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    let size = i32::try_from(d).unwrap_or(i32::MAX);
    Arc::new(FixedSizeListArray::new(
        item,
        size,
        Arc::new(Float32Array::from(flat)),
        Some(valid),
    ))
}

fn build_lists(item: &Type, values: &[&Datum]) -> ArrayRef {
    let mut flat: Vec<Datum> = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    let valid: NullBuffer = values
        .iter()
        .map(|value| {
            let before = flat.len();
            match value {
                Datum::List(items) => flat.extend(items.iter().cloned()),
                Datum::Vector(x) => flat.extend(x.iter().map(|x| Datum::Float(f64::from(*x)))),
                _ => {}
            }
            lengths.push(flat.len() - before);
            matches!(value, Datum::List(_) | Datum::Vector(_))
        })
        .collect();
    let child = build(item, &flat.iter().collect::<Vec<_>>());
    super::make_list(
        item,
        OffsetBuffer::from_lengths(lengths),
        child,
        Some(valid),
    )
}

/// The value at `row`.
pub fn datum(array: &dyn Array, row: usize) -> Datum {
    if array.is_null(row) {
        return Datum::Null;
    }
    match array.data_type() {
        DataType::Boolean => Datum::Bool(array.as_boolean().value(row)),
        DataType::Int64 => Datum::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Datum::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => {
            Datum::Float(f64::from(array.as_primitive::<Float32Type>().value(row)))
        }
        DataType::Date32 => Datum::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => {
            Datum::DateTime(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(row);
            bytes.try_into().map_or(Datum::Null, Datum::Id)
        }
        DataType::FixedSizeList(..) => {
            let values = array.as_fixed_size_list().value(row);
            match values.as_primitive_opt::<Float32Type>() {
                Some(values) => Datum::Vector(values.values().to_vec()),
                None => Datum::Null,
            }
        }
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            Datum::List((0..values.len()).map(|i| datum(&values, i)).collect())
        }
        DataType::Struct(fields) => {
            let array: &StructArray = array.as_struct();
            let pairs = fields.iter().zip(array.columns());
            Datum::Struct(
                pairs
                    .map(|(field, column)| (field.name().clone(), datum(column, row)))
                    .collect(),
            )
        }
        _ => Texts::of(array)
            .and_then(|texts| texts.at(row).map(|text| Datum::Text(text.to_owned())))
            .unwrap_or(Datum::Null),
    }
}

/// An array behind a reference, for building chains.
pub(crate) trait IntoRef {
    /// The array as a shared reference.
    fn into_ref(self) -> ArrayRef;
}

impl<T: Array + 'static> IntoRef for T {
    fn into_ref(self) -> ArrayRef {
        Arc::new(self)
    }
}
