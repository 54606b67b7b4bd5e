//! `values`: a column as a list.

use arrow::array::{Array, ArrayRef};
use serde_json::Value as Json;

use super::input::{EXPR, FIELD, unwound};
use super::{Aggregate, Aggregation, Input, Outcome};
use crate::columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Default, Kind, Signature, aggregation, example, param};
use crate::types::Type;

/// `values`
pub struct Values;

/// `values(field_or_expr)`
pub static VALUES: Values = Values;
static SIGNATURE: Signature = aggregation(
    "values",
    "Gives the values of a field, one entry a sample, nulls among them.",
    &[
        FIELD,
        EXPR,
        param(
            "unwind",
            Kind::Bool,
            Default::Bool(false),
            "Gives the values of lists one by one.",
        ),
        param(
            "missing_value",
            Kind::Any,
            Default::Null,
            "What stands for null.",
        ),
    ],
    &[
        example(r#"limit(3).values("filepath")"#, "Gives three paths."),
        example(
            r#"values("tags", unwind=True)"#,
            "Gives all tags, one after the other.",
        ),
    ],
);

#[derive(Debug)]
struct Listing {
    inputs: Vec<Input>,
    several: bool,
    unwind: bool,
    missing: Json,
}

impl Aggregation for Values {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        let unwind = planner.bool(args, "unwind");
        let missing = match args.get("missing_value") {
            None => Some(Json::Null),
            Some(expr) => planner.constant(expr).map(|value| {
                let ty = value.ty().unwrap_or(Type::Null);
                columns::json(&columns::build(&ty, &[&value]), 0, &ty)
            }),
        };
        // Several fields at once give a list for each.
        let given = args.get("field_or_expr")?;
        let names = match &given.kind {
            crate::syntax::ExprKind::List(items)
                if items.iter().all(|item| {
                    matches!(
                        item.kind,
                        crate::syntax::ExprKind::Literal(crate::syntax::Literal::Text(_))
                    )
                }) && !items.is_empty() =>
            {
                Some(items)
            }
            _ => None,
        };
        let (inputs, several) = match names {
            Some(items) => {
                let fields: Vec<Option<Expr>> = items
                    .iter()
                    .map(|item| planner.field_or_expr(item))
                    .collect();
                let fields = fields.into_iter().collect::<Option<Vec<_>>>()?;
                (
                    fields.into_iter().map(|expr| Input { expr }).collect(),
                    true,
                )
            }
            None => (vec![Input::plan(args, planner)?], false),
        };
        Some(Box::new(Listing {
            inputs,
            several,
            unwind: unwind?,
            missing: missing?,
        }))
    }
}

impl Listing {
    fn list(&self, column: &ArrayRef, ty: &Type) -> Json {
        let entries = (0..column.len()).map(|row| match columns::json(column, row, ty) {
            Json::Null => self.missing.clone(),
            value => value,
        });
        Json::Array(entries.collect())
    }
}

impl Aggregate for Listing {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        let mut lists = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let column = input.column(frame, context)?;
            lists.push(if self.unwind {
                self.list(&unwound(column, &input.expr.ty)?, &input.item())
            } else {
                self.list(&column, &input.expr.ty)
            });
        }
        Ok(Outcome::Value(match self.several {
            true => Json::Array(lists),
            false => lists.pop().unwrap_or(Json::Null),
        }))
    }
}
