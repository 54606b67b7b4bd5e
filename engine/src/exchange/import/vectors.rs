//! A file of vectors as a dataset without pictures.
//!
//! Each row still needs a filepath, since that is what a sample is known by: the file's own column of that name, or
//! `vectors.npy#17`. So importing a longer version of the file again adds only the new rows.

use std::path::Path;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::take;
use messier_query::params;
use messier_query::signature::{Args, Default, Example, FieldKind, Kind, Returns, Signature};
use messier_store::{Field, FieldType};

use super::{Imported, Importer, Known, Report, arguments, columns, skipped};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{absolute, problem};
use crate::exchange::vectors::read_vectors;

params! {
    /// How a file of vectors is read.
    pub struct VectorParams {
        /// The vector field to store them in.
        field: String = Default::Text("embedding"), Kind::Field(FieldKind::New);
        /// The array of an .npz or the column of a Parquet file, where there are several.
        array: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
        /// Tags for every new sample.
        tags: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
    }
}

/// `.npy`, `.npz` and Parquet.
#[derive(Debug)]
pub(super) struct Vectors;

static VECTORS: Signature = Signature {
    name: "vectors",
    summary: "Imports the vectors of a .npy, .npz or Parquet file as samples without pictures.",
    params: VectorParams::TABLE,
    examples: &[Example {
        query: "messier import vectors.npy --name D --field embedding",
        shows: "Makes one sample of each row.",
    }],
    returns: Returns::Value,
};

/// Names that the store and the importer fill themselves.
const OWN: &[&str] = &[
    "id",
    "filepath",
    "tags",
    "metadata",
    "created_at",
    "last_modified_at",
];

impl Importer for Vectors {
    fn signature(&self) -> &'static Signature {
        &VECTORS
    }

    fn suits(&self, source: &Path) -> bool {
        ["npy", "npz", "parquet"].iter().any(|known| {
            source
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case(known))
        })
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = VectorParams::read(args).map_err(|bad| arguments(VECTORS.name, bad))?;
        let file = absolute(source)?;
        let Some(name) = file.to_str() else {
            return Err(problem(
                source,
                "its path is not UTF-8 text, which a filepath has to be",
            ));
        };
        if OWN.contains(&params.field.as_str()) {
            return Err(Error::Input(format!(
                "the field {:?} holds something else; name another with --field",
                params.field
            )));
        }
        let step = ctx.step("read", 1);
        let mut table = read_vectors(source, params.array.as_deref())?;
        step.tick(1)?;
        let dims = u32::try_from(table.dims)
            .map_err(|_| problem(source, "the vectors have too many dimensions"))?;
        let paths: Vec<String> = match table.filepaths.take() {
            Some(paths) => paths,
            None => (0..table.len())
                .map(|row| format!("{name}#{row}"))
                .collect(),
        };
        let mut report = Report::default();
        let mut seen = std::collections::HashSet::new();
        let mut kept: Vec<u64> = Vec::new();
        for (row, path) in paths.iter().enumerate() {
            if known(path) {
                report.already += 1;
            } else if seen.insert(path.as_str()) {
                kept.push(row as u64);
            } else {
                report.skipped.push(skipped(
                    Path::new(path),
                    format!("row {row} names it again; the first row counts"),
                ));
            }
        }
        report.added = kept.len();
        if kept.is_empty() {
            return Ok(Imported {
                columns: Vec::new(),
                report,
                views: Vec::new(),
            });
        }
        let rows = UInt64Array::from(kept);
        let chosen =
            |array: &ArrayRef| take(array, &rows, None).map_err(|e| Error::Input(e.to_string()));
        let paths = rows
            .values()
            .iter()
            .map(|&row| Some(paths[row as usize].as_str()));
        let mut columns = vec![columns::texts("filepath", paths)?];
        for (field, array) in std::mem::take(&mut table.fields) {
            if OWN.contains(&field.name.as_str()) || field.name == params.field {
                ctx.notes
                    .remark(format!("the column {:?} was not taken over", field.name));
            } else {
                columns.push((field, chosen(&array)?));
            }
        }
        columns.push((
            Field::new(params.field, FieldType::Vector(dims)),
            chosen(&table.column()?)?,
        ));
        columns.extend(columns::tags(&params.tags, report.added)?);
        Ok(Imported {
            columns,
            report,
            views: Vec::new(),
        })
    }
}
