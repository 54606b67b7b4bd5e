//! Values chosen by a mapping: `cases`, `map_values` and `switch` become branches of the plan. The stages that rename
//! values and labels are made of the same.

use crate::diagnostic::Diagnostic;
use crate::functions::{IS_NULL, comparison};
use crate::plan::{Arguments, Expr, Node, Planner};
use crate::syntax::{self, CompareOp, ExprKind, Span};
use crate::types::Type;

/// The type that all of several values can have.
pub(super) fn one_type(values: &[&Expr], planner: &mut Planner<'_>) -> Option<Type> {
    let mut ty = Type::Null;
    for value in values {
        ty = match ty.unify(&value.ty) {
            Some(ty) => ty,
            None => {
                planner.report(Diagnostic::new(
                    "wrong-type",
                    format!("the values that one expression may give must be of one type, and here are {ty} and {}", value.ty),
                    value.span,
                    format!("{} here", value.ty),
                ));
                return None;
            }
        };
    }
    Some(ty)
}

/// The pairs of a dict, or a mistake.
pub(crate) fn pairs<'q>(
    mapping: &'q syntax::Expr,
    planner: &mut Planner<'_>,
) -> Option<&'q [(syntax::Expr, syntax::Expr)]> {
    match &mapping.kind {
        ExprKind::Dict(pairs) => Some(pairs),
        _ => {
            planner.report(
                Diagnostic::new(
                    "bad-argument",
                    "`mapping` must be a dict",
                    mapping.span,
                    "not a dict",
                )
                .hint("write {\"old\": \"new\"}"),
            );
            None
        }
    }
}

/// The value replaced by what the mapping has for it. `keeps`: anything else stays as it is.
pub(crate) fn cases(
    value: Expr,
    mapping: &syntax::Expr,
    default: Option<Expr>,
    keeps: bool,
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<Expr> {
    let pairs = pairs(mapping, planner)?;
    let element = Expr {
        node: Node::Element,
        ty: value.ty.clone(),
        span: value.span,
    };
    let mut arms = Vec::with_capacity(pairs.len());
    let mut fine = true;
    for (key, to) in pairs {
        let key = planner.expr(key);
        // What a value becomes may speak of the place outside, so it is planned there.
        let to = planner.expr(to);
        let (Some(key), Some(to)) = (key, to) else {
            fine = false;
            continue;
        };
        let when = if key.ty == Type::Null {
            Some(Expr::call(
                &IS_NULL,
                vec![element.clone()],
                Type::Bool,
                key.span,
            ))
        } else {
            let span = key.span;
            planner
                .agree(element.clone(), key, span)
                .map(|(a, b)| Expr::call(comparison(CompareOp::Eq), vec![a, b], Type::Bool, span))
        };
        match when {
            Some(when) => arms.push((when, to)),
            None => fine = false,
        }
    }
    if !fine {
        return None;
    }
    let otherwise = if keeps { Some(element) } else { default };
    let all: Vec<&Expr> = arms
        .iter()
        .map(|(_, to)| to)
        .chain(otherwise.as_ref())
        .collect();
    let ty = one_type(&all, planner)?;
    let arms: Vec<_> = arms
        .into_iter()
        .map(|(when, to)| (when, to.cast(&ty)))
        .collect();
    let otherwise = otherwise.map(|other| Box::new(other.cast(&ty)));
    let outside = arms.iter().any(|(_, to)| to.mentions_element())
        || otherwise
            .as_ref()
            .is_some_and(|other| !keeps && other.mentions_element());
    if outside {
        // A result that speaks of `F()` outside cannot stand below a binding of its own.
        let arms = inlined(arms, &value);
        let otherwise = if keeps {
            Some(Box::new(value.cast(&ty)))
        } else {
            otherwise
        };
        return Some(Expr {
            node: Node::Branch { arms, otherwise },
            ty,
            span,
        });
    }
    let branch = Expr {
        node: Node::Branch { arms, otherwise },
        ty: ty.clone(),
        span,
    };
    Some(Expr {
        node: Node::Bind(Box::new(value), Box::new(branch)),
        ty,
        span,
    })
}

/// Conditions about the value itself instead of about `F()`, for results that speak of the place outside.
fn inlined(arms: Vec<(Expr, Expr)>, value: &Expr) -> Vec<(Expr, Expr)> {
    arms.into_iter()
        .map(|(when, to)| {
            let node = Node::Bind(Box::new(value.clone()), Box::new(when.clone()));
            (
                Expr {
                    node,
                    ty: Type::Bool,
                    span: when.span,
                },
                to,
            )
        })
        .collect()
}

/// The value of the first condition that holds; in all of them `F()` is the value.
pub(super) fn switch(value: Expr, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Expr> {
    let pairs = pairs(args.get("mapping")?, planner)?;
    let mut arms = Vec::with_capacity(pairs.len());
    let mut fine = true;
    for (when, to) in pairs {
        let when = planner.within(value.ty.clone(), None, |planner| {
            let when = planner.expr(when)?;
            planner.condition(when, "switch")
        });
        let to = planner.within(value.ty.clone(), None, |planner| planner.expr(to));
        match (when, to) {
            (Some(when), Some(to)) => arms.push((when, to)),
            _ => fine = false,
        }
    }
    let default = match args.get("default") {
        Some(expr) => Some(planner.within(value.ty.clone(), None, |planner| planner.expr(expr))?),
        None => None,
    };
    if !fine {
        return None;
    }
    let all: Vec<&Expr> = arms
        .iter()
        .map(|(_, to)| to)
        .chain(default.as_ref())
        .collect();
    let ty = one_type(&all, planner)?;
    let arms = arms
        .into_iter()
        .map(|(when, to)| (when, to.cast(&ty)))
        .collect();
    let otherwise = default.map(|other| Box::new(other.cast(&ty)));
    let branch = Expr {
        node: Node::Branch { arms, otherwise },
        ty: ty.clone(),
        span: args.span,
    };
    Some(Expr {
        node: Node::Bind(Box::new(value), Box::new(branch)),
        ty,
        span: args.span,
    })
}
