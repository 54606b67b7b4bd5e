//! A view as a table: the file first, then what the person added, then what every sample has.

use messier_store::{FieldType, Schema};
use serde_json::{Map, Value as Json};

use super::json_value;
use super::number::{count, duration, grouped};
use super::table::{Cell, Column, Give, Laid, Table, Tone};

/// Samples to be shown, as JSON objects in the view's order.
#[derive(Debug)]
pub struct Samples<'a> {
    /// The fields of the view.
    pub schema: &'a Schema,
    /// The rows to show.
    pub rows: &'a [Map<String, Json>],
    /// The number of the first row, from 1.
    pub first: usize,
}

/// What the footer says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Footer {
    /// Samples in the view.
    pub in_view: u64,
    /// Samples in the dataset.
    pub in_dataset: u64,
    /// Rows of the table above.
    pub shown: u64,
    /// How long it took, if it is to be said.
    pub seconds: Option<f64>,
    /// Values that could not be computed.
    pub skipped: u64,
}

impl Footer {
    /// `12 of 1,899 samples, 3 ms; 2 values could not be computed`.
    pub fn text(&self) -> String {
        let mut out = if self.in_view == self.in_dataset {
            count(self.in_view, "sample")
        } else {
            format!(
                "{} of {}",
                grouped(self.in_view),
                count(self.in_dataset, "sample")
            )
        };
        if self.shown < self.in_view {
            out.push_str(&format!(" (the first {} shown)", grouped(self.shown)));
        }
        if let Some(seconds) = self.seconds {
            out.push_str(&format!(", {}", duration(seconds)));
        }
        match self.skipped {
            0 => {}
            1 => out.push_str("; 1 value could not be computed"),
            n => out.push_str(&format!("; {} values could not be computed", grouped(n))),
        }
        out
    }
}

/// Fields that every sample has and that say little to a person.
const BACKGROUND: [&str; 3] = ["created_at", "last_modified_at", "content_hash"];

/// Lays the samples out as a table.
pub fn table(samples: &Samples<'_>, columns: Option<usize>, color: bool) -> Laid {
    let fields = order(samples);
    let mut table = Table::new(
        std::iter::once(Column::number("#"))
            .chain(
                fields
                    .iter()
                    .enumerate()
                    .map(|(at, (name, ty))| column(name, ty, at)),
            )
            .collect(),
    );
    for (at, row) in samples.rows.iter().enumerate() {
        let mut cells = vec![Cell::new((samples.first + at).to_string()).tone(Tone::Dim)];
        cells.extend(fields.iter().map(|(name, ty)| {
            let value = row.get(*name).unwrap_or(&Json::Null);
            match (value, ty) {
                // Vectors are not in the JSON unless they were asked for.
                (Json::Null, FieldType::Vector(dims)) if !row.contains_key(*name) => {
                    Cell::new(format!("vector({dims})")).tone(Tone::Dim)
                }
                _ => json_value::cell(value, ty),
            }
        }));
        table.row(cells);
    }
    table.draw(columns, color)
}

/// The fields in the order they are shown; those that say nothing here are left out.
fn order<'a>(samples: &Samples<'a>) -> Vec<(&'a str, &'a FieldType)> {
    let schema = samples.schema;
    let standard = Schema::of_samples();
    let whole = standard
        .fields
        .iter()
        .all(|field| schema.field(&field.name).is_some());
    let weight = |name: &str, ty: &FieldType| match (name, ty) {
        ("filepath", _) => 0,
        ("tags", _) => 2,
        ("metadata", _) => 3,
        (_, FieldType::Vector(_)) => 4,
        ("id", _) => 5,
        (name, _) if BACKGROUND.contains(&name) => 6,
        _ => 1,
    };
    let says_nothing = |name: &str| {
        let empty = |value: &Json| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        samples
            .rows
            .iter()
            .all(|row| row.get(name).is_none_or(empty))
    };
    let mut fields: Vec<(&str, &FieldType)> = schema
        .fields
        .iter()
        .map(|field| (field.name.as_str(), &field.ty))
        .filter(|(name, _)| !(whole && BACKGROUND.contains(name)))
        .filter(|(name, _)| {
            !(whole && matches!(*name, "tags" | "filepath" | "metadata") && says_nothing(name))
        })
        .collect();
    fields.sort_by_key(|(name, ty)| weight(name, ty));
    fields
}

fn column(name: &str, ty: &FieldType, at: usize) -> Column {
    let column = match ty {
        FieldType::Int | FieldType::Float => Column::number(name),
        FieldType::Id | FieldType::Vector(_) | FieldType::DateTime | FieldType::Date => {
            Column::text(name).give(Give::Never)
        }
        _ if name == "filepath" => Column::text(name).give(Give::Middle(28)),
        FieldType::Struct(messier_store::StructKind::Metadata, _) => {
            Column::text(name).give(Give::Never)
        }
        _ => Column::text(name).give(Give::End(8)),
    };
    column.rank(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_store::Field;
    use serde_json::json;

    fn rows() -> Vec<Map<String, Json>> {
        (0..3)
            .map(|i| {
                let row = json!({
                    "id": format!("65f0aaaaaaaaaaaaaaaaaaa{i}"), "filepath": format!("/home/me/photos/2024/summer/IMG_000{i}.jpg"),
                    "tags": if i == 0 { json!(["night", "small"]) } else { json!([]) },
                    "metadata": {"size_bytes": 12_000, "mime_type": "image/jpeg", "width": 640, "height": 480, "num_channels": 3},
                    "created_at": "2026-11-23T10:00:00.000Z", "last_modified_at": "2026-11-23T10:00:00.000Z",
                    "k20": if i == 2 { Json::Null } else { json!(i.to_string()) }, "uniqueness": 0.25 * f64::from(i),
                });
                row.as_object().unwrap().clone()
            })
            .collect()
    }

    fn schema() -> Schema {
        let mut schema = Schema::of_samples();
        schema
            .fields
            .push(Field::new("embedding", FieldType::Vector(1280)));
        schema.fields.push(Field::new("k20", FieldType::Text));
        schema
            .fields
            .push(Field::new("uniqueness", FieldType::Float));
        schema
    }

    #[test]
    fn eighty_columns() {
        let (rows, schema) = (rows(), schema());
        let laid = table(
            &Samples {
                schema: &schema,
                rows: &rows,
                first: 1,
            },
            Some(80),
            false,
        );
        insta::assert_snapshot!(format!("{}left out: {:?}", laid.text, laid.left_out));
    }

    #[test]
    fn as_wide_as_it_needs() {
        let (rows, schema) = (rows(), schema());
        insta::assert_snapshot!(
            table(
                &Samples {
                    schema: &schema,
                    rows: &rows,
                    first: 1
                },
                None,
                false
            )
            .text
        );
    }

    #[test]
    fn footers() {
        let footer = Footer {
            in_view: 12,
            in_dataset: 1899,
            shown: 12,
            seconds: Some(0.003),
            skipped: 2,
        };
        assert_eq!(
            footer.text(),
            "12 of 1,899 samples, 3 ms; 2 values could not be computed"
        );
        let footer = Footer {
            in_view: 1899,
            in_dataset: 1899,
            shown: 20,
            seconds: None,
            skipped: 0,
        };
        assert_eq!(footer.text(), "1,899 samples (the first 20 shown)");
        let footer = Footer {
            in_view: 0,
            in_dataset: 1,
            shown: 0,
            seconds: None,
            skipped: 1,
        };
        assert_eq!(
            footer.text(),
            "0 of 1 sample; 1 value could not be computed"
        );
    }
}
