//! The values of one field in a CSV or JSON file, by filepath or id.

use std::fs;
use std::path::Path;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;
use messier_store::{Field, FieldType};
use serde_json::Value;

use super::files::problem;
use super::table::{parse, read_csv, read_jsonl, read_text, table_of};
use super::{infer, typed};
use crate::error::Error;

/// What the rows of a value file are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The sample's filepath; relative ones are tried from the file's own folder too.
    Filepath,
    /// The sample's id, 24 hex digits.
    Id,
}

impl Key {
    /// The name of the column or key that holds it.
    pub fn name(self) -> &'static str {
        match self {
            Key::Filepath => "filepath",
            Key::Id => "id",
        }
    }
}

/// Values for one field, ready to be set.
#[derive(Debug, Clone)]
pub struct Values {
    /// The field, with the type the values have or the field had.
    pub field: Field,
    /// One value a row of the dataset; rows that the file does not name keep theirs.
    pub values: ArrayRef,
    /// How many rows the file names.
    pub set: usize,
    /// Keys of the file that no sample has.
    pub unknown: Vec<String>,
}

/// Reads values for the field `field` from `path` (`.csv`, `.json` or `.jsonl`) and lays them out on `rows` rows.
///
/// A CSV or JSON Lines file has a column `filepath` or `id` and a column called like the field (or just two columns);
/// a JSON file is an object from key to value, or a list of such rows. `row_of` finds a key's row. `current` is what
/// the field holds now, if it exists: its type is kept, and so are the values of rows that the file does not name.
///
/// # Errors
/// A file that cannot be read, values of different types or not of the field's type, a key named twice, or no key
/// that any sample has. Nothing is stored here, so nothing is half stored.
pub fn read_values(
    path: &Path,
    field: &str,
    key: Key,
    rows: usize,
    row_of: &dyn Fn(&str) -> Option<usize>,
    current: Option<(&FieldType, ArrayRef)>,
) -> Result<Values, Error> {
    let pairs = pairs(path, field, key)?;
    let base = fs::canonicalize(path)
        .ok()
        .and_then(|file| file.parent().map(Path::to_owned));
    let beside = |name: &str| -> Option<usize> {
        let joined = base.as_ref().filter(|_| key == Key::Filepath)?.join(name);
        row_of(joined.to_str()?)
    };
    let mut unknown = Vec::new();
    let mut chosen: Vec<Option<usize>> = vec![None; rows];
    let mut values: Vec<&Value> = Vec::new();
    for (name, value) in &pairs {
        match row_of(name)
            .or_else(|| beside(name))
            .filter(|&row| row < rows)
        {
            None => unknown.push(name.clone()),
            Some(row) if chosen[row].is_some() => {
                return Err(problem(
                    path,
                    format!("{name:?} is named twice; which value counts?"),
                ));
            }
            Some(row) => {
                chosen[row] = Some(values.len());
                values.push(value);
            }
        }
    }
    if values.is_empty() {
        let first = pairs
            .first()
            .map(|(name, _)| format!(", not {name:?}"))
            .unwrap_or_default();
        return Err(problem(
            path,
            format!(
                "none of its {} keys is a {} of the dataset{first}",
                pairs.len(),
                key.name()
            ),
        ));
    }
    let wrong = |why: String| problem(path, why);
    let ty = match &current {
        Some((ty, _)) => (*ty).clone(),
        None => infer::of_values(values.iter().copied())
            .map_err(wrong)?
            .unwrap_or(FieldType::Text),
    };
    let given = typed::column(&values, &ty).map_err(|why| match &current {
        Some((ty, _)) => problem(path, format!("the field {field:?} is of type {ty}: {why}")),
        None => wrong(why),
    })?;
    let old = match current {
        Some((ty, old)) if old.len() == rows => {
            plain(old, &ty.arrow()).map_err(|e| wrong(e.to_string()))?
        }
        _ => new_null_array(&ty.arrow(), rows),
    };
    let places: Vec<(usize, usize)> = chosen
        .iter()
        .enumerate()
        .map(|(row, at)| at.map_or((0, row), |at| (1, at)))
        .collect();
    let merged =
        interleave(&[old.as_ref(), given.as_ref()], &places).map_err(|e| wrong(e.to_string()))?;
    Ok(Values {
        field: Field::new(field, ty),
        values: merged,
        set: values.len(),
        unknown,
    })
}

/// The same values without a dictionary.
fn plain(
    array: ArrayRef,
    ty: &arrow::datatypes::DataType,
) -> Result<ArrayRef, arrow::error::ArrowError> {
    if array.data_type() == ty {
        Ok(array)
    } else {
        arrow::compute::cast(&array, ty)
    }
}

fn pairs(path: &Path, field: &str, key: Key) -> Result<Vec<(String, Value)>, Error> {
    let is = |extension: &str| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(extension))
    };
    let table = if is("json") {
        match parse(path, &read_text(path)?)? {
            Value::Object(map) => return Ok(map.into_iter().collect()),
            Value::Array(rows) => table_of(path, rows)?,
            _ => {
                return Err(problem(
                    path,
                    "the JSON must be an object from key to value, or a list of objects",
                ));
            }
        }
    } else if is("jsonl") || is("ndjson") {
        read_jsonl(path)?
    } else {
        read_csv(path)?
    };
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let missing = |what: &str| {
        problem(
            path,
            format!(
                "there is no column {what:?}; there are {}",
                names.join(", ")
            ),
        )
    };
    let keys = table
        .column(key.name())
        .ok_or_else(|| missing(key.name()))?;
    let others: Vec<&(String, Vec<Value>)> = table
        .columns
        .iter()
        .filter(|(name, _)| name != key.name())
        .collect();
    let values = match (table.column(field), others.as_slice()) {
        (Some(values), _) => values,
        (None, [(_, only)]) => only,
        (None, _) => return Err(missing(field)),
    };
    let rows = keys
        .iter()
        .zip(values)
        .enumerate()
        .map(|(row, (key, value))| match key {
            Value::String(key) => Ok((key.clone(), value.clone())),
            other => Err(problem(path, format!("row {}: {other} is no key", row + 1))),
        });
    rows.collect()
}
