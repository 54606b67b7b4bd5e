//! The store: a directory of named datasets, and the handle that all its parts share.
//!
//! Readers look at the journal's length before they answer, so every process sees what any process has committed; no
//! reader waits for a writer, and writers of different processes take turns by a lock that lasts one commit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use crate::disk::{Disk, Lock, RealDisk, Sharing, Stat};
use crate::journal::{self, Record, Unreadable};
use crate::manifest::Manifest;
use crate::names::{check_dataset_name, nearest};
use crate::segment::{self, Segment, SegmentId};
use crate::snapshot::SnapshotData;
use crate::state::State;
use crate::writer::Writer;
use crate::{Dataset, Error, Result, random};

/// Held shared by every open store; held alone by whoever removes segments.
pub(crate) const READERS_LOCK: &str = "readers.lock";

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

/// What all handles on a store share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub root: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub loaded: RwLock<Loaded>,
    pub writer: Mutex<Writer>,
    pub readers: Option<Box<dyn Lock>>,
    pub poisoned: OnceLock<String>,
    segments: Mutex<HashMap<SegmentId, Weak<Segment>>>,
    snapshots: Mutex<Snapshots>,
}

/// Snapshots in use: the newest of each dataset is kept, so that its columns are assembled once.
#[derive(Debug, Default)]
struct Snapshots {
    newest: HashMap<u64, Arc<SnapshotData>>,
    in_use: Vec<Weak<SnapshotData>>,
}

/// The journal as far as it has been read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loaded {
    pub state: Arc<State>,
    pub stat: Option<Stat>,
    pub end: u64,
    pub seq: u64,
    pub torn: bool,
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
        let store = Store::open_with(disk, root.clone(), Writer::with_catalogue(root))?;
        store.inner.remove_temporary()?;
        Ok(store)
    }

    /// Opens the store that `disk` holds, without a catalogue: for tests on simulated and failing disks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Store> {
        Store::open_with(disk, PathBuf::from("store"), Writer::without_catalogue())
    }

    fn open_with(disk: Arc<dyn Disk>, root: PathBuf, writer: Writer) -> Result<Store> {
        let mut inner = Inner {
            root,
            disk,
            loaded: RwLock::default(),
            writer: Mutex::new(writer),
            readers: None,
            poisoned: OnceLock::new(),
            segments: Mutex::default(),
            snapshots: Mutex::default(),
        };
        inner.readers = inner.lock_as_reader()?;
        inner.current()?;
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

impl Inner {
    /// The state that the journal has now. Costs one look at the file's length if nothing has changed.
    ///
    /// A handle whose last write failed stays with what was acknowledged: what the file seems to hold may not last.
    pub fn current(&self) -> Result<Arc<State>> {
        if self.poisoned.get().is_some() {
            return Ok(self
                .loaded
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .state
                .clone());
        }
        let stat = self
            .disk
            .stat(journal::FILE)
            .map_err(|error| self.io("read", journal::FILE, error))?;
        {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if loaded.stat == stat && stat.is_some() {
                return Ok(loaded.state.clone());
            }
        }
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        self.load(&mut loaded, stat)?;
        Ok(loaded.state.clone())
    }

    fn load(&self, loaded: &mut Loaded, stat: Option<Stat>) -> Result<()> {
        let Some(stat) = stat else {
            let segments = self
                .disk
                .list(segment::DIR)
                .map_err(|error| self.io("list", segment::DIR, error))?;
            if loaded.stat.is_some() || !segments.is_empty() {
                return Err(self.damaged(journal::FILE, "it is missing".into()));
            }
            return Ok(());
        };
        let grown = loaded
            .stat
            .is_some_and(|old| old.file == stat.file && old.len <= stat.len)
            && stat.len > loaded.end;
        if grown {
            let from = loaded.end;
            let bytes = self.read_journal(from)?;
            // If the journal was replaced meanwhile, these bytes are no continuation; it is then read as a whole.
            if let Ok(scan) = journal::scan(&bytes, from, loaded.seq)
                && !scan.torn
            {
                return self.take(loaded, stat, scan);
            }
        }
        let bytes = self.read_journal(0)?;
        let (base, scan) = journal::base_of(&bytes)
            .and_then(|base| {
                let scan = journal::scan(&bytes[journal::HEADER..], journal::HEADER as u64, base)?;
                Ok((base, scan))
            })
            .map_err(|error| self.unreadable(error))?;
        loaded.state = Arc::default();
        loaded.seq = base;
        self.take(loaded, stat, scan)
    }

    fn take(&self, loaded: &mut Loaded, stat: Stat, scan: journal::Scan) -> Result<()> {
        let state = Arc::make_mut(&mut loaded.state);
        for (seq, record) in scan.records {
            state.apply(record);
            loaded.seq = seq;
        }
        loaded.stat = Some(stat);
        loaded.end = scan.end;
        loaded.torn = scan.torn;
        Ok(())
    }

    fn read_journal(&self, from: u64) -> Result<Vec<u8>> {
        self.disk
            .read(journal::FILE, from)
            .map_err(|error| self.io("read", journal::FILE, error))
    }

    /// The opened segment; opened once as long as anybody uses it.
    pub fn segment(&self, id: SegmentId) -> Result<Arc<Segment>> {
        let mut segments = lock(&self.segments);
        if let Some(segment) = segments.get(&id).and_then(Weak::upgrade) {
            return Ok(segment);
        }
        let opened = Segment::open(&*self.disk, id, |action, name, error| {
            self.io(action, name, error)
        });
        let segment = Arc::new(opened.map_err(|error| self.place(error))?);
        segments.retain(|_, segment| segment.strong_count() > 0);
        segments.insert(id, Arc::downgrade(&segment));
        Ok(segment)
    }

    /// The snapshot data of a manifest; the newest of each dataset is kept.
    pub fn snapshot(&self, manifest: &Arc<Manifest>) -> Arc<SnapshotData> {
        let mut snapshots = lock(&self.snapshots);
        if let Some(data) = snapshots.newest.get(&manifest.id)
            && Arc::ptr_eq(&data.manifest, manifest)
        {
            return data.clone();
        }
        let data = Arc::new(SnapshotData::new(manifest.clone()));
        snapshots.newest.insert(manifest.id, data.clone());
        snapshots.in_use.retain(|data| data.strong_count() > 0);
        snapshots.in_use.push(Arc::downgrade(&data));
        data
    }

    /// The manifests that snapshots of this process look at; kept snapshots of generations gone by are let go of.
    pub fn manifests_in_use(&self, state: &State) -> Vec<Arc<Manifest>> {
        let mut snapshots = lock(&self.snapshots);
        snapshots.newest.retain(|id, data| {
            state
                .get(*id)
                .is_some_and(|entry| Arc::ptr_eq(&entry.current, &data.manifest))
        });
        snapshots
            .in_use
            .iter()
            .filter_map(Weak::upgrade)
            .map(|data| data.manifest.clone())
            .collect()
    }

    fn lock_as_reader(&self) -> Result<Option<Box<dyn Lock>>> {
        self.wait_for(READERS_LOCK, Sharing::Shared)
    }

    /// An error of the operating system, with the whole path.
    pub fn io(&self, action: &'static str, name: &str, source: std::io::Error) -> Error {
        Error::Io {
            action,
            path: self.root.join(name),
            source,
        }
    }

    /// Damage in a file of the store.
    pub fn damaged(&self, name: &str, why: String) -> Error {
        Error::Damaged {
            file: self.root.join(name),
            why,
        }
    }

    /// Gives an error from a room that knows only names inside the store the whole path.
    pub fn place(&self, error: Error) -> Error {
        match error {
            Error::Damaged { file, why } => Error::Damaged {
                file: self.root.join(file),
                why,
            },
            Error::NewerFormat { file, found, known } => Error::NewerFormat {
                file: self.root.join(file),
                found,
                known,
            },
            other => other,
        }
    }

    fn unreadable(&self, error: Unreadable) -> Error {
        match error {
            Unreadable::Newer(found) => Error::NewerFormat {
                file: self.root.join(journal::FILE),
                found,
                known: journal::VERSION,
            },
            Unreadable::Damaged(why) => self.damaged(journal::FILE, why),
        }
    }
}

/// A mutex of plain data is good even after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
