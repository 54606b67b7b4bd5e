//! Functions of one number. What has no real value (`ln(-1)`) is null and counted; infinities and NaN go through.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// A function from a float to a float; `None` where it has no value.
pub struct Real {
    signature: Signature,
    f: fn(f64) -> Option<f64>,
    total: bool,
}

fn number(args: &[Expr]) -> Result<&Type, Mismatch> {
    match &args[0].ty {
        ty @ (Type::Int | Type::Float | Type::Null) => Ok(ty),
        Type::Bool => {
            Err(Mismatch::new(0, "a number").hint("make a number of it with `.to_int()`"))
        }
        Type::Text => {
            Err(Mismatch::new(0, "a number").hint("read a number from it with `.to_double()`"))
        }
        Type::List(_) | Type::Vector(_) => {
            Err(Mismatch::new(0, "a number").hint("for every value of a list write `.map(F()...)`"))
        }
        _ => Err(Mismatch::new(0, "a number")),
    }
}

impl Function for Real {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        number(args).map(|_| Type::Float)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let x = call.floats(0)?;
        let f = self.f;
        Ok(call.map_float(&x, |x| if x.is_nan() { Some(x) } else { f(x) }))
    }
    fn may_skip(&self) -> bool {
        !self.total
    }
}

fn real(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

macro_rules! reals {
    ($($name:literal, $summary:literal, $total:literal, $f:expr;)*) => {
        static REALS: &[Real] = &[$(Real {
            signature: expression($name, $summary, &[], &[example(
                concat!("values(F(\"uniqueness\").", $name, "())"),
                "Gives it for every sample.",
            )]),
            f: $f,
            total: $total,
        }),*];
    };
}

reals! {
    "exp", "Gives e to the power of the number.", true, |x| Some(x.exp());
    "ln", "Gives the natural logarithm; null for what is not above 0.", false, |x| (x > 0.0).then(|| x.ln());
    "log10", "Gives the logarithm to base 10; null for what is not above 0.", false, |x| (x > 0.0).then(|| x.log10());
    "sqrt", "Gives the square root; null below 0.", false, |x| (x >= 0.0).then(|| x.sqrt());
    "sin", "Gives the sine of an angle in radians.", false, |x| real(x.sin());
    "cos", "Gives the cosine of an angle in radians.", false, |x| real(x.cos());
    "tan", "Gives the tangent of an angle in radians.", false, |x| real(x.tan());
    "sinh", "Gives the hyperbolic sine.", true, |x| Some(x.sinh());
    "cosh", "Gives the hyperbolic cosine.", true, |x| Some(x.cosh());
    "tanh", "Gives the hyperbolic tangent.", true, |x| Some(x.tanh());
    "arcsin", "Gives the angle in radians with this sine; null outside -1 to 1.", false, |x| real(x.asin());
    "arccos", "Gives the angle in radians with this cosine; null outside -1 to 1.", false, |x| real(x.acos());
    "arctan", "Gives the angle in radians with this tangent.", true, |x| Some(x.atan());
    "arcsinh", "Gives the inverse of the hyperbolic sine.", true, |x| Some(x.asinh());
    "arccosh", "Gives the inverse of the hyperbolic cosine; null below 1.", false, |x| real(x.acosh());
    "arctanh", "Gives the inverse of the hyperbolic tangent; null outside -1 to 1.", false, |x| (x.abs() < 1.0).then(|| x.atanh());
}

/// A function that keeps whole numbers whole.
struct Keeping {
    signature: Signature,
    float: fn(f64) -> f64,
}

static KEEPING: &[Keeping] = &[
    Keeping {
        signature: expression(
            "abs",
            "Gives the number without its sign.",
            &[],
            &[example(
                r#"match((F("uniqueness") - 0.5).abs() < 0.1)"#,
                "Keeps samples near the middle.",
            )],
        ),
        float: f64::abs,
    },
    Keeping {
        signature: expression(
            "floor",
            "Gives the greatest whole number that is not above.",
            &[],
            &[example(
                r#"count_values(F("uniqueness").floor())"#,
                "Counts by whole part.",
            )],
        ),
        float: f64::floor,
    },
    Keeping {
        signature: expression(
            "ceil",
            "Gives the least whole number that is not below.",
            &[],
            &[example(r#"values(F("uniqueness").ceil())"#, "Rounds up.")],
        ),
        float: f64::ceil,
    },
];

impl Function for Keeping {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        Ok(if *number(args)? == Type::Float {
            Type::Float
        } else {
            Type::Int
        })
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        if matches!(
            call.args[0].array().data_type(),
            DataType::Int64 | DataType::Null
        ) {
            let x = call.ints(0)?;
            let least = x.array.iter().flatten().any(|x| x == i64::MIN);
            match self.signature.name {
                "abs" if !least => return Ok(call.map_int(&x, |x| Some(x.abs()))),
                "abs" => {}
                _ => {
                    return call
                        .column(0)
                        .and_then(|array| crate::columns::cast(&array, call.ty));
                }
            }
        }
        let x = call.floats(0)?;
        let f = self.float;
        Ok(call.map_float(&x, |x| Some(f(x))))
    }
}

/// `round` and `trunc`, which take a place.
struct Placed {
    signature: Signature,
    even: bool,
}

const PLACE: Kind = Kind::Int { lo: -20, hi: 100 };

static ROUND: Placed = Placed {
    signature: expression(
        "round",
        "Rounds to a decimal place, halves to the even neighbour.",
        &[param(
            "place",
            PLACE,
            Default::Int(0),
            "Digits after the point; negative places are before it.",
        )],
        &[example(
            r#"count_values(F("uniqueness").round(1))"#,
            "Counts by tenths.",
        )],
    ),
    even: true,
};

static TRUNC: Placed = Placed {
    signature: expression(
        "trunc",
        "Cuts at a decimal place, towards zero.",
        &[param(
            "place",
            PLACE,
            Default::Int(0),
            "Digits after the point; negative places are before it.",
        )],
        &[example(
            r#"values(F("metadata.width").trunc(-2))"#,
            "Gives widths in hundreds.",
        )],
    ),
    even: false,
};

impl Function for Placed {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        Ok(if *number(args)? == Type::Float {
            Type::Float
        } else {
            Type::Int
        })
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let crate::columns::Datum::Int(place) = call.constant(1) else {
            return call.column(0);
        };
        let whole = matches!(
            call.args[0].array().data_type(),
            DataType::Int64 | DataType::Null
        );
        if whole {
            let x = call.ints(0)?;
            let even = self.even;
            return Ok(call.map_int(&x, |x| place_int(x, place, even)));
        }
        let x = call.floats(0)?;
        let even = self.even;
        Ok(call.map_float(&x, |x| Some(place_float(x, place, even))))
    }
    fn options(&self) -> &'static [usize] {
        &[1]
    }
    fn may_skip(&self) -> bool {
        true
    }
}

/// A whole number rounded or cut at a place before the point; `None` where rounding up leaves 64 bits.
fn place_int(x: i64, place: i64, even: bool) -> Option<i64> {
    if place >= 0 {
        return Some(x);
    }
    let Some(unit) = u32::try_from(place.unsigned_abs())
        .ok()
        .and_then(|digits| 10i128.checked_pow(digits))
    else {
        return Some(0);
    };
    let x = i128::from(x);
    let cut = x / unit;
    let rest = (x % unit).abs() * 2;
    let up = even && (rest > unit || (rest == unit && cut % 2 != 0));
    i64::try_from((cut + if up { x.signum() } else { 0 }) * unit).ok()
}

/// A float rounded or cut at a place, as if with all its decimal digits: 1.15 is a little less than that, so cut after
/// one place it is 1.1, and 2.675 rounds to 2.67, in Python as in MongoDB. Exact halves go to the even side.
fn place_float(x: f64, place: i64, even: bool) -> f64 {
    if !x.is_finite() {
        return x;
    }
    if place == 0 {
        return if even { x.round_ties_even() } else { x.trunc() };
    }
    if place < 0 {
        let scale = 10f64.powi(i32::try_from(place.unsigned_abs()).unwrap_or(i32::MAX));
        if !scale.is_finite() {
            return 0.0 * x;
        }
        let scaled = x / scale;
        return scale
            * if even {
                scaled.round_ties_even()
            } else {
                scaled.trunc()
            };
    }
    // No float has more than 1074 decimal places.
    let digits = usize::try_from(place.min(1074)).unwrap_or(1074);
    if even {
        return format!("{x:.digits$}").parse().unwrap_or(x);
    }
    // With as many places as it has binary ones, a float is written exactly; then the text is cut.
    let exponent = i64::try_from(x.to_bits() >> 52 & 0x7ff).unwrap_or(0) - 1023;
    let exact = usize::try_from(52 - exponent.max(-1022))
        .unwrap_or(0)
        .max(digits);
    let mut text = format!("{x:.exact$}");
    text.truncate(text.len() - (exact - digits));
    text.parse().unwrap_or(x)
}

/// `log(base)`
struct Log;

static LOG: Log = Log;
static LOG_SIGNATURE: Signature = expression(
    "log",
    "Gives the logarithm to a base; null for what is not above 0, or a base that is not above 0 or is 1.",
    &[param(
        "base",
        Kind::Expr(TypeSet::Number),
        Default::Required,
        "The base.",
    )],
    &[example(
        r#"values(F("metadata.width").log(2))"#,
        "Gives powers of two.",
    )],
);

impl Function for Log {
    fn signature(&'static self) -> &'static Signature {
        &LOG_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        number(args)?;
        number(&args[1..]).map_err(|mismatch| Mismatch { arg: 1, ..mismatch })?;
        Ok(Type::Float)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (x, base) = (call.floats(0)?, call.floats(1)?);
        let mut lost = 0;
        let out: arrow::array::Float64Array = (0..call.len)
            .map(|row| {
                let (x, base) = (x.at(row)?, base.at(row)?);
                let fine = (x > 0.0 || x.is_nan()) && base > 0.0 && base != 1.0;
                lost += u64::from(!fine);
                fine.then(|| x.ln() / base.ln())
            })
            .collect();
        call.skip(lost);
        Ok(std::sync::Arc::new(out))
    }
    fn may_skip(&self) -> bool {
        true
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
    method(&KEEPING[0]),
    method(&KEEPING[1]),
    method(&KEEPING[2]),
    method(&ROUND),
    method(&TRUNC),
    method(&LOG),
    method(&REALS[0]),
    method(&REALS[1]),
    method(&REALS[2]),
    method(&REALS[3]),
    method(&REALS[4]),
    method(&REALS[5]),
    method(&REALS[6]),
    method(&REALS[7]),
    method(&REALS[8]),
    method(&REALS[9]),
    method(&REALS[10]),
    method(&REALS[11]),
    method(&REALS[12]),
    method(&REALS[13]),
    method(&REALS[14]),
    method(&REALS[15]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_round_halves_to_even_and_cut_towards_zero() {
        assert_eq!(place_float(2.5, 0, true), 2.0);
        assert_eq!(place_float(-2.5, 0, true), -2.0);
        assert_eq!(place_float(-2.57, 1, false), -2.5);
        assert_eq!(place_int(250, -2, true), Some(200));
        assert_eq!(place_int(350, -2, true), Some(400));
        assert_eq!(place_int(-350, -2, false), Some(-300));
        assert_eq!(
            place_int(i64::MAX, -18, true),
            Some(9_000_000_000_000_000_000)
        );
        assert_eq!(place_int(7, -20, true), Some(0));
    }
}
