//! The fields of a dataset as FiftyOne declares them, and the class of every document.

use messier_store::{Field, FieldType, StructKind};
use serde_json::{Value, json};

/// The class of a document, as `_cls` names it.
pub(super) fn class(kind: StructKind) -> &'static str {
    match kind {
        StructKind::Plain => "DynamicEmbeddedDocument",
        StructKind::Metadata => "ImageMetadata",
        StructKind::Classification => "Classification",
        StructKind::Classifications => "Classifications",
        StructKind::Detection => "Detection",
        StructKind::Detections => "Detections",
        StructKind::Regression => "Regression",
    }
}

fn class_path(kind: StructKind) -> String {
    let module = match kind {
        StructKind::Plain => "odm.embedded_document",
        StructKind::Metadata => "metadata",
        _ => "labels",
    };
    format!("fiftyone.core.{module}.{}", class(kind))
}

/// Whether a document is one label, which in FiftyOne has an id.
pub(super) fn is_label(kind: StructKind) -> bool {
    matches!(
        kind,
        StructKind::Classification | StructKind::Detection | StructKind::Regression
    )
}

/// Whether a part of a document is a vector in FiftyOne though it is a list here.
pub(super) fn is_packed(kind: StructKind, name: &str) -> bool {
    matches!(
        kind,
        StructKind::Classification | StructKind::Classifications
    ) && name == "logits"
}

/// The name of a field in the database: `id` is `_id`, and other ids begin with `_` too.
pub(super) fn key(field: &Field) -> String {
    match field.ty {
        FieldType::Id => format!("_{}", field.name),
        _ => field.name.clone(),
    }
}

/// The declaration of a field.
pub(super) fn declared(field: &Field) -> Value {
    described(field, None)
}

fn described(field: &Field, within: Option<StructKind>) -> Value {
    let class = |name: &str| Value::from(format!("fiftyone.core.fields.{name}"));
    let (mut subfield, mut document, mut fields) = (Value::Null, Value::Null, json!([]));
    let mut documents = |ty: &FieldType| {
        if let FieldType::Struct(kind, parts) = ty {
            document = class_path(*kind).into();
            let id = (is_label(*kind) && parts.iter().all(|part| part.name != "id"))
                .then(|| described(&Field::new("id", FieldType::Id), None));
            let parts = parts.iter().map(|part| described(part, Some(*kind)));
            fields = id.into_iter().chain(parts).collect();
        }
    };
    let packed = within.is_some_and(|kind| is_packed(kind, &field.name));
    let ftype = match &field.ty {
        _ if packed => class("VectorField"),
        FieldType::List(item) => {
            subfield = class(scalar(item));
            documents(item);
            class("ListField")
        }
        ty => {
            documents(ty);
            class(scalar(ty))
        }
    };
    json!({
        "name": field.name, "ftype": ftype, "embedded_doc_type": document, "subfield": subfield, "fields": fields,
        "db_field": key(field), "description": null, "info": null,
        "read_only": matches!(field.name.as_str(), "created_at" | "last_modified_at"),
    })
}

fn scalar(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Bool => "BooleanField",
        FieldType::Int => "IntField",
        FieldType::Float => "FloatField",
        FieldType::Text => "StringField",
        FieldType::Date => "DateField",
        FieldType::DateTime => "DateTimeField",
        FieldType::Id => "ObjectIdField",
        FieldType::Vector(_) => "VectorField",
        FieldType::List(_) => "ListField",
        FieldType::Struct(..) => "EmbeddedDocumentField",
    }
}
