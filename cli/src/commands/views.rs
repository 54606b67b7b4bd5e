//! `views`: saved questions.

use serde_json::{Value as Json, json};

use crate::args::{Views, ViewsAction};
use crate::failure::Failure;
use crate::job::Job;
use crate::render::number::{count, iso, moment};
use crate::render::table::{Cell, Column, Give, Table, Tone};

/// `messier views D [...]`
pub fn run(args: &Views, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let dataset = args.dataset.as_str();
    match args.action.as_ref().unwrap_or(&ViewsAction::List) {
        ViewsAction::List => list(dataset, job),
        ViewsAction::Show { name } => show(dataset, name, job),
        ViewsAction::Save { name, query } => {
            let samples = job.work(|context| session.save_view(dataset, name, query, context))?;
            let sentence = format!(
                "Saved the view {name}: {} now.",
                count(samples as u64, "sample")
            );
            job.done(json!({ "saved": name, "count": samples }), sentence)
        }
        ViewsAction::Rename { name, to } => {
            session.change_view(dataset, name, Some(to))?;
            job.done(
                json!({ "renamed": name, "to": to }),
                format!("The view {name} is called {to} now."),
            )
        }
        ViewsAction::Delete { name } => {
            session.change_view(dataset, name, None)?;
            job.done(
                json!({ "deleted": name }),
                format!("Deleted the view {name}; its samples stay."),
            )
        }
    }
}

fn json_of(view: &messier_store::SavedView) -> Json {
    json!({
        "name": view.name, "text": view.text, "description": view.description, "color": view.color,
        "created_at": iso(view.created_at), "last_modified_at": iso(view.last_modified_at),
    })
}

fn list(dataset: &str, job: &Job<'_>) -> Result<(), Failure> {
    let snapshot = job.session()?.store().dataset(dataset)?.snapshot()?;
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&snapshot.views().iter().map(json_of).collect::<Vec<_>>())?);
    }
    if snapshot.views().is_empty() {
        job.terminal.note(format!(
            "{dataset} has no saved views. `messier views {dataset} save NAME QUERY` saves one."
        ));
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::text("view").give(Give::End(12)),
        Column::text("text").give(Give::End(20)),
        Column::text("saved").give(Give::Never).rank(1),
    ]);
    for view in snapshot.views() {
        table.row(vec![
            Cell::new(view.name.as_str()).tone(Tone::Bold),
            Cell::new(view.text.as_str()),
            Cell::new(moment(view.created_at)).tone(Tone::Dim),
        ]);
    }
    Ok(job
        .terminal
        .line(table.draw(job.columns(), job.terminal.paints()).text)?)
}

fn show(dataset: &str, name: &str, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let snapshot = session.store().dataset(dataset)?.snapshot()?;
    let Some(view) = snapshot.views().iter().find(|view| view.name == name) else {
        let names: Vec<&str> = snapshot
            .views()
            .iter()
            .map(|view| view.name.as_str())
            .collect();
        return Err(messier_engine::Error::Unknown {
            what: "view",
            name: name.to_owned(),
            candidates: names.into_iter().map(str::to_owned).collect(),
        }
        .into());
    };
    let samples = session.view(&snapshot, &view.text)?.0.len();
    if job.globals.json {
        let mut json = json_of(view);
        json["count"] = samples.into();
        return Ok(job.terminal.document(&json)?);
    }
    job.terminal.line(&view.text)?;
    job.terminal.note(format!(
        "{} of {} now.",
        crate::render::number::grouped(samples as u64),
        count(snapshot.len() as u64, "sample")
    ));
    Ok(())
}
