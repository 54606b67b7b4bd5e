//! `export`: samples to a folder or a file; and the one way in which commands write a file of their own.

use std::io;
use std::path::Path;

use messier_engine::exchange::export::exporter;
use serde_json::json;

use crate::args::Export;
use crate::dispatch::exporters;
use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::method_flags::{self, Given};
use crate::render::fit::printable;
use crate::render::number::{count, grouped};

/// Most samples named one by one.
const NAMED: usize = 10;

/// `messier export D --format F OUT`
pub fn run(args: &Export, given: &Given, job: &Job<'_>) -> Result<(), Failure> {
    let format = exporter(&args.format)?.signature();
    let arguments = method_flags::read("export", given, &[], Some(format), &exporters())?;
    let session = job.session()?;
    let target = job.terminal.path(&args.out);
    let exported = job.work(|context| {
        session.export(
            &args.dataset,
            args.view.as_deref().unwrap_or_default(),
            &args.format,
            &target,
            &arguments,
            context,
        )
    })?;
    if !job.globals.json {
        for item in exported.skipped.iter().take(NAMED) {
            job.terminal.note(format!(
                "note: {} left out: {}",
                printable(&item.path),
                printable(&item.reason)
            ));
        }
        if exported.skipped.len() > NAMED {
            job.terminal.note(format!(
                "      and {} more",
                grouped((exported.skipped.len() - NAMED) as u64)
            ));
        }
    }
    let sentence = format!(
        "Wrote {} to {} ({}).",
        count(exported.rows as u64, "sample"),
        exported.target.display(),
        count(exported.files as u64, "file")
    );
    job.done(json!({ "exported": exported }), sentence)
}

/// Writes a file whole or not at all: beside its place first, then renamed. One that is there needs `force`.
pub fn write_new(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    if !force && path.exists() {
        let report = Report::new(
            Exit::Request,
            "exists",
            format!("{} is there already.", path.display()),
        );
        return Err(report.hint("say --force to replace it").into());
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let written = std::fs::write(beside, bytes).and_then(|()| std::fs::rename(beside, path));
    written.map_err(|error: io::Error| {
        std::fs::remove_file(beside).ok();
        Failure::file(path, &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_by_force_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map.svg");
        write_new(&path, b"one", false).unwrap();
        assert_eq!(write_new(&path, b"two", false).unwrap_err().exit(), 1);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_new(&path, b"two", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let failure = write_new(&dir.path().join("no/such/map.svg"), b"x", false).unwrap_err();
        assert!(
            matches!(failure, Failure::Report(report) if report.message.contains("no/such/map.svg"))
        );
    }
}
