//! Literals that need no planner: single values and lists of them, also of mixed types, as options take them
//! (`["a", 1]`). Anything else is planned as an expression first.

use crate::columns::Datum;
use crate::syntax::{Expr, ExprKind, Literal, UnaryOp};

/// The value of a literal.
pub(crate) fn of_literal(literal: &Literal) -> Datum {
    match literal {
        Literal::Null => Datum::Null,
        Literal::Bool(x) => Datum::Bool(*x),
        Literal::Int(x) => Datum::Int(*x),
        Literal::Float(x) => Datum::Float(*x),
        Literal::Text(x) => Datum::Text(x.clone()),
        Literal::DateTime(x) => Datum::DateTime(*x),
        Literal::Date(x) => Datum::Date(*x),
        Literal::Id(x) => Datum::Id(*x),
    }
}

/// The value of an expression that is a literal as it stands.
pub(crate) fn mixed(expr: &Expr) -> Option<Datum> {
    match &expr.kind {
        ExprKind::Literal(literal) => Some(of_literal(literal)),
        ExprKind::Unary(UnaryOp::Neg, of) => match mixed(of)? {
            Datum::Int(x) => Some(
                x.checked_neg()
                    .map_or(Datum::Float(-(x as f64)), Datum::Int),
            ),
            Datum::Float(x) => Some(Datum::Float(-x)),
            _ => None,
        },
        ExprKind::List(items) => items
            .iter()
            .map(mixed)
            .collect::<Option<_>>()
            .map(Datum::List),
        _ => None,
    }
}

/// Reads ISO 8601 text as milliseconds since 1970 in UTC: a date, or a date with a time and possibly a zone.
pub(crate) fn read_moment(text: &str) -> Option<i64> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp_millis());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, form) {
            return Some(moment.timestamp_millis());
        }
    }
    let forms = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    for form in forms {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, form) {
            return Some(moment.and_utc().timestamp_millis());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}
