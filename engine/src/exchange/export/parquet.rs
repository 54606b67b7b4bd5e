//! Parquet, types kept, for pyarrow, polars, DuckDB and ourselves.
//!
//! Ids are written as 24 hex digits, since no other program knows our 12 bytes; vectors stay fixed-size lists of f32.
//! The schema in our own words goes into the file's metadata under [`SCHEMA_KEY`].

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;
use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use messier_store::{FieldType, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::{Exported, Exporter, Rows, arguments, cells, chosen, place};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::problem;

params! {
    /// What a Parquet file holds.
    pub struct ParquetParams {
        /// The fields to write, in this order; all, vectors too, where none is named.
        fields: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// Replaces an existing file.
        force: bool = Default::Bool(false), Kind::Bool;
    }
}

/// The key of the file's metadata under which the schema stands as JSON.
const SCHEMA_KEY: &str = "messier.schema";

/// Rows written between two looks at the request to stop.
const BLOCK: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(super) struct Parquet;

static PARQUET: Signature = Signature {
    name: "parquet",
    summary: "Writes a Parquet file with all types kept, vectors too.",
    params: ParquetParams::TABLE,
    examples: &[Example {
        query: "messier export trip --format parquet trip.parquet",
        shows: "Writes all fields.",
    }],
    returns: Returns::Value,
};

impl Exporter for Parquet {
    fn signature(&self) -> &'static Signature {
        &PARQUET
    }

    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error> {
        let params = ParquetParams::read(args).map_err(|bad| arguments(PARQUET.name, bad))?;
        let fields = chosen(rows, &params.fields, true)?;
        let failed = |e: &dyn std::fmt::Display| problem(target, format!("cannot be written: {e}"));
        let mut arrow = Vec::with_capacity(fields.len());
        let mut columns = Vec::with_capacity(fields.len());
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("messier ", env!("CARGO_PKG_VERSION")).to_owned());
        for field in &fields {
            let column = portable(rows.column(&field.name)?).map_err(|e| failed(&e))?;
            if matches!(field.ty, FieldType::Vector(_)) {
                // Floats of a vector hardly ever repeat: a dictionary would be built in vain.
                let path = ColumnPath::new(vec![field.name.clone(), "list".into(), "item".into()]);
                properties = properties.set_column_dictionary_enabled(path, false);
            }
            arrow.push(ArrowField::new(
                &field.name,
                column.data_type().clone(),
                true,
            ));
            columns.push(column);
        }
        let ours = serde_json::to_string(&Schema { fields }).map_err(|e| failed(&e))?;
        let properties = properties
            .set_key_value_metadata(Some(vec![KeyValue::new(SCHEMA_KEY.to_owned(), ours)]))
            .build();
        let schema = Arc::new(ArrowSchema::new(arrow));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|e| failed(&e))?;
        place::file(target, params.force, |out| {
            let mut writer =
                ArrowWriter::try_new(out, schema, Some(properties)).map_err(|e| failed(&e))?;
            let step = ctx.step("export", batch.num_rows() as u64);
            for start in (0..batch.num_rows()).step_by(BLOCK) {
                let part = batch.slice(start, BLOCK.min(batch.num_rows() - start));
                step.tick(part.num_rows() as u64)?;
                writer.write(&part).map_err(|e| failed(&e))?;
            }
            writer.close().map(drop).map_err(|e| failed(&e))
        })?;
        Ok(Exported {
            target: target.to_owned(),
            rows: rows.len(),
            files: 1,
            skipped: Vec::new(),
        })
    }
}

/// A column as other programs know it: ids as text, dictionaries spelled out.
fn portable(column: ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    match column.data_type() {
        DataType::FixedSizeBinary(_) => {
            let texts = (0..column.len())
                .map(|row| column.is_valid(row).then(|| cells::cell(&column, row)));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        DataType::Dictionary(_, value) => cast(&column, value),
        _ => Ok(column),
    }
}
