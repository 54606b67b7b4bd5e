//! `schema`: a dataset's fields, shown and changed.

use serde_json::json;

use crate::args::{Schema, SchemaAction};
use crate::failure::Failure;
use crate::job::Job;
use crate::render::schema;

/// `messier schema D [...]`
pub fn run(args: &Schema, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let dataset = args.dataset.as_str();
    match args.action.as_ref().unwrap_or(&SchemaAction::Show) {
        SchemaAction::Show => show(dataset, job),
        SchemaAction::Rename { field, to } => {
            session.rename_field(dataset, field, to)?;
            job.done(
                json!({ "renamed": field, "to": to }),
                format!("The field {field} is called {to} now."),
            )
        }
        SchemaAction::Drop { field } => {
            session.drop_field(dataset, field)?;
            job.done(
                json!({ "dropped": field }),
                format!("The field {field} is gone."),
            )
        }
        SchemaAction::Clear { field } => {
            session.clear_field(dataset, field)?;
            job.done(
                json!({ "cleared": field }),
                format!("The field {field} is null everywhere now."),
            )
        }
    }
}

fn show(dataset: &str, job: &Job<'_>) -> Result<(), Failure> {
    let snapshot = job.session()?.store().dataset(dataset)?.snapshot()?;
    if job.globals.json {
        let fields: Vec<_> = snapshot
            .schema()
            .fields
            .iter()
            .map(|field| json!({ "name": field.name, "type": field.ty.to_string() }))
            .collect();
        return Ok(job.terminal.document(&fields)?);
    }
    let writer = |field: &str| {
        let run = snapshot
            .runs()
            .iter()
            .find(|run| run.fields.iter().any(|written| written == field));
        run.map(|run| run.key.clone())
    };
    Ok(job.terminal.line(schema::text(
        snapshot.schema(),
        &writer,
        job.columns(),
        job.paint(),
    ))?)
}
