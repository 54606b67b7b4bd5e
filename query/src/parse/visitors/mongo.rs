//! MongoDB's filters: `find({"x": {"$gt": 1}})`, and its aggregation expressions: `{"$gt": ["$x", 1]}`.

use super::super::cursor::Parser;
use super::super::tokens::is_name;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Call, Expr, ExprKind, Literal};

type Pairs = [(Expr, Expr)];

fn text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::Text(text)) => Some(text),
        _ => None,
    }
}

/// A key: a text, or a bare name as JavaScript allows.
fn key_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Field(field) if field.bare && field.path.len() == 1 => {
            field.path.first().map(String::as_str)
        }
        _ => text(expr),
    }
}

/// Whether a dict has one of MongoDB's operators as a key.
pub(crate) fn is_foreign(pairs: &Pairs) -> bool {
    pairs
        .iter()
        .any(|(key, _)| key_of(key).is_some_and(|key| key.starts_with('$')))
}

/// Notes a dict given to a call that takes a condition; whether it was one.
pub(crate) fn filter(parser: &mut Parser<'_>, call: &Call) -> bool {
    let Some(first) = call.args.first() else {
        return false;
    };
    let dict = matches!(first.value.kind, ExprKind::Dict(_))
        && super::operators::takes_condition(&call.name.node);
    if dict {
        note(parser, &first.value);
    }
    dict
}

/// Notes a dict that is the whole query; whether it was one.
pub(crate) fn bare(parser: &mut Parser<'_>, expr: &Expr) -> bool {
    let dict = matches!(expr.kind, ExprKind::Dict(_));
    if dict {
        note(parser, expr);
    }
    dict
}

/// Notes a filter and shows it as a condition.
pub(crate) fn note(parser: &mut Parser<'_>, expr: &Expr) {
    let ExprKind::Dict(pairs) = &expr.kind else {
        return;
    };
    let problem = Diagnostic::new(
        "mongodb",
        "a condition is not written as a dict",
        expr.span,
        "this is how MongoDB does it",
    );
    let written = Writer { parser: &*parser }.condition(pairs);
    let problem = match written {
        Some(write) => problem
            .hint(format!("write `{write}`"))
            .edit(expr.span, write),
        None => problem
            .hint("write `x > 1`, `x.is_in([1, 2])`, `x.exists()`, joined with `and`, `or`, `not`"),
    };
    parser.note(problem);
}

struct Writer<'p, 't> {
    parser: &'p Parser<'t>,
}

impl Writer<'_, '_> {
    /// All pairs of a filter, joined with `and`.
    fn condition(&self, pairs: &Pairs) -> Option<String> {
        let parts: Vec<String> = pairs
            .iter()
            .map(|(key, value)| self.pair(key_of(key)?, value))
            .collect::<Option<_>>()?;
        match parts.len() {
            0 => Some("True".to_owned()),
            1 => parts.into_iter().next(),
            _ => Some(
                parts
                    .iter()
                    .map(|part| protect(part))
                    .collect::<Vec<_>>()
                    .join(" and "),
            ),
        }
    }

    fn pair(&self, key: &str, value: &Expr) -> Option<String> {
        match (key, &value.kind) {
            ("$and", ExprKind::List(items)) => self.joined(items, " and "),
            ("$or", ExprKind::List(items)) => self.joined(items, " or "),
            ("$nor", ExprKind::List(items)) => {
                Some(format!("not ({})", self.joined(items, " or ")?))
            }
            ("$not", ExprKind::Dict(pairs)) => Some(format!("not ({})", self.condition(pairs)?)),
            ("$expr", ExprKind::Dict(pairs)) => self.condition(pairs),
            (_, ExprKind::List(operands)) if key.starts_with('$') => {
                self.aggregation(key, operands)
            }
            _ if key.starts_with('$') => None,
            (_, ExprKind::Dict(pairs)) if is_foreign(pairs) => self.field(&name(key), pairs),
            _ => Some(format!("{} == {}", name(key), self.value(value))),
        }
    }

    fn joined(&self, items: &[Expr], with: &str) -> Option<String> {
        let part = |item: &Expr| match &item.kind {
            ExprKind::Dict(pairs) => self.condition(pairs).map(|part| protect(&part)),
            _ => None,
        };
        Some(
            items
                .iter()
                .map(part)
                .collect::<Option<Vec<_>>>()?
                .join(with),
        )
    }

    /// `{"$gt": 1, "$lt": 5}` about one field.
    fn field(&self, field: &str, pairs: &Pairs) -> Option<String> {
        let mut parts = Vec::new();
        for (key, value) in pairs {
            let given = self.value(value);
            parts.push(match key_of(key)? {
                "$eq" => format!("{field} == {given}"),
                "$ne" => format!("{field} != {given}"),
                "$gt" => format!("{field} > {given}"),
                "$gte" => format!("{field} >= {given}"),
                "$lt" => format!("{field} < {given}"),
                "$lte" => format!("{field} <= {given}"),
                "$in" => format!("{field}.is_in({given})"),
                "$nin" => format!("not {field}.is_in({given})"),
                "$all" => format!("{field}.contains({given}, all=True)"),
                "$size" => format!("{field}.length() == {given}"),
                "$regex" => format!("{field}.re_match({given})"),
                "$exists" if value.kind == ExprKind::Literal(Literal::Bool(false)) => {
                    format!("not {field}.exists()")
                }
                "$exists" => format!("{field}.exists()"),
                "$not" => match &value.kind {
                    ExprKind::Dict(pairs) => format!("not ({})", self.field(field, pairs)?),
                    _ => return None,
                },
                "$elemMatch" => match &value.kind {
                    ExprKind::Dict(pairs) if is_foreign(pairs) => {
                        format!("{field}.filter({}).length() > 0", self.field("F()", pairs)?)
                    }
                    ExprKind::Dict(pairs) => {
                        format!("{field}.filter({}).length() > 0", self.condition(pairs)?)
                    }
                    _ => return None,
                },
                _ => return None,
            });
        }
        Some(parts.join(" and "))
    }

    /// `{"$gt": ["$x", 1]}`.
    fn aggregation(&self, key: &str, operands: &[Expr]) -> Option<String> {
        let operator = match key {
            "$eq" => "==",
            "$ne" => "!=",
            "$gt" => ">",
            "$gte" => ">=",
            "$lt" => "<",
            "$lte" => "<=",
            "$in" => "in",
            "$add" => "+",
            "$subtract" => "-",
            "$multiply" => "*",
            "$divide" => "/",
            "$mod" => "%",
            _ => return None,
        };
        let [left, right] = operands else { return None };
        Some(format!(
            "{} {operator} {}",
            self.value(left),
            self.value(right)
        ))
    }

    /// A value as typed; `"$x"` is the field `x`.
    fn value(&self, value: &Expr) -> String {
        match text(value).and_then(|text| text.strip_prefix('$')) {
            Some(field) => name(field),
            None => self.parser.slice(value.span).to_owned(),
        }
    }
}

fn name(path: &str) -> String {
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    if names.iter().all(|one| is_name(one)) && super::super::names::is_bare_path(&names) {
        path.to_owned()
    } else {
        format!("F({})", serde_json::Value::from(path))
    }
}

/// Parentheses around what `and` and `or` could tear apart.
fn protect(part: &str) -> String {
    if part.contains(" or ") || part.contains(" and ") {
        format!("({part})")
    } else {
        part.to_owned()
    }
}
