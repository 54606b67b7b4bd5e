//! Where an expression is evaluated: the samples of a view, or rows below another domain (the values of a list, the rows
//! that took a branch). Since the place is explicit, nesting costs nothing and no function ever loops over samples.

use arrow::array::ArrayRef;

use crate::columns::gather;
use crate::error::Error;

/// What gives a root domain its columns.
pub trait Columns {
    /// The number of samples.
    fn len(&self) -> usize;
    /// A top-level column, one value a sample.
    ///
    /// # Errors
    /// What the source reports.
    fn column(&self, name: &str) -> Result<ArrayRef, Error>;
    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows an expression is evaluated over.
pub struct Domain<'a> {
    len: usize,
    place: Place<'a>,
}

enum Place<'a> {
    Samples(&'a dyn Columns),
    Below {
        parent: &'a Domain<'a>,
        /// The parent's row of each row; `None` where they are the same rows.
        rows: Option<&'a [u32]>,
        /// What `F()` means; the parent's where it is `None`.
        element: Option<ArrayRef>,
        accumulator: Option<ArrayRef>,
    },
}

impl<'a> Domain<'a> {
    /// The samples themselves.
    pub fn of_samples(columns: &'a dyn Columns) -> Domain<'a> {
        Domain {
            len: columns.len(),
            place: Place::Samples(columns),
        }
    }

    /// The values of lists: `parents` is the row of each value.
    pub fn of_values(&'a self, parents: &'a [u32], values: ArrayRef) -> Domain<'a> {
        let place = Place::Below {
            parent: self,
            rows: Some(parents),
            element: Some(values),
            accumulator: None,
        };
        Domain {
            len: parents.len(),
            place,
        }
    }

    /// The same rows with another meaning of `F()`.
    pub fn with_element(&'a self, element: ArrayRef) -> Domain<'a> {
        let place = Place::Below {
            parent: self,
            rows: None,
            element: Some(element),
            accumulator: None,
        };
        Domain {
            len: self.len,
            place,
        }
    }

    /// Some of the rows.
    pub fn at_rows(&'a self, rows: &'a [u32]) -> Domain<'a> {
        let place = Place::Below {
            parent: self,
            rows: Some(rows),
            element: None,
            accumulator: None,
        };
        Domain {
            len: rows.len(),
            place,
        }
    }

    /// Some of the rows, each with one value of its list and what has been accumulated so far.
    pub fn folding(
        &'a self,
        rows: &'a [u32],
        element: ArrayRef,
        accumulator: ArrayRef,
    ) -> Domain<'a> {
        let place = Place::Below {
            parent: self,
            rows: Some(rows),
            element: Some(element),
            accumulator: Some(accumulator),
        };
        Domain {
            len: rows.len(),
            place,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the rows are samples, not something below them.
    pub fn is_samples(&self) -> bool {
        matches!(self.place, Place::Samples(_))
    }

    /// A column of the samples, repeated for the rows below each.
    ///
    /// # Errors
    /// What the source reports.
    pub fn column(&self, name: &str) -> Result<ArrayRef, Error> {
        match &self.place {
            Place::Samples(columns) => columns.column(name),
            Place::Below { parent, rows, .. } => Domain::through(parent.column(name)?, *rows),
        }
    }

    /// What `F()` means here; `None` among the samples.
    ///
    /// # Errors
    /// Arrow's, where it cannot gather.
    pub fn element(&self) -> Result<Option<ArrayRef>, Error> {
        match &self.place {
            Place::Samples(_) => Ok(None),
            Place::Below {
                element: Some(element),
                ..
            } => Ok(Some(element.clone())),
            Place::Below { parent, rows, .. } => match parent.element()? {
                Some(element) => Domain::through(element, *rows).map(Some),
                None => Ok(None),
            },
        }
    }

    /// What `VALUE` means here; `None` outside `reduce`.
    ///
    /// # Errors
    /// Arrow's, where it cannot gather.
    pub fn accumulator(&self) -> Result<Option<ArrayRef>, Error> {
        match &self.place {
            Place::Samples(_) => Ok(None),
            Place::Below {
                accumulator: Some(value),
                ..
            } => Ok(Some(value.clone())),
            Place::Below { parent, rows, .. } => match parent.accumulator()? {
                Some(value) => Domain::through(value, *rows).map(Some),
                None => Ok(None),
            },
        }
    }

    fn through(column: ArrayRef, rows: Option<&[u32]>) -> Result<ArrayRef, Error> {
        match rows {
            Some(rows) => gather(&column, rows),
            None => Ok(column),
        }
    }
}
