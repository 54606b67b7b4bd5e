//! Comparisons. The planner has brought both sides to one type; text that is coded by a dictionary is compared by code.
//!
//! Two nulls are equal, a null and a value are not, an order with null or NaN does not hold, NaN equals NaN.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMillisecondType};

use super::{Function, Invocation, Mismatch, truth};
use crate::columns::{Texts, cast, rank_together};
use crate::error::Error;
use crate::eval::Value;
use crate::plan::Expr;
use crate::signature::{Signature, example, expression};
use crate::syntax::CompareOp;
use crate::types::Type;

/// A comparison of two values of one type.
pub struct Compare {
    op: CompareOp,
    signature: Signature,
}

macro_rules! comparison {
    ($name:ident, $op:ident, $text:literal, $summary:literal, $query:literal, $shows:literal) => {
        /// The comparison.
        pub static $name: Compare = Compare {
            op: CompareOp::$op,
            signature: expression($text, $summary, &[], &[example($query, $shows)]),
        };
    };
}

comparison!(
    EQ,
    Eq,
    "==",
    "Whether both are the same; two nulls are, and so are two NaN.",
    r#"match(F("k20") == "7")"#,
    "Keeps the samples of cluster 7."
);
comparison!(
    NE,
    Ne,
    "!=",
    "Whether both differ; a null differs from every value.",
    r#"match(F("k20") != "-1")"#,
    "Drops the noise."
);
comparison!(
    LT,
    Lt,
    "<",
    "Whether the left is less; false with null or NaN.",
    r#"match(F("metadata.width") < 640)"#,
    "Keeps narrow images."
);
comparison!(
    LE,
    Le,
    "<=",
    "Whether the left is less or the same; false with null or NaN.",
    r#"match(F("uniqueness") <= 0.5)"#,
    "Keeps the common half of the scale."
);
comparison!(
    GT,
    Gt,
    ">",
    "Whether the left is greater; false with null or NaN.",
    r#"match(F("metadata.width") > 640)"#,
    "Keeps wide images."
);
comparison!(
    GE,
    Ge,
    ">=",
    "Whether the left is greater or the same; false with null or NaN.",
    r#"match(0.2 <= F("uniqueness") <= 0.8)"#,
    "Keeps the middle; a chain as in Python."
);

impl Function for Compare {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Bool)
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (a, b) = (&call.args[0], &call.args[1]);
        let raw = self.holds(a, b, call)?;
        let valid = |value: &Value| valid_bits(value, call.len);
        let bits = match (valid(a), valid(b)) {
            (None, None) => raw,
            (a, b) => {
                let full = || BooleanBuffer::new_set(call.len);
                let (a, b) = (a.unwrap_or_else(full), b.unwrap_or_else(full));
                let both = &(&a & &b) & &raw;
                match self.op {
                    CompareOp::Eq => &both | &!&(&a | &b),
                    CompareOp::Ne => &both | &(&a ^ &b),
                    _ => both,
                }
            }
        };
        Ok(truth(bits))
    }
}

/// Which rows are not null; `None` where all are.
fn valid_bits(value: &Value, len: usize) -> Option<BooleanBuffer> {
    let nulls = value
        .array()
        .logical_nulls()
        .filter(|nulls| nulls.null_count() > 0)?;
    Some(if value.is_scalar() {
        BooleanBuffer::new_unset(len)
    } else {
        nulls.inner().clone()
    })
}

impl Compare {
    /// Whether the comparison holds, where neither side is null.
    fn holds(&self, a: &Value, b: &Value, call: &Invocation<'_>) -> Result<BooleanBuffer, Error> {
        let types = (a.array().data_type(), b.array().data_type());
        Ok(match types {
            (DataType::Null, _) | (_, DataType::Null) => BooleanBuffer::new_unset(call.len),
            (DataType::Int64, DataType::Int64) => {
                let x = &a.array().as_primitive::<Int64Type>().values()[..];
                let y = &b.array().as_primitive::<Int64Type>().values()[..];
                self.primitive(x, y, a, b, call.len)
            }
            (DataType::Int64 | DataType::Float64, DataType::Int64 | DataType::Float64) => {
                let (x, y) = (
                    cast(a.array(), &Type::Float)?,
                    cast(b.array(), &Type::Float)?,
                );
                let x = &x.as_primitive::<Float64Type>().values()[..];
                let y = &y.as_primitive::<Float64Type>().values()[..];
                match self.op {
                    CompareOp::Eq | CompareOp::Ne => self.nan_equal(x, y, a, b, call.len),
                    _ => self.primitive(x, y, a, b, call.len),
                }
            }
            (DataType::Date32, DataType::Date32) => {
                let x = &a.array().as_primitive::<Date32Type>().values()[..];
                let y = &b.array().as_primitive::<Date32Type>().values()[..];
                self.primitive(x, y, a, b, call.len)
            }
            (DataType::Timestamp(..), DataType::Timestamp(..)) => {
                let x = &a
                    .array()
                    .as_primitive::<TimestampMillisecondType>()
                    .values()[..];
                let y = &b
                    .array()
                    .as_primitive::<TimestampMillisecondType>()
                    .values()[..];
                self.primitive(x, y, a, b, call.len)
            }
            (DataType::FixedSizeBinary(_), DataType::FixedSizeBinary(_)) => {
                let (x, y) = (
                    a.array().as_fixed_size_binary(),
                    b.array().as_fixed_size_binary(),
                );
                self.ordered(call, |i, j| x.value(i).cmp(y.value(j)))
            }
            (DataType::Boolean, DataType::Boolean) => {
                let (x, y) = (a.array().as_boolean(), b.array().as_boolean());
                self.ordered(call, |i, j| x.value(i).cmp(&y.value(j)))
            }
            _ => match (Texts::of(a.array()), Texts::of(b.array())) {
                (Some(x), Some(y)) => self.texts(&x, &y, call),
                _ => self.nested(a, b, call)?,
            },
        })
    }

    fn primitive<T: PartialOrd + Copy>(
        &self,
        x: &[T],
        y: &[T],
        a: &Value,
        b: &Value,
        len: usize,
    ) -> BooleanBuffer {
        match self.op {
            CompareOp::Ne => pairs(x, y, a, b, len, |x, y| x != y),
            CompareOp::Lt => pairs(x, y, a, b, len, |x, y| x < y),
            CompareOp::Le => pairs(x, y, a, b, len, |x, y| x <= y),
            CompareOp::Gt => pairs(x, y, a, b, len, |x, y| x > y),
            CompareOp::Ge => pairs(x, y, a, b, len, |x, y| x >= y),
            _ => pairs(x, y, a, b, len, |x, y| x == y),
        }
    }

    fn nan_equal(&self, x: &[f64], y: &[f64], a: &Value, b: &Value, len: usize) -> BooleanBuffer {
        let same = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan());
        if self.op == CompareOp::Ne {
            pairs(x, y, a, b, len, |x, y| !same(x, y))
        } else {
            pairs(x, y, a, b, len, same)
        }
    }

    fn says(&self, ordering: Ordering) -> bool {
        match self.op {
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
            _ => ordering.is_eq(),
        }
    }

    fn ordered(
        &self,
        call: &Invocation<'_>,
        order: impl Fn(usize, usize) -> Ordering,
    ) -> BooleanBuffer {
        BooleanBuffer::collect_bool(call.len, |row| {
            self.says(order(call.index(0, row), call.index(1, row)))
        })
    }

    fn texts(&self, x: &Texts, y: &Texts, call: &Invocation<'_>) -> BooleanBuffer {
        let equal = matches!(self.op, CompareOp::Eq);
        if call.len > 1 && call.args[1].is_scalar() {
            let Some(y) = y.at(0) else {
                return BooleanBuffer::new_unset(call.len);
            };
            return match equal {
                true => x.test(|x| x == y),
                false => x.test(|x| self.says(x.cmp(y))),
            };
        }
        if call.len > 1 && call.args[0].is_scalar() {
            let Some(x) = x.at(0) else {
                return BooleanBuffer::new_unset(call.len);
            };
            return y.test(|y| self.says(x.cmp(y)));
        }
        self.ordered(call, |i, j| x.at(i).cmp(&y.at(j)))
    }

    /// Lists, vectors and structs: by rank, so that equality is one comparison a row.
    fn nested(&self, a: &Value, b: &Value, call: &Invocation<'_>) -> Result<BooleanBuffer, Error> {
        let ty = call.types[0].unify(&call.types[1]).unwrap_or(Type::Null);
        let (ranks, _) = rank_together(&[a.array().clone(), b.array().clone()], &ty)?;
        Ok(self.ordered(call, |i, j| ranks[0][i].cmp(&ranks[1][j])))
    }
}

fn pairs<T: Copy>(
    x: &[T],
    y: &[T],
    a: &Value,
    b: &Value,
    len: usize,
    holds: impl Fn(T, T) -> bool,
) -> BooleanBuffer {
    match (a.is_scalar(), b.is_scalar()) {
        (false, true) => {
            let y = y[0];
            BooleanBuffer::collect_bool(len, |row| holds(x[row], y))
        }
        (true, false) => {
            let x = x[0];
            BooleanBuffer::collect_bool(len, |row| holds(x, y[row]))
        }
        _ => BooleanBuffer::collect_bool(len, |row| holds(x[row], y[row])),
    }
}

/// The comparison that `op` writes.
pub fn comparison(op: CompareOp) -> &'static Compare {
    match op {
        CompareOp::Ne => &NE,
        CompareOp::Lt => &LT,
        CompareOp::Le => &LE,
        CompareOp::Gt => &GT,
        CompareOp::Ge => &GE,
        _ => &EQ,
    }
}
