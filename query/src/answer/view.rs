//! A view as an answer: it knows its rows, and reads a column only when somebody asks for it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray};
use messier_store::{FieldType, ID_BYTES, SampleId, Schema};
use serde_json::{Map, Value as Json};

use crate::columns;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame, RowSet};
use crate::types::Type;

/// Samples in order, with the fields that the query left and computed.
#[derive(Debug, Clone)]
pub struct View {
    frame: Frame,
    rows: Arc<OnceLock<Arc<Vec<u32>>>>,
    skipped: u64,
    unknown_ids: u64,
}

impl View {
    pub(crate) fn new(frame: Frame, context: &Context) -> View {
        View {
            frame,
            rows: Arc::default(),
            skipped: context.skipped(),
            unknown_ids: context.all_unknown_ids(),
        }
    }

    /// The row of each sample in its source. Listing them is O(n), once; counting does not need it.
    pub fn rows(&self) -> &[u32] {
        self.rows
            .get_or_init(|| self.frame.rows().rows())
            .as_slice()
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the rows are the dataset's own, not patches made from it.
    pub fn is_of_samples(&self) -> bool {
        Arc::ptr_eq(self.frame.base(), self.frame.origin())
    }

    /// Whether the view computed the top-level field, so that its values are not the stored ones.
    pub fn is_computed(&self, name: &str) -> bool {
        self.frame.computed(name).is_some()
    }

    /// The fields of the view, computed ones among them.
    pub fn schema(&self) -> &Schema {
        self.frame.schema()
    }

    /// The values at a dotted path, one entry a sample of the view; only this column is read.
    ///
    /// # Errors
    /// A path that the view does not have, or what the source reports.
    pub fn column(&self, path: &str) -> Result<ArrayRef, Error> {
        let unknown = || Error::UnknownField {
            name: path.to_owned(),
            candidates: crate::nearest(path, self.schema().paths().iter().map(String::as_str)),
        };
        self.schema().resolve(path).ok_or_else(unknown)?;
        let mut names = path.split('.');
        let mut column = self.frame.column(names.next().unwrap_or_default())?;
        for name in names {
            column = columns::child(&column, name).ok_or_else(unknown)?;
        }
        Ok(column)
    }

    /// The ids of the samples.
    ///
    /// # Errors
    /// What the source reports.
    pub fn ids(&self) -> Result<Vec<SampleId>, Error> {
        // Stored ids are read where they lie: gathering them into a column first would move each twice.
        let computed = self.frame.computed("id");
        let column = match computed {
            Some(column) => column.clone(),
            None => self.frame.base().column("id")?,
        };
        let wrong = || Error::ColumnType {
            field: "id".to_owned(),
            expected: "id".to_owned(),
            given: column.data_type().to_string(),
        };
        let array = column.as_fixed_size_binary_opt().ok_or_else(wrong)?;
        let (ids, rest) = array.value_data().as_chunks::<{ ID_BYTES as usize }>();
        if array.value_length() != ID_BYTES || !rest.is_empty() {
            return Err(wrong());
        }
        if computed.is_some() {
            return Ok(ids.iter().map(|id| SampleId(*id)).collect());
        }
        let id_of = |row: &u32| ids.get(*row as usize).map(|id| SampleId(*id));
        let rows = self.rows().iter();
        rows.map(|row| id_of(row).ok_or_else(wrong)).collect()
    }

    /// Sample `i` of the view as JSON: all fields but vectors, unless `select_fields` named them.
    ///
    /// # Errors
    /// A number beyond the view, or what the source reports.
    pub fn sample_json(&self, i: usize) -> Result<Json, Error> {
        let mut one = self.samples_json(i..i.saturating_add(1))?;
        one.pop().ok_or(Error::NoSuchRow {
            row: i,
            len: self.len(),
        })
    }

    /// Some samples of the view as JSON; the part of the range beyond the view is left out.
    ///
    /// # Errors
    /// What the source reports.
    pub fn samples_json(&self, range: Range<usize>) -> Result<Vec<Json>, Error> {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let mut samples: Vec<Map<String, Json>> = vec![Map::new(); range.len()];
        for field in &self.schema().fields {
            let vector = matches!(field.ty, FieldType::Vector(_));
            if vector && !self.frame.shown_vectors().contains(&field.name) {
                continue;
            }
            let ty = Type::from(&field.ty);
            let computed = self.frame.computed(&field.name);
            let column = match computed {
                Some(column) => column.clone(),
                None => self.frame.base().column(&field.name)?,
            };
            for (sample, at) in samples.iter_mut().zip(range.clone()) {
                // Whole stored columns are read in place: a page of a large view gathers nothing.
                let row = match (computed, self.frame.rows()) {
                    (Some(_), _) | (None, RowSet::All(_)) => at,
                    _ => self.rows()[at] as usize,
                };
                sample.insert(field.name.clone(), columns::json(&column, row, &ty));
            }
        }
        Ok(samples.into_iter().map(Json::Object).collect())
    }

    /// How many values could not be computed and became null.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many ids were asked for that no sample has.
    pub fn unknown_ids(&self) -> u64 {
        self.unknown_ids
    }
}
