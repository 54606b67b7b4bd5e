//! Exporters: rows of a view become files. Each is one file and one line in [`EXPORTERS`].
//!
//! Everything is written to a temporary sibling and renamed at the end, so a target is whole or not there. An existing
//! target is replaced only with `force`, a folder only if an export wrote all that is in it.

mod cells;
mod fiftyone;
mod image_tree;
mod names;
mod parquet;
mod place;
mod text;

use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use messier_query::nearest;
use messier_query::signature::{Args, Signature};
use messier_store::{Field, FieldType, Schema};
use serde::Serialize;

use super::import::Skipped;
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::registry::find;

/// Every exporter, in the order help lists them.
pub static EXPORTERS: &[&dyn Exporter] = &[
    &image_tree::ImageTree,
    &text::Csv,
    &text::Jsonl,
    &parquet::Parquet,
    &fiftyone::FiftyOne,
];

/// The rows to export: a view, or columns in memory.
pub trait Rows: Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields.
    fn schema(&self) -> &Schema;

    /// The values of a top-level field, one a row.
    ///
    /// # Errors
    /// A field that does not exist or cannot be read.
    fn column(&self, field: &str) -> Result<ArrayRef, Error>;
}

/// Writes one format.
pub trait Exporter: Sync {
    /// Name, summary, parameters; the name with `-` is what `--format` takes.
    fn signature(&self) -> &'static Signature;

    /// Writes `rows` to `target`.
    ///
    /// # Errors
    /// Bad arguments, a target that exists (without `force`) or cannot be written, or [`Error::Cancelled`]; then
    /// nothing is left behind.
    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error>;
}

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Where.
    pub target: PathBuf,
    /// Rows written.
    pub rows: usize,
    /// Files written, pictures and tables.
    pub files: usize,
    /// Rows or pictures left out, and why.
    pub skipped: Vec<Skipped>,
}

/// The exporter that `format` names; `-` and `_` are the same.
///
/// # Errors
/// [`Error::Unknown`] with the formats there are.
pub fn exporter(format: &str) -> Result<&'static dyn Exporter, Error> {
    find("export format", format, EXPORTERS, |exporter| {
        exporter.signature().name
    })
}

/// The fields to export: those named, else all; vectors only if named or `vectors`.
fn chosen(rows: &dyn Rows, named: &[String], vectors: bool) -> Result<Vec<Field>, Error> {
    let schema = rows.schema();
    if named.is_empty() {
        let wanted = |field: &&Field| vectors || !matches!(field.ty, FieldType::Vector(_));
        return Ok(schema.fields.iter().filter(wanted).cloned().collect());
    }
    let find = |name: &String| {
        schema.field(name).cloned().ok_or_else(|| Error::Unknown {
            what: "field",
            name: name.clone(),
            candidates: nearest(name, schema.fields.iter().map(|field| field.name.as_str())),
        })
    };
    named.iter().map(find).collect()
}
