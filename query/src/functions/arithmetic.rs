//! `+ - * / % **` and the minus sign. Whole numbers stay whole; a column in which one of them overflows becomes floats.
//! Dates take part: date - date is milliseconds, date + milliseconds a date.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, TimestampMillisecondArray};
use arrow::datatypes::DataType;

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::Datum;
use crate::error::Error;
use crate::eval::Value;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
}

/// One of the six operators.
pub struct Arithmetic {
    op: Op,
    signature: Signature,
}

macro_rules! operator {
    ($name:ident, $op:ident, $text:literal, $summary:literal, $query:literal, $shows:literal) => {
        /// The operator.
        pub static $name: Arithmetic = Arithmetic {
            op: Op::$op,
            signature: expression($text, $summary, &[], &[example($query, $shows)]),
        };
    };
}

operator!(
    ADD,
    Add,
    "+",
    "Adds; a date and a number of milliseconds give a later date.",
    r#"values(F("metadata.width") + F("metadata.height"))"#,
    "Gives width and height added."
);
operator!(
    SUB,
    Sub,
    "-",
    "Subtracts; two dates give the milliseconds between them.",
    r#"values(F("last_modified_at") - F("created_at"))"#,
    "Gives how long each sample has lived."
);
operator!(
    MUL,
    Mul,
    "*",
    "Multiplies.",
    r#"match(F("metadata.width") * F("metadata.height") > 1000000)"#,
    "Keeps images above a megapixel."
);
operator!(
    DIV,
    Div,
    "/",
    "Divides; the result is a float, and null where the divisor is 0.",
    r#"match(F("metadata.width") / F("metadata.height") > 2)"#,
    "Keeps wide panoramas."
);
operator!(
    REM,
    Rem,
    "%",
    "Gives the remainder with the sign of the dividend, null where the divisor is 0.",
    r#"match(F("metadata.width") % 32 == 0)"#,
    "Keeps widths that are multiples of 32."
);
operator!(
    POW,
    Pow,
    "**",
    "Raises to a power; a negative exponent gives a float.",
    r#"values(F("uniqueness") ** 2)"#,
    "Gives squares."
);

static POW_METHOD: Method = Method {
    signature: expression(
        "pow",
        "Raises to a power; a negative exponent gives a float.",
        &[param(
            "power",
            Kind::Expr(TypeSet::Number),
            Default::Required,
            "The exponent.",
        )],
        &[example(
            r#"values(F("uniqueness").pow(2))"#,
            "Gives squares.",
        )],
    ),
};

/// `x.pow(p)`, the same as `x ** p`.
struct Method {
    signature: Signature,
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[Member {
    shape: Shape::Method,
    kind: MemberKind::Function(&POW_METHOD),
}];

impl Function for Method {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        POW.check(args)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        POW.eval(call)
    }
    fn may_skip(&self) -> bool {
        true
    }
}

impl Function for Arithmetic {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let number = |ty: &Type| ty.is_number() || *ty == Type::Null;
        match (self.op, &args[0].ty, &args[1].ty) {
            (Op::Add, a, b) if a.is_date() && number(b) => Ok(Type::DateTime),
            (Op::Add, a, b) if number(a) && b.is_date() => Ok(Type::DateTime),
            (Op::Sub, a, b) if a.is_date() && number(b) => Ok(Type::DateTime),
            (Op::Sub, a, b) if a.is_date() && b.is_date() => Ok(Type::Int),
            (Op::Div, a, b) if number(a) && number(b) => Ok(Type::Float),
            (Op::Pow, Type::Int, Type::Int) => Ok(match args[1].constant() {
                Some(Datum::Int(exponent)) if exponent < 0 => Type::Float,
                _ => Type::Int,
            }),
            (_, a, b) if number(a) && number(b) => Ok(a
                .unify(b)
                .filter(|ty| *ty != Type::Null)
                .unwrap_or(Type::Int)),
            (op, a, b) => Err(self.mismatch(op, a, b)),
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        if call.types.iter().any(Type::is_date) {
            return self.dates(call);
        }
        let whole = |k: usize| {
            matches!(
                call.args[k].array().data_type(),
                DataType::Int64 | DataType::Null
            )
        };
        if self.op != Op::Div
            && *call.ty == Type::Int
            && whole(0)
            && whole(1)
            && let Some(array) = self.ints(call)?
        {
            return Ok(array);
        }
        self.floats(call)
    }

    fn may_skip(&self) -> bool {
        self.op != Op::Mul
    }
}

impl Arithmetic {
    fn mismatch(&self, op: Op, a: &Type, b: &Type) -> Mismatch {
        let at = usize::from(a.is_number() || a.is_date());
        let wrong = if at == 0 { a } else { b };
        let needs = if at == 1 {
            "a number on its right"
        } else {
            "a number on its left"
        };
        let mismatch = Mismatch::new(at, needs);
        match (op, wrong) {
            (Op::Add, Type::Text) => mismatch.hint("texts are joined with `.concat(...)`"),
            (Op::Add, Type::List(_)) => mismatch.hint("lists are joined with `.extend(...)`"),
            (_, Type::List(_)) => mismatch.hint("for every value of a list write `.map(F() * 2)`"),
            (_, Type::Text) => mismatch.hint("read a number from it with `.to_double()`"),
            (_, Type::Bool) => mismatch.hint("make a number of it with `.to_int()`"),
            _ => mismatch,
        }
    }

    /// Whole numbers; `None` where one of them overflows, and the column must be floats.
    fn ints(&self, call: &Invocation<'_>) -> Result<Option<ArrayRef>, Error> {
        let (a, b) = (call.ints(0)?, call.ints(1)?);
        let mut out = Vec::with_capacity(call.len);
        let mut lost = 0;
        for row in 0..call.len {
            let (Some(x), Some(y)) = (a.at(row), b.at(row)) else {
                out.push(None);
                continue;
            };
            let value = match self.op {
                Op::Add => x.checked_add(y),
                Op::Sub => x.checked_sub(y),
                Op::Mul => x.checked_mul(y),
                Op::Pow => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
                _ if y == 0 => {
                    lost += 1;
                    out.push(None);
                    continue;
                }
                _ => Some(x.wrapping_rem(y)),
            };
            if value.is_none() {
                return Ok(None);
            }
            out.push(value);
        }
        call.skip(lost);
        Ok(Some(Arc::new(Int64Array::from(out))))
    }

    fn floats(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (a, b) = (call.floats(0)?, call.floats(1)?);
        let mut lost = 0;
        let mut computed = |value: Option<f64>| {
            lost += u64::from(value.is_none());
            value
        };
        let out: Float64Array = (0..call.len)
            .map(|row| {
                let (x, y) = (a.at(row)?, b.at(row)?);
                computed(match self.op {
                    Op::Add => Some(x + y),
                    Op::Sub => Some(x - y),
                    Op::Mul => Some(x * y),
                    Op::Div => (y != 0.0).then(|| x / y),
                    Op::Rem => (y != 0.0).then(|| x % y),
                    // Zero to a negative power has no value, and neither has a root of a negative number.
                    Op::Pow => Some(x.powf(y)).filter(|z| {
                        !(x == 0.0 && y < 0.0) && (!z.is_nan() || x.is_nan() || y.is_nan())
                    }),
                })
            })
            .collect();
        call.skip(lost);
        Ok(Arc::new(out))
    }

    fn dates(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let moment = |k: usize| call.types[k].is_date();
        let mut lost = 0;
        let mut computed = |value: Option<i64>| {
            lost += u64::from(value.is_none());
            value
        };
        if moment(0) && moment(1) {
            let (a, b) = (call.moments(0)?, call.moments(1)?);
            let out: Int64Array = (0..call.len)
                .map(|row| {
                    let (x, y) = (a.at(row)?, b.at(row)?);
                    computed(x.checked_sub(y))
                })
                .collect();
            call.skip(lost);
            return Ok(Arc::new(out));
        }
        let (date, number) = if moment(0) { (0, 1) } else { (1, 0) };
        let (date, number) = (call.moments(date)?, call.floats(number)?);
        let sign = if self.op == Op::Sub { -1.0 } else { 1.0 };
        let out: TimestampMillisecondArray = (0..call.len)
            .map(|row| {
                let (x, y) = (date.at(row)?, number.at(row)?);
                // Beyond this a moment has no date.
                let shift = Some((sign * y).round()).filter(|y| y.abs() < 8.64e15);
                computed(shift.and_then(|y| x.checked_add(y as i64)))
            })
            .collect();
        call.skip(lost);
        Ok(Arc::new(out.with_timezone("UTC")))
    }
}

/// The minus sign.
pub struct Negation;

/// `-x`
pub static NEG: Negation = Negation;

static NEG_SIGNATURE: Signature = expression(
    "-x",
    "Gives the number with the other sign.",
    &[],
    &[example(
        r#"sort_by(-F("uniqueness"))"#,
        "Puts the most unique first.",
    )],
);

impl Function for Negation {
    fn signature(&'static self) -> &'static Signature {
        &NEG_SIGNATURE
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        match &args[0].ty {
            ty if ty.is_number() => Ok(ty.clone()),
            Type::Null => Ok(Type::Int),
            Type::Bool => {
                Err(Mismatch::new(0, "a number").hint("the opposite of a condition is `~`"))
            }
            _ => Err(Mismatch::new(0, "a number")),
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let whole =
            |value: &Value| matches!(value.array().data_type(), DataType::Int64 | DataType::Null);
        if whole(&call.args[0]) {
            let x = call.ints(0)?;
            if x.array.iter().flatten().all(|x| x != i64::MIN) {
                return Ok(call.map_int(&x, |x| Some(-x)));
            }
        }
        let x = call.floats(0)?;
        Ok(call.map_float(&x, |x| Some(-x)))
    }
}
