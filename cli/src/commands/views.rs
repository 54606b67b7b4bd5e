//! `views`: saved questions.

use messier_engine::{Session, ViewDetails};
use messier_store::{SavedView, Snapshot};
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
        ViewsAction::Save {
            name,
            query,
            description,
            color,
            overwrite,
        } => {
            let details = ViewDetails {
                description: description.clone(),
                color: color.clone(),
                overwrite: *overwrite,
            };
            let samples =
                job.work(|context| session.save_view(dataset, name, query, &details, context))?;
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

fn json_of(view: &SavedView, problem: Option<&str>) -> Json {
    json!({
        "name": view.name, "text": view.text, "description": view.description, "color": view.color,
        "created_at": iso(view.created_at), "last_modified_at": iso(view.last_modified_at),
        "problem": problem,
    })
}

/// Why a view no longer fits its dataset, if it does not.
fn problem(session: &Session, snapshot: &Snapshot, view: &SavedView) -> Option<String> {
    match session.check_view(snapshot, view) {
        Ok(()) => None,
        Err(error) => Some(error.to_string().replace('\n', "; ")),
    }
}

fn list(dataset: &str, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let snapshot = session.store().dataset(dataset)?.snapshot()?;
    let views: Vec<(&SavedView, Option<String>)> = snapshot
        .views()
        .iter()
        .map(|view| (view, problem(&session, &snapshot, view)))
        .collect();
    if job.globals.json {
        let all = views
            .iter()
            .map(|(view, problem)| json_of(view, problem.as_deref()));
        return Ok(job.terminal.document(&all.collect::<Vec<_>>())?);
    }
    if views.is_empty() {
        job.terminal.note(format!(
            "{dataset} has no saved views. `messier views {dataset} save NAME QUERY` saves one."
        ));
        return Ok(());
    }
    let colored = views.iter().any(|(view, _)| view.color.is_some());
    let described = views.iter().any(|(view, _)| view.description.is_some());
    let mut columns = vec![
        Column::text("view").give(Give::End(12)),
        Column::text("text").give(Give::End(20)),
        Column::text("saved").give(Give::Never).rank(1),
    ];
    if described {
        columns.insert(1, Column::text("description").give(Give::End(16)));
    }
    if colored {
        columns.insert(1, Column::text("color").give(Give::Never).rank(2));
    }
    let mut table = Table::new(columns);
    for (view, problem) in &views {
        let mark = if problem.is_some() { "! " } else { "" };
        let mut cells = vec![
            Cell::new(format!("{mark}{}", view.name)).tone(Tone::Bold),
            Cell::new(view.text.as_str()),
            Cell::new(moment(view.created_at)).tone(Tone::Dim),
        ];
        if described {
            cells.insert(
                1,
                Cell::new(view.description.as_deref().unwrap_or_default()),
            );
        }
        if colored {
            cells.insert(1, Cell::new(view.color.as_deref().unwrap_or_default()));
        }
        table.row(cells);
    }
    job.terminal
        .line(table.draw(job.columns(), job.terminal.paints()).text)?;
    for (view, problem) in &views {
        if let Some(why) = problem {
            job.terminal
                .note(format!("! {} no longer fits {dataset}: {why}.", view.name));
        }
    }
    Ok(())
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
    let problem = problem(&session, &snapshot, view);
    let samples = match problem {
        None => Some(session.view(&snapshot, &view.text)?.0.len()),
        Some(_) => None,
    };
    if job.globals.json {
        let mut json = json_of(view, problem.as_deref());
        json["count"] = samples.into();
        return Ok(job.terminal.document(&json)?);
    }
    job.terminal.line(&view.text)?;
    if let Some(description) = &view.description {
        job.terminal.note(description);
    }
    if let Some(color) = &view.color {
        job.terminal.note(format!("Shown in {color}."));
    }
    match (samples, problem) {
        (Some(samples), _) => job.terminal.note(format!(
            "{} of {} now.",
            crate::render::number::grouped(samples as u64),
            count(snapshot.len() as u64, "sample")
        )),
        (None, why) => job.terminal.note(format!(
            "It no longer fits {dataset}: {}.",
            why.unwrap_or_default()
        )),
    }
    Ok(())
}
