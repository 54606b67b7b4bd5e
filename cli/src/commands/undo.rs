//! `undo`: back to the state before the newest change.

use serde_json::{Value as Json, json};

use crate::args::Undo;
use crate::failure::Failure;
use crate::job::Job;
use crate::render;

/// `messier undo D [--dry-run]`
pub fn run(args: &Undo, job: &Job<'_>) -> Result<(), Failure> {
    let undone = job.session()?.undo(&args.dataset, args.dry_run)?;
    let mut json = json!({ "kind": "undo" });
    if let (Json::Object(into), Ok(Json::Object(from))) = (&mut json, serde_json::to_value(&undone))
    {
        into.extend(from);
    }
    job.done(json, render::edit::undone(&undone))
}
