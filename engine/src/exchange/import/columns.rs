//! The columns that every picture import gives: filepath, metadata, content hash, tags, label.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field as ArrowField, Fields};
use messier_store::{Field, FieldType, Schema};

use super::scan::Scanned;
use crate::decode::Metadata;
use crate::error::Error;

/// The most bytes of text in one column of one import: Arrow's offsets are 32 bits wide.
const MAX_TEXT: usize = i32::MAX as usize;

/// A text column.
pub(super) fn texts<'a>(
    name: &str,
    values: impl Iterator<Item = Option<&'a str>> + Clone,
) -> Result<(Field, ArrayRef), Error> {
    let total: usize = values.clone().flatten().map(str::len).sum();
    if total > MAX_TEXT {
        return Err(Error::Input(format!(
            "{name:?} has {total} bytes of text in one import; import in parts"
        )));
    }
    Ok((
        Field::new(name, FieldType::Text),
        Arc::new(values.collect::<StringArray>()),
    ))
}

/// The columns of pictures that were scanned: `filepath`, `metadata`, `content_hash`.
pub(super) fn pictures(
    paths: &[PathBuf],
    scanned: &[Scanned],
) -> Result<Vec<(Field, ArrayRef)>, Error> {
    let metadata: Vec<Option<Metadata>> = scanned.iter().map(|one| one.metadata).collect();
    Ok(vec![
        texts(
            "filepath",
            scanned.iter().map(|one| paths[one.index].to_str()),
        )?,
        self::metadata(&metadata)?,
        texts(
            "content_hash",
            scanned.iter().map(|one| Some(one.content_hash.as_str())),
        )?,
    ])
}

/// The same tags for `rows` samples; none where there are no tags.
pub(super) fn tags(tags: &[String], rows: usize) -> Result<Option<(Field, ArrayRef)>, Error> {
    if tags.is_empty() {
        return Ok(None);
    }
    let mut unique: Vec<&str> = Vec::new();
    for tag in tags
        .iter()
        .map(|tag| tag.trim())
        .filter(|tag| !tag.is_empty())
    {
        if !unique.contains(&tag) {
            unique.push(tag);
        }
    }
    let values: StringArray = (0..rows)
        .flat_map(|_| unique.iter().map(|tag| Some(*tag)))
        .collect();
    let item = Arc::new(ArrowField::new("item", DataType::Utf8, true));
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(unique.len(), rows));
    let array = ListArray::try_new(item, offsets, Arc::new(values), None)
        .map_err(|e| Error::Input(e.to_string()))?;
    Ok(Some((
        Field::new("tags", FieldType::List(Box::new(FieldType::Text))),
        Arc::new(array),
    )))
}

fn metadata(rows: &[Option<Metadata>]) -> Result<(Field, ArrayRef), Error> {
    let schema = Schema::of_samples();
    let field = schema
        .field("metadata")
        .cloned()
        .ok_or_else(|| Error::Input("samples have no metadata".into()))?;
    let int = |get: fn(&Metadata) -> i64| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| row.as_ref().map(get))
                .collect::<Int64Array>(),
        )
    };
    let parts = field
        .ty
        .children()
        .iter()
        .map(|part| match part.name.as_str() {
            "size_bytes" => int(|m| i64::try_from(m.size_bytes).unwrap_or(i64::MAX)),
            "width" => int(|m| m.width.into()),
            "height" => int(|m| m.height.into()),
            "num_channels" => int(|m| m.num_channels.into()),
            _ => Arc::new(
                rows.iter()
                    .map(|row| row.map(|m| m.mime_type))
                    .collect::<StringArray>(),
            ) as ArrayRef,
        });
    let arrow: Fields = field.ty.children().iter().map(Field::arrow).collect();
    let valid = NullBuffer::from_iter(rows.iter().map(Option::is_some));
    let array = StructArray::try_new(arrow, parts.collect(), Some(valid))
        .map_err(|e| Error::Input(e.to_string()))?;
    Ok((field, Arc::new(array)))
}
