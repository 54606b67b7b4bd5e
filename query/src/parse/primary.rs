//! What operators join: literals, fields, calls, brackets, and what may follow them (`.name(...)`, `[...]`, `("field")`).

use super::cursor::{Node, Parsed, Parser, join};
use super::tokens::{Kind, Token};
use super::{names, visitors};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Call, Expr, ExprKind, Literal, Span, Spanned};

impl Parser<'_> {
    /// A primary and what follows it.
    pub(crate) fn postfix(&mut self) -> Parsed<Node> {
        let mut node = self.primary()?;
        loop {
            if matches!(node.expr.kind, ExprKind::Chain(_))
                && (self.at_symbol(".") || self.at_symbol("["))
            {
                node = self.chain_goes_on(node)?;
            } else if self.at_symbol(".") {
                node = self.member(node)?;
            } else if self.at_symbol("[") {
                node = self.subscript(node)?;
            } else if self.is_point_number() {
                node = self.point_index(node)?;
            } else if self.at_symbol("(") && !self.starts_line() {
                node = self.subfield(node)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// Whether `.0` follows without a space, which reads as a number.
    fn is_point_number(&self) -> bool {
        let token = self.peek();
        let digits = self.word(token).strip_prefix('.');
        token.kind == Kind::Float
            && token.span.start == self.gap().end
            && digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    }

    /// `tags.0`, as MongoDB names a place in a list.
    fn point_index(&mut self, node: Node) -> Parsed<Node> {
        let token = self.advance();
        let write = format!("[{}]", &self.word(token)[1..]);
        let problem = Diagnostic::new(
            "expected-name",
            "a place in a list is not named with a dot",
            token.span,
            "expected a name",
        );
        self.note(
            problem
                .hint(format!("write `{write}`"))
                .edit(token.span, write),
        );
        Ok(node)
    }

    fn primary(&mut self) -> Parsed<Node> {
        let token = self.peek();
        match token.kind {
            Kind::Name => self.name(),
            Kind::Int => self.int(token),
            Kind::Float => self.float(token),
            Kind::Text | Kind::OpenText | Kind::CurlyText => self.text(token),
            Kind::Symbol("(") => self.nested(Self::parenthesised),
            Kind::Symbol("[") => self.nested(Self::list),
            Kind::Symbol("{") => self.nested(Self::braces),
            _ => self.no_value(token),
        }
    }

    /// `.name(arguments)`.
    fn member(&mut self, node: Node) -> Parsed<Node> {
        let dot = self.advance();
        let token = self.peek();
        if token.kind != Kind::Name {
            return self.no_member(dot, token);
        }
        self.advance();
        let name = Spanned {
            node: self.word(token).to_owned(),
            span: token.span,
        };
        if !self.at_symbol("(") {
            return self.property(node, dot, name);
        }
        let (args, depth) = self.arguments(&name.node)?;
        let span = join(name.span, self.gap());
        let call = Call { name, args, span };
        self.check_method(&node.expr, &call);
        let whole = join(node.expr.span, span);
        self.node(
            ExprKind::Method(Box::new(node.expr), call),
            whole,
            node.depth.max(depth),
        )
    }

    /// `x[i]`, `x[a:b]`.
    fn subscript(&mut self, node: Node) -> Parsed<Node> {
        let open = self.advance();
        let (start, end, colon, depth) = self.nested(|p| p.slice_bounds(open))?;
        let span = join(node.expr.span, self.gap());
        let below = node.depth.max(depth);
        let inner = Box::new(node.expr);
        let kind = match (colon, start) {
            (true, start) => ExprKind::Slice(inner, start.map(Box::new), end.map(Box::new)),
            (false, Some(index)) => ExprKind::Index(inner, Box::new(index)),
            (false, None) => {
                let span = join(open.span, self.gap());
                let problem = Diagnostic::new(
                    "expected-value",
                    "nothing stands between these brackets",
                    span,
                    "expected an index or `a:b`",
                );
                return self.fail(problem.hint(
                    "write `x[0]` for the first, `x[-1]` for the last, `x[:3]` for the first three",
                ));
            }
        };
        self.node(kind, span, below)
    }

    /// What stands in `[...]` after a value, and the closing bracket.
    #[allow(clippy::type_complexity)]
    pub(crate) fn slice_bounds(
        &mut self,
        open: Token,
    ) -> Parsed<(Option<Expr>, Option<Expr>, bool, u16)> {
        let (mut bounds, mut colons, mut depth) = ([None, None], 0, 0);
        while !self.at_symbol("]") && self.peek().kind != Kind::End {
            if let Some(colon) = self.take(":") {
                colons += 1;
                if colons == 2 {
                    let problem = Diagnostic::new(
                        "slice-step",
                        "a slice has no step here",
                        colon.span,
                        "only `[a:b]` is understood",
                    );
                    self.note(
                        problem
                            .hint("use `.reverse()` for `[::-1]`; other steps are not supported"),
                    );
                    self.skip_to_closer();
                }
                continue;
            }
            let place = self.place();
            match self.expression() {
                Ok(node) => {
                    depth = depth.max(node.depth);
                    bounds[colons.min(1)] = Some(node.expr);
                    if !self.at_symbol(":") && !self.at_symbol("]") {
                        self.between_items("]");
                        self.skip_to_closer();
                    }
                }
                Err(_) => self.skip_to_closer(),
            }
            self.moved_since(place);
        }
        let _ = open;
        self.advance();
        let [start, end] = bounds;
        Ok((start, end, colons > 0, depth))
    }

    /// `x("a.b")`, a field below a document.
    fn subfield(&mut self, node: Node) -> Parsed<Node> {
        let open = self.peek();
        let (args, _) = self.arguments("")?;
        let span = join(open.span, self.gap());
        let path = match args.as_slice() {
            [one] if one.name.is_none() => match &one.value.kind {
                ExprKind::Literal(Literal::Text(path)) => names::field_path(path),
                _ => None,
            },
            _ => None,
        };
        match path {
            Some(field)
                if !field.root
                    && !field.path.is_empty()
                    && !matches!(node.expr.kind, ExprKind::Literal(_)) =>
            {
                let whole = join(node.expr.span, span);
                self.node(
                    ExprKind::Subfield(Box::new(node.expr), field.path),
                    whole,
                    node.depth,
                )
            }
            _ => self.not_callable(&node.expr, span),
        }
    }

    /// Anything that begins with a name.
    fn name(&mut self) -> Parsed<Node> {
        self.skip_prefixes();
        let token = self.peek();
        let word = self.word(token);
        match word {
            "True" | "true" => self.word_literal(Literal::Bool(true)),
            "False" | "false" => self.word_literal(Literal::Bool(false)),
            "None" | "null" => self.word_literal(Literal::Null),
            "NaN" => self.word_literal(Literal::Float(f64::NAN)),
            "Infinity" => self.word_literal(Literal::Float(f64::INFINITY)),
            "VALUE" => {
                self.advance();
                self.node(ExprKind::Accumulator, token.span, 0)
            }
            "F" | "VF" | "ViewField" | "E" | "VE" | "ViewExpression"
                if self.is_at(1, ".") && self.is_at(3, "(") =>
            {
                self.advance();
                self.advance();
                self.call()
            }
            "F" | "VF" | "ViewField" => self.field_call(),
            "E" | "VE" | "ViewExpression" if self.is_at(1, "(") => self.call(),
            "dataset" | "view" if !self.is_at(1, "=") => self.chain_argument(),
            "math" | "np" | "numpy" if self.is_at(1, ".") && !self.is_at(3, "(") => self.constant(),
            _ if visitors::python::is_keyword(word) => self.keyword(token),
            _ if self.is_at(1, "(") => self.call(),
            _ => self.bare_field(),
        }
    }

    /// Whether a line break stands before the next token.
    pub(crate) fn starts_line(&self) -> bool {
        let span = Span {
            start: self.gap().end,
            end: self.peek().span.start,
        };
        self.slice(span).contains('\n')
    }
}
