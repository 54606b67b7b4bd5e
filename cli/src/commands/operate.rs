//! `embed`, `reduce`, `cluster` and whatever operator comes after them: one way for all.

use std::collections::HashMap;

use messier_engine::runs::RunRecord;
use messier_store::{FieldType, SampleId, Snapshot};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::job::Job;
use crate::operator_args::OperatorCommand;
use crate::render;
use crate::render::clusters::About;

/// Runs an operator and shows the run.
pub fn run(call: &OperatorCommand, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let mut args = call.args.clone();
    // A file is meant from where the command was typed, not from where the store's owner happens to run.
    if let Some(messier_query::signature::Arg::Text(file)) = args.get_mut("from") {
        *file = job.terminal.path(&file).to_string_lossy().into_owned();
    }
    let made = job.work(|context| {
        session.operate(
            &call.dataset,
            &call.operator,
            &args,
            call.view.as_deref(),
            context,
        )
    });
    match made {
        Ok(record) if record.operator == "sweep" => super::sweep::show(&record, call, job),
        Ok(record) => show(&call.dataset, &record, job),
        Err(failure) => Err(explain_interrupt(failure, call)),
    }
}

/// Says after an interrupt what was kept and how to go on.
fn explain_interrupt(failure: Failure, call: &OperatorCommand) -> Failure {
    match failure {
        Failure::Report(mut report) if report.exit == Exit::Interrupted => {
            if call.operator == "embed" {
                report.message = "Interrupted; the dataset is as it was, and the vectors computed so far are kept aside.".to_owned();
                report.hints = vec!["the same command takes them over and goes on".to_owned()];
            } else if call.operator == "sweep" {
                report.message =
                    "Interrupted; the tries that were done are kept as runs.".to_owned();
                report.hints = vec!["the same command takes them over and goes on".to_owned()];
            } else {
                report.message = "Interrupted; nothing was changed.".to_owned();
            }
            Failure::Report(report)
        }
        other => other,
    }
}

/// Shows a run that was just made.
pub fn show(dataset: &str, record: &RunRecord, job: &Job<'_>) -> Result<(), Failure> {
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&json!({ "kind": "run", "run": record }))?);
    }
    let paint = job.paint();
    job.terminal.line(render::run::summary(record, paint))?;
    let notes = render::run::notes(record, job.columns().unwrap_or(usize::MAX), paint);
    if !notes.is_empty() {
        job.terminal.note(notes);
    }
    clusters(dataset, record, job)
}

/// The table of a run's clusters, or of its tries; nothing where there are none.
pub fn clusters(dataset: &str, record: &RunRecord, job: &Job<'_>) -> Result<(), Failure> {
    if !record.tries.is_empty() {
        return super::sweep::tell(record, job);
    }
    if record.clusters.is_empty() {
        return Ok(());
    }
    let snapshot = job.session()?.store().dataset(dataset)?.snapshot()?;
    let field = naming_field(&snapshot, record);
    let about = about(&snapshot, record, field.as_deref())?;
    let text = render::clusters::text(
        &record.clusters,
        &about,
        field.as_deref(),
        job.columns(),
        job.terminal.paints(),
    );
    Ok(job.terminal.line(text)?)
}

/// A text field that says what samples are: one the person brought, with few enough values to repeat.
pub fn naming_field(snapshot: &Snapshot, record: &RunRecord) -> Option<String> {
    let written = |name: &str| {
        snapshot
            .runs()
            .iter()
            .any(|run| run.fields.iter().any(|field| field == name))
    };
    let texts: Vec<String> = snapshot
        .schema()
        .fields
        .iter()
        .filter(|field| match &field.ty {
            FieldType::Text => {
                !matches!(field.name.as_str(), "filepath" | "content_hash") && !written(&field.name)
            }
            FieldType::Struct(messier_store::StructKind::Classification, _) => true,
            _ => false,
        })
        .map(|field| match field.ty {
            FieldType::Text => field.name.clone(),
            _ => format!("{}.label", field.name),
        })
        .filter(|name| *name != record.key)
        .collect();
    let repeats = |name: &String| {
        let values = texts_of(snapshot, name).ok()?;
        let distinct: std::collections::HashSet<&String> = values.iter().flatten().collect();
        // One value says nothing, and neither do names of which every sample has its own.
        (distinct.len() > 1 && distinct.len() * 3 <= values.len()).then_some(distinct.len())
    };
    texts
        .into_iter()
        .filter_map(|name| Some((repeats(&name)?, name)))
        .max()
        .map(|(_, name)| name)
}

/// The texts of a field or of a field of a document, one a row.
pub fn texts_of(snapshot: &Snapshot, path: &str) -> Result<Vec<Option<String>>, Failure> {
    let (top, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut column = snapshot.column(top)?;
    if !rest.is_empty() {
        use arrow::array::AsArray;
        let inner = column
            .as_struct_opt()
            .and_then(|documents| documents.column_by_name(rest).cloned());
        column = inner.ok_or_else(|| {
            Failure::request(
                "unknown-field",
                format!("There is no field called {path:?}."),
            )
        })?;
    }
    let plain = arrow::compute::cast(&column, &arrow::datatypes::DataType::Utf8).map_err(|_| {
        Failure::request(
            "wrong-type",
            format!("The field {path:?} cannot be read as text."),
        )
    })?;
    use arrow::array::AsArray;
    Ok(plain
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect())
}

/// Finds the name of a sample's file by the sample's id; none for a sample that is not there any more.
pub fn files(snapshot: &Snapshot) -> Result<impl Fn(&str) -> Option<String> + '_, Failure> {
    let paths = texts_of(snapshot, "filepath")?;
    Ok(move |id: &str| {
        let row = snapshot.row_of(SampleId::parse(id)?).ok()??;
        let path = paths.get(row)?.as_deref()?;
        Some(
            std::path::Path::new(path)
                .file_name()
                .map_or_else(|| path.to_owned(), |n| n.to_string_lossy().into_owned()),
        )
    })
}

/// The medoid's file and the most frequent value of `field` for each cluster.
fn about(
    snapshot: &Snapshot,
    record: &RunRecord,
    field: Option<&str>,
) -> Result<Vec<About>, Failure> {
    let name_of = files(snapshot)?;
    let counts = match (field, record.fields.first()) {
        (Some(field), Some(labels)) if snapshot.schema().field(labels).is_some() => Some(
            frequencies(&texts_of(snapshot, labels)?, &texts_of(snapshot, field)?),
        ),
        _ => None,
    };
    Ok(record
        .clusters
        .iter()
        .map(|cluster| About {
            medoid: cluster.medoid.as_deref().and_then(&name_of),
            mostly: counts
                .as_ref()
                .and_then(|counts| mostly(counts.get(&cluster.id)?, cluster.size)),
        })
        .collect())
}

type Counts = HashMap<String, HashMap<String, usize>>;

/// How often each value occurs with each label.
pub fn frequencies(labels: &[Option<String>], values: &[Option<String>]) -> Counts {
    let mut counts: Counts = HashMap::new();
    for (label, value) in labels.iter().zip(values) {
        if let (Some(label), Some(value)) = (label, value) {
            *counts
                .entry(label.clone())
                .or_default()
                .entry(value.clone())
                .or_default() += 1;
        }
    }
    counts
}

/// The most frequent value, the first in the alphabet among equals, and its share of `size`.
pub fn mostly(counts: &HashMap<String, usize>, size: usize) -> Option<(String, f64)> {
    let (name, n) = counts
        .iter()
        .max_by_key(|(name, n)| (**n, std::cmp::Reverse((*name).clone())))?;
    Some((name.clone(), *n as f64 / size.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_value_and_its_share() {
        let text = |list: &[&str]| {
            list.iter()
                .map(|s| (!s.is_empty()).then(|| (*s).to_owned()))
                .collect::<Vec<_>>()
        };
        let counts = frequencies(
            &text(&["0", "0", "0", "1", ""]),
            &text(&["cat", "dog", "cat", "", "cat"]),
        );
        assert_eq!(mostly(&counts["0"], 4), Some(("cat".to_owned(), 0.5)));
        assert!(!counts.contains_key("1"));
        let tie = frequencies(&text(&["0", "0"]), &text(&["b", "a"]));
        assert_eq!(mostly(&tie["0"], 2), Some(("a".to_owned(), 0.5)));
    }
}
