//! Operators that have no counterpart of the same shape: `LIKE`, `BETWEEN`, `//`, `^`, `=~`. They are rewritten as calls.

use super::super::cursor::{Node, Parsed, Parser, join};
use super::super::escapes::{text_body, unescape};
use super::super::expression::{Infix, level};
use super::receiver;
use crate::diagnostic::Diagnostic;
use crate::syntax::{CompareOp, Expr, ExprKind, Literal, Span, UnaryOp};

impl Parser<'_> {
    /// Reads an operator that has no counterpart of the same shape: `LIKE`, `BETWEEN`, `//`, `^`, `=~`.
    pub(crate) fn foreign_infix(&mut self, left: Node, infix: Infix) -> Parsed<Node> {
        let place = join(self.peek().span, self.look(infix.tokens - 1).span);
        let operator = self.peek();
        let word = self
            .slice(place)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        self.advance_by(infix.tokens);
        let negated = word.to_ascii_uppercase().starts_with("NOT ") || word == "!~";
        let bare = word.to_ascii_uppercase();
        let bare = bare.strip_prefix("NOT ").unwrap_or(&bare).to_owned();
        if bare == "BETWEEN" {
            return self.between(left, place, negated);
        }
        let min = if infix.level == level::COMPARE {
            level::BIT_OR
        } else {
            infix.level + 1
        };
        let right = self.operand_after(operator, min)?;
        let whole = join(left.expr.span, right.expr.span);
        let subject = receiver(self, &left.expr);
        let object = self.slice(right.expr.span);
        let (message, write) = match bare.as_str() {
            "LIKE" | "ILIKE" => (
                format!("`{word}` is SQL"),
                Some(format!(
                    "{subject}{}",
                    like(&right.expr, object, bare == "ILIKE")
                )),
            ),
            "=~" | "~=" | "!~" | "MATCHES" => (
                format!("`{word}` is not an operator here"),
                Some(format!("{subject}.re_match({object})")),
            ),
            "CONTAINS" => (
                format!("`{word}` is a method here"),
                Some(format!("{subject}.contains({object})")),
            ),
            "STARTSWITH" => (
                format!("`{word}` is a method here"),
                Some(format!("{subject}.starts_with({object})")),
            ),
            "ENDSWITH" => (
                format!("`{word}` is a method here"),
                Some(format!("{subject}.ends_with({object})")),
            ),
            "//" => (
                "`//` is not an operator here".into(),
                Some(format!(
                    "({subject} / {}).floor()",
                    receiver(self, &right.expr)
                )),
            ),
            "^" => ("`^` is not an operator here".into(), None),
            _ => ("there are no shifts of bits here".into(), None),
        };
        let mut problem = Diagnostic::new(
            "foreign-operator",
            message,
            place,
            "another language's operator",
        );
        if let Some(write) = write {
            let write = if negated {
                format!("not {write}")
            } else {
                write
            };
            problem = problem.hint(format!("write `{write}`")).edit(whole, write);
        } else {
            problem =
                problem.hint("`**` is the power, `!=` tells two conditions apart, `2 ** n` shifts");
        }
        self.note(problem);
        let depth = left.depth.max(right.depth);
        let kind = ExprKind::Compare(Box::new(left.expr), vec![(CompareOp::Eq, right.expr)]);
        self.node(kind, whole, depth)
    }

    /// `x BETWEEN a AND b`.
    pub(crate) fn between(&mut self, left: Node, place: Span, negated: bool) -> Parsed<Node> {
        let low = self.binary(level::BIT_OR)?;
        let and = self.peek();
        if !self.is_sql_word(0, "and") {
            let problem = Diagnostic::new(
                "foreign-operator",
                "`BETWEEN` is SQL",
                place,
                "expected a comparison chain",
            );
            return self.fail(problem.hint("write `a <= x <= b`"));
        }
        self.advance();
        let high = self.operand_after(and, level::BIT_OR)?;
        let whole = join(left.expr.span, high.expr.span);
        let write = format!(
            "{} <= {} <= {}",
            self.slice(low.expr.span),
            self.slice(left.expr.span),
            self.slice(high.expr.span)
        );
        let write = if negated {
            format!("not ({write})")
        } else {
            write
        };
        let problem = Diagnostic::new(
            "foreign-operator",
            "`BETWEEN` is SQL",
            place,
            "expected a comparison chain",
        );
        self.note(problem.hint(format!("write `{write}`")).edit(whole, write));
        let depth = left.depth.max(low.depth).max(high.depth);
        let rest = vec![(CompareOp::Le, left.expr), (CompareOp::Le, high.expr)];
        let node = self.node(ExprKind::Compare(Box::new(low.expr), rest), whole, depth)?;
        if negated {
            self.node(
                ExprKind::Unary(UnaryOp::Not, Box::new(node.expr)),
                whole,
                node.depth,
            )
        } else {
            Ok(node)
        }
    }
}

/// The method that does what a LIKE pattern does.
fn like(right: &Expr, written: &str, fold: bool) -> String {
    let ExprKind::Literal(Literal::Text(_)) = right.kind else {
        return format!(".contains_str({written})");
    };
    let (_, body, raw) = text_body(written);
    let pattern = if raw {
        body.to_owned()
    } else {
        unescape(body).unwrap_or_default()
    };
    let open_start = pattern.starts_with('%');
    let open_end = pattern.ends_with('%') && pattern.len() > 1;
    let inner = pattern.trim_matches('%');
    let options = if fold { ", case_sensitive=False" } else { "" };
    let text = |text: &str| serde_json::Value::from(text).to_string();
    if inner.contains(['%', '_']) {
        let mut regex = String::new();
        for c in pattern.chars() {
            match c {
                '%' => regex.push_str(".*"),
                '_' => regex.push('.'),
                c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        let options = if fold { ", options=\"i\"" } else { "" };
        return format!(".re_match({}{options})", text(&format!("^{regex}$")));
    }
    match (open_start, open_end) {
        (true, true) => format!(".contains_str({}{options})", text(inner)),
        (false, true) => format!(".starts_with({}{options})", text(inner)),
        (true, false) => format!(".ends_with({}{options})", text(inner)),
        (false, false) => format!(".matches_str({}{options})", text(inner)),
    }
}
