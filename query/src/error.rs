//! What can go wrong while a checked plan runs. Mistakes in the text never get here: they are [`crate::Diagnostics`].

/// An evaluation that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store could not give a column.
    #[error(transparent)]
    Store(#[from] messier_store::Error),
    /// Mistakes in the text that only the data can show, such as an id that no sample has.
    #[error(transparent)]
    Refused(#[from] crate::Diagnostics),
    /// A field that the schema does not have.
    #[error("there is no field called {name:?}{}", candidates.first().map(|near| format!("; did you mean {near:?}?")).unwrap_or_default())]
    UnknownField {
        /// The name or path given.
        name: String,
        /// Names that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A column that is not of the type its schema says.
    #[error("field {field:?} should hold {expected} but its column is {given}")]
    ColumnType {
        /// The field.
        field: String,
        /// The type of the schema.
        expected: String,
        /// The Arrow type that came.
        given: String,
    },
    /// `one()` on a view that has none or several.
    #[error("one() needs exactly one sample, and this view has {found}")]
    NotOne {
        /// How many there are.
        found: usize,
    },
    /// A row number beyond the view.
    #[error("there is no row {row}: the view has {len}")]
    NoSuchRow {
        /// The row asked for.
        row: usize,
        /// The number of rows.
        len: usize,
    },
    /// More rows than a row number can count.
    #[error("{rows} rows are more than the 4,294,967,295 that one view can hold")]
    TooManyRows {
        /// The rows there would be.
        rows: usize,
    },
    /// A result too large to be worth making.
    #[error("{what} would make {size} values, more than {limit}")]
    TooLarge {
        /// The member that would make it.
        what: &'static str,
        /// How many values there would be.
        size: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Arrow refused: a defect of ours, said rather than hidden.
    #[error("the evaluator could not build a column: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}
