//! `tag` and `untag`.

use serde_json::json;

use crate::args::Tags;
use crate::failure::Failure;
use crate::job::Job;
use crate::render::number::count;

/// Adds the tags, or takes them away.
pub fn run(args: &Tags, add: bool, job: &Job<'_>) -> Result<(), Failure> {
    let edited = job
        .session()?
        .tag(&args.dataset, &args.query, &args.tags, add)?;
    let verb = if add { "Tagged" } else { "Untagged" };
    let sentence = format!("{verb} {}.", count(edited.changed as u64, "sample"));
    job.done(json!({ "changed": edited.changed }), sentence)
}
