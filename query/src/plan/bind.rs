//! Arguments to parameters, by position and by keyword, as in Python; and the readers that stages use to take them.

use super::{Expr, Planner};
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::signature::{Arg, Kind, Param, Signature};
use crate::syntax::{self, Call, ExprKind, Span};

/// The arguments of one call, bound to the parameters of its signature.
#[derive(Debug)]
pub struct Arguments<'q> {
    /// The signature they are bound to.
    pub signature: &'static Signature,
    /// One for each parameter.
    pub given: Vec<Option<&'q syntax::Expr>>,
    /// Further positional arguments of a variadic member.
    pub rest: Vec<&'q syntax::Expr>,
    /// The whole call.
    pub span: Span,
}

impl<'q> Arguments<'q> {
    /// The argument given for a parameter.
    pub fn get(&self, name: &str) -> Option<&'q syntax::Expr> {
        let at = self
            .signature
            .params
            .iter()
            .position(|param| param.name == name)?;
        self.given.get(at).copied().flatten()
    }

    /// The argument's place, or the call's where the default stands.
    pub fn span_of(&self, name: &str) -> Span {
        self.get(name).map_or(self.span, |expr| expr.span)
    }

    /// The parameter's declaration and its argument.
    pub fn param(&self, name: &str) -> Option<(&'static Param, Option<&'q syntax::Expr>)> {
        Some((self.signature.param(name)?, self.get(name)))
    }
}

impl Planner<'_> {
    /// Binds a call's arguments; every mistake in them is reported.
    pub(crate) fn bind<'q>(
        &mut self,
        signature: &'static Signature,
        call: &'q Call,
        variadic: bool,
    ) -> Option<Arguments<'q>> {
        let params = signature.params;
        let mut given: Vec<Option<&syntax::Expr>> = vec![None; params.len()];
        let mut rest = Vec::new();
        let before = self.mistakes.len();
        let mut next = 0;
        let room = match signature.variadic().filter(|_| variadic) {
            Some(at) => at + 1,
            None => params.len(),
        };
        for argument in &call.args {
            let at = match &argument.name {
                None if next < room => {
                    next += 1;
                    next - 1
                }
                None if variadic => {
                    rest.push(&argument.value);
                    continue;
                }
                None => {
                    let count = params.len();
                    let several = params
                        .first()
                        .filter(|param| is_list(&param.kind) && argument.name.is_none())
                        .map(|_| {
                            let given = call.args.iter().filter(|one| one.name.is_none());
                            let given: Vec<&str> =
                                given.map(|one| self.snippet(one.value.span)).collect();
                            format!(
                                "several go in a list: {}([{}])",
                                signature.name,
                                given.join(", ")
                            )
                        });
                    let mut mistake = Diagnostic::new(
                        "too-many-arguments",
                        format!(
                            "`{}` takes {} and was given more",
                            signature.name,
                            match count {
                                0 => "no arguments".to_owned(),
                                1 => "one argument".to_owned(),
                                n => format!("at most {n} arguments"),
                            }
                        ),
                        argument.value.span,
                        "one too many",
                    )
                    .hint(format!("it is {}", signature.usage()));
                    if let Some(hint) = several.or_else(|| longer_name(signature)) {
                        mistake = mistake.hint(hint);
                    }
                    self.report(mistake);
                    continue;
                }
                Some(name) => match params.iter().position(|param| param.name == name.node) {
                    Some(at) => at,
                    None => {
                        let names: Vec<&str> = params.iter().map(|p| p.name).collect();
                        self.report(
                            Diagnostic::new(
                                "unknown-argument",
                                format!("`{}` has no parameter `{}`", signature.name, name.node),
                                name.span,
                                "unknown parameter",
                            )
                            .candidates(&name.node, names)
                            .hint(format!("it is {}", signature.usage())),
                        );
                        continue;
                    }
                },
            };
            if given[at].is_some() {
                self.report(Diagnostic::new(
                    "duplicate-argument",
                    format!(
                        "`{}` of `{}` is given twice",
                        params[at].name, signature.name
                    ),
                    argument.value.span,
                    "given again here",
                ));
                continue;
            }
            given[at] = Some(&argument.value);
        }
        for (param, value) in params.iter().zip(&given) {
            if value.is_none() && param.default.arg().is_none() {
                self.report(
                    Diagnostic::new(
                        "missing-argument",
                        format!(
                            "`{}` needs `{}`: {}",
                            signature.name,
                            param.name,
                            param.kind.describe()
                        ),
                        call.name.span,
                        format!("`{}` is missing", param.name),
                    )
                    .hint(format!("it is {}", signature.usage())),
                );
            }
        }
        let fine = self.mistakes.len() == before;
        fine.then_some(Arguments {
            signature,
            given,
            rest,
            span: call.span,
        })
    }

    /// The value of a parameter that takes a literal, checked against its kind; the default where none is given.
    pub fn literal(&mut self, args: &Arguments<'_>, name: &str) -> Option<Arg> {
        let (param, given) = args.param(name)?;
        match given {
            None => param.default.arg(),
            Some(expr) => self.admit(&param.kind, expr, param.name, args.signature.name),
        }
    }

    /// An expression as an argument of a kind that is a literal.
    pub(crate) fn admit(
        &mut self,
        kind: &Kind,
        expr: &syntax::Expr,
        param: &str,
        of: &str,
    ) -> Option<Arg> {
        let wanted = field_kind(kind);
        if wanted && let ExprKind::Field(field) = &expr.kind {
            return Some(Arg::Text(field.path.join(".")));
        }
        if let (true, ExprKind::List(items)) = (wanted, &expr.kind) {
            let items = items.iter().map(|item| self.admit(kind, item, param, of));
            let items: Vec<Option<Arg>> = items.collect();
            let items = items.into_iter().collect::<Option<Vec<_>>>()?;
            let flat = items.into_iter().flat_map(|item| match item {
                Arg::List(items) => items,
                other => vec![other],
            });
            return Some(Arg::List(flat.collect()));
        }
        let value = self.constant(expr)?;
        let Some(arg) = as_arg(&value) else {
            return self.refuse(bad_argument(
                param,
                of,
                &format!("must be {}", kind.describe()),
                expr.span,
            ));
        };
        match kind.admit(&arg) {
            Ok(arg) => Some(arg),
            Err(problem) => self.refuse(bad_argument(param, of, &problem, expr.span)),
        }
    }

    /// The value of an expression that must be a literal.
    pub(crate) fn constant(&mut self, expr: &syntax::Expr) -> Option<Datum> {
        if let Some(value) = super::constant::mixed(expr) {
            return Some(value);
        }
        let planned = self.expr(expr)?;
        match planned.constant() {
            Some(value) => Some(value),
            None => self.refuse(Diagnostic::new(
                "not-a-literal",
                "a literal is needed here, not something that differs from sample to sample",
                expr.span,
                "not a literal",
            )),
        }
    }

    /// A parameter that is `True` or `False`.
    pub fn bool(&mut self, args: &Arguments<'_>, name: &str) -> Option<bool> {
        match self.literal(args, name)? {
            Arg::Bool(value) => Some(value),
            _ => Some(false),
        }
    }

    /// A parameter that is `True`, `False` or `None`.
    pub fn maybe_bool(&mut self, args: &Arguments<'_>, name: &str) -> Option<Option<bool>> {
        Some(match self.literal(args, name)? {
            Arg::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// A parameter that is a whole number or `None`.
    pub fn maybe_int(&mut self, args: &Arguments<'_>, name: &str) -> Option<Option<i64>> {
        Some(match self.literal(args, name)? {
            Arg::Int(value) => Some(value),
            _ => None,
        })
    }

    /// A parameter that is a whole number.
    pub fn int(&mut self, args: &Arguments<'_>, name: &str) -> Option<i64> {
        Some(self.maybe_int(args, name)?.unwrap_or(0))
    }

    /// A parameter that is a text or `None`.
    pub fn maybe_text(&mut self, args: &Arguments<'_>, name: &str) -> Option<Option<String>> {
        Some(match self.literal(args, name)? {
            Arg::Text(value) => Some(value),
            _ => None,
        })
    }

    /// A parameter that is one text or several.
    pub fn texts(&mut self, args: &Arguments<'_>, name: &str) -> Option<Vec<String>> {
        let items = match self.literal(args, name)? {
            Arg::List(items) => items,
            Arg::Null => Vec::new(),
            one => vec![one],
        };
        Some(
            items
                .into_iter()
                .filter_map(|item| match item {
                    Arg::Text(text) => Some(text),
                    _ => None,
                })
                .collect(),
        )
    }

    /// A parameter that is a field by name or any expression: a text is a name.
    pub fn field_or_expr(&mut self, expr: &syntax::Expr) -> Option<Expr> {
        match &expr.kind {
            ExprKind::Literal(syntax::Literal::Text(name)) => self.path(name, expr.span),
            _ => self.expr(expr),
        }
    }
}

fn is_list(kind: &Kind) -> bool {
    match kind {
        Kind::List(_) => true,
        Kind::Optional(inner) => is_list(inner),
        _ => false,
    }
}

fn field_kind(kind: &Kind) -> bool {
    match kind {
        Kind::Field(_) => true,
        Kind::Optional(inner) | Kind::List(inner) => field_kind(inner),
        _ => false,
    }
}

/// The diagnostic for an argument that its parameter does not admit.
pub(crate) fn bad_argument(param: &str, of: &str, problem: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        "bad-argument",
        format!("`{param}` of `{of}` {problem}"),
        span,
        "this argument",
    )
}

/// A literal value as an argument; dates and ids as text.
pub(crate) fn as_arg(value: &Datum) -> Option<Arg> {
    Some(match value {
        Datum::Null => Arg::Null,
        Datum::Bool(x) => Arg::Bool(*x),
        Datum::Int(x) => Arg::Int(*x),
        Datum::Float(x) => Arg::Float(*x),
        Datum::Text(x) => Arg::Text(x.clone()),
        Datum::Id(x) => Arg::Text(messier_store::SampleId(*x).to_string()),
        Datum::DateTime(x) => Arg::Text(crate::columns::moment_text(*x)),
        Datum::List(items) => Arg::List(items.iter().map(as_arg).collect::<Option<_>>()?),
        Datum::Date(_) | Datum::Vector(_) | Datum::Struct(_) => return None,
    })
}

/// For a name that takes nothing, the one that begins with it and takes something: `keep_fields` for `keep`.
fn longer_name(signature: &Signature) -> Option<String> {
    let of_stages = crate::stages::all().map(|stage| stage.signature());
    let of_edits = crate::edits::all().map(|edit| edit.signature());
    let longer = of_stages.chain(of_edits).find(|other| {
        signature.params.is_empty()
            && other.params.len() == 1
            && other
                .name
                .strip_prefix(signature.name)
                .is_some_and(|rest| rest.starts_with('_'))
    })?;
    Some(format!("`{}` takes them: {}", longer.name, longer.usage()))
}
