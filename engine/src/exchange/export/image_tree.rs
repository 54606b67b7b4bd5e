//! One folder for each value of a field, the pictures in it: what people open in a file browser.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use messier_query::params;
use messier_query::signature::{Args, Default, Example, FieldKind, Kind, Returns, Signature};
use messier_store::FieldType;
use rayon::prelude::*;

use super::names::Names;
use super::{Exported, Exporter, Rows, arguments, cells, chosen, place};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{io_problem, problem};
use crate::exchange::import::Skipped;

params! {
    /// How pictures are laid out.
    pub struct TreeParams {
        /// The field whose values name the folders; without it all pictures lie in one folder.
        by: Option<String> = Default::Null, Kind::Optional(&Kind::Field(FieldKind::Any));
        /// What stands in the folders: copies, symbolic or hard links to the originals, or nothing but the table of contents.
        media: String = Default::Text("copy"), Kind::Choice(&["copy", "symlink", "hardlink", "none"]);
        /// Replaces a folder that an earlier export wrote.
        force: bool = Default::Bool(false), Kind::Bool;
    }
}

/// The table of contents at the top of the tree.
const CONTENTS: &str = "samples.csv";

/// The folder of samples whose field is null.
const NO_VALUE: &str = "_none";

/// See the module.
#[derive(Debug)]
pub(super) struct ImageTree;

static IMAGE_TREE: Signature = Signature {
    name: "image_tree",
    summary: "Writes pictures into one folder for each value of a field, with a table of contents.",
    params: TreeParams::TABLE,
    examples: &[Example {
        query: "messier export trip --format image-tree --by k20 ./out",
        shows: "Copies every picture to ./out/<cluster>/.",
    }],
    returns: Returns::Value,
};

/// Where one row's picture goes.
pub(super) struct Entry {
    /// The row.
    pub row: usize,
    /// The picture.
    pub source: PathBuf,
    /// The relative path in the tree, `/` between its parts.
    pub to: String,
}

impl Exporter for ImageTree {
    fn signature(&self) -> &'static Signature {
        &IMAGE_TREE
    }

    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error> {
        let params = TreeParams::read(args).map_err(|bad| arguments(IMAGE_TREE.name, bad))?;
        let mut skipped = Vec::new();
        let (entries, folders) = plan(rows, params.by.as_deref(), &mut skipped)?;
        let sources: Vec<PathBuf> = entries.iter().map(|entry| entry.source.clone()).collect();
        let mut exported = Exported {
            target: target.to_owned(),
            ..Exported::default()
        };
        place::folder(target, params.force, &sources, |root| {
            for folder in &folders {
                fs::create_dir(root.join(folder))
                    .map_err(|e| io_problem(target, "be written", &e))?;
            }
            let step = ctx.step("export", entries.len() as u64);
            let outcomes: Vec<Option<Skipped>> = entries
                .par_iter()
                .map(|entry| {
                    step.tick(1)?;
                    put(entry, root, &params.media)
                })
                .collect::<Result<_, Error>>()?;
            let kept: Vec<&Entry> = entries
                .iter()
                .zip(&outcomes)
                .filter(|(_, out)| out.is_none())
                .map(|(entry, _)| entry)
                .collect();
            skipped.extend(outcomes.iter().flatten().cloned());
            contents(&root.join(CONTENTS), rows, &kept, params.by.as_deref())?;
            exported.rows = kept.len();
            let media = if params.media == "none" {
                Vec::new()
            } else {
                kept
            };
            exported.files = media.len() + 1;
            Ok(media
                .iter()
                .map(|entry| entry.to.clone())
                .chain([CONTENTS.to_owned()])
                .collect())
        })?;
        exported.skipped = skipped;
        Ok(exported)
    }
}

/// Chooses folder and file names for all rows: folders by value, files in the order of the rows.
fn plan(
    rows: &dyn Rows,
    by: Option<&str>,
    skipped: &mut Vec<Skipped>,
) -> Result<(Vec<Entry>, Vec<String>), Error> {
    let paths = rows.column("filepath")?;
    let groups = by.map(|field| group_values(rows, field)).transpose()?;
    let value = |row: usize| {
        groups
            .as_ref()
            .map(|groups| groups.is_valid(row).then(|| cells::cell(groups, row)))
    };
    let mut folder_names = Names::default();
    folder_names.give(CONTENTS, false);
    let mut folders: HashMap<Option<String>, String> = HashMap::new();
    // Names that need no change come first, so that a harmless name never gets another's number.
    let mut values: Vec<Option<String>> = (0..rows.len())
        .filter_map(&value)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    values.sort_by_key(|value| {
        value
            .as_ref()
            .is_none_or(|value| super::names::safe(value) != *value)
    });
    for value in values {
        let name = folder_names.give(value.as_deref().unwrap_or(NO_VALUE), false);
        folders.insert(value, name);
    }
    let mut files: HashMap<String, Names> = HashMap::new();
    let mut entries = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let path = cells::cell(&paths, row);
        let source = PathBuf::from(&path);
        let Some(name) = source
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|_| !path.is_empty())
        else {
            skipped.push(Skipped {
                path,
                reason: "the sample has no file".into(),
            });
            continue;
        };
        let folder = value(row).and_then(|value| folders.get(&value)).cloned();
        let given = files
            .entry(folder.clone().unwrap_or_default())
            .or_insert_with(|| {
                let mut names = Names::default();
                names.give(CONTENTS, true);
                names
            });
        let name = given.give(name, true);
        let to = folder.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}"));
        entries.push(Entry { row, source, to });
    }
    let mut folders: Vec<String> = folders.into_values().collect();
    folders.sort();
    Ok((entries, folders))
}

fn group_values(rows: &dyn Rows, field: &str) -> Result<ArrayRef, Error> {
    let found = chosen(rows, &[field.to_owned()], true)?;
    match found.first().map(|field| &field.ty) {
        Some(FieldType::List(_) | FieldType::Struct(..) | FieldType::Vector(_)) | None => {
            let ty = found
                .first()
                .map(|field| field.ty.to_string())
                .unwrap_or_default();
            Err(Error::Input(format!(
                "the field {field:?} is of type {ty}; folders need one value for each sample"
            )))
        }
        Some(_) => rows.column(field),
    }
}

/// Puts one picture in its place. A picture that cannot be read is left out; a target that cannot be written ends it all.
pub(super) fn put(entry: &Entry, root: &Path, media: &str) -> Result<Option<Skipped>, Error> {
    if media == "none" {
        return Ok(None);
    }
    let source = &entry.source;
    let skip = |reason: String| {
        Ok(Some(Skipped {
            path: source.to_string_lossy().into_owned(),
            reason,
        }))
    };
    match fs::metadata(source) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return skip("the file is not there".into());
        }
        Err(e) => return skip(format!("cannot be looked at ({e})")),
        Ok(about) if !about.is_file() => return skip("this is not a regular file".into()),
        Ok(_) => {}
    }
    let to = root.join(&entry.to);
    let done = match media {
        "symlink" => symlink(source, &to),
        "hardlink" => fs::canonicalize(source).and_then(|source| fs::hard_link(source, &to)),
        _ => copy(source, &to),
    };
    match done {
        Ok(()) => Ok(None),
        Err(e) if media == "copy" && File::open(source).is_err() => {
            skip(format!("cannot be read ({e})"))
        }
        Err(e) if media == "hardlink" && e.kind() == std::io::ErrorKind::CrossesDevices => {
            Err(problem(
                source,
                "hard links cannot lead to another file system; use copy or symlink",
            ))
        }
        Err(e) => Err(io_problem(&to, "be written", &e)),
    }
}

fn copy(source: &Path, to: &Path) -> std::io::Result<()> {
    let mut from = File::open(source)?;
    // Fails rather than overwrites, should a file system take two names of ours for one.
    let mut to = File::create_new(to)?;
    std::io::copy(&mut from, &mut to).map(drop)
}

#[cfg(unix)]
fn symlink(source: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(source, to)
}

#[cfg(windows)]
fn symlink(source: &Path, to: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(source, to)
}

/// Writes the table of contents: the place in the tree, the value, the sample, the original.
fn contents(
    path: &Path,
    rows: &dyn Rows,
    entries: &[&Entry],
    by: Option<&str>,
) -> Result<(), Error> {
    let failed = |e: csv::Error| problem(path, format!("cannot be written: {e}"));
    let file = File::create_new(path).map_err(|e| io_problem(path, "be written", &e))?;
    let mut out = csv::Writer::from_writer(std::io::BufWriter::new(file));
    let ids = rows
        .schema()
        .field("id")
        .map(|_| rows.column("id"))
        .transpose()?;
    let groups = by.map(|field| rows.column(field)).transpose()?;
    out.write_record(["file", by.unwrap_or("group"), "id", "filepath"])
        .map_err(failed)?;
    for entry in entries {
        let at = |column: &Option<ArrayRef>| {
            column
                .as_ref()
                .map(|column| cells::cell(column, entry.row))
                .unwrap_or_default()
        };
        let source = entry.source.to_string_lossy();
        out.write_record([entry.to.as_str(), &at(&groups), &at(&ids), &source])
            .map_err(failed)?;
    }
    out.flush().map_err(|e| io_problem(path, "be written", &e))
}
