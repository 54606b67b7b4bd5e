//! Vectors out of containers: the arrays of an `.npz`, the columns of a Parquet file.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Float32Type};
use messier_store::{Field, FieldType};
use npyz::npz::NpzArchive;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::VectorTable;
use crate::exchange::npy::Npy;

const FILEPATH: &str = "filepath";

pub(super) fn from_npz(file: File, wanted: Option<&str>) -> Result<VectorTable, String> {
    let mut archive = NpzArchive::new(BufReader::new(file))
        .map_err(|e| format!("this is not an .npz archive: {e}"))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let all = names.join(", ");
    let matrices: Vec<&String> = names.iter().filter(|name| *name != FILEPATH).collect();
    let name = match (wanted, matrices.as_slice()) {
        (Some(wanted), _) if names.iter().any(|name| name == wanted) => wanted.to_owned(),
        (Some(wanted), _) => {
            return Err(format!(
                "there is no array {wanted:?} in it; there are {all}"
            ));
        }
        (None, [only]) => (*only).clone(),
        (None, []) => return Err("there is no array in it".into()),
        (None, _) => return Err(format!("there are several arrays in it; name one of {all}")),
    };
    let mut read = |name: &str| -> Result<Npy, String> {
        let entry = archive.zip_archive().by_name(&format!("{name}.npy"));
        let entry = entry.map_err(|e| format!("the array {name:?} cannot be read: {e}"))?;
        Npy::read(entry).map_err(|why| format!("the array {name:?} cannot be used: {why}"))
    };
    let (values, dims) = read(&name)?
        .matrix()
        .map_err(|why| format!("the array {name:?} cannot be used: {why}"))?;
    let filepaths = match names.iter().any(|name| name == FILEPATH) && name != FILEPATH {
        true => Some(
            read(FILEPATH)?
                .texts()
                .map_err(|why| format!("the array {FILEPATH:?} cannot be used: {why}"))?,
        ),
        false => None,
    };
    Ok(VectorTable {
        dims,
        values,
        valid: None,
        filepaths,
        fields: Vec::new(),
    })
}

pub(super) fn from_parquet(file: File, wanted: Option<&str>) -> Result<VectorTable, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("this Parquet file cannot be read: {e}");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| wrong(&e))?;
    let schema = Arc::clone(builder.schema());
    let candidates: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|f| is_vector(f.data_type()))
        .map(|f| f.name().as_str())
        .collect();
    let all = candidates.join(", ");
    let name = match (wanted, candidates.as_slice()) {
        (Some(wanted), _) if candidates.contains(&wanted) => wanted,
        (Some(wanted), []) => {
            return Err(format!(
                "there is no column {wanted:?} of lists of numbers in it, nor any other"
            ));
        }
        (Some(wanted), _) => {
            return Err(format!(
                "there is no column {wanted:?} of lists of numbers in it; there are {all}"
            ));
        }
        (None, [only]) => only,
        (None, []) => return Err("there is no column of lists of numbers in it".into()),
        (None, _) => {
            return Err(format!(
                "there are several columns of vectors in it; name one of {all}"
            ));
        }
    };
    let batches = builder
        .build()
        .map_err(|e| wrong(&e))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| wrong(&e))?;
    let column = |name: &str| -> Result<Option<ArrayRef>, String> {
        let parts: Vec<&dyn Array> = batches
            .iter()
            .filter_map(|b| b.column_by_name(name))
            .map(AsRef::as_ref)
            .collect();
        if parts.is_empty() {
            Ok(None)
        } else {
            concat(&parts).map(Some).map_err(|e| wrong(&e))
        }
    };
    let Some(vectors) = column(name)? else {
        return Err("there are no vectors".into());
    };
    let (values, dims, valid) = flatten(&vectors)?;
    let mut filepaths = None;
    let mut fields = Vec::new();
    for field in schema.fields().iter().filter(|field| field.name() != name) {
        let (Some(ty), Some(array)) = (scalar(field.data_type()), column(field.name())?) else {
            continue;
        };
        let array = cast(&array, &ty.arrow()).map_err(|e| wrong(&e))?;
        if field.name() == FILEPATH && ty == FieldType::Text {
            let texts = array.as_string::<i32>();
            if let Some(row) = (0..texts.len()).find(|&row| texts.is_null(row)) {
                return Err(format!("row {row} has no filepath"));
            }
            filepaths = Some(texts.iter().flatten().map(str::to_owned).collect());
        } else {
            fields.push((Field::new(field.name(), ty), array));
        }
    }
    Ok(VectorTable {
        dims,
        values,
        valid,
        filepaths,
        fields,
    })
}

fn is_vector(ty: &DataType) -> bool {
    match ty {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        _ => false,
    }
}

/// The field type that a plain column is kept as; `None` for anything nested or unknown.
fn scalar(ty: &DataType) -> Option<FieldType> {
    match ty {
        DataType::Boolean => Some(FieldType::Bool),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(FieldType::Text),
        DataType::Dictionary(_, value) => scalar(value),
        ty if ty.is_integer() => Some(FieldType::Int),
        ty if ty.is_floating() => Some(FieldType::Float),
        _ => None,
    }
}

/// Row after row, the width, and which rows are not null where some are.
type Flat = (Vec<f32>, usize, Option<Vec<bool>>);

fn flatten(vectors: &ArrayRef) -> Result<Flat, String> {
    let row = |at: usize| match vectors.data_type() {
        DataType::FixedSizeList(..) => vectors.as_fixed_size_list().value(at),
        DataType::LargeList(_) => vectors.as_list::<i64>().value(at),
        _ => vectors.as_list::<i32>().value(at),
    };
    let mut width = match vectors.data_type() {
        DataType::FixedSizeList(_, width) => usize::try_from(*width).ok(),
        _ => None,
    };
    let mut values = Vec::new();
    let mut valid = Vec::with_capacity(vectors.len());
    let mut leading = 0;
    for at in 0..vectors.len() {
        valid.push(vectors.is_valid(at));
        if vectors.is_null(at) {
            match width {
                Some(width) => values.resize(values.len() + width, 0.0),
                None => leading += 1,
            }
            continue;
        }
        let numbers = cast(&row(at), &DataType::Float32).map_err(|e| format!("row {at}: {e}"))?;
        let numbers: &Float32Array = numbers.as_primitive::<Float32Type>();
        if numbers.null_count() > 0 {
            return Err(format!("row {at} holds a null within its vector"));
        }
        let expected = *width.get_or_insert(numbers.len());
        if numbers.len() != expected {
            return Err(format!(
                "row {at} has {} dimensions where the rows before have {expected}",
                numbers.len()
            ));
        }
        values.resize(values.len() + std::mem::take(&mut leading) * expected, 0.0);
        values.extend_from_slice(numbers.values());
    }
    let nulls = valid.iter().any(|v| !v);
    Ok((values, width.unwrap_or(0), nulls.then_some(valid)))
}
