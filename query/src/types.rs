//! The types of expressions: the store's field types, and `Null` for what is known to be null.
//!
//! A set of types of our own, not the store's: a literal `None` and an empty list have a type here and none there.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField};
use messier_store::{Field, FieldType, StructKind};

/// What an expression gives. Every value may be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing but null: the literal `None`.
    Null,
    /// `True` or `False`.
    Bool,
    /// 64-bit signed integer.
    Int,
    /// 64-bit float.
    Float,
    /// Unicode text.
    Text,
    /// A day.
    Date,
    /// A moment in UTC, in milliseconds.
    DateTime,
    /// A 12-byte identifier.
    Id,
    /// A vector of so many 32-bit floats.
    Vector(u32),
    /// A list.
    List(Box<Type>),
    /// A document with named fields.
    Struct(StructKind, Vec<(String, Type)>),
}

impl From<&FieldType> for Type {
    fn from(ty: &FieldType) -> Type {
        match ty {
            FieldType::Bool => Type::Bool,
            FieldType::Int => Type::Int,
            FieldType::Float => Type::Float,
            FieldType::Text => Type::Text,
            FieldType::Date => Type::Date,
            FieldType::DateTime => Type::DateTime,
            FieldType::Id => Type::Id,
            FieldType::Vector(d) => Type::Vector(*d),
            FieldType::List(item) => Type::list(Type::from(&**item)),
            FieldType::Struct(kind, fields) => Type::Struct(
                *kind,
                fields
                    .iter()
                    .map(|field| (field.name.clone(), Type::from(&field.ty)))
                    .collect(),
            ),
        }
    }
}

impl Type {
    /// A list of `item`.
    pub fn list(item: Type) -> Type {
        Type::List(Box::new(item))
    }

    /// The field type that holds such values; what is only ever null is kept as text.
    pub fn field_type(&self) -> FieldType {
        match self {
            Type::Null | Type::Text => FieldType::Text,
            Type::Bool => FieldType::Bool,
            Type::Int => FieldType::Int,
            Type::Float => FieldType::Float,
            Type::Date => FieldType::Date,
            Type::DateTime => FieldType::DateTime,
            Type::Id => FieldType::Id,
            Type::Vector(d) => FieldType::Vector(*d),
            Type::List(item) => FieldType::List(Box::new(item.field_type())),
            Type::Struct(kind, fields) => FieldType::Struct(
                *kind,
                fields
                    .iter()
                    .map(|(name, ty)| Field::new(name, ty.field_type()))
                    .collect(),
            ),
        }
    }

    /// The Arrow type columns of this type have (text may also come as a dictionary of it).
    pub fn arrow(&self) -> DataType {
        match self {
            Type::Null => DataType::Null,
            Type::List(item) => {
                DataType::List(Arc::new(ArrowField::new("item", item.arrow(), true)))
            }
            Type::Struct(_, fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, ty)| ArrowField::new(name, ty.arrow(), true))
                    .collect(),
            ),
            other => other.field_type().arrow(),
        }
    }

    /// Whether it is an int or a float.
    pub fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Float)
    }

    /// Whether it is a date or a datetime.
    pub fn is_date(&self) -> bool {
        matches!(self, Type::Date | Type::DateTime)
    }

    /// Whether it is a list or a vector.
    pub fn is_list(&self) -> bool {
        matches!(self, Type::List(_) | Type::Vector(_))
    }

    /// Whether values of it have an order of their own.
    pub fn is_ordered(&self) -> bool {
        !matches!(self, Type::List(_) | Type::Vector(_) | Type::Struct(..))
    }

    /// What a list or a vector holds.
    pub fn item(&self) -> Option<Type> {
        match self {
            Type::List(item) => Some((**item).clone()),
            Type::Vector(_) => Some(Type::Float),
            Type::Null => Some(Type::Null),
            _ => None,
        }
    }

    /// The type at the end of a list or a list of lists; itself for anything else.
    pub fn innermost(&self) -> &Type {
        match self {
            Type::List(item) => item.innermost(),
            other => other,
        }
    }

    /// The fields of a struct, or of the structs in a list.
    pub fn children(&self) -> &[(String, Type)] {
        match self.innermost() {
            Type::Struct(_, fields) => fields,
            _ => &[],
        }
    }

    /// The type of field `name` of a struct, or of each struct in a list (then a list of it).
    pub fn child(&self, name: &str) -> Option<Type> {
        match self {
            Type::List(item) => item.child(name).map(Type::list),
            Type::Struct(_, fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, ty)| ty.clone()),
            _ => None,
        }
    }

    /// The type that values of both can be brought to without losing what they mean; `None` where there is none.
    pub fn unify(&self, other: &Type) -> Option<Type> {
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (Type::Null, ty) | (ty, Type::Null) => ty.clone(),
            (Type::Int, Type::Float) | (Type::Float, Type::Int) => Type::Float,
            (Type::Date, Type::DateTime) | (Type::DateTime, Type::Date) => Type::DateTime,
            (Type::List(a), Type::List(b)) => Type::list(a.unify(b)?),
            (Type::Vector(_), Type::Vector(_)) => Type::list(Type::Float),
            (Type::Vector(_), Type::List(item)) | (Type::List(item), Type::Vector(_))
                if item.is_number() || **item == Type::Null =>
            {
                Type::list(Type::Float)
            }
            (Type::Struct(kind, a), Type::Struct(other, b)) if a.len() == b.len() => {
                let fields = a.iter().zip(b).map(|((name, x), (same, y))| {
                    (name == same)
                        .then(|| Some((name.clone(), x.unify(y)?)))
                        .flatten()
                });
                let kind = if kind == other {
                    *kind
                } else {
                    StructKind::Plain
                };
                Type::Struct(kind, fields.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

/// Whether values are labels: classifications, detections, regressions.
pub fn is_label(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Struct(
            StructKind::Classification
                | StructKind::Classifications
                | StructKind::Detection
                | StructKind::Detections
                | StructKind::Regression,
            _
        )
    )
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Null => f.write_str("null"),
            Type::List(item) => write!(f, "list({item})"),
            other => other.field_type().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unify_widens_and_refuses() {
        assert_eq!(Type::Int.unify(&Type::Float), Some(Type::Float));
        assert_eq!(Type::Null.unify(&Type::Text), Some(Type::Text));
        assert_eq!(
            Type::list(Type::Int).unify(&Type::list(Type::Float)),
            Some(Type::list(Type::Float))
        );
        assert_eq!(Type::Int.unify(&Type::Text), None);
        assert_eq!(Type::Bool.unify(&Type::Int), None);
    }
}
