//! What was typed: the syntax tree, a span on every node. Names are unresolved here; `plan` resolves them into types in
//! which an unresolved name cannot stand.

/// A half-open range of byte offsets in the query text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Something with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The thing.
    pub node: T,
    /// Where it was typed.
    pub span: Span,
}

/// A whole query: where it starts from, then calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What the chain starts from.
    pub source: Source,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The whole text.
    pub span: Span,
}

/// What a chain starts from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Nothing, `dataset` or `view`: all samples.
    All,
    /// `view("name")`: a saved view.
    Saved(Spanned<String>),
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A stage, an aggregation or an operator; which one is decided when it is planned.
    Call(Call),
    /// `[a:b]`
    Slice {
        /// The first row.
        start: Option<Expr>,
        /// The row after the last.
        end: Option<Expr>,
        /// The brackets and what is in them.
        span: Span,
    },
    /// A bare expression, shorthand for `match(...)`.
    Bare(Expr),
}

/// `name(arguments)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name.
    pub name: Spanned<String>,
    /// The arguments, as typed.
    pub args: Vec<Argument>,
    /// Name to closing parenthesis.
    pub span: Span,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The keyword, if one was given.
    pub name: Option<Spanned<String>>,
    /// The value.
    pub value: Expr,
}

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was typed.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// `[a, b]`, also `(a, b)`.
    List(Vec<Expr>),
    /// `{key: value}`.
    Dict(Vec<(Expr, Expr)>),
    /// `F("a.b")`, `F()`, `F("$a.b")`, or a bare `a.b`.
    Field(FieldRef),
    /// `VALUE`, the accumulator of `reduce`.
    Accumulator,
    /// `-x`, `~x`, `not x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a & b`, ...
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a < b <= c`: a first operand, then operators with operands; at least one.
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    /// `x[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `x[a:b]`
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `x.name(arguments)`
    Method(Box<Expr>, Call),
    /// `x("a.b")`: a field below an expression that gives documents.
    Subfield(Box<Expr>, Vec<String>),
    /// `name(arguments)`: `any([...])`, `rand()`, `E(...)`. A stage object comes without its prefix and in snake case:
    /// `fo.SortBy("x")` is `sort_by("x")`. Dates, ids, `float("nan")` and `timedelta(...)` have become literals.
    Call(Call),
    /// A chain as an argument: `select(dataset.limit(3))`.
    Chain(Box<Query>),
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`, `null`
    Null,
    /// `True`, `true`
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// Milliseconds since 1970, UTC: `datetime(...)`.
    DateTime(i64),
    /// Days since 1970: `date(...)`.
    Date(i32),
    /// `ObjectId("...")`
    Id([u8; 12]),
}

/// A reference to a field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRef {
    /// The names between dots; empty for `F()`.
    pub path: Vec<String>,
    /// Pinned to the root sample by a leading `$`.
    pub root: bool,
    /// Typed as a bare name rather than with `F`.
    pub bare: bool,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `~` or `not`
    Not,
}

/// Operators with two operands that are not comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `&`, `and`
    And,
    /// `|`, `or`
    Or,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `**`
    Pow,
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

impl Expr {
    /// Calls `visit` with each expression directly below this one, in order of the text. Chains below are not entered.
    pub fn children<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Field(_)
            | ExprKind::Accumulator
            | ExprKind::Chain(_) => {}
            ExprKind::List(items) => items.iter().for_each(visit),
            ExprKind::Dict(pairs) => pairs.iter().for_each(|(key, value)| {
                visit(key);
                visit(value);
            }),
            ExprKind::Unary(_, inner) | ExprKind::Subfield(inner, _) => visit(inner),
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
                visit(left);
                visit(right);
            }
            ExprKind::Compare(first, rest) => {
                visit(first);
                rest.iter().for_each(|(_, operand)| visit(operand));
            }
            ExprKind::Slice(inner, start, end) => {
                visit(inner);
                start.iter().chain(end).for_each(|bound| visit(bound));
            }
            ExprKind::Method(inner, call) => {
                visit(inner);
                call.args.iter().for_each(|arg| visit(&arg.value));
            }
            ExprKind::Call(call) => call.args.iter().for_each(|arg| visit(&arg.value)),
        }
    }

    /// The chain this is where a view is expected: `dataset.limit(3)`, and also `limit(3)` and `match(x).limit(3)`,
    /// which read as calls and methods elsewhere; `None` if it is nothing of the kind.
    pub fn to_chain(&self) -> Option<Query> {
        let mut steps = Vec::new();
        let mut at = self;
        let source = loop {
            at = match &at.kind {
                ExprKind::Chain(query) => {
                    steps.extend(query.steps.iter().rev().cloned());
                    break query.source.clone();
                }
                ExprKind::Call(call) => {
                    steps.push(Step::Call(call.clone()));
                    break Source::All;
                }
                ExprKind::Method(inner, call) => {
                    steps.push(Step::Call(call.clone()));
                    inner
                }
                ExprKind::Slice(inner, start, end) => {
                    let own = |bound: &Option<Box<Expr>>| bound.as_deref().cloned();
                    let span = Span {
                        start: inner.span.end,
                        end: at.span.end,
                    };
                    steps.push(Step::Slice {
                        start: own(start),
                        end: own(end),
                        span,
                    });
                    inner
                }
                _ => return None,
            };
        };
        steps.reverse();
        Some(Query {
            source,
            steps,
            span: self.span,
        })
    }
}
