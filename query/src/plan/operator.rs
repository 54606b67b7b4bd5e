//! A call of an operator: its own parameters and those of the method it names, bound, checked and with every default
//! filled in, so that the run's record has them all.

use std::collections::BTreeMap;

use messier_store::FieldType;

use super::Planner;
use crate::diagnostic::Diagnostic;
use crate::signature::{Arg, Args, FieldKind, Kind, Operator, Param};
use crate::syntax::{self, Call, ExprKind, Literal, Span};

impl Planner<'_> {
    /// The bound arguments of a call of an operator; every mistake in them is reported.
    pub(crate) fn operator(&mut self, operator: &Operator, call: &Call) -> Option<Args> {
        let before = self.mistakes.len();
        let method = self.method(operator, call);
        let params = operator.params(method.as_deref());
        let mut args: Args = BTreeMap::new();
        let mut next = 0;
        for argument in &call.args {
            let param = match &argument.name {
                None => {
                    next += 1;
                    params.get(next - 1).copied()
                }
                Some(name) => params.iter().find(|param| param.name == name.node).copied(),
            };
            let Some(param) = param else {
                self.no_parameter(operator, method.as_deref(), &params, argument);
                continue;
            };
            if args.contains_key(param.name) {
                self.report(Diagnostic::new(
                    "duplicate-argument",
                    format!(
                        "`{}` of `{}` is given twice",
                        param.name, operator.signature.name
                    ),
                    argument.value.span,
                    "given again here",
                ));
                continue;
            }
            let Some(arg) = self.admit(
                &param.kind,
                &argument.value,
                param.name,
                operator.signature.name,
            ) else {
                continue;
            };
            if self.fits(&param.kind, &arg, param.name, argument.value.span) {
                args.insert(param.name.to_owned(), arg);
            }
        }
        for param in &params {
            let given = |name: &str| {
                call.args
                    .iter()
                    .any(|arg| arg.name.as_ref().is_some_and(|n| n.node == name))
            };
            match param.default.arg() {
                _ if args.contains_key(param.name) || given(param.name) => {}
                Some(default) => drop(args.insert(param.name.to_owned(), default)),
                None if self.mistakes.len() > before => {}
                None => self.report(
                    Diagnostic::new(
                        "missing-argument",
                        format!(
                            "`{}` needs `{}`: {}",
                            operator.signature.name,
                            param.name,
                            param.kind.describe()
                        ),
                        call.name.span,
                        format!("`{}` is missing", param.name),
                    )
                    .hint(format!("it is {}", operator.signature.usage())),
                ),
            }
        }
        (self.mistakes.len() == before).then_some(args)
    }

    /// The method a call chose, or the default one.
    fn method(&mut self, operator: &Operator, call: &Call) -> Option<String> {
        let methods = (operator.methods)();
        let param = operator.signature.param("method")?;
        let place = operator
            .signature
            .params
            .iter()
            .position(|param| param.name == "method");
        let keyword = call
            .args
            .iter()
            .find(|arg| arg.name.as_ref().is_some_and(|name| name.node == "method"));
        let positional = place
            .and_then(|at| call.args.get(at))
            .filter(|arg| arg.name.is_none());
        let Some(given) = keyword.or(positional) else {
            return match param.default.arg() {
                Some(Arg::Text(name)) => Some(name),
                _ => None,
            };
        };
        let ExprKind::Literal(Literal::Text(name)) = &given.value.kind else {
            return None;
        };
        if !methods.is_empty() && !methods.iter().any(|m| m.name == name.replace('-', "_")) {
            if !matches!(param.kind, Kind::Choice(_)) {
                let names: Vec<&str> = methods.iter().map(|method| method.name).collect();
                self.report(
                    Diagnostic::new(
                        "unknown-method",
                        format!(
                            "`{}` has no method called {name:?}",
                            operator.signature.name
                        ),
                        given.value.span,
                        "unknown method",
                    )
                    .candidates(name, names.iter().copied())
                    .hint(format!("the methods are {}", names.join(", "))),
                );
            }
            return None;
        }
        Some(name.clone())
    }

    fn no_parameter(
        &mut self,
        operator: &Operator,
        method: Option<&str>,
        params: &[&'static Param],
        argument: &syntax::Argument,
    ) {
        let called = match method {
            Some(method) => format!("`{}` with method {method:?}", operator.signature.name),
            None => format!("`{}`", operator.signature.name),
        };
        let names: Vec<&str> = params.iter().map(|param| param.name).collect();
        let mistake = match &argument.name {
            Some(name) => Diagnostic::new(
                "unknown-argument",
                format!("{called} has no parameter `{}`", name.node),
                name.span,
                "unknown parameter",
            )
            .candidates(&name.node, names.iter().copied()),
            None => Diagnostic::new(
                "too-many-arguments",
                format!("{called} takes at most {} arguments", params.len()),
                argument.value.span,
                "one too many",
            ),
        };
        self.report(mistake.hint(format!("the parameters are {}", names.join(", "))));
    }

    /// Whether a field named by an argument exists and is of the kind that is needed.
    fn fits(&mut self, kind: &Kind, arg: &Arg, param: &str, span: Span) -> bool {
        match (kind, arg) {
            (Kind::Optional(inner), arg) if *arg != Arg::Null => self.fits(inner, arg, param, span),
            (Kind::List(inner), Arg::List(items)) => {
                items.iter().all(|item| self.fits(inner, item, param, span))
            }
            (Kind::Field(FieldKind::New), _) => true,
            (Kind::Field(wanted), Arg::Text(name)) => {
                let Some(found) = self.path(name, span) else {
                    return false;
                };
                let ty = found.ty.field_type();
                let fine = match wanted {
                    FieldKind::Vector => matches!(ty, FieldType::Vector(_)),
                    FieldKind::Text => matches!(ty, FieldType::Text),
                    FieldKind::Number => matches!(ty, FieldType::Int | FieldType::Float),
                    FieldKind::Label => crate::types::is_label(&found.ty),
                    _ => true,
                };
                if !fine {
                    self.report(
                        Diagnostic::new(
                            "wrong-type",
                            format!(
                                "`{param}` must be {}, and `{name}` is {}",
                                kind.describe(),
                                super::names::article(&found.ty)
                            ),
                            span,
                            format!("{} here", found.ty),
                        )
                        .hint(self.fields_of(*wanted)),
                    );
                }
                fine
            }
            _ => true,
        }
    }

    fn fields_of(&self, wanted: FieldKind) -> String {
        let names: Vec<&str> = self
            .schema
            .fields
            .iter()
            .filter(|field| match wanted {
                FieldKind::Vector => matches!(field.ty, FieldType::Vector(_)),
                FieldKind::Text => matches!(field.ty, FieldType::Text),
                FieldKind::Number => matches!(field.ty, FieldType::Int | FieldType::Float),
                _ => crate::types::is_label(&crate::types::Type::from(&field.ty)),
            })
            .map(|field| field.name.as_str())
            .collect();
        match names.as_slice() {
            [] => "this dataset has no such field yet".to_owned(),
            _ => format!("there are {}", names.join(", ")),
        }
    }
}
