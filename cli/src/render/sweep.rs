//! The tries of a sweep, best first.

use messier_engine::runs::{RunRecord, Try};
use serde_json::Value as Json;

use super::fit::{behind, printable};
use super::number::{duration, grouped, short};
use super::paint::Paint;
use super::table::{Cell, Column, Give, Table, Tone};

/// Scores that have a column where a try has them.
const SCORES: [&str; 5] = [
    "silhouette",
    "dbcv",
    "calinski_harabasz",
    "davies_bouldin",
    "inertia",
];

/// The ranked table, then what came to no result and why.
pub fn text(record: &RunRecord, columns: Option<usize>, paint: Paint) -> String {
    let by = record.params.get("by").and_then(Json::as_str);
    let by = by.unwrap_or("silhouette");
    let done: Vec<&Try> = record
        .tries
        .iter()
        .filter(|one| one.run.is_some())
        .collect();
    let differ = |of: &dyn Fn(&Try) -> String| {
        record
            .tries
            .iter()
            .any(|one| of(one) != of(&record.tries[0]))
    };
    let (methods, features) = (
        differ(&|one| one.method.clone()),
        differ(&|one| one.features.clone()),
    );
    let mut names: Vec<&str> = record
        .tries
        .iter()
        .flat_map(|one| one.params.keys())
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    let has = |score: &str| {
        let of = |one: &&Try| one.scores.get(score).copied().flatten();
        done.iter().any(|one| of(one).is_some())
    };
    let mut scores = vec![by];
    scores.extend(
        SCORES
            .iter()
            .copied()
            .filter(|score| *score != by && has(score)),
    );
    scores.retain(|score| *score != "stability");
    let stable = done.iter().any(|one| one.stability.is_some());
    let noise = done.iter().any(|one| one.noise > 0);

    let mut heads = vec![Column::number(""), Column::text("run").give(Give::End(12))];
    if methods {
        heads.push(Column::text("method").give(Give::Never).rank(3));
    }
    if features {
        heads.push(Column::text("features").give(Give::End(8)).rank(2));
    }
    heads.extend(names.iter().map(|name| Column::number(*name).rank(4)));
    heads.push(Column::number("clusters").rank(1));
    if noise {
        heads.push(Column::number("noise").rank(2));
    }
    for (at, score) in scores.iter().enumerate() {
        let column = Column::number(score.replace('_', " "));
        heads.push(if at == 0 { column } else { column.rank(4 + at) });
    }
    if stable {
        heads.push(Column::number("stability").rank(1));
    }
    heads.push(Column::number("took").rank(9));
    let mut table = Table::new(heads);
    for (place, one) in done.iter().enumerate() {
        let first = if place == 0 { Tone::Good } else { Tone::Plain };
        let mut row = vec![
            Cell::new((place + 1).to_string()).tone(Tone::Dim),
            Cell::new(one.run.as_deref().unwrap_or_default()).tone(Tone::Bold),
        ];
        if methods {
            row.push(Cell::new(one.method.as_str()));
        }
        if features {
            row.push(Cell::new(one.features.as_str()));
        }
        for name in &names {
            row.push(
                one.params
                    .get(*name)
                    .map_or_else(Cell::default, |v| Cell::new(value(v))),
            );
        }
        row.push(Cell::new(grouped(one.clusters as u64)));
        if noise {
            row.push(Cell::new(grouped(one.noise as u64)));
        }
        for (at, score) in scores.iter().enumerate() {
            let known = one.scores.get(*score).copied().flatten();
            let error = one.scores.get(&format!("{score}_standard_error"));
            let shown = |value: f64| match error.copied().flatten() {
                Some(error) => format!("{} ± {error:.4}", short(value)),
                None => short(value),
            };
            let cell = known.map_or_else(
                || Cell::new("-").tone(Tone::Dim),
                |value| Cell::new(shown(value)),
            );
            row.push(if at == 0 { cell.tone(first) } else { cell });
        }
        if stable {
            row.push(
                one.stability
                    .map_or_else(Cell::default, |v| Cell::new(format!("{v:.3}"))),
            );
        }
        row.push(Cell::new(duration(one.seconds)).tone(Tone::Dim));
        table.row(row);
    }
    let mut out = table.draw(columns, paint.on()).text;
    for one in record.tries.iter().filter(|one| one.run.is_none()) {
        let params: Vec<String> = one
            .params
            .iter()
            .map(|(name, v)| format!("{name}={}", value(v)))
            .collect();
        let sentence = format!(
            "{} on {} with {}: {}",
            one.method,
            printable(&one.features),
            if params.is_empty() {
                "its defaults".to_owned()
            } else {
                params.join(", ")
            },
            printable(one.problem.as_deref().unwrap_or("no result"))
        );
        let room = columns.unwrap_or(usize::MAX);
        out.push_str(&behind(&paint.warn("none:"), &sentence, room));
    }
    out
}

/// A parameter's value as a person types it.
pub fn value(value: &Json) -> String {
    match value {
        Json::Null => "none".to_owned(),
        Json::String(text) => printable(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub mod sample {
    //! A sweep for tests.
    use super::*;
    use serde_json::json;

    /// Two k-means tries, one of HDBSCAN, one that failed.
    pub fn record() -> RunRecord {
        let mut record = crate::render::run::sample::record();
        record.key = "sweep".into();
        record.operator = "sweep".into();
        record.method = "grid".into();
        record.fields.clear();
        record.clusters.clear();
        record.params.insert("by".into(), json!("silhouette"));
        let tries = json!([
            {"run": "sweep_kmeans_10", "method": "kmeans", "features": "embedding", "params": {"n_clusters": 10}, "clusters": 10, "noise": 0,
             "scores": {"silhouette": 0.31, "inertia": 700.5, "davies_bouldin": 1.2}, "seconds": 0.4},
            {"run": "sweep_hdbscan_5", "method": "hdbscan", "features": "embedding", "params": {"min_cluster_size": 5}, "clusters": 7, "noise": 301,
             "scores": {"silhouette": 0.25, "silhouette_standard_error": 0.0021, "dbcv": 0.4, "davies_bouldin": 1.4}, "stability": 0.81, "seconds": 1.5},
            {"run": "sweep_kmeans_5", "method": "kmeans", "features": "embedding", "params": {"n_clusters": 5}, "clusters": 5, "noise": 0,
             "scores": {"silhouette": 0.2, "inertia": 900.0, "davies_bouldin": 1.9}, "seconds": 0.3},
            {"run": null, "method": "kmeans", "features": "embedding", "params": {"n_clusters": 5000}, "clusters": 0, "noise": 0,
             "scores": {}, "seconds": 0.0, "problem": "kmeans: 5000 clusters need at least as many samples, and there are 1899"}
        ]);
        record.tries = serde_json::from_value(tries).unwrap();
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_in_a_table() {
        let text = text(&sample::record(), Some(110), Paint::new(false));
        insta::assert_snapshot!(text);
    }
}
