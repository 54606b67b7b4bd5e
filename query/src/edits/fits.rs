//! Which type a stored field has after new values have been put into it. A type is never changed behind a person's back:
//! it may only grow, by new fields of a document; whatever else does not fit is refused.

use messier_store::{FieldType, Schema};

use crate::plan::article;
use crate::types::Type;

/// The type of `stored` once values of type `new` are in it.
///
/// # Errors
/// What does not fit, as a sentence about the field, and what would work.
pub(super) fn merged(name: &str, stored: &Type, new: &Type) -> Result<Type, (String, String)> {
    if let Some(ty) = widened(stored, new) {
        let fixed = Schema::of_samples().field(name).is_some();
        if fixed && ty != *stored {
            return Err((
                format!(
                    "`{name}` has the same fields in every dataset, and these values have more"
                ),
                format!("give it a field of its own: set_field(\"{name}_more\", ...)"),
            ));
        }
        return Ok(ty);
    }
    if let (Type::Struct(_, old), Type::Struct(_, fields)) = (stored, new) {
        for (child, ty) in old {
            match fields.iter().find(|(other, _)| other == child) {
                None => {
                    return Err((
                        format!(
                            "`{name}` is stored with a field `{child}`, which the new values have not"
                        ),
                        "set single fields of it instead: set_field(\"field.part\", ...)"
                            .to_owned(),
                    ));
                }
                Some((_, new)) if widened(ty, new).is_none() => {
                    return merged(&format!("{name}.{child}"), ty, new);
                }
                Some(_) => {}
            }
        }
    }
    if let (Type::List(a), Type::List(b)) = (stored, new)
        && widened(a, b).is_none()
        && matches!((&**a, &**b), (Type::Struct(..), Type::Struct(..)))
    {
        return merged(name, a, b);
    }
    Err((
        format!(
            "`{name}` is stored as {}, and the new values are {}",
            article(stored),
            article(new)
        ),
        conversion(stored, new),
    ))
}

fn conversion(stored: &Type, new: &Type) -> String {
    let call = match (stored, new) {
        (Type::Int, Type::Float) => {
            "whole numbers: put `.round().to_int()` at the end of the expression"
        }
        (Type::Int, Type::Text | Type::Bool) => {
            "whole numbers: put `.to_int()` at the end of the expression"
        }
        (Type::Float, Type::Text | Type::Bool) => {
            "numbers: put `.to_double()` at the end of the expression"
        }
        (Type::Text, ty) if ty.is_ordered() => {
            "text: put `.to_string()` at the end of the expression"
        }
        (Type::Bool, _) => "a condition: put a comparison at the end of the expression",
        (Type::Date | Type::DateTime, Type::Text | Type::Int) => {
            "a date: put `.to_date()` at the end of the expression"
        }
        _ => return "save it to a new field instead: set_field(\"new_name\", ...)".to_owned(),
    };
    format!("make it {call}; or save it to a new field")
}

/// The type that holds values of both, where that is `stored` or `stored` with more fields in its documents.
fn widened(stored: &Type, new: &Type) -> Option<Type> {
    Some(match (stored, new) {
        (a, b) if a == b => a.clone(),
        (ty, Type::Null) => ty.clone(),
        (Type::Float, Type::Int) => Type::Float,
        (Type::DateTime, Type::Date) => Type::DateTime,
        (Type::Vector(_), Type::List(item)) if item.is_number() || **item == Type::Null => {
            stored.clone()
        }
        (Type::List(item), Type::Vector(_)) if **item == Type::Float => stored.clone(),
        (Type::List(a), Type::List(b)) => Type::list(widened(a, b)?),
        (Type::Struct(kind, old), Type::Struct(_, new)) => {
            let mut fields = Vec::with_capacity(new.len());
            for (name, ty) in old {
                let (_, other) = new.iter().find(|(other, _)| other == name)?;
                fields.push((name.clone(), widened(ty, other)?));
            }
            for (name, ty) in new {
                if !old.iter().any(|(known, _)| known == name) {
                    fields.push((name.clone(), storable(ty)?));
                }
            }
            Type::Struct(*kind, fields)
        }
        _ => return None,
    })
}

/// The type as a field can have it; `None` where nothing says what it holds.
pub(super) fn storable(ty: &Type) -> Option<Type> {
    match ty {
        Type::Null => None,
        Type::List(item) => storable(item).map(Type::list),
        Type::Struct(kind, fields) => {
            let fields = fields
                .iter()
                .map(|(name, ty)| Some((name.clone(), storable(ty)?)));
            Some(Type::Struct(*kind, fields.collect::<Option<_>>()?))
        }
        other => Some(other.clone()),
    }
}

/// The part of a stored type that a view's type still names; `None` where nothing of it is left.
pub(super) fn narrowed(stored: &FieldType, view: &FieldType) -> FieldType {
    match (stored, view) {
        (FieldType::List(a), FieldType::List(b)) => FieldType::List(Box::new(narrowed(a, b))),
        (FieldType::Struct(kind, old), FieldType::Struct(_, shown)) => {
            let kept = old.iter().filter_map(|field| {
                let other = shown.iter().find(|other| other.name == field.name)?;
                Some(messier_store::Field::new(
                    field.name.clone(),
                    narrowed(&field.ty, &other.ty),
                ))
            });
            FieldType::Struct(*kind, kept.collect())
        }
        _ => stored.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_store::StructKind;

    fn document(fields: &[(&str, Type)]) -> Type {
        let fields = fields
            .iter()
            .map(|(name, ty)| ((*name).to_owned(), ty.clone()));
        Type::Struct(StructKind::Plain, fields.collect())
    }

    #[test]
    fn a_type_grows_by_fields_of_documents_only() {
        let old = document(&[("a", Type::Float)]);
        let more = document(&[("a", Type::Int), ("b", Type::Text)]);
        let grown = document(&[("a", Type::Float), ("b", Type::Text)]);
        assert_eq!(merged("x", &old, &more), Ok(grown.clone()));
        let lists = (Type::list(old.clone()), Type::list(more));
        assert_eq!(merged("x", &lists.0, &lists.1), Ok(Type::list(grown)));
        assert!(merged("x", &old, &document(&[("b", Type::Text)])).is_err());
        assert!(merged("x", &Type::Int, &Type::Float).is_err());
        assert_eq!(merged("x", &Type::Float, &Type::Int), Ok(Type::Float));
        assert_eq!(merged("x", &Type::Int, &Type::Null), Ok(Type::Int));
    }

    #[test]
    fn what_does_not_fit_deep_inside_is_named_by_its_path() {
        let old = document(&[("a", document(&[("b", Type::Int)]))]);
        let new = document(&[("a", document(&[("b", Type::Text)]))]);
        let (why, how) = merged("x", &old, &new).unwrap_err();
        assert!(why.contains("`x.a.b` is stored as an int"), "{why}");
        assert!(how.contains(".to_int()"), "{how}");
    }
}
