//! Where columns come from: a store's snapshot, or columns in memory. The evaluator knows only this trait, so that it can
//! be tested, and used, without a store.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use messier_store::{Field, FieldType, Schema};

use crate::error::Error;
use crate::similar::Similarity;
use crate::types::Type;

/// A table with a schema, read one top-level column at a time.
pub trait Source: Send + Sync {
    /// The fields, in order.
    fn schema(&self) -> &Schema;
    /// The number of rows.
    fn len(&self) -> usize;
    /// The whole column of a top-level field, one value a row, null where nothing was set.
    ///
    /// # Errors
    /// A field that does not exist, or a store that cannot read it.
    fn column(&self, field: &str) -> Result<ArrayRef, Error>;
    /// Another handle on the same rows, for a view that outlives the call. Cheap: nothing is copied.
    fn handle(&self) -> Arc<dyn Source>;
    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The index of that name over a vector field, where there is one.
    fn similarity(&self, name: &str) -> Option<Arc<dyn Similarity>> {
        let _ = name;
        None
    }
    /// The names of all indexes.
    fn similarities(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Columns in memory.
#[derive(Debug, Clone, Default)]
pub struct Table {
    schema: Arc<Schema>,
    columns: Arc<Vec<ArrayRef>>,
    rows: usize,
}

impl Table {
    /// A table of `columns`, all of the same length.
    ///
    /// # Errors
    /// A column whose Arrow type does not fit its field, or that is longer or shorter than the first.
    pub fn new(columns: Vec<(Field, ArrayRef)>) -> Result<Table, Error> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        for (field, column) in &columns {
            if !fits(&field.ty, column) {
                return Err(Error::ColumnType {
                    field: field.name.clone(),
                    expected: field.ty.to_string(),
                    given: column.data_type().to_string(),
                });
            }
            if column.len() != rows {
                return Err(Error::ColumnType {
                    field: field.name.clone(),
                    expected: format!("{rows} values"),
                    given: format!("{} values", column.len()),
                });
            }
        }
        let (fields, columns) = columns.into_iter().unzip();
        Ok(Table {
            schema: Arc::new(Schema { fields }),
            columns: Arc::new(columns),
            rows,
        })
    }
}

/// Whether an array may stand for a field: the type itself, with text as a dictionary at any depth.
fn fits(ty: &FieldType, column: &ArrayRef) -> bool {
    crate::columns::plain_type(column.data_type()).equals_datatype(&Type::from(ty).arrow())
}

impl Source for Table {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn column(&self, field: &str) -> Result<ArrayRef, Error> {
        let at = self
            .schema
            .fields
            .iter()
            .position(|known| known.name == field);
        at.and_then(|at| self.columns.get(at))
            .cloned()
            .ok_or_else(|| Error::UnknownField {
                name: field.to_owned(),
                candidates: crate::nearest(
                    field,
                    self.schema.fields.iter().map(|f| f.name.as_str()),
                ),
            })
    }

    fn handle(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }
}

impl Source for messier_store::Snapshot {
    fn schema(&self) -> &Schema {
        messier_store::Snapshot::schema(self)
    }

    fn len(&self) -> usize {
        messier_store::Snapshot::len(self)
    }

    fn column(&self, field: &str) -> Result<ArrayRef, Error> {
        Ok(messier_store::Snapshot::column(self, field)?)
    }

    fn handle(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }
}
