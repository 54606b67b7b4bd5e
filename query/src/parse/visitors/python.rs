//! Python beyond expressions: statements, lambda, conditional expressions, comprehensions, unpacking.

use super::super::cursor::{Node, Parsed, Parser, join};
use super::super::tokens::{Kind, Token};
use super::receiver;
use crate::diagnostic::Diagnostic;
use crate::syntax::{CompareOp, Expr, ExprKind, Span};

/// Words that cannot begin a value and cannot be bare fields.
pub(crate) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "or"
            | "not"
            | "in"
            | "is"
            | "lambda"
            | "if"
            | "else"
            | "elif"
            | "for"
            | "import"
            | "def"
            | "return"
            | "class"
            | "while"
            | "with"
            | "assert"
            | "del"
            | "global"
            | "pass"
            | "raise"
            | "try"
            | "yield"
            | "await"
            | "async"
            | "function"
    )
}

/// `*` or `**` where a value was expected.
pub(crate) fn star(parser: &mut Parser<'_>, token: Token) -> Diagnostic {
    let word = parser.word(token).to_owned();
    let alone = matches!(parser.look(1).kind, Kind::Symbol(")" | ",") | Kind::End);
    if alone {
        parser.advance();
        let edited = if parser.at_symbol(",") {
            join(token.span, parser.peek().span)
        } else {
            token.span
        };
        return Diagnostic::new(
            "star",
            format!("`{word}` does not stand for all fields here"),
            token.span,
            "not a value",
        )
        .hint(
            "leave it out: `count()` counts samples, and a view has all \
fields unless `select_fields([...])` says less",
        )
        .edit(edited, "");
    }
    Diagnostic::new(
        "star",
        format!("nothing is unpacked with `{word}` here"),
        token.span,
        "not a value",
    )
    .hint("write the arguments one by one")
}

/// `for` after an item.
pub(crate) fn comprehension(span: Span) -> Diagnostic {
    Diagnostic::new(
        "no-loops",
        "there are no loops or comprehensions here",
        span,
        "expected `,` or the closing bracket",
    )
    .hint(
        "`[x.label for x in items if x.confidence > 0.5]` is \
`items.filter(F(\"confidence\") > 0.5).map(F(\"label\"))`",
    )
}

impl Parser<'_> {
    /// `view = dataset...`, `let view = ...`: drops the name before a chain.
    pub(crate) fn skip_assignment(&mut self) {
        let start = self.peek().span;
        let declared = ["let", "const", "var"]
            .iter()
            .any(|word| self.is_word(0, word))
            && self.look(1).kind == Kind::Name;
        let at = usize::from(declared);
        if self.look(at).kind != Kind::Name
            || !(self.is_at(at + 1, "=") || matches!(self.look(at + 1).kind, Kind::Foreign(":=")))
        {
            return;
        }
        let next = self.look(at + 2);
        let word = self.word(next);
        let chain = next.kind == Kind::Name
            && (matches!(word, "dataset" | "view" | "fo" | "foe")
                || self.is_at(at + 3, "(") && !matches!(word, "datetime" | "date" | "ObjectId"))
            || self.is_at(at + 2, "(")
                && (self.is_word(at + 3, "dataset") || self.is_word(at + 3, "view"));
        if !chain && !declared {
            return;
        }
        let name = self.word(self.look(at)).to_owned();
        let span = join(start, self.look(at + 1).span);
        let edit = Span {
            start: start.start,
            end: next.span.start,
        };
        let problem = Diagnostic::new(
            "assignment",
            "a query has no variables",
            span,
            format!("`{name}` cannot be given a value"),
        );
        self.note(
            problem
                .hint(format!(
                    "remove `{} `; `save_view(\"{name}\")` at the end keeps a view by name",
                    self.slice(span)
                ))
                .edit(edit, ""),
        );
        self.advance_by(at + 2);
    }

    /// A keyword where a value was expected.
    pub(crate) fn keyword(&mut self, token: Token) -> Parsed<Node> {
        let word = self.word(token);
        match word {
            "lambda" => return self.lambda(token),
            "function" if self.is_at(1, "(") => {
                let problem = Diagnostic::new(
                    "no-functions",
                    "there are no functions here",
                    token.span,
                    "expected an expression",
                );
                return self.fail(problem.hint(
                    "write the condition itself, with `F()` for the element: `filter(F() > 1)`",
                ));
            }
            _ => {}
        }
        let problem = match word {
            "and" | "or" | "in" | "is" => Diagnostic::new(
                "expected-value",
                format!("`{word}` needs a value on its left"),
                token.span,
                "nothing stands before it",
            )
            .hint(format!("write what stands left of `{word}`")),
            "if" | "else" | "elif" => Diagnostic::new(
                "no-statements",
                format!("there is no `{word}` here"),
                token.span,
                "expected a value",
            )
            .hint("choose between values with `condition.if_else(a, b)`"),
            "for" | "while" => Diagnostic::new(
                "no-loops",
                "there are no loops here",
                token.span,
                "expected a value",
            )
            .hint(
                "a query speaks about all samples at once; lists have \
`.map(...)` and `.filter(...)`",
            ),
            "import" => Diagnostic::new(
                "no-statements",
                "nothing is imported here",
                token.span,
                "expected a query",
            )
            .hint("remove the line: `F`, `E`, `VALUE`, `datetime` and `ObjectId` are known"),
            _ => Diagnostic::new(
                "no-statements",
                format!(
                    "`{word}` is a statement; a query is one expression or one \
chain"
                ),
                token.span,
                "expected a value",
            )
            .hint(
                "write the condition or the chain alone; a field of this \
name is `F(\"...\")`",
            ),
        };
        self.fail(problem)
    }

    /// `lambda x: x > 1`: the body is read, the parameter becomes `F()`.
    fn lambda(&mut self, token: Token) -> Parsed<Node> {
        self.advance();
        let name = self.peek();
        let simple = name.kind == Kind::Name && self.is_at(1, ":");
        let problem = Diagnostic::new(
            "no-functions",
            "there are no functions here; an expression is written as it is",
            token.span,
            "expected an expression",
        );
        if !simple {
            return self.fail(problem.hint(
                "write the condition itself, with `F()` for the element: `filter(F() > 1)`",
            ));
        }
        let parameter = self.word(name).to_owned();
        self.advance();
        self.advance();
        let body_start = self.peek().span.start;
        let body = self.nested(Self::expression)?;
        let mut problem = problem.edit(
            Span {
                start: token.span.start,
                end: body_start,
            },
            "",
        );
        let mut write = self.slice(body.expr.span).to_owned();
        let mut places = Vec::new();
        parameter_places(&body.expr, &parameter, &mut places);
        for (span, text) in places.into_iter().rev() {
            let (from, to) = (
                span.start - body.expr.span.start,
                span.end - body.expr.span.start,
            );
            write.replace_range(from..to, text);
            problem = problem.edit(span, text);
        }
        self.note(problem.hint(format!("write `{write}`")));
        Ok(body)
    }

    /// After a condition: Python's `a if c else b` and C's `c ? a : b`.
    pub(crate) fn after_condition(&mut self, node: Node) -> Parsed<Node> {
        let token = self.peek();
        let (condition, yes, no) = if self.is_word(0, "if") && !self.is_at(1, "=") {
            self.advance();
            let condition = self.operand_after(token, super::super::level::OR)?;
            if !self.is_word(0, "else") {
                let problem = Diagnostic::new(
                    "no-statements",
                    "this `if` has no `else`",
                    token.span,
                    "expected `else` later",
                );
                return self
                    .fail(problem.hint("choose between values with `condition.if_else(a, b)`"));
            }
            let word = self.advance();
            let no = self.nested(|p| p.operand_after(word, super::super::level::OR))?;
            (condition, node, no)
        } else if matches!(token.kind, Kind::Foreign("?")) {
            self.advance();
            let yes = self.nested(Self::expression)?;
            let Some(colon) = self.take(":") else {
                let problem = Diagnostic::new(
                    "foreign-operator",
                    "`?` is not an operator here",
                    token.span,
                    "another language's operator",
                );
                return self
                    .fail(problem.hint("choose between values with `condition.if_else(a, b)`"));
            };
            let no = self.nested(|p| p.operand_after(colon, super::super::level::OR))?;
            (node, yes, no)
        } else {
            return Ok(node);
        };
        let parts = [&condition, &yes, &no].map(|node| node.expr.span);
        let whole = Span {
            start: parts.iter().map(|span| span.start).min().unwrap_or(0),
            end: parts.iter().map(|span| span.end).max().unwrap_or(0),
        };
        let write = format!(
            "{}.if_else({}, {})",
            receiver(self, &condition.expr),
            self.slice(yes.expr.span),
            self.slice(no.expr.span)
        );
        let problem = Diagnostic::new(
            "foreign-operator",
            "values are not chosen by an operator here",
            token.span,
            "a method here",
        );
        self.note(problem.hint(format!("write `{write}`")).edit(whole, write));
        let depth = condition.depth.max(yes.depth).max(no.depth);
        let kind = ExprKind::Compare(
            Box::new(condition.expr),
            vec![(CompareOp::Eq, yes.expr), (CompareOp::Eq, no.expr)],
        );
        self.node(kind, whole, depth)
    }
}

/// Where a lambda's parameter stands in its body, and what stands there instead.
fn parameter_places(expr: &Expr, parameter: &str, out: &mut Vec<(Span, &'static str)>) {
    match &expr.kind {
        ExprKind::Field(field)
            if field.bare && field.path.first().is_some_and(|name| name == parameter) =>
        {
            let end = expr.span.start + parameter.len();
            if field.path.len() == 1 {
                out.push((
                    Span {
                        start: expr.span.start,
                        end,
                    },
                    "F()",
                ));
            } else {
                out.push((
                    Span {
                        start: expr.span.start,
                        end: end + 1,
                    },
                    "",
                ));
            }
        }
        _ => expr.children(&mut |child| parameter_places(child, parameter, out)),
    }
}
