//! `tag_samples` and `untag_samples`. Tags keep their order; new ones come at the end.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use messier_store::{Field, FieldType};

use super::{Alter, Before, Change, Edit, SetColumn};
use crate::answer::View;
use crate::columns::Texts;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Param, Signature, edit, example, param};
use crate::source::Source;

/// `tag_samples` and `untag_samples`
pub struct TagSamples {
    add: bool,
    signature: Signature,
}

/// The tags that an edit is about.
pub(super) const TAG: Param = param(
    "tags",
    Kind::List(&Kind::Text),
    Default::Required,
    "One tag, or several.",
);
const TAGS: &[Param] = &[TAG];

/// `tag_samples(tags)`
pub static TAG_SAMPLES: TagSamples = TagSamples {
    add: true,
    signature: edit(
        "tag_samples",
        "Adds tags to the samples of the view that do not have them.",
        TAGS,
        &[example(
            r#"match(F("metadata.width") < 640).tag_samples("small")"#,
            "Marks small images.",
        )],
    ),
};

/// `untag_samples(tags)`
pub static UNTAG_SAMPLES: TagSamples = TagSamples {
    add: false,
    signature: edit(
        "untag_samples",
        "Takes tags from the samples of the view.",
        TAGS,
        &[example(
            r#"untag_samples(["night", "rain"])"#,
            "Takes two tags from every sample.",
        )],
    ),
};

/// The tags given, each of which must have a character.
pub(super) fn tags_of(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Vec<String>> {
    let tags = planner.texts(args, "tags")?;
    if tags.is_empty() || tags.iter().any(|tag| tag.trim().is_empty()) {
        return planner.refuse(
            Diagnostic::new(
                "bad-argument",
                "a tag needs at least one character",
                args.span_of("tags"),
                "no tag",
            )
            .hint(format!("write {}(\"name\")", args.signature.name)),
        );
    }
    Some(tags)
}

impl Edit for TagSamples {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        Some(Box::new(Tagged {
            tags: tags_of(args, planner)?,
            add: self.add,
        }))
    }
}

#[derive(Debug)]
struct Tagged {
    tags: Vec<String>,
    add: bool,
}

impl Alter for Tagged {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        change(
            frame.base().as_ref(),
            &frame.rows().rows(),
            &self.tags,
            self.add,
        )
    }
}

/// What it means to add tags to the samples of a view, or to take them away: as `tag_samples` and `untag_samples`.
///
/// # Errors
/// What the source reports.
pub fn tagged(
    source: &dyn Source,
    view: &View,
    tags: &[String],
    add: bool,
) -> Result<Change, Error> {
    change(source, view.rows(), tags, add)
}

fn change(source: &dyn Source, rows: &[u32], tags: &[String], add: bool) -> Result<Change, Error> {
    let mut chosen = vec![false; source.len()];
    rows.iter().for_each(|row| chosen[*row as usize] = true);
    let values = retagged(&source.column("tags")?, &chosen, tags, add)?;
    let ty = FieldType::List(Box::new(FieldType::Text));
    Ok(Change::Columns {
        set: vec![SetColumn {
            field: Field::new("tags", ty),
            values,
        }],
        drop: Vec::new(),
        named: vec!["tags".to_owned()],
    })
}

/// Lists of tags with some added, or taken away, in the rows that are chosen.
pub(super) fn retagged(
    column: &ArrayRef,
    chosen: &[bool],
    tags: &[String],
    add: bool,
) -> Result<ArrayRef, Error> {
    let old = column.as_list_opt::<i32>();
    let texts = old.and_then(|old| Texts::of(old.values()));
    let mut new = ListBuilder::new(StringBuilder::new());
    let mut here: Vec<&str> = Vec::new();
    for (row, chosen) in chosen.iter().enumerate() {
        here.clear();
        let valid = old.is_some_and(|old| old.is_valid(row));
        if let (true, Some(old), Some(texts)) = (valid, old, &texts) {
            let offsets = old.value_offsets();
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            here.extend(range.filter_map(|at| texts.at(at)));
        }
        if *chosen && add {
            for tag in tags {
                if !here.contains(&tag.as_str()) {
                    here.push(tag);
                }
            }
        } else if *chosen {
            here.retain(|tag| !tags.iter().any(|other| other == tag));
        }
        here.iter().for_each(|tag| new.values().append_value(tag));
        new.append(valid || !here.is_empty());
    }
    Ok(Arc::new(new.finish()))
}
