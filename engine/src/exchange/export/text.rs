//! Tables as text: CSV for spreadsheets, JSON Lines for programs. Both are read back by the importers.

use std::io::Write;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::datatypes::DataType;
use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use serde_json::{Map, Value};

use super::{Exported, Exporter, Rows, arguments, cells, chosen, place};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{io_problem, problem};

params! {
    /// What a table holds.
    pub struct TableParams {
        /// The fields to write, in this order; all but vectors where none is named.
        fields: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// Replaces an existing file.
        force: bool = Default::Bool(false), Kind::Bool;
    }
}

/// Rows between two looks at the request to stop.
const BLOCK: usize = 1024;

/// Comma-separated values.
#[derive(Debug)]
pub(super) struct Csv;

/// One JSON object a line.
#[derive(Debug)]
pub(super) struct Jsonl;

static CSV: Signature = Signature {
    name: "csv",
    summary: "Writes a CSV table; parts of documents become columns of their own, lists are JSON.",
    params: TableParams::TABLE,
    examples: &[Example {
        query: "messier export trip --format csv trip.csv",
        shows: "Writes all fields but vectors.",
    }],
    returns: Returns::Value,
};

static JSONL: Signature = Signature {
    name: "jsonl",
    summary: "Writes one JSON object a line.",
    params: TableParams::TABLE,
    examples: &[Example {
        query: "messier export trip --format jsonl trip.jsonl",
        shows: "Writes all fields but vectors.",
    }],
    returns: Returns::Value,
};

impl Exporter for Csv {
    fn signature(&self) -> &'static Signature {
        &CSV
    }

    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error> {
        let params = TableParams::read(args).map_err(|bad| arguments(CSV.name, bad))?;
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for field in chosen(rows, &params.fields, false)? {
            flatten(field.name.clone(), rows.column(&field.name)?, &mut columns);
        }
        let failed = |e: csv::Error| problem(target, format!("cannot be written: {e}"));
        place::file(target, params.force, |out| {
            let mut out = csv::Writer::from_writer(out);
            out.write_record(columns.iter().map(|(name, _)| name))
                .map_err(failed)?;
            let step = ctx.step("export", rows.len() as u64);
            for row in 0..rows.len() {
                if row % BLOCK == 0 {
                    step.tick(BLOCK.min(rows.len() - row) as u64)?;
                }
                out.write_record(columns.iter().map(|(_, column)| cells::cell(column, row)))
                    .map_err(failed)?;
            }
            out.flush()
                .map_err(|e| io_problem(target, "be written", &e))
        })?;
        Ok(Exported {
            target: target.to_owned(),
            rows: rows.len(),
            files: 1,
            skipped: Vec::new(),
        })
    }
}

impl Exporter for Jsonl {
    fn signature(&self) -> &'static Signature {
        &JSONL
    }

    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error> {
        let params = TableParams::read(args).map_err(|bad| arguments(JSONL.name, bad))?;
        let fields = chosen(rows, &params.fields, false)?;
        let columns = fields
            .iter()
            .map(|field| Ok((field.name.clone(), rows.column(&field.name)?)));
        let columns: Vec<(String, ArrayRef)> = columns.collect::<Result<_, Error>>()?;
        let failed = |e: std::io::Error| io_problem(target, "be written", &e);
        place::file(target, params.force, |out| {
            let step = ctx.step("export", rows.len() as u64);
            for row in 0..rows.len() {
                if row % BLOCK == 0 {
                    step.tick(BLOCK.min(rows.len() - row) as u64)?;
                }
                let object = columns
                    .iter()
                    .map(|(name, column)| (name.clone(), cells::json(column, row)));
                let line = Value::Object(object.collect::<Map<_, _>>());
                writeln!(out, "{line}").map_err(failed)?;
            }
            Ok(())
        })?;
        Ok(Exported {
            target: target.to_owned(),
            rows: rows.len(),
            files: 1,
            skipped: Vec::new(),
        })
    }
}

/// A column for each leaf of nested documents, dots between the names.
fn flatten(name: String, column: ArrayRef, out: &mut Vec<(String, ArrayRef)>) {
    let DataType::Struct(fields) = column.data_type() else {
        out.push((name, column));
        return;
    };
    for (field, part) in fields.iter().zip(column.as_struct().columns()) {
        // Where the document is null, so are its parts.
        let part = match column.nulls() {
            None => part.clone(),
            Some(valid) => {
                let mask = arrow::array::BooleanArray::new(valid.inner().clone(), None);
                let nulls = new_null_array(part.data_type(), part.len());
                arrow::compute::kernels::zip::zip(&mask, part, &nulls)
                    .unwrap_or_else(|_| part.clone())
            }
        };
        flatten(format!("{name}.{}", field.name()), part, out);
    }
}
