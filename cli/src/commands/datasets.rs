//! `list`, `info`, `rename`, `clone`, `delete`: datasets as wholes.

use messier_store::DatasetInfo;
use serde_json::{Value as Json, json};

use crate::args::{CloneDataset, Delete, Rename};
use crate::failure::Failure;
use crate::job::Job;
use crate::render::number::{count, grouped, iso, moment};
use crate::render::schema;
use crate::render::table::{Cell, Column, Give, Table, Tone};

/// `messier list`
pub fn list(job: &Job<'_>) -> Result<(), Failure> {
    let infos = job.session()?.store().datasets()?;
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&infos.iter().map(json_of).collect::<Vec<_>>())?);
    }
    if infos.is_empty() {
        job.terminal.note(format!(
            "There are no datasets in {} yet. `messier import DIR --name NAME` makes one; `messier demo` shows how it goes.",
            job.house.dir().display()
        ));
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::text("dataset").give(Give::End(12)),
        Column::number("samples"),
        Column::text("changed").give(Give::Never).rank(2),
        Column::text("").rank(1),
    ]);
    for info in &infos {
        table.row(vec![
            Cell::new(info.name.as_str()).tone(Tone::Bold),
            Cell::new(grouped(info.samples)),
            Cell::new(moment(info.last_modified_at)).tone(Tone::Dim),
            Cell::new(if info.persistent { "" } else { "temporary" }).tone(Tone::Dim),
        ]);
    }
    Ok(job
        .terminal
        .line(table.draw(job.columns(), job.terminal.paints()).text)?)
}

/// The promised keys of a dataset.
pub fn json_of(info: &DatasetInfo) -> Json {
    json!({
        "name": info.name, "samples": info.samples, "persistent": info.persistent,
        "created_at": iso(info.created_at), "last_modified_at": iso(info.last_modified_at),
    })
}

/// `messier info D`
pub fn info(dataset: &str, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let dataset = session.store().dataset(dataset)?;
    let info = dataset.info()?;
    let snapshot = dataset.snapshot()?;
    if job.globals.json {
        let mut json = json_of(&info);
        json["schema"] = snapshot
            .schema()
            .fields
            .iter()
            .map(|field| json!({ "name": field.name, "type": field.ty.to_string() }))
            .collect();
        json["runs"] = snapshot.runs().iter().map(|run| run.key.as_str()).collect();
        json["views"] = snapshot
            .views()
            .iter()
            .map(|view| view.name.as_str())
            .collect();
        return Ok(job.terminal.document(&json)?);
    }
    let paint = job.paint();
    let list = |names: Vec<&str>| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let rows = [
        (
            "samples",
            count(info.samples, "sample") + if info.persistent { "" } else { ", temporary" },
        ),
        ("made", moment(info.created_at)),
        ("changed", moment(info.last_modified_at)),
        (
            "runs",
            list(snapshot.runs().iter().map(|run| run.key.as_str()).collect()),
        ),
        (
            "views",
            list(
                snapshot
                    .views()
                    .iter()
                    .map(|view| view.name.as_str())
                    .collect(),
            ),
        ),
    ];
    job.terminal.line(paint.bold(&info.name))?;
    for (name, value) in rows {
        job.terminal
            .line(format!("  {}  {value}", paint.dim(&format!("{name:8}"))))?;
    }
    job.terminal.line("")?;
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
        paint,
    ))?)
}

/// `messier rename D E`
pub fn rename(args: &Rename, job: &Job<'_>) -> Result<(), Failure> {
    job.session()?.store().rename(&args.dataset, &args.to)?;
    job.done(
        json!({ "renamed": args.dataset, "to": args.to }),
        format!("{} is called {} now.", args.dataset, args.to),
    )
}

/// `messier clone D E`
pub fn clone(args: &CloneDataset, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let samples = session.clone_dataset(&args.dataset, &args.to, args.view.as_deref())?;
    let sentence = format!(
        "{} is a copy of {} with {}.",
        args.to,
        args.dataset,
        count(samples as u64, "sample")
    );
    job.done(
        json!({ "cloned": args.dataset, "to": args.to, "samples": samples }),
        sentence,
    )
}

/// `messier delete D`: asks where somebody can answer, and wants `--yes` where nobody can.
pub fn delete(args: &Delete, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let info = session.store().dataset(&args.dataset)?.info()?;
    if !args.yes && !confirmed(&info, job)? {
        job.terminal.note("Nothing was deleted.");
        return Ok(());
    }
    session.store().delete(&args.dataset)?;
    let sentence = format!(
        "Deleted {} with {}. The images are where they were.",
        args.dataset,
        count(info.samples, "sample")
    );
    job.done(
        json!({ "deleted": args.dataset, "samples": info.samples }),
        sentence,
    )
}

fn confirmed(info: &DatasetInfo, job: &Job<'_>) -> Result<bool, Failure> {
    if !job.terminal.look.in_tty {
        return Err(Failure::usage(format!(
            "delete {}: nobody is here to be asked; say --yes to delete it",
            info.name
        )));
    }
    let question = format!(
        "Delete {} with {}, its runs and its views?",
        info.name,
        count(info.samples, "sample")
    );
    Ok(job.terminal.confirm(&question)?)
}
