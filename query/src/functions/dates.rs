//! Parts of dates, in UTC. The week of the year begins on Sunday and runs from 0 to 53, as the document database counts.

use arrow::array::ArrayRef;
use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Signature, example, expression};
use crate::types::Type;

/// A part of a date.
struct Part {
    part: fn(DateTime<Utc>) -> i64,
    signature: Signature,
}

macro_rules! parts {
    ($count:literal: $($name:literal, $summary:literal, $part:expr;)*) => {
        static PARTS: [Part; $count] = [$(Part {
            part: $part,
            signature: expression($name, $summary, &[], &[example(
                concat!("count_values(F(\"created_at\").", $name, "())"),
                "Counts samples by it.",
            )]),
        }),*];
    };
}

parts! { 10:
    "millisecond", "Gives the milliseconds of a date, 0 to 999.", |at| i64::from(at.timestamp_subsec_millis());
    "second", "Gives the seconds of a date, 0 to 59.", |at| i64::from(at.second());
    "minute", "Gives the minutes of a date, 0 to 59.", |at| i64::from(at.minute());
    "hour", "Gives the hour of a date, 0 to 23.", |at| i64::from(at.hour());
    "day_of_week", "Gives the day of the week of a date, 1 for Sunday to 7.", |at| i64::from(at.weekday().number_from_sunday());
    "day_of_month", "Gives the day of the month of a date, 1 to 31.", |at| i64::from(at.day());
    "day_of_year", "Gives the day of the year of a date, 1 to 366.", |at| i64::from(at.ordinal());
    "week", "Gives the week of the year of a date, 0 to 53; weeks begin on Sunday, and days before the first Sunday are week 0.", |at| {
        let sunday = i64::from(at.weekday().num_days_from_sunday());
        (i64::from(at.ordinal0()) + 7 - sunday) / 7
    };
    "month", "Gives the month of a date, 1 to 12.", |at| i64::from(at.month());
    "year", "Gives the year of a date.", |at| i64::from(at.year());
}

impl Function for Part {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        match &args[0].ty {
            ty if ty.is_date() || *ty == Type::Null => Ok(Type::Int),
            Type::Text | Type::Int => {
                Err(Mismatch::new(0, "a date").hint("read a date from it with `.to_date()`"))
            }
            _ => Err(Mismatch::new(0, "a date")),
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let moments = call.moments(0)?;
        let part = self.part;
        Ok(call.map_int(&moments, |millis| {
            DateTime::from_timestamp_millis(millis).map(part)
        }))
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
    method(&PARTS[0]),
    method(&PARTS[1]),
    method(&PARTS[2]),
    method(&PARTS[3]),
    method(&PARTS[4]),
    method(&PARTS[5]),
    method(&PARTS[6]),
    method(&PARTS[7]),
    method(&PARTS[8]),
    method(&PARTS[9]),
];
