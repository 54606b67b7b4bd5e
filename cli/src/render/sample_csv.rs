//! Samples and values as CSV (RFC 4180): documents become dotted columns, lists become JSON in a cell, null is empty.

use std::io::{self, Write};

use messier_store::{Field, FieldType, Schema};
use serde_json::{Map, Value as Json};

/// The columns for samples of this schema; `first` tells whether vectors are part of the samples.
pub fn columns(schema: &Schema, first: Option<&Map<String, Json>>) -> Vec<String> {
    fn add(prefix: &str, field: &Field, out: &mut Vec<String>) {
        let path = if prefix.is_empty() {
            field.name.clone()
        } else {
            format!("{prefix}.{}", field.name)
        };
        match &field.ty {
            FieldType::Struct(_, fields) if !fields.is_empty() => {
                fields.iter().for_each(|child| add(&path, child, out))
            }
            _ => out.push(path),
        }
    }
    let mut out = Vec::new();
    for field in &schema.fields {
        let hidden = matches!(field.ty, FieldType::Vector(_))
            && first.is_none_or(|row| !row.contains_key(&field.name));
        if !hidden {
            add("", field, &mut out);
        }
    }
    out
}

/// The header line.
pub fn header(out: &mut dyn Write, columns: &[String]) -> io::Result<()> {
    line(out, columns.iter().map(String::as_str))
}

/// The lines of samples.
pub fn rows(out: &mut dyn Write, columns: &[String], rows: &[Map<String, Json>]) -> io::Result<()> {
    for row in rows {
        let cells: Vec<String> = columns.iter().map(|column| cell(at(row, column))).collect();
        line(out, cells.iter().map(String::as_str))?;
    }
    Ok(())
}

/// A value: counts as `value,count`, lists one a line, anything else in one cell.
pub fn value(out: &mut dyn Write, value: &Json) -> io::Result<()> {
    match value {
        Json::Object(entries) => {
            line(out, ["value", "count"].into_iter())?;
            entries.iter().try_for_each(|(name, n)| {
                let n = cell(Some(n));
                line(out, [name.as_str(), n.as_str()].into_iter())
            })
        }
        Json::Array(items) => {
            line(out, ["value"].into_iter())?;
            items
                .iter()
                .try_for_each(|item| line(out, [cell(Some(item)).as_str()].into_iter()))
        }
        other => {
            line(out, ["value"].into_iter())?;
            line(out, [cell(Some(other)).as_str()].into_iter())
        }
    }
}

fn at<'a>(row: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    if let Some(value) = row.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = row.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn line<'a>(out: &mut dyn Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn documents_are_dotted_and_vectors_are_left_out() {
        let mut schema = Schema::of_samples();
        schema
            .fields
            .push(Field::new("embedding", FieldType::Vector(4)));
        let row = json!({"id": "65f0", "filepath": "a,b.jpg", "tags": ["x", "y"], "metadata": {"width": 3}, "created_at": null});
        let row = row.as_object().unwrap();
        let columns = columns(&schema, Some(row));
        assert!(
            columns.contains(&"metadata.width".to_owned())
                && !columns.contains(&"embedding".to_owned())
        );
        let out = text(|out| {
            header(out, &columns).and_then(|()| rows(out, &columns, std::slice::from_ref(row)))
        });
        assert_eq!(
            out,
            "id,filepath,tags,metadata.size_bytes,metadata.mime_type,metadata.width,metadata.height,\
             metadata.num_channels,created_at,last_modified_at\n65f0,\"a,b.jpg\",\"[\"\"x\"\",\"\"y\"\"]\",,,3,,,,\n"
        );
    }

    #[test]
    fn counts_lists_and_single_values() {
        assert_eq!(
            text(|out| value(out, &json!({"cat": 3, "null": 1}))),
            "value,count\ncat,3\nnull,1\n"
        );
        assert_eq!(
            text(|out| value(out, &json!([1, null]))),
            "value\n1\n\"\"\n"
        );
        assert_eq!(text(|out| value(out, &json!(0.5))), "value\n0.5\n");
    }
}
