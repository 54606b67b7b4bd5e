//! `bounds min max mean std sum quantiles`: exact, one pass over the values. Nulls are left out, NaN and infinities only
//! where `safe=True`.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Float64Array, PrimitiveArray};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMillisecondType};
use serde_json::{Value as Json, json};

use super::input::{EXPR, FIELD, SAFE};
use super::{Aggregate, Aggregation, Input, Outcome};
use crate::columns::{self, NO_RANK, cast, float_key, number_json, rank};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Arg, Default, Kind, Signature, aggregation, example, param};
use crate::types::Type;

/// What is asked of the values.
#[derive(Debug, Clone, PartialEq)]
enum Ask {
    Bounds,
    Min,
    Max,
    Mean,
    Std { sample: bool },
    Sum,
    Quantiles { shares: Vec<f64>, one: bool },
}

/// A question about the values of a field.
pub struct Numbers {
    ask: Ask,
    signature: Signature,
}

/// `bounds(field_or_expr)`
pub static BOUNDS: Numbers = Numbers {
    ask: Ask::Bounds,
    signature: aggregation(
        "bounds",
        "Gives the least and the greatest value.",
        &[FIELD, EXPR, SAFE],
        &[example(
            r#"bounds("uniqueness")"#,
            "Gives the range of scores.",
        )],
    ),
};
/// `min(field_or_expr)`
pub static MIN: Numbers = Numbers {
    ask: Ask::Min,
    signature: aggregation(
        "min",
        "Gives the least value, null if there is none.",
        &[FIELD, EXPR, SAFE],
        &[example(r#"min("created_at")"#, "Gives the first import.")],
    ),
};
/// `max(field_or_expr)`
pub static MAX: Numbers = Numbers {
    ask: Ask::Max,
    signature: aggregation(
        "max",
        "Gives the greatest value, null if there is none.",
        &[FIELD, EXPR, SAFE],
        &[example(
            r#"max(F("metadata.width") * F("metadata.height"))"#,
            "Gives the most pixels.",
        )],
    ),
};
/// `mean(field_or_expr)`
pub static MEAN: Numbers = Numbers {
    ask: Ask::Mean,
    signature: aggregation(
        "mean",
        "Gives the mean, null if there is no value.",
        &[FIELD, EXPR, SAFE],
        &[example(r#"mean("uniqueness")"#, "Gives the mean score.")],
    ),
};
/// `std(field_or_expr)`
pub static STD: Numbers = Numbers {
    ask: Ask::Std { sample: false },
    signature: aggregation(
        "std",
        "Gives the standard deviation, null if there is no value.",
        &[
            FIELD,
            EXPR,
            SAFE,
            param(
                "sample",
                Kind::Bool,
                Default::Bool(false),
                "Divides by n - 1 rather than n.",
            ),
        ],
        &[example(
            r#"std("uniqueness")"#,
            "Gives the spread of scores.",
        )],
    ),
};
/// `sum(field_or_expr)`
pub static SUM: Numbers = Numbers {
    ask: Ask::Sum,
    signature: aggregation(
        "sum",
        "Adds the values; of none it is 0.",
        &[FIELD, EXPR, SAFE],
        &[example(
            r#"sum("metadata.size_bytes")"#,
            "Gives the bytes of all files.",
        )],
    ),
};
/// `quantiles(field_or_expr, quantiles)`
pub static QUANTILES: Numbers = Numbers {
    ask: Ask::Quantiles {
        shares: Vec::new(),
        one: false,
    },
    signature: aggregation(
        "quantiles",
        "Gives the least values that have at least these shares of the values at or below them.",
        &[
            FIELD,
            param(
                "quantiles",
                Kind::List(&Kind::Float { lo: 0.0, hi: 1.0 }),
                Default::Required,
                "One share, or several, from 0 to 1.",
            ),
            EXPR,
            SAFE,
        ],
        &[example(
            r#"quantiles("uniqueness", [0.25, 0.5, 0.75])"#,
            "Gives the quartiles.",
        )],
    ),
};

#[derive(Debug)]
struct Asking {
    ask: Ask,
    input: Input,
    safe: bool,
}

impl Aggregation for Numbers {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let safe = planner.bool(args, "safe");
        let ask = match &self.ask {
            Ask::Std { .. } => planner
                .bool(args, "sample")
                .map(|sample| Ask::Std { sample }),
            Ask::Quantiles { .. } => shares(args, planner),
            other => Some(other.clone()),
        };
        let (needs, fits): (&str, fn(&Type) -> bool) = match self.ask {
            Ask::Bounds | Ask::Min | Ask::Max => ("values that have an order", Type::is_ordered),
            Ask::Quantiles { .. } => ("numbers or dates", |ty| ty.is_number() || ty.is_date()),
            _ => ("numbers", |ty| ty.is_number() || *ty == Type::Bool),
        };
        let input = Input::of_type(args, planner, needs, fits)?;
        Some(Box::new(Asking {
            ask: ask?,
            input,
            safe: safe?,
        }))
    }
}

fn shares(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Ask> {
    let one = args
        .get("quantiles")
        .is_some_and(|expr| !matches!(expr.kind, crate::syntax::ExprKind::List(_)));
    let Arg::List(items) = planner.literal(args, "quantiles")? else {
        planner.report(Diagnostic::new(
            "bad-argument",
            "`quantiles` takes shares from 0 to 1",
            args.span,
            "no shares",
        ));
        return None;
    };
    let shares = items.into_iter().filter_map(|item| match item {
        Arg::Float(share) => Some(share),
        _ => None,
    });
    Some(Ask::Quantiles {
        shares: shares.collect(),
        one,
    })
}

impl Aggregate for Asking {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let mut values = self.input.values(frame, context)?;
        if self.safe
            && let Some(floats) = crate::functions::float_values(&values)
        {
            let finite = floats.iter().map(|x| Some(x.is_some_and(f64::is_finite)));
            values = filter(&values, &finite.collect())?;
        }
        Ok(Outcome::Value(match &self.ask {
            Ask::Bounds => {
                let (least, greatest) = bounds(&values, &self.input.item())?;
                json!([least, greatest])
            }
            Ask::Min => bounds(&values, &self.input.item())?.0,
            Ask::Max => bounds(&values, &self.input.item())?.1,
            Ask::Sum => sum(&values)?,
            Ask::Mean => {
                mean(&as_floats(&values)?).map_or(Json::Null, |(mean, _)| number_json(mean))
            }
            Ask::Std { sample } => variance(&as_floats(&values)?, *sample)
                .map_or(Json::Null, |variance| number_json(variance.sqrt())),
            Ask::Quantiles { shares, one } => quantiles(&values, &self.input.item(), shares, *one)?,
        }))
    }
}

/// The least and the greatest value; NaN makes both NaN.
fn bounds(values: &ArrayRef, ty: &Type) -> Result<(Json, Json), Error> {
    if let Some(floats) = crate::functions::float_values(values)
        && floats.iter().flatten().any(f64::is_nan)
    {
        return Ok((json!("NaN"), json!("NaN")));
    }
    let ends = match values.data_type() {
        DataType::Float64 => ends(values.as_primitive::<Float64Type>(), float_key),
        DataType::Int64 => ends(values.as_primitive::<Int64Type>(), |x| x),
        DataType::Timestamp(..) => ends(values.as_primitive::<TimestampMillisecondType>(), |x| x),
        DataType::Date32 => ends(values.as_primitive::<Date32Type>(), |x| x),
        _ => {
            let distinct = rank(values)?.distinct;
            return Ok(match distinct.len() {
                0 => (Json::Null, Json::Null),
                n => (
                    columns::json(&distinct, 0, ty),
                    columns::json(&distinct, n - 1, ty),
                ),
            });
        }
    };
    let json = |at| columns::json(values, at, ty);
    Ok(ends.map_or((Json::Null, Json::Null), |(least, greatest)| {
        (json(least), json(greatest))
    }))
}

/// The rows with the least and the greatest key, the first of equals; `None` without a value.
fn ends<T: ArrowPrimitiveType, K: Ord>(
    values: &PrimitiveArray<T>,
    key: impl Fn(T::Native) -> K,
) -> Option<(usize, usize)> {
    let mut rows = (0..values.len()).filter(|&row| values.is_valid(row));
    let first = rows.next()?;
    let mut least = (key(values.value(first)), first);
    let mut greatest = (key(values.value(first)), first);
    for row in rows {
        let key = key(values.value(row));
        if key < least.0 {
            least = (key, row);
        } else if key > greatest.0 {
            greatest = (key, row);
        }
    }
    Some((least.1, greatest.1))
}

/// The values as floats, bools as 0 and 1.
fn as_floats(values: &ArrayRef) -> Result<Float64Array, Error> {
    let floats = match values.data_type() {
        DataType::Boolean => arrow::compute::cast(values, &DataType::Float64)?,
        _ => cast(values, &Type::Float)?,
    };
    Ok(crate::functions::float_values(&floats)
        .cloned()
        .unwrap_or_else(|| Float64Array::new_null(0)))
}

fn sum(values: &ArrayRef) -> Result<Json, Error> {
    match values.data_type() {
        DataType::Int64 => {
            let ints = values.as_primitive::<Int64Type>();
            let total: i128 = ints.iter().flatten().map(i128::from).sum();
            Ok(i64::try_from(total).map_or_else(|_| number_json(total as f64), Json::from))
        }
        DataType::Boolean => Ok(json!(values.as_boolean().true_count())),
        DataType::Null => Ok(json!(0)),
        _ => {
            let floats = as_floats(values)?;
            Ok(number_json(add_up(&floats, |x| x)))
        }
    }
}

/// Sums that grow side by side: one sum alone would wait for each addition before the next.
const LANES: usize = 8;

/// The sum of `of(x)` over the values that are not null, the value of row `i` in lane `i % 8`, so that the sum is the same
/// on every machine. One pass without a copy: a null adds 0, which changes no sum.
fn add_up(floats: &Float64Array, of: impl Fn(f64) -> f64) -> f64 {
    let values = floats.values();
    let mut lanes = [0.0; LANES];
    match floats.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for values in values.chunks(LANES) {
                for (lane, &x) in lanes.iter_mut().zip(values) {
                    *lane += of(x);
                }
            }
        }
        Some(nulls) => {
            let words = nulls.inner().bit_chunks();
            for (mut word, values) in words.iter_padded().zip(values.chunks(64)) {
                for values in values.chunks(LANES) {
                    for (at, (lane, &x)) in lanes.iter_mut().zip(values).enumerate() {
                        // All ones or all zeros: a branch on random bits would be guessed wrong half the time.
                        let keep = 0_u64.wrapping_sub(word >> at & 1);
                        *lane += f64::from_bits(of(x).to_bits() & keep);
                    }
                    word >>= LANES;
                }
            }
        }
    }
    lanes.iter().sum()
}

/// The mean and the count of the values that are not null; `None` without one.
fn mean(floats: &Float64Array) -> Option<(f64, f64)> {
    let n = floats.len() - floats.null_count();
    (n > 0).then(|| (add_up(floats, |x| x) / n as f64, n as f64))
}

/// The variance; `None` without a value, or with one of a sample. In two passes, which is exact where the squares of large
/// values would drown the spread.
fn variance(floats: &Float64Array, sample: bool) -> Option<f64> {
    let (mean, n) = mean(floats)?;
    let squares = add_up(floats, |x| (x - mean) * (x - mean));
    match sample {
        true => (n > 1.0).then(|| squares / (n - 1.0)),
        false => Some(squares / n),
    }
}

fn quantiles(values: &ArrayRef, ty: &Type, shares: &[f64], one: bool) -> Result<Json, Error> {
    let ranks = rank(values)?;
    let mut counts = vec![0usize; ranks.distinct.len()];
    ranks
        .codes
        .iter()
        .filter(|code| **code != NO_RANK)
        .for_each(|code| counts[*code as usize] += 1);
    let total: usize = counts.iter().sum();
    let found = shares.iter().map(|share| {
        let needed = (share * total as f64).ceil().max(1.0);
        let mut below = 0usize;
        let at = counts.iter().position(|count| {
            below += count;
            below as f64 >= needed
        });
        at.map_or(Json::Null, |at| columns::json(&ranks.distinct, at, ty))
    });
    let mut found: Vec<Json> = found.collect();
    Ok(if one {
        found.pop().unwrap_or(Json::Null)
    } else {
        Json::Array(found)
    })
}
