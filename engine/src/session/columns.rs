//! From what methods give (values for chosen rows) to whole Arrow columns (null elsewhere).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Float32Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field as ArrowField};
use messier_store::Vectors;
use ndarray::ArrayView2;

/// A vector column of `len` rows with `points[i]` at `rows[i]`.
pub(super) fn vectors(len: usize, rows: &[u32], points: ArrayView2<'_, f32>) -> ArrayRef {
    let dims = points.ncols();
    let mut values = vec![0f32; len * dims];
    let mut valid = vec![false; len];
    for (point, &row) in points.rows().into_iter().zip(rows) {
        let at = row as usize;
        valid[at] = true;
        for (to, from) in values[at * dims..(at + 1) * dims].iter_mut().zip(point) {
            *to = *from;
        }
    }
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    let dims = i32::try_from(dims).unwrap_or(i32::MAX);
    let values = Arc::new(Float32Array::from(values));
    Arc::new(FixedSizeListArray::new(
        item,
        dims,
        values,
        Some(NullBuffer::from(valid)),
    ))
}

/// The stored vectors with `points[i]` put over row `rows[i]`.
pub(super) fn vectors_over(
    stored: &Vectors,
    rows: &[u32],
    points: ArrayView2<'_, f32>,
) -> ArrayRef {
    let new: std::collections::HashSet<u32> = rows.iter().copied().collect();
    let old = (0..u32::try_from(stored.len()).unwrap_or(u32::MAX))
        .filter(|&row| stored.is_valid(row as usize) && !new.contains(&row));
    let mut all: Vec<u32> = old.collect();
    let kept = all.len();
    all.extend(rows);
    let view = stored.view();
    let merged = ndarray::Array2::from_shape_fn((all.len(), points.ncols()), |(i, j)| {
        if i < kept {
            view[[all[i] as usize, j]]
        } else {
            points[[i - kept, j]]
        }
    });
    vectors(stored.len(), &all, merged.view())
}

/// A text column, plain or dictionary-coded, as optional texts.
pub(super) fn texts(column: &ArrayRef) -> Vec<Option<String>> {
    let plain = arrow::compute::cast(column, &DataType::Utf8).ok();
    let plain = plain
        .as_ref()
        .and_then(|array| array.as_string_opt::<i32>());
    plain.map_or_else(
        || vec![None; column.len()],
        |array| array.iter().map(|text| text.map(str::to_owned)).collect(),
    )
}
