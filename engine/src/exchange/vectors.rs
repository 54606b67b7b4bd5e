//! Vectors that somebody else computed: `.npy`, `.npz` and Parquet files.
//!
//! Everything is checked before anything is given back: dimensions, type, and that every value is a finite number. A
//! single NaN would spoil every distance it takes part in, far from here.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use arrow::array::ArrayRef;
use messier_store::Field;

use super::files::{io_problem, problem};
use super::{npy::Npy, typed};
use crate::error::Error;

mod table;

/// Vectors read from a file.
#[derive(Debug, Clone)]
pub struct VectorTable {
    /// Values in a vector, at least 1.
    pub dims: usize,
    /// `rows * dims` values, all finite; zeros where a vector is null.
    values: Vec<f32>,
    /// Which rows are not null; `None` for all.
    valid: Option<Vec<bool>>,
    /// The filepath of each row, where the file has a column of that name.
    pub filepaths: Option<Vec<String>>,
    /// The file's other columns that are numbers, texts or truth values.
    pub fields: Vec<(Field, ArrayRef)>,
}

/// A column of vectors for the rows of a dataset.
#[derive(Debug, Clone)]
pub struct Matched {
    /// One vector a row; null for rows that the file does not name.
    pub column: ArrayRef,
    /// Values in a vector.
    pub dims: usize,
    /// Rows that have a vector.
    pub set: usize,
    /// Filepaths of the file that no row has.
    pub unknown: Vec<String>,
}

/// Reads the vectors of `path`. `array` names the array of an `.npz` or the column of a Parquet file; it may be left
/// out where only one fits. A text array or column `filepath` says whose vectors they are.
///
/// # Errors
/// [`Error::File`]: not readable, not of a known format, pickled objects, not a matrix of numbers, no dimensions, or a
/// value that is not finite (with its row and dimension, counted from 0).
pub fn read_vectors(path: &Path, array: Option<&str>) -> Result<VectorTable, Error> {
    let here = |why: String| problem(path, why);
    let open = || File::open(path).map_err(|e| io_problem(path, "be opened", &e));
    let is = |extension: &str| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(extension))
    };
    let table = if is("npy") {
        let matrix = Npy::read(BufReader::new(open()?)).and_then(Npy::matrix);
        let (values, dims) =
            matrix.map_err(|why| here(format!("the array cannot be used: {why}")))?;
        VectorTable {
            dims,
            values,
            valid: None,
            filepaths: None,
            fields: Vec::new(),
        }
    } else if is("npz") {
        table::from_npz(open()?, array).map_err(here)?
    } else if is("parquet") {
        table::from_parquet(open()?, array).map_err(here)?
    } else {
        return Err(problem(
            path,
            "vectors are read from .npy, .npz and .parquet files",
        ));
    };
    table.checked().map_err(here)
}

impl VectorTable {
    /// The number of vectors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dims.max(1)
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn checked(self) -> Result<VectorTable, String> {
        if self.dims == 0 {
            return Err("the vectors have no dimensions".into());
        }
        if self.is_empty() {
            return Err("there are no vectors".into());
        }
        if let Some(at) = self.values.iter().position(|value| !value.is_finite()) {
            let (row, place, value) = (at / self.dims, at % self.dims, self.values[at]);
            return Err(format!(
                "row {row} holds {value} in dimension {place}; every value must be a finite number"
            ));
        }
        if let Some(paths) = self
            .filepaths
            .as_ref()
            .filter(|paths| paths.len() != self.len())
        {
            return Err(format!(
                "there are {} filepaths for {} vectors",
                paths.len(),
                self.len()
            ));
        }
        Ok(self)
    }

    /// All vectors as one column.
    ///
    /// # Errors
    /// [`Error::Input`] if there are more dimensions than a column can have.
    pub fn column(self) -> Result<ArrayRef, Error> {
        typed::vector_column(self.values, self.dims, self.valid).map_err(Error::Input)
    }

    /// Vector `i` for row `i`.
    ///
    /// # Errors
    /// [`Error::Input`] unless there are exactly `rows` vectors.
    pub fn by_order(self, rows: usize) -> Result<Matched, Error> {
        if self.len() != rows {
            let found = self.len();
            return Err(Error::Input(format!(
                "there are {found} vectors for {rows} samples; by row order the counts must be equal"
            )));
        }
        let set = self
            .valid
            .as_ref()
            .map_or(rows, |valid| valid.iter().filter(|v| **v).count());
        let dims = self.dims;
        Ok(Matched {
            column: self.column()?,
            dims,
            set,
            unknown: Vec::new(),
        })
    }

    /// Each vector for the row that has its filepath.
    ///
    /// # Errors
    /// [`Error::Input`] if the file has no filepaths, names one twice, or none is a sample's.
    pub fn by_filepath(
        &self,
        rows: usize,
        row_of: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Matched, Error> {
        let Some(paths) = &self.filepaths else {
            return Err(Error::Input(
                "the file has no text column \"filepath\" that says whose vectors they are".into(),
            ));
        };
        let mut values = vec![0.0; rows * self.dims];
        let mut valid = vec![false; rows];
        let mut named = vec![false; rows];
        let mut unknown = Vec::new();
        for (at, path) in paths.iter().enumerate() {
            let Some(row) = row_of(path).filter(|&row| row < rows) else {
                unknown.push(path.clone());
                continue;
            };
            if std::mem::replace(&mut named[row], true) {
                return Err(Error::Input(format!(
                    "{path:?} is named twice; which vector counts?"
                )));
            }
            valid[row] = self.valid.as_ref().is_none_or(|valid| valid[at]);
            values[row * self.dims..][..self.dims]
                .copy_from_slice(&self.values[at * self.dims..][..self.dims]);
        }
        let set = valid.iter().filter(|v| **v).count();
        if set == 0 {
            let first = paths
                .first()
                .map(|path| format!(" ({path:?}, ...)"))
                .unwrap_or_default();
            return Err(Error::Input(format!(
                "none of the {} filepaths{first} is one of the samples'",
                paths.len()
            )));
        }
        let column = typed::vector_column(values, self.dims, Some(valid)).map_err(Error::Input)?;
        Ok(Matched {
            column,
            dims: self.dims,
            set,
            unknown,
        })
    }
}
