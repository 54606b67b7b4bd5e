//! Errors of the rooms below, sorted by who can act. A code is the kind's name in kebab-case: `UnknownDataset` is
//! `unknown-dataset`, so a new kind has a code before anybody thinks of one.

use std::fmt::Debug;
use std::io;

use messier_engine::context::Cancelled;

use super::{Exit, Failure, Report};

impl From<messier_engine::Error> for Failure {
    fn from(error: messier_engine::Error) -> Failure {
        use messier_engine::Error as E;
        let message = error.to_string();
        match error {
            E::Cancelled(cancelled) => cancelled.into(),
            E::Query { text, mistakes } => Report::of_query(&mistakes, &text).into(),
            E::Store(error) => error.into(),
            E::Evaluation(error) => error.into(),
            E::Unknown {
                what,
                name,
                candidates,
            } => {
                let code = format!("unknown-{}", what.replace(' ', "-"));
                let message = format!("there is no {what} called {name:?}");
                let mut report = Report::new(Exit::Request, code, message);
                if let Some(hint) = offer(&name, &candidates) {
                    report = report.hint(hint);
                }
                report.candidates(candidates).into()
            }
            E::Arguments { .. } => Report::new(Exit::Request, "arguments", message).into(),
            E::File { path, .. } => {
                // The path tells whose fault it is: one that is not there was asked for, one that is there was refused.
                let refused = path.exists()
                    || path
                        .parent()
                        .is_some_and(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                let denied = std::fs::metadata(&path)
                    .is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied);
                let unreadable = refused && path.is_file() && std::fs::File::open(&path).is_err();
                let exit = if denied || unreadable || message.contains("disk is full") {
                    Exit::Machine
                } else {
                    Exit::Request
                };
                Report::new(exit, "file", message).into()
            }
            other => Report::new(Exit::Request, kind(&other), message).into(),
        }
    }
}

impl From<messier_store::Error> for Failure {
    fn from(error: messier_store::Error) -> Failure {
        use messier_store::Error as E;
        let exit = match &error {
            E::Damaged { .. } => Exit::Damaged,
            E::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Exit::Request,
            E::Poisoned { .. } | E::Busy { .. } | E::Io { .. } | E::Handover { .. } => {
                Exit::Machine
            }
            _ => Exit::Request,
        };
        let report = Report::new(exit, kind(&error), error.to_string());
        let candidates = match error {
            E::UnknownDataset { candidates, .. }
            | E::UnknownField { candidates, .. }
            | E::UnknownRun { candidates, .. }
            | E::UnknownView { candidates, .. } => candidates,
            _ => Vec::new(),
        };
        report.candidates(candidates).into()
    }
}

impl From<messier_query::Error> for Failure {
    fn from(error: messier_query::Error) -> Failure {
        use messier_query::Error as E;
        let exit = if matches!(error, E::Arrow(_)) {
            Exit::Bug
        } else {
            Exit::Request
        };
        let report = Report::new(exit, kind(&error), error.to_string());
        match error {
            E::Store(error) => error.into(),
            E::UnknownField { candidates, .. } => report.candidates(candidates).into(),
            _ => report.into(),
        }
    }
}

impl From<Cancelled> for Failure {
    fn from(cancelled: Cancelled) -> Failure {
        Report::new(Exit::Interrupted, "interrupted", cancelled.to_string()).into()
    }
}

/// The name of an enum's variant in kebab-case.
fn kind(error: &impl Debug) -> String {
    let debug = format!("{error:?}");
    let name = debug
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    name.chars()
        .enumerate()
        .fold(String::new(), |mut out, (at, c)| {
            if c.is_uppercase() && at > 0 {
                out.push('-');
            }
            out.extend(c.to_lowercase());
            out
        })
}

/// What to try instead of `name`: the near one, or all there are.
fn offer(name: &str, candidates: &[String]) -> Option<String> {
    let near = messier_query::nearest(name, candidates.iter().map(String::as_str));
    match (near.first(), candidates) {
        (_, []) => None,
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, all) => Some(format!("there are {}", all.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failure: Failure) -> Report {
        match failure {
            Failure::Report(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn codes_are_the_names_of_the_kinds() {
        let error = messier_store::Error::UnknownDataset {
            name: "trap".into(),
            candidates: vec!["trip".into()],
        };
        let report = report(error.into());
        assert_eq!(
            (report.code.as_str(), report.exit, report.candidates),
            ("unknown-dataset", Exit::Request, vec!["trip".to_owned()])
        );
    }

    #[test]
    fn damage_is_4_and_an_interrupt_130() {
        let error = messier_store::Error::Damaged {
            file: "x".into(),
            why: "a sum is wrong".into(),
        };
        assert_eq!(report(error.into()).exit, Exit::Damaged);
        assert_eq!(report(Cancelled.into()).exit.code(), 130);
    }

    #[test]
    fn an_unknown_run_offers_the_near_one() {
        let error = messier_engine::Error::Unknown {
            what: "run",
            name: "k2".into(),
            candidates: vec!["k20".into(), "map".into()],
        };
        let report = report(error.into());
        assert_eq!(
            (report.code.as_str(), report.hints),
            ("unknown-run", vec!["did you mean `k20`?".to_owned()])
        );
    }
}
