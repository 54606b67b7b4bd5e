//! A vector field as a matrix, over the mapped file.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::Float32Type;
use ndarray::ArrayView2;

/// The values of a vector field: `len` rows of `dims` 32-bit floats. What stands in the rows that hold no vector is
/// not specified.
#[derive(Debug, Clone)]
pub struct Vectors {
    values: ScalarBuffer<f32>,
    valid: Option<NullBuffer>,
    dims: usize,
    len: usize,
}

impl Vectors {
    /// The vectors of an array, without a copy; `None` where it holds none.
    pub(crate) fn of(array: &ArrayRef) -> Option<Vectors> {
        let list = array.as_fixed_size_list_opt()?;
        let dims = usize::try_from(list.value_length()).ok()?;
        let values = list.values().as_primitive_opt::<Float32Type>()?.values();
        let len = list.len();
        Some(Vectors {
            values: values.slice(0, len * dims),
            valid: list.nulls().filter(|nulls| nulls.null_count() > 0).cloned(),
            dims,
            len,
        })
    }

    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The matrix, one vector a row. Costs nothing.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        match ArrayView2::from_shape((self.len, self.dims), &self.values) {
            Ok(view) => view,
            // The buffer was cut to this very shape.
            Err(_) => ArrayView2::from(&[] as &[[f32; 0]; 0]),
        }
    }

    /// Whether a row holds a vector. `row` must be below [`Vectors::len`].
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.is_valid(row))
    }

    /// How many rows hold none.
    pub fn null_count(&self) -> usize {
        self.valid.as_ref().map_or(0, NullBuffer::null_count)
    }
}
