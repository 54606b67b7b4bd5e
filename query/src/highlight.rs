//! Which part of a text is what, for colour. From tokens alone, so that it works on every text and costs one pass.

use crate::parse::names;
use crate::parse::tokens::{Kind, Token, tokens};
use crate::parse::{is_foreign_word, is_keyword};
use crate::syntax::Span;

/// What a part of a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `and`, `or`, `not`, `in`, `is`.
    Keyword,
    /// `True`, `None`, `VALUE`.
    Constant,
    /// A name that is called.
    Call,
    /// The name of a parameter.
    Parameter,
    /// A bare field.
    Field,
    /// `dataset`, `view`.
    Source,
    /// A text.
    Text,
    /// A number.
    Number,
    /// An operator.
    Operator,
    /// Brackets, commas, dots.
    Punctuation,
    /// A comment.
    Comment,
    /// What cannot stand in a query: a text without its end, another language's operator.
    Wrong,
}

/// The parts of `text` in order, without overlaps; white space is not among them.
pub fn highlight(text: &str) -> Vec<(Span, Style)> {
    let all = tokens(text);
    all.iter()
        .enumerate()
        .map(|(at, token)| (token.span, style(text, &all, at)))
        .collect()
}

fn style(text: &str, all: &[Token], at: usize) -> Style {
    let token = all[at];
    match token.kind {
        Kind::Comment => Style::Comment,
        Kind::Int | Kind::Float => Style::Number,
        Kind::Text => Style::Text,
        Kind::OpenText | Kind::CurlyText | Kind::Foreign(_) | Kind::Stray | Kind::Dollar => {
            Style::Wrong
        }
        Kind::Symbol("(" | ")" | "[" | "]" | "{" | "}" | "," | "." | ":") => Style::Punctuation,
        Kind::Symbol(_) => Style::Operator,
        Kind::End => Style::Punctuation,
        Kind::Name => name(&text[token.span.start..token.span.end], all, at),
    }
}

fn name(word: &str, all: &[Token], at: usize) -> Style {
    let is = |place: Option<usize>, symbol: &'static str| {
        place
            .and_then(|place| all.get(place))
            .is_some_and(|token| token.kind == Kind::Symbol(symbol))
    };
    let after_dot = is(at.checked_sub(1), ".");
    match word {
        _ if after_dot && is(Some(at + 1), "(") => Style::Call,
        _ if after_dot => Style::Field,
        "and" | "or" | "not" | "in" | "is" => Style::Keyword,
        "True" | "true" | "False" | "false" | "None" | "null" | "VALUE" | "NaN" | "Infinity" => {
            Style::Constant
        }
        _ if is_keyword(word) => Style::Wrong,
        "dataset" | "view" if !is(Some(at + 1), "=") => Style::Source,
        _ if is(Some(at + 1), "(") => Style::Call,
        _ if is(Some(at + 1), "=") => Style::Parameter,
        "F" | "VF" | "ViewField" | "E" | "VE" | "ViewExpression" | "fo" | "foe" | "fiftyone" => {
            Style::Call
        }
        _ if is_foreign_word(word) && !names::is_bare_path(&[word.to_owned()]) => Style::Wrong,
        _ => Style::Field,
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, highlight};

    /// The words of a text with their styles; punctuation left out.
    fn styled(text: &str) -> Vec<(&str, Style)> {
        highlight(text)
            .into_iter()
            .filter(|(_, style)| *style != Style::Punctuation)
            .map(|(span, style)| (&text[span.start..span.end], style))
            .collect()
    }

    #[test]
    fn each_part_has_its_style() {
        use Style::*;
        assert_eq!(
            styled(
                "dataset.match(F('k20') == \"7\" and a.b is None).sort_by(x, reverse=True) # why"
            ),
            [
                ("dataset", Source),
                ("match", Call),
                ("F", Call),
                ("'k20'", Text),
                ("==", Operator),
                ("\"7\"", Text),
                ("and", Keyword),
                ("a", Field),
                ("b", Field),
                ("is", Keyword),
                ("None", Constant),
                ("sort_by", Call),
                ("x", Field),
                ("reverse", Parameter),
                ("=", Operator),
                ("True", Constant),
                ("# why", Comment),
            ]
        );
    }

    #[test]
    fn what_cannot_stand_is_marked_while_typing() {
        use Style::*;
        assert_eq!(
            styled("k && NULL lambda 1.5 'open"),
            [
                ("k", Field),
                ("&&", Wrong),
                ("NULL", Wrong),
                ("lambda", Wrong),
                ("1.5", Number),
                ("'open", Wrong)
            ]
        );
    }
}
