//! Stages that choose labels or samples by their labels: `filter_labels match_labels select_labels exclude_labels`.

use messier_store::Field;

use super::labels::{self, FIELDS, FILTER, IDS, LabelField, TAGS};
use super::set_field::Computed;
use super::{Match, Stage};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::functions;
use crate::plan::{Arguments, Expr, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, TypeSet, example, param, stage};
use crate::types::Type;

/// Which stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Filter,
    Match,
    Select,
    Exclude,
}

/// A stage about labels.
pub struct Labels {
    what: What,
    signature: Signature,
}

/// `filter_labels(field, filter, only_matches)`
pub static FILTER_LABELS: Labels = Labels {
    what: What::Filter,
    signature: stage(
        "filter_labels",
        "Keeps the labels of a field for which a condition holds; in it `F()` is a label.",
        &[
            param(
                "field",
                Kind::Field(FieldKind::Label),
                Default::Required,
                "The label field.",
            ),
            param(
                "filter",
                Kind::Expr(TypeSet::Bool),
                Default::Required,
                "The condition.",
            ),
            param(
                "only_matches",
                Kind::Bool,
                Default::Bool(true),
                "Whether only samples with a label left are kept.",
            ),
        ],
        &[example(
            r#"filter_labels("ground_truth", F("confidence") > 0.9)"#,
            "Keeps sure detections.",
        )],
    ),
};

/// `match_labels(...)`
pub static MATCH_LABELS: Labels = Labels {
    what: What::Match,
    signature: stage(
        "match_labels",
        "Keeps the samples that have a matching label, with all their labels.",
        &[
            FILTER,
            IDS,
            TAGS,
            FIELDS,
            param(
                "bool",
                Kind::Optional(&Kind::Bool),
                Default::Null,
                "False keeps the samples that have none.",
            ),
        ],
        &[example(
            r#"match_labels(filter=F("label") == "cat")"#,
            "Keeps samples with a cat in any label field.",
        )],
    ),
};

/// `select_labels(...)`
pub static SELECT_LABELS: Labels = Labels {
    what: What::Select,
    signature: stage(
        "select_labels",
        "Keeps only the matching labels.",
        &[
            IDS,
            TAGS,
            FIELDS,
            param(
                "omit_empty",
                Kind::Bool,
                Default::Bool(true),
                "Whether samples without a label left are left out.",
            ),
        ],
        &[example(
            r#"select_labels(ids=["660000000000000000000001"])"#,
            "Keeps one label.",
        )],
    ),
};

/// `exclude_labels(...)`
pub static EXCLUDE_LABELS: Labels = Labels {
    what: What::Exclude,
    signature: stage(
        "exclude_labels",
        "Leaves out the matching labels.",
        &[
            IDS,
            TAGS,
            FIELDS,
            param(
                "omit_empty",
                Kind::Bool,
                Default::Bool(true),
                "Whether samples without a label left are left out.",
            ),
        ],
        &[example(
            r#"exclude_labels(ids=["660000000000000000000001"], omit_empty=False)"#,
            "Leaves one label out.",
        )],
    ),
};

impl Stage for Labels {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        match self.what {
            What::Filter => filter(args, planner),
            What::Match => matching(args, planner),
            What::Select | What::Exclude => select(args, planner, self.what == What::Exclude),
        }
    }
}

fn filter(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
    let name = planner.maybe_text(args, "field")??;
    let only = planner.bool(args, "only_matches");
    let field = labels::label_field(&name, args.span_of("field"), planner)?;
    let condition = labels::condition(&field, args, planner)??;
    let expr = field.filtered(&condition, args.span, planner)?;
    let keep = only?.then(|| field.any(args.span));
    let ty = expr.ty.field_type();
    Some(Box::new(Computed {
        field: Field::new(name, ty),
        expr,
        keep,
    }))
}

fn none_given(args: &Arguments<'_>, planner: &mut Planner<'_>) {
    planner.report(Diagnostic::new(
        "missing-argument",
        format!(
            "`{}` needs to know which labels: ids, tags{}",
            args.signature.name,
            if args.signature.param("filter").is_some() {
                " or a filter"
            } else {
                ""
            }
        ),
        args.span,
        "nothing says which",
    ));
}

/// Any of several conditions.
fn any(conditions: Vec<Expr>, planner: &mut Planner<'_>, args: &Arguments<'_>) -> Option<Expr> {
    let mut whole: Option<Expr> = None;
    for one in conditions {
        whole = match whole {
            None => Some(one),
            Some(before) => planner.logic(false, before, one, args.span),
        };
    }
    whole
}

fn matching(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
    let wanted = planner.maybe_bool(args, "bool")?;
    let chosen = ["filter", "ids", "tags"]
        .iter()
        .any(|name| args.get(name).is_some());
    let fields = labels::fields(args, planner)?;
    let before = planner.mistakes.len();
    let mut conditions = Vec::new();
    let mut failed = Vec::new();
    for field in &fields {
        // A condition may speak of what only one kind of label has; the others then have no such label.
        let mark = planner.mistakes.len();
        match labels::condition(field, args, planner) {
            Some(Some(condition)) => conditions.push(field.any_that(&condition, args.span)),
            Some(None) => conditions.push(field.any(args.span)),
            None => failed.extend(planner.mistakes.drain(mark..)),
        }
    }
    if conditions.is_empty() {
        planner.mistakes.truncate(before);
        failed
            .into_iter()
            .for_each(|mistake| planner.report(mistake));
        return None;
    }
    if !chosen && args.get("fields").is_none() {
        none_given(args, planner);
        return None;
    }
    let condition = any(conditions, planner, args)?;
    let condition = match wanted {
        Some(false) => Expr::call(&functions::NOT, vec![condition], Type::Bool, args.span),
        _ => condition,
    };
    Some(Box::new(Match { condition }))
}

/// Several computed fields, then a condition.
#[derive(Debug)]
struct Chosen {
    fields: Vec<Computed>,
    keep: Option<Match>,
}

impl Run for Chosen {
    fn run(&self, mut frame: Frame, context: &Context) -> Result<Frame, Error> {
        for field in &self.fields {
            frame = field.run(frame, context)?;
        }
        match &self.keep {
            Some(keep) => keep.run(frame, context),
            None => Ok(frame),
        }
    }

    fn edits(&self) -> Vec<(String, Type)> {
        self.fields.iter().flat_map(Run::edits).collect()
    }
}

fn select(args: &Arguments<'_>, planner: &mut Planner<'_>, excludes: bool) -> Option<Box<dyn Run>> {
    if args.get("ids").is_none() && args.get("tags").is_none() && args.get("fields").is_none() {
        none_given(args, planner);
        return None;
    }
    let omit = planner.bool(args, "omit_empty")?;
    let fields: Vec<LabelField> = labels::fields(args, planner)?;
    let mut computed = Vec::new();
    let mut left = Vec::new();
    for field in &fields {
        let condition = labels::condition(field, args, planner)?;
        let condition = match (condition, excludes) {
            (Some(condition), true) => Some(Expr::call(
                &functions::NOT,
                vec![condition],
                Type::Bool,
                args.span,
            )),
            (None, true) => Some(Expr::literal(
                &crate::columns::Datum::Bool(false),
                Type::Bool,
                args.span,
            )),
            (condition, false) => condition,
        };
        if let Some(condition) = condition {
            let expr = field.filtered(&condition, args.span, planner)?;
            let ty = expr.ty.field_type();
            computed.push(Computed {
                field: Field::new(field.name.clone(), ty),
                expr,
                keep: None,
            });
        }
        left.push(field.any(args.span));
    }
    let keep = if omit {
        Some(Match {
            condition: any(left, planner, args)?,
        })
    } else {
        None
    };
    Some(Box::new(Chosen {
        fields: computed,
        keep,
    }))
}
