//! What all handles on a store share: the disk, the journal as read so far, opened segments, snapshots in use.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use crate::disk::{Disk, Lock, Sharing};
use crate::manifest::Manifest;
use crate::refresh::Loaded;
use crate::segment::{Segment, SegmentId};
use crate::snapshot::SnapshotData;
use crate::state::State;
use crate::writer::Writer;
use crate::{Error, Result};

/// Held shared by every open store; held alone by whoever removes segments.
pub(crate) const READERS_LOCK: &str = "readers.lock";

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

impl Inner {
    /// Opens what `disk` holds.
    pub fn open(disk: Arc<dyn Disk>, root: PathBuf, writer: Writer) -> Result<Inner> {
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
        Ok(inner)
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

    /// The snapshot data of a generation that is not the newest: kept as long as somebody looks at it.
    pub fn watched(&self, manifest: &Arc<Manifest>) -> Arc<SnapshotData> {
        let mut snapshots = lock(&self.snapshots);
        let data = Arc::new(SnapshotData::new(manifest.clone()));
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
}

/// A mutex of plain data is good even after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
