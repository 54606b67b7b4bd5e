//! Fields that grow: an import whose documents have attributes that the dataset's do not have yet, or the other way
//! round. Both sides get the union of the attributes, null where there was none. Whole numbers that come for a field of
//! floats become floats. Any other difference of types is left to the store, which refuses it by name.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field as ArrowField, Fields};
use messier_store::{Changes, Field, FieldType, Snapshot};

use crate::error::Error;

/// Brings `columns`, which are about to be appended, and the dataset's fields to common types, as far as they can grow;
/// what changes in the dataset goes to `changes`.
pub(super) fn widen(
    snapshot: &Snapshot,
    columns: &mut [(Field, ArrayRef)],
    changes: &mut Changes,
) -> Result<(), Error> {
    for (field, values) in columns {
        let Some(known) = snapshot.schema().field(&field.name).map(|known| &known.ty) else {
            continue;
        };
        let Some(ty) = union(known, &field.ty) else {
            continue;
        };
        if ty != *known {
            let before = snapshot.column(&field.name)?;
            changes.set_column(Field::new(&field.name, ty.clone()), widened(&before, &ty)?);
        }
        *values = widened(values, &ty)?;
        field.ty = ty;
    }
    Ok(())
}

/// A type that holds the values of a field of type `known` and new ones of type `new`; attributes in the order they
/// came. `None` where there is none.
fn union(known: &FieldType, new: &FieldType) -> Option<FieldType> {
    match (known, new) {
        (same, other) if same == other => Some(same.clone()),
        (FieldType::Float, FieldType::Int) => Some(FieldType::Float),
        (FieldType::List(known), FieldType::List(new)) => {
            Some(FieldType::List(Box::new(union(known, new)?)))
        }
        (FieldType::Struct(kind, known), FieldType::Struct(other, new)) if kind == other => {
            let mut fields = Vec::with_capacity(known.len());
            for field in known {
                let ty = match new.iter().find(|one| one.name == field.name) {
                    Some(same) => union(&field.ty, &same.ty)?,
                    None => field.ty.clone(),
                };
                fields.push(Field::new(&field.name, ty));
            }
            let added = new
                .iter()
                .filter(|one| known.iter().all(|field| field.name != one.name));
            fields.extend(added.cloned());
            Some(FieldType::Struct(*kind, fields))
        }
        _ => None,
    }
}

/// The values in the type `ty`, a [`union`] of theirs and another.
fn widened(values: &ArrayRef, ty: &FieldType) -> Result<ArrayRef, Error> {
    let failed = |error| {
        Error::Input(format!(
            "the values cannot be brought to the type {ty}: {error}"
        ))
    };
    if ty.accepts(values.data_type()) {
        return Ok(values.clone());
    }
    match (ty, values.data_type()) {
        (FieldType::List(item), DataType::List(_)) => {
            let lists = values.as_list::<i32>();
            let inner = widened(lists.values(), item)?;
            let field = Arc::new(ArrowField::new("item", inner.data_type().clone(), true));
            let lists = ListArray::try_new(
                field,
                lists.offsets().clone(),
                inner,
                lists.nulls().cloned(),
            );
            Ok(Arc::new(lists.map_err(failed)?))
        }
        (FieldType::Struct(_, fields), DataType::Struct(_)) => {
            let documents = values.as_struct();
            let children = fields
                .iter()
                .map(|field| match documents.column_by_name(&field.name) {
                    Some(child) => widened(child, &field.ty),
                    None => Ok(new_null_array(&field.ty.arrow(), documents.len())),
                })
                .collect::<Result<Vec<ArrayRef>, Error>>()?;
            let types: Fields = fields
                .iter()
                .zip(&children)
                .map(|(field, child)| ArrowField::new(&field.name, child.data_type().clone(), true))
                .collect();
            let documents = StructArray::try_new(types, children, documents.nulls().cloned());
            Ok(Arc::new(documents.map_err(failed)?))
        }
        _ => cast(values, &ty.arrow()).map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use messier_store::StructKind;

    use super::*;

    fn label(attributes: &[(&str, FieldType)]) -> FieldType {
        let fields = attributes
            .iter()
            .map(|(name, ty)| Field::new(*name, ty.clone()));
        FieldType::Struct(StructKind::Classification, fields.collect())
    }

    #[test]
    fn attributes_are_joined_in_the_order_they_came() {
        let known = label(&[("label", FieldType::Text), ("confidence", FieldType::Float)]);
        let new = label(&[
            ("label", FieldType::Text),
            ("hard", FieldType::Bool),
            ("confidence", FieldType::Int),
        ]);
        let both = label(&[
            ("label", FieldType::Text),
            ("confidence", FieldType::Float),
            ("hard", FieldType::Bool),
        ]);
        assert_eq!(union(&known, &new), Some(both.clone()));
        let listed = |ty: FieldType| FieldType::List(Box::new(ty));
        assert_eq!(union(&listed(known), &listed(new)), Some(listed(both)));
    }

    #[test]
    fn what_would_lose_something_is_not_joined() {
        assert_eq!(union(&FieldType::Int, &FieldType::Float), None);
        assert_eq!(union(&FieldType::Text, &FieldType::Int), None);
        let text = label(&[("label", FieldType::Text)]);
        let number = label(&[("label", FieldType::Int)]);
        assert_eq!(union(&text, &number), None);
    }
}
