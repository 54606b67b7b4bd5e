//! `a == 1 & b == 2`: Python binds `&` tighter than `==`, which is hardly ever meant.

use super::super::cursor::{Node, Parser};
use super::super::unexpected::short;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Expr, ExprKind, Literal, Span, UnaryOp};

/// What a comparison chain has shown so far.
pub(crate) struct Seen {
    tight: Vec<Span>,
    compared: Vec<Span>,
    end: usize,
}

impl Seen {
    pub(crate) fn new(first: &Node) -> Seen {
        Seen {
            tight: first.tight.clone(),
            compared: Vec::new(),
            end: first.expr.span.end,
        }
    }

    pub(crate) fn compared(&mut self, operator: Span, right: &Node) {
        self.compared.push(operator);
        self.tight.extend(&right.tight);
        self.end = right.expr.span.end;
    }

    /// The problem, if `&`, `|` or `~` took what was meant for the comparison.
    pub(crate) fn problem(
        &self,
        parser: &Parser<'_>,
        first: &Node,
        last: Option<&Expr>,
    ) -> Option<Diagnostic> {
        let compared = self.compared.first()?;
        let compare = parser.slice(*compared);
        let Some(place) = self.tight.first() else {
            return self.tilde(parser, first, last, compare);
        };
        let word = parser.slice(*place);
        let whole = parser.slice(Span {
            start: first.expr.span.start,
            end: self.end,
        });
        let mut problem = Diagnostic::new(
            "tight-operator",
            format!("`{word}` binds tighter than `{compare}`, so the comparisons need parentheses"),
            *place,
            format!("takes its two neighbours before `{compare}` does"),
        );
        let mut write = whole.to_owned();
        for part in self.parts(parser, first.expr.span.start).into_iter().rev() {
            let (start, end) = (
                part.start - first.expr.span.start,
                part.end - first.expr.span.start,
            );
            write.insert(end, ')');
            write.insert(start, '(');
            problem = problem.edit(
                Span {
                    start: part.end,
                    end: part.end,
                },
                ")",
            );
            problem = problem.edit(
                Span {
                    start: part.start,
                    end: part.start,
                },
                "(",
            );
        }
        let or = if word == "&" { "and" } else { "or" };
        Some(if write.len() <= 200 {
            problem.hint(format!("write `{write}`, or use `{or}`"))
        } else {
            problem.hint(format!("put each comparison in parentheses, or use `{or}`"))
        })
    }

    /// The places between `&` and `|` that hold a comparison.
    fn parts(&self, parser: &Parser<'_>, start: usize) -> Vec<Span> {
        let mut bounds = vec![start];
        bounds.extend(self.tight.iter().flat_map(|one| [one.start, one.end]));
        bounds.push(self.end);
        let mut compared = self.compared.iter().peekable();
        let mut parts = Vec::new();
        for pair in bounds.chunks_exact(2) {
            let (from, to) = (pair[0], pair[1]);
            let mut holds = false;
            while compared.next_if(|one| one.start < to).is_some() {
                holds = true;
            }
            if holds {
                let text = parser.slice(Span {
                    start: from,
                    end: to,
                });
                let from = from + (text.len() - text.trim_start().len());
                parts.push(Span {
                    start: from,
                    end: from + text.trim().len(),
                });
            }
        }
        parts
    }

    /// `~a == 1`.
    fn tilde(
        &self,
        parser: &Parser<'_>,
        first: &Node,
        last: Option<&Expr>,
        compare: &str,
    ) -> Option<Diagnostic> {
        let ExprKind::Unary(UnaryOp::Not, inner) = &first.expr.kind else {
            return None;
        };
        let start = first.expr.span.start;
        let bool = matches!(last?.kind, ExprKind::Literal(Literal::Bool(_)));
        if bool || first.parens || !parser.slice(first.expr.span).starts_with('~') {
            return None;
        }
        let rest = Span {
            start: inner.span.start,
            end: self.end,
        };
        Some(
            Diagnostic::new(
                "tight-operator",
                format!("`~` binds tighter than `{compare}`, so the comparison needs parentheses"),
                Span {
                    start,
                    end: start + 1,
                },
                "takes only what stands right after it",
            )
            .hint(format!(
                "write `~({})`, or use `not`",
                short(parser.slice(rest))
            ))
            .edit(
                Span {
                    start: rest.start,
                    end: rest.start,
                },
                "(",
            )
            .edit(
                Span {
                    start: rest.end,
                    end: rest.end,
                },
                ")",
            ),
        )
    }
}
