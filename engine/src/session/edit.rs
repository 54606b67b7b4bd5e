//! Changes to a dataset that commands ask for: tags, values, fields, copies. Each is one commit, and says how many
//! samples it changed.

use std::path::Path;

use messier_query::syntax::Span;
use messier_query::{Change, EditCall, View};
use messier_store::{Changes, Dataset, SampleId, Snapshot};

use super::Session;
use super::again::again;
use super::change::{EditRecord, Place};
use crate::error::Error;
use crate::exchange::values::{Key, read_values};

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// How many samples are different now.
    pub changed: usize,
    /// Keys in a file that belong to no sample.
    pub unknown: Vec<String>,
}

/// Fields that belong to every sample and stay as they are.
const FIXED: [&str; 6] = [
    "id",
    "filepath",
    "tags",
    "metadata",
    "created_at",
    "last_modified_at",
];

impl Session {
    /// Adds tags to the samples of a view, or takes them away.
    ///
    /// # Errors
    /// An unknown dataset, mistakes in the view, an empty tag.
    pub fn tag(
        &self,
        dataset: &str,
        view: &str,
        tags: &[String],
        add: bool,
    ) -> Result<Edited, Error> {
        if tags.is_empty() || tags.iter().any(|tag| tag.trim().is_empty()) {
            return Err(Error::Input(
                "a tag needs at least one character".to_owned(),
            ));
        }
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let (view, view_text) = self.view(&snapshot, view)?;
            let change = messier_query::tagged(&snapshot, &view, tags, add)?;
            let edit = if add { "tag_samples" } else { "untag_samples" };
            let record = make(&dataset, &snapshot, edit, change, view, view_text)?;
            Ok(Edited {
                changed: usize::try_from(record.changed).unwrap_or(usize::MAX),
                unknown: Vec::new(),
            })
        })
    }

    /// Sets a field from a CSV or JSON file whose rows name their sample by `filepath` or `id`.
    ///
    /// # Errors
    /// An unknown dataset, a file that cannot be read, values that do not fit the field's type.
    pub fn set_values(
        &self,
        dataset: &str,
        field: &str,
        file: &Path,
        key: Key,
    ) -> Result<Edited, Error> {
        if FIXED.contains(&field) && field != "tags" {
            return Err(Error::Input(format!(
                "the field {field:?} is the store's own and cannot be set"
            )));
        }
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let row_of = |name: &str| match key {
                Key::Id => snapshot.row_of(SampleId::parse(name)?).ok().flatten(),
                Key::Filepath => row_of_file(&snapshot, name),
            };
            let current = snapshot.schema().field(field).map(|known| &known.ty);
            let current = match current {
                Some(ty) => Some((ty, snapshot.column(field)?)),
                None => None,
            };
            let values = read_values(file, field, key, snapshot.len(), &row_of, current)?;
            let mut changes = Changes::new().expecting(snapshot.generation());
            changes.set_column(values.field, values.values);
            dataset.commit(changes)?;
            Ok(Edited {
                changed: values.set,
                unknown: values.unknown,
            })
        })
    }

    /// Copies a dataset, or the samples of a view of it, under another name.
    ///
    /// # Errors
    /// An unknown dataset, a name that is taken, mistakes in the view.
    pub fn clone_dataset(
        &self,
        dataset: &str,
        to: &str,
        view: Option<&str>,
    ) -> Result<usize, Error> {
        let origin = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = origin.snapshot()?;
            let (view, view_text) = self.view(&snapshot, view.unwrap_or_default())?;
            let change = Change::Copy {
                name: to.to_owned(),
                persistent: true,
            };
            let record = make(&origin, &snapshot, "clone", change, view, view_text)?;
            Ok(usize::try_from(record.samples).unwrap_or(usize::MAX))
        })
    }

    /// Gives a field another name.
    ///
    /// # Errors
    /// An unknown dataset or field, a fixed field, a name that is taken.
    pub fn rename_field(&self, dataset: &str, from: &str, to: &str) -> Result<(), Error> {
        self.change_field(dataset, from, |changes| changes.rename_field(from, to))
    }

    /// Removes a field with its values.
    ///
    /// # Errors
    /// An unknown dataset or field, or a fixed field.
    pub fn drop_field(&self, dataset: &str, name: &str) -> Result<(), Error> {
        self.change_field(dataset, name, |changes| changes.drop_field(name))
    }

    /// Makes every value of a field null.
    ///
    /// # Errors
    /// An unknown dataset or field, or a fixed field.
    pub fn clear_field(&self, dataset: &str, name: &str) -> Result<(), Error> {
        self.change_field(dataset, name, |changes| changes.clear_field(name))
    }

    fn change_field(
        &self,
        dataset: &str,
        name: &str,
        change: impl Fn(&mut Changes),
    ) -> Result<(), Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            if snapshot.schema().field(name).is_none() {
                return Err(unknown_field(&snapshot, name));
            }
            if FIXED.contains(&name) {
                return Err(Error::Input(format!(
                    "the field {name:?} belongs to every sample and stays as it is"
                )));
            }
            if let Some(run) = snapshot
                .runs()
                .iter()
                .find(|run| run.fields.iter().any(|field| field == name))
            {
                return Err(Error::Input(format!(
                    "the field {name:?} was written by the run {:?}; rename or delete the run instead",
                    run.key
                )));
            }
            let mut changes = Changes::new().expecting(snapshot.generation());
            change(&mut changes);
            dataset.commit(changes)?;
            Ok(())
        })
    }
}

/// Makes an edit that a command asks for, not a text.
fn make(
    dataset: &Dataset,
    snapshot: &Snapshot,
    edit: &'static str,
    change: Change,
    view: View,
    view_text: String,
) -> Result<EditRecord, Error> {
    let text = view_text.clone();
    let place = Place {
        dataset,
        snapshot,
        text: &text,
        dry: false,
    };
    place.make(&EditCall {
        edit,
        change,
        view,
        view_text,
        span: Span {
            start: 0,
            end: text.len(),
        },
    })
}

fn unknown_field(snapshot: &Snapshot, name: &str) -> Error {
    let names = snapshot
        .schema()
        .fields
        .iter()
        .map(|field| field.name.as_str());
    Error::Unknown {
        what: "field",
        name: name.to_owned(),
        candidates: messier_query::nearest(name, names),
    }
}

/// The row of a sample by its path: as given, or as an absolute path from here.
pub(super) fn row_of_file(snapshot: &Snapshot, name: &str) -> Option<usize> {
    let found = snapshot.row_of_path(name).ok().flatten();
    found.or_else(|| {
        let absolute = std::path::absolute(name).ok()?;
        snapshot.row_of_path(absolute.to_str()?).ok().flatten()
    })
}
