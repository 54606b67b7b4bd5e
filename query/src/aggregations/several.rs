//! `aggregate([...])`: several aggregations of one view, each one's value in the order given.

use serde_json::Value as Json;

use super::{Aggregate, Aggregation, Outcome, find};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner, snake};
use crate::signature::{Default, Kind, Signature, TypeSet, aggregation, example, param};
use crate::syntax::{self, Call, ExprKind};

/// `aggregate`
pub struct Several;

/// `aggregate(aggregations)`
pub static AGGREGATE: Several = Several;
static SIGNATURE: Signature = aggregation(
    "aggregate",
    "Gives the values of several aggregations as a list.",
    &[param(
        "aggregations",
        Kind::List(&Kind::Expr(TypeSet::Any)),
        Default::Required,
        "Calls of aggregations.",
    )],
    &[example(
        r#"aggregate([count(), mean("uniqueness"), distinct("k20")])"#,
        "Asks three things.",
    )],
);

#[derive(Debug)]
struct All {
    asked: Vec<Box<dyn Aggregate>>,
}

impl Aggregation for Several {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let given = args.get("aggregations")?;
        let items = match &given.kind {
            ExprKind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(given),
        };
        let asked: Vec<Option<Box<dyn Aggregate>>> =
            items.iter().map(|item| one(item, planner)).collect();
        let asked = asked.into_iter().collect::<Option<_>>()?;
        Some(Box::new(All { asked }))
    }
}

fn one(expr: &syntax::Expr, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
    let call: Option<&Call> = match &expr.kind {
        ExprKind::Call(call) => Some(call),
        ExprKind::Chain(query) => match query.steps.as_slice() {
            [syntax::Step::Call(call)] => Some(call),
            _ => None,
        },
        _ => None,
    };
    let found = call.and_then(|call| Some((call, find(&snake(&call.name.node))?)));
    let Some((call, aggregation)) = found else {
        let names: Vec<&str> = super::all().map(|one| one.signature().name).collect();
        let mistake = Diagnostic::new(
            "bad-argument",
            "`aggregate` takes a list of aggregations, such as [count(), mean(\"field\")]",
            expr.span,
            "not an aggregation",
        );
        planner.report(match call {
            Some(call) => mistake.candidates(&call.name.node, names),
            None => mistake,
        });
        return None;
    };
    if matches!(
        aggregation.signature().name,
        "aggregate" | "head" | "first" | "one" | "explain"
    ) {
        planner.report(Diagnostic::new(
            "bad-argument",
            format!(
                "`{}` gives no single value, so it cannot be one of several",
                call.name.node
            ),
            expr.span,
            "cannot be used here",
        ));
        return None;
    }
    let args = planner.bind(aggregation.signature(), call, false)?;
    aggregation.plan(&args, planner)
}

impl Aggregate for All {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let mut values = Vec::with_capacity(self.asked.len());
        for asked in &self.asked {
            if let Outcome::Value(value) = asked.run(frame, context)? {
                values.push(value);
            }
        }
        Ok(Outcome::Value(Json::Array(values)))
    }
}
