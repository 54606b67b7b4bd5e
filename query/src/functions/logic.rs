//! `~`, and `any([...])` and `all([...])`. `&` and `|` are nodes of the plan, since what they ask depends on what they
//! know already. Null counts as false everywhere here.

use arrow::array::ArrayRef;
use arrow::array::{Array, AsArray};
use arrow::buffer::BooleanBuffer;

use super::{Form, Function, Invocation, Member, MemberKind, Mismatch, Shape, truth};
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::syntax::ExprKind;
use crate::types::Type;

/// The opposite of a condition.
pub struct Not;

/// `~x`
pub static NOT: Not = Not;

static NOT_SIGNATURE: Signature = expression(
    "~",
    "Whether the condition does not hold; null does not.",
    &[],
    &[example(
        r#"match(~F("tags").contains("night"))"#,
        "Keeps samples without the tag.",
    )],
);

impl Function for Not {
    fn signature(&'static self) -> &'static Signature {
        &NOT_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        match &args[0].ty {
            Type::Bool | Type::Null => Ok(Type::Bool),
            ty if ty.is_number() => Err(Mismatch::new(0, "a condition").hint(
                "`~` binds tighter than `==` and `<`: put parentheses around the comparison",
            )),
            _ => Err(Mismatch::new(0, "a condition")),
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let x = call.column(0)?;
        let Some(bools) = x.as_boolean_opt() else {
            return Ok(truth(BooleanBuffer::new_set(call.len)));
        };
        let holds = match bools.nulls() {
            Some(nulls) => bools.values() & nulls.inner(),
            None => bools.values().clone(),
        };
        Ok(truth(!&holds))
    }
}

/// `any` or `all` of several conditions.
struct Several {
    all: bool,
}

static ANY: Several = Several { all: false };
static ALL: Several = Several { all: true };

static ANY_SIGNATURE: Signature = expression(
    "any",
    "Whether at least one of the conditions holds; of none it is false.",
    &[param(
        "exprs",
        Kind::List(&Kind::Expr(TypeSet::Bool)),
        Default::Required,
        "The conditions, as a list.",
    )],
    &[example(
        r#"match(any([F("k20") == "7", F("k20") == "9"]))"#,
        "Keeps two clusters.",
    )],
);

static ALL_SIGNATURE: Signature = expression(
    "all",
    "Whether every one of the conditions holds; of none it is true.",
    &[param(
        "exprs",
        Kind::List(&Kind::Expr(TypeSet::Bool)),
        Default::Required,
        "The conditions, as a list.",
    )],
    &[example(
        r#"match(all([F("k20") == "7", F("uniqueness") > 0.5]))"#,
        "Keeps what meets both.",
    )],
);

impl Form for Several {
    fn signature(&'static self) -> &'static Signature {
        if self.all {
            &ALL_SIGNATURE
        } else {
            &ANY_SIGNATURE
        }
    }

    fn plan(
        &self,
        _: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        let name = args.signature.name;
        let given = args.given.first().copied().flatten();
        let items: Vec<&crate::syntax::Expr> = match given.map(|expr| &expr.kind) {
            Some(ExprKind::List(items)) if args.rest.is_empty() => items.iter().collect(),
            _ => given.into_iter().chain(args.rest.iter().copied()).collect(),
        };
        let mut conditions: Vec<Expr> = Vec::new();
        let mut fine = true;
        for item in items {
            let planned = planner.expr(item);
            if let Some(list) = planned.as_ref().filter(|planned| planned.ty.is_list()) {
                let what = if self.all { "== length" } else { "> 0" };
                planner.report(
                    Diagnostic::new(
                        "wrong-type",
                        format!("`{name}` takes conditions, and this is a {}", list.ty),
                        item.span,
                        format!("{} here", list.ty),
                    )
                    .hint(format!(
                        "for the values of a list write .filter(...).length() {what}"
                    )),
                );
                fine = false;
                continue;
            }
            match planned.and_then(|planned| planner.condition(planned, name)) {
                Some(condition) => conditions.push(condition),
                None => fine = false,
            }
        }
        if !fine {
            return None;
        }
        let empty = || Expr::literal(&Datum::Bool(self.all), Type::Bool, args.span);
        if conditions.is_empty() {
            return Some(empty());
        }
        planner.joined(self.all, conditions, args.span)
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    Member {
        shape: Shape::Free,
        kind: MemberKind::Form(&ANY),
    },
    Member {
        shape: Shape::Free,
        kind: MemberKind::Form(&ALL),
    },
];
