//! Stages that keep the samples for which something holds: `match`, `match_tags`, `exists`. All are one condition over the
//! samples, so neighbouring ones are asked together.

use arrow::buffer::BooleanBuffer;

use super::Stage;
use crate::columns::Datum;
use crate::domain::Domain;
use crate::error::Error;
use crate::eval::{Context, Frame, truth_mask};
use crate::functions::{self, MemberKind, Shape};
use crate::plan::{Arguments, Expr, Planner, Run};
use crate::signature::{Default, Kind, Signature, TypeSet, example, param, stage};
use crate::types::Type;

/// Keeps the samples for which a condition holds.
#[derive(Debug)]
pub struct Match {
    /// The condition.
    pub condition: Expr,
}

impl Run for Match {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let keep: BooleanBuffer =
            truth_mask(&self.condition, &Domain::of_samples(&frame), context)?;
        frame.filter(keep)
    }

    fn condition(&self) -> Option<&Expr> {
        Some(&self.condition)
    }
}

/// `match`
pub struct MatchStage;

/// `match(filter)`
pub static MATCH: MatchStage = MatchStage;
static MATCH_SIGNATURE: Signature = stage(
    "match",
    "Keeps the samples for which a condition holds; null does not hold.",
    &[param(
        "filter",
        Kind::Expr(TypeSet::Bool),
        Default::Required,
        "The condition.",
    )],
    &[
        example(r#"match(F("k20") == "7")"#, "Keeps cluster 7."),
        example(
            r#"match((F("k20") == "7") & (F("metadata.width") > 640))"#,
            "Keeps its wide images.",
        ),
    ],
);

impl Stage for MatchStage {
    fn signature(&'static self) -> &'static Signature {
        &MATCH_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let condition = planner.expr(args.get("filter")?)?;
        let condition = planner.condition(condition, "match")?;
        Some(Box::new(Match { condition }))
    }
}

/// `match_tags`
pub struct MatchTags;

/// `match_tags(tags, bool, all)`
pub static MATCH_TAGS: MatchTags = MatchTags;
static MATCH_TAGS_SIGNATURE: Signature = stage(
    "match_tags",
    "Keeps the samples that have any of the tags.",
    &[
        param(
            "tags",
            Kind::List(&Kind::Text),
            Default::Required,
            "One tag, or several.",
        ),
        param(
            "bool",
            Kind::Optional(&Kind::Bool),
            Default::Null,
            "False keeps the samples that do not match.",
        ),
        param(
            "all",
            Kind::Bool,
            Default::Bool(false),
            "Whether all of the tags are needed.",
        ),
    ],
    &[
        example(r#"match_tags("night")"#, "Keeps samples with a tag."),
        example(
            r#"match_tags(["night", "rain"], all=True)"#,
            "Keeps those with both.",
        ),
    ],
);

impl Stage for MatchTags {
    fn signature(&'static self) -> &'static Signature {
        &MATCH_TAGS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let tags = planner.texts(args, "tags");
        let wanted = planner.maybe_bool(args, "bool");
        let all = planner.bool(args, "all");
        let (tags, wanted, all) = (tags?, wanted?, all?);
        let field = planner.path("tags", args.span)?;
        let MemberKind::Function(contains) = functions::find(Shape::Method, "contains")?.kind
        else {
            return None;
        };
        let tags = Datum::List(tags.into_iter().map(Datum::Text).collect());
        let tags = Expr::literal(&tags, Type::list(Type::Text), args.span);
        let all = Expr::literal(&Datum::Bool(all), Type::Bool, args.span);
        let has = Expr::call(contains, vec![field, tags, all], Type::Bool, args.span);
        let condition = match wanted {
            Some(false) => Expr::call(&functions::NOT, vec![has], Type::Bool, args.span),
            _ => has,
        };
        Some(Box::new(Match { condition }))
    }
}

/// `exists`
pub struct Exists;

/// `exists(field, bool)`
pub static EXISTS: Exists = Exists;
static EXISTS_SIGNATURE: Signature = stage(
    "exists",
    "Keeps the samples that have a value in a field.",
    &[
        param(
            "field",
            Kind::Expr(TypeSet::Any),
            Default::Required,
            "A field by name, or an expression.",
        ),
        param(
            "bool",
            Kind::Optional(&Kind::Bool),
            Default::Null,
            "False keeps the samples without a value.",
        ),
    ],
    &[
        example(r#"exists("uniqueness")"#, "Keeps samples with a score."),
        example(
            r#"exists("metadata.width", False)"#,
            "Keeps samples without a width.",
        ),
    ],
);

impl Stage for Exists {
    fn signature(&'static self) -> &'static Signature {
        &EXISTS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let field = planner.field_or_expr(args.get("field")?);
        let wanted = planner.maybe_bool(args, "bool");
        let (field, wanted) = (field?, wanted?);
        let null = Expr::call(&functions::IS_NULL, vec![field], Type::Bool, args.span);
        let condition = match wanted {
            Some(false) => null,
            _ => Expr::call(&functions::NOT, vec![null], Type::Bool, args.span),
        };
        Some(Box::new(Match { condition }))
    }
}
