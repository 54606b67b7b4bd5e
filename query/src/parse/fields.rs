//! Names in an expression: fields in either spelling, calls, and the prefixes that Python code puts before them.

use super::cursor::{Node, Parsed, Parser, join};
use super::tokens::Kind;
use super::{moments, names};
use crate::syntax::{Call, ExprKind, FieldRef, Literal, Spanned};

impl Parser<'_> {
    /// Skips `fo.`, `foe.`, `datetime.datetime(` and the like.
    pub(crate) fn skip_prefixes(&mut self) {
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

    /// `a.b.c`; a last name before `(` is a method and stays.
    pub(crate) fn bare_field(&mut self) -> Parsed<Node> {
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
    pub(crate) fn field_call(&mut self) -> Parsed<Node> {
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
    pub(crate) fn call(&mut self) -> Parsed<Node> {
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
}
