//! `runs`: what was computed, and what can be done with it.

use std::path::Path;

use messier_engine::runs::RunRecord;
use serde_json::json;

use super::{next_step, operate};
use crate::args::{Runs, RunsAction};
use crate::failure::Failure;
use crate::job::Job;
use crate::render;

/// `messier runs D [...]`
pub fn run(args: &Runs, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let dataset = args.dataset.as_str();
    match args.action.as_ref().unwrap_or(&RunsAction::List) {
        RunsAction::List => list(dataset, job),
        RunsAction::Info { key, cluster: None } => {
            info(dataset, &session.run_info(dataset, key)?, job)
        }
        RunsAction::Info {
            key,
            cluster: Some(cluster),
        } => one_cluster(dataset, &session.run_info(dataset, key)?, cluster, job),
        RunsAction::Rename { key, to } => {
            let record = session.rename_run(dataset, key, to)?;
            if job.globals.json {
                return Ok(job.terminal.document(&record)?);
            }
            job.terminal
                .note(format!("The run {key} and its field are called {to} now."));
            Ok(())
        }
        RunsAction::Delete { key } => {
            let record = session.delete_run(dataset, key)?;
            let fields = record.fields.join(", ");
            let sentence = format!("Deleted the run {key} with what it wrote: {fields}.");
            job.done(json!({ "deleted": key, "fields": record.fields }), sentence)
        }
        RunsAction::Rerun { key } => {
            let rerun = job.work(|context| session.rerun(dataset, key, context))?;
            operate::show(dataset, &rerun.record, job)?;
            if !job.globals.json {
                job.terminal.note(match (rerun.same_output, rerun.same_input) {
                    (true, _) => "The result is the same, bit for bit.",
                    (false, true) => "The input is the same and the result is not: another version or another kind of machine made the first.",
                    (false, false) => "The input has changed since, and the result with it.",
                });
            }
            Ok(())
        }
        RunsAction::Export { key, file, force } => {
            export(dataset, key, &job.terminal.path(file), *force, job)
        }
    }
}

fn list(dataset: &str, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let records = session.runs(dataset)?;
    if job.globals.json {
        return Ok(job.terminal.document(&records)?);
    }
    if records.is_empty() {
        job.terminal.note(format!(
            "{dataset} has no runs yet. `{}` makes the first.",
            next_step::command(&session, dataset)?
        ));
        return Ok(());
    }
    Ok(job.terminal.line(render::runs::text(
        &records,
        job.columns(),
        job.terminal.paints(),
    ))?)
}

fn info(dataset: &str, record: &RunRecord, job: &Job<'_>) -> Result<(), Failure> {
    if job.globals.json {
        return Ok(job.terminal.document(record)?);
    }
    job.terminal
        .line(render::run::text(record, job.columns(), job.paint()))?;
    operate::clusters(dataset, record, job)
}

/// One cluster with the files of the samples that show it.
fn one_cluster(
    dataset: &str,
    record: &RunRecord,
    word: &str,
    job: &Job<'_>,
) -> Result<(), Failure> {
    let found = record
        .clusters
        .iter()
        .find(|cluster| cluster.id == word)
        .or_else(|| {
            record
                .clusters
                .iter()
                .find(|cluster| cluster.name.as_deref() == Some(word))
        });
    let Some(cluster) = found else {
        let ids: Vec<&str> = record.clusters.iter().map(|one| one.id.as_str()).collect();
        let message = match ids.as_slice() {
            [] => format!("The run {} has no clusters.", record.key),
            _ => format!(
                "The run {} has no cluster {word:?}; it has {}.",
                record.key,
                ids.join(", ")
            ),
        };
        return Err(Failure::request("unknown-cluster", message));
    };
    if job.globals.json {
        return Ok(job.terminal.document(cluster)?);
    }
    let snapshot = job.session()?.store().dataset(dataset)?.snapshot()?;
    let files = operate::files(&snapshot)?;
    Ok(job.terminal.line(render::clusters::one(
        &record.key,
        cluster,
        &|id| files(id).unwrap_or_else(|| id.to_owned()),
        job.columns(),
        job.paint(),
    ))?)
}

fn export(
    dataset: &str,
    key: &str,
    file: &Path,
    force: bool,
    job: &Job<'_>,
) -> Result<(), Failure> {
    let session = job.session()?;
    let record = session.run_info(dataset, key)?;
    let extension = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let bytes = match extension.as_str() {
        "json" => {
            let mut text = serde_json::to_vec_pretty(&record)?;
            text.push(b'\n');
            text
        }
        "csv" => {
            let snapshot = session.store().dataset(dataset)?.snapshot()?;
            let Some(table) = snapshot.run_table(key, "samples")? else {
                return Err(Failure::request(
                    "no-table",
                    format!(
                        "The run {key} has no table of samples; export its record as .json instead."
                    ),
                ));
            };
            render::batch_csv::bytes(&table)?
        }
        _ => {
            return Err(Failure::usage(format!(
                "{}: a run is exported as .json (its record) or .csv (its table of samples)",
                file.display()
            )));
        }
    };
    super::export::write_new(file, &bytes, force)?;
    job.done(
        json!({ "exported": key, "file": file }),
        format!("Wrote {}.", file.display()),
    )
}
