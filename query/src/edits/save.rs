//! `save`: what the stages of a view computed becomes what is stored. Fields that no stage computed are not touched,
//! samples outside the view keep what they have.

use messier_store::Field;

use super::written::written;
use super::{Alter, Before, Change, Edit, SetColumn, edited, fits};
use crate::diagnostic::Diagnostic;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, FieldKind, Kind, Signature, edit, example, param};
use crate::syntax::Span;
use crate::types::Type;

/// `save`
pub struct Save;

/// `save(fields)`
pub static SAVE: Save = Save;
static SAVE_SIGNATURE: Signature = edit(
    "save",
    "Stores the fields that the view computed, for its samples; other samples and other fields stay as they are.",
    &[param(
        "fields",
        Kind::Optional(&Kind::List(&Kind::Field(FieldKind::New))),
        Default::Null,
        "Which of the computed fields; by default all.",
    )],
    &[
        example(
            r#"set_field("pixels", F("metadata.width") * F("metadata.height")).save()"#,
            "Adds a number to every sample.",
        ),
        example(
            r#"filter_labels("ground_truth", F("confidence") > 0.9, only_matches=False).save()"#,
            "Removes unsure detections for good.",
        ),
        example(
            r#"map_labels("ground_truth", {"Dog": "dog"}).save("ground_truth")"#,
            "Joins two spellings for good.",
        ),
    ],
);

impl Edit for Save {
    fn signature(&'static self) -> &'static Signature {
        &SAVE_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        before: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let mut computed = edited(before.steps);
        computed.retain(|(name, _)| planner.schema().field(name).is_some());
        if computed.is_empty() {
            return planner.refuse(
                Diagnostic::new(
                    "nothing-to-save",
                    "the view computes no field, so there is nothing to save",
                    args.span,
                    "nothing to save",
                )
                .hint("put a stage that computes one before it: set_field(\"name\", expression).save()")
                .hint("to keep the view by name write save_view(\"name\"); to delete the other samples write keep()"),
            );
        }
        let wanted = planner.texts(args, "fields")?;
        if args.get("fields").is_some() && !wanted.is_empty() {
            let span = args.span_of("fields");
            let known: Vec<bool> = wanted
                .iter()
                .map(|name| is_computed(name, &computed, span, planner))
                .collect();
            if known.contains(&false) {
                return None;
            }
            computed.retain(|(name, _)| wanted.contains(name));
        }
        let fields: Vec<Option<(Field, Type)>> = computed
            .into_iter()
            .map(|(name, ty)| {
                let ty = stored_type(&name, &ty, args.span, planner)?;
                Some((Field::new(name, ty.field_type()), ty))
            })
            .collect();
        Some(Box::new(Saved {
            fields: fields.into_iter().collect::<Option<_>>()?,
            span: args.span,
        }))
    }
}

fn is_computed(
    name: &str,
    computed: &[(String, Type)],
    span: Span,
    planner: &mut Planner<'_>,
) -> bool {
    if computed.iter().any(|(known, _)| known == name) {
        return true;
    }
    let mut mistake = Diagnostic::new(
        "unknown-field",
        format!("the view does not compute `{name}`, so there is nothing of it to save"),
        span,
        "not computed",
    );
    let top = name.split('.').next().unwrap_or_default();
    mistake = if top != name && computed.iter().any(|(known, _)| known == top) {
        mistake.hint(format!("whole fields are saved: save(\"{top}\")"))
    } else {
        let names: Vec<&str> = computed.iter().map(|(name, _)| name.as_str()).collect();
        mistake.hint(format!("it computes {}", names.join(", ")))
    };
    planner.report(mistake);
    false
}

/// The type of a field after values of type `new` were put into it, or a mistake.
pub(super) fn stored_type(
    name: &str,
    new: &Type,
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<Type> {
    let Some(field) = planner.env.schema.field(name) else {
        return match fits::storable(new) {
            Some(ty) => Some(ty),
            None => planner.refuse(
                Diagnostic::new(
                    "wrong-type",
                    format!("`{name}` would hold nothing but null, so nothing says what type it has"),
                    span,
                    "only null",
                )
                .hint("give it a value of some sample: set_field(\"name\", (condition).if_else(value, None))"),
            ),
        };
    };
    match fits::merged(name, &Type::from(&field.ty), new) {
        Ok(ty) => Some(ty),
        Err((why, how)) => {
            let mistake = Diagnostic::new("wrong-type", why, span, "does not fit what is stored");
            planner.refuse(mistake.hint(how))
        }
    }
}

/// Computed fields that become stored ones.
#[derive(Debug)]
struct Saved {
    fields: Vec<(Field, Type)>,
    span: Span,
}

impl Alter for Saved {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        let set = self.fields.iter().map(|(field, ty)| {
            let values = frame.column(&field.name)?;
            Ok(SetColumn {
                field: field.clone(),
                values: written(frame, &field.name, ty, &values, self.span)?,
            })
        });
        Ok(Change::Columns {
            set: set.collect::<Result<_, Error>>()?,
            drop: Vec::new(),
            named: self
                .fields
                .iter()
                .map(|(field, _)| field.name.clone())
                .collect(),
        })
    }
}
