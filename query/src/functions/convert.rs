//! Conversions that a person asks for. A text that does not read as the type is null, and counted.
//!
//! Numbers in texts are read as the document database reads them: a sign, digits, for floats a point and an exponent; no
//! spaces, no names of infinities.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::DataType;

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Texts, cast, datum, moment_text};
use crate::error::Error;
use crate::plan::{Expr, read_moment};
use crate::signature::{Signature, example, expression};
use crate::types::Type;

/// A conversion to one type.
struct Convert {
    to: Type,
    from: &'static str,
    signature: Signature,
}

static TO_BOOL: Convert = Convert {
    to: Type::Bool,
    from: "a bool, a number or a date",
    signature: expression(
        "to_bool",
        "Gives False for 0, True for any other number, date or text.",
        &[],
        &[example(
            r#"count_values(F("uniqueness").to_bool())"#,
            "Counts what is not 0.",
        )],
    ),
};
static TO_INT: Convert = Convert {
    to: Type::Int,
    from: "a number, a bool, a text or a date",
    signature: expression(
        "to_int",
        "Gives a whole number: floats are cut, texts read, dates in milliseconds.",
        &[],
        &[example(
            r#"match(F("k20").to_int() >= 10)"#,
            "Keeps the smaller clusters.",
        )],
    ),
};
static TO_DOUBLE: Convert = Convert {
    to: Type::Float,
    from: "a number, a bool, a text or a date",
    signature: expression(
        "to_double",
        "Gives a float: texts are read, dates in milliseconds.",
        &[],
        &[example(
            r#"mean(F("k20").to_double())"#,
            "Gives the mean cluster number.",
        )],
    ),
};
static TO_STRING: Convert = Convert {
    to: Type::Text,
    from: "a single value",
    signature: expression(
        "to_string",
        "Gives the value as text: ids in hex, dates in ISO 8601.",
        &[],
        &[example(
            r#"match(F("id").to_string().starts_with("65"))"#,
            "Keeps ids that begin so.",
        )],
    ),
};
static TO_DATE: Convert = Convert {
    to: Type::DateTime,
    from: "a text, a number of milliseconds or a date",
    signature: expression(
        "to_date",
        "Gives a datetime from ISO 8601 text or milliseconds since 1970.",
        &[],
        &[example(
            r#"values(F("metadata.size_bytes").to_date())"#,
            "Reads numbers as moments.",
        )],
    ),
};

impl Function for Convert {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let ty = &args[0].ty;
        let fine = match self.to {
            Type::Text => ty.is_ordered(),
            Type::DateTime => {
                ty.is_date() || ty.is_number() || matches!(ty, Type::Text | Type::Null)
            }
            _ => ty.is_ordered() && *ty != Type::Id,
        };
        if fine {
            Ok(self.to.clone())
        } else {
            Err(Mismatch::new(0, self.from))
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let from = call.column(0)?;
        let (array, before) = (self.converted(&from, call)?, nulls(&from));
        call.skip((nulls(&array) - before) as u64);
        Ok(array)
    }

    fn may_skip(&self) -> bool {
        self.to != Type::Text && self.to != Type::Bool
    }
}

fn nulls(array: &ArrayRef) -> usize {
    array.logical_nulls().map_or(0, |nulls| nulls.null_count())
}

impl Convert {
    fn converted(&self, from: &ArrayRef, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        if *from.data_type() == DataType::Null {
            return cast(from, &self.to);
        }
        match self.to {
            Type::Bool => to_bool(from, call),
            Type::Int => to_int(from, call),
            Type::Float => to_double(from, call),
            Type::DateTime => to_date(from, call),
            _ => to_string(from),
        }
    }
}

fn to_bool(from: &ArrayRef, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
    Ok(match from.data_type() {
        DataType::Boolean => from.clone(),
        DataType::Int64 | DataType::Float64 => {
            let x = call.floats(0)?;
            let bools = (0..call.len).map(|row| Some(x.at(row)? != 0.0));
            Arc::new(bools.collect::<BooleanArray>())
        }
        _ => {
            let bools = (0..call.len).map(|row| from.is_valid(row).then_some(true));
            match Texts::of(from) {
                Some(texts) => texts.each::<BooleanArray>(|text| text.map(|_| true)),
                None => Arc::new(bools.collect::<BooleanArray>()),
            }
        }
    })
}

fn to_int(from: &ArrayRef, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
    Ok(match from.data_type() {
        DataType::Int64 => from.clone(),
        DataType::Boolean => {
            let bools = from.as_boolean();
            Arc::new(
                bools
                    .iter()
                    .map(|b| b.map(i64::from))
                    .collect::<Int64Array>(),
            )
        }
        DataType::Float64 => {
            let x = call.floats(0)?;
            Arc::new(
                (0..call.len)
                    .map(|row| whole(x.at(row)?))
                    .collect::<Int64Array>(),
            )
        }
        DataType::Date32 | DataType::Timestamp(..) => {
            let x = call.moments(0)?;
            Arc::new((0..call.len).map(|row| x.at(row)).collect::<Int64Array>())
        }
        _ => match Texts::of(from) {
            Some(texts) => texts.each::<Int64Array>(|text| read_int(text?)),
            None => cast(from, &Type::Int)?,
        },
    })
}

/// Two to the power of 63, beyond which there is no whole number of 64 bits.
const TWO_63: f64 = 9.223_372_036_854_776e18;

/// A float cut to a whole number of 64 bits, if it has one.
fn whole(x: f64) -> Option<i64> {
    let cut = x.trunc();
    (-TWO_63..TWO_63).contains(&cut).then_some(cut as i64)
}

fn to_double(from: &ArrayRef, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
    Ok(match from.data_type() {
        DataType::Int64 | DataType::Float64 => cast(from, &Type::Float)?,
        DataType::Boolean => {
            let bools = from.as_boolean();
            Arc::new(
                bools
                    .iter()
                    .map(|b| b.map(f64::from))
                    .collect::<Float64Array>(),
            )
        }
        DataType::Date32 | DataType::Timestamp(..) => {
            let x = call.moments(0)?;
            let floats = (0..call.len).map(|row| x.at(row).map(|x| x as f64));
            Arc::new(floats.collect::<Float64Array>())
        }
        _ => match Texts::of(from) {
            Some(texts) => texts.each::<Float64Array>(|text| read_float(text?)),
            None => cast(from, &Type::Float)?,
        },
    })
}

fn to_date(from: &ArrayRef, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
    let millis: Vec<Option<i64>> = match from.data_type() {
        DataType::Date32 | DataType::Timestamp(..) => return cast(from, &Type::DateTime),
        DataType::Int64 => {
            let x = call.ints(0)?;
            (0..call.len).map(|row| x.at(row)).collect()
        }
        DataType::Float64 => {
            let x = call.floats(0)?;
            (0..call.len).map(|row| whole(x.at(row)?)).collect()
        }
        _ => match Texts::of(from) {
            Some(texts) => texts.iter().map(|text| read_moment(text?)).collect(),
            None => vec![None; call.len],
        },
    };
    // Beyond this there is no calendar.
    let millis = millis
        .into_iter()
        .map(|at| at.filter(|at| at.abs() <= 8_640_000_000_000_000));
    Ok(Arc::new(
        millis
            .collect::<TimestampMillisecondArray>()
            .with_timezone("UTC"),
    ))
}

fn to_string(from: &ArrayRef) -> Result<ArrayRef, Error> {
    if Texts::of(from).is_some() {
        return Ok(from.clone());
    }
    if matches!(from.data_type(), DataType::FixedSizeBinary(_)) {
        return cast(from, &Type::Text);
    }
    Ok(Arc::new(
        (0..from.len())
            .map(|row| text_of(from, row))
            .collect::<StringArray>(),
    ))
}

/// A single value as text; `None` for null.
pub(crate) fn text_of(array: &ArrayRef, row: usize) -> Option<String> {
    use crate::columns::Datum;
    Some(match datum(array, row) {
        Datum::Null => return None,
        Datum::Bool(x) => x.to_string(),
        Datum::Int(x) => x.to_string(),
        Datum::Float(x) => match crate::columns::number_json(x) {
            serde_json::Value::String(name) => name,
            number => number.to_string(),
        },
        Datum::Text(x) => x,
        Datum::Date(days) => moment_text(i64::from(days) * crate::columns::DAY)[..10].to_owned(),
        Datum::DateTime(millis) => moment_text(millis),
        Datum::Id(bytes) => messier_store::SampleId(bytes).to_string(),
        other => format!("{other:?}"),
    })
}

/// A sign and digits.
pub(crate) fn read_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let fine = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| text.parse().ok()).flatten()
}

/// A sign, digits, perhaps a point and an exponent.
pub(crate) fn read_float(text: &str) -> Option<f64> {
    let fine = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    fine.then(|| text.parse().ok()).flatten()
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&TO_BOOL),
    method(&TO_INT),
    method(&TO_DOUBLE),
    method(&TO_STRING),
    method(&TO_DATE),
];
