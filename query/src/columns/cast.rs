//! Columns brought to another of our types, gathered by row, and put one after the other.
//!
//! Only widenings that a plan asks for happen here (int to float, date to datetime, id to its text); conversions a
//! person asks for (`to_int()`) are functions, with their own rules.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, StringArray, StructArray, UInt32Array, new_null_array,
};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Field as ArrowField, Fields, Int32Type, Int64Type, TimeUnit,
    TimestampMillisecondType,
};

use super::{IntoRef, Lists};
use crate::error::Error;
use crate::types::Type;

/// The Arrow type with every dictionary of text replaced by text.
pub fn plain_type(data: &DataType) -> DataType {
    let plain_field = |field: &ArrowField| {
        Arc::new(ArrowField::new(
            field.name(),
            plain_type(field.data_type()),
            field.is_nullable(),
        ))
    };
    match data {
        DataType::Dictionary(_, value) => (**value).clone(),
        DataType::List(item) => DataType::List(plain_field(item)),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| plain_field(field))
                .collect::<Fields>(),
        ),
        other => other.clone(),
    }
}

/// Our type of an Arrow type; `Null` for a type that we have not.
pub fn column_type(data: &DataType) -> Type {
    match data {
        DataType::Boolean => Type::Bool,
        DataType::Int64 => Type::Int,
        DataType::Float64 => Type::Float,
        DataType::Utf8 | DataType::Dictionary(..) => Type::Text,
        DataType::Date32 => Type::Date,
        DataType::Timestamp(TimeUnit::Millisecond, _) => Type::DateTime,
        DataType::FixedSizeBinary(12) => Type::Id,
        DataType::FixedSizeList(_, d) => Type::Vector(u32::try_from(*d).unwrap_or(0)),
        DataType::List(item) => Type::list(column_type(item.data_type())),
        DataType::Struct(fields) => Type::Struct(
            messier_store::StructKind::Plain,
            fields
                .iter()
                .map(|f| (f.name().clone(), column_type(f.data_type())))
                .collect(),
        ),
        _ => Type::Null,
    }
}

/// The column with every dictionary in it, at any depth, written out.
pub fn plain(array: &ArrayRef) -> Result<ArrayRef, Error> {
    if plain_type(array.data_type()) == *array.data_type() {
        return Ok(Arc::clone(array));
    }
    match array.data_type() {
        DataType::Dictionary(..) => match array.as_dictionary_opt::<Int32Type>() {
            Some(coded) => Ok(compute::take(coded.values(), coded.keys(), None)?),
            None => Ok(compute::cast(array, &DataType::Utf8)?),
        },
        DataType::List(_) => {
            let lists = Lists::of(array)?;
            lists.with_values(plain(&lists.values)?)
        }
        DataType::Struct(_) => {
            let structs = array.as_struct();
            let columns = structs
                .columns()
                .iter()
                .map(plain)
                .collect::<Result<Vec<_>, _>>()?;
            rebuild(structs, columns)
        }
        _ => Ok(Arc::clone(array)),
    }
}

fn rebuild(structs: &StructArray, columns: Vec<ArrayRef>) -> Result<ArrayRef, Error> {
    if columns.is_empty() {
        return Ok(Arc::new(structs.clone()));
    }
    let fields: Fields = structs
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| ArrowField::new(field.name(), column.data_type().clone(), true))
        .collect();
    Ok(Arc::new(StructArray::try_new(
        fields,
        columns,
        structs.nulls().cloned(),
    )?))
}

/// The column as type `ty`. Values are never lost; a pair of types that the planner does not bring together is an error.
pub fn cast(array: &ArrayRef, ty: &Type) -> Result<ArrayRef, Error> {
    let data = array.data_type();
    let same = || Ok(Arc::clone(array));
    match (data, ty) {
        (DataType::Null, _) => Ok(new_null_array(&ty.arrow(), array.len())),
        (DataType::Int64, Type::Float) => {
            let ints = array.as_primitive::<Int64Type>();
            let floats: Vec<f64> = ints.values().iter().map(|i| *i as f64).collect();
            Ok(Float64Array::new(floats.into(), ints.nulls().cloned()).into_ref())
        }
        // Whole numbers that overflowed have become floats, and stay so.
        (DataType::Float64, Type::Int) => same(),
        (DataType::Date32, Type::DateTime) => {
            let days = array.as_primitive::<Date32Type>();
            let moments = days.unary::<_, TimestampMillisecondType>(|d| i64::from(d) * super::DAY);
            Ok(moments.with_timezone("UTC").into_ref())
        }
        (DataType::FixedSizeBinary(_), Type::Text) => {
            let ids = array.as_fixed_size_binary();
            let hex = ids.iter().map(|id| id.map(super::json::hex));
            Ok(hex.collect::<StringArray>().into_ref())
        }
        (DataType::FixedSizeList(..), Type::List(item)) => {
            let lists = Lists::of(array)?;
            lists.with_values(cast(&lists.values, item)?)
        }
        (DataType::List(_), Type::List(item)) => {
            let lists = Lists::of(array)?;
            lists.with_values(cast(&lists.values, item)?)
        }
        (DataType::List(_), Type::Vector(_)) => {
            let rows: Vec<_> = (0..array.len())
                .map(|row| super::datum(array, row))
                .collect();
            Ok(super::build(ty, &rows.iter().collect::<Vec<_>>()))
        }
        (DataType::Struct(_), Type::Struct(_, fields)) => {
            let structs = array.as_struct();
            let columns = fields
                .iter()
                .map(|(name, ty)| match structs.column_by_name(name) {
                    Some(column) => cast(column, ty),
                    None => Ok(new_null_array(&ty.arrow(), structs.len())),
                });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            Ok(super::make_struct(
                ty,
                columns,
                structs.nulls().cloned(),
                structs.len(),
            ))
        }
        _ if column_type(data) == *ty => same(),
        _ => Ok(compute::cast(array, &ty.arrow())?),
    }
}

/// The values at `rows`.
pub fn gather(array: &ArrayRef, rows: &[u32]) -> Result<ArrayRef, Error> {
    Ok(compute::take(
        array,
        &UInt32Array::from(rows.to_vec()),
        None,
    )?)
}

/// The columns one after the other, all of type `ty`.
pub fn join(arrays: &[ArrayRef], ty: &Type) -> Result<ArrayRef, Error> {
    let mut arrays = arrays
        .iter()
        .map(|array| cast(array, ty))
        .collect::<Result<Vec<_>, _>>()?;
    let float = |array: &ArrayRef| *array.data_type() == DataType::Float64;
    if *ty == Type::Int && arrays.iter().any(float) {
        arrays = arrays
            .iter()
            .map(|array| cast(array, &Type::Float))
            .collect::<Result<_, _>>()?;
    }
    if arrays
        .windows(2)
        .any(|pair| pair[0].data_type() != pair[1].data_type())
    {
        arrays = arrays.iter().map(plain).collect::<Result<_, _>>()?;
    }
    let refs: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    match refs.as_slice() {
        [] => Ok(arrow::array::new_empty_array(&ty.arrow())),
        _ => Ok(compute::concat(&refs)?),
    }
}
