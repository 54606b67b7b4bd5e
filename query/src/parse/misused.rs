//! What to say where a name, a field or a call is written in a way that does not work.

use super::cursor::{Node, Parsed, Parser, join};
use super::names;
use super::tokens::{Kind, Token};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Argument, Expr, ExprKind, FieldRef, Literal, Span, Spanned};

impl Parser<'_> {
    /// A dot without a name after it.
    pub(crate) fn no_member<T>(&mut self, dot: Token, token: Token) -> Parsed<T> {
        let word = self.word(token);
        let problem = match token.kind {
            Kind::End | Kind::Symbol(_) => Diagnostic::new(
                "expected-name",
                "a name is missing after this dot",
                dot.span,
                "nothing follows",
            )
            .hint("write a method or a stage, for instance `.limit(10)`, or remove the dot"),
            Kind::Text => Diagnostic::new(
                "expected-name",
                "a name stands after a dot without quotes",
                token.span,
                "expected a name",
            )
            .hint("write `x.name` for a bare field, or `F(\"a.b\")` for a name that needs quotes"),
            Kind::Int | Kind::Float => Diagnostic::new(
                "expected-name",
                "a place in a list is not named with a dot",
                token.span,
                "expected a name",
            )
            .hint(format!("write `[{word}]`"))
            .edit(join(dot.span, token.span), format!("[{word}]")),
            _ => Diagnostic::new(
                "expected-name",
                format!("`{word}` is not a name"),
                token.span,
                "expected a name after the dot",
            )
            .hint("write a method or a stage, for instance `.limit(10)`"),
        };
        if !matches!(token.kind, Kind::End | Kind::Symbol(_)) {
            self.advance();
        }
        self.fail(problem)
    }

    /// `x.name` without a call, where `x` is not a bare field.
    pub(crate) fn property(
        &mut self,
        node: Node,
        dot: Token,
        name: Spanned<String>,
    ) -> Parsed<Node> {
        let span = join(node.expr.span, name.span);
        if let ExprKind::Field(field) = &node.expr.kind
            && !field.bare
            && !field.path.is_empty()
        {
            let mut path = field.path.clone();
            path.push(name.node.clone());
            let root = if field.root { "$" } else { "" };
            let write = format!("F(\"{root}{}\")", path.join("."));
            let problem = Diagnostic::new(
                "field-below",
                "a field below a field is named inside the quotes",
                join(dot.span, name.span),
                "not a method",
            );
            self.note(
                problem
                    .hint(format!(
                        "write `{write}`, or `.{}()` if a method is meant",
                        name.node
                    ))
                    .edit(span, write),
            );
            let field = FieldRef {
                path,
                root: field.root,
                bare: false,
            };
            return self.node(ExprKind::Field(field), span, 0);
        }
        let end = Span {
            start: name.span.end,
            end: name.span.end,
        };
        let problem = Diagnostic::new(
            "not-called",
            format!("`{}` is not called", name.node),
            name.span,
            "expected `(` after it",
        );
        self.note(
            problem
                .hint(format!(
                    "write `.{}()` for the method, or `(\"{}\")` for a field below the value",
                    name.node, name.node
                ))
                .edit(end, "()"),
        );
        Ok(node)
    }

    /// `(...)` after something that is no name.
    pub(crate) fn not_callable(&mut self, expr: &Expr, span: Span) -> Parsed<Node> {
        let what = match &expr.kind {
            ExprKind::Literal(Literal::Text(_)) => "a text",
            ExprKind::Literal(_) => "a literal",
            ExprKind::List(_) => "a list",
            ExprKind::Dict(_) => "a dict",
            _ => "this value",
        };
        let problem = Diagnostic::new(
            "not-callable",
            format!("{what} cannot be called"),
            span,
            "an operator is missing before it, or the name of a method",
        );
        self.fail(
            problem.hint("call a method with `.name(...)`; a field below a value is `x(\"name\")`"),
        )
    }

    /// `F` that is not called.
    pub(crate) fn field_not_called(&mut self, token: Token) -> Parsed<Node> {
        let named = match (self.is_at(0, "."), self.is_at(0, "[")) {
            (true, _) if self.look(1).kind == Kind::Name => {
                let start = self.look(1).span.start;
                let mut end = start;
                while self.is_at(0, ".") && self.look(1).kind == Kind::Name && !self.is_at(2, "(") {
                    self.advance();
                    end = self.advance().span.end;
                }
                Some((
                    self.slice(Span { start, end }).to_owned(),
                    Span {
                        start: token.span.start,
                        end,
                    },
                ))
            }
            (_, true) if self.look(1).kind == Kind::Text && self.is_at(2, "]") => {
                self.advance();
                let text = self.advance();
                let close = self.advance();
                let word = self.word(text);
                Some((
                    word[1..word.len() - 1].to_owned(),
                    join(token.span, close.span),
                ))
            }
            _ => None,
        };
        let Some((path, span)) = named.filter(|(_, span)| span.end > span.start) else {
            let problem = Diagnostic::new(
                "field-not-called",
                "`F` names a field in quotes",
                token.span,
                "expected `(` after it",
            );
            return self
                .fail(problem.hint("write `F(\"width\")`, or `F()` for the current element"));
        };
        let write = format!("F(\"{path}\")");
        let problem = Diagnostic::new(
            "field-not-called",
            "`F` names a field in parentheses and quotes",
            span,
            "not a field yet",
        );
        self.note(problem.hint(format!("write `{write}`")).edit(span, write));
        let field = names::field_path(&path).unwrap_or(FieldRef {
            path: Vec::new(),
            root: false,
            bare: false,
        });
        self.node(ExprKind::Field(field), span, 0)
    }

    /// `F(...)` with something other than one text.
    pub(crate) fn bad_field_call(&mut self, args: &[Argument], span: Span) -> Parsed<Node> {
        let problem = match args {
            [one] => match &one.value.kind {
                ExprKind::Field(field) if field.bare => {
                    let write = format!("F(\"{}\")", field.path.join("."));
                    Diagnostic::new(
                        "bad-field",
                        "`F` takes the name of a field in quotes",
                        one.value.span,
                        "needs quotes",
                    )
                    .hint(format!("write `{write}`, or the bare name without `F`"))
                    .edit(span, write)
                }
                ExprKind::Literal(Literal::Text(_)) => Diagnostic::new(
                    "bad-field",
                    "this is not the name of a field",
                    one.value.span,
                    "a name between dots is missing",
                )
                .hint(
                    "write `F(\"a.b\")`, `F(\"$a.b\")` for the sample's own \
field, `F()` for the current element",
                ),
                _ => Diagnostic::new(
                    "bad-field",
                    "`F` takes the name of a field in quotes",
                    one.value.span,
                    "not a text",
                )
                .hint("write `F(\"width\")` for a field, `E(...)` for a value"),
            },
            _ => Diagnostic::new(
                "bad-field",
                "`F` takes one name",
                span,
                "given more than one",
            )
            .hint(
                "a field below a field is `F(\"a.b\")`; several fields are a \
list of several `F(...)`",
            ),
        };
        self.note(problem);
        self.node(
            ExprKind::Field(FieldRef {
                path: Vec::new(),
                root: false,
                bare: false,
            }),
            span,
            0,
        )
    }
}
