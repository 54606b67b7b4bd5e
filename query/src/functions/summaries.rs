//! One value from a list: `min max sum mean std`, and `min(x) max(x)` of two values. Nulls in a list are left out; of
//! nothing the sum is 0 and everything else is null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Int64Type};

use super::arrays::list_item;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, float_values};
use crate::columns::{Datum, Lists, NO_RANK, cast, gather, join, rank, rank_together};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// `min` and `max`
struct Extreme {
    greatest: bool,
    signature: Signature,
}

const OTHER: &[Param] = &[param(
    "value",
    Kind::Expr(TypeSet::Any),
    Default::Null,
    "Another value: then it is the lesser or greater of the two, and nulls are left out.",
)];

static EXTREMES: [Extreme; 2] = [
    Extreme {
        greatest: false,
        signature: expression(
            "min",
            "Gives the least value of a list, or of two values.",
            OTHER,
            &[example(
                r#"values(F("ground_truth.detections.confidence").min())"#,
                "Gives the least confidence.",
            )],
        ),
    },
    Extreme {
        greatest: true,
        signature: expression(
            "max",
            "Gives the greatest value of a list, or of two values.",
            OTHER,
            &[example(
                r#"sort_by(F("ground_truth.detections.confidence").max())"#,
                "Sorts by the greatest confidence.",
            )],
        ),
    },
];

impl Function for Extreme {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let given = args.get(1).filter(|other| other.ty != Type::Null);
        if let Some(other) = given {
            let ty = args[0].ty.unify(&other.ty).filter(Type::is_ordered);
            return ty.ok_or_else(|| {
                Mismatch::new(1, format!("something to compare with {}", args[0].ty))
            });
        }
        let item = list_item(args).map_err(|mismatch| {
            mismatch.hint("for the lesser or greater of two values write `.min(other)`")
        })?;
        if item.is_ordered() {
            Ok(item)
        } else {
            Err(Mismatch::new(0, "a list of values that have an order"))
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        if call.types.len() > 1 && call.types[1] != Type::Null {
            let columns = [call.column(0)?, call.column(1)?];
            let (ranks, _) = rank_together(&columns, call.ty)?;
            let len = call.len as u32;
            let rows: Vec<u32> = (0..call.len)
                .map(|row| {
                    let (a, b) = (ranks[0][row], ranks[1][row]);
                    let other = match (a, b) {
                        (NO_RANK, _) => true,
                        (_, NO_RANK) => false,
                        _ => {
                            if self.greatest {
                                b > a
                            } else {
                                b < a
                            }
                        }
                    };
                    if other { len + row as u32 } else { row as u32 }
                })
                .collect();
            return gather(&join(&columns, call.ty)?, &rows);
        }
        let lists = call.lists(0)?;
        let ranks = rank(&lists.values)?;
        let codes = (0..call.len).map(|row| {
            let codes = ranks.codes[lists.range(row)]
                .iter()
                .filter(|code| **code != NO_RANK);
            if self.greatest {
                codes.max()
            } else {
                codes.min()
            }
            .copied()
        });
        let rows: arrow::array::UInt32Array = codes.collect();
        if ranks.distinct.is_empty() {
            return Ok(arrow::array::new_null_array(&call.ty.arrow(), call.len));
        }
        Ok(arrow::compute::take(&ranks.distinct, &rows, None)?)
    }
}

/// `sum mean std`
struct Moment {
    what: What,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Sum,
    Mean,
    Std,
}

static MOMENTS: [Moment; 3] = [
    Moment {
        what: What::Sum,
        signature: expression(
            "sum",
            "Adds the numbers of a list; of none it is 0.",
            &[],
            &[example(
                r#"values(F("ground_truth.detections.confidence").sum())"#,
                "Adds confidences.",
            )],
        ),
    },
    Moment {
        what: What::Mean,
        signature: expression(
            "mean",
            "Gives the mean of the numbers of a list, null if there is none.",
            &[],
            &[example(
                r#"sort_by(F("ground_truth.detections.confidence").mean())"#,
                "Sorts by mean confidence.",
            )],
        ),
    },
    Moment {
        what: What::Std,
        signature: expression(
            "std",
            "Gives the standard deviation of the numbers of a list, null if there is none.",
            &[param(
                "sample",
                Kind::Bool,
                Default::Bool(false),
                "Divides by n - 1 rather than n.",
            )],
            &[example(
                r#"values(F("ground_truth.detections.confidence").std())"#,
                "Gives the spread of confidences.",
            )],
        ),
    },
];

impl Function for Moment {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        match list_item(args)? {
            Type::Int | Type::Bool | Type::Null if self.what == What::Sum => Ok(Type::Int),
            Type::Int | Type::Float | Type::Bool | Type::Null => Ok(Type::Float),
            _ => Err(Mismatch::new(0, "a list of numbers")),
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        if self.what == What::Sum
            && let Some(sums) = whole_sums(&lists)
        {
            return Ok(sums);
        }
        let values = match lists.values.data_type() {
            DataType::Boolean => arrow::compute::cast(&lists.values, &DataType::Float64)?,
            _ => cast(&lists.values, &Type::Float)?,
        };
        let empty = Float64Array::new_null(0);
        let floats = float_values(&values).unwrap_or(&empty);
        let less = f64::from(u8::from(
            call.args.len() > 1 && call.constant(1) == Datum::Bool(true),
        ));
        let out = (0..call.len).map(|row| {
            if !lists.is_valid(row) {
                return None;
            }
            let part = || {
                lists
                    .range(row)
                    .filter(|at| floats.is_valid(*at))
                    .map(|at| floats.value(at))
            };
            let n = part().count() as f64;
            let sum: f64 = part().sum();
            match self.what {
                What::Sum => Some(sum),
                _ if n == 0.0 => None,
                What::Mean => Some(sum / n),
                What::Std => {
                    let mean = sum / n;
                    let squares: f64 = part().map(|x| (x - mean) * (x - mean)).sum();
                    (n > less).then(|| (squares / (n - less)).sqrt())
                }
            }
        });
        Ok(Arc::new(out.collect::<Float64Array>()))
    }
}

/// Sums of whole numbers or bools; `None` for floats, and where a sum overflows.
fn whole_sums(lists: &Lists) -> Option<ArrayRef> {
    let value: Box<dyn Fn(usize) -> i64> = match lists.values.data_type() {
        DataType::Int64 => {
            let ints = lists.values.as_primitive::<Int64Type>().clone();
            Box::new(move |at| if ints.is_valid(at) { ints.value(at) } else { 0 })
        }
        DataType::Boolean => {
            let bools = lists.values.as_boolean().clone();
            Box::new(move |at| i64::from(bools.is_valid(at) && bools.value(at)))
        }
        DataType::Null => Box::new(|_| 0),
        _ => return None,
    };
    let mut out = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        let mut sum = 0i64;
        for at in lists.range(row) {
            sum = sum.checked_add(value(at))?;
        }
        out.push(lists.is_valid(row).then_some(sum));
    }
    Some(Arc::new(Int64Array::from(out)))
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&EXTREMES[0]),
    method(&EXTREMES[1]),
    method(&MOMENTS[0]),
    method(&MOMENTS[1]),
    method(&MOMENTS[2]),
];
