//! `set-values`: a field from a file.

use messier_engine::exchange::values::Key;
use serde_json::json;

use crate::args::{self, SetValues};
use crate::failure::Failure;
use crate::job::Job;
use crate::render::number::{count, grouped};

/// `messier set-values D FIELD FILE`
pub fn run(args: &SetValues, job: &Job<'_>) -> Result<(), Failure> {
    let key = match args.key {
        args::Key::Filepath => Key::Filepath,
        args::Key::Id => Key::Id,
    };
    let file = job.terminal.path(&args.file);
    let edited = job
        .session()?
        .set_values(&args.dataset, &args.field, &file, key)?;
    if !edited.unknown.is_empty() && !job.globals.json {
        let first: Vec<&str> = edited.unknown.iter().take(3).map(String::as_str).collect();
        job.terminal.note(format!(
            "{} of the file belong to no sample, such as {}.",
            count(edited.unknown.len() as u64, "key"),
            first.join(", ")
        ));
    }
    let sentence = format!(
        "Set {} of {}.",
        args.field,
        grouped(edited.changed as u64)
            + if edited.changed == 1 {
                " sample"
            } else {
                " samples"
            }
    );
    job.done(
        json!({ "changed": edited.changed, "unknown": edited.unknown }),
        sentence,
    )
}
