//! `verify` and `repair`: is the store whole, and what can be saved if it is not.

use serde_json::json;

use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::render::number::{bytes, count};

/// `messier verify`: every sum of every file; damage is exit code 4.
pub fn verify(job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let verified = job.work(|_| session.store().verify())?;
    let problems: Vec<String> = verified
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.file.display(), problem.why))
        .collect();
    if job.globals.json {
        job.terminal.document(&json!({
            "datasets": verified.datasets, "files": verified.segments, "bytes": verified.bytes, "problems": problems,
        }))?;
    }
    if problems.is_empty() {
        if !job.globals.json {
            job.terminal.line(format!(
                "{} in {} with {} checked: everything is whole.",
                count(verified.datasets, "dataset"),
                count(verified.segments, "file"),
                bytes(verified.bytes)
            ))?;
        }
        return Ok(());
    }
    let message = format!(
        "The store is damaged, in {}:\n  {}\n",
        count(problems.len() as u64, "place"),
        problems.join("\n  ")
    );
    Err(Report::new(Exit::Damaged, "damaged", message)
        .hint("`messier repair` saves what is whole")
        .into())
}

/// `messier repair`: afterwards the store opens, and everything that was lost is named.
pub fn repair(job: &Job<'_>) -> Result<(), Failure> {
    let dir = job.house.dir();
    let repaired = job.work(|_| messier_store::repair(dir))?;
    if job.globals.json {
        let datasets: Vec<_> = repaired
            .datasets
            .iter()
            .map(|dataset| json!({ "name": dataset.name, "samples": dataset.samples, "lost": dataset.lost }))
            .collect();
        return Ok(job.terminal.document(
            &json!({ "datasets": datasets, "journal": repaired.journal, "aside": repaired.aside }),
        )?);
    }
    if let Some(journal) = &repaired.journal {
        job.terminal
            .line(format!("The journal was damaged: {journal}."))?;
    }
    for dataset in &repaired.datasets {
        let lost = if dataset.lost.is_empty() {
            "nothing is lost".to_owned()
        } else {
            format!("lost: {}", dataset.lost.join(", "))
        };
        job.terminal.line(format!(
            "{}: {}, {lost}.",
            dataset.name,
            count(dataset.samples, "sample")
        ))?;
    }
    for file in &repaired.aside {
        job.terminal
            .line(format!("Set aside: {}", file.display()))?;
    }
    if repaired.datasets.is_empty() {
        job.terminal.line("There are no datasets here.")?;
    }
    Ok(())
}
