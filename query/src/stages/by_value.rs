//! `select_by` and `exclude_by`: samples by the exact values of a field.

use std::collections::HashMap;

use super::{Match, Stage};
use crate::columns::{NO_RANK, rank_together};
use crate::domain::Domain;
use crate::error::Error;
use crate::eval::{Context, Frame, evaluate_expr};
use crate::functions;
use crate::plan::{Arguments, Expr, Node, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, TypeSet, example, param, stage};
use crate::types::Type;

/// `select_by` and `exclude_by`
pub struct ByValue {
    excludes: bool,
    signature: Signature,
}

/// `select_by(field, values, ordered)`
pub static SELECT_BY: ByValue = ByValue {
    excludes: false,
    signature: stage(
        "select_by",
        "Keeps the samples that have one of these values in a field.",
        &[
            param(
                "field",
                Kind::Field(FieldKind::Any),
                Default::Required,
                "The field.",
            ),
            param(
                "values",
                Kind::Expr(TypeSet::Any),
                Default::Required,
                "One value, or a list.",
            ),
            param(
                "ordered",
                Kind::Bool,
                Default::Bool(false),
                "Puts the samples in the order of the values.",
            ),
        ],
        &[example(
            r#"select_by("k20", ["3", "7"], ordered=True)"#,
            "Gives cluster 3, then cluster 7.",
        )],
    ),
};

/// `exclude_by(field, values)`
pub static EXCLUDE_BY: ByValue = ByValue {
    excludes: true,
    signature: stage(
        "exclude_by",
        "Leaves out the samples that have one of these values in a field.",
        &[
            param(
                "field",
                Kind::Field(FieldKind::Any),
                Default::Required,
                "The field.",
            ),
            param(
                "values",
                Kind::Expr(TypeSet::Any),
                Default::Required,
                "One value, or a list.",
            ),
        ],
        &[example(
            r#"exclude_by("k20", "-1")"#,
            "Leaves the noise out.",
        )],
    ),
};

/// Keeps the rows whose value is listed, in the order of the list.
#[derive(Debug)]
struct Ordered {
    value: Expr,
    values: Expr,
}

impl Run for Ordered {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let order = {
            let over = Domain::of_samples(&frame);
            let value = evaluate_expr(&self.value, &over, context)?.expand(over.len())?;
            let values = evaluate_expr(&self.values, &over, context)?;
            let values = crate::columns::Lists::of(values.array())?.values;
            let (ranks, _) = rank_together(&[value, values], &self.value.ty)?;
            let mut place: HashMap<u32, usize> = HashMap::new();
            for (at, code) in ranks[1].iter().enumerate() {
                place.entry(*code).or_insert(at);
            }
            let mut found: Vec<(usize, u32)> = ranks[0]
                .iter()
                .enumerate()
                .filter(|(_, code)| **code != NO_RANK)
                .filter_map(|(row, code)| Some((*place.get(code)?, row as u32)))
                .collect();
            found.sort_unstable();
            found.into_iter().map(|(_, row)| row).collect::<Vec<u32>>()
        };
        frame.at(&order)
    }
}

impl Stage for ByValue {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let field = planner.field_or_expr(args.get("field")?);
        let values = planner.expr(args.get("values")?);
        let ordered = if self.excludes {
            Some(false)
        } else {
            planner.bool(args, "ordered")
        };
        let (field, values, ordered) = (field?, values?, ordered?);
        let span = args.span;
        let found = planner.function(
            &functions::IS_IN,
            vec![field.clone(), values.clone()],
            span,
            span,
        )?;
        if ordered && values.ty.is_list() && values.constant().is_some() {
            let ty = Type::list(field.ty.unify(&values.ty.item()?)?);
            return Some(Box::new(Ordered {
                value: field.cast(&ty.item()?),
                values: values.cast(&ty),
            }));
        }
        let condition = match self.excludes {
            true => Expr {
                node: Node::Call(&functions::NOT, vec![found]),
                ty: Type::Bool,
                span,
            },
            false => found,
        };
        Some(Box::new(Match { condition }))
    }
}
