//! What operators join: literals, fields, calls, brackets, and what may follow them (`.name(...)`, `[...]`, `("field")`).

use super::cursor::{Node, Parsed, Parser, join};
use super::tokens::{Kind, Token, int_value, text_body, unescape};
use super::{moments, names, visitors};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Call, Expr, ExprKind, FieldRef, Literal, Span, Spanned};

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

    pub(crate) fn literal(&mut self, literal: Literal, span: Span) -> Parsed<Node> {
        self.node(ExprKind::Literal(literal), span, 0)
    }

    fn int(&mut self, token: Token) -> Parsed<Node> {
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

    fn float(&mut self, token: Token) -> Parsed<Node> {
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

    fn text(&mut self, token: Token) -> Parsed<Node> {
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
    fn parenthesised(&mut self) -> Parsed<Node> {
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

    fn list(&mut self) -> Parsed<Node> {
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
    fn braces(&mut self) -> Parsed<Node> {
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

    fn entry(&mut self) -> Parsed<(Node, Option<Node>)> {
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

    fn word_literal(&mut self, literal: Literal) -> Parsed<Node> {
        let token = self.advance();
        self.literal(literal, token.span)
    }

    /// Skips `fo.`, `foe.`, `datetime.datetime(` and the like.
    fn skip_prefixes(&mut self) {
        while self.is_at(1, ".") && self.look(2).kind == Kind::Name {
            let next = self.word(self.look(2));
            let skip = match self.word(self.peek()) {
                "fo" | "foe" | "fiftyone" => true,
                "datetime" | "dt" => self.is_at(3, "(") && moments::is_moment(next),
                "bson" => next == "ObjectId",
                _ => false,
            };
            if !skip {
                return;
            }
            self.advance();
            self.advance();
        }
    }

    /// `math.nan`, `np.inf`.
    fn constant(&mut self) -> Parsed<Node> {
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

    /// `a.b.c`; a last name before `(` is a method and stays.
    fn bare_field(&mut self) -> Parsed<Node> {
        let first = self.advance();
        let mut path = vec![self.word(first).to_owned()];
        while self.at_symbol(".") && self.look(1).kind == Kind::Name && !self.is_at(2, "(") {
            self.advance();
            let next = self.advance();
            path.push(self.word(next).to_owned());
        }
        let span = join(first.span, self.gap());
        if let Some(node) = self.foreign_name(&path, span) {
            return node;
        }
        self.node(
            ExprKind::Field(FieldRef {
                path,
                root: false,
                bare: true,
            }),
            span,
            0,
        )
    }

    /// `F("a.b")`, `F()`, `F("$a.b")`.
    fn field_call(&mut self) -> Parsed<Node> {
        let token = self.advance();
        if !self.at_symbol("(") {
            return self.field_not_called(token);
        }
        let (args, _) = self.arguments("F")?;
        let span = join(token.span, self.gap());
        let field = match args.as_slice() {
            [] => Some(FieldRef {
                path: Vec::new(),
                root: false,
                bare: false,
            }),
            [one] => match &one.value.kind {
                ExprKind::Literal(Literal::Text(path)) => names::field_path(path),
                _ => None,
            },
            _ => None,
        };
        match field {
            Some(field) => self.node(ExprKind::Field(field), span, 0),
            None => self.bad_field_call(&args, span),
        }
    }

    /// `name(arguments)` where an expression stands.
    fn call(&mut self) -> Parsed<Node> {
        let token = self.advance();
        let name = Spanned {
            node: names::call_name(self.word(token)),
            span: token.span,
        };
        let (args, depth) = self.arguments(&name.node)?;
        let span = join(token.span, self.gap());
        let call = Call { name, args, span };
        if let Some(literal) = self.literal_call(&call) {
            return literal;
        }
        self.check_function(&call);
        self.node(ExprKind::Call(call), span, depth)
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
