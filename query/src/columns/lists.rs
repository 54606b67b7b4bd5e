//! List columns with offsets that begin at 0, cover the values without gaps, and give null rows no values; a vector
//! column reads as lists of floats. All list functions begin here, so that none has to think of slices.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Float32Type};

use crate::error::Error;

/// A list column for reading.
#[derive(Debug, Clone)]
pub struct Lists {
    /// Where each row's values begin and end; one longer than the rows.
    pub offsets: Vec<u32>,
    /// The values of all rows, one after the other.
    pub values: ArrayRef,
    /// Which rows are lists rather than null.
    pub valid: Option<NullBuffer>,
}

impl Lists {
    /// The column as lists; a column of nulls is rows without a list.
    ///
    /// # Errors
    /// A column that is no list, or with more than 4,294,967,295 values.
    pub fn of(array: &ArrayRef) -> Result<Lists, Error> {
        match array.data_type() {
            DataType::FixedSizeList(_, width) => {
                let lists = array.as_fixed_size_list();
                let width = usize::try_from(*width).unwrap_or(0);
                let floats = lists.values().as_primitive_opt::<Float32Type>();
                let floats = floats
                    .map(|values| values.values().as_ref())
                    .unwrap_or_default();
                let mut offsets = vec![0u32];
                let mut values = Vec::with_capacity(floats.len());
                for row in 0..lists.len() {
                    if lists.is_valid(row) {
                        let part = floats
                            .get(row * width..(row + 1) * width)
                            .unwrap_or_default();
                        values.extend(part.iter().map(|x| f64::from(*x)));
                    }
                    offsets.push(count(values.len())?);
                }
                Ok(Lists {
                    offsets,
                    values: Arc::new(Float64Array::from(values)),
                    valid: lists.nulls().cloned(),
                })
            }
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                let raw = lists.value_offsets();
                let first = raw.first().copied().unwrap_or(0);
                let last = raw.last().copied().unwrap_or(0);
                let hidden = lists.null_count() > 0
                    && (0..lists.len()).any(|row| lists.is_null(row) && raw[row] != raw[row + 1]);
                if hidden {
                    return Lists::skipping_nulls(lists);
                }
                let values = lists
                    .values()
                    .slice(first as usize, (last - first) as usize);
                let offsets = raw.iter().map(|at| (at - first) as u32).collect();
                Ok(Lists {
                    offsets,
                    values,
                    valid: lists.nulls().cloned(),
                })
            }
            _ => Ok(Lists {
                offsets: vec![0; array.len() + 1],
                values: arrow::array::new_empty_array(&DataType::Null),
                valid: Some(NullBuffer::new_null(array.len())),
            }),
        }
    }

    fn skipping_nulls(lists: &arrow::array::ListArray) -> Result<Lists, Error> {
        let raw = lists.value_offsets();
        let mut offsets = vec![0u32];
        let mut rows: Vec<u32> = Vec::new();
        for row in 0..lists.len() {
            if lists.is_valid(row) {
                rows.extend((raw[row]..raw[row + 1]).map(|at| at as u32));
            }
            offsets.push(count(rows.len())?);
        }
        let values = arrow::compute::take(lists.values(), &UInt32Array::from(rows), None)?;
        Ok(Lists {
            offsets,
            values,
            valid: lists.nulls().cloned(),
        })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the row is a list rather than null.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.is_valid(row))
    }

    /// Where the row's values are.
    #[inline]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The row that each value belongs to.
    pub fn parents(&self) -> Vec<u32> {
        let mut parents = Vec::with_capacity(self.values.len());
        for row in 0..self.len() {
            parents.extend(std::iter::repeat_n(row as u32, self.range(row).len()));
        }
        parents
    }

    /// The same lists over other values, one for each of the present ones.
    pub fn with_values(&self, values: ArrayRef) -> Result<ArrayRef, Error> {
        list(&self.offsets, values, self.valid.clone())
    }

    /// Lists of the values at `rows`, with `lengths` of them in each row.
    pub fn picked(&self, rows: Vec<u32>, lengths: &[u32]) -> Result<ArrayRef, Error> {
        let values = arrow::compute::take(&self.values, &UInt32Array::from(rows), None)?;
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        let mut at = 0u32;
        offsets.push(at);
        for length in lengths {
            at += length;
            offsets.push(at);
        }
        list(&offsets, values, self.valid.clone())
    }
}

/// A list column from offsets and values.
pub fn list(
    offsets: &[u32],
    values: ArrayRef,
    valid: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let signed: Result<Vec<i32>, _> = offsets.iter().map(|at| i32::try_from(*at)).collect();
    let signed = signed.map_err(|_| Error::TooManyRows { rows: values.len() })?;
    let offsets = OffsetBuffer::new(signed.into());
    Ok(super::make_list(
        &crate::types::Type::Null,
        offsets,
        values,
        valid,
    ))
}

fn count(n: usize) -> Result<u32, Error> {
    u32::try_from(n).map_err(|_| Error::TooManyRows { rows: n })
}
