//! Questions about null, and the value instead of it. A missing field and a null one are the same here.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, truth};
use crate::columns::{gather, join};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// Whether values are null.
pub struct IsNull {
    signature: Signature,
}

/// `x.is_null()`
pub static IS_NULL: IsNull = IsNull {
    signature: expression(
        "is_null",
        "Whether the value is null or missing.",
        &[],
        &[example(
            r#"match(F("metadata").is_null())"#,
            "Keeps samples whose header could not be read.",
        )],
    ),
};

static IS_MISSING: IsNull = IsNull {
    signature: expression(
        "is_missing",
        "Whether the value is missing, which here is the same as null.",
        &[],
        &[example(
            r#"match(F("ground_truth").is_missing())"#,
            "Keeps samples without a label.",
        )],
    ),
};

impl Function for IsNull {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Bool)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        Ok(truth(null_bits(&call.column(0)?)))
    }
}

/// Which values are null.
pub(super) fn null_bits(array: &ArrayRef) -> BooleanBuffer {
    match array.logical_nulls() {
        Some(nulls) => !nulls.inner(),
        None => BooleanBuffer::new_unset(array.len()),
    }
}

/// `x.exists(bool)`
struct Exists;

static EXISTS: Exists = Exists;
static EXISTS_SIGNATURE: Signature = expression(
    "exists",
    "Whether there is a value: anything but null, also NaN and an empty list.",
    &[param(
        "bool",
        Kind::Bool,
        Default::Bool(true),
        "False asks for the opposite.",
    )],
    &[example(
        r#"match(F("uniqueness").exists())"#,
        "Keeps samples that have been scored.",
    )],
);

impl Function for Exists {
    fn signature(&'static self) -> &'static Signature {
        &EXISTS_SIGNATURE
    }
    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Bool)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let null = null_bits(&call.column(0)?);
        let wanted = call.constant(1) != crate::columns::Datum::Bool(false);
        Ok(truth(if wanted { !&null } else { null }))
    }
}

/// `x.if_null(y)`
struct IfNull;

static IF_NULL: IfNull = IfNull;
static IF_NULL_SIGNATURE: Signature = expression(
    "if_null",
    "Gives the value, or the other one where it is null.",
    &[param(
        "other",
        Kind::Expr(TypeSet::Any),
        Default::Required,
        "What stands for null.",
    )],
    &[example(
        r#"sort_by(F("uniqueness").if_null(0))"#,
        "Sorts unscored samples as 0.",
    )],
);

impl Function for IfNull {
    fn signature(&'static self) -> &'static Signature {
        &IF_NULL_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let ty = args[0].ty.unify(&args[1].ty);
        ty.ok_or_else(|| {
            Mismatch::new(1, format!("the type of what it stands for, {}", args[0].ty))
        })
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let values = join(&[call.column(0)?, call.column(1)?], call.ty)?;
        let null = null_bits(&call.column(0)?);
        let len = call.len as u32;
        let rows: Vec<u32> = (0..len)
            .map(|row| {
                if null.value(row as usize) {
                    len + row
                } else {
                    row
                }
            })
            .collect();
        gather(&values, &rows)
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
    method(&EXISTS),
    method(&IS_NULL),
    method(&IS_MISSING),
    method(&IF_NULL),
];
