//! Everything that is known of one run, for a person.

use messier_engine::runs::{Edit, RunRecord, Status};
use serde_json::Value as Json;

use super::fit::{behind, printable};
use super::number::{count, duration, grouped, short};
use super::paint::Paint;

/// Most notes shown; the rest are counted.
const NOTES: usize = 10;

/// The record without its clusters, which have a table of their own.
pub fn text(record: &RunRecord, columns: Option<usize>, paint: Paint) -> String {
    let room = columns.unwrap_or(usize::MAX);
    let mut rows: Vec<(&str, String)> = vec![
        (
            "operator",
            format!("{} with {}", record.operator, record.method),
        ),
        (
            "view",
            if record.view.is_empty() {
                "all samples".to_owned()
            } else {
                printable(&record.view)
            },
        ),
        ("input", input(record)),
        ("parameters", parameters(record)),
        ("seed", record.seed.to_string()),
        ("wrote", record.fields.join(", ")),
        ("status", status(record.status, paint)),
        ("started", record.started_at.clone()),
        ("took", steps(record)),
        (
            "version",
            format!(
                "{} on {} {}, {}",
                record.version,
                record.machine.os,
                record.machine.arch,
                threads(record)
            ),
        ),
    ];
    if !record.history.is_empty() {
        rows.push(("edited", history(record)));
    }
    if record.fields.is_empty() {
        rows.retain(|(name, _)| *name != "wrote");
    }
    let scores = scores(record);
    if !scores.is_empty() {
        rows.insert(6, ("scores", scores));
    }
    let mut out = format!("{}\n", paint.bold(&printable(&record.key)));
    for (name, value) in rows {
        let mut lines = super::fit::wrap(&value, room.saturating_sub(12).max(30)).into_iter();
        out.push_str(&format!(
            "  {}  {}\n",
            paint.dim(&format!("{name:10}")),
            lines.next().unwrap_or_default()
        ));
        lines.for_each(|line| out.push_str(&format!("              {line}\n")));
    }
    out.push_str(&notes(record, room, paint));
    out
}

/// One line: what was made, of what, how good, how long it took.
pub fn summary(record: &RunRecord, paint: Paint) -> String {
    let what = match record.operator.as_str() {
        "cluster" | "score" => {
            let clusters = record
                .clusters
                .iter()
                .filter(|cluster| cluster.id != "-1")
                .count();
            let noise = record
                .clusters
                .iter()
                .find(|cluster| cluster.id == "-1")
                .map_or(0, |cluster| cluster.size);
            let noise = if noise > 0 {
                format!(" and {} noise", grouped(noise as u64))
            } else {
                String::new()
            };
            format!(
                "{}{noise} of {}",
                count(clusters as u64, "cluster"),
                count(record.input.rows as u64, "sample")
            )
        }
        "sweep" => format!(
            "{} of {}",
            count(
                record.tries.iter().filter(|one| one.run.is_some()).count() as u64,
                "clustering"
            ),
            count(record.input.rows as u64, "sample")
        ),
        "embed" => count(record.input.rows as u64, "vector"),
        _ => count(record.input.rows as u64, "point"),
    };
    let scores = ["silhouette", "explained_variance_ratio", "trustworthiness"]
        .into_iter()
        .filter_map(|name| {
            Some(format!(
                ", {} {}",
                name.replace('_', " "),
                short((*record.scores.get(name)?)?)
            ))
        })
        .collect::<String>();
    format!(
        "{}: {what} by {}{scores}, {}",
        paint.bold(&printable(&record.key)),
        record.method,
        duration(record.seconds)
    )
}

/// The notes of a run, the first few in full; empty without notes.
pub fn notes(record: &RunRecord, columns: usize, paint: Paint) -> String {
    let mut out = String::new();
    for note in record.notes.iter().take(NOTES) {
        let about = note
            .sample
            .as_deref()
            .map(|id| format!("{id}: "))
            .unwrap_or_default();
        let sentence = printable(&format!("{about}{}", note.message));
        out.push_str(&behind(&paint.warn("note:"), &sentence, columns));
    }
    if record.notes.len() > NOTES {
        let more = grouped((record.notes.len() - NOTES) as u64);
        out.push_str(&paint.dim(&format!(
            "  and {more} more notes; `runs DATASET info {} --json` has them all\n",
            record.key
        )));
    }
    out
}

fn input(record: &RunRecord) -> String {
    let input = &record.input;
    let dims = if input.dims > 0 {
        format!(" of {} dimensions", grouped(input.dims as u64))
    } else {
        String::new()
    };
    format!(
        "{}: {}{dims}, fingerprint {}",
        printable(&input.field),
        count(input.rows as u64, "row"),
        input.fingerprint
    )
}

fn parameters(record: &RunRecord) -> String {
    let one = |(name, value): (&String, &Json)| {
        let value = match value {
            Json::Null => "None".to_owned(),
            Json::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
            other => other.to_string(),
        };
        format!("{name}={}", printable(&value))
    };
    record.params.iter().map(one).collect::<Vec<_>>().join("  ")
}

fn scores(record: &RunRecord) -> String {
    let one = |(name, value): (&String, &Option<f64>)| {
        format!(
            "{} {}",
            name.replace('_', " "),
            value.map_or_else(|| "undefined".to_owned(), short)
        )
    };
    record.scores.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What was done to the clusters by hand, one after another.
fn history(record: &RunRecord) -> String {
    let one = |edit: &Edit| {
        let params: Vec<String> = edit
            .params
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!("{name}={}", printable(&value.to_string())))
            .collect();
        let made = match edit.made.as_slice() {
            [] => String::new(),
            ids => format!(" made {}", ids.join(", ")),
        };
        let view = match edit.view.as_str() {
            "" => String::new(),
            view => format!("{}.", printable(view)),
        };
        format!(
            "{view}{}({}){made}, {} moved",
            edit.operator,
            params.join(", "),
            count(edit.changed as u64, "sample")
        )
    };
    record
        .history
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join("; ")
}

fn steps(record: &RunRecord) -> String {
    let mut out = duration(record.seconds);
    let mut totals: Vec<(&str, f64)> = Vec::new();
    for step in &record.steps {
        match totals.iter_mut().find(|(name, _)| *name == step.name) {
            Some((_, seconds)) => *seconds += step.seconds,
            None => totals.push((&step.name, step.seconds)),
        }
    }
    totals.retain(|(_, seconds)| *seconds >= 0.001);
    if !totals.is_empty() {
        let parts: Vec<String> = totals
            .iter()
            .map(|(name, s)| format!("{name} {}", duration(*s)))
            .collect();
        out.push_str(&format!(" ({})", parts.join(", ")));
    }
    out
}

fn status(status: Status, paint: Paint) -> String {
    match status {
        Status::Done => paint.good("done"),
        Status::Running => paint.accent("running"),
        Status::Failed => paint.bad("failed"),
        Status::Cancelled => paint.warn("cancelled"),
    }
}

fn threads(record: &RunRecord) -> String {
    let n = record.machine.threads;
    let cpu = record
        .machine
        .cpu
        .as_deref()
        .map(|cpu| format!(", {}", printable(cpu)))
        .unwrap_or_default();
    count(n as u64, "thread") + &cpu
}

#[cfg(test)]
pub mod sample {
    //! A record for tests.
    use super::*;
    use serde_json::json;

    /// A k-means run of three clusters.
    pub fn record() -> RunRecord {
        let record = json!({
            "key": "k20", "operator": "cluster", "method": "kmeans",
            "params": {"n_clusters": 20, "init": "k-means++", "n_init": 1, "tol": 0.0001, "features": "embedding"},
            "view": "match(metadata.width > 640)",
            "input": {"field": "embedding", "rows": 1899, "dims": 1280, "fingerprint": "0123456789abcdef0123456789abcdef"},
            "seed": 51, "version": "0.1.0",
            "machine": {"os": "linux", "arch": "x86_64", "cpu": "Some CPU", "threads": 2},
            "started_at": "2026-11-23T10:00:00.000Z", "seconds": 1.23,
            "steps": [{"name": "seed", "seconds": 0.2}, {"name": "assign", "seconds": 0.5}, {"name": "assign", "seconds": 0.4}],
            "status": "done", "scores": {"silhouette": 0.2134, "inertia": 812.4, "dbcv": null}, "fields": ["k20"], "output": null,
            "notes": [{"sample": "65f0aaaaaaaaaaaaaaaaaaa1", "message": "the picture cannot be decoded"}],
            "clusters": [
                {"id": "0", "name": null, "size": 312, "medoid": "65f0aaaaaaaaaaaaaaaaaaa1", "exemplars": [], "silhouette": 0.31},
                {"id": "1", "name": null, "size": 30, "medoid": "65f0aaaaaaaaaaaaaaaaaaa2", "exemplars": [], "silhouette": -0.02},
                {"id": "-1", "name": null, "size": 12, "medoid": null, "exemplars": [], "silhouette": null}
            ]
        });
        serde_json::from_value(record).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_full_and_in_one_line() {
        let record = sample::record();
        let text = format!(
            "{}\n{}\n",
            text(&record, Some(80), Paint::new(false)),
            summary(&record, Paint::new(false))
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_long_note_is_told_to_its_end() {
        let mut record = sample::record();
        record.notes[0].message = "one word after another ".repeat(9) + "and the last";
        let told = notes(&record, 60, Paint::new(false));
        assert!(told.ends_with("and the last\n"), "{told}");
        assert!(told.lines().count() > 3 && told.lines().all(|line| line.len() <= 60));
        assert!(
            told.lines()
                .skip(1)
                .all(|line| line.starts_with("        "))
        );
    }
}
