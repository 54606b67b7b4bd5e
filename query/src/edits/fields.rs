//! `keep_fields`: fields that the view leaves out are removed from the dataset, also within documents.

use messier_store::{Field, FieldType, Schema};

use super::{Alter, Before, Change, Edit, SetColumn, fits};
use crate::columns::cast;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, FieldKind, Kind, Signature, edit, example, param};
use crate::stages::{field_names, selected};
use crate::types::Type;

/// `keep_fields`
pub struct KeepFields;

/// `keep_fields(field_names)`
pub static KEEP_FIELDS: KeepFields = KeepFields;
static KEEP_FIELDS_SIGNATURE: Signature = edit(
    "keep_fields",
    "Removes from the dataset, for all samples, the fields that the view leaves out; those every sample has stay.",
    &[param(
        "field_names",
        Kind::Optional(&Kind::List(&Kind::Field(FieldKind::Any))),
        Default::Null,
        "Keeps only these; by default the fields that `select_fields` and `exclude_fields` left.",
    )],
    &[
        example(
            r#"exclude_fields(["uniqueness", "ground_truth.detections.tags"]).keep_fields()"#,
            "Removes a field, and another within every detection.",
        ),
        example(
            r#"keep_fields(["k20", "embedding"])"#,
            "Removes all fields but two.",
        ),
    ],
);

impl Edit for KeepFields {
    fn signature(&'static self) -> &'static Signature {
        &KEEP_FIELDS_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let shown = match args.get("field_names") {
            Some(_) => {
                let names = field_names(args, planner)?;
                selected(planner.schema(), &names)
            }
            None => planner.schema().clone(),
        };
        let stored = planner.env.schema.clone();
        let removed = Removed::between(&stored, &shown);
        if removed.named.is_empty() {
            return planner.refuse(
                Diagnostic::new(
                    "nothing-to-remove",
                    "the view leaves no field out, so there is none to remove",
                    args.span,
                    "nothing to remove",
                )
                .hint("say which to keep: keep_fields([\"one\", \"two\"])")
                .hint("or which to remove: exclude_fields([\"three\"]).keep_fields()"),
            );
        }
        let fixed = Schema::of_samples();
        if let Some(field) = removed
            .narrowed
            .iter()
            .find(|field| fixed.field(&field.name).is_some())
        {
            return planner.refuse(Diagnostic::new(
                "bad-argument",
                format!(
                    "`{}` has the same fields in every dataset, so none of them can be removed",
                    field.name
                ),
                args.span,
                "cannot be removed",
            ));
        }
        Some(Box::new(removed))
    }
}

/// What goes.
#[derive(Debug, Default)]
struct Removed {
    /// Whole fields.
    drop: Vec<String>,
    /// Fields of which only a part goes, with what is left.
    narrowed: Vec<Field>,
    /// Everything that goes, as paths.
    named: Vec<String>,
}

impl Removed {
    fn between(stored: &Schema, shown: &Schema) -> Removed {
        let mut removed = Removed::default();
        for field in &stored.fields {
            let Some(other) = shown.field(&field.name) else {
                removed.drop.push(field.name.clone());
                removed.named.push(field.name.clone());
                continue;
            };
            let left = fits::narrowed(&field.ty, &other.ty);
            if left != field.ty {
                missing(&field.name, &field.ty, &left, &mut removed.named);
                removed.narrowed.push(Field::new(field.name.clone(), left));
            }
        }
        removed
    }
}

/// The paths that `left` lacks.
fn missing(path: &str, stored: &FieldType, left: &FieldType, into: &mut Vec<String>) {
    let kept = left.children();
    for child in stored.children() {
        let below = format!("{path}.{}", child.name);
        match kept.iter().find(|other| other.name == child.name) {
            None => into.push(below),
            Some(other) => missing(&below, &child.ty, &other.ty, into),
        }
    }
}

impl Alter for Removed {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        let set = self.narrowed.iter().map(|field| {
            let column = frame.base().column(&field.name)?;
            Ok(SetColumn {
                field: field.clone(),
                values: cast(&column, &Type::from(&field.ty))?,
            })
        });
        Ok(Change::Columns {
            set: set.collect::<Result<_, Error>>()?,
            drop: self.drop.clone(),
            named: self.named.clone(),
        })
    }
}
