//! The closed list of field types, and the Arrow type each one is kept as.
//!
//! Labels are structs with a *kind*, not types of their own: `F("ground_truth.detections.label")` then is an ordinary
//! nested column, and a new label kind costs one variant here.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// Number of bytes of a sample id (24 hex digits as text).
pub const ID_BYTES: i32 = 12;

/// What a field holds. Every value may be null.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldType {
    /// `true` or `false`; Arrow `Boolean`.
    Bool,
    /// 64-bit signed integer; Arrow `Int64`.
    Int,
    /// 64-bit float; Arrow `Float64`.
    Float,
    /// UTF-8 text; Arrow `Utf8`, or `Dictionary(Int32, Utf8)` where few values repeat. Readers accept both.
    Text,
    /// A day; Arrow `Date32`.
    Date,
    /// A moment in UTC with milliseconds; Arrow `Timestamp(Millisecond, "UTC")`.
    DateTime,
    /// A 12-byte identifier, written as 24 hex digits; Arrow `FixedSizeBinary(12)`.
    Id,
    /// A vector of `d` 32-bit floats; Arrow `FixedSizeList<Float32>(d)`.
    Vector(u32),
    /// A list; Arrow `List`.
    List(Box<FieldType>),
    /// A document with named fields; Arrow `Struct`.
    Struct(StructKind, Vec<Field>),
}

/// What a struct stands for. It decides printing and which label stages apply; storage is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StructKind {
    /// No special meaning.
    Plain,
    /// `size_bytes, mime_type, width, height, num_channels`.
    Metadata,
    /// One label: `label`, `confidence`, and attributes.
    Classification,
    /// `classifications`: a list of `Classification`.
    Classifications,
    /// One box: `label`, `bounding_box`, `confidence`, and attributes.
    Detection,
    /// `detections`: a list of `Detection`.
    Detections,
    /// `value`, `confidence`.
    Regression,
}

/// A named, typed field of a dataset or of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The name; no dot, not empty, not starting with `$` or `_`.
    pub name: String,
    /// What it holds.
    pub ty: FieldType,
}

impl Field {
    /// A field `name` of type `ty`.
    pub fn new(name: impl Into<String>, ty: FieldType) -> Field {
        Field {
            name: name.into(),
            ty,
        }
    }

    /// The Arrow field it is kept as (always nullable).
    pub fn arrow(&self) -> ArrowField {
        ArrowField::new(&self.name, self.ty.arrow(), true)
    }
}

impl FieldType {
    /// The Arrow type values of this type are kept as. `Text` is `Utf8` here; a dictionary of it is accepted everywhere.
    pub fn arrow(&self) -> DataType {
        match self {
            FieldType::Bool => DataType::Boolean,
            FieldType::Int => DataType::Int64,
            FieldType::Float => DataType::Float64,
            FieldType::Text => DataType::Utf8,
            FieldType::Date => DataType::Date32,
            FieldType::DateTime => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            FieldType::Id => DataType::FixedSizeBinary(ID_BYTES),
            FieldType::Vector(d) => DataType::FixedSizeList(
                Arc::new(ArrowField::new("item", DataType::Float32, true)),
                i32::try_from(*d).unwrap_or(i32::MAX),
            ),
            FieldType::List(item) => {
                DataType::List(Arc::new(ArrowField::new("item", item.arrow(), true)))
            }
            FieldType::Struct(_, fields) => {
                DataType::Struct(fields.iter().map(Field::arrow).collect::<Fields>())
            }
        }
    }

    /// Whether an Arrow array of type `data` may be stored in a field of this type.
    pub fn accepts(&self, data: &DataType) -> bool {
        match (self, data) {
            (FieldType::Text, DataType::Dictionary(_, value)) => **value == DataType::Utf8,
            _ => self.arrow().equals_datatype(data),
        }
    }

    /// The type at the end of a list or a list of lists; itself for anything else.
    pub fn innermost(&self) -> &FieldType {
        match self {
            FieldType::List(item) => item.innermost(),
            other => other,
        }
    }

    /// The fields of a struct, or of the structs in a list; none for anything else.
    pub fn children(&self) -> &[Field] {
        match self.innermost() {
            FieldType::Struct(_, fields) => fields,
            _ => &[],
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldType::Bool => f.write_str("bool"),
            FieldType::Int => f.write_str("int"),
            FieldType::Float => f.write_str("float"),
            FieldType::Text => f.write_str("string"),
            FieldType::Date => f.write_str("date"),
            FieldType::DateTime => f.write_str("datetime"),
            FieldType::Id => f.write_str("id"),
            FieldType::Vector(d) => write!(f, "vector({d})"),
            FieldType::List(item) => write!(f, "list({item})"),
            FieldType::Struct(kind, _) => f.write_str(match kind {
                StructKind::Plain => "struct",
                StructKind::Metadata => "Metadata",
                StructKind::Classification => "Classification",
                StructKind::Classifications => "Classifications",
                StructKind::Detection => "Detection",
                StructKind::Detections => "Detections",
                StructKind::Regression => "Regression",
            }),
        }
    }
}

/// A sample id: 12 bytes, written as 24 hex digits, as FiftyOne's and MongoDB's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SampleId(pub [u8; 12]);

impl SampleId {
    /// Reads 24 hex digits of either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<SampleId> {
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return None;
        }
        let mut bytes = [0u8; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(SampleId(bytes))
    }
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The ordered fields of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The fields, in the order they were added.
    pub fields: Vec<Field>,
}

impl Schema {
    /// The fields every dataset starts with.
    pub fn of_samples() -> Schema {
        let metadata = [
            ("size_bytes", FieldType::Int),
            ("mime_type", FieldType::Text),
            ("width", FieldType::Int),
            ("height", FieldType::Int),
            ("num_channels", FieldType::Int),
        ];
        let metadata = metadata
            .into_iter()
            .map(|(name, ty)| Field::new(name, ty))
            .collect();
        Schema {
            fields: vec![
                Field::new("id", FieldType::Id),
                Field::new("filepath", FieldType::Text),
                Field::new("tags", FieldType::List(Box::new(FieldType::Text))),
                Field::new(
                    "metadata",
                    FieldType::Struct(StructKind::Metadata, metadata),
                ),
                Field::new("created_at", FieldType::DateTime),
                Field::new("last_modified_at", FieldType::DateTime),
            ],
        }
    }

    /// The top-level field called `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The type at a dotted path, looking through lists of structs (`"detections.label"`).
    /// A list on the way makes the result a list of it.
    pub fn resolve(&self, path: &str) -> Option<FieldType> {
        let mut names = path.split('.');
        let mut ty = self.field(names.next()?)?.ty.clone();
        let mut lists = 0;
        for name in names {
            while let FieldType::List(item) = ty {
                ty = *item;
                lists += 1;
            }
            let FieldType::Struct(_, fields) = ty else {
                return None;
            };
            ty = fields.into_iter().find(|field| field.name == name)?.ty;
        }
        Some((0..lists).fold(ty, |ty, _| FieldType::List(Box::new(ty))))
    }

    /// Every dotted path that resolves, in order: `["id", ..., "metadata", "metadata.width", ...]`.
    pub fn paths(&self) -> Vec<String> {
        fn walk(prefix: &str, fields: &[Field], out: &mut Vec<String>) {
            for field in fields {
                let path = if prefix.is_empty() {
                    field.name.clone()
                } else {
                    format!("{prefix}.{}", field.name)
                };
                out.push(path.clone());
                walk(&path, field.ty.children(), out);
            }
        }
        let mut out = Vec::new();
        walk("", &self.fields, &mut out);
        out
    }
}
