//! Puts a finished file or folder in its place, or leaves the place as it was.
//!
//! A folder is replaced only if an export wrote everything in it: its list of files, kept in [`MARKER`], must cover
//! what is there. `--force` on the wrong folder would otherwise delete somebody's pictures.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::exchange::files::{Scratch, io_problem, problem, sibling};

/// The hidden file in an exported folder that lists what the export wrote, one relative path a line.
pub(super) const MARKER: &str = ".messier-export";

/// Writes a file through `write`, whole or not at all.
pub(super) fn file(
    target: &Path,
    force: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    check(target, force, false)?;
    let temporary = sibling(target);
    let scratch = Scratch::new(temporary.clone());
    let failed = |e: std::io::Error| io_problem(target, "be written", &e);
    let mut out = BufWriter::with_capacity(1 << 18, File::create_new(&temporary).map_err(failed)?);
    write(&mut out)?;
    out.into_inner()
        .map_err(|e| failed(e.into_error()))?
        .sync_all()
        .map_err(failed)?;
    if force {
        fs::rename(&temporary, target).map_err(failed)?;
        scratch.keep();
        return Ok(());
    }
    // A link, unlike a rename, fails if somebody made the target meanwhile; not every file system has links.
    match fs::hard_link(&temporary, target) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(exists(target)),
        Err(_) => {
            fs::rename(&temporary, target).map_err(failed)?;
            scratch.keep();
            Ok(())
        }
    }
}

/// Fills a folder through `fill`, which gives back the relative paths it wrote; whole or not at all. No path in
/// `sources` may lie in a folder that is replaced.
pub(super) fn folder(
    target: &Path,
    force: bool,
    sources: &[PathBuf],
    fill: impl FnOnce(&Path) -> Result<Vec<String>, Error>,
) -> Result<(), Error> {
    check(target, force, true)?;
    let replaces = fs::symlink_metadata(target).is_ok();
    if replaces {
        check_replaceable(target, sources)?;
    }
    let failed = |e: std::io::Error| io_problem(target, "be written", &e);
    let temporary = sibling(target);
    let scratch = Scratch::new(temporary.clone());
    fs::create_dir(&temporary).map_err(failed)?;
    let written = fill(&temporary)?;
    let mut marker = BufWriter::new(File::create_new(temporary.join(MARKER)).map_err(failed)?);
    for path in &written {
        writeln!(marker, "{path}").map_err(failed)?;
    }
    marker
        .into_inner()
        .map_err(|e| failed(e.into_error()))?
        .sync_all()
        .map_err(failed)?;
    if replaces {
        let old = sibling(target);
        fs::rename(target, &old).map_err(failed)?;
        if let Err(e) = fs::rename(&temporary, target) {
            // Put the old one back; if even that fails, its new name is beside the target.
            let _ = fs::rename(&old, target);
            return Err(failed(e));
        }
        scratch.keep();
        drop(Scratch::new(old));
        return Ok(());
    }
    if fs::symlink_metadata(target).is_ok() {
        return Err(exists(target));
    }
    fs::rename(&temporary, target).map_err(failed)?;
    scratch.keep();
    Ok(())
}

fn exists(target: &Path) -> Error {
    problem(target, "it exists already; --force replaces it")
}

fn check(target: &Path, force: bool, folder: bool) -> Result<(), Error> {
    if target.file_name().is_none() {
        return Err(problem(target, "this is no name for a new file or folder"));
    }
    match fs::symlink_metadata(target) {
        Ok(_) if !force => return Err(exists(target)),
        Ok(about) if folder && !about.is_dir() => {
            return Err(problem(
                target,
                "it exists and is no folder; remove it first",
            ));
        }
        Ok(about) if !folder && about.is_dir() => {
            return Err(problem(target, "it exists and is a folder; name a file"));
        }
        _ => {}
    }
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(problem(
            target,
            format!("the folder {} does not exist", parent.display()),
        ));
    }
    Ok(())
}

fn check_replaceable(target: &Path, sources: &[PathBuf]) -> Result<(), Error> {
    let real = fs::canonicalize(target).map_err(|e| io_problem(target, "be looked at", &e))?;
    let below =
        |source: &&PathBuf| fs::canonicalize(source).is_ok_and(|source| source.starts_with(&real));
    if let Some(source) = sources.iter().find(below) {
        return Err(problem(
            target,
            format!(
                "it holds {}, which is to be exported; choose another folder",
                source.display()
            ),
        ));
    }
    let listed = fs::read_to_string(target.join(MARKER)).unwrap_or_default();
    let listed: HashSet<&str> = listed.lines().chain([MARKER]).collect();
    let mut strangers = Vec::new();
    strange(target, "", &listed, &mut strangers)
        .map_err(|e| io_problem(target, "be looked at", &e))?;
    match strangers.first() {
        None => Ok(()),
        Some(first) => {
            let count = strangers.len();
            let what = if count == 1 {
                "a file".into()
            } else {
                format!("{count} files")
            };
            Err(problem(
                target,
                format!(
                    "it holds {what} that no export wrote ({first}); --force does not delete them, choose another folder"
                ),
            ))
        }
    }
}

/// Collects what lies below `folder` and is not listed; links are not followed.
fn strange(
    folder: &Path,
    prefix: &str,
    listed: &HashSet<&str>,
    found: &mut Vec<String>,
) -> std::io::Result<()> {
    let mut open = vec![(folder.to_owned(), prefix.to_owned())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), format!("{path}/")));
            } else if !listed.contains(path.as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(())
}
