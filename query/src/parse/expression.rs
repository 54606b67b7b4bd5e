//! Operators by precedence climbing, with the precedence Python gives each spelling: `and` below `==`, `&` above it.

use super::cursor::{Node, Parsed, Parser, join};
use super::escapes::int_value;
use super::tokens::{Kind, Token};
use super::visitors;
use crate::diagnostic::Diagnostic;
use crate::syntax::{BinaryOp, CompareOp, Expr, ExprKind, Literal, Span, UnaryOp};

/// Binding strength, weakest first. The printer uses the same numbers.
pub(crate) mod level {
    pub(crate) const OR: u8 = 1;
    pub(crate) const AND: u8 = 2;
    pub(crate) const NOT: u8 = 3;
    pub(crate) const COMPARE: u8 = 4;
    pub(crate) const BIT_OR: u8 = 5;
    pub(crate) const BIT_AND: u8 = 7;
    pub(crate) const ADD: u8 = 9;
    pub(crate) const MULTIPLY: u8 = 10;
    pub(crate) const UNARY: u8 = 11;
    pub(crate) const POWER: u8 = 12;
    pub(crate) const POSTFIX: u8 = 13;
}

/// An operator that stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Infix {
    pub(crate) level: u8,
    pub(crate) what: What,
    /// How many tokens it is written with.
    pub(crate) tokens: usize,
}

/// What an infix operator does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    Binary(BinaryOp),
    Compare(CompareOp),
    /// `is`, `is not`.
    Is(CompareOp),
    /// An operator of another language.
    Visitor,
}

impl Parser<'_> {
    /// A whole expression.
    pub(crate) fn expression(&mut self) -> Parsed<Node> {
        let node = self.binary(level::OR)?;
        self.after_condition(node)
    }

    /// Operands joined by operators that bind at least as strongly as `min`.
    pub(crate) fn binary(&mut self, min: u8) -> Parsed<Node> {
        let mut left = self.prefix()?;
        while let Some(infix) = self.infix().filter(|infix| infix.level >= min) {
            left = if infix.level == level::COMPARE {
                self.comparison(left)?
            } else {
                self.combine(left, infix)?
            };
        }
        Ok(left)
    }

    fn combine(&mut self, left: Node, infix: Infix) -> Parsed<Node> {
        let operator = self.peek();
        let What::Binary(op) = infix.what else {
            return self.foreign_infix(left, infix);
        };
        self.note_foreign_spelling(op);
        self.advance();
        let right = match op {
            BinaryOp::Pow => self.nested(|p| p.operand_after(operator, level::UNARY))?,
            _ => self.operand_after(operator, infix.level + 1)?,
        };
        self.joined(left, op, operator, right)
    }

    /// `left op right`, remembering an unparenthesised `&` or `|`.
    pub(crate) fn joined(
        &mut self,
        left: Node,
        op: BinaryOp,
        operator: Token,
        right: Node,
    ) -> Parsed<Node> {
        let span = join(left.expr.span, right.expr.span);
        let below = left.depth.max(right.depth);
        let mut tight = Vec::new();
        if self.word(operator) == "&" || self.word(operator) == "|" {
            tight = left.tight;
            tight.push(operator.span);
            tight.extend(right.tight);
        }
        let kind = ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr));
        let mut node = self.node(kind, span, below)?;
        node.tight = tight;
        Ok(node)
    }

    /// The operand that must follow `operator`.
    pub(crate) fn operand_after(&mut self, operator: Token, min: u8) -> Parsed<Node> {
        let nothing = match self.peek().kind {
            Kind::End => true,
            Kind::Symbol(symbol) => matches!(symbol, ")" | "]" | "}" | "," | "." | ":"),
            _ => false,
        };
        if nothing {
            let word = self.word(operator);
            let problem = Diagnostic::new(
                "expected-value",
                format!("`{word}` needs a value on its right"),
                operator.span,
                "nothing follows",
            );
            return self
                .fail(problem.hint(format!("write what stands right of `{word}`, or remove it")));
        }
        self.binary(min)
    }

    fn prefix(&mut self) -> Parsed<Node> {
        let token = self.peek();
        match (token.kind, self.word(token)) {
            (Kind::Symbol("-"), _) => self.minus(token),
            (Kind::Symbol("+"), _) => {
                self.advance();
                self.nested(|p| p.operand_after(token, level::UNARY))
            }
            (Kind::Symbol("~"), _) => self.negation(token, level::UNARY),
            (Kind::Name, "not") => self.negation(token, level::COMPARE),
            (Kind::Foreign("!"), _) => {
                self.note(visitors::operators::exclamation(token.span));
                self.negation(token, level::UNARY)
            }
            (Kind::Name, "NOT" | "Not") if !self.is_at(1, ".") => {
                self.note(visitors::operators::shouted(self.word(token), token.span));
                self.negation(token, level::COMPARE)
            }
            _ => self.postfix(),
        }
    }

    fn negation(&mut self, token: Token, min: u8) -> Parsed<Node> {
        self.advance();
        let operand = self.nested(|p| p.operand_after(token, min))?;
        let span = join(token.span, operand.expr.span);
        self.node(
            ExprKind::Unary(UnaryOp::Not, Box::new(operand.expr)),
            span,
            operand.depth,
        )
    }

    /// `-x`; a minus before a number is part of the number.
    fn minus(&mut self, token: Token) -> Parsed<Node> {
        self.advance();
        let number = self.peek();
        if number.kind == Kind::Int && int_value(self.word(number)) == Some(1 << 63) {
            self.advance();
            let kind = ExprKind::Literal(Literal::Int(i64::MIN));
            return self.node(kind, join(token.span, number.span), 0);
        }
        let operand = self.nested(|p| p.operand_after(token, level::UNARY))?;
        let span = join(token.span, operand.expr.span);
        let kind = match operand.expr.kind {
            ExprKind::Literal(Literal::Int(i)) if i != i64::MIN => {
                ExprKind::Literal(Literal::Int(-i))
            }
            ExprKind::Literal(Literal::Float(x)) => ExprKind::Literal(Literal::Float(-x)),
            kind => {
                let inner = Expr {
                    kind,
                    span: operand.expr.span,
                };
                return self.node(
                    ExprKind::Unary(UnaryOp::Neg, Box::new(inner)),
                    span,
                    operand.depth,
                );
            }
        };
        self.node(kind, span, 0)
    }

    /// `a < b <= c`, `x in list`, `x is None`: flat, however long.
    fn comparison(&mut self, first: Node) -> Parsed<Node> {
        let mut first = first;
        let mut rest: Vec<(CompareOp, Expr)> = Vec::new();
        let mut seen = visitors::tight::Seen::new(&first);
        let mut depth = first.depth;
        while let Some(infix) = self.infix().filter(|infix| infix.level == level::COMPARE) {
            let place = self.infix_span(infix);
            let (What::Compare(op) | What::Is(op)) = infix.what else {
                let left = if rest.is_empty() {
                    first
                } else {
                    self.compare_node(first, rest, depth)?
                };
                return self.foreign_infix(left, infix);
            };
            let operator = Token {
                kind: self.peek().kind,
                span: place,
            };
            self.note_foreign_comparison(place, &first.expr);
            self.advance_by(infix.tokens);
            let right = self.operand_after(operator, level::BIT_OR)?;
            if matches!(infix.what, What::Is(_)) {
                self.check_is(place, op, &right.expr);
            }
            seen.compared(place, &right);
            depth = depth.max(right.depth);
            rest.push((op, right.expr));
        }
        if let Some(problem) = seen.problem(self, &first, rest.last().map(|(_, expr)| expr)) {
            self.note(problem);
        }
        first.tight.clear();
        self.compare_node(first, rest, depth)
    }

    fn compare_node(
        &mut self,
        first: Node,
        rest: Vec<(CompareOp, Expr)>,
        depth: u16,
    ) -> Parsed<Node> {
        let end = rest.last().map_or(first.expr.span, |(_, expr)| expr.span);
        let span = join(first.expr.span, end);
        self.node(ExprKind::Compare(Box::new(first.expr), rest), span, depth)
    }

    /// `is` asks for `None`, `True` or `False`; anything else is compared with `==`.
    fn check_is(&mut self, place: Span, op: CompareOp, right: &Expr) {
        if !matches!(
            right.kind,
            ExprKind::Literal(Literal::Null | Literal::Bool(_))
        ) {
            let write = if op == CompareOp::Eq { "==" } else { "!=" };
            let problem = Diagnostic::new(
                "is-of-values",
                "`is` asks only for None",
                place,
                "compares identity in Python",
            );
            self.note(
                problem
                    .hint(format!("compare values with `{write}`"))
                    .edit(place, write),
            );
        }
    }

    /// The place of an infix operator of one or two tokens.
    fn infix_span(&self, infix: Infix) -> Span {
        join(
            self.peek().span,
            self.look(infix.tokens.saturating_sub(1)).span,
        )
    }

    /// The infix operator that comes next, in any language's spelling.
    pub(crate) fn infix(&self) -> Option<Infix> {
        use {BinaryOp::*, CompareOp::*, What::*};
        let token = self.peek();
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
            Kind::Symbol(symbol) => match symbol {
                "**" => one(level::POWER, Binary(Pow)),
                "*" => one(level::MULTIPLY, Binary(Mul)),
                "/" => one(level::MULTIPLY, Binary(Div)),
                "%" => one(level::MULTIPLY, Binary(Rem)),
                "+" => one(level::ADD, Binary(Add)),
                "-" => one(level::ADD, Binary(Sub)),
                "&" => one(level::BIT_AND, Binary(And)),
                "|" => one(level::BIT_OR, Binary(Or)),
                "==" => one(level::COMPARE, Compare(Eq)),
                "!=" => one(level::COMPARE, Compare(Ne)),
                "<" => one(level::COMPARE, Compare(Lt)),
                "<=" => one(level::COMPARE, Compare(Le)),
                ">" => one(level::COMPARE, Compare(Gt)),
                ">=" => one(level::COMPARE, Compare(Ge)),
                _ => visitors::operators::infix(self),
            },
            Kind::Name => match self.word(token) {
                "and" => one(level::AND, Binary(And)),
                "or" => one(level::OR, Binary(Or)),
                "in" => one(level::COMPARE, Compare(In)),
                "not" if self.is_word(1, "in") => two(level::COMPARE, Compare(NotIn)),
                "is" if self.is_word(1, "not") => two(level::COMPARE, Is(Ne)),
                "is" => one(level::COMPARE, Is(Eq)),
                _ => visitors::operators::infix(self),
            },
            Kind::Foreign(_) => visitors::operators::infix(self),
            _ => None,
        }
    }
}
