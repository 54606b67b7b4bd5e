//! Questions about the type of a value. Columns are typed, so the answer is the same for every value that is there.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};

use super::nulls::null_bits;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, truth};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Signature, example, expression};
use crate::types::Type;

/// Whether values are of some types.
struct IsKind {
    signature: Signature,
    test: fn(&Type) -> bool,
}

static IS_NUMBER: IsKind = IsKind {
    signature: expression(
        "is_number",
        "Whether the value is an int or a float.",
        &[],
        &[example(
            r#"match(F("uniqueness").is_number())"#,
            "Keeps samples with a score.",
        )],
    ),
    test: Type::is_number,
};
static IS_STRING: IsKind = IsKind {
    signature: expression(
        "is_string",
        "Whether the value is a text.",
        &[],
        &[example(
            r#"match(F("k20").is_string())"#,
            "Keeps samples with a cluster.",
        )],
    ),
    test: |ty| *ty == Type::Text,
};
static IS_ARRAY: IsKind = IsKind {
    signature: expression(
        "is_array",
        "Whether the value is a list or a vector.",
        &[],
        &[example(
            r#"match(F("tags").is_array())"#,
            "Keeps samples with a list of tags.",
        )],
    ),
    test: Type::is_list,
};

impl Function for IsKind {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Bool)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        if !(self.test)(&call.types[0]) {
            return Ok(call.test(|_| false));
        }
        Ok(truth(!&null_bits(&call.column(0)?)))
    }
}

/// `x.type()`
struct TypeName;

static TYPE: TypeName = TypeName;
static TYPE_SIGNATURE: Signature = expression(
    "type",
    "Gives the name of the value's type as MongoDB calls it (`int`, `double`, `string`, `bool`, `date`, `objectId`, `array`, `object`, `binData` for vectors), `null` where there is no value.",
    &[],
    &[example(
        r#"count_values(F("uniqueness").type())"#,
        "Counts scores and nulls.",
    )],
);

/// MongoDB's name of a type: what people compare with in views they bring along.
fn bson_name(ty: &Type) -> &'static str {
    match ty {
        Type::Null => "null",
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Float => "double",
        Type::Text => "string",
        Type::Date | Type::DateTime => "date",
        Type::Id => "objectId",
        Type::Vector(_) => "binData",
        Type::List(_) => "array",
        Type::Struct(..) => "object",
    }
}

impl Function for TypeName {
    fn signature(&'static self) -> &'static Signature {
        &TYPE_SIGNATURE
    }
    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Text)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let null = null_bits(&call.column(0)?);
        let name = bson_name(&call.types[0]);
        let names = null
            .iter()
            .map(|null| Some(if null { "null" } else { name }));
        Ok(Arc::new(names.collect::<StringArray>()))
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&IS_NUMBER),
    method(&IS_STRING),
    method(&IS_ARRAY),
    method(&TYPE),
];
