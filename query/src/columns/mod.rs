//! Work on whole Arrow columns that Arrow itself leaves to its users: text in either form, lists with clean offsets,
//! casts between our types, ranks, single values, JSON.

mod cast;
mod datum;
mod json;
pub(crate) mod lists;
mod ranks;
pub(crate) mod texts;

pub use cast::{cast, column_type, gather, join, plain, plain_type};
pub use datum::{Datum, build, datum};
pub use json::{json, moment_text, number_json};
pub use lists::Lists;
pub use ranks::{NO_RANK, Ranks, Tally, float_key, rank, rank_together, tally};
pub use texts::Texts;

pub(crate) use datum::IntoRef;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field as ArrowField, Fields};

use crate::types::Type;

/// Milliseconds in a day.
pub const DAY: i64 = 86_400_000;

/// A list column over `values`, whose Arrow type is taken as it is (text may be a dictionary).
pub fn make_list(
    item: &Type,
    offsets: OffsetBuffer<i32>,
    values: ArrayRef,
    valid: Option<NullBuffer>,
) -> ArrayRef {
    let _ = item;
    let field = Arc::new(ArrowField::new("item", values.data_type().clone(), true));
    Arc::new(ListArray::new(field, offsets, values, valid))
}

/// A struct column of type `ty` from its children, in the order of the type's fields.
pub fn make_struct(
    ty: &Type,
    children: Vec<ArrayRef>,
    valid: Option<NullBuffer>,
    len: usize,
) -> ArrayRef {
    let Type::Struct(_, names) = ty else {
        return arrow::array::new_null_array(&DataType::Null, len);
    };
    if children.is_empty() {
        return Arc::new(StructArray::new_empty_fields(len, valid));
    }
    let fields: Fields = names
        .iter()
        .zip(&children)
        .map(|((name, _), column)| ArrowField::new(name, column.data_type().clone(), true))
        .collect();
    Arc::new(StructArray::new(fields, children, valid))
}

/// Field `name` of a struct column, or of the structs in a list column; null where the struct is null.
/// `None` where there is no such field.
pub fn child(array: &ArrayRef, name: &str) -> Option<ArrayRef> {
    use arrow::array::AsArray;
    if let Some(structs) = array.as_struct_opt() {
        let column = structs.column_by_name(name)?;
        if structs.null_count() == 0 {
            return Some(Arc::clone(column));
        }
        let valid = NullBuffer::union(structs.nulls(), column.logical_nulls().as_ref());
        let data = column.to_data().into_builder().nulls(valid).build().ok()?;
        return Some(arrow::array::make_array(data));
    }
    let lists = array.as_list_opt::<i32>()?;
    let values = child(lists.values(), name)?;
    let field = Arc::new(ArrowField::new("item", values.data_type().clone(), true));
    let list = ListArray::try_new(
        field,
        lists.offsets().clone(),
        values,
        lists.nulls().cloned(),
    );
    list.ok().map(|list| Arc::new(list) as ArrayRef)
}
