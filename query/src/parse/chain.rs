//! A query: where it starts, then calls and slices. A bare expression is one step.

use super::cursor::{Node, Parsed, Parser, join};
use super::tokens::Kind;
use super::{names, visitors};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Call, ExprKind, Literal, Query, Source, Span, Spanned, Step};

impl Parser<'_> {
    /// The whole text.
    pub(crate) fn query(&mut self) -> Query {
        let all = Span {
            start: 0,
            end: self.text.len(),
        };
        if let Some(problem) = visitors::sql::statement(self) {
            self.note(problem);
            return Query {
                source: Source::All,
                steps: Vec::new(),
                span: all,
            };
        }
        self.skip_assignment();
        let mut query = match self.query_start() {
            Ok(query) => query,
            Err(_) => {
                self.skip_step();
                Query {
                    source: Source::All,
                    steps: Vec::new(),
                    span: all,
                }
            }
        };
        loop {
            while self.at_symbol(".") || self.at_symbol("[") {
                self.steps(&mut query.steps);
            }
            if self.peek().kind == Kind::End {
                break;
            }
            let place = self.place();
            self.after_query(&query);
            self.skip_step();
            self.moved_since(place);
        }
        query.span = all;
        visitors::inspect(self, &query);
        query
    }

    /// The source with its steps, or a bare expression.
    fn query_start(&mut self) -> Parsed<Query> {
        let mut query = Query {
            source: Source::All,
            steps: Vec::new(),
            span: Span::default(),
        };
        let token = self.peek();
        match token.kind {
            Kind::End => return Ok(query),
            Kind::Name if self.begins_chain() => {
                let (step, _) = self.step_call()?;
                query.steps.push(Step::Call(step));
                self.steps(&mut query.steps);
                return Ok(query);
            }
            Kind::Symbol(".") if self.look(1).kind == Kind::Name => {
                let problem = Diagnostic::new(
                    "leading-dot",
                    "nothing stands before this dot",
                    token.span,
                    "a query begins with a name",
                );
                self.note(
                    problem
                        .hint("remove the dot, or write `dataset` before it")
                        .edit(token.span, ""),
                );
                return Ok(query);
            }
            _ => {}
        }
        let node = self.expression()?;
        Ok(match node.expr.kind {
            ExprKind::Chain(chain) => *chain,
            _ => {
                self.check_bare(&node.expr);
                query.steps.push(Step::Bare(node.expr));
                query
            }
        })
    }

    /// Whether the text goes on as `stage(`, with or without `fo.`.
    fn begins_chain(&self) -> bool {
        let ahead =
            if matches!(self.word(self.peek()), "fo" | "foe" | "fiftyone") && self.is_at(1, ".") {
                2
            } else {
                0
            };
        let word = self.word(self.look(ahead));
        self.look(ahead).kind == Kind::Name
            && self.is_at(ahead + 1, "(")
            && names::begins_chain(word)
    }

    /// The first call of a chain that has no source.
    fn step_call(&mut self) -> Parsed<(Call, u16)> {
        if self.is_at(1, ".") {
            self.advance();
            self.advance();
        }
        let token = self.advance();
        let name = Spanned {
            node: names::call_name(self.word(token)),
            span: token.span,
        };
        self.finish_step(name)
    }

    pub(crate) fn finish_step(&mut self, name: Spanned<String>) -> Parsed<(Call, u16)> {
        let (args, depth) = self.arguments(&name.node)?;
        let span = join(name.span, self.gap());
        let call = Call { name, args, span };
        self.check_step(&call);
        Ok((call, depth))
    }

    /// Calls and slices for as long as they go on; a bad one is skipped.
    /// Gives how deep the deepest expression in them is.
    pub(crate) fn steps(&mut self, steps: &mut Vec<Step>) -> u16 {
        let mut deepest = 0;
        while self.at_symbol(".") || self.at_symbol("[") {
            match self.step() {
                Ok((step, depth)) => {
                    deepest = deepest.max(depth);
                    steps.push(step);
                }
                Err(_) => self.skip_step(),
            }
        }
        deepest
    }

    fn step(&mut self) -> Parsed<(Step, u16)> {
        if self.at_symbol("[") {
            return self.step_slice();
        }
        let dot = self.advance();
        let token = self.peek();
        if token.kind != Kind::Name {
            return self.no_member(dot, token);
        }
        self.advance();
        let name = Spanned {
            node: names::call_name(self.word(token)),
            span: token.span,
        };
        if !self.at_symbol("(") {
            let problem = Diagnostic::new(
                "not-called",
                format!("`{}` is not called", name.node),
                token.span,
                "expected `(` after it",
            );
            return self.fail(problem.hint(format!("write `{}(...)`", name.node)));
        }
        self.finish_step(name)
            .map(|(call, depth)| (Step::Call(call), depth))
    }

    fn step_slice(&mut self) -> Parsed<(Step, u16)> {
        let open = self.advance();
        let (start, end, colon, depth) = self.nested(|p| p.slice_bounds(open))?;
        let span = join(open.span, self.gap());
        if colon {
            return Ok((Step::Slice { start, end, span }, depth));
        }
        let problem = visitors::pandas::view_index(start.as_ref(), span);
        self.fail(problem)
    }

    /// `dataset...`, `view...` or `view("name")...` inside an expression.
    pub(crate) fn chain_argument(&mut self) -> Parsed<Node> {
        let token = self.advance();
        let mut source = Source::All;
        if self.at_symbol("(") {
            let (args, _) = self.arguments("view")?;
            let span = join(token.span, self.gap());
            match args.as_slice() {
                [one]
                    if one.name.is_none()
                        && matches!(one.value.kind, ExprKind::Literal(Literal::Text(_))) =>
                {
                    if let ExprKind::Literal(Literal::Text(name)) = &one.value.kind {
                        source = Source::Saved(Spanned {
                            node: name.clone(),
                            span: one.value.span,
                        });
                    }
                }
                _ => {
                    let problem = Diagnostic::new(
                        "bad-view",
                        "`view(...)` takes the name of a saved view",
                        span,
                        "expected one text",
                    );
                    self.note(
                        problem.hint(
                            "write `view(\"night shots\")`; `view` alone is the whole dataset",
                        ),
                    );
                }
            }
        }
        let mut query = Query {
            source,
            steps: Vec::new(),
            span: token.span,
        };
        let depth = self.steps(&mut query.steps);
        self.chain_node(query, join(token.span, self.gap()), depth)
    }

    /// More steps after a chain in parentheses.
    pub(crate) fn chain_goes_on(&mut self, node: Node) -> Parsed<Node> {
        let ExprKind::Chain(mut query) = node.expr.kind else {
            return Ok(node);
        };
        let depth = self.steps(&mut query.steps).max(node.depth);
        let span = join(node.expr.span, self.gap());
        self.chain_node(*query, span, depth)
    }

    fn chain_node(&mut self, mut query: Query, span: Span, depth: u16) -> Parsed<Node> {
        query.span = span;
        self.node(ExprKind::Chain(Box::new(query)), span, depth)
    }
}
