//! What to say where the next token does not fit: what stands there, what was expected, and the likely fix.

use super::cursor::{Parsed, Parser};
use super::tokens::{Kind, Token};
use super::visitors;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Query, Span, Spanned, Step};

impl Parser<'_> {
    /// A value was expected and `token` begins none.
    pub(crate) fn no_value<T>(&mut self, token: Token) -> Parsed<T> {
        let word = self.word(token);
        let span = self.here();
        let new = |code, message: String, label: &str| Diagnostic::new(code, message, span, label);
        let problem = match token.kind {
            Kind::End => new(
                "expected-value",
                "the query ends where a value was expected".into(),
                "expected a value here",
            )
            .hint("a value is a field, a literal, a call or something in brackets"),
            Kind::Dollar => new(
                "expected-value",
                format!("`{word}` is MongoDB's way to name a field"),
                "not understood without quotes",
            )
            .hint(format!("write the field: `{}`", &word[1..]))
            .edit(span, &word[1..]),
            Kind::Stray => new(
                "stray-character",
                format!("`{word}` means nothing here"),
                "unknown character",
            )
            .hint("remove it, or put it in quotes if it is part of a text"),
            Kind::Symbol("*" | "**") => visitors::python::star(self, token),
            Kind::Symbol(symbol @ (")" | "]" | "}" | "," | ":")) => new(
                "expected-value",
                format!("a value is missing before `{symbol}`"),
                "expected a value here",
            )
            .hint("write a field, a literal or a call here, or remove what asks for it"),
            Kind::Symbol(".") => new(
                "leading-dot",
                "nothing stands before this dot".into(),
                "expected a name before it",
            )
            .hint("write the field or chain that this belongs to"),
            Kind::Symbol("=") => new(
                "expected-value",
                "nothing stands before this `=`".into(),
                "expected a name or a value before it",
            )
            .hint("a parameter is written `name=value`, a comparison `a == b`"),
            Kind::Symbol(symbol) => new(
                "expected-value",
                format!("`{symbol}` needs a value on its left"),
                "nothing stands before it",
            )
            .hint(format!("write what stands left of `{symbol}`")),
            Kind::Foreign("`") => visitors::literals::backquoted(self, token),
            Kind::Foreign("?" | "@") => new(
                "placeholder",
                format!("`{word}` is a placeholder of another language"),
                "expected a value",
            )
            .hint("write the value itself here"),
            Kind::Foreign(_) => new(
                "unknown-operator",
                format!("`{word}` is not known here"),
                "expected a value",
            )
            .hint("operators are == != < <= > >= + - * / % ** & | ~ and, or, not, in"),
            _ => new(
                "expected-value",
                format!("`{word}` does not fit here"),
                "expected a value",
            )
            .hint("a value is a field, a literal, a call or something in brackets"),
        };
        self.fail(problem)
    }

    /// After an item of a bracket, something other than a comma or the closing bracket.
    pub(crate) fn between_items(&mut self, closer: &'static str) {
        let token = self.peek();
        let word = self.word(token);
        let span = self.here();
        let gap = self.gap();
        let problem = match token.kind {
            Kind::Symbol(":") => Diagnostic::new(
                "stray-colon",
                "this `:` does not fit here",
                span,
                format!("expected `,` or `{closer}`"),
            )
            .hint("`key: value` belongs in `{...}`, a parameter is written `name=value`"),
            Kind::Foreign(";") => Diagnostic::new(
                "stray-semicolon",
                "`;` ends nothing here",
                span,
                format!("expected `,` or `{closer}`"),
            )
            .hint("remove it; several values are separated by commas")
            .edit(span, ","),
            Kind::Foreign("=>" | "->") => Diagnostic::new(
                "unknown-operator",
                format!("`{word}` is not an operator here"),
                span,
                "expected a comparison or an expression",
            )
            .hint(
                "`>=` compares; there are no functions: write the condition \
itself, with `F()` for the element",
            ),
            Kind::Foreign(_) => {
                let problem = Diagnostic::new(
                    "unknown-operator",
                    format!("`{word}` is not known here"),
                    span,
                    format!("expected an operator, `,` or `{closer}`"),
                );
                problem.hint("operators are == != < <= > >= + - * / % ** & | ~ and, or, not, in")
            }
            Kind::Stray => Diagnostic::new(
                "stray-character",
                format!("`{word}` means nothing here"),
                span,
                "unknown character",
            )
            .hint("remove it, or put it in quotes if it is part of a text"),
            Kind::Symbol(".") => Diagnostic::new(
                "stray-dot",
                "this dot does not fit here",
                span,
                "nothing to call it on",
            )
            .hint("a method is written `x.name()`"),
            Kind::Name if gap.end == span.start && self.text[..gap.end].ends_with(['"', '\'']) => {
                let quote = Span {
                    start: span.start - 1,
                    end: span.start,
                };
                Diagnostic::new(
                    "missing-operator",
                    "the text ends before this",
                    quote,
                    "this quote ends it",
                )
                .hint(
                    "a quote inside a text is written `\\'` or `\\\"`, or use \
the other kind around it: `\"it's\"`",
                )
            }
            Kind::Name if self.is_word(0, "for") => visitors::python::comprehension(span),
            _ => Diagnostic::new(
                "missing-operator",
                "an operator or a comma is missing here",
                gap,
                format!("before `{}`", short(word)),
            )
            .hint(format!(
                "join the two with an operator (`==`, `and`, ...), separate \
them with `,`, or close with `{closer}`"
            )),
        };
        self.note(problem);
    }

    /// After a whole query, something more.
    pub(crate) fn after_query(&mut self, query: &Query) {
        let token = self.peek();
        let called = token.kind == Kind::Name && self.is_at(1, "(");
        let (problem, joined) = self.trailing(query, called);
        self.note(problem);
        if joined {
            self.advance();
        }
        if token.kind == Kind::Foreign(";") {
            while self.peek().kind != Kind::End {
                self.advance();
            }
        }
        if called || joined {
            let _ = self.call_as_step();
        }
    }

    /// The problem of what follows a whole query, and whether it is a word that joins a stage to it.
    fn trailing(&self, query: &Query, called: bool) -> (Diagnostic, bool) {
        let token = self.peek();
        let word = self.word(token);
        let (span, gap) = (self.here(), self.gap());
        let chain = matches!(query.steps.last(), Some(Step::Call(_) | Step::Slice { .. }));
        let joins = matches!(token.kind, Kind::Foreign(_) | Kind::Symbol("|" | "&" | ">"))
            || matches!(word, "and" | "or" | "then" | "AND");
        let next = self.look(1);
        let problem = if called {
            Diagnostic::new(
                "missing-dot",
                format!("`{word}` follows without a dot"),
                span,
                "expected `.` before it",
            )
            .hint(format!("write `.{word}(...)`"))
            .edit(
                Span {
                    start: gap.start,
                    end: span.start,
                },
                ".",
            )
        } else if chain && joins && word != ";" && next.kind == Kind::Name && self.is_at(2, "(") {
            let between = Span {
                start: gap.start,
                end: next.span.start,
            };
            let problem = Diagnostic::new(
                "stages-joined",
                format!("stages follow one another with a dot, not with `{word}`"),
                span,
                "expected `.`",
            );
            return (
                problem
                    .hint(format!("write `.{}(...)`", self.word(next)))
                    .edit(between, "."),
                true,
            );
        } else if token.kind == Kind::Foreign(";") {
            let problem = Diagnostic::new(
                "stray-semicolon",
                "a query is not ended by `;`",
                span,
                "one query at a time",
            );
            if next.kind == Kind::End {
                problem.hint("remove it").edit(span, "")
            } else {
                problem.hint("ask the queries one after another")
            }
        } else if chain && self.infix().is_some() {
            Diagnostic::new(
                "view-as-value",
                format!("`{word}` cannot be used on the result of a chain"),
                span,
                "a chain gives a view or a value, and ends here",
            )
            .hint(
                "conditions on samples belong inside `match(...)`; compute \
with the answer outside the query",
            )
        } else if matches!(
            token.kind,
            Kind::Name | Kind::Int | Kind::Float | Kind::Text | Kind::Symbol("(" | "{")
        ) {
            Diagnostic::new(
                "missing-operator",
                "an operator is missing here",
                gap,
                format!("before `{}`", short(word)),
            )
            .hint(
                "join the two with `==`, `and`, `in`, ..., or with a dot if \
this is a stage: `.limit(3)`",
            )
        } else {
            Diagnostic::new(
                "unexpected",
                format!("`{}` does not fit here", short(word)),
                span,
                "the query was complete before it",
            )
            .hint("remove it, or go on with `.stage(...)`")
        };
        (problem, false)
    }

    /// Reads a call that lacks its dot, for its own mistakes.
    fn call_as_step(&mut self) -> Parsed<()> {
        let token = self.advance();
        self.finish_step(Spanned {
            node: self.word(token).to_owned(),
            span: token.span,
        })
        .map(drop)
    }
}

/// The beginning of a word, for a sentence.
pub(crate) fn short(word: &str) -> String {
    match word.char_indices().nth(24) {
        Some((at, _)) => format!("{}...", &word[..at]),
        None => word.to_owned(),
    }
}
