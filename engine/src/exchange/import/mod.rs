//! Importers: a folder or a file becomes columns of new samples. Each is one file and one line in [`IMPORTERS`].
//!
//! A sample *is* its filepath: importing again adds only paths the dataset does not have, and two names for one file
//! are two samples, with the same `content_hash`, reported as such. Merging them would be a guess about what a person
//! meant by two folders; finding them later is one query on the hash.

mod columns;
mod fiftyone;
mod folder;
mod scan;
mod table;
mod vectors;
mod walk;

use std::path::Path;

use arrow::array::ArrayRef;
use messier_query::signature::{Args, Signature};
use messier_store::{Field, SavedView};
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, arguments};
use crate::registry::{find, folded};

/// Every importer, in the order help lists them. The first that suits a source is taken where no format is named.
pub static IMPORTERS: &[&dyn Importer] = &[
    &fiftyone::FiftyOne,
    &folder::ImageFolder,
    &folder::ClassTree,
    &table::Csv,
    &table::Jsonl,
    &vectors::Vectors,
];

/// Tells whether the dataset already has a sample with that filepath, or with that id of 24 hex digits.
pub type Known<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Reads one format.
pub trait Importer: Sync {
    /// Name, summary, parameters; the name with `-` is what `--format` takes.
    fn signature(&self) -> &'static Signature;

    /// Whether `source` looks like this format, by kind and extension alone.
    fn suits(&self, source: &Path) -> bool;

    /// Reads what is new in `source`.
    ///
    /// # Errors
    /// Bad arguments, a source that is not there or is not of this format, or [`Error::Cancelled`]. What is wrong with
    /// single files is in the report instead.
    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error>;
}

/// New samples, and what happened to the rest.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Columns of equal length for one append; always with `filepath`. Empty where nothing is new.
    pub columns: Vec<(Field, ArrayRef)>,
    /// What happened.
    pub report: Report,
    /// Views to keep with the dataset, where it has none of their names.
    pub views: Vec<SavedView>,
}

/// What an import did, for people and for `--json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// New samples.
    pub added: usize,
    /// Samples that the dataset had already.
    pub already: usize,
    /// Files that are no pictures by their name, and were not opened.
    pub ignored: usize,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// What was added without metadata because it could not be read, and why.
    pub kept_broken: Vec<Skipped>,
    /// New samples that are another name of a file that comes before them: `reason` is that file's path.
    pub same_file: Vec<Skipped>,
}

/// A path and a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// The path, unreadable characters replaced.
    pub path: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// The importer that `format` names, or, where none is named, the first that suits `source`.
///
/// # Errors
/// [`Error::Unknown`] with the formats there are; [`Error::Input`] where nothing suits.
pub fn importer(format: Option<&str>, source: &Path) -> Result<&'static dyn Importer, Error> {
    if let Some(format) = format {
        return find("import format", format, IMPORTERS, |importer| {
            importer.signature().name
        });
    }
    let suits = |importer: &&dyn Importer| importer.suits(source);
    IMPORTERS.iter().copied().find(suits).ok_or_else(|| {
        let names = IMPORTERS.iter().map(|i| folded(i.signature().name));
        Error::Input(format!(
            "{}: cannot tell its format; name one with --format: {}",
            source.display(),
            names.collect::<Vec<_>>().join(", ")
        ))
    })
}

fn skipped(path: &Path, reason: impl Into<String>) -> Skipped {
    Skipped {
        path: path.to_string_lossy().into_owned(),
        reason: reason.into(),
    }
}
