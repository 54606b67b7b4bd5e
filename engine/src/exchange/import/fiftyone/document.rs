//! `metadata.json`: the fields that the export declares, its saved views, and what has no counterpart here.

use std::path::Path;

use messier_store::{FieldType, Schema, StructKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::samples::broken;
use super::shape::{Node, Part, Shape, document};
use crate::error::Error;
use crate::exchange::files::{io_problem, problem};

/// The most bytes read: it holds no samples.
const MAX_BYTES: u64 = 256 << 20;

/// The deepest nesting of declared fields.
const MAX_DEPTH: usize = 12;

/// A field as declared.
#[derive(Debug, Deserialize)]
struct Declared {
    name: String,
    #[serde(default)]
    db_field: Option<String>,
    #[serde(default)]
    ftype: Option<String>,
    #[serde(default)]
    embedded_doc_type: Option<String>,
    #[serde(default)]
    subfield: Option<String>,
    #[serde(default)]
    fields: Option<Vec<Declared>>,
}

/// A saved view as declared.
#[derive(Debug, Deserialize)]
pub(super) struct DeclaredView {
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub color: Option<String>,
    #[serde(default)]
    pub view_stages: Vec<String>,
    #[serde(default)]
    pub created_at: Value,
    #[serde(default)]
    pub last_modified_at: Value,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    media_type: Option<String>,
    sample_fields: Vec<Declared>,
    #[serde(default)]
    frame_fields: Vec<Value>,
    #[serde(default)]
    saved_views: Vec<DeclaredView>,
    #[serde(default)]
    workspaces: Vec<Value>,
    #[serde(default)]
    brain_methods: Map<String, Value>,
    #[serde(default)]
    evaluations: Map<String, Value>,
    #[serde(default)]
    runs: Map<String, Value>,
    #[serde(default)]
    annotation_runs: Map<String, Value>,
}

/// What `metadata.json` says.
#[derive(Debug)]
pub(super) struct Document {
    /// The fields of a sample, FiftyOne's private ones left out.
    pub fields: Vec<Part>,
    /// The saved views.
    pub views: Vec<DeclaredView>,
    /// What is not taken over, as sentences.
    pub remarks: Vec<String>,
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<Document, Error> {
    let size = std::fs::metadata(path)
        .map_err(|e| io_problem(path, "be opened", &e))?
        .len();
    if size > MAX_BYTES {
        return Err(problem(
            path,
            format!("{size} bytes are too many for a schema"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| io_problem(path, "be read", &e))?;
    let file: File = serde_json::from_slice(&bytes).map_err(|e| broken(path, &e))?;
    let mut fields = Vec::new();
    for declared in file.sample_fields {
        if !declared.name.starts_with('_') {
            fields.push(part(declared, 0));
        }
    }
    let mut remarks = Vec::new();
    if let Some(kind) = file.media_type.filter(|kind| kind != "image") {
        remarks.push(format!(
            "its media are of type {kind:?}; only images can be looked at here"
        ));
    }
    if !file.frame_fields.is_empty() {
        remarks.push("the frames of videos were not taken over".to_owned());
    }
    if !file.workspaces.is_empty() {
        remarks.push("the workspaces were not taken over".to_owned());
    }
    let runs = [
        ("brain runs", file.brain_methods),
        ("evaluations", file.evaluations),
        ("custom runs", file.runs),
        ("annotation runs", file.annotation_runs),
    ];
    for (what, runs) in runs {
        if !runs.is_empty() {
            let names: Vec<&str> = runs.keys().map(String::as_str).collect();
            let names = names.join(", ");
            remarks.push(format!(
                "these {what} were not taken over, their fields were: {names}"
            ));
        }
    }
    Ok(Document {
        fields,
        views: file.saved_views,
        remarks,
    })
}

fn part(declared: Declared, depth: usize) -> Part {
    let name = declared.name.clone();
    let key = declared.db_field.clone().unwrap_or_else(|| name.clone());
    let shape = match declared.ftype.as_deref().map(class) {
        _ if depth > MAX_DEPTH => {
            Shape::Left(format!("it is nested deeper than {MAX_DEPTH} levels"))
        }
        _ if name.is_empty() || name.contains(['.', '$']) || name.contains(char::is_control) => {
            Shape::Left("no field can be called that".into())
        }
        Some("ListField") => {
            let subfield = declared.subfield.as_deref().map(class).map(str::to_owned);
            match subfield {
                Some(subfield) => match shape(&subfield, declared, depth) {
                    Shape::Left(why) => Shape::Left(why),
                    item => Shape::List(Box::new(Node::declared(item))),
                },
                None => Shape::List(Box::new(Node::unseen())),
            }
        }
        Some(ftype) => {
            let ftype = ftype.to_owned();
            shape(&ftype, declared, depth)
        }
        None => Shape::Left("its type is not given".into()),
    };
    Part {
        name,
        key,
        node: Node::declared(shape),
    }
}

/// The shape of a value of the field class `ftype`.
fn shape(ftype: &str, declared: Declared, depth: usize) -> Shape {
    let list = |item| Shape::List(Box::new(Node::declared(Shape::Scalar(item))));
    match ftype {
        "IntField" | "FrameNumberField" => Shape::Scalar(FieldType::Int),
        "FloatField" => Shape::Scalar(FieldType::Float),
        "BooleanField" => Shape::Scalar(FieldType::Bool),
        "StringField" | "ColorField" | "UUIDField" => Shape::Scalar(FieldType::Text),
        "DateField" => Shape::Scalar(FieldType::Date),
        "DateTimeField" => Shape::Scalar(FieldType::DateTime),
        "ObjectIdField" => Shape::Scalar(FieldType::Id),
        "VectorField" => Shape::Packed,
        "FrameSupportField" => list(FieldType::Int),
        "HeatmapRangeField" => list(FieldType::Float),
        "ClassesField" => list(FieldType::Text),
        "DictField" => Shape::Document(StructKind::Plain, Vec::new()),
        "EmbeddedDocumentField" => {
            let path = declared.embedded_doc_type.as_deref().unwrap_or_default();
            if path.starts_with("fiftyone.core.metadata.") {
                return metadata();
            }
            let Some(Shape::Document(kind, _)) = document(class(path)) else {
                return Shape::Left(format!("{} is a type that there is not here", class(path)));
            };
            let fields = declared.fields.unwrap_or_default().into_iter();
            let known = |field: &Declared| field.name == "id" || !field.name.starts_with('_');
            Shape::Document(
                kind,
                fields
                    .filter(known)
                    .map(|field| part(field, depth + 1))
                    .collect(),
            )
        }
        other => Shape::Left(format!("{other} is a type that there is not here")),
    }
}

/// The metadata that every sample has here; an export's own is read into it by name.
fn metadata() -> Shape {
    let schema = Schema::of_samples();
    let fields = schema
        .field("metadata")
        .map(|field| field.ty.children().to_vec());
    let parts = fields.unwrap_or_default().into_iter().map(|field| Part {
        key: field.name.clone(),
        name: field.name,
        node: Node::declared(Shape::Scalar(field.ty)),
    });
    Shape::Document(StructKind::Metadata, parts.collect())
}

/// `fiftyone.core.fields.IntField` -> `IntField`
fn class(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
