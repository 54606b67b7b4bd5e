//! Expressions: each kind of syntax to its checked node.

use super::bind::{Arguments, bad_argument};
use super::constant::of_literal;
use super::{Expr, Node, Planner};
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::functions::{self, Function, Member, MemberKind, Shape};
use crate::signature::Kind;
use crate::syntax::{self, Argument, BinaryOp, Call, ExprKind, Span, UnaryOp};
use crate::types::Type;

impl Planner<'_> {
    /// Plans an expression; `None` where a mistake has been reported.
    pub fn expr(&mut self, expr: &syntax::Expr) -> Option<Expr> {
        self.deeper(expr.span, |planner| planner.shallow(expr))
    }

    fn shallow(&mut self, expr: &syntax::Expr) -> Option<Expr> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => {
                let value = of_literal(literal);
                let ty = value.ty().unwrap_or(Type::Null);
                Some(Expr::literal(&value, ty, span))
            }
            ExprKind::List(items) => self.list(items, span),
            ExprKind::Dict(pairs) => self.dict(pairs, span),
            ExprKind::Field(field) => self.field(field, span),
            ExprKind::Accumulator => {
                let scope = self
                    .scopes
                    .iter()
                    .rev()
                    .find_map(|scope| scope.accumulator.clone());
                match scope {
                    Some(ty) => Some(Expr {
                        node: Node::Accumulator,
                        ty,
                        span,
                    }),
                    None => self.refuse(Diagnostic::new(
                        "no-accumulator",
                        "VALUE is what `reduce` has gathered so far, and there is none here",
                        span,
                        "not inside reduce",
                    )),
                }
            }
            ExprKind::Unary(op, of) => self.unary(*op, of, span),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, span),
            ExprKind::Compare(first, rest) => self.compare(first, rest, span),
            ExprKind::Index(of, at) => {
                let of = self.expr(of);
                let at = self.expr(at);
                self.function(&functions::INDEX, vec![of?, at?], span, span)
            }
            ExprKind::Slice(of, start, end) => {
                let of = self.expr(of);
                let start = self.slice_end(start.as_deref(), span);
                let end = self.slice_end(end.as_deref(), span);
                self.function(&functions::SLICE, vec![of?, start?, end?], span, span)
            }
            ExprKind::Method(receiver, call) => {
                // The name first, so that a misspelt one is reported even if the receiver is wrong too.
                let member = self.member(Shape::Method, call);
                let call = match call.name.node.as_str() {
                    "let_in" => &self.unrepeated(receiver, call),
                    _ => call,
                };
                let receiver = self.expr(receiver);
                self.member_call(member?, Some(receiver?), call, span)
            }
            ExprKind::Subfield(of, path) => {
                let of = self.expr(of)?;
                self.descend(of, path, "", span)
            }
            ExprKind::Call(call) => self.free_call(call, span),
            ExprKind::Chain(_) => self.refuse(
                Diagnostic::new(
                    "view-as-value",
                    "a view is no value",
                    span,
                    "a chain of stages",
                )
                .hint("stages that take a view are concat, select and exclude"),
            ),
        }
    }

    /// An expression in which `F()` is the value of another.
    /// `open` says whether names that the value does not have are fields of the sample.
    pub fn bound(&mut self, value: Expr, body: &syntax::Expr, open: bool) -> Option<Expr> {
        let body = self.within(value.ty.clone(), None, |planner| {
            if let Some(scope) = planner.scopes.last_mut() {
                scope.open = open;
            }
            planner.expr(body)
        })?;
        let (ty, span) = (body.ty.clone(), body.span);
        Some(Expr {
            node: Node::Bind(Box::new(value), Box::new(body)),
            ty,
            span,
        })
    }

    fn slice_end(&mut self, expr: Option<&syntax::Expr>, span: Span) -> Option<Expr> {
        match expr {
            Some(expr) => self.expr(expr),
            None => Some(Expr::literal(&Datum::Null, Type::Null, span)),
        }
    }

    fn list(&mut self, items: &[syntax::Expr], span: Span) -> Option<Expr> {
        let planned: Vec<Option<Expr>> = items.iter().map(|item| self.expr(item)).collect();
        let planned = planned.into_iter().collect::<Option<Vec<_>>>()?;
        let mut ty = Type::Null;
        for item in &planned {
            ty = match ty.unify(&item.ty) {
                Some(ty) => ty,
                None => {
                    return self.refuse(Diagnostic::new(
                        "mixed-list",
                        format!(
                            "a list holds values of one type, and this one has {ty} and {}",
                            item.ty
                        ),
                        item.span,
                        format!("{} here", item.ty),
                    ));
                }
            };
        }
        let constants: Option<Vec<Datum>> = planned.iter().map(Expr::constant).collect();
        if let Some(constants) = constants {
            return Some(Expr::literal(&Datum::List(constants), Type::list(ty), span));
        }
        let planned = planned.into_iter().map(|item| item.cast(&ty)).collect();
        Some(Expr::call(&functions::LIST, planned, Type::list(ty), span))
    }

    fn dict(&mut self, pairs: &[(syntax::Expr, syntax::Expr)], span: Span) -> Option<Expr> {
        let mistake = Diagnostic::new(
            "dict-as-value",
            "a dict is no condition and no value here",
            span,
            "a dict",
        );
        let spelling = pairs
            .iter()
            .find_map(|(key, value)| super::refuse::mongo(self, key, value));
        self.refuse(match spelling {
            Some(spelling) => mistake.hint(format!("here this is written {spelling}")),
            None => mistake.hint("dicts belong in map_values, cases, switch, map_labels"),
        })
    }

    fn unary(&mut self, op: UnaryOp, of: &syntax::Expr, span: Span) -> Option<Expr> {
        if op == UnaryOp::Neg
            && let ExprKind::Literal(literal) = &of.kind
        {
            match of_literal(literal) {
                Datum::Int(x) if x != i64::MIN => {
                    return Some(Expr::literal(&Datum::Int(-x), Type::Int, span));
                }
                Datum::Float(x) => {
                    return Some(Expr::literal(&Datum::Float(-x), Type::Float, span));
                }
                _ => {}
            }
        }
        let of = self.expr(of)?;
        match op {
            UnaryOp::Neg => self.function(&functions::NEG, vec![of], span, span),
            UnaryOp::Not => self.function(&functions::NOT, vec![of], span, span),
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        a: &syntax::Expr,
        b: &syntax::Expr,
        span: Span,
    ) -> Option<Expr> {
        let a = self.expr(a);
        let b = self.expr(b);
        let (a, b) = (a?, b?);
        let function: &'static dyn Function = match op {
            BinaryOp::And | BinaryOp::Or => return self.logic(op == BinaryOp::And, a, b, span),
            BinaryOp::Add => &functions::ADD,
            BinaryOp::Sub => &functions::SUB,
            BinaryOp::Mul => &functions::MUL,
            BinaryOp::Div => &functions::DIV,
            BinaryOp::Rem => &functions::REM,
            BinaryOp::Pow => &functions::POW,
        };
        self.function(function, vec![a, b], span, span)
    }

    /// Both or either of two conditions.
    pub(crate) fn logic(&mut self, both: bool, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        let a = self.condition(a, if both { "&" } else { "|" });
        let b = self.condition(b, if both { "&" } else { "|" });
        let (a, b) = (Box::new(a?), Box::new(b?));
        let node = if both {
            Node::And(a, b)
        } else {
            Node::Or(a, b)
        };
        Some(Expr {
            node,
            ty: Type::Bool,
            span,
        })
    }

    /// Both, or either, of several conditions; `None` of none. Joined in pairs, so that the depth of the plan grows with
    /// the logarithm of their number.
    pub(crate) fn joined(
        &mut self,
        both: bool,
        mut conditions: Vec<Expr>,
        span: Span,
    ) -> Option<Expr> {
        while conditions.len() > 1 {
            let mut pairs = Vec::with_capacity(conditions.len().div_ceil(2));
            let mut rest = conditions.into_iter();
            while let Some(a) = rest.next() {
                pairs.push(match rest.next() {
                    Some(b) => self.logic(both, a, b, span)?,
                    None => a,
                });
            }
            conditions = pairs;
        }
        conditions.pop()
    }

    /// An expression that must be a condition.
    pub fn condition(&mut self, expr: Expr, of: &str) -> Option<Expr> {
        if matches!(expr.ty, Type::Bool | Type::Null) {
            return Some(expr.cast(&Type::Bool));
        }
        let mut mistake = Diagnostic::new(
            "wrong-type",
            format!(
                "`{of}` needs a condition, and this is {}",
                super::names::article(&expr.ty)
            ),
            expr.span,
            format!("{}, not a condition", expr.ty),
        );
        let text = self.snippet(expr.span).to_owned();
        mistake = match &expr.ty {
            Type::Text if expr.constant().is_none() => {
                mistake.hint(format!("compare it: {text} == \"...\""))
            }
            Type::Int | Type::Float => mistake.hint(format!("compare it: {text} > 0")).hint(
                "`&` and `|` bind tighter than `==` and `<`: put parentheses around comparisons",
            ),
            Type::List(_) => mistake.hint(format!(
                "ask about it: {text}.length() > 0, {text}.contains(...)"
            )),
            _ => mistake.hint(format!("ask about it: {text}.exists()")),
        };
        self.refuse(mistake)
    }

    /// A function of planned arguments, the receiver first. `name` is where a mismatch of no argument is shown.
    pub(crate) fn function(
        &mut self,
        function: &'static dyn Function,
        args: Vec<Expr>,
        span: Span,
        name: Span,
    ) -> Option<Expr> {
        match function.check(&args) {
            Ok(ty) => Some(Expr::call(function, args, ty, span)),
            Err(mismatch) => {
                let called = function.signature().name;
                let (place, given) = match args.get(mismatch.arg) {
                    Some(arg) => (arg.span, super::names::article(&arg.ty)),
                    None => (name, "nothing".to_owned()),
                };
                let literal = args.get(mismatch.arg).and_then(Expr::constant).is_some();
                let text = self.snippet(place);
                // A literal is better shown than described, unless it is long.
                let given = match literal && !text.is_empty() && text.len() <= 40 {
                    true => format!("not {text}"),
                    false => format!("and this is {given}"),
                };
                let mut mistake = Diagnostic::new(
                    "wrong-type",
                    format!("`{called}` needs {}, {given}", mismatch.needs),
                    place,
                    args.get(mismatch.arg)
                        .map_or("missing".to_owned(), |arg| arg.ty.to_string()),
                );
                if let Some(hint) = mismatch.hint {
                    mistake = mistake.hint(hint);
                }
                self.refuse(mistake)
            }
        }
    }

    /// The member that a call names.
    fn member(&mut self, shape: Shape, call: &Call) -> Option<Member> {
        let name = call.name.node.as_str();
        if let Some(member) = functions::find(shape, name) {
            return Some(member);
        }
        if let Some(mistake) = super::refuse::member(shape, name, call.name.span) {
            return self.refuse(mistake);
        }
        let names = functions::members().filter(|member| member.shape == shape);
        let names: Vec<&str> = names.map(|member| member.signature().name).collect();
        let what = if shape == Shape::Method {
            "method"
        } else {
            "function"
        };
        let mistake = Diagnostic::new(
            "unknown-function",
            format!("there is no {what} called `{name}`"),
            call.name.span,
            format!("unknown {what}"),
        );
        self.refuse(mistake.candidates(name, names))
    }

    fn free_call(&mut self, call: &Call, span: Span) -> Option<Expr> {
        let name = call.name.node.as_str();
        if functions::find(Shape::Free, name).is_none()
            && functions::find(Shape::Method, name).is_some()
            && let Some((Argument { name: None, value }, rest)) = call.args.split_first()
        {
            // `abs(x)` is Python's way to write `x.abs()`.
            let member = functions::find(Shape::Method, name)?;
            let receiver = self.expr(value)?;
            let call = Call {
                name: call.name.clone(),
                args: rest.to_vec(),
                span: call.span,
            };
            return self.member_call(member, Some(receiver), &call, span);
        }
        let member = self.member(Shape::Free, call)?;
        self.member_call(member, None, call, span)
    }

    /// A call of a known member.
    pub(crate) fn member_call(
        &mut self,
        member: Member,
        receiver: Option<Expr>,
        call: &Call,
        span: Span,
    ) -> Option<Expr> {
        let args = self.bind(member.signature(), call, member.is_variadic())?;
        match member.kind {
            MemberKind::Form(form) => form.plan(receiver, &args, self),
            MemberKind::Function(function) => {
                let mut planned: Vec<Option<Expr>> = receiver.into_iter().map(Some).collect();
                let first = planned.len();
                let variadic = member.is_variadic();
                for (at, param) in args.signature.params.iter().enumerate() {
                    let last = at + 1 == args.signature.params.len();
                    match args.given[at] {
                        None if variadic && last => {}
                        None => {
                            let default = param.default.arg()?;
                            planned.push(Some(argument(&default, span)));
                        }
                        Some(expr) => {
                            let free = function.options().contains(&(first + at));
                            planned.push(self.argument(&param.kind, expr, &args, at, free));
                        }
                    }
                }
                planned.extend(args.rest.iter().map(|expr| self.expr(expr)));
                let planned = planned.into_iter().collect::<Option<Vec<_>>>()?;
                self.function(function, planned, span, call.name.span)
            }
        }
    }

    fn argument(
        &mut self,
        kind: &Kind,
        expr: &syntax::Expr,
        args: &Arguments<'_>,
        at: usize,
        free: bool,
    ) -> Option<Expr> {
        if free && super::literal_value(expr).is_none() {
            return self.option(kind, expr, args, at);
        }
        match kind {
            Kind::Expr(_) | Kind::List(Kind::Expr(_)) | Kind::Optional(Kind::Expr(_)) => {
                self.expr(expr)
            }
            Kind::Any | Kind::Mapping | Kind::View => self.refuse(bad_argument(
                args.signature.params[at].name,
                args.signature.name,
                "must be a value",
                expr.span,
            )),
            _ => {
                let param = &args.signature.params[at];
                let arg = self.admit(kind, expr, param.name, args.signature.name)?;
                Some(argument(&arg, expr.span))
            }
        }
    }
}

impl Planner<'_> {
    /// An argument that most often is a literal and need not be.
    fn option(
        &mut self,
        kind: &Kind,
        expr: &syntax::Expr,
        args: &Arguments<'_>,
        at: usize,
    ) -> Option<Expr> {
        let planned = self.expr(expr)?;
        let param = &args.signature.params[at];
        if planned.constant().is_some() {
            let arg = self.admit(kind, expr, param.name, args.signature.name)?;
            return Some(argument(&arg, expr.span));
        }
        let inner = match kind {
            Kind::Optional(inner) => inner,
            kind => kind,
        };
        let fits = match inner {
            Kind::Text => planned.ty == Type::Text,
            Kind::Int { .. } => planned.ty == Type::Int,
            _ => false,
        };
        if fits {
            return Some(planned);
        }
        let problem = format!(
            "must be {}, and this is {}",
            inner.describe(),
            super::names::article(&planned.ty)
        );
        self.refuse(bad_argument(
            param.name,
            args.signature.name,
            &problem,
            expr.span,
        ))
    }
}

/// An argument as a literal expression.
pub(crate) fn argument(arg: &crate::signature::Arg, span: Span) -> Expr {
    use crate::signature::Arg;
    fn value(arg: &Arg) -> Datum {
        match arg {
            Arg::Null => Datum::Null,
            Arg::Bool(x) => Datum::Bool(*x),
            Arg::Int(x) => Datum::Int(*x),
            Arg::Float(x) => Datum::Float(*x),
            Arg::Text(x) => Datum::Text(x.clone()),
            Arg::List(items) => Datum::List(items.iter().map(value).collect()),
        }
    }
    let value = value(arg);
    let ty = value.ty().unwrap_or(Type::Null);
    Expr::literal(&value, ty, span)
}
