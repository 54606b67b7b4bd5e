//! Removes what no kept generation and no snapshot points at: segments replaced, or left by a commit that never was.
//!
//! Only whoever holds the write lock sweeps, and only while no other process has the store open, since a reader there
//! may be about to map a segment of a generation gone by.

use std::collections::HashSet;

use crate::disk::Sharing;
use crate::journal::Record;
use crate::segment::{self, SegmentId};
use crate::store::Inner;
use crate::{Result, Store};

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether nothing was looked at because another process has the store open.
    pub busy: bool,
}

impl Store {
    /// Rewrites the journal short and removes every segment that is not used.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sweep(&self) -> Result<Swept> {
        self.inner.alone(|writer| {
            self.inner.rewrite(writer)?;
            self.inner.remove_unused()
        })
    }
}

impl Inner {
    /// Removes unused segments. The caller holds the write lock.
    pub fn remove_unused(&self) -> Result<Swept> {
        let Some(readers) = &self.readers else {
            return Ok(Swept {
                busy: true,
                ..Swept::default()
            });
        };
        let alone = readers
            .change(Sharing::Alone)
            .map_err(|error| self.io("lock", crate::store::READERS_LOCK, error))?;
        if !alone {
            return Ok(Swept {
                busy: true,
                ..Swept::default()
            });
        }
        let swept = self.remove_unused_alone();
        readers
            .change(Sharing::Shared)
            .map_err(|error| self.io("lock", crate::store::READERS_LOCK, error))?;
        swept
    }

    fn remove_unused_alone(&self) -> Result<Swept> {
        let state = self.current()?;
        let mut used: HashSet<SegmentId> = state
            .manifests()
            .flat_map(|manifest| manifest.segments())
            .collect();
        for manifest in self.manifests_in_use(&state) {
            used.extend(manifest.segments());
        }
        let names = self
            .disk
            .list(segment::DIR)
            .map_err(|error| self.io("list", segment::DIR, error))?;
        let mut swept = Swept::default();
        for name in names {
            let Some(id) = SegmentId::of_file_name(&name) else {
                continue;
            };
            if used.contains(&id) {
                continue;
            }
            let name = id.file();
            let stat = self
                .disk
                .stat(&name)
                .map_err(|error| self.io("read", &name, error))?;
            self.disk
                .remove(&name)
                .map_err(|error| self.poison("remove", &name, error))?;
            swept.files += 1;
            swept.bytes += stat.map_or(0, |stat| stat.len);
        }
        Ok(swept)
    }

    /// Removes the datasets that were to go with their last user, if this is the only one.
    pub fn remove_temporary(&self) -> Result<()> {
        let temporary: Vec<u64> = self
            .current()?
            .entries()
            .filter(|entry| !entry.current.persistent)
            .map(|entry| entry.current.id)
            .collect();
        let Some(readers) = &self.readers else {
            return Ok(());
        };
        if temporary.is_empty() || !self.is_only_user(&**readers)? {
            return Ok(());
        }
        for id in temporary {
            self.write(|state| Ok((state.get(id).map(|_| Record::Remove(id)), ())))?;
        }
        Ok(())
    }

    fn is_only_user(&self, readers: &dyn crate::disk::Lock) -> Result<bool> {
        let failed = |error| self.io("lock", crate::store::READERS_LOCK, error);
        let alone = readers.change(Sharing::Alone).map_err(failed)?;
        if alone {
            readers.change(Sharing::Shared).map_err(failed)?;
        }
        Ok(alone)
    }
}

impl Drop for Inner {
    /// The last user of a store takes its temporary datasets along. Where that fails, the next one to open it does.
    fn drop(&mut self) {
        if self.poisoned.get().is_none() && !std::thread::panicking() {
            let _ = self.remove_temporary();
        }
    }
}
