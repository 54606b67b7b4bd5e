//! The clusters of a run as a table: how large, how tight, what stands in the middle, what it is mostly made of.

use messier_engine::runs::ClusterRecord;

use super::bars::bar;
use super::number::grouped;
use super::table::{Cell, Column, Give, Table, Tone};

/// What is known of a cluster beside its record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// The file of its medoid.
    pub medoid: Option<String>,
    /// The most frequent value of some text field, and its share of the cluster.
    pub mostly: Option<(String, f64)>,
}

/// The table; `mostly` is the field that the most frequent values are of.
pub fn text(
    clusters: &[ClusterRecord],
    about: &[About],
    mostly: Option<&str>,
    columns: Option<usize>,
    color: bool,
) -> String {
    let named = clusters.iter().any(|cluster| cluster.name.is_some());
    let mut heads = vec![Column::number("id")];
    if named {
        heads.push(Column::text("name").give(Give::End(12)));
    }
    heads.push(Column::number("size"));
    heads.push(Column::text("").give(Give::Never).rank(2));
    heads.push(Column::number("silhouette").rank(3));
    if let Some(field) = mostly {
        heads.push(
            Column::text(format!("mostly ({field})"))
                .give(Give::End(14))
                .rank(1),
        );
    }
    heads.push(Column::text("medoid").give(Give::Middle(14)).rank(4));
    let mut table = Table::new(heads);
    let most = clusters
        .iter()
        .map(|cluster| cluster.size)
        .max()
        .unwrap_or(1) as f64;
    let nothing = About::default();
    for (at, cluster) in clusters.iter().enumerate() {
        let about = about.get(at).unwrap_or(&nothing);
        let noise = cluster.id == "-1";
        let mut row =
            vec![Cell::new(cluster.id.as_str()).tone(if noise { Tone::Dim } else { Tone::Bold })];
        if named {
            row.push(Cell::new(cluster.name.as_deref().unwrap_or_default()));
        }
        row.push(Cell::new(grouped(cluster.size as u64)));
        row.push(
            Cell::new(bar(cluster.size as f64, most, 12)).tone(if noise {
                Tone::Dim
            } else {
                Tone::Accent
            }),
        );
        row.push(silhouette(cluster.silhouette));
        if mostly.is_some() {
            row.push(match (&about.mostly, noise) {
                (_, true) => Cell::new("noise: in no cluster").tone(Tone::Dim),
                (Some((name, share)), _) => Cell::new(format!("{name} {:.0} %", share * 100.0)),
                (None, _) => Cell::default(),
            });
        }
        row.push(Cell::new(about.medoid.as_deref().unwrap_or_default()).tone(Tone::Dim));
        table.row(row);
    }
    table.draw(columns, color).text
}

fn silhouette(value: Option<f64>) -> Cell {
    match value {
        None => Cell::default(),
        Some(s) => Cell::new(format!("{s:.3}")).tone(match s {
            s if s >= 0.25 => Tone::Good,
            s if s < 0.0 => Tone::Bad,
            _ => Tone::Plain,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::run::sample;

    #[test]
    fn sizes_scores_and_what_they_are_made_of() {
        let record = sample::record();
        let about = [
            About {
                medoid: Some("1f600.png".into()),
                mostly: Some(("face-smiling".into(), 0.41)),
            },
            About {
                medoid: Some("/very/long/path/to/some/picture-of-a-cat.png".into()),
                mostly: Some(("cat-face".into(), 0.9)),
            },
            About::default(),
        ];
        insta::assert_snapshot!(text(
            &record.clusters,
            &about,
            Some("subgroup"),
            Some(80),
            false
        ));
        let narrow = text(&record.clusters, &about, Some("subgroup"), Some(50), false);
        assert!(
            narrow
                .lines()
                .all(|line| super::super::fit::width(line) <= 50),
            "{narrow}"
        );
    }
}
