//! Operators of SQL, C, JavaScript and R, read as ours.

use super::super::cursor::{Node, Parsed, Parser, join};
use super::super::expression::{Infix, What, level};
use super::super::tokens::Kind;
use crate::diagnostic::Diagnostic;
use crate::syntax::{BinaryOp, CompareOp, Expr, ExprKind, Literal, Span};

const BIT_XOR: u8 = 6;
const SHIFT: u8 = 8;

/// Words that other languages use as operators or literals; they are not bare fields when printed.
pub(crate) fn is_foreign_word(word: &str) -> bool {
    matches!(
        word,
        "AND"
            | "And"
            | "OR"
            | "Or"
            | "NOT"
            | "Not"
            | "IN"
            | "IS"
            | "LIKE"
            | "ILIKE"
            | "BETWEEN"
            | "TRUE"
            | "FALSE"
            | "NULL"
            | "NONE"
            | "none"
            | "nil"
            | "undefined"
            | "SELECT"
            | "FROM"
            | "WHERE"
            | "ORDER"
            | "GROUP"
            | "LIMIT"
            | "OFFSET"
            | "HAVING"
            | "select"
            | "like"
            | "ilike"
            | "between"
            | "where"
            | "from"
    )
}

/// Whether the first argument of this call is a condition, so that `=` there is a comparison.
pub(crate) fn takes_condition(callee: &str) -> bool {
    matches!(
        callee,
        "match" | "filter" | "any" | "all" | "where" | "find"
    )
}

/// The operator of another language that comes next.
pub(crate) fn infix(parser: &Parser<'_>) -> Option<Infix> {
    use {BinaryOp::*, CompareOp::*, What::*};
    let token = parser.peek();
    let one = |level, what| {
        Some(Infix {
            level,
            what,
            tokens: 1,
        })
    };
    let two = |level, what| {
        Some(Infix {
            level,
            what,
            tokens: 2,
        })
    };
    match token.kind {
        Kind::Symbol("=") => one(level::COMPARE, Compare(Eq)),
        Kind::Foreign(symbol) => match symbol {
            "&&" => one(level::AND, Binary(And)),
            "||" => one(level::OR, Binary(Or)),
            "===" | "<=>" => one(level::COMPARE, Compare(Eq)),
            "!==" | "<>" => one(level::COMPARE, Compare(Ne)),
            "=~" | "~=" | "!~" => one(level::COMPARE, Visitor),
            "^" => one(BIT_XOR, Visitor),
            "<<" | ">>" => one(SHIFT, Visitor),
            "//" => one(level::MULTIPLY, Visitor),
            _ => None,
        },
        Kind::Name => match parser.word(token).to_ascii_uppercase().as_str() {
            "AND" => one(level::AND, Binary(And)),
            "OR" => one(level::OR, Binary(Or)),
            "IN" => one(level::COMPARE, Compare(In)),
            "NOT" if parser.is_sql_word(1, "in") => two(level::COMPARE, Compare(NotIn)),
            "NOT"
                if ["like", "ilike", "between"]
                    .iter()
                    .any(|word| parser.is_sql_word(1, word)) =>
            {
                two(level::COMPARE, Visitor)
            }
            "IS" if parser.is_sql_word(1, "not") => two(level::COMPARE, Is(Ne)),
            "IS" => one(level::COMPARE, Is(Eq)),
            "LIKE" | "ILIKE" | "BETWEEN" | "CONTAINS" | "MATCHES" | "STARTSWITH" | "ENDSWITH"
                if !parser.is_at(1, "(") =>
            {
                one(level::COMPARE, Visitor)
            }
            _ => None,
        },
        _ => None,
    }
}

/// `!x`.
pub(crate) fn exclamation(span: Span) -> Diagnostic {
    Diagnostic::new(
        "foreign-operator",
        "`!` is not an operator here",
        span,
        "expected `not`",
    )
    .hint("write `not x`, or `~(...)` around a condition")
    .edit(span, "not ")
}

/// `NOT`, `AND`, `Or`.
pub(crate) fn shouted(word: &str, span: Span) -> Diagnostic {
    let write = word.to_ascii_lowercase();
    Diagnostic::new(
        "foreign-operator",
        format!("`{word}` is written in small letters here"),
        span,
        format!("expected `{write}`"),
    )
    .hint(format!("write `{write}`"))
    .edit(span, write)
}

impl Parser<'_> {
    /// Notes a logical operator in a foreign spelling; the token is still to come.
    pub(crate) fn note_foreign_spelling(&mut self, op: BinaryOp) {
        let token = self.peek();
        let word = self.word(token);
        let write = match op {
            BinaryOp::And if !matches!(word, "and" | "&") => "and",
            BinaryOp::Or if !matches!(word, "or" | "|") => "or",
            _ => return,
        };
        self.note(if token.kind == Kind::Name {
            shouted(word, token.span)
        } else {
            Diagnostic::new(
                "foreign-operator",
                format!("`{word}` is not an operator here"),
                token.span,
                format!("expected `{write}`"),
            )
            .hint(format!("write `{write}`"))
            .edit(token.span, write)
        });
    }

    /// Notes a comparison in a foreign spelling; its tokens are still to come.
    pub(crate) fn note_foreign_comparison(&mut self, place: Span, left: &Expr) {
        let word = self.slice(place);
        let before = self.text[..place.start].ends_with(char::is_whitespace);
        let after = self.text[place.end..].starts_with(char::is_whitespace);
        let gap = |there: bool| if there { "" } else { " " };
        let new = |message: &str, write: &str| {
            let spaced = format!("{}{write}{}", gap(before), gap(after));
            Diagnostic::new(
                "foreign-operator",
                message,
                place,
                format!("expected `{write}`"),
            )
            .hint(format!("write `{write}`"))
            .edit(place, spaced)
        };
        let problem = match word {
            "=" if matches!(left.kind, ExprKind::Field(_)) => {
                new("`=` does not compare; it names a parameter", "==")
            }
            "=" => new("`=` does not compare", "=="),
            "===" => new("`===` is not an operator here", "=="),
            "<=>" => new("`<=>` is not an operator here", "=="),
            "!==" => new("`!==` is not an operator here", "!="),
            "<>" => new("`<>` is not an operator here", "!="),
            _ if word.bytes().any(|b| b.is_ascii_uppercase()) => {
                let write = word
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .to_ascii_lowercase();
                if self.is_sql_word(if write == "is not" { 2 } else { 1 }, "null")
                    && write.starts_with("is")
                {
                    return self.note_is_null(place, &write);
                }
                shouted(word, place).edit_replaced(place, &write)
            }
            _ => return,
        };
        self.note(problem);
    }

    fn note_is_null(&mut self, place: Span, write: &str) {
        let null = self.look(if write == "is not" { 2 } else { 1 });
        let span = join(place, null.span);
        let write = format!("{write} None");
        let problem = Diagnostic::new(
            "foreign-operator",
            format!("`{}` is SQL", self.slice(span)),
            span,
            format!("expected `{write}`"),
        );
        self.note(problem.hint(format!("write `{write}`")).edit(span, write));
        self.null_noted = Some(null.span);
    }

    /// Names that are literals elsewhere: `NULL`, `TRUE`, `nil`.
    pub(crate) fn foreign_name(&mut self, path: &[String], span: Span) -> Option<Parsed<Node>> {
        let [word] = path else { return None };
        let (literal, write) = match word.as_str() {
            "TRUE" => (Literal::Bool(true), "True"),
            "FALSE" => (Literal::Bool(false), "False"),
            "NULL" | "Null" | "NONE" | "none" | "nil" | "undefined" => (Literal::Null, "None"),
            _ => return None,
        };
        if self.null_noted != Some(span) {
            let problem = Diagnostic::new(
                "foreign-literal",
                format!("`{word}` is not a literal here"),
                span,
                format!("expected `{write}`"),
            );
            self.note(problem.hint(format!("write `{write}`")).edit(span, write));
        }
        Some(self.literal(literal, span))
    }
}

impl Diagnostic {
    /// Replaces hints and edits by one that writes `write` at `span`.
    fn edit_replaced(mut self, span: Span, write: &str) -> Diagnostic {
        self.hints = vec![format!("write `{write}`")];
        self.edits.clear();
        self.edit(span, write)
    }
}
