//! Literals: numbers, texts, lists, dicts, and what stands in parentheses.

use super::cursor::{Node, Parsed, Parser, join};
use super::escapes::{int_value, text_body, unescape};
use super::tokens::{Kind, Token};
use super::visitors;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Expr, ExprKind, Literal, Span};

impl Parser<'_> {
    pub(crate) fn literal(&mut self, literal: Literal, span: Span) -> Parsed<Node> {
        self.node(ExprKind::Literal(literal), span, 0)
    }

    pub(crate) fn word_literal(&mut self, literal: Literal) -> Parsed<Node> {
        let token = self.advance();
        self.literal(literal, token.span)
    }

    pub(crate) fn int(&mut self, token: Token) -> Parsed<Node> {
        self.advance();
        let word = self.word(token);
        if let Some(value) = int_value(word).and_then(|value| i64::try_from(value).ok()) {
            return self.literal(Literal::Int(value), token.span);
        }
        let problem = if word.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            Diagnostic::new(
                "bad-number",
                "this whole number does not fit 64 bits",
                token.span,
                "at most 9223372036854775807",
            )
            .hint(format!(
                "write `{word}.0` for the nearest float, or a text in quotes if it is a name"
            ))
        } else {
            Diagnostic::new(
                "bad-number",
                format!("`{word}` is not a number"),
                token.span,
                "digits do not fit",
            )
            .hint("numbers look like 12, 1_000, 0x1f, 1.5 or 1e-3")
        };
        self.note(problem);
        self.literal(Literal::Int(0), token.span)
    }

    pub(crate) fn float(&mut self, token: Token) -> Parsed<Node> {
        self.advance();
        let value: f64 = self
            .word(token)
            .replace('_', "")
            .parse()
            .unwrap_or(f64::NAN);
        if !value.is_finite() {
            let problem = Diagnostic::new(
                "bad-number",
                "this number is too large for a float",
                token.span,
                "at most about 1.8e308",
            );
            self.note(problem.hint("write `float(\"inf\")` for infinity"));
        }
        self.literal(Literal::Float(value), token.span)
    }

    /// `math.nan`, `np.inf`.
    pub(crate) fn constant(&mut self) -> Parsed<Node> {
        let module = self.advance();
        self.advance();
        let token = self.advance();
        let span = join(module.span, token.span);
        match self.word(token) {
            "nan" | "NaN" => self.literal(Literal::Float(f64::NAN), span),
            "inf" | "Inf" | "infty" => self.literal(Literal::Float(f64::INFINITY), span),
            "pi" => self.literal(Literal::Float(std::f64::consts::PI), span),
            "e" => self.literal(Literal::Float(std::f64::consts::E), span),
            _ => {
                let path = self.slice(span).to_owned();
                let problem = Diagnostic::new(
                    "unknown-constant",
                    format!("`{path}` is not known here"),
                    span,
                    "not a constant",
                );
                self.fail(problem.hint("there are `math.nan`, `math.inf`, `math.pi` and `math.e`"))
            }
        }
    }

    pub(crate) fn text(&mut self, token: Token) -> Parsed<Node> {
        self.advance();
        let (prefix, body, raw) = text_body(self.word(token));
        if token.kind == Kind::OpenText {
            return self.literal(Literal::Text(String::new()), token.span);
        }
        if token.kind == Kind::CurlyText {
            self.note(visitors::literals::curly(token.span, body));
        }
        if prefix.contains(['f', 'F', 'b', 'B']) {
            self.note(visitors::literals::prefixed(token.span, prefix, body));
        }
        let text = if raw {
            Ok(body.to_owned())
        } else {
            unescape(body)
        };
        let text = text.unwrap_or_else(|(at, length, what)| {
            let start = token.span.start + self.word(token).find(body).unwrap_or(0) + at;
            let problem = Diagnostic::new(
                "bad-escape",
                format!("this escape cannot be read: {what}"),
                Span {
                    start,
                    end: start + length,
                },
                "escapes are \\n, \\t, \\\\, \\\", \\x41, \\u0041",
            );
            self.note(problem.hint("write `\\\\` for a backslash, or a raw text: r\"...\""));
            String::new()
        });
        if matches!(self.peek().kind, Kind::Text) {
            self.note(visitors::literals::two_texts(self.gap()));
            while matches!(self.peek().kind, Kind::Text) {
                self.advance();
            }
        }
        self.literal(Literal::Text(text), token.span)
    }

    /// `(x)`, `()`, `(x,)`, `(x, y)`.
    pub(crate) fn parenthesised(&mut self) -> Parsed<Node> {
        let open = self.advance();
        let (items, comma, depth) = self.items(")")?;
        let span = join(open.span, self.gap());
        let mut items = items;
        if let (1, false) = (items.len(), comma)
            && let Some(expr) = items.pop()
        {
            let expr = Expr {
                kind: expr.kind,
                span,
            };
            return Ok(Node {
                expr,
                depth,
                parens: true,
                tight: Vec::new(),
            });
        }
        self.node(ExprKind::List(items), span, depth)
    }

    pub(crate) fn list(&mut self) -> Parsed<Node> {
        let open = self.advance();
        let (items, _, depth) = self.items("]")?;
        let span = join(open.span, self.gap());
        self.node(ExprKind::List(items), span, depth)
    }

    /// Expressions between commas up to `closer`, which is taken; whether a comma was seen; how deep they are.
    pub(crate) fn items(&mut self, closer: &'static str) -> Parsed<(Vec<Expr>, bool, u16)> {
        let (mut items, mut comma, mut depth) = (Vec::new(), false, 0);
        while !self.at_symbol(closer) && self.peek().kind != Kind::End {
            let place = self.place();
            match self.expression() {
                Ok(node) => {
                    depth = depth.max(node.depth);
                    items.push(node.expr);
                    if !self.at_symbol(",") && !self.at_symbol(closer) {
                        self.between_items(closer);
                        self.skip_item();
                    }
                }
                Err(_) => self.skip_item(),
            }
            comma |= self.take(",").is_some();
            self.moved_since(place);
        }
        self.advance();
        Ok((items, comma, depth))
    }

    /// `{key: value}`, `{a, b}`.
    pub(crate) fn braces(&mut self) -> Parsed<Node> {
        let open = self.advance();
        let (mut pairs, mut set, mut depth) = (Vec::new(), Vec::new(), 0);
        while !self.at_symbol("}") && self.peek().kind != Kind::End {
            let place = self.place();
            match self.entry() {
                Ok((key, value)) => {
                    depth = depth.max(key.depth);
                    match value {
                        Some(value) => {
                            depth = depth.max(value.depth);
                            pairs.push((key.expr, value.expr));
                        }
                        None => set.push(key.expr),
                    }
                    if !self.at_symbol(",") && !self.at_symbol("}") {
                        self.between_items("}");
                        self.skip_item();
                    }
                }
                Err(_) => self.skip_item(),
            }
            let _ = self.take(",");
            self.moved_since(place);
        }
        self.advance();
        let span = join(open.span, self.gap());
        if let (false, Some(alone)) = (pairs.is_empty(), set.first()) {
            let problem = Diagnostic::new(
                "dict-without-value",
                "this entry of a dict has no value",
                alone.span,
                "expected `key: value`",
            );
            self.note(
                problem.hint("write `{key: value, ...}`, or a list `[a, b]` if there are no keys"),
            );
        }
        if pairs.is_empty() && !set.is_empty() {
            return self.node(ExprKind::List(set), span, depth);
        }
        self.node(ExprKind::Dict(pairs), span, depth)
    }

    pub(crate) fn entry(&mut self) -> Parsed<(Node, Option<Node>)> {
        let token = self.peek();
        let key = if token.kind == Kind::Dollar {
            self.advance();
            let text = self.word(token).to_owned();
            self.literal(Literal::Text(text), token.span)?
        } else {
            self.expression()?
        };
        let Some(colon) = self.take(":") else {
            return Ok((key, None));
        };
        let value = self.operand_after(colon, super::expression::level::OR)?;
        Ok((key, Some(value)))
    }
}
