//! Which rows of a column a commit really changes: only those get a new `last_modified_at`.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float32Type};

use crate::text::Text;

/// One bit a row: set where `old` and `new`, of one length, differ. NaN equals NaN; null equals null. Linear.
pub fn changed_rows(old: &ArrayRef, new: &ArrayRef) -> BooleanBuffer {
    if let (Some(old), Some(new)) = (Text::of(old), Text::of(new)) {
        return BooleanBuffer::collect_bool(old.len(), |row| old.get(row) != new.get(row));
    }
    if old.data_type() != new.data_type() {
        return BooleanBuffer::new_set(old.len());
    }
    if let DataType::FixedSizeList(item, _) = old.data_type()
        && item.data_type() == &DataType::Float32
    {
        return changed_vectors(old, new);
    }
    match arrow_order(old, new) {
        Some(differ) => BooleanBuffer::collect_bool(old.len(), differ),
        None => BooleanBuffer::new_set(old.len()),
    }
}

fn arrow_order(old: &ArrayRef, new: &ArrayRef) -> Option<impl Fn(usize) -> bool> {
    let compare = arrow::array::make_comparator(old, new, SortOptions::default()).ok()?;
    Some(move |row| compare(row, row).is_ne())
}

/// Vectors are compared by their bits, a row at a time.
fn changed_vectors(old: &ArrayRef, new: &ArrayRef) -> BooleanBuffer {
    let (old, new) = (old.as_fixed_size_list(), new.as_fixed_size_list());
    let width = old.value_length() as usize;
    let values = |list: &arrow::array::FixedSizeListArray| {
        list.values().as_primitive::<Float32Type>().values().clone()
    };
    let (a, b) = (values(old), values(new));
    let mut bits = BooleanBufferBuilder::new(old.len());
    for row in 0..old.len() {
        let differs = match (old.is_valid(row), new.is_valid(row)) {
            (true, true) => {
                let a = &a[row * width..][..width];
                let b = &b[row * width..][..width];
                a.iter().zip(b).any(|(a, b)| a.to_bits() != b.to_bits())
            }
            (a, b) => a != b,
        };
        bits.append(differs);
    }
    bits.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, FieldType, StructKind};
    use arrow::array::{FixedSizeListArray, ListArray};
    use arrow::array::{Float32Array, Float64Array, StringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use std::sync::Arc;

    fn bits(old: ArrayRef, new: ArrayRef) -> Vec<bool> {
        changed_rows(&old, &new).iter().collect()
    }

    fn detections(labels: [&str; 3]) -> ArrayRef {
        let label = Field::new("label", FieldType::Text);
        let one = FieldType::Struct(StructKind::Detection, vec![label.clone()]);
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(labels));
        let structs = StructArray::from(vec![(Arc::new(label.arrow()), texts)]);
        let item = Arc::new(arrow::datatypes::Field::new("item", one.arrow(), true));
        let offsets = OffsetBuffer::from_lengths([2, 0, 1]);
        Arc::new(ListArray::new(item, offsets, Arc::new(structs), None))
    }

    #[test]
    fn equal_rows_of_nested_columns_are_not_changed() {
        let old = detections(["cat", "dog", "cat"]);
        assert_eq!(bits(old.clone(), old.clone()), [false, false, false]);
        assert_eq!(
            bits(old, detections(["cat", "dog", "cow"])),
            [false, false, true]
        );
    }

    #[test]
    fn a_slice_of_vectors_is_compared_from_its_first_row() {
        let item = Arc::new(arrow::datatypes::Field::new(
            "item",
            DataType::Float32,
            true,
        ));
        let values = Arc::new(Float32Array::from_iter_values((0..8).map(|x| x as f32)));
        let all: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, values, None));
        assert_eq!(bits(all.slice(0, 2), all.slice(1, 2)), [true, true]);
        assert_eq!(bits(all.slice(1, 2), all.slice(1, 2)), [false, false]);
    }

    #[test]
    fn nan_is_nan_and_null_is_null() {
        let old: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(1.0)]));
        let new: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), None, None]));
        assert_eq!(bits(old, new), [false, false, true]);
    }
}
