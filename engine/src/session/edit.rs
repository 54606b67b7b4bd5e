//! Changes to a dataset that are not runs: tags, values, fields, saved views, copies. Each is one commit, and says how
//! many samples it changed.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListBuilder, StringBuilder};
use messier_store::{Changes, Field, FieldType, SampleId, SavedView, Snapshot};

use super::Session;
use super::again::again;
use crate::context::Context;
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
            let (view, _) = self.view(&snapshot, view)?;
            let mut chosen = vec![false; snapshot.len()];
            for &row in view.rows() {
                chosen[row as usize] = true;
            }
            let column = snapshot.column("tags")?;
            let old = column.as_list_opt::<i32>();
            let mut new = ListBuilder::new(StringBuilder::new());
            let mut changed = 0;
            for (row, &chosen) in chosen.iter().enumerate() {
                let mut here = tags_of(old, row);
                if chosen {
                    let before = here.clone();
                    if add {
                        here.extend(tags.iter().filter(|tag| !before.contains(tag)).cloned());
                    } else {
                        here.retain(|tag| !tags.contains(tag));
                    }
                    changed += usize::from(here != before);
                }
                here.iter().for_each(|tag| new.values().append_value(tag));
                new.append(true);
            }
            if changed > 0 {
                let mut changes = Changes::new().expecting(snapshot.generation());
                let ty = FieldType::List(Box::new(FieldType::Text));
                changes.set_column(Field::new("tags", ty), Arc::new(new.finish()));
                dataset.commit(changes)?;
            }
            Ok(Edited {
                changed,
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
        let snapshot = self.store.dataset(dataset)?.snapshot()?;
        let view = view.map(|text| self.view(&snapshot, text)).transpose()?;
        let copy = self.store.clone_dataset(dataset, to)?;
        let Some((view, _)) = view else {
            return Ok(snapshot.len());
        };
        let mut keep = vec![false; snapshot.len()];
        view.rows()
            .iter()
            .for_each(|&row| keep[row as usize] = true);
        let kept = keep.iter().filter(|&&keep| keep).count();
        let mut changes = Changes::new();
        changes.retain(BooleanArray::from(keep));
        if let Err(error) = copy.commit(changes) {
            self.store.delete(to)?;
            return Err(error.into());
        }
        Ok(kept)
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

    /// Keeps a view's text under a name; gives the number of samples it has now.
    ///
    /// # Errors
    /// An unknown dataset, mistakes in the text, a name that is empty or taken.
    pub fn save_view(
        &self,
        dataset: &str,
        name: &str,
        text: &str,
        context: &Context,
    ) -> Result<usize, Error> {
        context.stop.check()?;
        if name.trim().is_empty() {
            return Err(Error::Input("a view needs a name".to_owned()));
        }
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            if snapshot.views().iter().any(|view| view.name == name) {
                return Err(Error::Input(format!(
                    "there is a view called {name:?} already; delete or rename it first"
                )));
            }
            let (view, canonical) = self.view(&snapshot, text)?;
            let now = chrono::Utc::now().timestamp_millis();
            let mut changes = Changes::new().expecting(snapshot.generation());
            changes.put_view(SavedView {
                name: name.to_owned(),
                text: if canonical.is_empty() {
                    "dataset".to_owned()
                } else {
                    canonical
                },
                description: None,
                color: None,
                created_at: now,
                last_modified_at: now,
            });
            dataset.commit(changes)?;
            Ok(view.len())
        })
    }

    /// Deletes a saved view, or gives it another name.
    ///
    /// # Errors
    /// An unknown dataset or view, a name that is taken.
    pub fn change_view(
        &self,
        dataset: &str,
        name: &str,
        rename_to: Option<&str>,
    ) -> Result<(), Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let names: Vec<&str> = snapshot
                .views()
                .iter()
                .map(|view| view.name.as_str())
                .collect();
            if !names.contains(&name) {
                let near = messier_query::nearest(name, names.iter().copied());
                let all = names.iter().map(|&name| name.to_owned()).collect();
                return Err(Error::Unknown {
                    what: "view",
                    name: name.to_owned(),
                    candidates: if near.is_empty() { all } else { near },
                });
            }
            let mut changes = Changes::new().expecting(snapshot.generation());
            match rename_to {
                Some(to) if names.contains(&to) => {
                    return Err(Error::Input(format!(
                        "there is a view called {to:?} already"
                    )));
                }
                Some(to) if to.trim().is_empty() => {
                    return Err(Error::Input("a view needs a name".to_owned()));
                }
                Some(to) => changes.rename_view(name, to),
                None => changes.delete_view(name),
            }
            dataset.commit(changes)?;
            Ok(())
        })
    }
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

fn tags_of(column: Option<&arrow::array::ListArray>, row: usize) -> Vec<String> {
    let Some(column) = column.filter(|column| column.is_valid(row)) else {
        return Vec::new();
    };
    let items: ArrayRef = column.value(row);
    super::columns::texts(&items)
        .into_iter()
        .flatten()
        .collect()
}
