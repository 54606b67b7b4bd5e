//! Expressions about every value of a list: `filter map reduce sort`. The values of all lists are one column, over which
//! the body is evaluated once.

use super::arrays::list_item;
use super::{Form, Member, MemberKind, Shape};
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::plan::{Arguments, Each, Expr, Node, Planner};
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Filter,
    Map,
    Reduce,
    Sort,
}

/// One of the forms over lists.
struct Over {
    what: What,
    signature: Signature,
}

const ANY: Kind = Kind::Expr(TypeSet::Any);

static FORMS: [Over; 4] = [
    Over {
        what: What::Filter,
        signature: expression(
            "filter",
            "Keeps the values of a list for which a condition holds; in it `F()` is the value.",
            &[param(
                "expr",
                Kind::Expr(TypeSet::Bool),
                Default::Required,
                "The condition.",
            )],
            &[example(
                r#"match(F("ground_truth.detections").filter(F("confidence") > 0.9).length() >= 2)"#,
                "Keeps samples with two sure detections.",
            )],
        ),
    },
    Over {
        what: What::Map,
        signature: expression(
            "map",
            "Replaces each value of a list; in the expression `F()` is the value.",
            &[param(
                "expr",
                ANY,
                Default::Required,
                "What each value becomes.",
            )],
            &[example(
                r#"values(F("ground_truth.detections").map(F("label").upper()))"#,
                "Gives labels in capitals.",
            )],
        ),
    },
    Over {
        what: What::Reduce,
        signature: expression(
            "reduce",
            "Folds a list into one value; `VALUE` is what has been gathered so far, `F()` the next value.",
            &[
                param("expr", ANY, Default::Required, "What is gathered next."),
                param("init_val", ANY, Default::Int(0), "What is there at first."),
            ],
            &[example(
                r#"values(F("tags").reduce(VALUE + F().strlen()))"#,
                "Adds the lengths of tags.",
            )],
        ),
    },
    Over {
        what: What::Sort,
        signature: expression(
            "sort",
            "Sorts a list by value, or by an expression of each; nulls come last.",
            &[
                param(
                    "key",
                    ANY,
                    Default::Null,
                    "What is sorted by; a text names a field of each document.",
                ),
                param(
                    "numeric",
                    Kind::Bool,
                    Default::Bool(false),
                    "Taken for the sake of pasted code; numbers are always sorted as numbers.",
                ),
                param(
                    "reverse",
                    Kind::Bool,
                    Default::Bool(false),
                    "Greatest first.",
                ),
            ],
            &[example(
                r#"values(F("ground_truth.detections").sort("confidence", reverse=True)[0]("label"))"#,
                "Gives the label that is surest.",
            )],
        ),
    },
];

impl Form for Over {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        receiver: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        let list = receiver?;
        let item = match list_item(std::slice::from_ref(&list)) {
            Ok(item) => item,
            Err(mismatch) => {
                let name = args.signature.name;
                let mistake = Diagnostic::new(
                    "wrong-type",
                    format!("`{name}` needs a list, and this is {}", list.ty),
                    list.span,
                    format!("{} here", list.ty),
                );
                planner.report(match mismatch.hint {
                    Some(hint) => mistake.hint(hint),
                    None => mistake,
                });
                return None;
            }
        };
        match self.what {
            What::Reduce => reduce(list, &item, args, planner),
            What::Filter => {
                let body = args.get("expr")?;
                let body = planner.within(item.clone(), None, |planner| {
                    let body = planner.expr(body)?;
                    planner.condition(body, "filter")
                })?;
                each(Each::Filter, list, body, Type::list(item), args)
            }
            What::Map => {
                let body = args.get("expr")?;
                let body = planner.within(item, None, |planner| planner.expr(body))?;
                let ty = Type::list(body.ty.clone());
                each(Each::Map, list, body, ty, args)
            }
            What::Sort => {
                let reverse = planner.bool(args, "reverse")?;
                let body = sort_key(&item, args, planner)?;
                each(Each::Sort { reverse }, list, body, Type::list(item), args)
            }
        }
    }
}

fn each(each: Each, list: Expr, body: Expr, ty: Type, args: &Arguments<'_>) -> Option<Expr> {
    let node = Node::Each(each, Box::new(list), Box::new(body));
    Some(Expr {
        node,
        ty,
        span: args.span,
    })
}

fn sort_key(item: &Type, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Expr> {
    use crate::syntax::{ExprKind, Literal};
    let key = match args.get("key") {
        None => Expr {
            node: Node::Element,
            ty: item.clone(),
            span: args.span,
        },
        Some(expr) => planner.within(item.clone(), None, |planner| match &expr.kind {
            ExprKind::Literal(Literal::Null) => Some(Expr {
                node: Node::Element,
                ty: item.clone(),
                span: expr.span,
            }),
            ExprKind::Literal(Literal::Text(name)) => {
                let element = Expr {
                    node: Node::Element,
                    ty: item.clone(),
                    span: expr.span,
                };
                let path: Vec<String> = name.split('.').map(str::to_owned).collect();
                planner.descend(element, &path, "", expr.span)
            }
            _ => planner.expr(expr),
        })?,
    };
    if key.ty.is_ordered() {
        return Some(key);
    }
    planner.report(
        Diagnostic::new(
            "wrong-type",
            format!("values of type {} have no order to sort by", key.ty),
            key.span,
            format!("{} here", key.ty),
        )
        .hint("name a field of each document: .sort(\"confidence\")"),
    );
    None
}

fn reduce(
    list: Expr,
    item: &Type,
    args: &Arguments<'_>,
    planner: &mut Planner<'_>,
) -> Option<Expr> {
    let init = match args.get("init_val") {
        Some(expr) => planner.expr(expr)?,
        None => Expr::literal(&Datum::Int(0), Type::Int, args.span),
    };
    let body = args.get("expr")?;
    let mut ty = init.ty.clone();
    // The accumulator has the type of what is gathered, which is known once the body is planned with it; widening
    // settles after a step or two.
    for _ in 0..4 {
        let planned =
            planner.within(item.clone(), Some(ty.clone()), |planner| planner.expr(body))?;
        let Some(wider) = ty.unify(&planned.ty) else {
            planner.report(Diagnostic::new(
                "wrong-type",
                format!(
                    "`reduce` begins with {} and gathers {}: they must be of one type",
                    init.ty, planned.ty
                ),
                planned.span,
                format!("{} here", planned.ty),
            ));
            return None;
        };
        if wider == ty {
            let span = args.span;
            let node = Node::Reduce {
                list: Box::new(list),
                body: Box::new(planned.cast(&ty)),
                init: Box::new(init.cast(&ty)),
            };
            return Some(Expr { node, ty, span });
        }
        ty = wider;
    }
    planner.report(Diagnostic::new(
        "wrong-type",
        "the type of what `reduce` gathers grows without end",
        body.span,
        "this expression",
    ));
    None
}

const fn form(form: &'static dyn Form) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Form(form),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    form(&FORMS[0]),
    form(&FORMS[1]),
    form(&FORMS[2]),
    form(&FORMS[3]),
];
