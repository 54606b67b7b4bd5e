//! The store's one error type: kinds carry data, so that a caller can act on them; the sentences here are for people.
//!
//! The alternative, an error type for each room, would make every caller translate; the kinds are few enough for one.

use std::path::PathBuf;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No dataset of that name.
    #[error("there is no dataset called {}{}", show(name), near(candidates))]
    UnknownDataset {
        /// The name given.
        name: String,
        /// Names that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A dataset of that name exists already.
    #[error(
        "there is already a dataset called {}; choose another name, or delete or rename that one first",
        show(name)
    )]
    DatasetExists {
        /// The name given.
        name: String,
    },
    /// The name cannot be a dataset's.
    #[error("{} cannot be the name of a dataset: {why}", show(name))]
    BadName {
        /// The name given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The name cannot be a field's.
    #[error("{} cannot be the name of a field: {why}", show(name))]
    BadFieldName {
        /// The name given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The name cannot be a run's, a table's or a saved view's.
    #[error("{} cannot be the name of a {what}: {why}", show(name))]
    BadKey {
        /// What it was to name: `"run"`, `"table"`, `"view"`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A run was said to have a table that was not given and that it does not have.
    #[error(
        "the run {} was said to have the table {}, which was not given",
        show(run),
        show(table)
    )]
    MissingTable {
        /// The run's key.
        run: String,
        /// The table's name.
        table: String,
    },
    /// No field of that name in the dataset.
    #[error(
        "{} has no field called {}{}",
        show(dataset),
        show(name),
        near(candidates)
    )]
    UnknownField {
        /// The dataset.
        dataset: String,
        /// The name given.
        name: String,
        /// Fields that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A field of that name exists already.
    #[error("there is already a field called {}", show(name))]
    FieldExists {
        /// The name given.
        name: String,
    },
    /// Every sample has this field; the change asked for is not possible on it.
    #[error("every sample has the field {name:?}; it cannot be {what}")]
    BuiltInField {
        /// The field.
        name: String,
        /// What was asked: `"dropped"`, `"renamed"`, ...
        what: &'static str,
    },
    /// The values are of another type than the field.
    #[error(
        "the field {} holds {expected}, but the values given are {found}",
        show(field)
    )]
    WrongType {
        /// The field.
        field: String,
        /// The type of the field.
        expected: String,
        /// The type of the values.
        found: String,
    },
    /// Arrow values of a type that the store has no place for.
    #[error("values of the Arrow type {ty} cannot be stored (in {})", show(place))]
    UnsupportedType {
        /// The field or table.
        place: String,
        /// The Arrow type.
        ty: String,
    },
    /// As many values were expected as there are rows.
    #[error(
        "{} needs {expected} values, one for each row, but {found} were given",
        show(field)
    )]
    WrongLength {
        /// The field, or what was given.
        field: String,
        /// The number of rows.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// The field holds no vectors.
    #[error("the field {} holds {found}, not vectors", show(field))]
    NotVectors {
        /// The field.
        field: String,
        /// What it holds.
        found: String,
    },
    /// One field was given twice in one append.
    #[error("the field {} was given twice", show(field))]
    FieldTwice {
        /// The field.
        field: String,
    },
    /// Two samples would have one id.
    #[error("two samples would have the id {id}; ids are unique in a dataset")]
    DuplicateId {
        /// The id.
        id: crate::SampleId,
    },
    /// A sample would have no id.
    #[error(
        "row {row} of the samples to append has no id; leave the whole column out to have ids made"
    )]
    MissingId {
        /// The row, counted from 0, in the columns given.
        row: usize,
    },
    /// No run of that key.
    #[error(
        "{} has no run called {}{}",
        show(dataset),
        show(key),
        near(candidates)
    )]
    UnknownRun {
        /// The dataset.
        dataset: String,
        /// The key given.
        key: String,
        /// Keys that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A run of that key exists already.
    #[error("there is already a run called {}", show(key))]
    RunExists {
        /// The key given.
        key: String,
    },
    /// No saved view of that name.
    #[error(
        "{} has no saved view called {}{}",
        show(dataset),
        show(name),
        near(candidates)
    )]
    UnknownView {
        /// The dataset.
        dataset: String,
        /// The name given.
        name: String,
        /// Names that exist, nearest first.
        candidates: Vec<String>,
    },
    /// A saved view of that name exists already.
    #[error("there is already a saved view called {}", show(name))]
    ViewExists {
        /// The name given.
        name: String,
    },
    /// The dataset has moved on since the generation that the changes were made for.
    #[error(
        "{} was changed meanwhile (it is at generation {found}, the changes were made for {expected}); nothing was written, try again",
        show(dataset)
    )]
    Conflict {
        /// The dataset.
        dataset: String,
        /// The generation the changes were made for.
        expected: u64,
        /// The generation it is at.
        found: u64,
    },
    /// No earlier generation is kept.
    #[error(
        "there is nothing to undo in {}: no earlier generation is kept",
        show(dataset)
    )]
    NothingToUndo {
        /// The dataset.
        dataset: String,
    },
    /// A dataset may hold at most `u32::MAX` samples.
    #[error(
        "{} would have {rows} samples; the limit is {}",
        show(dataset),
        u32::MAX
    )]
    TooManyRows {
        /// The dataset.
        dataset: String,
        /// The number it would have.
        rows: u64,
    },
    /// A file was written by a newer Messier.
    #[error("{} has format {found}, and this version reads up to {known}: it was written by a newer Messier; update to open it", .file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program reads.
        known: u32,
    },
    /// A file does not hold what was written to it.
    #[error("{} is damaged: {why}; `messier verify` lists the damage, `messier repair` saves what is whole", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// An earlier write failed; this handle writes no more.
    #[error(
        "an earlier write to this store failed ({why}); nothing more is written until it is opened again"
    )]
    Poisoned {
        /// The failure.
        why: String,
    },
    /// Another process holds the write lock for long.
    #[error("another process has been writing to {} for {seconds} seconds; try again when it is done", .dir.display())]
    Busy {
        /// The store.
        dir: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
    /// The operating system said no.
    #[error("could not {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb: `"read"`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The process that holds the store speaks another version of the protocol.
    #[error(
        "the Messier that holds this store speaks protocol {theirs}, this one speaks {ours}; close the other one, or use the same version"
    )]
    OtherProtocol {
        /// This program's version.
        ours: u32,
        /// The other's.
        theirs: u32,
    },
    /// The process that holds the store broke the connection or the protocol.
    #[error("the Messier that holds this store did not finish the command: {why}")]
    Handover {
        /// What happened.
        why: String,
    },
}

/// A name in quotes, cut where it is too long to be read.
fn show(name: &str) -> String {
    const LIMIT: usize = 80;
    if name.chars().count() <= LIMIT {
        return format!("{name:?}");
    }
    let head: String = name.chars().take(LIMIT).collect();
    format!("{:?} ({} bytes)", head + "...", name.len())
}

/// `; did you mean ...?` or nothing.
fn near(candidates: &[String]) -> String {
    match candidates.first() {
        Some(first) => format!("; the nearest is {}", show(first)),
        None => String::new(),
    }
}

/// The store's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
