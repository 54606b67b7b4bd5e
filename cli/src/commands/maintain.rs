//! `verify` and `repair`: is the store whole, and what can be saved if it is not.

use serde_json::json;

use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::render::number::{bytes, count};

/// `messier verify`: every sum of every file; damage is exit code 4.
pub fn verify(job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let verified = job.work(|_| session.store().verify())?;
    if job.globals.json {
        job.terminal.document(&json!({
            "files": verified.files, "bytes": verified.bytes,
            "damage": verified.damage.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }))?;
    }
    if verified.damage.is_empty() {
        if !job.globals.json {
            job.terminal.line(format!(
                "{} with {} checked; everything is whole.",
                count(verified.files, "file"),
                bytes(verified.bytes)
            ))?;
        }
        return Ok(());
    }
    let list = verified
        .damage
        .iter()
        .map(|damage| format!("  {damage}"))
        .collect::<Vec<_>>()
        .join("\n");
    let message = format!(
        "{} damaged of {}:\n{list}\n",
        verified.damage.len(),
        count(verified.files, "file")
    );
    Err(Report::new(Exit::Damaged, "damaged", message)
        .hint("`messier repair` saves what is whole")
        .into())
}

/// `messier repair`
pub fn repair(job: &Job<'_>) -> Result<(), Failure> {
    let dir = job.house.dir();
    let repaired = job.work(|_| messier_store::repair(dir))?;
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&json!({ "repaired": format!("{repaired:?}") }))?);
    }
    Ok(job.terminal.line(format!("{repaired:?}"))?)
}
