//! Computed fields: `set_field`, `map_values`, `filter_field`. Only the view changes; nothing is stored.

use messier_store::Field;

use super::Stage;
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::domain::Domain;
use crate::error::Error;
use crate::eval::{Context, Frame, evaluate_expr};
use crate::functions::{self, cases};
use crate::plan::{Arguments, Expr, Node, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, TypeSet, example, param, stage};
use crate::types::Type;

/// Computes a top-level column, and keeps the samples that have something in it if asked to.
#[derive(Debug)]
pub(super) struct Computed {
    pub field: Field,
    pub expr: Expr,
    pub keep: Option<Expr>,
}

impl Run for Computed {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let column = {
            let over = Domain::of_samples(&frame);
            evaluate_expr(&self.expr, &over, context)?.expand(over.len())?
        };
        let column = match &self.expr.ty {
            Type::Null => crate::columns::cast(&column, &Type::from(&self.field.ty))?,
            _ => column,
        };
        let frame = frame.with_column(self.field.clone(), column);
        match &self.keep {
            None => Ok(frame),
            Some(condition) => super::Match {
                condition: condition.clone(),
            }
            .run(frame, context),
        }
    }

    fn edits(&self) -> Vec<(String, Type)> {
        vec![(self.field.name.clone(), self.expr.ty.clone())]
    }
}

/// The stage that computes a top-level column; the planner's schema then has it.
pub(super) fn computed(
    name: String,
    expr: Expr,
    keep: Option<Expr>,
    planner: &mut Planner<'_>,
) -> Box<dyn Run> {
    let field = Field::new(name, expr.ty.field_type());
    match planner
        .schema
        .fields
        .iter_mut()
        .find(|known| known.name == field.name)
    {
        Some(known) => *known = field.clone(),
        None => planner.schema.fields.push(field.clone()),
    }
    Box::new(Computed { field, expr, keep })
}

/// A dotted path given as the name of a field.
pub(crate) fn path_of(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Vec<String>> {
    let name = planner.maybe_text(args, "field")??;
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let bad = path
        .iter()
        .any(|part| part.is_empty() || part.starts_with(['$', '_']));
    if bad {
        planner.report(Diagnostic::new(
            "bad-argument",
            format!("{name:?} is no name for a field"),
            args.span_of("field"),
            "not a name",
        ));
        return None;
    }
    if matches!(path[0].as_str(), "id" | "created_at" | "last_modified_at") && path.len() == 1 {
        planner.report(Diagnostic::new(
            "bad-argument",
            format!("`{name}` is kept by the dataset itself and cannot be set"),
            args.span_of("field"),
            "cannot be set",
        ));
        return None;
    }
    Some(path)
}

/// `set_field`
pub struct SetField;

/// `set_field(field, expr)`
pub static SET_FIELD: SetField = SetField;
static SET_FIELD_SIGNATURE: Signature = stage(
    "set_field",
    "Adds or replaces a field by an expression, in the view only; below a document `F()` is the document.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::New),
            Default::Required,
            "The field's name, or a path.",
        ),
        param(
            "expr",
            Kind::Expr(TypeSet::Any),
            Default::Required,
            "What it becomes.",
        ),
    ],
    &[
        example(
            r#"set_field("pixels", F("metadata.width") * F("metadata.height")).sort_by("pixels")"#,
            "Sorts by a computed number.",
        ),
        example(
            r#"set_field("ground_truth.detections.sure", F("confidence") > 0.9)"#,
            "Adds a field to every detection.",
        ),
    ],
);

impl Stage for SetField {
    fn signature(&'static self) -> &'static Signature {
        &SET_FIELD_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let path = path_of(args, planner)?;
        let (name, expr) = planner.set_at(&path, args.span_of("field"), args.get("expr")?)?;
        Some(computed(name, expr, None, planner))
    }
}

/// `map_values`
pub struct MapValues;

/// `map_values(field, map)`
pub static MAP_VALUES: MapValues = MapValues;
static MAP_VALUES_SIGNATURE: Signature = stage(
    "map_values",
    "Replaces values of a field by others, in the view only; what is not written stays.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::Any),
            Default::Required,
            "The field, also within documents and lists.",
        ),
        param(
            "map",
            Kind::Mapping,
            Default::Required,
            "Values and what each becomes.",
        ),
    ],
    &[example(
        r#"map_values("k20", {"7": "cats", "3": "dogs"}).count_values("k20")"#,
        "Names two clusters.",
    )],
);

impl Stage for MapValues {
    fn signature(&'static self) -> &'static Signature {
        &MAP_VALUES_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let path = path_of(args, planner)?;
        let map = args.get("map")?;
        let mut leaf = |value: Expr, planner: &mut Planner<'_>| {
            cases(value, map, None, true, args.span, planner)
        };
        let (name, expr) = planner.rewritten(&path, args.span_of("field"), true, &mut leaf)?;
        Some(computed(name, expr, None, planner))
    }
}

/// `filter_field`
pub struct FilterField;

/// `filter_field(field, filter, only_matches)`
pub static FILTER_FIELD: FilterField = FilterField;
static FILTER_FIELD_SIGNATURE: Signature = stage(
    "filter_field",
    "Makes the values of a field null for which a condition does not hold; in it `F()` is the value.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::Any),
            Default::Required,
            "The field.",
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
            "Whether only samples with a value left are kept.",
        ),
    ],
    &[example(
        r#"filter_field("uniqueness", F() > 0.5, only_matches=False)"#,
        "Hides small scores.",
    )],
);

impl Stage for FilterField {
    fn signature(&'static self) -> &'static Signature {
        &FILTER_FIELD_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let path = path_of(args, planner)?;
        let only = planner.bool(args, "only_matches")?;
        let filter = args.get("filter")?;
        let mut leaf = |value: Expr, planner: &mut Planner<'_>| null_unless(value, filter, planner);
        let span = args.span_of("field");
        let (name, expr) = planner.rewritten(&path, span, false, &mut leaf)?;
        let run = Computed {
            field: Field::new(name, expr.ty.field_type()),
            expr,
            keep: None,
        };
        let keep = if only {
            let value = planner.path(&path.join("."), span)?;
            let null = Expr::call(&functions::IS_NULL, vec![value], Type::Bool, args.span);
            Some(Expr::call(
                &functions::NOT,
                vec![null],
                Type::Bool,
                args.span,
            ))
        } else {
            None
        };
        Some(Box::new(Computed { keep, ..run }))
    }
}

/// A value, null where a condition about it does not hold.
pub(super) fn null_unless(
    value: Expr,
    filter: &crate::syntax::Expr,
    planner: &mut Planner<'_>,
) -> Option<Expr> {
    let (ty, span) = (value.ty.clone(), value.span);
    let when = planner.within(ty.clone(), None, |planner| {
        let when = planner.expr(filter)?;
        planner.condition(when, "filter")
    })?;
    let element = Expr {
        node: Node::Element,
        ty: ty.clone(),
        span,
    };
    let null = Expr::literal(&Datum::Null, Type::Null, span).cast(&ty);
    let branch = Node::Branch {
        arms: vec![(when, element)],
        otherwise: Some(Box::new(null)),
    };
    let branch = Expr {
        node: branch,
        ty: ty.clone(),
        span,
    };
    Some(Expr {
        node: Node::Bind(Box::new(value), Box::new(branch)),
        ty,
        span,
    })
}
