//! Syntax back to text, in one canonical spelling: bare names where they can stand, `F("...")` where they cannot, `and`,
//! `or`, `not` rather than `&`, `|`, `~`, texts in double quotes, and only the parentheses that are needed.
//!
//! Short spelling was chosen over the one that also runs in Python: this text stands in the query bar, in saved views and
//! in records of runs, where a person reads it. `parse(format(q))` is `q` up to places, the two spellings of a field, and
//! a bare condition, which becomes `match(...)` so that stages can follow.

use std::fmt::{self, Write as _};

use crate::parse::{level, names};
use crate::syntax::{
    Argument, BinaryOp, Call, CompareOp, Expr, ExprKind, Literal, Query, Source, Step, UnaryOp,
};
use literals::{quoted_field, text, write_field, write_literal};

/// Lines longer than this are broken into one call a line, in characters.
pub const LINE: usize = 100;

/// Writes a query in canonical spelling, on one line, or with one call a line where that is longer than [`LINE`].
/// The whole dataset without stages is the empty text.
///
/// ```
/// let query = messier_query::parse("dataset.match((F('k20') == '7') & ~F(\"a-b\")).limit( 3, )").unwrap();
/// assert_eq!(messier_query::format(&query), r#"match(k20 == "7" and not F("a-b")).limit(3)"#);
/// ```
pub fn format(query: &Query) -> String {
    let head = head(query);
    let steps: Vec<String> = query.steps.iter().map(step).collect();
    let line = glue(&head, &steps, "");
    if line.chars().count() <= LINE || steps.len() < 2 {
        line
    } else {
        glue(&head, &steps, "\n  ")
    }
}

/// Writes an expression in canonical spelling.
pub fn format_expression(expr: &Expr) -> String {
    let mut out = String::new();
    write(&mut out, expr, level::OR);
    out
}

impl fmt::Display for Query {
    /// The canonical spelling on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.steps.iter().map(step).collect();
        f.write_str(&glue(&head(self), &steps, ""))
    }
}

impl fmt::Display for Expr {
    /// The canonical spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_expression(self))
    }
}

/// What must stand before the first step.
fn head(query: &Query) -> String {
    match (&query.source, query.steps.first()) {
        (Source::Saved(name), _) => format!("view({})", text(&name.node)),
        (Source::All, Some(Step::Slice { .. })) => "dataset".to_owned(),
        (Source::All, Some(Step::Call(call))) if !names::begins_chain(&call.name.node) => {
            "dataset".to_owned()
        }
        (Source::All, _) => String::new(),
    }
}

fn glue(head: &str, steps: &[String], gap: &str) -> String {
    let mut out = head.to_owned();
    for step in steps {
        if step.starts_with('[') {
            out.push_str(step);
            continue;
        }
        if !out.is_empty() {
            out.push_str(gap);
            out.push('.');
        }
        out.push_str(step);
    }
    out
}

fn step(step: &Step) -> String {
    let mut out = String::new();
    match step {
        Step::Call(call) => write_call(&mut out, call),
        Step::Slice { start, end, .. } => write_bounds(&mut out, start.as_ref(), end.as_ref()),
        Step::Bare(expr) => {
            out.push_str("match(");
            write(&mut out, expr, level::OR);
            out.push(')');
        }
    }
    out
}

fn write_call(out: &mut String, call: &Call) {
    out.push_str(&call.name.node);
    out.push('(');
    for (at, Argument { name, value }) in call.args.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        if let Some(name) = name {
            out.push_str(&name.node);
            out.push('=');
        }
        write(out, value, level::OR);
    }
    out.push(')');
}

fn write_bounds(out: &mut String, start: Option<&Expr>, end: Option<&Expr>) {
    out.push('[');
    start.iter().for_each(|start| write(out, start, level::OR));
    out.push(':');
    end.iter().for_each(|end| write(out, end, level::OR));
    out.push(']');
}

/// How strongly an expression's outermost operator binds.
fn strength(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Unary(UnaryOp::Not, _) => level::NOT,
        ExprKind::Unary(UnaryOp::Neg, _) => level::UNARY,
        ExprKind::Literal(Literal::Int(i)) if *i < 0 => level::UNARY,
        ExprKind::Literal(Literal::Float(x)) if x.is_finite() && x.is_sign_negative() => {
            level::UNARY
        }
        ExprKind::Compare(..) => level::COMPARE,
        ExprKind::Binary(op, ..) => binary(*op).0,
        _ => level::POSTFIX,
    }
}

fn binary(op: BinaryOp) -> (u8, &'static str) {
    match op {
        BinaryOp::Or => (level::OR, "or"),
        BinaryOp::And => (level::AND, "and"),
        BinaryOp::Add => (level::ADD, "+"),
        BinaryOp::Sub => (level::ADD, "-"),
        BinaryOp::Mul => (level::MULTIPLY, "*"),
        BinaryOp::Div => (level::MULTIPLY, "/"),
        BinaryOp::Rem => (level::MULTIPLY, "%"),
        BinaryOp::Pow => (level::POWER, "**"),
    }
}

fn compare(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
        CompareOp::In => "in",
        CompareOp::NotIn => "not in",
    }
}

/// Writes `expr`, in parentheses if it binds less than `least`.
fn write(out: &mut String, expr: &Expr, least: u8) {
    if strength(&expr.kind) < least {
        out.push('(');
        write_kind(out, &expr.kind);
        out.push(')');
    } else {
        write_kind(out, &expr.kind);
    }
}

fn write_kind(out: &mut String, kind: &ExprKind) {
    match kind {
        ExprKind::Literal(literal) => out.push_str(&write_literal(literal)),
        ExprKind::List(items) => {
            out.push('[');
            separated(out, items.iter(), |out, item| write(out, item, level::OR));
            out.push(']');
        }
        ExprKind::Dict(pairs) => {
            out.push('{');
            separated(out, pairs.iter(), |out, (key, value)| {
                write(out, key, level::OR);
                out.push_str(": ");
                write(out, value, level::OR);
            });
            out.push('}');
        }
        ExprKind::Field(field) => out.push_str(&write_field(field)),
        ExprKind::Accumulator => out.push_str("VALUE"),
        ExprKind::Unary(UnaryOp::Neg, inner) => {
            out.push('-');
            write(out, inner, level::UNARY);
        }
        ExprKind::Unary(UnaryOp::Not, inner) => {
            out.push_str("not ");
            write(out, inner, level::NOT);
        }
        ExprKind::Binary(op, left, right) => write_binary(out, *op, left, right),
        ExprKind::Compare(first, rest) => {
            write(out, first, level::BIT_OR);
            for (op, operand) in rest {
                let _ = write!(out, " {} ", compare(*op));
                write(out, operand, level::BIT_OR);
            }
        }
        ExprKind::Index(inner, index) => {
            write_receiver(out, inner);
            out.push('[');
            write(out, index, level::OR);
            out.push(']');
        }
        ExprKind::Slice(inner, start, end) => {
            write_receiver(out, inner);
            write_bounds(out, start.as_deref(), end.as_deref());
        }
        ExprKind::Method(inner, call) => {
            write_receiver(out, inner);
            out.push('.');
            write_call(out, call);
        }
        ExprKind::Subfield(inner, path) => {
            match &inner.kind {
                ExprKind::Field(field) => out.push_str(&quoted_field(field)),
                _ => write_receiver(out, inner),
            }
            let _ = write!(out, "({})", text(&path.join(".")));
        }
        ExprKind::Call(call) => write_call(out, call),
        ExprKind::Chain(query) => {
            let head = head(query);
            let head = if head.is_empty() {
                "dataset".to_owned()
            } else {
                head
            };
            let steps: Vec<String> = query.steps.iter().map(step).collect();
            out.push_str(&glue(&head, &steps, ""));
        }
    }
}

fn separated<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    mut one: impl FnMut(&mut String, T),
) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        one(out, item);
    }
}

/// Left to right, except for `**`, whose right side may be a minus or another power.
fn write_binary(out: &mut String, op: BinaryOp, left: &Expr, right: &Expr) {
    let (own, word) = binary(op);
    let (least_left, least_right) = match op {
        BinaryOp::Pow => (level::POSTFIX, level::UNARY),
        _ => (own, own + 1),
    };
    write(out, left, least_left);
    let _ = write!(out, " {word} ");
    write(out, right, least_right);
}

/// What a method is called on; a number needs parentheses, for its point.
fn write_receiver(out: &mut String, expr: &Expr) {
    let number = matches!(
        expr.kind,
        ExprKind::Literal(Literal::Int(_) | Literal::Float(_))
    );
    // A chain would take the call as its own stage.
    if number || matches!(expr.kind, ExprKind::Chain(_)) {
        out.push('(');
        write_kind(out, &expr.kind);
        out.push(')');
    } else {
        write(out, expr, level::POSTFIX);
    }
}

mod literals;

#[cfg(test)]
mod tests;
