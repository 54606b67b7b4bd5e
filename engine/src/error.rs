//! The engine's one error type. Kinds carry data; the edge writes colours and codes.

use std::path::PathBuf;

use messier_query::signature::BadArgument;

use crate::context::Cancelled;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Arguments that cannot be used; all of them.
    #[error("{call}: {}", bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Arguments {
        /// The method or operator called.
        call: String,
        /// Every argument that is wrong.
        bad: Vec<BadArgument>,
    },
    /// The data does not fit the request.
    #[error("{0}")]
    Input(String),
    /// A name that does not exist.
    #[error("there is no {what} called {name:?}{}", suggestion(candidates))]
    Unknown {
        /// What was looked for: `"run"`, `"clustering method"`.
        what: &'static str,
        /// The name given.
        name: String,
        /// Names that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why, as a sentence.
        problem: String,
    },
    /// Mistakes in a text of the query language; all of them, with the text they are about.
    #[error("{mistakes}")]
    Query {
        /// The text.
        text: String,
        /// What is wrong with it.
        mistakes: messier_query::Diagnostics,
    },
    /// The evaluation of a query failed.
    #[error(transparent)]
    Evaluation(#[from] messier_query::Error),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] messier_store::Error),
}

/// The error of a call whose arguments cannot be used.
pub(crate) fn arguments(call: &str, bad: Vec<BadArgument>) -> Error {
    Error::Arguments {
        call: call.to_owned(),
        bad,
    }
}

impl Error {
    /// Mistakes in `text`.
    pub(crate) fn query(text: &str, mistakes: messier_query::Diagnostics) -> Error {
        Error::Query {
            text: text.to_owned(),
            mistakes,
        }
    }
}

fn suggestion(candidates: &[String]) -> String {
    match candidates {
        [] => String::new(),
        [one] => format!("; did you mean {one:?}?"),
        many => format!("; there are {}", many.join(", ")),
    }
}
