//! Calls that are literals: dates, spans of time, ids, and the floats that have no digits.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use messier_store::SampleId;

use super::cursor::{Node, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Argument, Call, Expr, ExprKind, Literal};

const DAY_MS: f64 = 86_400_000.0;

/// Whether `datetime.NAME(` is a literal.
pub(crate) fn is_moment(name: &str) -> bool {
    matches!(name, "datetime" | "date" | "timedelta" | "fromisoformat")
}

/// Reads ISO 8601 text as milliseconds since 1970; without an offset it is UTC.
pub fn iso_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(moment.timestamp_millis());
    }
    let naive = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    let moment = naive
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    moment
        .or_else(|| Some(iso_date(text)?.and_time(NaiveTime::MIN)))
        .map(|m| m.and_utc().timestamp_millis())
}

/// Reads `2024-01-31`.
pub fn iso_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()
}

fn days(date: NaiveDate) -> i32 {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(0)
}

fn text_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::Text(text)) => Some(text),
        _ => None,
    }
}

fn number_of(expr: &Expr) -> Option<f64> {
    match expr.kind {
        ExprKind::Literal(Literal::Int(i)) => Some(i as f64),
        ExprKind::Literal(Literal::Float(x)) => Some(x),
        _ => None,
    }
}

impl Parser<'_> {
    /// The literal that `call` stands for, if it is one of these.
    pub(crate) fn literal_call(&mut self, call: &Call) -> Option<Parsed<Node>> {
        let read = match call.name.node.as_str() {
            "datetime" | "ISODate" | "fromisoformat" => datetime(&call.args),
            "date" => date(&call.args),
            "timedelta" => timedelta(&call.args),
            "ObjectId" => object_id(&call.args),
            "float" => match call.args.as_slice() {
                [one] => float(text_of(&one.value)?),
                _ => return None,
            },
            _ => return None,
        };
        Some(match read {
            Ok(literal) => self.literal(literal, call.span),
            Err((message, hint)) => {
                self.note(
                    Diagnostic::new("bad-literal", message, call.span, "cannot be read").hint(hint),
                );
                self.literal(Literal::Null, call.span)
            }
        })
    }
}

type Read = Result<Literal, (&'static str, &'static str)>;

fn float(text: &str) -> Read {
    let wrong = (
        "`float(...)` reads a text here",
        "there are float(\"nan\"), float(\"inf\") and \
float(\"-inf\"); convert a field with `x.to_double()`",
    );
    text.trim()
        .to_ascii_lowercase()
        .parse()
        .map(Literal::Float)
        .map_err(|_| wrong)
}

fn object_id(args: &[Argument]) -> Read {
    let id = match args {
        [one] => text_of(&one.value).and_then(SampleId::parse),
        _ => None,
    };
    id.map(|id| Literal::Id(id.0)).ok_or((
        "an id is 24 hexadecimal digits in quotes",
        "write `ObjectId(\"0123456789abcdef01234567\")`",
    ))
}

/// The whole numbers of a date or time by position or name; `None` where something else was given.
fn parts<const N: usize>(args: &[Argument], names: [&str; N]) -> Option<[Option<i64>; N]> {
    let mut parts = [None; N];
    for (at, arg) in args.iter().enumerate() {
        let at = match &arg.name {
            None => at,
            Some(name) if name.node == "tzinfo" || name.node == "tz" => match &arg.value.kind {
                ExprKind::Field(field)
                    if field
                        .path
                        .last()
                        .is_some_and(|zone| zone.eq_ignore_ascii_case("utc")) =>
                {
                    continue;
                }
                _ => return None,
            },
            Some(name) => names.iter().position(|one| *one == name.node)?,
        };
        let ExprKind::Literal(Literal::Int(value)) = arg.value.kind else {
            return None;
        };
        *parts.get_mut(at)? = Some(value);
    }
    Some(parts)
}

fn calendar(year: Option<i64>, month: Option<i64>, day: Option<i64>) -> Option<NaiveDate> {
    let year = i32::try_from(year?)
        .ok()
        .filter(|year| (1..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month?).ok()?, u32::try_from(day?).ok()?)
}

fn datetime(args: &[Argument]) -> Read {
    const NAMES: [&str; 7] = [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "microsecond",
    ];
    let wrong = (
        "this is not a moment",
        "write `datetime(2024, 1, 31)` or `datetime(2024, 1, 31, 18, \
30, 0)`, whole numbers in UTC, or \
`datetime(\"2024-01-31T18:30:00\")`",
    );
    if let [one] = args
        && let Some(text) = text_of(&one.value)
    {
        return iso_datetime(text).map(Literal::DateTime).ok_or(wrong);
    }
    let read = || {
        let [year, month, day, hour, minute, second, micro] = parts(args, NAMES)?;
        let clock = |part: Option<i64>| u32::try_from(part.unwrap_or(0)).ok();
        let micro = clock(micro).filter(|micro| *micro < 1_000_000)?;
        let time =
            NaiveTime::from_hms_micro_opt(clock(hour)?, clock(minute)?, clock(second)?, micro)?;
        Some(
            calendar(year, month, day)?
                .and_time(time)
                .and_utc()
                .timestamp_millis(),
        )
    };
    read().map(Literal::DateTime).ok_or(wrong)
}

fn date(args: &[Argument]) -> Read {
    let wrong = (
        "this is not a day",
        "write `date(2024, 1, 31)` or `date(\"2024-01-31\")`",
    );
    if let [one] = args
        && let Some(text) = text_of(&one.value)
    {
        return iso_date(text)
            .map(|date| Literal::Date(days(date)))
            .ok_or(wrong);
    }
    let read = || {
        let [year, month, day] = parts(args, ["year", "month", "day"])?;
        calendar(year, month, day)
    };
    read().map(|date| Literal::Date(days(date))).ok_or(wrong)
}

/// A span of time is its number of milliseconds: whole where it is whole.
fn timedelta(args: &[Argument]) -> Read {
    const UNITS: [(&str, f64); 7] = [
        ("days", DAY_MS),
        ("seconds", 1000.0),
        ("microseconds", 0.001),
        ("milliseconds", 1.0),
        ("minutes", 60_000.0),
        ("hours", 3_600_000.0),
        ("weeks", 7.0 * DAY_MS),
    ];
    let wrong = (
        "this is not a span of time",
        "write `timedelta(days=1, hours=2)`; there are weeks, days, \
hours, minutes, seconds, milliseconds",
    );
    let mut total = 0.0;
    for (at, arg) in args.iter().enumerate() {
        let unit = match &arg.name {
            None => UNITS.get(at),
            Some(name) => UNITS.iter().find(|(unit, _)| *unit == name.node),
        };
        total += unit
            .zip(number_of(&arg.value))
            .map(|((_, ms), n)| ms * n)
            .ok_or(wrong)?;
    }
    let whole = total.fract() == 0.0 && total.abs() < 9e15;
    Ok(if whole {
        Literal::Int(total as i64)
    } else {
        Literal::Float(total)
    })
}
