//! `select_fields` and `exclude_fields`: which fields the view has. Nothing is copied; only the schema changes, and the
//! fields every sample has stay.

use messier_store::{Field, FieldType, Schema};

use super::Stage;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, example, param, stage};

/// The fields that no selection removes.
const ALWAYS: [&str; 6] = [
    "id",
    "filepath",
    "tags",
    "metadata",
    "created_at",
    "last_modified_at",
];

/// Gives the view another schema.
#[derive(Debug)]
struct Shown {
    schema: Schema,
    vectors: Vec<String>,
}

impl Run for Shown {
    fn run(&self, frame: Frame, _: &Context) -> Result<Frame, Error> {
        Ok(frame
            .with_schema(self.schema.clone())
            .showing(&self.vectors))
    }
}

/// `select_fields`
pub struct SelectFields;

/// `select_fields(field_names)`
pub static SELECT_FIELDS: SelectFields = SelectFields;
static SELECT_FIELDS_SIGNATURE: Signature = stage(
    "select_fields",
    "Keeps only these fields, and those every sample has; a vector field named here is shown.",
    &[param(
        "field_names",
        Kind::Optional(&Kind::List(&Kind::Field(FieldKind::Any))),
        Default::Null,
        "Names, also of fields within documents.",
    )],
    &[
        example(
            r#"select_fields(["k20", "uniqueness"])"#,
            "Keeps two fields.",
        ),
        example(r#"limit(1).select_fields("embedding")"#, "Shows a vector."),
    ],
);

impl Stage for SelectFields {
    fn signature(&'static self) -> &'static Signature {
        &SELECT_FIELDS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let names = names(args, planner)?;
        let schema = selected(planner.schema(), &names);
        let vectors = schema.fields.iter().filter(|field| {
            matches!(field.ty, FieldType::Vector(_)) && names.contains(&field.name)
        });
        let vectors = vectors.map(|field| field.name.clone()).collect();
        planner.schema = schema.clone();
        Some(Box::new(Shown { schema, vectors }))
    }
}

/// The fields of a schema that lie on one of the paths, and those that every sample has.
pub(crate) fn selected(schema: &Schema, names: &[String]) -> Schema {
    let kept = schema.fields.iter().filter_map(|field| {
        if ALWAYS.contains(&field.name.as_str()) {
            return Some(field.clone());
        }
        let paths: Vec<Vec<&str>> = names
            .iter()
            .map(|name| name.split('.').collect::<Vec<_>>())
            .filter(|path: &Vec<&str>| path.first() == Some(&field.name.as_str()))
            .collect();
        let below: Vec<&[&str]> = paths.iter().map(|path| &path[1..]).collect();
        (!below.is_empty()).then(|| Field::new(field.name.clone(), kept(&field.ty, &below)))
    });
    Schema {
        fields: kept.collect(),
    }
}

/// The field names given, each of which must exist.
pub(crate) fn names(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Vec<String>> {
    let names = planner.texts(args, "field_names")?;
    let span = args.span_of("field_names");
    let known: Vec<bool> = names
        .iter()
        .map(|name| planner.path(name, span).is_some())
        .collect();
    known.iter().all(|known| *known).then_some(names)
}

/// The type with only what lies on one of the paths.
fn kept(ty: &FieldType, paths: &[&[&str]]) -> FieldType {
    if paths.iter().any(|path| path.is_empty()) {
        return ty.clone();
    }
    match ty {
        FieldType::List(item) => FieldType::List(Box::new(kept(item, paths))),
        FieldType::Struct(kind, fields) => {
            let fields = fields.iter().filter_map(|field| {
                let below: Vec<&[&str]> = paths
                    .iter()
                    .filter(|path| path.first() == Some(&field.name.as_str()))
                    .map(|path| &path[1..])
                    .collect();
                (!below.is_empty()).then(|| Field::new(field.name.clone(), kept(&field.ty, &below)))
            });
            FieldType::Struct(*kind, fields.collect())
        }
        other => other.clone(),
    }
}

/// `exclude_fields`
pub struct ExcludeFields;

/// `exclude_fields(field_names)`
pub static EXCLUDE_FIELDS: ExcludeFields = ExcludeFields;
static EXCLUDE_FIELDS_SIGNATURE: Signature = stage(
    "exclude_fields",
    "Leaves these fields out; those every sample has cannot be left out.",
    &[param(
        "field_names",
        Kind::List(&Kind::Field(FieldKind::Any)),
        Default::Required,
        "Names, also of fields within documents.",
    )],
    &[example(
        r#"exclude_fields(["uniqueness", "metadata.mime_type"])"#,
        "Leaves two out.",
    )],
);

impl Stage for ExcludeFields {
    fn signature(&'static self) -> &'static Signature {
        &EXCLUDE_FIELDS_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let names = names(args, planner)?;
        let mut schema = planner.schema().clone();
        for name in &names {
            if ALWAYS.contains(&name.as_str()) {
                planner.report(Diagnostic::new(
                    "bad-argument",
                    format!("`{name}` is a field every sample has, and cannot be left out"),
                    args.span_of("field_names"),
                    "cannot be left out",
                ));
                return None;
            }
            let path: Vec<&str> = name.split('.').collect();
            remove(&mut schema.fields, &path);
        }
        planner.schema = schema.clone();
        Some(Box::new(Shown {
            schema,
            vectors: Vec::new(),
        }))
    }
}

fn remove(fields: &mut Vec<Field>, path: &[&str]) {
    match path {
        [] => {}
        [last] => fields.retain(|field| field.name != *last),
        [first, rest @ ..] => {
            for field in fields.iter_mut().filter(|field| field.name == *first) {
                let mut ty = &mut field.ty;
                while let FieldType::List(item) = ty {
                    ty = item;
                }
                if let FieldType::Struct(_, children) = ty {
                    remove(children, rest);
                }
            }
        }
    }
}
