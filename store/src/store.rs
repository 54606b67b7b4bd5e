//! The store: a directory of named datasets, and the handle that all its parts share.
//!
//! Readers look at the journal's length before they answer, so every process sees what any process has committed; no
//! reader waits for a writer, and writers of different processes take turns by a lock that lasts one commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, RealDisk};
use crate::inner::Inner;
use crate::journal::Record;
use crate::manifest::Manifest;
use crate::names::{check_dataset_name, nearest};
use crate::state::State;
use crate::writer::Writer;
use crate::{Changes, Dataset, Error, Result, random};

/// A directory of named datasets. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// How a dataset is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDataset {
    /// Whether it outlives its last user.
    pub persistent: bool,
}

impl Default for NewDataset {
    fn default() -> NewDataset {
        NewDataset { persistent: true }
    }
}

/// What is known of a dataset without reading any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// The name.
    pub name: String,
    /// Number of samples.
    pub samples: u64,
    /// Whether it outlives its last user.
    pub persistent: bool,
    /// When it was made, in milliseconds since 1970 in UTC.
    pub created_at: i64,
    /// When it was last changed, likewise.
    pub last_modified_at: i64,
    /// Counts its commits.
    pub generation: u64,
}

impl From<&Manifest> for DatasetInfo {
    fn from(manifest: &Manifest) -> DatasetInfo {
        DatasetInfo {
            name: manifest.name.clone(),
            samples: manifest.rows,
            persistent: manifest.persistent,
            created_at: manifest.created_at,
            last_modified_at: manifest.last_modified_at,
            generation: manifest.generation,
        }
    }
}

impl Store {
    /// Opens the store in `dir`, which is made if missing. Reads the journal only, so it takes about as long as reading
    /// a small file. Datasets made with `persistent: false` are removed if nobody else uses the store.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], [`Error::Damaged`] where the journal does not hold what was written, [`Error::Io`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Store> {
        let root = dir.as_ref().to_path_buf();
        std::fs::create_dir_all(&root).map_err(|source| Error::Io {
            action: "make the directory",
            path: root.clone(),
            source,
        })?;
        let disk = Arc::new(RealDisk::new(&root));
        let inner = Inner::open(disk, root.clone(), Writer::with_catalogue(root))?;
        inner.remove_temporary()?;
        Ok(Store {
            inner: Arc::new(inner),
        })
    }

    /// Opens the store that `disk` holds, without a catalogue: for tests on simulated and failing disks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Store> {
        let inner = Inner::open(disk, PathBuf::from("store"), Writer::without_catalogue())?;
        Ok(Store {
            inner: Arc::new(inner),
        })
    }

    /// The store's directory.
    pub fn dir(&self) -> &Path {
        &self.inner.root
    }

    /// All datasets, by name.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn datasets(&self) -> Result<Vec<DatasetInfo>> {
        let state = self.inner.current()?;
        Ok(state
            .entries()
            .map(|entry| DatasetInfo::from(&*entry.current))
            .collect())
    }

    /// The dataset called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`] with the nearest names.
    pub fn dataset(&self, name: &str) -> Result<Dataset> {
        let state = self.inner.current()?;
        let entry = state.named(name).ok_or_else(|| unknown(&state, name))?;
        Ok(Dataset::new(self.clone(), entry.current.id, name))
    }

    /// Makes an empty dataset with the fields of every sample.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::DatasetExists`], or what the disk says.
    pub fn create(&self, name: &str, new: NewDataset) -> Result<Dataset> {
        check_dataset_name(name)?;
        let id = self.inner.write(|state| {
            refuse_taken(state, name)?;
            let manifest =
                Manifest::new(random::unique(), name, new.persistent, random::now_millis());
            let id = manifest.id;
            Ok((Some(Record::Put(manifest)), id))
        })?;
        Ok(Dataset::new(self.clone(), id, name))
    }

    /// Gives a dataset another name. Handles on it stay good.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], [`Error::BadName`], [`Error::DatasetExists`], or what the disk says.
    pub fn rename(&self, name: &str, to: &str) -> Result<()> {
        self.inner.write(|state| {
            let entry = state.named(name).ok_or_else(|| unknown(state, name))?;
            if name == to {
                return Ok((None, ()));
            }
            check_dataset_name(to)?;
            refuse_taken(state, to)?;
            let mut manifest = Manifest::clone(&entry.current);
            manifest.name = to.to_owned();
            Ok((Some(Record::Put(manifest)), ()))
        })
    }

    /// Makes a copy of a dataset, with its runs and views, that shares all stored values: it costs one journal record.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], [`Error::BadName`], [`Error::DatasetExists`], or what the disk says.
    pub fn clone_dataset(&self, name: &str, to: &str) -> Result<Dataset> {
        check_dataset_name(to)?;
        let id = self.inner.write(|state| {
            let entry = state.named(name).ok_or_else(|| unknown(state, name))?;
            refuse_taken(state, to)?;
            let mut manifest = Manifest::clone(&entry.current);
            manifest.id = random::unique();
            manifest.name = to.to_owned();
            manifest.persistent = true;
            manifest.generation = 1;
            manifest.created_at = random::now_millis();
            manifest.last_modified_at = manifest.created_at;
            let id = manifest.id;
            Ok((Some(Record::Put(manifest)), id))
        })?;
        Ok(Dataset::new(self.clone(), id, to))
    }

    /// Makes a copy as [`Store::clone_dataset`] does, with changes made to it at once: the copy is there with all of them
    /// or not at all. `changes` may expect a generation of the origin.
    ///
    /// # Errors
    /// As [`Store::clone_dataset`] and [`Dataset::commit`].
    pub fn clone_changed(
        &self,
        name: &str,
        to: &str,
        new: NewDataset,
        changes: Changes,
    ) -> Result<Dataset> {
        check_dataset_name(to)?;
        let id = self.inner.write(|state| {
            let origin = &state
                .named(name)
                .ok_or_else(|| unknown(state, name))?
                .current;
            refuse_taken(state, to)?;
            if let Some(expected) = changes.expected
                && expected != origin.generation
            {
                return Err(Error::Conflict {
                    dataset: origin.name.clone(),
                    expected,
                    found: origin.generation,
                });
            }
            let mut base = Manifest::clone(origin);
            base.id = random::unique();
            base.name = to.to_owned();
            base.persistent = new.persistent;
            base.generation = 0;
            base.created_at = random::now_millis();
            let manifest = self.inner.changed(&base, changes)?;
            Ok((Some(Record::Put(manifest)), base.id))
        })?;
        Ok(Dataset::new(self.clone(), id, to))
    }

    /// Removes a dataset. Its space is freed when nobody looks at it any more.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], or what the disk says.
    pub fn delete(&self, name: &str) -> Result<()> {
        self.inner.write(|state| {
            let entry = state.named(name).ok_or_else(|| unknown(state, name))?;
            Ok((Some(Record::Remove(entry.current.id)), ()))
        })
    }
}

/// The error for a name that no dataset has.
pub(crate) fn unknown(state: &State, name: &str) -> Error {
    Error::UnknownDataset {
        name: name.to_owned(),
        candidates: nearest(name, state.names()),
    }
}

fn refuse_taken(state: &State, name: &str) -> Result<()> {
    match state.named(name) {
        Some(_) => Err(Error::DatasetExists {
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}
