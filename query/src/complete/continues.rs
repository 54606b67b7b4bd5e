//! Whether Enter ends a query or begins its next line.

use crate::parse::tokens::{Kind, tokens};

/// Whether `text` is a whole query, right or wrong; if not, more is to come: a bracket is open, a triple-quoted text is,
/// or the last word is an operator, a comma or a dot.
pub fn is_complete(text: &str) -> bool {
    let all: Vec<_> = tokens(text)
        .into_iter()
        .filter(|token| token.kind != Kind::Comment)
        .collect();
    let mut open = 0i64;
    for token in &all {
        match token.kind {
            Kind::Symbol("(" | "[" | "{") => open += 1,
            Kind::Symbol(")" | "]" | "}") => open -= 1,
            // A text that lacks its quote swallows brackets: say so at once.
            Kind::OpenText => {
                let word = &text[token.span.start..token.span.end];
                return !(word.contains("\"\"\"") || word.contains("'''"));
            }
            _ => {}
        }
        if open < 0 {
            return true;
        }
    }
    let trailing = all.last().is_some_and(|last| match last.kind {
        Kind::Symbol(symbol) => !matches!(symbol, ")" | "]" | "}"),
        Kind::Foreign(symbol) => matches!(symbol, "&&" | "||" | "\\"),
        Kind::Name => matches!(
            &text[last.span.start..last.span.end],
            "and" | "or" | "not" | "in" | "is"
        ),
        _ => false,
    });
    open == 0 && !trailing
}
