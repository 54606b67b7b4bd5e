//! Pairs brackets before the grammar runs. Where one is missing, its partner is added, and where one is too many it is
//! dropped, with a problem that points at the opener: the grammar then only ever sees balanced text, and one missing
//! bracket cannot hide the other mistakes.

use super::tokens::{Kind, Token};
use crate::diagnostic::Diagnostic;
use crate::syntax::Span;

/// Brackets, unary operators and powers may nest this deep.
pub(crate) const MAX_NESTING: usize = 100;

/// Balanced tokens and what had to be mended.
pub(crate) struct Balanced {
    pub(crate) tokens: Vec<Token>,
    pub(crate) problems: Vec<Diagnostic>,
    /// Whether brackets nest too deep to go on.
    pub(crate) too_deep: bool,
}

struct Opener {
    symbol: &'static str,
    span: Span,
    /// The token before which the closing bracket was most likely forgotten.
    suspect: Option<usize>,
    /// Whether it groups rather than calls.
    group: bool,
    /// Whether it may have been forgotten before a dot as well as at the end.
    unsure: bool,
}

fn closer_of(opener: &str) -> Option<&'static str> {
    match opener {
        "(" => Some(")"),
        "[" => Some("]"),
        "{" => Some("}"),
        _ => None,
    }
}

/// Whether `symbol` opens a bracket.
pub(crate) fn opens(symbol: &str) -> bool {
    closer_of(symbol).is_some()
}

/// Whether `symbol` closes a bracket.
pub(crate) fn closes(symbol: &str) -> bool {
    matches!(symbol, ")" | "]" | "}")
}

/// Pairs the brackets of `tokens`; `end` is the length of the text.
pub(crate) fn balance(tokens: &[Token], end: usize) -> Balanced {
    let mut work = Work {
        stack: Vec::new(),
        inserted: Vec::new(),
        group_closed: None,
        dropped: Vec::new(),
        problems: Vec::new(),
    };
    let mut too_deep = false;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Symbol(symbol) if opens(symbol) => {
                let called = at
                    .checked_sub(1)
                    .is_some_and(|before| tokens[before].kind == Kind::Name);
                work.stack.push(Opener {
                    symbol,
                    span: token.span,
                    suspect: None,
                    group: !called,
                    unsure: false,
                });
                if work.stack.len() > MAX_NESTING {
                    work.problems = vec![too_deep_here(token.span)];
                    too_deep = true;
                    break;
                }
            }
            Kind::Symbol(symbol) if closes(symbol) => work.close(tokens, at, symbol, token.span),
            Kind::Symbol(".") => work.suspect(tokens, at),
            _ => {}
        }
    }
    while let Some(opener) = (!too_deep).then(|| work.stack.pop()).flatten() {
        work.unclosed(&opener, tokens.len(), tokens, end);
    }
    let tokens = if too_deep {
        Vec::new()
    } else {
        work.merge(tokens)
    };
    Balanced {
        tokens,
        problems: work.problems,
        too_deep,
    }
}

/// The problem of nesting too deep.
pub(crate) fn too_deep_here(span: Span) -> Diagnostic {
    Diagnostic::new(
        "too-deep",
        format!("this query nests more than {MAX_NESTING} levels deep"),
        span,
        "one level too many",
    )
    .hint("many alternatives fit in one list: `x.is_in([...])`, `any([...])`, `all([...])`")
}

struct Work {
    stack: Vec<Opener>,
    inserted: Vec<(usize, Token)>,
    /// The last token that closed a group.
    group_closed: Option<usize>,
    dropped: Vec<usize>,
    problems: Vec<Diagnostic>,
}

impl Work {
    fn note(&mut self, problem: Diagnostic) {
        if self.problems.len() < super::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn close(&mut self, tokens: &[Token], at: usize, symbol: &'static str, span: Span) {
        let pairs = |opener: &Opener| closer_of(opener.symbol) == Some(symbol);
        match self.stack.last() {
            Some(top) if pairs(top) => {
                self.group_closed = top.group.then_some(at);
                self.stack.pop();
            }
            Some(_) if self.stack.iter().any(pairs) => {
                while let Some(opener) = self.stack.pop_if(|opener| !pairs(opener)) {
                    self.unclosed(&opener, at, tokens, span.start);
                }
                self.stack.pop();
            }
            Some(top) => {
                let closer = closer_of(top.symbol).unwrap_or(symbol);
                let mut wrong = Diagnostic::new(
                    "unbalanced",
                    format!("`{}` is closed by `{symbol}`", top.symbol),
                    span,
                    format!("expected `{closer}`"),
                )
                .edit(span, closer);
                wrong.labels.push(crate::diagnostic::Label {
                    start: top.span.start,
                    end: top.span.end,
                    text: "opened here".to_owned(),
                });
                self.problems
                    .push(wrong.hint(format!("write `{closer}` here")));
                self.inserted.push((
                    at,
                    Token {
                        kind: Kind::Symbol(closer),
                        span,
                    },
                ));
                self.dropped.push(at);
                self.stack.pop();
            }
            None => {
                let extra = Diagnostic::new(
                    "unbalanced",
                    format!("this `{symbol}` closes nothing"),
                    span,
                    "no bracket is open here",
                );
                self.note(
                    extra
                        .hint(format!("remove this `{symbol}`, or open it further left"))
                        .edit(span, ""),
                );
                self.dropped.push(at);
            }
        }
    }

    /// Remembers `"7"` in `(k == "7".limit(3)`: a literal has no stages, so the bracket was to close before the dot.
    fn suspect(&mut self, tokens: &[Token], at: usize) {
        let literal = at > 0
            && matches!(
                tokens[at - 1].kind,
                Kind::Text | Kind::Int | Kind::Float | Kind::CurlyText
            );
        let group = self.group_closed.is_some_and(|closed| closed + 1 == at);
        let Some(opener) = self.stack.last_mut() else {
            return;
        };
        if literal {
            opener.suspect.get_or_insert(at);
        }
        opener.unsure |= group;
    }

    fn unclosed(&mut self, opener: &Opener, before: usize, tokens: &[Token], place: usize) {
        let closer = closer_of(opener.symbol).unwrap_or(")");
        let at = opener.suspect.unwrap_or(before);
        let place = match opener.suspect {
            Some(at) => tokens.get(at).map_or(place, |token| token.span.start),
            None => place,
        };
        let span = Span {
            start: place,
            end: place,
        };
        self.inserted.push((
            at,
            Token {
                kind: Kind::Symbol(closer),
                span,
            },
        ));
        let problem = Diagnostic::new(
            "unbalanced",
            format!("this `{}` is never closed", opener.symbol),
            opener.span,
            "opened here",
        );
        let problem = problem.hint(format!("close it with `{closer}`"));
        self.note(if opener.unsure && opener.suspect.is_none() {
            problem
        } else {
            problem.edit(span, closer)
        });
    }

    fn merge(&mut self, tokens: &[Token]) -> Vec<Token> {
        self.inserted.sort_by_key(|(at, _)| *at);
        let mut inserted = self.inserted.iter().peekable();
        let mut dropped = self.dropped.iter().peekable();
        let mut out = Vec::with_capacity(tokens.len() + self.inserted.len() + 1);
        for (at, token) in tokens.iter().enumerate() {
            while let Some((_, token)) = inserted.next_if(|(before, _)| *before == at) {
                out.push(*token);
            }
            if dropped.next_if(|one| **one == at).is_none() {
                out.push(*token);
            }
        }
        out.extend(inserted.map(|(_, token)| *token));
        out
    }
}
