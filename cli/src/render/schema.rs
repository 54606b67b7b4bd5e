//! A schema as a tree: fields with their types, the fields of documents below them.

use messier_store::{Field, Schema};

use super::fit::printable;
use super::paint::Paint;
use super::table::{Cell, Column, Give, Table, Tone};

/// Every field with its type; `written_by` says which run wrote a field.
pub fn text(
    schema: &Schema,
    written_by: &dyn Fn(&str) -> Option<String>,
    columns: Option<usize>,
    paint: Paint,
) -> String {
    let mut table = Table::new(vec![
        Column::text("field"),
        Column::text("type").give(Give::Never),
        Column::text("").rank(1),
    ]);
    for field in &schema.fields {
        let by = written_by(&field.name)
            .map(|key| format!("run {key}"))
            .unwrap_or_default();
        add(&mut table, field, 0, &by);
    }
    table.draw(columns, paint.on()).text
}

fn add(table: &mut Table, field: &Field, depth: usize, note: &str) {
    let name = format!("{}{}", "  ".repeat(depth), printable(&field.name));
    let tone = if depth == 0 { Tone::Plain } else { Tone::Dim };
    table.row(vec![
        Cell::new(name).tone(tone),
        Cell::new(field.ty.to_string()).tone(tone),
        Cell::new(note).tone(Tone::Dim),
    ]);
    for child in field.ty.children() {
        add(table, child, depth + 1, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_store::FieldType;

    #[test]
    fn fields_and_what_is_below_them() {
        let mut schema = Schema::of_samples();
        schema.fields.push(Field::new("map", FieldType::Vector(2)));
        let by = |name: &str| (name == "map").then(|| "map".to_owned());
        insta::assert_snapshot!(text(&schema, &by, Some(60), Paint::new(false)));
    }
}
