//! Choices and bindings: `if_else cases switch map_values apply let_in set_field`. Each value is computed only for the rows
//! that take it, so a division that a condition guards is not counted as failed elsewhere.

use super::{Form, Member, MemberKind, Shape};
use crate::diagnostic::Diagnostic;
use crate::functions::{IS_NULL, comparison};
use crate::plan::{Arguments, Expr, Node, Planner};
use crate::signature::{Default, FieldKind, Kind, Signature, TypeSet, example, expression, param};
use crate::syntax::{self, CompareOp, ExprKind, Span};
use crate::types::Type;

/// The control forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    IfElse,
    Cases,
    Switch,
    MapValues,
    Apply,
    LetIn,
    SetField,
}

/// One of the control forms.
struct Control {
    what: What,
    signature: Signature,
}

const ANY: Kind = Kind::Expr(TypeSet::Any);

static CONTROLS: [Control; 7] = [
    Control {
        what: What::IfElse,
        signature: expression(
            "if_else",
            "Gives one value where the condition holds and another where it does not.",
            &[
                param(
                    "true_expr",
                    ANY,
                    Default::Required,
                    "The value where it holds.",
                ),
                param(
                    "false_expr",
                    ANY,
                    Default::Required,
                    "The value where it does not.",
                ),
            ],
            &[example(
                r#"count_values((F("metadata.width") > 640).if_else("wide", "narrow"))"#,
                "Counts two kinds.",
            )],
        ),
    },
    Control {
        what: What::Cases,
        signature: expression(
            "cases",
            "Gives the value written for what it equals; without a default what is not written is null and counted.",
            &[
                param(
                    "mapping",
                    Kind::Mapping,
                    Default::Required,
                    "Values and what each becomes.",
                ),
                param("default", ANY, Default::Null, "What anything else becomes."),
            ],
            &[example(
                r#"count_values(F("k20").cases({"7": "cats", "3": "dogs"}, default="other"))"#,
                "Names clusters.",
            )],
        ),
    },
    Control {
        what: What::Switch,
        signature: expression(
            "switch",
            "Gives the value of the first condition that holds; in the conditions `F()` is the value.",
            &[
                param(
                    "mapping",
                    Kind::Mapping,
                    Default::Required,
                    "Conditions and what each gives.",
                ),
                param(
                    "default",
                    ANY,
                    Default::Null,
                    "What is given where none holds; without it, null, and counted.",
                ),
            ],
            &[example(
                r#"count_values(F("uniqueness").switch({F() > 0.7: "rare", F() > 0.3: "usual"}, default="common"))"#,
                "Counts by grade.",
            )],
        ),
    },
    Control {
        what: What::MapValues,
        signature: expression(
            "map_values",
            "Replaces values by others; what is not written stays.",
            &[param(
                "mapping",
                Kind::Mapping,
                Default::Required,
                "Values and what each becomes; None stands for null.",
            )],
            &[example(
                r#"count_values(F("k20").map_values({"7": "3", None: "-1"}))"#,
                "Joins two clusters.",
            )],
        ),
    },
    Control {
        what: What::Apply,
        signature: expression(
            "apply",
            "Evaluates an expression in which `F()` is the value.",
            &[param("expr", ANY, Default::Required, "The expression.")],
            &[example(
                r#"values(F("uniqueness").apply(F() * F()))"#,
                "Gives squares.",
            )],
        ),
    },
    Control {
        what: What::LetIn,
        signature: expression(
            "let_in",
            "Evaluates an expression in which `F()` is the value, which is computed once.",
            &[param("expr", ANY, Default::Required, "The expression.")],
            &[example(
                r#"match((F("metadata.width") / F("metadata.height")).let_in((F() > 0.5) & (F() < 2)))"#,
                "Keeps nearly square images.",
            )],
        ),
    },
    Control {
        what: What::SetField,
        signature: expression(
            "set_field",
            "Gives the document with a field added or replaced; in the value `F()` is the document.",
            &[
                param(
                    "field",
                    Kind::Field(FieldKind::New),
                    Default::Required,
                    "The field's name, or a path below it.",
                ),
                param("value_or_expr", ANY, Default::Required, "The new value."),
                param(
                    "relative",
                    Kind::Bool,
                    Default::Bool(true),
                    "False lets `F()` in the value mean what it means outside.",
                ),
            ],
            &[example(
                r#"values(F("metadata").set_field("pixels", F("width") * F("height")))"#,
                "Adds a number to the metadata.",
            )],
        ),
    },
];

impl Form for Control {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        receiver: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        let receiver = receiver?;
        match self.what {
            What::IfElse => if_else(receiver, args, planner),
            What::Cases | What::MapValues => {
                let default = match args.get("default") {
                    Some(expr) => Some(planner.expr(expr)?),
                    None => None,
                };
                let keeps = self.what == What::MapValues;
                let mapping = args.get("mapping")?;
                cases(receiver, mapping, default, keeps, args.span, planner)
            }
            What::Switch => switch(receiver, args, planner),
            What::Apply | What::LetIn => planner.bound(receiver, args.get("expr")?),
            What::SetField => set_field(receiver, args, planner),
        }
    }
}

fn if_else(condition: Expr, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Expr> {
    let condition = planner.condition(condition, "if_else");
    let yes = args.get("true_expr").and_then(|expr| planner.expr(expr));
    let no = args.get("false_expr").and_then(|expr| planner.expr(expr));
    let (condition, yes, no) = (condition?, yes?, no?);
    let ty = one_type(&[&yes, &no], planner)?;
    let node = Node::Branch {
        arms: vec![(condition, yes.cast(&ty))],
        otherwise: Some(Box::new(no.cast(&ty))),
    };
    Some(Expr {
        node,
        ty,
        span: args.span,
    })
}

/// The type that all of several values can have.
fn one_type(values: &[&Expr], planner: &mut Planner<'_>) -> Option<Type> {
    let mut ty = Type::Null;
    for value in values {
        ty = match ty.unify(&value.ty) {
            Some(ty) => ty,
            None => {
                planner.report(Diagnostic::new(
                    "wrong-type",
                    format!("the values that one expression may give must be of one type, and here are {ty} and {}", value.ty),
                    value.span,
                    format!("{} here", value.ty),
                ));
                return None;
            }
        };
    }
    Some(ty)
}

/// The pairs of a dict, or a mistake.
pub(crate) fn pairs<'q>(
    mapping: &'q syntax::Expr,
    planner: &mut Planner<'_>,
) -> Option<&'q [(syntax::Expr, syntax::Expr)]> {
    match &mapping.kind {
        ExprKind::Dict(pairs) => Some(pairs),
        _ => {
            planner.report(
                Diagnostic::new(
                    "bad-argument",
                    "`mapping` must be a dict",
                    mapping.span,
                    "not a dict",
                )
                .hint("write {\"old\": \"new\"}"),
            );
            None
        }
    }
}

/// The value replaced by what the mapping has for it. `keeps`: anything else stays as it is.
pub(crate) fn cases(
    value: Expr,
    mapping: &syntax::Expr,
    default: Option<Expr>,
    keeps: bool,
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<Expr> {
    let pairs = pairs(mapping, planner)?;
    let element = Expr {
        node: Node::Element,
        ty: value.ty.clone(),
        span: value.span,
    };
    let mut arms = Vec::with_capacity(pairs.len());
    let mut fine = true;
    for (key, to) in pairs {
        let key = planner.expr(key);
        // What a value becomes may speak of the place outside, so it is planned there.
        let to = planner.expr(to);
        let (Some(key), Some(to)) = (key, to) else {
            fine = false;
            continue;
        };
        let when = if key.ty == Type::Null {
            Some(Expr::call(
                &IS_NULL,
                vec![element.clone()],
                Type::Bool,
                key.span,
            ))
        } else {
            let span = key.span;
            planner
                .agree(element.clone(), key, span)
                .map(|(a, b)| Expr::call(comparison(CompareOp::Eq), vec![a, b], Type::Bool, span))
        };
        match when {
            Some(when) => arms.push((when, to)),
            None => fine = false,
        }
    }
    if !fine {
        return None;
    }
    let otherwise = if keeps { Some(element) } else { default };
    let all: Vec<&Expr> = arms
        .iter()
        .map(|(_, to)| to)
        .chain(otherwise.as_ref())
        .collect();
    let ty = one_type(&all, planner)?;
    let arms: Vec<_> = arms
        .into_iter()
        .map(|(when, to)| (when, to.cast(&ty)))
        .collect();
    let otherwise = otherwise.map(|other| Box::new(other.cast(&ty)));
    let outside = arms.iter().any(|(_, to)| to.mentions_element())
        || otherwise
            .as_ref()
            .is_some_and(|other| !keeps && other.mentions_element());
    if outside {
        // A result that speaks of `F()` outside cannot stand below a binding of its own.
        let arms = inlined(arms, &value);
        let otherwise = if keeps {
            Some(Box::new(value.cast(&ty)))
        } else {
            otherwise
        };
        return Some(Expr {
            node: Node::Branch { arms, otherwise },
            ty,
            span,
        });
    }
    let branch = Expr {
        node: Node::Branch { arms, otherwise },
        ty: ty.clone(),
        span,
    };
    Some(Expr {
        node: Node::Bind(Box::new(value), Box::new(branch)),
        ty,
        span,
    })
}

/// Conditions about the value itself instead of about `F()`, for results that speak of the place outside.
fn inlined(arms: Vec<(Expr, Expr)>, value: &Expr) -> Vec<(Expr, Expr)> {
    arms.into_iter()
        .map(|(when, to)| {
            let node = Node::Bind(Box::new(value.clone()), Box::new(when.clone()));
            (
                Expr {
                    node,
                    ty: Type::Bool,
                    span: when.span,
                },
                to,
            )
        })
        .collect()
}

fn switch(value: Expr, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Expr> {
    let pairs = pairs(args.get("mapping")?, planner)?;
    let mut arms = Vec::with_capacity(pairs.len());
    let mut fine = true;
    for (when, to) in pairs {
        let when = planner.within(value.ty.clone(), None, |planner| {
            let when = planner.expr(when)?;
            planner.condition(when, "switch")
        });
        let to = planner.within(value.ty.clone(), None, |planner| planner.expr(to));
        match (when, to) {
            (Some(when), Some(to)) => arms.push((when, to)),
            _ => fine = false,
        }
    }
    let default = match args.get("default") {
        Some(expr) => Some(planner.within(value.ty.clone(), None, |planner| planner.expr(expr))?),
        None => None,
    };
    if !fine {
        return None;
    }
    let all: Vec<&Expr> = arms
        .iter()
        .map(|(_, to)| to)
        .chain(default.as_ref())
        .collect();
    let ty = one_type(&all, planner)?;
    let arms = arms
        .into_iter()
        .map(|(when, to)| (when, to.cast(&ty)))
        .collect();
    let otherwise = default.map(|other| Box::new(other.cast(&ty)));
    let branch = Expr {
        node: Node::Branch { arms, otherwise },
        ty: ty.clone(),
        span: args.span,
    };
    Some(Expr {
        node: Node::Bind(Box::new(value), Box::new(branch)),
        ty,
        span: args.span,
    })
}

fn set_field(base: Expr, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Expr> {
    let Type::Struct(..) = base.ty else {
        let mistake = Diagnostic::new(
            "wrong-type",
            format!("`set_field` needs a document, and this is {}", base.ty),
            base.span,
            format!("{} here", base.ty),
        );
        planner.report(match base.ty {
            Type::List(_) => {
                mistake.hint("for the documents of a list write .map(F().set_field(...))")
            }
            _ => mistake,
        });
        return None;
    };
    let name = planner.maybe_text(args, "field")??;
    let relative = planner.bool(args, "relative")?;
    let value = args.get("value_or_expr")?;
    let value = if relative {
        planner.within(base.ty.clone(), None, |planner| planner.expr(value))?
    } else {
        planner.expr(value)?
    };
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let ty = with_field(&base.ty, &path, &value.ty)?;
    if relative || value.constant().is_some() {
        let node = Node::With(Box::new(base), path, Box::new(value));
        return Some(Expr {
            node,
            ty,
            span: args.span,
        });
    }
    planner.report(
        Diagnostic::new(
            "not-supported",
            "`set_field` with relative=False takes a literal here",
            value.span,
            "not a literal",
        )
        .hint("name a field of the sample with F(\"$name\")"),
    );
    None
}

/// The type of a document with the field at a path added or replaced; `None` below what is no document.
pub(crate) fn with_field(base: &Type, path: &[String], value: &Type) -> Option<Type> {
    let Some((name, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    let (kind, mut fields) = match base {
        Type::Struct(kind, fields) => (*kind, fields.clone()),
        _ => (messier_store::StructKind::Plain, Vec::new()),
    };
    let old = fields
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, ty)| ty.clone());
    let new = with_field(&old.unwrap_or(Type::Null), rest, value)?;
    match fields.iter_mut().find(|(field, _)| field == name) {
        Some((_, ty)) => *ty = new,
        None => fields.push((name.clone(), new)),
    }
    Some(Type::Struct(kind, fields))
}

const fn form(form: &'static dyn Form) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Form(form),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    form(&CONTROLS[0]),
    form(&CONTROLS[1]),
    form(&CONTROLS[2]),
    form(&CONTROLS[3]),
    form(&CONTROLS[4]),
    form(&CONTROLS[5]),
    form(&CONTROLS[6]),
];
