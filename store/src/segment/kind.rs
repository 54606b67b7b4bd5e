//! The Arrow types a chunk may have, in a form of our own: the format must not change when Arrow's types do.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// Nesting deeper than this is refused, so that no recursion over types is deep.
const MAX_DEPTH: usize = 64;

/// An Arrow type as it is written in a footer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// `Null`.
    Null,
    /// `Boolean`.
    Boolean,
    /// `Int8` to `Int64`: the width in bytes.
    Int(u8),
    /// `UInt8` to `UInt64`: the width in bytes.
    UInt(u8),
    /// `Float16` to `Float64`: the width in bytes.
    Float(u8),
    /// `Utf8`.
    Utf8,
    /// `LargeUtf8`.
    LargeUtf8,
    /// `Binary`.
    Binary,
    /// `LargeBinary`.
    LargeBinary,
    /// `FixedSizeBinary` of so many bytes.
    FixedSizeBinary(i32),
    /// `Date32`.
    Date32,
    /// `Timestamp`: the power of ten of its unit (0, 3, 6, 9) and its time zone.
    Timestamp(u8, Option<String>),
    /// `List`.
    List(Box<Child>),
    /// `FixedSizeList` of so many items.
    FixedSizeList(Box<Child>, i32),
    /// `Struct`.
    Struct(Vec<Child>),
    /// `Dictionary`: type of the keys, type of the values.
    Dictionary(Box<Kind>, Box<Kind>),
}

/// A named part of a list or struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Child {
    name: String,
    nullable: bool,
    kind: Kind,
}

impl Kind {
    /// The kind of an Arrow type; `None` where it cannot be stored.
    pub fn of(ty: &DataType) -> Option<Kind> {
        Kind::at_depth(ty, 0)
    }

    fn at_depth(ty: &DataType, depth: usize) -> Option<Kind> {
        if depth > MAX_DEPTH {
            return None;
        }
        let child = |field: &Field| {
            Some(Child {
                name: field.name().clone(),
                nullable: field.is_nullable(),
                kind: Kind::at_depth(field.data_type(), depth + 1)?,
            })
        };
        Some(match ty {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Boolean,
            DataType::Int8 => Kind::Int(1),
            DataType::Int16 => Kind::Int(2),
            DataType::Int32 => Kind::Int(4),
            DataType::Int64 => Kind::Int(8),
            DataType::UInt8 => Kind::UInt(1),
            DataType::UInt16 => Kind::UInt(2),
            DataType::UInt32 => Kind::UInt(4),
            DataType::UInt64 => Kind::UInt(8),
            DataType::Float16 => Kind::Float(2),
            DataType::Float32 => Kind::Float(4),
            DataType::Float64 => Kind::Float(8),
            DataType::Utf8 => Kind::Utf8,
            DataType::LargeUtf8 => Kind::LargeUtf8,
            DataType::Binary => Kind::Binary,
            DataType::LargeBinary => Kind::LargeBinary,
            DataType::FixedSizeBinary(width) => Kind::FixedSizeBinary(*width),
            DataType::Date32 => Kind::Date32,
            DataType::Timestamp(unit, zone) => {
                let power = match unit {
                    TimeUnit::Second => 0,
                    TimeUnit::Millisecond => 3,
                    TimeUnit::Microsecond => 6,
                    TimeUnit::Nanosecond => 9,
                };
                Kind::Timestamp(power, zone.as_ref().map(ToString::to_string))
            }
            DataType::List(item) => Kind::List(Box::new(child(item)?)),
            DataType::FixedSizeList(item, size) => {
                Kind::FixedSizeList(Box::new(child(item)?), *size)
            }
            DataType::Struct(fields) => Kind::Struct(
                fields
                    .iter()
                    .map(|field| child(field))
                    .collect::<Option<_>>()?,
            ),
            DataType::Dictionary(key, value) => Kind::Dictionary(
                Box::new(Kind::at_depth(key, depth + 1)?),
                Box::new(Kind::at_depth(value, depth + 1)?),
            ),
            _ => return None,
        })
    }

    /// The Arrow type; `None` where a width or unit is none of Arrow's.
    pub fn arrow(&self) -> Option<DataType> {
        let field = |child: &Child| {
            Some(Arc::new(Field::new(
                &child.name,
                child.kind.arrow()?,
                child.nullable,
            )))
        };
        Some(match self {
            Kind::Null => DataType::Null,
            Kind::Boolean => DataType::Boolean,
            Kind::Int(1) => DataType::Int8,
            Kind::Int(2) => DataType::Int16,
            Kind::Int(4) => DataType::Int32,
            Kind::Int(8) => DataType::Int64,
            Kind::UInt(1) => DataType::UInt8,
            Kind::UInt(2) => DataType::UInt16,
            Kind::UInt(4) => DataType::UInt32,
            Kind::UInt(8) => DataType::UInt64,
            Kind::Float(2) => DataType::Float16,
            Kind::Float(4) => DataType::Float32,
            Kind::Float(8) => DataType::Float64,
            Kind::Int(_) | Kind::UInt(_) | Kind::Float(_) => return None,
            Kind::Utf8 => DataType::Utf8,
            Kind::LargeUtf8 => DataType::LargeUtf8,
            Kind::Binary => DataType::Binary,
            Kind::LargeBinary => DataType::LargeBinary,
            Kind::FixedSizeBinary(width) => DataType::FixedSizeBinary(*width),
            Kind::Date32 => DataType::Date32,
            Kind::Timestamp(power, zone) => {
                let unit = match power {
                    0 => TimeUnit::Second,
                    3 => TimeUnit::Millisecond,
                    6 => TimeUnit::Microsecond,
                    9 => TimeUnit::Nanosecond,
                    _ => return None,
                };
                DataType::Timestamp(unit, zone.as_deref().map(Into::into))
            }
            Kind::List(item) => DataType::List(field(item)?),
            Kind::FixedSizeList(item, size) => DataType::FixedSizeList(field(item)?, *size),
            Kind::Struct(children) => {
                DataType::Struct(children.iter().map(field).collect::<Option<Fields>>()?)
            }
            Kind::Dictionary(key, value) => {
                DataType::Dictionary(Box::new(key.arrow()?), Box::new(value.arrow()?))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;

    #[test]
    fn every_type_of_a_sample_comes_back() {
        for field in Schema::of_samples().fields {
            let ty = field.ty.arrow();
            assert_eq!(Kind::of(&ty).unwrap().arrow().unwrap(), ty);
        }
    }

    #[test]
    fn a_width_that_arrow_lacks_is_no_type() {
        assert_eq!(Kind::Int(3).arrow(), None);
    }
}
