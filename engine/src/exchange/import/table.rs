//! Tables with a `filepath` column, one row a picture: CSV and JSON Lines. Other columns become fields of inferred type.
//!
//! Relative paths are taken from the table's own folder, so that a table and its pictures can be moved together.
//! What the program computes itself (`id`, `metadata`, ...) is not taken over: it would be believed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use messier_store::{Field, FieldType};
use serde_json::Value;

use super::{Imported, Importer, Known, Report, arguments, columns, folder, scan, skipped};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{absolute, problem};
use crate::exchange::table::{Table, read_csv, read_jsonl};
use crate::exchange::{infer, typed};

params! {
    /// How a table is read.
    pub struct TableParams {
        /// The column that holds the path of each picture.
        path_column: String = Default::Text("filepath"), Kind::Text;
        /// Tags for every new sample; they replace a column `tags`.
        tags: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// Leaves files out that cannot be read as pictures, and reports them; this is the default.
        skip_broken: bool = Default::Bool(false), Kind::Bool;
        /// Adds files that cannot be read as pictures, without metadata, and reports them.
        keep_broken: bool = Default::Bool(false), Kind::Bool;
    }
}

/// A CSV file with a header line.
#[derive(Debug)]
pub(super) struct Csv;

/// One JSON object a line.
#[derive(Debug)]
pub(super) struct Jsonl;

static CSV: Signature = Signature {
    name: "csv",
    summary: "Imports the pictures that a CSV file names, its other columns as fields.",
    params: TableParams::TABLE,
    examples: &[Example {
        query: "messier import labels.csv --name D",
        shows: "Reads the columns filepath, label, score.",
    }],
    returns: Returns::Value,
};

static JSONL: Signature = Signature {
    name: "jsonl",
    summary: "Imports the pictures that a JSON Lines file names, its other keys as fields.",
    params: TableParams::TABLE,
    examples: &[Example {
        query: "messier import samples.jsonl --name D",
        shows: "Reads one object a line, with filepath.",
    }],
    returns: Returns::Value,
};

/// Fields that are computed or given by the store.
const OWN: &[&str] = &[
    "id",
    "filepath",
    "metadata",
    "content_hash",
    "created_at",
    "last_modified_at",
];

impl Importer for Csv {
    fn signature(&self) -> &'static Signature {
        &CSV
    }

    fn suits(&self, source: &Path) -> bool {
        source
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = TableParams::read(args).map_err(|bad| arguments(CSV.name, bad))?;
        table(source, &params, read_csv(source)?, known, ctx)
    }
}

impl Importer for Jsonl {
    fn signature(&self) -> &'static Signature {
        &JSONL
    }

    fn suits(&self, source: &Path) -> bool {
        source
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("jsonl") || e.eq_ignore_ascii_case("ndjson"))
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = TableParams::read(args).map_err(|bad| arguments(JSONL.name, bad))?;
        table(source, &params, read_jsonl(source)?, known, ctx)
    }
}

fn table(
    source: &Path,
    params: &TableParams,
    table: Table,
    known: Known<'_>,
    ctx: &Context,
) -> Result<Imported, Error> {
    let keep_broken = folder::broken(params.skip_broken, params.keep_broken)?;
    let file = absolute(source)?;
    let base = file.parent().unwrap_or(Path::new("/"));
    let Some(given) = table.column(&params.path_column) else {
        let names: Vec<&str> = table
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let (wanted, names) = (&params.path_column, names.join(", "));
        return Err(problem(
            source,
            format!("there is no column {wanted:?} with the pictures' paths; there are {names}"),
        ));
    };
    let mut report = Report::default();
    let mut rows = Vec::new();
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut seen = HashSet::new();
    for (row, value) in given.iter().enumerate() {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
            return Err(problem(
                source,
                format!("row {}: {} holds no path", row + 1, params.path_column),
            ));
        };
        let path = base.join(text);
        let path = std::fs::canonicalize(path.parent().unwrap_or(base))
            .map(|parent| parent.join(path.file_name().unwrap_or_default()))
            .unwrap_or(path);
        let Some(text) = path.to_str() else {
            report.skipped.push(skipped(
                &path,
                "its path is not UTF-8 text, which a filepath has to be",
            ));
            continue;
        };
        if known(text) {
            report.already += 1;
        } else if seen.insert(text.to_owned()) {
            rows.push(row);
            paths.push(path);
        } else {
            report.skipped.push(skipped(
                &path,
                format!("row {} names it again; the first row counts", row + 1),
            ));
        }
    }
    let scanned = scan::scan(&paths, keep_broken, ctx, &mut report)?;
    report.added = scanned.len();
    let kept: Vec<usize> = scanned.iter().map(|one| rows[one.index]).collect();
    let mut columns = if scanned.is_empty() {
        Vec::new()
    } else {
        columns::pictures(&paths, &scanned)?
    };
    if !scanned.is_empty() {
        columns.extend(columns::tags(&params.tags, scanned.len())?);
        columns.extend(fields(source, params, &table, &kept, ctx)?);
    }
    Ok(Imported {
        columns,
        report,
        views: Vec::new(),
    })
}

/// The table's other columns at the rows kept.
fn fields(
    source: &Path,
    params: &TableParams,
    table: &Table,
    kept: &[usize],
    ctx: &Context,
) -> Result<Vec<(Field, ArrayRef)>, Error> {
    let mut fields: Vec<(Field, ArrayRef)> = Vec::new();
    for (name, values) in &table.columns {
        if *name == params.path_column || (name == "tags" && !params.tags.is_empty()) {
            continue;
        }
        if OWN.contains(&name.as_str()) {
            ctx.notes.remark(format!(
                "the column {name:?} was not taken over: the program computes it itself"
            ));
            continue;
        }
        let field_name = field_name(name);
        if fields.iter().any(|(field, _)| field.name == field_name) {
            return Err(problem(
                source,
                format!("two columns would both become the field {field_name:?}"),
            ));
        }
        let here = |why: String| problem(source, format!("column {name:?}: {why}"));
        let chosen: Vec<&Value> = kept.iter().map(|&row| &values[row]).collect();
        if name == "tags" {
            let lists: Vec<Value> = chosen.iter().map(|value| as_list(value)).collect();
            let ty = FieldType::List(Box::new(FieldType::Text));
            let column = typed::column(&lists.iter().collect::<Vec<_>>(), &ty).map_err(here)?;
            fields.push((Field::new("tags", ty), column));
            continue;
        }
        match infer::of_values(chosen.iter().copied()).map_err(here)? {
            None => ctx.notes.remark(format!(
                "the column {name:?} was not taken over: it holds no values"
            )),
            Some(ty) => {
                let column = typed::column(&chosen, &ty).map_err(here)?;
                fields.push((Field::new(field_name, ty), column));
            }
        }
    }
    Ok(fields)
}

/// A column name as a field name: no dots, not empty, no leading `$` or `_`.
fn field_name(column: &str) -> String {
    let name = column.trim().replace('.', "_");
    let name = name.trim_start_matches(['$', '_']);
    if name.is_empty() {
        "column".into()
    } else {
        name.to_owned()
    }
}

/// Tags as a list: a list as it is, a text split at commas and semicolons.
fn as_list(value: &Value) -> Value {
    match value {
        Value::String(text) => text
            .split([',', ';'])
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(Value::from)
            .collect(),
        other => other.clone(),
    }
}
