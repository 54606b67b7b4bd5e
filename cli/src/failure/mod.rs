//! Why a command did not do what was asked: sorted by who can act, each sort with its exit code.
//!
//! Kinds carry data; this file and [`crate::render::failure`] are the edge that writes the sentence.

mod classify;

use std::io;

use messier_query::{Diagnostic, Diagnostics, Label};
use serde::Serialize;

/// Exit codes, by who can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The request was wrong.
    Request = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The machine said no: disk full, permission, memory.
    Machine = 3,
    /// The store is damaged.
    Damaged = 4,
    /// A bug of ours.
    Bug = 70,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// Something to tell the person.
    Report(Box<Report>),
    /// clap has the words: a wrong command line, or a help text that was asked for.
    Clap(Box<clap::Error>),
    /// Somebody has told the person already; this is the exit code.
    Said(u8),
    /// Whoever read our output has gone: a normal end.
    ClosedPipe,
}

/// An error as data: what `--json` prints and the terminal draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// A stable kebab-case name.
    pub code: String,
    /// A sentence for the person who can act.
    pub message: String,
    /// Places in the query, the main one first.
    pub labels: Vec<Label>,
    /// What would work, each a sentence.
    pub hints: Vec<String>,
    /// Names that exist and are near.
    pub candidates: Vec<String>,
    /// Further mistakes of the same query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Diagnostic>,
    /// The query the labels point into.
    #[serde(skip)]
    pub source: Option<String>,
    /// The exit code.
    #[serde(skip)]
    pub exit: Exit,
}

impl Report {
    /// A report with a code, a sentence and an exit code.
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Report {
        Report {
            code: code.into(),
            message: message.into(),
            labels: Vec::new(),
            hints: Vec::new(),
            candidates: Vec::new(),
            more: Vec::new(),
            source: None,
            exit,
        }
    }

    /// Adds what would work.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Report {
        self.hints.push(hint.into());
        self
    }

    /// Adds names that exist and are near.
    #[must_use]
    pub fn candidates(mut self, names: Vec<String>) -> Report {
        self.candidates = names;
        self
    }

    /// The mistakes of a query, with the text they point into.
    pub fn of_query(diagnostics: &Diagnostics, text: &str) -> Report {
        let mut all = diagnostics.0.iter().cloned();
        let Some(first) = all.next() else {
            return Report::new(Exit::Request, "query", "The query cannot be used.");
        };
        Report {
            code: first.code.to_owned(),
            message: first.message,
            labels: first.labels,
            hints: first.hints,
            candidates: first.candidates,
            more: all.collect(),
            source: Some(text.to_owned()),
            exit: Exit::Request,
        }
    }
}

impl Failure {
    /// The request was wrong.
    pub fn request(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Report::new(Exit::Request, code, message).into()
    }

    /// The command line was wrong.
    pub fn usage(message: impl Into<String>) -> Failure {
        Report::new(Exit::Usage, "usage", message).into()
    }

    /// A file that cannot be read or written.
    pub fn file(path: &std::path::Path, error: &io::Error) -> Failure {
        let path = path.display();
        let (exit, what) = match error.kind() {
            io::ErrorKind::NotFound => {
                (Exit::Request, "There is no file or folder here".to_owned())
            }
            io::ErrorKind::PermissionDenied => (
                Exit::Machine,
                "This account may not do that here".to_owned(),
            ),
            io::ErrorKind::StorageFull => (Exit::Machine, "The disk is full".to_owned()),
            _ => (Exit::Machine, error.to_string()),
        };
        Report::new(exit, "file", format!("{path}: {what}.")).into()
    }

    /// The exit code of the process.
    pub fn exit(&self) -> u8 {
        match self {
            Failure::Report(report) => report.exit.code(),
            Failure::Said(code) => *code,
            Failure::Clap(error) if error.use_stderr() => Exit::Usage.code(),
            Failure::Clap(_) | Failure::ClosedPipe => Exit::Done.code(),
        }
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Failure {
        Failure::Report(Box::new(report))
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Failure {
        Failure::Clap(Box::new(error))
    }
}

/// Errors of writing to the terminal. A file's errors are said with its path, by [`Failure::file`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            io::ErrorKind::StorageFull => Report::new(
                Exit::Machine,
                "disk-full",
                "The disk is full: the output is not complete.",
            )
            .into(),
            _ => Report::new(
                Exit::Machine,
                "output",
                format!("The output cannot be written: {error}."),
            )
            .into(),
        }
    }
}

/// serde_json writes through to the terminal, so its errors are mostly the stream's.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::from(io::Error::from(error))
    }
}
