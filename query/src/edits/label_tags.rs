//! `tag_labels` and `untag_labels`: tags of single labels. Where the view has filtered a field, only the labels it left
//! are meant, found again by their ids.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use messier_store::Field;

use super::tags::{retagged, tags_of};
use super::{Alter, Before, Change, Edit, SetColumn, refused};
use crate::columns::{self, Lists};
use crate::diagnostic::Diagnostic;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame, replaced};
use crate::functions::with_field;
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, FieldKind, Kind, Param, Signature, edit, example, param};
use crate::stages::{LabelField, label_field, label_fields};
use crate::syntax::Span;
use crate::types::Type;

/// `tag_labels` and `untag_labels`
pub struct TagLabels {
    add: bool,
    signature: Signature,
}

const PARAMS: &[Param] = &[
    super::tags::TAG,
    param(
        "label_fields",
        Kind::Optional(&Kind::List(&Kind::Field(FieldKind::Label))),
        Default::Null,
        "Label fields; by default all.",
    ),
];

/// `tag_labels(tags, label_fields)`
pub static TAG_LABELS: TagLabels = TagLabels {
    add: true,
    signature: edit(
        "tag_labels",
        "Adds tags to the labels of the view that do not have them.",
        PARAMS,
        &[example(
            r#"filter_labels("ground_truth", F("confidence") < 0.5).tag_labels("unsure", "ground_truth")"#,
            "Marks unsure detections.",
        )],
    ),
};

/// `untag_labels(tags, label_fields)`
pub static UNTAG_LABELS: TagLabels = TagLabels {
    add: false,
    signature: edit(
        "untag_labels",
        "Takes tags from the labels of the view.",
        PARAMS,
        &[example(
            r#"untag_labels("unsure", label_fields="ground_truth")"#,
            "Takes a tag from every detection.",
        )],
    ),
};

impl Edit for TagLabels {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let tags = tags_of(args, planner);
        let names = planner.texts(args, "label_fields")?;
        let span = args.span_of("label_fields");
        let fields = if names.is_empty() {
            label_fields(planner)
        } else {
            let found: Vec<_> = names
                .iter()
                .map(|name| label_field(name, span, planner))
                .collect();
            found.into_iter().collect::<Option<_>>()?
        };
        if fields.is_empty() {
            return planner.refuse(
                Diagnostic::new(
                    "wrong-type",
                    format!(
                        "`{}` needs labels, and this dataset has no label field",
                        args.signature.name
                    ),
                    args.span,
                    "no labels",
                )
                .hint("tag_samples and untag_samples are about samples"),
            );
        }
        let fields: Vec<Option<Labels>> = fields
            .into_iter()
            .map(|field| Labels::of(field, span, planner))
            .collect();
        Some(Box::new(Tagged {
            fields: fields.into_iter().collect::<Option<_>>()?,
            tags: tags?,
            add: self.add,
            span,
        }))
    }
}

/// A label field as it is stored, and its type once all labels may have tags.
#[derive(Debug)]
struct Labels {
    name: String,
    list: Option<&'static str>,
    label: Type,
    ty: Type,
}

impl Labels {
    fn of(field: LabelField, span: Span, planner: &mut Planner<'_>) -> Option<Labels> {
        let stored = planner.env.schema.field(&field.name)?;
        let stored = LabelField::of(&field.name, Type::from(&stored.ty))?;
        let tags = Type::list(Type::Text);
        let label = stored.label();
        if label.child("tags").is_some_and(|own| own != tags) {
            return planner.refuse(Diagnostic::new(
                "wrong-type",
                format!(
                    "the labels of `{}` have `tags` that are no list of texts",
                    field.name
                ),
                span,
                "other tags",
            ));
        }
        let label = with_field(&label, &["tags".to_owned()], &tags)?;
        let ty = match stored.list {
            Some(list) => with_field(&stored.ty, &[list.to_owned()], &Type::list(label.clone()))?,
            None => label.clone(),
        };
        Some(Labels {
            name: stored.name,
            list: stored.list,
            label,
            ty,
        })
    }
}

#[derive(Debug)]
struct Tagged {
    fields: Vec<Labels>,
    tags: Vec<String>,
    add: bool,
    span: Span,
}

impl Alter for Tagged {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        let set = self.fields.iter().map(|field| {
            Ok(SetColumn {
                field: Field::new(field.name.clone(), field.ty.field_type()),
                values: self.retagged(field, frame)?,
            })
        });
        Ok(Change::Columns {
            set: set.collect::<Result<_, Error>>()?,
            drop: Vec::new(),
            named: self.fields.iter().map(|field| field.name.clone()).collect(),
        })
    }
}

impl Tagged {
    fn retagged(&self, field: &Labels, frame: &Frame) -> Result<ArrayRef, Error> {
        let column = frame.base().column(&field.name)?;
        let mut in_view = vec![false; column.len()];
        let rows = frame.rows().rows();
        rows.iter().for_each(|row| in_view[*row as usize] = true);
        let shown = frame.computed(&field.name).is_some();
        let Some(list) = field.list else {
            if shown {
                let left = frame.column(&field.name)?;
                for (at, row) in rows.iter().enumerate() {
                    in_view[*row as usize] = left.is_valid(at);
                }
            }
            return self.with_tags(&column, &in_view, &field.label);
        };
        let Some(inner) = columns::child(&column, list) else {
            return Ok(column);
        };
        let lists = Lists::of(&inner)?;
        let mut chosen: Vec<bool> = lists
            .parents()
            .iter()
            .map(|row| in_view[*row as usize])
            .collect();
        if shown {
            let left = frame.column(&field.name)?;
            let left = columns::child(&left, list)
                .map(|inner| Lists::of(&inner))
                .transpose()?;
            let left = left.and_then(|lists| columns::child(&lists.values, "id"));
            let own = columns::child(&lists.values, "id");
            let (Some(left), Some(own)) = (left, own) else {
                return Err(self.without_ids(&field.name));
            };
            let (left, own) = (
                left.as_fixed_size_binary_opt(),
                own.as_fixed_size_binary_opt(),
            );
            let (Some(left), Some(own)) = (left, own) else {
                return Err(self.without_ids(&field.name));
            };
            if left.null_count() > 0 {
                return Err(self.without_ids(&field.name));
            }
            let left: HashSet<&[u8]> = left.iter().flatten().collect();
            for (at, chosen) in chosen.iter_mut().enumerate() {
                *chosen &= own.is_valid(at) && left.contains(own.value(at));
            }
        }
        let labels = self.with_tags(&lists.values, &chosen, &field.label)?;
        let inner = lists.with_values(labels)?;
        replaced(&column, &[list.to_owned()], inner, &field.ty)
    }

    /// Labels with their tags changed where they are chosen; a label that is not there stays so.
    fn with_tags(&self, labels: &ArrayRef, chosen: &[bool], ty: &Type) -> Result<ArrayRef, Error> {
        let old = columns::child(labels, "tags").unwrap_or_else(|| {
            arrow::array::new_null_array(&Type::list(Type::Text).arrow(), labels.len())
        });
        let chosen: Vec<bool> = chosen
            .iter()
            .enumerate()
            .map(|(at, chosen)| *chosen && labels.is_valid(at))
            .collect();
        let new = retagged(&old, &chosen, &self.tags, self.add)?;
        replaced(labels, &["tags".to_owned()], new, ty)
    }

    fn without_ids(&self, name: &str) -> Error {
        refused(
            "no-label-ids",
            format!(
                "the view shows only some labels of `{name}`, and without ids they cannot be found again"
            ),
            self.span,
            "labels without ids",
            "match_labels(...) chooses samples and leaves their labels whole; then all labels of these samples are meant",
        )
    }
}
