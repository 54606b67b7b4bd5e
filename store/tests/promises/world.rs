//! Short ways to make columns and stores for tests.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Int64Array, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use messier_store::{Field, FieldType};

/// A text column.
pub fn text<'a>(
    name: &str,
    values: impl IntoIterator<Item = Option<&'a str>>,
) -> (Field, ArrayRef) {
    let values: StringArray = values.into_iter().collect();
    (Field::new(name, FieldType::Text), Arc::new(values))
}

/// A column of integers.
pub fn ints(name: &str, values: impl IntoIterator<Item = Option<i64>>) -> (Field, ArrayRef) {
    let values: Int64Array = values.into_iter().collect();
    (Field::new(name, FieldType::Int), Arc::new(values))
}

/// A column of vectors of `dims` dimensions.
pub fn vectors(name: &str, dims: u32, values: &[Option<Vec<f32>>]) -> (Field, ArrayRef) {
    let values = FixedSizeListArray::from_iter_primitive::<arrow::datatypes::Float32Type, _, _>(
        values
            .iter()
            .map(|row| row.as_ref().map(|row| row.iter().map(|x| Some(*x)))),
        dims as i32,
    );
    (Field::new(name, FieldType::Vector(dims)), Arc::new(values))
}

/// The texts of a column of either form.
pub fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    match array.as_dictionary_opt::<Int32Type>() {
        Some(coded) => {
            let values = coded.values().as_string::<i32>();
            (0..coded.len())
                .map(|row| coded.key(row).map(|key| values.value(key).to_owned()))
                .collect()
        }
        None => array
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect(),
    }
}

/// The integers of a column.
pub fn numbers(array: &ArrayRef) -> Vec<Option<i64>> {
    array.as_primitive::<Int64Type>().iter().collect()
}
