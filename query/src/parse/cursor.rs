//! The state of one parse: a place in the tokens, the problems so far, and the limits. Grammar rules are methods on it in
//! the files beside this one; each looks at one token, never goes back, and after a problem skips to a comma or bracket.

use super::brackets::{self, MAX_NESTING};
use super::tokens::{Kind, Token};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Expr, ExprKind, Span};

/// The tree may be this deep, chains of operators and calls included.
pub(crate) const MAX_DEPTH: u16 = 200;

/// A rule could not go on; the reason is among the problems already.
pub(crate) struct Failed;

/// What a rule gives.
pub(crate) type Parsed<T> = Result<T, Failed>;

/// An expression with what the grammar must remember about its spelling.
pub(crate) struct Node {
    pub(crate) expr: Expr,
    /// Levels of the tree below and including it.
    pub(crate) depth: u16,
    /// Written in parentheses.
    pub(crate) parens: bool,
    /// The places of `&` and `|` that it consists of, where they are not in parentheses.
    pub(crate) tight: Vec<Span>,
}

/// The state of one parse.
pub(crate) struct Parser<'t> {
    pub(crate) text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    pub(crate) problems: Vec<Diagnostic>,
    /// The place of SQL's `NULL` after `IS`, which is part of another problem.
    pub(crate) null_noted: Option<Span>,
    nesting: usize,
    stopped: bool,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, tokens: Vec<Token>) -> Parser<'t> {
        Parser {
            text,
            tokens,
            at: 0,
            problems: Vec::new(),
            null_noted: None,
            nesting: 0,
            stopped: false,
        }
    }

    /// The token `ahead` of the current one.
    pub(crate) fn look(&self, ahead: usize) -> Token {
        let end = Span {
            start: self.text.len(),
            end: self.text.len(),
        };
        let end = Token {
            kind: Kind::End,
            span: end,
        };
        if self.stopped {
            end
        } else {
            self.tokens.get(self.at + ahead).copied().unwrap_or(end)
        }
    }

    pub(crate) fn peek(&self) -> Token {
        self.look(0)
    }

    /// The text of a token.
    pub(crate) fn word(&self, token: Token) -> &'t str {
        self.text
            .get(token.span.start..token.span.end)
            .unwrap_or("")
    }

    /// The text at a place.
    pub(crate) fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    pub(crate) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Where the parse is, to see whether a rule moved.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Moves past a token that no rule took since `place`, so that every loop ends.
    pub(crate) fn moved_since(&mut self, place: usize) {
        if self.at == place {
            self.at += 1;
        }
    }

    pub(crate) fn advance_by(&mut self, tokens: usize) {
        self.at += tokens;
    }

    /// Whether the token `ahead` is the symbol.
    pub(crate) fn is_at(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.look(ahead).kind, Kind::Symbol(s) if s == symbol)
    }

    pub(crate) fn at_symbol(&self, symbol: &str) -> bool {
        self.is_at(0, symbol)
    }

    /// Whether the token `ahead` is exactly this name.
    pub(crate) fn is_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.look(ahead);
        token.kind == Kind::Name && self.word(token) == word
    }

    /// Whether the token `ahead` is this name in any case.
    pub(crate) fn is_sql_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.look(ahead);
        token.kind == Kind::Name && self.word(token).eq_ignore_ascii_case(word)
    }

    /// Takes the symbol if it is next.
    pub(crate) fn take(&mut self, symbol: &str) -> Option<Token> {
        self.at_symbol(symbol).then(|| self.advance())
    }

    /// The place between the last token and the next one; where something is missing.
    pub(crate) fn gap(&self) -> Span {
        let end = self
            .at
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .map_or(0, |token| token.span.end);
        Span { start: end, end }
    }

    /// The place to complain about what comes next.
    pub(crate) fn here(&self) -> Span {
        match self.peek().kind {
            Kind::End => Span {
                start: self.text.trim_end().len(),
                end: self.text.trim_end().len(),
            },
            _ => self.peek().span,
        }
    }

    /// Notes a problem and goes on.
    pub(crate) fn note(&mut self, problem: Diagnostic) {
        if !self.stopped && self.problems.len() < super::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Notes a problem that the rule cannot go on from.
    pub(crate) fn fail<T>(&mut self, problem: Diagnostic) -> Parsed<T> {
        self.note(problem);
        Err(Failed)
    }

    /// Notes a problem that ends the whole parse.
    pub(crate) fn stop<T>(&mut self, problem: Diagnostic) -> Parsed<T> {
        self.note(problem);
        self.stopped = true;
        Err(Failed)
    }

    /// Runs a rule one level further in.
    pub(crate) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MAX_NESTING {
            let span = self.here();
            return self.stop(brackets::too_deep_here(span));
        }
        self.nesting += 1;
        let parsed = rule(self);
        self.nesting -= 1;
        parsed
    }

    /// A node above others that are `below` deep.
    pub(crate) fn node(&mut self, kind: ExprKind, span: Span, below: u16) -> Parsed<Node> {
        if below >= MAX_DEPTH {
            let problem = Diagnostic::new(
                "too-deep",
                format!("more than {MAX_DEPTH} operators or calls follow one another here"),
                span,
                "too many to evaluate one inside the other",
            );
            return self.stop(problem.hint(
                "many alternatives fit in one list: `x.is_in([...])`, `any([...])`, `all([...])`",
            ));
        }
        Ok(Node {
            expr: Expr { kind, span },
            depth: below + 1,
            parens: false,
            tight: Vec::new(),
        })
    }

    /// Skips to the comma or closing bracket that ends what is being read.
    pub(crate) fn skip_item(&mut self) {
        self.skip_until(|symbol| symbol == ",");
    }

    /// Skips to a closing bracket of this level.
    pub(crate) fn skip_to_closer(&mut self) {
        self.skip_until(|_| false);
    }

    fn skip_until(&mut self, stop: impl Fn(&str) -> bool) {
        let mut open = 0usize;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::Symbol(symbol) if brackets::opens(symbol) => open += 1,
                Kind::Symbol(symbol) if brackets::closes(symbol) => match open.checked_sub(1) {
                    Some(less) => open = less,
                    None => return,
                },
                Kind::Symbol(symbol) if open == 0 && stop(symbol) => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Skips to the next `.name(` of this level, so that a chain can go on after a bad step.
    pub(crate) fn skip_step(&mut self) {
        let mut open = 0usize;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::Symbol(symbol) if brackets::opens(symbol) => open += 1,
                Kind::Symbol(symbol) if brackets::closes(symbol) => match open.checked_sub(1) {
                    Some(less) => open = less,
                    None => return,
                },
                Kind::Symbol(".")
                    if open == 0 && self.look(1).kind == Kind::Name && self.is_at(2, "(") =>
                {
                    return;
                }
                _ => {}
            }
            self.advance();
        }
    }
}

/// From the start of one place to the end of another.
pub(crate) fn join(from: Span, to: Span) -> Span {
    Span {
        start: from.start,
        end: to.end.max(from.end),
    }
}
