//! Choices and bindings: `if_else cases switch map_values apply let_in set_field`. Each value is computed only for the rows
//! that take it, so a division that a condition guards is not counted as failed elsewhere.

use super::cases::{cases, one_type, switch};
use super::documents::set_field;
use super::{Form, Member, MemberKind, Shape};
use crate::plan::{Arguments, Expr, Node, Planner};
use crate::signature::{Default, FieldKind, Kind, Signature, TypeSet, example, expression, param};

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
            "Evaluates an expression in which the value, written again or as `F()`, is computed once.",
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
            What::Apply => planner.bound(receiver, args.get("expr")?, false),
            What::LetIn => planner.bound(receiver, args.get("expr")?, true),
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
