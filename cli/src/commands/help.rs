//! `help TOPIC`: a command's flags, or the page of anything that has a signature.

use messier_query::nearest;
use serde_json::json;

use crate::args::Help;
use crate::dispatch::command_line;
use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::render;
use crate::topics;

/// `messier help [TOPIC]`
pub fn run(args: &Help, job: &Job<'_>) -> Result<(), Failure> {
    let mut line = command_line().term_width(job.columns().unwrap_or(100));
    let Some(topic) = args.topic.as_deref() else {
        return page(&line.render_long_help(), job);
    };
    let folded = topic
        .trim_end_matches("()")
        .replace('-', "_")
        .to_lowercase();
    let topics: Vec<_> = topics::all()
        .into_iter()
        .filter(|known| known.signature.name == folded)
        .collect();
    if job.globals.json && !topics.is_empty() {
        let pages: Vec<_> = topics
            .iter()
            .map(|topic| json!({ "kind": topic.kind, "name": topic.signature.name, "usage": topic.signature.usage(), "summary": topic.signature.summary }))
            .collect();
        return Ok(job.terminal.document(&pages)?);
    }
    // Global flags are propagated while a line is built.
    line.build();
    if let Some(command) = line
        .find_subcommand(topic.replace('_', "-"))
        .filter(|command| !command.is_hide_set())
    {
        let mut command = command.clone().term_width(job.columns().unwrap_or(100));
        return page(&command.render_long_help(), job);
    }
    if topics.is_empty() {
        return Err(unknown(topic, &folded));
    }
    let columns = job.columns().unwrap_or(100);
    for (at, topic) in topics.iter().enumerate() {
        if at > 0 {
            job.terminal.line("")?;
        }
        job.terminal.line(render::signature::text(
            topic.kind,
            topic.signature,
            columns,
            job.paint(),
        ))?;
    }
    Ok(())
}

fn page(text: &clap::builder::StyledStr, job: &Job<'_>) -> Result<(), Failure> {
    let text = if job.terminal.paints() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    Ok(job.terminal.line(text)?)
}

fn unknown(topic: &str, folded: &str) -> Failure {
    let known = topics::all();
    let line = command_line();
    let names = known
        .iter()
        .map(|topic| topic.signature.name)
        .chain(line.get_subcommands().map(clap::Command::get_name));
    let near = nearest(folded, names);
    let mut report = Report::new(
        Exit::Request,
        "unknown-topic",
        format!("There is no help on {topic:?}."),
    );
    report = match near.first() {
        Some(near) => report.hint(format!("did you mean `messier help {near}`?")),
        None => report.hint(
            "`messier help` lists the commands; methods and functions have pages of their own",
        ),
    };
    report.candidates(near).into()
}
