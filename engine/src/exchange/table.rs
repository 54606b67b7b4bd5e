//! A whole CSV or JSON Lines file as columns of JSON values.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::files::{io_problem, problem};
use super::infer;
use crate::error::Error;

/// Columns of equal length, in file order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Name and one value a row.
    pub columns: Vec<(String, Vec<Value>)>,
}

impl Table {
    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&[Value]> {
        self.columns
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, values)| values.as_slice())
    }
}

/// The whole file as text, without a byte-order mark.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|e| io_problem(path, "be read", &e))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        problem(
            path,
            format!(
                "this is not UTF-8 text (byte {})",
                e.utf8_error().valid_up_to()
            ),
        )
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Reads one JSON document.
pub(super) fn parse(path: &Path, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|e| problem(path, format!("this is not JSON: {e}")))
}

/// Reads a CSV file with a header line; cells get the narrowest type of their column.
pub(super) fn read_csv(path: &Path) -> Result<Table, Error> {
    let text = read_text(path)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let wrong = |e: csv::Error| problem(path, format!("this is not a well-formed CSV file: {e}"));
    let header = reader.headers().map_err(wrong)?.clone();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    for record in reader.records() {
        for (column, cell) in cells.iter_mut().zip(record.map_err(wrong)?.iter()) {
            column.push(cell.to_owned());
        }
    }
    if header.iter().all(str::is_empty) {
        return Err(problem(path, "the file has no header line"));
    }
    for (at, name) in header.iter().enumerate() {
        if header.iter().take(at).any(|earlier| earlier == name) {
            return Err(problem(path, format!("two columns are called {name:?}")));
        }
    }
    let columns = header.iter().zip(&cells).map(|(name, cells)| {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let as_text = matches!(name, "filepath" | "id");
        let values = if as_text {
            cells.iter().map(|&c| Value::from(c)).collect()
        } else {
            infer::cells_to_values(&cells)
        };
        (name.to_owned(), values)
    });
    Ok(Table {
        columns: columns.collect(),
    })
}

/// Reads one JSON object a line; empty lines are passed over, absent keys are null.
pub(super) fn read_jsonl(path: &Path) -> Result<Table, Error> {
    let text = read_text(path)?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let rows = lines.map(|(at, line)| {
        serde_json::from_str(line)
            .map_err(|e| problem(path, format!("line {}: this is not JSON: {e}", at + 1)))
    });
    table_of(path, rows.collect::<Result<_, Error>>()?)
}

/// Rows of objects as columns; absent keys are null.
pub(super) fn table_of(path: &Path, rows: Vec<Value>) -> Result<Table, Error> {
    let count = rows.len();
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (row, value) in rows.into_iter().enumerate() {
        let Value::Object(map) = value else {
            return Err(problem(path, format!("row {} is not an object", row + 1)));
        };
        for (name, value) in map {
            let at = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), vec![Value::Null; count]));
                columns.len() - 1
            });
            columns[at].1[row] = value;
        }
    }
    Ok(Table { columns })
}
