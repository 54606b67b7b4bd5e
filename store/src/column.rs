//! One column from its pieces, and values from outside brought to the one Arrow type of their field.
//!
//! Everything is checked here, on the way in, so that nothing past the door has to doubt a column's type.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, make_array, new_empty_array, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;

use crate::text::{self, Text};
use crate::{Error, Field, FieldType, Result, names};

/// A piece of a column in memory.
pub enum Piece {
    /// Values.
    Values(ArrayRef),
    /// So many nulls.
    Null(usize),
}

/// The whole column. One piece of values comes back without a copy.
///
/// # Errors
/// [`Error::WrongType`] where a piece is of another type.
pub fn whole(field: &Field, pieces: &[Piece]) -> Result<ArrayRef> {
    let ty = field.ty.arrow();
    match pieces {
        [] => return Ok(new_empty_array(&ty)),
        [Piece::Values(array)] => return Ok(array.clone()),
        [Piece::Null(rows)] => return Ok(new_null_array(&ty, *rows)),
        _ => {}
    }
    if field.ty == FieldType::Text {
        let texts: Vec<(Option<Text<'_>>, usize)> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Values(array) => (Text::of(array), array.len()),
                Piece::Null(rows) => (None, *rows),
            })
            .collect();
        return Ok(text::join(&texts));
    }
    let arrays: Vec<ArrayRef> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Values(array) => array.clone(),
            Piece::Null(rows) => new_null_array(&ty, *rows),
        })
        .collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| &**array).collect();
    concat(&arrays).map_err(|error| wrong_type(field, &error.to_string()))
}

/// Refuses a field that no dataset may have: its names, and the names and types inside it.
///
/// # Errors
/// [`Error::BadFieldName`], [`Error::UnsupportedType`].
pub fn check_field(field: &Field) -> Result<()> {
    names::check_field_name(&field.name)?;
    check_type(field, &field.ty, 0)
}

fn check_type(field: &Field, ty: &FieldType, depth: usize) -> Result<()> {
    const MAX_DEPTH: usize = 16;
    let unsupported = |what: &str| {
        Err(Error::UnsupportedType {
            place: field.name.clone(),
            ty: what.to_owned(),
        })
    };
    if depth > MAX_DEPTH {
        return unsupported("nested deeper than 16 levels");
    }
    match ty {
        FieldType::Vector(0) => unsupported("vector(0)"),
        FieldType::Vector(dims) if i32::try_from(*dims).is_err() => unsupported(&ty.to_string()),
        FieldType::List(item) => check_type(field, item, depth + 1),
        FieldType::Struct(_, children) => {
            for (i, child) in children.iter().enumerate() {
                names::check_field_name(&child.name)?;
                if children[..i].iter().any(|other| other.name == child.name) {
                    return Err(Error::FieldTwice {
                        field: format!("{}.{}", field.name, child.name),
                    });
                }
                check_type(field, &child.ty, depth + 1)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `values` in the Arrow type of `field`: list items and struct fields get their names and are nullable, a dictionary
/// of text with other keys is unfolded.
///
/// # Errors
/// [`Error::WrongType`] where the values are of another type.
pub fn conform(field: &Field, values: &ArrayRef) -> Result<ArrayRef> {
    let want = field.ty.arrow();
    if values.data_type() == &want {
        return Ok(values.clone());
    }
    if field.ty == FieldType::Text {
        return match values.data_type() {
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => {
                if Text::of(values).is_some() {
                    Ok(values.clone())
                } else {
                    cast(values, &want).map_err(|error| wrong_type(field, &error.to_string()))
                }
            }
            other => Err(wrong_type(field, &other.to_string())),
        };
    }
    let data = retype(values.to_data(), &want)
        .ok_or_else(|| wrong_type(field, &values.data_type().to_string()))?;
    Ok(make_array(data))
}

fn wrong_type(field: &Field, found: &str) -> Error {
    Error::WrongType {
        field: field.name.clone(),
        expected: field.ty.to_string(),
        found: format!("of the Arrow type {found}"),
    }
}

/// The same values as type `want`, if only names, nullability or the spelling of UTC differ.
fn retype(data: ArrayData, want: &DataType) -> Option<ArrayData> {
    if data.data_type() == want {
        return Some(data);
    }
    let kinds: Vec<&DataType> = match (data.data_type(), want) {
        (DataType::List(_), DataType::List(item)) => vec![item.data_type()],
        (DataType::FixedSizeList(_, a), DataType::FixedSizeList(item, b)) if a == b => {
            vec![item.data_type()]
        }
        (DataType::Struct(from), DataType::Struct(to))
            if from.len() == to.len() && from.iter().zip(to).all(|(a, b)| a.name() == b.name()) =>
        {
            to.iter().map(|field| field.data_type()).collect()
        }
        (DataType::Timestamp(a, Some(zone)), DataType::Timestamp(b, _))
            if a == b && matches!(&**zone, "+00:00" | "Z") =>
        {
            Vec::new()
        }
        _ => return None,
    };
    let children = data
        .child_data()
        .iter()
        .zip(kinds)
        .map(|(child, want)| retype(child.clone(), want))
        .collect::<Option<Vec<_>>>()?;
    data.into_builder()
        .data_type(want.clone())
        .child_data(children)
        .build()
        .ok()
}

/// An array without values behind its nulls is kept as a number of rows.
pub fn piece_of(array: ArrayRef) -> Piece {
    if array.logical_null_count() == array.len() {
        Piece::Null(array.len())
    } else {
        Piece::Values(array)
    }
}

/// One row holding one text: how a run's record is stored.
pub fn one_text(text: &str) -> ArrayRef {
    Arc::new(arrow::array::StringArray::from_iter_values([text]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StructKind;
    use arrow::array::{Int64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Field as ArrowField, Int64Type};

    #[test]
    fn names_and_nullability_are_brought_to_ours() {
        let field = Field::new("x", FieldType::List(Box::new(FieldType::Int)));
        let theirs = ArrowField::new("element", DataType::Int64, false);
        let list =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(2)]), None]);
        let (_, offsets, values, nulls) = list.into_parts();
        let list: ArrayRef = Arc::new(ListArray::new(Arc::new(theirs), offsets, values, nulls));
        assert_eq!(
            conform(&field, &list).unwrap().data_type(),
            &field.ty.arrow()
        );
    }

    #[test]
    fn structs_are_told_apart_by_the_names_of_their_fields() {
        let field = Field::new(
            "x",
            FieldType::Struct(StructKind::Plain, vec![Field::new("a", FieldType::Int)]),
        );
        let other: ArrayRef = Arc::new(StructArray::from(vec![(
            Arc::new(ArrowField::new("b", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![1])) as ArrayRef,
        )]));
        assert!(matches!(
            conform(&field, &other),
            Err(Error::WrongType { .. })
        ));
    }

    #[test]
    fn text_is_no_number() {
        let field = Field::new("x", FieldType::Int);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let error = conform(&field, &text).unwrap_err().to_string();
        assert_eq!(
            error,
            "the field \"x\" holds int, but the values given are of the Arrow type Utf8"
        );
    }
}
