//! `count`, `count_values`, `distinct`: by rank, so that each value is looked at once and no row is made.

use arrow::array::Array;
use serde_json::{Map, Value as Json, json};

use super::input::{EXPR, FIELD, SAFE};
use super::{Aggregate, Aggregation, Input, Outcome};
use crate::columns::{self, Tally, tally};
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, TypeSet, aggregation, example, param};
use crate::types::Type;

/// `count`
pub struct Count;

/// `count(field_or_expr)`
pub static COUNT: Count = Count;
static COUNT_SIGNATURE: Signature = aggregation(
    "count",
    "Counts the samples, or the values of a field that are not null.",
    &[
        param(
            "field_or_expr",
            Kind::Expr(TypeSet::Any),
            Default::Null,
            "A field by name, or an expression; without it samples are counted.",
        ),
        EXPR,
        SAFE,
    ],
    &[
        example(
            r#"match(F("k20") == "7").count()"#,
            "Counts the samples of a cluster.",
        ),
        example(r#"count("tags")"#, "Counts all tags."),
    ],
);

#[derive(Debug)]
struct Counting {
    input: Option<Input>,
    safe: bool,
}

impl Aggregation for Count {
    fn signature(&'static self) -> &'static Signature {
        &COUNT_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let safe = planner.bool(args, "safe");
        let none = args.get("field_or_expr").is_none_or(|expr| {
            matches!(
                expr.kind,
                crate::syntax::ExprKind::Literal(crate::syntax::Literal::Null)
            )
        });
        let input = if none {
            None
        } else {
            Some(Input::plan(args, planner)?)
        };
        Some(Box::new(Counting { input, safe: safe? }))
    }
}

impl Aggregate for Counting {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let Some(input) = &self.input else {
            return Ok(Outcome::Value(json!(frame.len())));
        };
        // A vector is one value, though it is made of numbers.
        let values = match input.expr.ty {
            Type::Vector(_) => input.column(frame, context)?,
            _ => input.values(frame, context)?,
        };
        let nulls = values.logical_nulls().map_or(0, |nulls| nulls.null_count());
        let mut count = values.len() - nulls;
        if self.safe
            && let Some(floats) = crate::functions::float_values(&values)
        {
            count = floats.iter().flatten().filter(|x| x.is_finite()).count();
        }
        Ok(Outcome::Value(json!(count)))
    }
}

/// `count_values`
pub struct CountValues;

/// `count_values(field_or_expr)`
pub static COUNT_VALUES: CountValues = CountValues;
static COUNT_VALUES_SIGNATURE: Signature = aggregation(
    "count_values",
    "Counts each distinct value, null and NaN among them, the most frequent first.",
    &[FIELD, EXPR, SAFE],
    &[
        example(r#"count_values("k20")"#, "Gives the sizes of clusters."),
        example(
            r#"count_values(F("metadata.width") > 640)"#,
            "Counts wide and narrow images.",
        ),
    ],
);

#[derive(Debug)]
struct CountingValues {
    input: Input,
    safe: bool,
}

impl Aggregation for CountValues {
    fn signature(&'static self) -> &'static Signature {
        &COUNT_VALUES_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let safe = planner.bool(args, "safe");
        let input = Input::of_type(args, planner, "single values", Type::is_ordered)?;
        Some(Box::new(CountingValues { input, safe: safe? }))
    }
}

impl Aggregate for CountingValues {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let values = self.input.values(frame, context)?;
        let Tally {
            distinct,
            counts,
            nulls,
        } = tally(&values)?;
        let mut pairs: Vec<(String, u64)> = counts
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !self.safe || finite(&distinct, *at))
            .map(|(at, count)| (key(&distinct, at), count))
            .collect();
        if nulls > 0 {
            pairs.push(("null".to_owned(), nulls));
        }
        // A stable sort: equally frequent values stay in ascending order.
        pairs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut map = Map::new();
        for (key, count) in pairs {
            // A text "null" and null itself are one key here.
            let sum = map.get(&key).and_then(Json::as_u64).unwrap_or(0) + count;
            map.insert(key, json!(sum));
        }
        Ok(Outcome::Value(Json::Object(map)))
    }
}

fn finite(values: &arrow::array::ArrayRef, at: usize) -> bool {
    crate::functions::float_values(values).is_none_or(|floats| floats.value(at).is_finite())
}

/// A value as a key of a map: its text.
fn key(values: &arrow::array::ArrayRef, at: usize) -> String {
    crate::functions::text_of(values, at).unwrap_or_else(|| "null".to_owned())
}

/// `distinct`
pub struct Distinct;

/// `distinct(field_or_expr)`
pub static DISTINCT: Distinct = Distinct;
static DISTINCT_SIGNATURE: Signature = aggregation(
    "distinct",
    "Gives the distinct values, ascending, without null.",
    &[FIELD, EXPR, SAFE],
    &[example(r#"distinct("tags")"#, "Gives all tags.")],
);

#[derive(Debug)]
struct Distinguishing {
    input: Input,
    safe: bool,
}

impl Aggregation for Distinct {
    fn signature(&'static self) -> &'static Signature {
        &DISTINCT_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let safe = planner.bool(args, "safe");
        let input = Input::of_type(args, planner, "single values", Type::is_ordered)?;
        Some(Box::new(Distinguishing { input, safe: safe? }))
    }
}

impl Aggregate for Distinguishing {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let distinct = tally(&self.input.values(frame, context)?)?.distinct;
        let ty = self.input.item();
        let values = (0..distinct.len())
            .filter(|at| !self.safe || finite(&distinct, *at))
            .map(|at| columns::json(&distinct, at, &ty));
        Ok(Outcome::Value(Json::Array(values.collect())))
    }
}
