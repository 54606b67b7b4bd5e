//! Values written in a query, read as values of a field's type: numbers, texts and dates, lists, vectors, and documents
//! as dicts or as the label objects of pasted code.

use messier_store::SampleId;

use crate::columns::{DAY, Datum};
use crate::diagnostic::Diagnostic;
use crate::plan::{Planner, article, literal_value, read_moment};
use crate::syntax::{Argument, Call, Expr, ExprKind, Span};
use crate::types::Type;

/// The value of `expr` as a value of type `ty`, or a mistake that names both types.
pub(super) fn typed(
    expr: &Expr,
    ty: &Type,
    name: &str,
    planner: &mut Planner<'_>,
) -> Option<Datum> {
    match (&expr.kind, ty) {
        (ExprKind::Dict(pairs), Type::Struct(..)) => {
            let pairs = pairs.iter().map(|(key, value)| {
                let text = match literal_value(key) {
                    Some(Datum::Text(text)) => text,
                    _ => String::new(),
                };
                (text, key.span, value)
            });
            document(pairs.collect(), ty, name, planner)
        }
        (ExprKind::Call(call), Type::Struct(..)) if is_label_object(call) => {
            let pairs = call.args.iter().filter_map(|arg| {
                let key = arg.name.as_ref()?;
                Some((key.node.clone(), key.span, &arg.value))
            });
            document(pairs.collect(), ty, name, planner)
        }
        (ExprKind::List(items), Type::List(item)) => {
            let items: Vec<Option<Datum>> = items
                .iter()
                .map(|value| typed(value, item, name, planner))
                .collect();
            items.into_iter().collect::<Option<_>>().map(Datum::List)
        }
        (ExprKind::List(items), Type::Vector(d)) if items.len() == *d as usize => {
            let numbers: Vec<Option<Datum>> = items
                .iter()
                .map(|value| typed(value, &Type::Float, name, planner))
                .collect();
            numbers.into_iter().collect::<Option<_>>().map(Datum::List)
        }
        _ => {
            let value = planner.constant(expr)?;
            match admitted(&value, ty) {
                Some(value) => Some(value),
                None => misfit(&value, ty, name, expr.span, planner),
            }
        }
    }
}

fn misfit<T>(
    value: &Datum,
    ty: &Type,
    name: &str,
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<T> {
    let given = match (value, ty) {
        (Datum::List(items), Type::Vector(_)) => format!("{} numbers", items.len()),
        _ => value
            .ty()
            .map_or("a mixed list".to_owned(), |ty| article(&ty)),
    };
    let mistake = Diagnostic::new(
        "wrong-type",
        format!("`{name}` holds {}, and this value is {given}", article(ty)),
        span,
        "does not fit",
    );
    planner.refuse(match (value, ty) {
        (_, Type::Int) => mistake.hint("write a whole number, or None for no value"),
        (_, Type::Float) => mistake.hint("write a number, or None for no value"),
        (_, Type::Text) => mistake.hint("put it in quotes"),
        (_, Type::Date | Type::DateTime) => {
            mistake.hint("write a date: \"2024-01-31\", datetime(2024, 1, 31)")
        }
        (_, Type::Id) => mistake.hint("an id is 24 hex digits"),
        (_, Type::Struct(..)) => mistake.hint("write a dict: {\"label\": \"cat\"}"),
        _ => mistake.hint("None leaves the field without a value"),
    })
}

/// Label objects of pasted code, which come here in snake case: `fo.Classification(label="cat")`.
fn is_label_object(call: &Call) -> bool {
    let known = [
        "classification",
        "classifications",
        "detection",
        "detections",
        "regression",
    ];
    known.contains(&crate::plan::snake(&call.name.node).as_str())
        && call.args.iter().all(|Argument { name, .. }| name.is_some())
}

fn document(
    pairs: Vec<(String, Span, &Expr)>,
    ty: &Type,
    name: &str,
    planner: &mut Planner<'_>,
) -> Option<Datum> {
    let mut fields = Vec::with_capacity(pairs.len());
    let mut fine = true;
    for (key, span, value) in pairs {
        let Some(child) = ty.child(&key) else {
            let names: Vec<&str> = ty
                .children()
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let mistake = Diagnostic::new(
                "unknown-field",
                format!("`{name}` has no field `{key}`; it has {}", names.join(", ")),
                span,
                "no such field",
            );
            planner.report(mistake.candidates(&key, names));
            fine = false;
            continue;
        };
        match typed(value, &child, &format!("{name}.{key}"), planner) {
            Some(value) => fields.push((key, value)),
            None => fine = false,
        }
    }
    fine.then_some(Datum::Struct(fields))
}

/// A value as one of type `ty`; `None` where it is no such value.
fn admitted(value: &Datum, ty: &Type) -> Option<Datum> {
    Some(match (value, ty) {
        (Datum::Null, _)
        | (Datum::Bool(_), Type::Bool)
        | (Datum::Int(_), Type::Int)
        | (Datum::Int(_) | Datum::Float(_), Type::Float)
        | (Datum::Text(_), Type::Text)
        | (Datum::Date(_), Type::Date)
        | (Datum::DateTime(_) | Datum::Date(_), Type::DateTime)
        | (Datum::Id(_), Type::Id) => value.clone(),
        (Datum::Text(text), Type::Id) => Datum::Id(SampleId::parse(text)?.0),
        (Datum::Text(text), Type::DateTime) => Datum::DateTime(read_moment(text)?),
        (Datum::Text(text), Type::Date) => {
            let moment = read_moment(text)?;
            (moment % DAY == 0)
                .then(|| i32::try_from(moment / DAY).ok())
                .flatten()
                .map(Datum::Date)?
        }
        (Datum::List(items), Type::List(item)) => Datum::List(
            items
                .iter()
                .map(|value| admitted(value, item))
                .collect::<Option<_>>()?,
        ),
        (Datum::List(items), Type::Vector(d)) if items.len() == *d as usize => Datum::List(
            items
                .iter()
                .map(|value| admitted(value, &Type::Float))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// The value of `expr` where nothing says what type it is to have; dicts are documents.
pub(super) fn untyped(expr: &Expr, planner: &mut Planner<'_>) -> Option<Datum> {
    match &expr.kind {
        ExprKind::Dict(pairs) => {
            let mut fields = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let Some(Datum::Text(key)) = literal_value(key) else {
                    return planner.refuse(Diagnostic::new(
                        "wrong-type",
                        "the keys of a document are texts",
                        key.span,
                        "not a text",
                    ));
                };
                fields.push((key, untyped(value, planner)?));
            }
            Some(Datum::Struct(fields))
        }
        ExprKind::List(items) => {
            let items: Vec<Option<Datum>> =
                items.iter().map(|item| untyped(item, planner)).collect();
            items.into_iter().collect::<Option<_>>().map(Datum::List)
        }
        _ => planner.constant(expr),
    }
}
