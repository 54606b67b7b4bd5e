//! `E(x)` and `literal(x)`: a value that begins an expression.

use super::{Form, Member, MemberKind, Shape};
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};

/// Takes its argument as it is.
struct Literal {
    signature: Signature,
}

const VALUE: &[Param] = &[param(
    "value",
    Kind::Expr(TypeSet::Any),
    Default::Required,
    "The value.",
)];

static E: Literal = Literal {
    signature: expression(
        "E",
        "Begins an expression with a value.",
        VALUE,
        &[example(
            r#"match(E("night").is_in(F("tags")))"#,
            "Keeps samples with a tag.",
        )],
    ),
};

static LITERAL: Literal = Literal {
    signature: expression(
        "literal",
        "Takes a value as it is.",
        VALUE,
        &[example(
            r#"match(F("k20") == literal("7"))"#,
            "Compares with a text.",
        )],
    ),
};

impl Form for Literal {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        _: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        planner.expr(args.get("value")?)
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    Member {
        shape: Shape::Free,
        kind: MemberKind::Form(&E),
    },
    Member {
        shape: Shape::Free,
        kind: MemberKind::Form(&LITERAL),
    },
];
