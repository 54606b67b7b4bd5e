//! The runs of a dataset, one a line.

use messier_engine::runs::RunRecord;

use super::number::{count, duration, grouped, short};
use super::table::{Cell, Column, Give, Table, Tone};

/// The table of runs.
pub fn text(records: &[RunRecord], columns: Option<usize>, color: bool) -> String {
    let mut table = Table::new(vec![
        Column::text("run").give(Give::End(10)),
        Column::text("by").give(Give::Never),
        Column::text("of").give(Give::End(10)).rank(1),
        Column::number("rows"),
        Column::text("result").give(Give::End(16)).rank(2),
        Column::number("took").rank(3),
        Column::text("when").give(Give::Never).rank(4),
    ]);
    for record in records {
        let when = record
            .started_at
            .get(..16)
            .map(|start| start.replace('T', " "))
            .unwrap_or_default();
        table.row(vec![
            Cell::new(record.key.as_str()).tone(Tone::Bold),
            Cell::new(if record.operator == "embed" {
                record.method.clone()
            } else {
                format!("{} {}", record.operator, record.method)
            }),
            Cell::new(record.input.field.as_str()),
            Cell::new(grouped(record.input.rows as u64)),
            Cell::new(result(record)),
            Cell::new(duration(record.seconds)),
            Cell::new(when).tone(Tone::Dim),
        ]);
    }
    table.draw(columns, color).text
}

fn result(record: &RunRecord) -> String {
    let clusters = record
        .clusters
        .iter()
        .filter(|cluster| cluster.id != "-1")
        .count();
    let mut parts = Vec::new();
    if record.operator == "cluster" {
        parts.push(count(clusters as u64, "cluster"));
    }
    for name in ["silhouette", "explained_variance_ratio", "trustworthiness"] {
        if let Some(Some(value)) = record.scores.get(name) {
            parts.push(format!("{} {}", name.replace('_', " "), short(*value)));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::run::sample;

    #[test]
    fn runs_in_a_table() {
        let mut embed = sample::record();
        embed.key = "embedding".into();
        embed.operator = "embed".into();
        embed.method = "efficientnet-lite0".into();
        embed.input.field = "filepath".into();
        embed.scores.clear();
        insta::assert_snapshot!(text(&[embed, sample::record()], Some(90), false));
    }
}
