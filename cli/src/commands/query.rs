//! `query`: one question, or a file of them.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use messier_engine::context::Context;
use messier_engine::{EditRecord, Reply, Session};
use messier_query::View;
use messier_query::signature::Returns;
use messier_query::syntax::Step;
use serde_json::{Map, Value as Json, json};

use super::operate;
use crate::args::Query;
use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::render;
use crate::render::samples::{Footer, Samples};
use crate::render::value::Canvas;

/// Samples turned into JSON at a time: enough to be quick, few enough to be small.
const BLOCK: usize = 1024;

/// `messier query D Q`
pub fn run(args: &Query, job: &Job<'_>) -> Result<(), Failure> {
    if let Some(file) = &args.file {
        return batch(&args.dataset, file, args.dry_run, job);
    }
    let text = args.query.as_deref().unwrap_or_default();
    if args.csv || args.ids {
        refuse_edit(text)?;
    }
    let session = job.session()?;
    let began = Instant::now();
    let reply = job.work(|context| ask(&session, &args.dataset, text, args.dry_run, context))?;
    let seconds = began.elapsed().as_secs_f64();
    let form = match (args.csv, args.ids) {
        (true, _) => Form::Csv,
        (_, true) => Form::Ids,
        _ if job.globals.json => Form::Json,
        _ => Form::Table,
    };
    match (reply, form) {
        (Reply::Run(record), _) => operate::show(&args.dataset, &record, job),
        (Reply::Edit(record), _) => job.done(edit_json(&record), render::edit::sentence(&record)),
        (reply, Form::Json) => json(&args.dataset, &reply, job),
        (Reply::Text(text), _) => Ok(job.terminal.line(text)?),
        (Reply::View(view), Form::Csv) => samples_csv(&view, job),
        (Reply::View(view), Form::Ids) => {
            let ids = view.ids()?;
            Ok(job
                .terminal
                .data(|out| ids.iter().try_for_each(|id| writeln!(out, "{id}")))?)
        }
        (Reply::View(view), Form::Table) => {
            let total = session.store().dataset(&args.dataset)?.snapshot()?.len();
            table(&view, total, args.rows, seconds, job)
        }
        (Reply::Value(value), Form::Csv) => value_csv(&value.value, job),
        (Reply::Value(_), Form::Ids) => Err(Failure::usage(
            "--ids needs a query that gives samples, and this one gives a value; leave --ids out",
        )),
        (Reply::Value(value), Form::Table) => {
            let canvas = Canvas {
                columns: job.columns(),
                lines: job.terminal.look.out_tty.then(|| args.rows.max(1) * 2),
                paint: job.paint(),
            };
            let name = last_call(text);
            job.terminal.data(|out| {
                write!(
                    out,
                    "{}",
                    render::value::text(&value.value, name.as_deref(), canvas)
                )
            })?;
            if value.skipped > 0 {
                let footer = Footer {
                    in_view: 0,
                    in_dataset: 0,
                    shown: 0,
                    seconds: None,
                    skipped: value.skipped,
                }
                .text();
                job.terminal.note(
                    footer
                        .split_once("; ")
                        .map_or(footer.as_str(), |(_, skipped)| skipped),
                );
            }
            Ok(())
        }
    }
}

/// Answers a text, or with `dry` says what it would change.
fn ask(
    session: &Session,
    dataset: &str,
    text: &str,
    dry: bool,
    context: &Context,
) -> Result<Reply, messier_engine::Error> {
    match dry {
        true => session.rehearse(dataset, text, context),
        false => session.answer(dataset, text, context),
    }
}

/// A form of output that an edit has not is refused before the edit is made.
fn refuse_edit(text: &str) -> Result<(), Failure> {
    match last_call(text).filter(|name| is_edit(name)) {
        Some(name) => Err(Failure::usage(format!(
            "`{name}` changes the dataset and gives no samples; leave --csv or --ids out"
        ))),
        None => Ok(()),
    }
}

/// Whether a call of that name changes what is stored.
pub fn is_edit(name: &str) -> bool {
    messier_query::signatures()
        .any(|signature| signature.returns == Returns::Edit && signature.name == name)
}

fn edit_json(record: &EditRecord) -> Json {
    let mut json = json!({ "kind": "edit" });
    if let (Json::Object(into), Ok(Json::Object(from))) = (&mut json, serde_json::to_value(record))
    {
        into.extend(from);
    }
    json
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Json,
    Csv,
    Ids,
}

/// The name of the last call of a query: for an aggregation, what kind of value to expect.
pub fn last_call(text: &str) -> Option<String> {
    match messier_query::parse(text).ok()?.steps.pop()? {
        Step::Call(call) => Some(call.name.node),
        _ => None,
    }
}

fn table(
    view: &View,
    total: usize,
    rows: usize,
    seconds: f64,
    job: &Job<'_>,
) -> Result<(), Failure> {
    // A person wants the first screen, a pipe wants everything.
    let shown = if job.terminal.look.out_tty {
        view.len().min(rows)
    } else {
        view.len()
    };
    let mut left_out: Vec<String> = Vec::new();
    // Widths are decided on what is shown at once; a pipe has no width, so blocks only repeat no header.
    let samples = objects(view, 0..shown)?;
    if shown > 0 {
        let laid = render::samples::table(
            &Samples {
                schema: view.schema(),
                rows: &samples,
                first: 1,
            },
            job.columns(),
            job.terminal.paints(),
        );
        left_out = laid.left_out;
        job.terminal.data(|out| write!(out, "{}", laid.text))?;
    }
    let footer = Footer {
        in_view: view.len() as u64,
        in_dataset: total as u64,
        shown: shown as u64,
        seconds: Some(seconds),
        skipped: view.skipped(),
    };
    let mut text = footer.text();
    if !left_out.is_empty() {
        text.push_str(&format!(
            "; not shown for want of room: {}",
            left_out.join(", ")
        ));
    }
    job.terminal
        .note(render::paint::Paint::new(job.terminal.paints_err()).dim(&text));
    Ok(())
}

fn objects(view: &View, range: std::ops::Range<usize>) -> Result<Vec<Map<String, Json>>, Failure> {
    let values = view.samples_json(range)?;
    Ok(values
        .into_iter()
        .filter_map(|value| match value {
            Json::Object(fields) => Some(fields),
            _ => None,
        })
        .collect())
}

/// The promised JSON of an answer, written block by block so that a million samples need no gigabytes.
fn json(dataset: &str, reply: &Reply, job: &Job<'_>) -> Result<(), Failure> {
    match reply {
        Reply::View(view) if view.len() > BLOCK => {
            job.terminal.data(|out| {
                let head =
                    json!({ "kind": "view", "dataset": dataset, "count": view.len() }).to_string();
                write!(out, "{},\"samples\":[", head.trim_end_matches('}'))
            })?;
            for start in (0..view.len()).step_by(BLOCK) {
                let values = view.samples_json(start..view.len().min(start + BLOCK))?;
                job.terminal.data(|out| {
                    for (at, value) in values.iter().enumerate() {
                        if start + at > 0 {
                            out.write_all(b",\n")?;
                        }
                        serde_json::to_writer(&mut *out, value)?;
                    }
                    Ok(())
                })?;
            }
            Ok(job.terminal.line("]}")?)
        }
        reply => Ok(job.terminal.document(&document(dataset, reply)?)?),
    }
}

/// The promised JSON of an answer as one value.
fn document(dataset: &str, reply: &Reply) -> Result<Json, Failure> {
    Ok(match reply {
        Reply::View(view) => {
            let samples = view.samples_json(0..view.len())?;
            json!({ "kind": "view", "dataset": dataset, "count": view.len(), "samples": samples })
        }
        Reply::Value(value) => {
            json!({ "kind": "value", "value": value.value, "skipped": value.skipped })
        }
        Reply::Run(record) => json!({ "kind": "run", "run": record }),
        Reply::Text(text) => json!({ "kind": "text", "text": text }),
        Reply::Edit(record) => edit_json(record),
    })
}

/// One question a line, one JSON answer a line; a question that is wrong answers with its error and ends the command
/// with 1 after all the others were answered.
fn batch(dataset: &str, file: &std::path::Path, dry: bool, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let mut failed = 0;
    let mut answer = |text: &str| -> Result<(), Failure> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        let line = match answer_line(&session, dataset, text, dry, job) {
            Ok(line) => line,
            Err(Failure::Report(report)) if report.exit == Exit::Request => {
                failed += 1;
                render::failure::json(&report)
            }
            Err(other) => return Err(other),
        };
        Ok(job.terminal.data(|out| writeln!(out, "{line}"))?)
    };
    if file.as_os_str() == "-" {
        while let Some(line) = job.terminal.read_line()? {
            answer(&line)?;
        }
    } else {
        let path = job.terminal.path(file);
        let open = std::fs::File::open(&path).map_err(|error| Failure::file(&path, &error))?;
        for line in BufReader::new(open).lines() {
            answer(&line.map_err(|error| Failure::file(&path, &error))?)?;
        }
    }
    match failed {
        0 => Ok(()),
        n => {
            let message = format!(
                "{} could not be answered; their lines say why",
                render::number::count(n, "question")
            );
            Err(Report::new(Exit::Request, "questions", message).into())
        }
    }
}

fn answer_line(
    session: &Session,
    dataset: &str,
    text: &str,
    dry: bool,
    job: &Job<'_>,
) -> Result<Json, Failure> {
    let reply = job.work(|context| ask(session, dataset, text, dry, context))?;
    document(dataset, &reply)
}

/// The samples as CSV: documents as dotted columns, lists as JSON; vectors are left out unless they were selected.
fn samples_csv(view: &View, job: &Job<'_>) -> Result<(), Failure> {
    let head = if view.is_empty() {
        Vec::new()
    } else {
        objects(view, 0..1)?
    };
    let columns = render::sample_csv::columns(view.schema(), head.first());
    job.terminal
        .data(|out| render::sample_csv::header(out, &columns))?;
    for start in (0..view.len()).step_by(BLOCK) {
        let rows = objects(view, start..view.len().min(start + BLOCK))?;
        job.terminal
            .data(|out| render::sample_csv::rows(out, &columns, &rows))?;
    }
    Ok(())
}

/// A value as CSV: counts as two columns, lists one a line.
fn value_csv(value: &Json, job: &Job<'_>) -> Result<(), Failure> {
    Ok(job
        .terminal
        .data(|out| render::sample_csv::value(out, value))?)
}
