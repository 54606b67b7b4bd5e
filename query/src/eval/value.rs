//! What an expression evaluates to, and what is counted on the way.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use arrow::array::{Array, ArrayRef};

use crate::columns::gather;
use crate::error::Error;

/// A whole column, or one value that stands for every row until a column needs it.
#[derive(Debug, Clone)]
pub enum Value {
    /// One value a row.
    Column(ArrayRef),
    /// One value: an array of one row.
    Scalar(ArrayRef),
}

impl Value {
    /// The array, of one row for a scalar.
    pub fn array(&self) -> &ArrayRef {
        match self {
            Value::Column(array) | Value::Scalar(array) => array,
        }
    }

    /// Whether it is one value for every row.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Value::Scalar(_))
    }

    /// The column of `len` rows.
    ///
    /// # Errors
    /// Arrow's, where it cannot repeat the value.
    pub fn expand(&self, len: usize) -> Result<ArrayRef, Error> {
        match self {
            Value::Column(array) => Ok(array.clone()),
            Value::Scalar(array) if len == 1 => Ok(array.clone()),
            Value::Scalar(array) if array.null_count() == 1 => {
                Ok(arrow::array::new_null_array(array.data_type(), len))
            }
            Value::Scalar(array) => gather(array, &vec![0; len]),
        }
    }
}

/// What one evaluation counts.
#[derive(Debug, Default)]
pub struct Context {
    skipped: Cell<u64>,
    unknown_ids: Cell<u64>,
    log: RefCell<Vec<(String, usize, Duration)>>,
}

impl Context {
    /// Counts values that could not be computed and became null.
    pub fn skip(&self, values: u64) {
        self.skipped.set(self.skipped.get().saturating_add(values));
    }

    /// Values that could not be computed so far.
    pub fn skipped(&self) -> u64 {
        self.skipped.get()
    }

    /// Sets the count back: a literal's is counted once a row.
    pub fn set_skipped(&self, values: u64) {
        self.skipped.set(values);
    }

    /// Counts ids that no sample has.
    pub fn unknown_ids(&self, ids: u64) {
        self.unknown_ids
            .set(self.unknown_ids.get().saturating_add(ids));
    }

    /// Ids that no sample has so far.
    pub fn all_unknown_ids(&self) -> u64 {
        self.unknown_ids.get()
    }

    /// Notes that a step has been done.
    pub fn note(&self, step: &str, rows: usize, took: Duration) {
        self.log.borrow_mut().push((step.to_owned(), rows, took));
    }

    /// The steps so far, one a line: rows, time, text.
    pub fn log(&self) -> String {
        let log = self.log.borrow();
        let lines = log.iter().map(|(step, rows, took)| {
            format!(
                "{rows:>12} rows  {:>10.3} ms  {step}",
                took.as_secs_f64() * 1e3
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
