//! The value of an aggregation: counts as bars, histograms as bars, samples as a table, the rest as plainly as it goes.

use serde_json::{Map, Value as Json};

use super::bars::bar;
use super::fit::{printable, shorten_end, width};
use super::json_value::scalar;
use super::number::{grouped, short};
use super::paint::Paint;
use super::table::{Cell, Column, Table};

/// How a value is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Canvas {
    /// Columns; none for as many as it takes.
    pub columns: Option<usize>,
    /// Most lines; none for all.
    pub lines: Option<usize>,
    /// Colour or not.
    pub paint: Paint,
}

/// The value for a person. `aggregation` is the name of the call that gave it, if it is known.
pub fn text(value: &Json, aggregation: Option<&str>, canvas: Canvas) -> String {
    match (aggregation, value) {
        (Some("histogram_values"), Json::Array(parts)) => {
            histogram(parts, canvas).unwrap_or_else(|| plain(value, canvas))
        }
        (Some("bounds"), Json::Array(ends)) if ends.len() == 2 => {
            format!("{} … {}\n", scalar(&ends[0]).text, scalar(&ends[1]).text)
        }
        (Some("schema" | "list_schema" | "aggregate"), _) => plain(value, canvas),
        (_, Json::Object(counts)) if !counts.is_empty() && counts.values().all(Json::is_u64) => {
            counts_as_bars(counts, canvas)
        }
        _ => plain(value, canvas),
    }
}

fn plain(value: &Json, canvas: Canvas) -> String {
    match value {
        Json::Array(items) if !items.is_empty() && items.iter().all(Json::is_object) => {
            objects(items, canvas)
        }
        Json::Array(items) if items.is_empty() => canvas.paint.dim("[]") + "\n",
        Json::Array(items) => {
            let lines = items.iter().map(compact).collect();
            limited(lines, canvas)
        }
        Json::Object(fields) if fields.is_empty() => "{}\n".to_owned(),
        Json::Object(fields) => {
            let names = fields.keys().map(|name| width(name)).max().unwrap_or(0);
            let line = |(name, value): (&String, &Json)| {
                let name = printable(name);
                format!(
                    "{}{}  {}",
                    canvas.paint.dim(&name),
                    " ".repeat(names - width(&name).min(names)),
                    compact(value)
                )
            };
            limited(fields.iter().map(line).collect(), canvas)
        }
        Json::Number(n) => format!("{n}\n"),
        Json::Null => canvas.paint.dim("null") + "\n",
        other => scalar(other).text + "\n",
    }
}

/// Text without quotes on its own; inside lists and objects as JSON.
fn compact(value: &Json) -> String {
    match value {
        Json::Array(_) | Json::Object(_) => printable(&value.to_string()),
        Json::Number(n) => n.to_string(),
        other => scalar(other).text,
    }
}

fn limited(lines: Vec<String>, canvas: Canvas) -> String {
    let most = canvas.lines.unwrap_or(usize::MAX);
    let mut out = String::new();
    for line in lines.iter().take(most) {
        match canvas.columns {
            Some(columns) if !canvas.paint.on() => out.push_str(&shorten_end(line, columns)),
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    if lines.len() > most {
        out.push_str(&canvas.paint.dim(&format!(
            "… and {} more",
            grouped((lines.len() - most) as u64)
        )));
        out.push('\n');
    }
    out
}

fn objects(items: &[Json], canvas: Canvas) -> String {
    let mut names: Vec<&String> = Vec::new();
    for name in items.iter().filter_map(Json::as_object).flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut table = Table::new(
        names
            .iter()
            .enumerate()
            .map(|(at, name)| Column::text(name.as_str()).rank(at))
            .collect(),
    );
    for item in items.iter().take(canvas.lines.unwrap_or(usize::MAX)) {
        table.row(
            names
                .iter()
                .map(|name| item.get(name.as_str()).map_or_else(Cell::default, scalar))
                .collect(),
        );
    }
    table.draw(canvas.columns, canvas.paint.on()).text
}

/// Names, counts, shares and bars, in the order given.
fn counts_as_bars(counts: &Map<String, Json>, canvas: Canvas) -> String {
    let rows: Vec<(String, u64)> = counts
        .iter()
        .map(|(name, n)| (printable(name), n.as_u64().unwrap_or(0)))
        .collect();
    bars(&rows, canvas)
}

fn bars(rows: &[(String, u64)], canvas: Canvas) -> String {
    let total = rows.iter().map(|row| row.1).sum::<u64>().max(1) as f64;
    let most = rows.iter().map(|row| row.1).max().unwrap_or(1) as f64;
    let room = canvas.columns.unwrap_or(80).max(20);
    let digits = rows
        .iter()
        .map(|row| grouped(row.1).len())
        .max()
        .unwrap_or(1);
    let names = rows
        .iter()
        .map(|row| width(&row.0))
        .max()
        .unwrap_or(0)
        .min(room / 2 - 6);
    let bar_room = room.saturating_sub(names + digits + 12).clamp(4, 40);
    let line = |(name, n): &(String, u64)| {
        let shown = shorten_end(name, names);
        let pad = " ".repeat(names - width(&shown));
        let shown = if name == "null" {
            canvas.paint.dim(&shown)
        } else {
            shown
        };
        let share = 100.0 * *n as f64 / total;
        let share = if share < 0.1 {
            "<0.1".to_owned()
        } else {
            format!("{share:.1}")
        };
        let bar = canvas.paint.accent(&bar(*n as f64, most, bar_room));
        format!(
            "{shown}{pad}  {:>digits$}  {share:>5} %  {bar}",
            grouped(*n)
        )
        .trim_end()
        .to_owned()
    };
    let canvas = Canvas {
        columns: None,
        ..canvas
    };
    limited(rows.iter().map(line).collect(), canvas)
}

/// `[counts, edges, other]` as bars named by their edges.
fn histogram(parts: &[Json], canvas: Canvas) -> Option<String> {
    let [counts, edges, other] = parts else {
        return None;
    };
    let counts: Vec<u64> = counts
        .as_array()?
        .iter()
        .map(Json::as_u64)
        .collect::<Option<_>>()?;
    let edges: Vec<f64> = edges
        .as_array()?
        .iter()
        .map(Json::as_f64)
        .collect::<Option<_>>()?;
    if edges.len() != counts.len() + 1 {
        return None;
    }
    let mut rows: Vec<(String, u64)> = counts
        .iter()
        .zip(edges.windows(2))
        .map(|(&n, ends)| (format!("{} – {}", short(ends[0]), short(ends[1])), n))
        .collect();
    if let Some(n @ 1..) = other.as_u64() {
        rows.push(("elsewhere".to_owned(), n));
    }
    Some(bars(&rows, canvas))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn show(value: &Json, aggregation: &str) -> String {
        let canvas = Canvas {
            columns: Some(60),
            lines: Some(8),
            paint: Paint::new(false),
        };
        text(value, Some(aggregation), canvas)
    }

    #[test]
    fn values() {
        let cases = [
            ("count", json!(12_345)),
            ("mean", json!(0.123_456_789)),
            ("min", Json::Null),
            (
                "count_values",
                json!({"cat": 300, "dog": 150, "null": 3, "a very long label that will not fit anywhere at all": 1}),
            ),
            (
                "histogram_values",
                json!([[3, 10, 2], [0.0, 0.5, 1.0, 1.5], 4]),
            ),
            ("bounds", json!([-1.5, 20])),
            ("distinct", json!(["a", "b", "c"])),
            ("values", json!((0..12).collect::<Vec<_>>())),
            (
                "head",
                json!([{"id": "65f0", "k20": "1"}, {"id": "65f1", "tags": ["x", "y"]}]),
            ),
            ("list_schema", json!({"k20": "string", "map": "vector(2)"})),
            ("distinct", json!([])),
        ];
        let text: Vec<String> = cases
            .iter()
            .map(|(name, value)| format!("{name}\n{}", show(value, name)))
            .collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
