//! Equality, order and JSON of plain values.

use std::cmp::Ordering;

use messier_query::columns::{Datum, moment_text, number_json};
use serde_json::Value as Json;

/// Whether two values are the same: numbers by value, NaN equal to itself, null only to null.
pub fn equal(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Null, Datum::Null) => true,
        (Datum::Int(x), Datum::Int(y)) => x == y,
        (Datum::Int(_) | Datum::Float(_), Datum::Int(_) | Datum::Float(_)) => {
            let (x, y) = (a.number().unwrap(), b.number().unwrap());
            x == y || (x.is_nan() && y.is_nan())
        }
        (Datum::List(x), Datum::List(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        _ => a == b,
    }
}

/// The order of two values; none with null or NaN.
pub fn compare(a: &Datum, b: &Datum) -> Option<Ordering> {
    match (a, b) {
        (Datum::Int(x), Datum::Int(y)) => Some(x.cmp(y)),
        (Datum::Int(_) | Datum::Float(_), Datum::Int(_) | Datum::Float(_)) => {
            a.number()?.partial_cmp(&b.number()?)
        }
        (Datum::Text(x), Datum::Text(y)) => Some(x.cmp(y)),
        (Datum::Bool(x), Datum::Bool(y)) => Some(x.cmp(y)),
        (Datum::DateTime(x), Datum::DateTime(y)) => Some(x.cmp(y)),
        _ => None,
    }
}

/// The order of a sort: nothing and NaN last, both ways.
pub fn sort_order(a: &Datum, b: &Datum, reverse: bool) -> Ordering {
    let last = |value: &Datum| match value {
        Datum::Null => true,
        Datum::Float(x) => x.is_nan(),
        _ => false,
    };
    match (last(a), last(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => {
            let order = compare(a, b).unwrap();
            if reverse { order.reverse() } else { order }
        }
    }
}

/// The order of values in a set or a sorted list: NaN after all numbers, null after everything.
pub fn list_order(a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Null, Datum::Null) => Ordering::Equal,
        (Datum::Null, _) => Ordering::Greater,
        (_, Datum::Null) => Ordering::Less,
        _ => compare(a, b).unwrap_or_else(|| {
            let nan = |value: &Datum| value.number().is_some_and(f64::is_nan);
            nan(a).cmp(&nan(b))
        }),
    }
}

/// A value as JSON; whole numbers and floats of the same value alike.
pub fn json(value: &Datum) -> Json {
    match value {
        Datum::Null => Json::Null,
        Datum::Bool(x) => Json::from(*x),
        Datum::Int(x) => Json::from(*x),
        Datum::Float(x) => number_json(*x),
        Datum::Text(x) => Json::from(x.as_str()),
        Datum::DateTime(x) => Json::from(moment_text(*x)),
        Datum::List(items) => Json::Array(items.iter().map(json).collect()),
        Datum::Struct(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), json(value)))
                .collect(),
        ),
        other => panic!("{other:?}"),
    }
}
