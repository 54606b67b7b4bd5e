//! The clusters of a run as a table: how large, how tight, what stands in the middle, what it is mostly made of.

use messier_engine::runs::ClusterRecord;

use super::bars::bar;
use super::fit::{printable, wrap};
use super::number::{count, grouped, short};
use super::paint::Paint;
use super::table::{Cell, Column, Give, Table, Tone};

/// What is known of a cluster beside its record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// The file of its medoid.
    pub medoid: Option<String>,
    /// The most frequent value of some text field, and its share of the cluster.
    pub mostly: Option<(String, f64)>,
}

type Measure = (&'static str, fn(&ClusterRecord) -> Option<String>);

/// What else is known of clusters, where it is.
const MEASURES: [Measure; 6] = [
    ("nearest", |cluster| cluster.nearest.clone()),
    ("cohesion", |cluster| cluster.cohesion.map(short)),
    ("separation", |cluster| cluster.separation.map(short)),
    ("density", |cluster| cluster.density.map(short)),
    ("persistence", |cluster| cluster.persistence.map(short)),
    ("dbcv", |cluster| cluster.dbcv.map(short)),
];

/// One cluster: what is known of it, and the files of the samples that show it.
pub fn one(
    run: &str,
    cluster: &ClusterRecord,
    file: &dyn Fn(&str) -> String,
    columns: Option<usize>,
    paint: Paint,
) -> String {
    let name = cluster
        .name
        .as_deref()
        .map(|name| format!(", {}", printable(name)))
        .unwrap_or_default();
    let heading = format!("cluster {}{name}", cluster.id);
    let mut out = format!(
        "{} of {}: {}\n",
        paint.bold(&heading),
        printable(run),
        count(cluster.size as u64, "sample")
    );
    let mut measures: Vec<String> = cluster
        .silhouette
        .map(|value| format!("silhouette {value:.3}"))
        .into_iter()
        .collect();
    measures.extend(
        MEASURES
            .iter()
            .filter_map(|(name, of)| Some(format!("{name} {}", of(cluster)?))),
    );
    let medoid: Vec<String> = cluster.medoid.iter().cloned().collect();
    let files = |ids: &[String]| -> String {
        let names: Vec<String> = ids.iter().map(|id| printable(&file(id))).collect();
        names.join("  ")
    };
    for (name, text) in [
        ("measures", measures.join(", ")),
        ("medoid", files(&medoid)),
        ("central", files(&cluster.central)),
        ("varied", files(&cluster.exemplars)),
        ("border", files(&cluster.border)),
        ("outliers", files(&cluster.outliers)),
    ] {
        if text.is_empty() {
            continue;
        }
        let room = columns.unwrap_or(usize::MAX).saturating_sub(12).max(30);
        for (at, line) in wrap(&text, room).iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            out.push_str(&format!("  {}  {line}\n", paint.dim(&format!("{name:8}"))));
        }
    }
    out
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
    let shown: Vec<&Measure> = MEASURES
        .iter()
        .filter(|(_, of)| clusters.iter().any(|cluster| of(cluster).is_some()))
        .collect();
    // The first measures matter most, so they are the last to be left out.
    for (at, (name, _)) in shown.iter().enumerate() {
        heads.push(Column::number(*name).rank(5 + at));
    }
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
        for (_, of) in &shown {
            row.push(of(cluster).map_or_else(Cell::default, Cell::new));
        }
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
        let mut record = record;
        record.clusters[0].cohesion = Some(0.6123);
        record.clusters[0].nearest = Some("1".into());
        record.clusters[0].border = vec!["65f0aaaaaaaaaaaaaaaaaaa7".into()];
        let wide = text(&record.clusters, &about, Some("subgroup"), None, false);
        assert!(
            wide.contains("nearest") && wide.contains("0.6123"),
            "{wide}"
        );
        assert!(!wide.contains("persistence"), "nobody has it: {wide}");
        let file = |id: &str| format!("{}.png", &id[22..]);
        let alone = one(
            "k20",
            &record.clusters[0],
            &file,
            Some(60),
            Paint::new(false),
        );
        assert!(
            alone.starts_with("cluster 0 of k20: 312 samples"),
            "{alone}"
        );
        assert!(alone.contains("border    a7.png"), "{alone}");
        let narrow = text(&record.clusters, &about, Some("subgroup"), Some(50), false);
        assert!(
            narrow
                .lines()
                .all(|line| super::super::fit::width(line) <= 50),
            "{narrow}"
        );
    }
}
