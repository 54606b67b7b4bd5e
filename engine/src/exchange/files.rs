//! Paths as text, and writing that is whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// An error about a file.
pub(super) fn problem(path: &Path, problem: impl Into<String>) -> Error {
    Error::File {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

/// An input-output error about a file, as a sentence.
pub(super) fn io_problem(path: &Path, doing: &str, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "you have no permission".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        _ => error.to_string(),
    };
    problem(path, format!("cannot {doing}: {why}"))
}

/// The absolute path of something that exists, links in it resolved, as UTF-8 text.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|e| io_problem(path, "be opened", &e))
}

/// A name beside `target` that nobody uses: `.NAME.messier-PID-N`.
pub(super) fn sibling(target: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(
        ".messier-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    target.with_file_name(name)
}

/// Removes a file or a folder when dropped, unless it was kept.
#[derive(Debug)]
pub(super) struct Scratch(Option<PathBuf>);

impl Scratch {
    /// Takes charge of `path`, which need not exist yet.
    pub fn new(path: PathBuf) -> Scratch {
        Scratch(Some(path))
    }

    /// Leaves it where it is.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Best effort: what is left behind carries a name that says whose it is.
            let _ = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
        }
    }
}
