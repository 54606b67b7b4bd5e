//! Data frames: `df[df.x > 1]`, `df["x"]`, `df.x`, and collections of MongoDB's shell: `db.samples.find(...)`.

use super::super::cursor::Parser;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Expr, ExprKind, Literal, Query, Span, Step};

/// Names that people give to a table and that are no fields.
pub(crate) fn is_frame(name: &str) -> bool {
    matches!(
        name,
        "df" | "ds" | "db" | "samples_df" | "my_view" | "my_dataset"
    )
}

/// `view[3]` and `dataset["id"]`: a view is sliced, not indexed.
pub(crate) fn view_index(index: Option<&Expr>, span: Span) -> Diagnostic {
    let problem = Diagnostic::new(
        "view-index",
        "a view is sliced, not indexed",
        span,
        "expected `[a:b]`",
    );
    match index.map(|index| &index.kind) {
        Some(ExprKind::Literal(Literal::Int(i))) if *i >= 0 => {
            let write = format!("[{i}:{}]", i.saturating_add(1));
            problem
                .hint(format!("write `{write}` for a view of one sample"))
                .edit(span, write)
        }
        Some(ExprKind::Literal(Literal::Text(text))) => {
            let write = format!(".select({})", serde_json::Value::from(text.as_str()));
            problem
                .hint(format!(
                    "write `{write}` for the sample with this id or path"
                ))
                .edit(span, write)
        }
        Some(
            ExprKind::Compare(..)
            | ExprKind::Binary(..)
            | ExprKind::Unary(..)
            | ExprKind::Method(..),
        ) => problem.hint("choose samples with `.match(...)`"),
        _ => problem.hint("write `[10:20]` for ten samples, `[:5]` for the first five"),
    }
}

/// Notes a query that treats a table as a value.
pub(crate) fn frames(parser: &mut Parser<'_>, query: &Query) {
    let [Step::Bare(expr)] = query.steps.as_slice() else {
        let mut problem = None;
        for step in &query.steps {
            if let Step::Call(call) = step {
                call.args
                    .iter()
                    .for_each(|arg| columns(&arg.value, None, &mut problem));
            }
        }
        problem.into_iter().for_each(|problem| parser.note(problem));
        return;
    };
    let mut problem = None;
    if let Some((frame, open, index)) = indexed(expr) {
        let start = Span {
            start: expr.span.start,
            end: open + 1,
        };
        let end = Span {
            start: expr.span.end - 1,
            end: expr.span.end,
        };
        let mut wrong = Diagnostic::new(
            "pandas",
            "samples are chosen with `match(...)`, not by indexing",
            start,
            "this is how pandas does it",
        );
        wrong = wrong.edit(start, "match(").edit(end, ")");
        problem = Some(wrong.hint("inside `match(...)` a field is named alone"));
        columns(index, Some(frame), &mut problem);
    } else {
        spine(parser, expr, &mut problem);
        columns(expr, None, &mut problem);
    }
    problem.into_iter().for_each(|problem| parser.note(problem));
}

/// `df[condition]` or `df.loc[condition]`: the frame's name, where its bracket opens, the condition.
fn indexed(expr: &Expr) -> Option<(&str, usize, &Expr)> {
    let ExprKind::Index(inner, index) = &expr.kind else {
        return None;
    };
    let ExprKind::Field(field) = &inner.kind else {
        return None;
    };
    let condition = matches!(
        index.kind,
        ExprKind::Compare(..) | ExprKind::Binary(..) | ExprKind::Unary(..) | ExprKind::Method(..)
    );
    let frame = match field.path.as_slice() {
        [name] if field.bare => name,
        [name, loc] if field.bare && loc == "loc" => name,
        _ => return None,
    };
    condition.then_some((frame.as_str(), inner.span.end, &**index))
}

/// Names of the frame before a field, each to be left out.
fn columns(expr: &Expr, frame: Option<&str>, problem: &mut Option<Diagnostic>) {
    let is_ours = |name: &str| frame.map_or_else(|| is_frame(name), |frame| frame == name);
    match &expr.kind {
        ExprKind::Field(field) if field.bare && field.path.len() > 1 && is_ours(&field.path[0]) => {
            let span = Span {
                start: expr.span.start,
                end: expr.span.start + field.path[0].len() + 1,
            };
            edit(problem, &field.path[0], span, "");
        }
        ExprKind::Index(inner, index) => {
            if let (ExprKind::Field(field), ExprKind::Literal(Literal::Text(name))) =
                (&inner.kind, &index.kind)
                && let [one] = field.path.as_slice()
                && field.bare
                && is_ours(one)
            {
                edit(
                    problem,
                    one,
                    expr.span,
                    &format!("F({})", serde_json::Value::from(name.as_str())),
                );
            } else {
                columns(inner, frame, problem);
                columns(index, frame, problem);
            }
        }
        _ => expr.children(&mut |child| columns(child, frame, problem)),
    }
}

fn edit(problem: &mut Option<Diagnostic>, frame: &str, span: Span, text: &str) {
    let wrong = problem.take().unwrap_or_else(|| {
        Diagnostic::new(
            "pandas",
            format!("`{frame}` is not needed: a field is named alone"),
            span,
            "leave this out",
        )
        .hint("write `width`, `metadata.width` or `F(\"metadata.width\")`")
    });
    *problem = Some(wrong.edit(span, text));
}

/// `df.groupby(...)`, `db.samples.find(...)`: calls on a table are the steps of a chain.
fn spine(parser: &mut Parser<'_>, expr: &Expr, problem: &mut Option<Diagnostic>) {
    let mut at = expr;
    let mut calls = Vec::new();
    while let ExprKind::Method(inner, call) = &at.kind {
        calls.push(call);
        at = inner;
    }
    let (ExprKind::Field(field), Some(first)) = (&at.kind, calls.last()) else {
        return;
    };
    if !field.bare || !field.path.first().is_some_and(|name| is_frame(name)) {
        return;
    }
    let span = Span {
        start: at.span.start,
        end: first.name.span.start,
    };
    *problem = Some(
        Diagnostic::new(
            "pandas",
            format!(
                "`{}` is not known here: a chain begins with its first stage",
                field.path.join(".")
            ),
            at.span,
            "leave this out",
        )
        .hint("write `match(...)`, or `dataset.match(...)`")
        .edit(span, ""),
    );
    parser.problems.retain(|problem| {
        problem.code != "foreign-name"
            || calls.iter().all(|call| {
                problem
                    .labels
                    .first()
                    .is_none_or(|label| label.start != call.name.span.start)
            })
    });
    for call in calls {
        parser.check_step(call);
    }
}

impl Parser<'_> {
    /// Notes a bare expression that chooses nothing.
    pub(crate) fn check_bare(&mut self, expr: &Expr) {
        if let ExprKind::List(items) = &expr.kind
            && self.slice(expr.span).starts_with('[')
        {
            let problem = Diagnostic::new(
                "bare-list",
                "a list is no query",
                expr.span,
                "expected a chain or a condition",
            );
            self.note(if items.is_empty() {
                problem.hint("write `dataset` for all samples")
            } else {
                problem.hint(
                    "choose samples by id with `select([...])`, by value with `field.is_in([...])`",
                )
            });
        }
    }
}
