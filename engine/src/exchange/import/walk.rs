//! Finds the picture files below a folder.
//!
//! Links to folders are followed, after the real folders and each folder once, whatever its name: so loops end, and a
//! picture is found under its real path first. Hidden names (a leading dot) are passed over without a word.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Skipped, skipped};
use crate::context::Context;
use crate::decode::Expect;
use crate::error::Error;
use crate::exchange::files::io_problem;

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Regular files that look like pictures by name, in order of path.
    pub pictures: Vec<PathBuf>,
    /// Files with other names.
    pub ignored: usize,
    /// Folders and files that could not be looked at, and pictures of unreadable formats.
    pub skipped: Vec<Skipped>,
    /// Folders that were not entered because the walk was not recursive.
    pub unentered: usize,
}

/// Walks `root`, and the folders below it if `recursive`.
pub(super) fn walk(root: &Path, recursive: bool, ctx: &Context) -> Result<Found, Error> {
    let step = ctx.step("list", 0);
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut folders = VecDeque::from([root.to_owned()]);
    let mut linked = VecDeque::new();
    while let Some(folder) = folders.pop_front().or_else(|| linked.pop_front()) {
        step.tick(1)?;
        match identity(&folder) {
            Ok(id) if !seen.insert(id) => continue,
            Ok(_) => {}
            Err(e) if folder == root => return Err(io_problem(root, "be listed", &e)),
            Err(e) => {
                found.skipped.push(skipped(
                    &folder,
                    format!("the folder cannot be listed ({e})"),
                ));
                continue;
            }
        }
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(e) if folder == root => return Err(io_problem(root, "be listed", &e)),
            Err(e) => {
                found.skipped.push(skipped(
                    &folder,
                    format!("the folder cannot be listed ({e})"),
                ));
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            match fs::metadata(&path) {
                Ok(about) if about.is_dir() && !recursive => found.unentered += 1,
                Ok(about) if about.is_dir() && is_link => linked.push_back(path),
                Ok(about) if about.is_dir() => folders.push_back(path),
                Ok(about) => file(&mut found, path, about.is_file()),
                Err(_) if is_link && Expect::of(&path) == Expect::Other => found.ignored += 1,
                Err(_) if is_link => found.skipped.push(skipped(&path, "the link leads nowhere")),
                Err(e) => found
                    .skipped
                    .push(skipped(&path, format!("cannot be looked at ({e})"))),
            }
        }
    }
    found.pictures.sort();
    found.skipped.sort();
    Ok(found)
}

fn file(found: &mut Found, path: PathBuf, regular: bool) {
    match Expect::of(&path) {
        Expect::Other => found.ignored += 1,
        _ if !regular => found
            .skipped
            .push(skipped(&path, "this is not a regular file")),
        _ if path.to_str().is_none() => {
            found.skipped.push(skipped(
                &path,
                "its name is not UTF-8 text, which a filepath has to be; rename it",
            ));
        }
        Expect::Picture => found.pictures.push(path),
        Expect::Unreadable => {
            let extension = path
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .to_uppercase();
            found.skipped.push(skipped(
                &path,
                format!("{extension} pictures cannot be read; convert it to JPEG or PNG"),
            ));
        }
    }
}

/// What makes a folder the same folder under another name.
#[cfg(unix)]
fn identity(folder: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).map(|about| (about.dev(), about.ino()))
}

/// What makes a folder the same folder under another name.
#[cfg(not(unix))]
fn identity(folder: &Path) -> std::io::Result<PathBuf> {
    fs::canonicalize(folder)
}
