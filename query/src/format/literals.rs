//! Literals and fields as text.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike};
use messier_store::SampleId;

use crate::parse::names;
use crate::syntax::{FieldRef, Literal};

pub(super) fn write_field(field: &FieldRef) -> String {
    if !field.root && names::is_bare_path(&field.path) {
        field.path.join(".")
    } else {
        quoted_field(field)
    }
}

pub(super) fn quoted_field(field: &FieldRef) -> String {
    let path = field.path.join(".");
    match (field.root, path.is_empty()) {
        (false, true) => "F()".to_owned(),
        (true, _) => format!("F({})", text(&format!("${path}"))),
        (false, false) => format!("F({})", text(&path)),
    }
}

/// A text in double quotes.
pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn write_literal(literal: &Literal) -> String {
    match literal {
        Literal::Null => "None".to_owned(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::Int(i) => i.to_string(),
        Literal::Float(x) if x.is_nan() => "float(\"nan\")".to_owned(),
        Literal::Float(x) if x.is_infinite() => {
            format!("float(\"{}inf\")", if *x < 0.0 { "-" } else { "" })
        }
        Literal::Float(x) => format!("{x:?}"),
        Literal::Text(t) => text(t),
        Literal::DateTime(ms) => datetime(*ms),
        Literal::Date(days) => {
            match NaiveDate::default().checked_add_signed(TimeDelta::days((*days).into())) {
                Some(date) if (1..=9999).contains(&date.year()) => {
                    format!("date({}, {}, {})", date.year(), date.month(), date.day())
                }
                _ => format!("E({}).to_date()", i64::from(*days) * 86_400_000),
            }
        }
        Literal::Id(bytes) => format!("ObjectId(\"{}\")", SampleId(*bytes)),
    }
}

/// `datetime(2024, 1, 31)`, with as much of the time of day as is not zero.
fn datetime(ms: i64) -> String {
    let Some(moment) =
        DateTime::from_timestamp_millis(ms).filter(|m| (1..=9999).contains(&m.year()))
    else {
        return format!("E({ms}).to_date()");
    };
    let micro = moment.nanosecond() / 1000;
    let parts = [moment.hour(), moment.minute(), moment.second(), micro];
    let kept = parts
        .iter()
        .rposition(|part| *part != 0)
        .map_or(0, |at| at + 1);
    let mut out = format!(
        "datetime({}, {}, {}",
        moment.year(),
        moment.month(),
        moment.day()
    );
    parts[..kept].iter().for_each(|part| {
        let _ = write!(out, ", {part}");
    });
    out.push(')');
    out
}
