//! `compare`: how far two clusterings agree, or a clustering and labels.

use serde_json::json;

use crate::args::Compare;
use crate::failure::Failure;
use crate::job::Job;
use crate::render;

/// `messier compare D A B`, `messier compare D A --truth FIELD`
pub fn run(args: &Compare, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let (a, b) = match (&args.truth, &args.b) {
        (Some(truth), _) => (truth.as_str(), args.a.as_str()),
        (None, Some(b)) => (args.a.as_str(), b.as_str()),
        (None, None) => {
            return Err(Failure::usage(
                "compare takes two clusterings, or one and --truth",
            ));
        }
    };
    let view = args.view.as_deref();
    let found = job.work(|context| session.compare(&args.dataset, a, b, view, context))?;
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&json!({ "kind": "comparison", "comparison": found }))?);
    }
    Ok(job.terminal.line(render::compare::text(
        &found,
        args.truth.is_some(),
        job.columns(),
        job.paint(),
    ))?)
}
