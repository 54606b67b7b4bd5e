//! The arguments of a call: positional, then keywords; a bad one does not hide the others.

use super::cursor::{Parsed, Parser};
use super::tokens::Kind;
use super::visitors;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Argument, Span, Spanned};

impl Parser<'_> {
    /// `(a, b, name=c)` of the call `callee`, and how deep the deepest argument is.
    pub(crate) fn arguments(&mut self, callee: &str) -> Parsed<(Vec<Argument>, u16)> {
        self.nested(|p| p.argument_list(callee))
    }

    fn argument_list(&mut self, callee: &str) -> Parsed<(Vec<Argument>, u16)> {
        self.advance();
        let (mut args, mut depth): (Vec<Argument>, u16) = (Vec::new(), 0);
        while !self.at_symbol(")") && self.peek().kind != Kind::End {
            let place = self.place();
            match self.argument(callee) {
                Ok((arg, below)) => {
                    depth = depth.max(below);
                    self.check_order(&args, &arg);
                    args.push(arg);
                    if !self.at_symbol(",") && !self.at_symbol(")") {
                        self.between_items(")");
                        self.skip_item();
                    }
                }
                Err(_) => self.skip_item(),
            }
            if self.take(",").is_some() && self.at_symbol(",") {
                let span = self.here();
                self.note(
                    Diagnostic::new(
                        "expected-value",
                        "an argument is missing here",
                        span,
                        "expected a value",
                    )
                    .hint("remove one of the commas"),
                );
                while self.take(",").is_some() {}
            }
            self.moved_since(place);
        }
        self.advance();
        Ok((args, depth))
    }

    fn argument(&mut self, callee: &str) -> Parsed<(Argument, u16)> {
        let token = self.peek();
        let colon = token.kind == Kind::Name && self.is_at(1, ":");
        if colon {
            let place = self.look(1).span;
            let problem = Diagnostic::new(
                "stray-colon",
                "a parameter is given with `=`",
                place,
                "expected `=`",
            );
            let write = format!("{}=", self.word(token));
            let span = Span {
                start: token.span.start,
                end: self.look(2).span.start,
            };
            self.note(
                problem
                    .hint(format!("write `{write}...`"))
                    .edit(span, write),
            );
        }
        let keyword = colon
            || token.kind == Kind::Name
                && self.is_at(1, "=")
                && (!visitors::operators::takes_condition(callee)
                    || matches!(self.word(token), "filter" | "expr"));
        if !keyword {
            let node = self.expression()?;
            return Ok((
                Argument {
                    name: None,
                    value: node.expr,
                },
                node.depth,
            ));
        }
        self.advance();
        let equals = self.advance();
        let name = Spanned {
            node: self.word(token).to_owned(),
            span: token.span,
        };
        if matches!(self.peek().kind, Kind::End | Kind::Symbol("," | ")")) {
            let span = Span {
                start: token.span.start,
                end: equals.span.end,
            };
            let problem = Diagnostic::new(
                "expected-value",
                format!("`{}=` has no value", name.node),
                span,
                "nothing follows",
            );
            return self.fail(problem.hint("write a value after `=`, or remove the parameter"));
        }
        let node = self.expression()?;
        Ok((
            Argument {
                name: Some(name),
                value: node.expr,
            },
            node.depth,
        ))
    }

    fn check_order(&mut self, before: &[Argument], arg: &Argument) {
        let problem = match &arg.name {
            None => before
                .iter()
                .rev()
                .find_map(|one| one.name.as_ref())
                .map(|keyword| {
                    Diagnostic::new(
                        "positional-after-keyword",
                        format!(
                            "this value stands after `{}=`, so it is not clear which \
parameter it is for",
                            keyword.node
                        ),
                        arg.value.span,
                        "has no name",
                    )
                    .hint("give it its name, or put it before the named ones")
                }),
            Some(name) => before
                .iter()
                .filter_map(|one| one.name.as_ref())
                .any(|one| one.node == name.node)
                .then(|| {
                    Diagnostic::new(
                        "given-twice",
                        format!("`{}` is given twice", name.node),
                        name.span,
                        "given before",
                    )
                    .hint("remove one of the two")
                }),
        };
        if let Some(problem) = problem {
            self.note(problem);
        }
    }
}
