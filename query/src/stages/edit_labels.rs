//! `map_labels` and `limit_labels`: labels renamed, and lists of labels cut short, in the view only.

use super::Stage;
use super::labels::label_field;
use super::set_field::computed;
use crate::columns::Datum;
use crate::functions::{self, cases};
use crate::plan::{Arguments, Expr, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, example, param, stage};
use crate::types::Type;

/// `map_labels`
pub struct MapLabels;

/// `map_labels(field, map)`
pub static MAP_LABELS: MapLabels = MapLabels;
static MAP_LABELS_SIGNATURE: Signature = stage(
    "map_labels",
    "Renames labels; what is not written stays.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::Label),
            Default::Required,
            "The label field.",
        ),
        param(
            "map",
            Kind::Mapping,
            Default::Required,
            "Labels and what each becomes.",
        ),
    ],
    &[example(
        r#"map_labels("ground_truth", {"Dog": "dog"}).count_values("ground_truth.detections.label")"#,
        "Joins two spellings.",
    )],
);

impl Stage for MapLabels {
    fn signature(&'static self) -> &'static Signature {
        &MAP_LABELS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let name = planner.maybe_text(args, "field")??;
        let span = args.span_of("field");
        let field = label_field(&name, span, planner)?;
        let mut path = field.path();
        path.push("label".to_owned());
        let map = args.get("map")?;
        let mut leaf = |value: Expr, planner: &mut Planner<'_>| {
            cases(value, map, None, true, args.span, planner)
        };
        let (name, expr) = planner.rewritten(&path, span, true, &mut leaf)?;
        Some(computed(name, expr, None, planner))
    }
}

/// `limit_labels`
pub struct LimitLabels;

/// `limit_labels(field, limit)`
pub static LIMIT_LABELS: LimitLabels = LimitLabels;
static LIMIT_LABELS_SIGNATURE: Signature = stage(
    "limit_labels",
    "Keeps the first labels of each sample.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::Label),
            Default::Required,
            "A field with lists of labels.",
        ),
        param(
            "limit",
            Kind::Int {
                lo: i64::MIN,
                hi: i64::MAX,
            },
            Default::Required,
            "How many; 0 or less keeps none.",
        ),
    ],
    &[example(
        r#"limit_labels("ground_truth", 1)"#,
        "Keeps one detection a sample.",
    )],
);

impl Stage for LimitLabels {
    fn signature(&'static self) -> &'static Signature {
        &LIMIT_LABELS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let name = planner.maybe_text(args, "field")??;
        let limit = planner.int(args, "limit")?.max(0);
        let span = args.span_of("field");
        let field = label_field(&name, span, planner)?;
        if field.list.is_none() {
            planner.report(crate::diagnostic::Diagnostic::new(
                "wrong-type",
                format!("`{name}` holds one label a sample, so there is nothing to limit"),
                span,
                format!("{} here", field.ty),
            ));
            return None;
        }
        let mut leaf = |labels: Expr, _: &mut Planner<'_>| {
            let ty = labels.ty.clone();
            let start = Expr::literal(&Datum::Null, Type::Null, span);
            let end = Expr::literal(&Datum::Int(limit), Type::Int, span);
            Some(Expr::call(
                &functions::SLICE,
                vec![labels, start, end],
                ty,
                span,
            ))
        };
        let (name, expr) = planner.rewritten(&field.path(), span, false, &mut leaf)?;
        Some(computed(name, expr, None, planner))
    }
}
