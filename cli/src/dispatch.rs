//! From words to a command and from its outcome to an exit code: the same way for this process's own command line, for
//! a line typed at the prompt, and for a command that another process hands over.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use messier_engine::context::Stop;
use messier_engine::exchange::{EXPORTERS, IMPORTERS};
use messier_query::signature::Signature;

use crate::args::{Command, CommandLine, Globals};
use crate::commands::{self, Asked};
use crate::failure::{Exit, Failure, Report};
use crate::house::House;
use crate::job::Job;
use crate::method_flags::{self, flag_name};
use crate::operator_args;
use crate::output::Terminal;
use crate::render;
use crate::render::paint::Paint;

/// A command line that was understood.
#[derive(Debug)]
pub struct Invocation {
    /// The flags that every command takes.
    pub globals: Globals,
    /// The command.
    pub asked: Asked,
}

/// The whole command line: fixed commands and operators.
pub fn command_line() -> clap::Command {
    let mut line = CommandLine::command();
    for operator in messier_engine::operators() {
        line = line.subcommand(operator_args::command(operator));
    }
    line = line.mut_subcommand("sweep", |sweep| {
        sweep.arg(
            clap::Arg::new("out")
                .long("out")
                .short('o')
                .value_name("FILE")
                .value_hint(clap::ValueHint::FilePath)
                .help("Draw the curves to an .svg or .png file too"),
        )
    });
    line = line.mut_subcommand("import", |import| {
        method_flags::add(import, &importers(), &[])
    });
    line = line.mut_subcommand("export", |export| {
        method_flags::add(export, &exporters(), &[])
    });
    // The operators belong to the main job: between `schema` and what edits samples.
    let order = [
        "demo",
        "import",
        "embed",
        "similarity",
        "reduce",
        "cluster",
        "place",
        "score",
        "compare",
        "sweep",
        "query",
        "repl",
        "plot",
        "export",
        "runs",
        "views",
        "list",
        "info",
        "schema",
        "merge",
        "split",
        "move",
        "rename-cluster",
        "dissolve",
        "tag",
        "untag",
        "set-values",
        "undo",
        "rename",
        "clone",
        "delete",
        "verify",
        "repair",
        "doctor",
        "completions",
        "help",
    ];
    for (at, name) in order.into_iter().enumerate() {
        line = line.mut_subcommand(name, |command| command.display_order(at));
    }
    line
}

/// What can be imported.
pub fn importers() -> Vec<&'static Signature> {
    IMPORTERS
        .iter()
        .map(|importer| importer.signature())
        .collect()
}

/// What can be exported.
pub fn exporters() -> Vec<&'static Signature> {
    EXPORTERS
        .iter()
        .map(|exporter| exporter.signature())
        .collect()
}

/// Reads a command line; the first word is the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Invocation, Failure> {
    let matches = command_line().try_get_matches_from(words)?;
    let operator = matches.subcommand().and_then(|(name, inner)| {
        let operator = messier_engine::operators()
            .iter()
            .find(|operator| flag_name(operator.signature.name) == *name)?;
        Some((operator, inner))
    });
    match operator {
        Some((operator, inner)) => {
            let globals = Globals::from_arg_matches(inner)?;
            let call = operator_args::read(operator, inner, globals.seed)?;
            Ok(Invocation {
                globals,
                asked: Asked::Operator(call),
            })
        }
        None => fixed(&matches),
    }
}

fn fixed(matches: &ArgMatches) -> Result<Invocation, Failure> {
    let line = CommandLine::from_arg_matches(matches)?;
    let inner = matches.subcommand().map(|(_, inner)| inner);
    let given = match (&line.command, inner) {
        (Command::Import(_), Some(inner)) => {
            method_flags::given(inner, &method_flags::names(&importers()))
        }
        (Command::Export(_), Some(inner)) => {
            method_flags::given(inner, &method_flags::names(&exporters()))
        }
        _ => Vec::new(),
    };
    Ok(Invocation {
        globals: line.globals,
        asked: Asked::Fixed(line.command, given),
    })
}

/// Does what was asked on a store and tells the terminal how it went; gives the exit code.
pub fn execute(invocation: Invocation, mut terminal: Terminal, house: &House, stop: Stop) -> u8 {
    terminal.json = invocation.globals.json;
    terminal.quiet = invocation.globals.quiet;
    let job = Job {
        house,
        terminal: &terminal,
        globals: &invocation.globals,
        stop,
    };
    let result = commands::run(invocation.asked, &job);
    let result = result.and_then(|()| Ok(terminal.flush()?));
    match result {
        Ok(()) => Exit::Done.code(),
        Err(failure) => tell(&failure, &terminal),
    }
}

/// Says why a command failed; gives the exit code.
pub fn tell(failure: &Failure, terminal: &Terminal) -> u8 {
    let paint = Paint::new(terminal.paints_err());
    match failure {
        Failure::ClosedPipe | Failure::Said(_) => {}
        Failure::Report(report) if terminal.json => {
            terminal.complain(render::failure::json(report).to_string())
        }
        Failure::Report(report) => {
            let columns = terminal.look.width.unwrap_or(100).min(120);
            terminal.complain(render::failure::text(report, columns, paint));
        }
        Failure::Clap(error) if !error.use_stderr() => {
            let text = error.render();
            let text = if terminal.paints() {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            if let Err(error) = terminal.line(text).and_then(|()| terminal.flush()) {
                return Failure::from(error).exit();
            }
        }
        Failure::Clap(error) if terminal.json => {
            terminal.complain(render::failure::json(&usage(error)).to_string());
        }
        Failure::Clap(error) => {
            let text = error.render();
            terminal.complain(if paint.on() {
                text.ansi().to_string()
            } else {
                text.to_string()
            });
        }
    }
    failure.exit()
}

/// clap's words as a report, for `--json`.
fn usage(error: &clap::Error) -> Report {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines
        .next()
        .unwrap_or("the command line is wrong")
        .trim_start_matches("error: ")
        .to_owned();
    let mut report = Report::new(Exit::Usage, "usage", message);
    report.hints = lines
        .filter(|line| line.starts_with("tip:"))
        .map(|tip| tip.trim_start_matches("tip: ").to_owned())
        .collect();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn flags_for_all_stand_anywhere() {
        let one = parse(words("messier --json list")).unwrap();
        let other = parse(words("messier list --json --store /tmp/x")).unwrap();
        assert!(one.globals.json && other.globals.json && other.globals.store.is_some());
    }

    #[test]
    fn a_wrong_command_line_is_2_and_help_is_0() {
        assert_eq!(parse(words("messier nonsense")).unwrap_err().exit(), 2);
        assert_eq!(parse(words("messier query")).unwrap_err().exit(), 2);
        assert_eq!(parse(words("messier --help")).unwrap_err().exit(), 0);
        assert_eq!(parse(words("messier --version")).unwrap_err().exit(), 0);
    }

    #[test]
    fn help() {
        insta::assert_snapshot!(command_line().term_width(90).render_long_help());
    }
}
