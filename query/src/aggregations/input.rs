//! What an aggregation is about: a field or an expression, with all its lists unwound.

use arrow::array::ArrayRef;

use crate::columns::Lists;
use crate::diagnostic::Diagnostic;
use crate::domain::Domain;
use crate::error::Error;
use crate::eval::{Context, Frame, evaluate_expr};
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Default, Kind, Param, TypeSet, param};
use crate::types::Type;

/// The parameter that names the field.
pub const FIELD: Param = param(
    "field_or_expr",
    Kind::Expr(TypeSet::Any),
    Default::Required,
    "A field by name, or an expression.",
);

/// The parameter that leaves NaN and infinities out.
pub const SAFE: Param = param(
    "safe",
    Kind::Bool,
    Default::Bool(false),
    "Leaves NaN and infinities out too.",
);

/// The parameter for an expression on top of the field.
pub const EXPR: Param = param(
    "expr",
    Kind::Expr(TypeSet::Any),
    Default::Null,
    "An expression over the field, in which `F()` is its value.",
);

/// A checked field or expression.
#[derive(Debug)]
pub struct Input {
    /// What is evaluated for every sample.
    pub expr: Expr,
}

impl Input {
    /// Plans the arguments `field_or_expr` and `expr`.
    pub fn plan(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Input> {
        let field = planner.field_or_expr(args.get("field_or_expr")?)?;
        match args.get("expr") {
            None => Some(Input { expr: field }),
            Some(expr) => planner.bound(field, expr, false).map(|expr| Input { expr }),
        }
    }

    /// Like [`Input::plan`], for values that must be numbers, or anything else that `fits` says.
    pub fn of_type(
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
        needs: &str,
        fits: fn(&Type) -> bool,
    ) -> Option<Input> {
        let input = Input::plan(args, planner)?;
        let ty = input.item();
        if fits(&ty) || ty == Type::Null {
            return Some(input);
        }
        let name = args.signature.name;
        let mistake = Diagnostic::new(
            "wrong-type",
            format!("`{name}` needs {needs}, and this has values of type {ty}"),
            input.expr.span,
            format!("{} here", input.expr.ty),
        );
        let mistake = match &ty {
            Type::Text if needs.contains("number") => {
                mistake.hint("read numbers from texts with `.to_double()`")
            }
            Type::Struct(_, fields) if !fields.is_empty() => {
                mistake.hint(format!("name one of its fields, such as `{}`", fields[0].0))
            }
            _ => mistake,
        };
        planner.report(mistake);
        None
    }

    /// The type of a single value.
    pub fn item(&self) -> Type {
        match self.expr.ty.innermost() {
            Type::Vector(_) => Type::Float,
            other => other.clone(),
        }
    }

    /// One entry a sample, as it is.
    ///
    /// # Errors
    /// What the source reports.
    pub fn column(&self, frame: &Frame, context: &Context) -> Result<ArrayRef, Error> {
        let over = Domain::of_samples(frame);
        evaluate_expr(&self.expr, &over, context)?.expand(over.len())
    }

    /// The values with all levels of lists unwound.
    ///
    /// # Errors
    /// What the source reports.
    pub fn values(&self, frame: &Frame, context: &Context) -> Result<ArrayRef, Error> {
        let column = self.column(frame, context)?;
        unwound(column, &self.expr.ty)
    }
}

/// The values of a column with all levels of lists unwound.
pub fn unwound(mut column: ArrayRef, ty: &Type) -> Result<ArrayRef, Error> {
    let mut ty = ty.clone();
    while ty.is_list() {
        column = Lists::of(&column)?.values;
        ty = ty.item().unwrap_or(Type::Null);
    }
    Ok(column)
}
