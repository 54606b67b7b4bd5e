//! `histogram_values`: counts between edges, closed left and open right. What falls outside, is null or is not finite is
//! counted by itself, so that the counts always add up to the values.

use serde_json::{Value as Json, json};

use super::input::{EXPR, FIELD};
use super::{Aggregate, Aggregation, Input, Outcome};
use crate::columns::{cast, number_json};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, aggregation, example, param};
use crate::types::Type;

/// `histogram_values`
pub struct HistogramValues;

const EDGE: Kind = Kind::Float {
    lo: f64::MIN,
    hi: f64::MAX,
};

/// `histogram_values(field_or_expr, bins, range)`
pub static HISTOGRAM_VALUES: HistogramValues = HistogramValues;
static SIGNATURE: Signature = aggregation(
    "histogram_values",
    "Counts values between edges and gives `[counts, edges, other]`.",
    &[
        FIELD,
        param(
            "bins",
            Kind::List(&EDGE),
            Default::Int(10),
            "A number of equal bins, or the list of edges.",
        ),
        param(
            "range",
            Kind::Optional(&Kind::List(&EDGE)),
            Default::Null,
            "The first and the last edge; by default the least value and just above the greatest.",
        ),
        EXPR,
    ],
    &[
        example(
            r#"histogram_values("uniqueness", bins=20)"#,
            "Counts in twenty bins.",
        ),
        example(
            r#"histogram_values("metadata.width", bins=[0, 640, 1280, 4096])"#,
            "Counts between given edges.",
        ),
    ],
);

#[derive(Debug)]
enum Bins {
    Count(usize),
    Edges(Vec<f64>),
}

#[derive(Debug)]
struct Counting {
    input: Input,
    bins: Bins,
    range: Option<(f64, f64)>,
}

/// More bins than this no page can show.
const MOST: i64 = 1_000_000;

impl Aggregation for HistogramValues {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let bins = bins(args, planner);
        let range = range(args, planner);
        let input = Input::of_type(args, planner, "numbers or dates", |ty| {
            ty.is_number() || ty.is_date()
        });
        Some(Box::new(Counting {
            input: input?,
            bins: bins?,
            range: range?,
        }))
    }
}

fn numbers(args: &Arguments<'_>, planner: &mut Planner<'_>, name: &str) -> Option<Vec<f64>> {
    let expr = args.get(name)?;
    let value = planner.constant(expr)?;
    let items = match value {
        crate::columns::Datum::List(items) => items,
        one => vec![one],
    };
    let numbers: Option<Vec<f64>> = items
        .iter()
        .map(|item| item.number().filter(|x| x.is_finite()))
        .collect();
    if numbers.is_none() {
        planner.report(Diagnostic::new(
            "bad-argument",
            format!("`{name}` of `histogram_values` takes numbers"),
            expr.span,
            "not all of these are numbers",
        ));
    }
    numbers
}

fn bins(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Bins> {
    let Some(expr) = args.get("bins") else {
        return Some(Bins::Count(10));
    };
    let mistake =
        |message: String| Diagnostic::new("bad-argument", message, expr.span, "this argument");
    if !matches!(expr.kind, crate::syntax::ExprKind::List(_)) {
        return match planner.constant(expr)? {
            crate::columns::Datum::Int(n) if (1..=MOST).contains(&n) => {
                Some(Bins::Count(n as usize))
            }
            _ => {
                planner.report(mistake(format!(
                    "`bins` is a whole number from 1 to {MOST}, or a list of edges"
                )));
                None
            }
        };
    }
    let edges = numbers(args, planner, "bins")?;
    if edges.len() < 2 || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        planner.report(mistake(
            "edges are at least two numbers, each greater than the one before".to_owned(),
        ));
        return None;
    }
    Some(Bins::Edges(edges))
}

fn range(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Option<(f64, f64)>> {
    let Some(expr) = args.get("range") else {
        return Some(None);
    };
    if matches!(
        expr.kind,
        crate::syntax::ExprKind::Literal(crate::syntax::Literal::Null)
    ) {
        return Some(None);
    }
    match numbers(args, planner, "range")?.as_slice() {
        [low, high] if low < high => Some(Some((*low, *high))),
        _ => {
            planner.report(Diagnostic::new(
                "bad-argument",
                "`range` is two numbers, the second greater than the first",
                expr.span,
                "this argument",
            ));
            None
        }
    }
}

impl Aggregate for Counting {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let values = self.input.values(frame, context)?;
        let dates = self.input.item().is_date();
        let values = if dates {
            let moments = cast(&values, &Type::DateTime)?;
            arrow::compute::cast(&moments, &arrow::datatypes::DataType::Int64)?
        } else {
            values
        };
        let floats = cast(&values, &Type::Float)?;
        let Some(floats) = crate::functions::float_values(&floats) else {
            return Ok(Outcome::Value(Json::Null));
        };
        let finite = || floats.iter().flatten().filter(|x| x.is_finite());
        let edges = match &self.bins {
            Bins::Edges(edges) => edges.clone(),
            Bins::Count(n) => {
                let (low, high) = self.range.unwrap_or_else(|| {
                    let low = finite().fold(f64::INFINITY, f64::min);
                    let high = finite().fold(f64::NEG_INFINITY, f64::max);
                    if low > high {
                        (0.0, 1.0)
                    } else {
                        (low, (high + 1e-6).max(high.next_up()))
                    }
                });
                let step = |at: usize| low + (high - low) * (at as f64 / *n as f64);
                (0..=*n)
                    .map(|at| if at == *n { high } else { step(at) })
                    .collect()
            }
        };
        let mut counts = vec![0u64; edges.len() - 1];
        let mut other = floats
            .iter()
            .filter(|x| !x.is_some_and(f64::is_finite))
            .count() as u64;
        for x in finite() {
            let at = edges.partition_point(|edge| *edge <= x);
            match at.checked_sub(1).and_then(|at| counts.get_mut(at)) {
                Some(count) => *count += 1,
                None => other += 1,
            }
        }
        let edges: Vec<Json> = edges
            .iter()
            .map(|edge| match dates {
                true => json!(crate::columns::moment_text(*edge as i64)),
                false => number_json(*edge),
            })
            .collect();
        Ok(Outcome::Value(json!([counts, edges, other])))
    }
}
