//! Literals as other languages and word processors write them.

use super::super::cursor::Parser;
use super::super::tokens::{Kind, Token};
use super::super::unexpected::short;
use crate::diagnostic::Diagnostic;
use crate::syntax::Span;

/// A text without its closing quote; the label points at the opening one.
pub(crate) fn unterminated(span: Span, word: &str) -> Diagnostic {
    let quote = word
        .chars()
        .find(|c| matches!(c, '"' | '\''))
        .unwrap_or('"');
    let opened = word.find(quote).unwrap_or(0) + span.start;
    Diagnostic::new(
        "open-text",
        "this text has no closing quote",
        Span {
            start: opened,
            end: opened + 1,
        },
        "opened here",
    )
    .hint(format!(
        "close it with `{quote}` before the end of the line; inside a text write `\\{quote}`"
    ))
}

pub(crate) fn curly(span: Span, body: &str) -> Diagnostic {
    let write = format!("\"{}\"", body.replace('"', "\\\""));
    Diagnostic::new(
        "curly-quotes",
        "these are typographic quotes",
        span,
        "expected straight quotes",
    )
    .hint(format!("write `{}`", short(&write)))
    .edit(span, write)
}

/// f-strings and byte strings.
pub(crate) fn prefixed(span: Span, prefix: &str, body: &str) -> Diagnostic {
    if prefix.contains(['b', 'B']) {
        return Diagnostic::new(
            "text-prefix",
            "there are no byte strings here",
            span,
            "expected a text",
        )
        .hint("write the text without `b`")
        .edit(
            Span {
                start: span.start,
                end: span.start + prefix.len(),
            },
            "",
        );
    }
    let problem = Diagnostic::new(
        "text-prefix",
        "texts are not filled in here: there are no f-strings",
        span,
        "expected a plain text",
    );
    if body.contains('{') {
        problem.hint("write the value itself, or join texts with `.concat(...)`")
    } else {
        problem.hint("write the text without `f`").edit(
            Span {
                start: span.start,
                end: span.start + prefix.len(),
            },
            "",
        )
    }
}

pub(crate) fn two_texts(gap: Span) -> Diagnostic {
    Diagnostic::new(
        "missing-operator",
        "two texts stand side by side",
        gap,
        "expected an operator or a comma",
    )
    .hint("separate them with `,`; a quote inside a text is written `\\\"`")
}

/// A name in backquotes, as SQL and pandas write it.
pub(crate) fn backquoted(parser: &mut Parser<'_>, token: Token) -> Diagnostic {
    let mut ahead = 1;
    while matches!(
        parser.look(ahead).kind,
        Kind::Name | Kind::Int | Kind::Symbol("." | "-")
    ) {
        ahead += 1;
    }
    let close = parser.look(ahead);
    if close.kind != Kind::Foreign("`") {
        return Diagnostic::new(
            "backquotes",
            "this backquote has no partner",
            token.span,
            "opened here",
        )
        .hint("names stand bare or in `F(\"...\")`");
    }
    let span = Span {
        start: token.span.start,
        end: close.span.end,
    };
    let name = parser
        .slice(Span {
            start: token.span.end,
            end: close.span.start,
        })
        .to_owned();
    parser.advance_by(ahead + 1);
    let write = format!("F(\"{name}\")");
    Diagnostic::new(
        "backquotes",
        "names are not put in backquotes here",
        span,
        "expected a name",
    )
    .hint(format!("write `{write}`"))
    .edit(span, write)
}
