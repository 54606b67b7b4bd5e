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
    let (a_at, b_at) = (
        old.value_offset_at(0) as usize,
        new.value_offset_at(0) as usize,
    );
    let mut bits = BooleanBufferBuilder::new(old.len());
    for row in 0..old.len() {
        let differs = match (old.is_valid(row), new.is_valid(row)) {
            (true, true) => {
                let a = &a[a_at + row * width..][..width];
                let b = &b[b_at + row * width..][..width];
                a.iter().zip(b).any(|(a, b)| a.to_bits() != b.to_bits())
            }
            (a, b) => a != b,
        };
        bits.append(differs);
    }
    bits.finish()
}
