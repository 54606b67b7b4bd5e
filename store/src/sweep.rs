//! Removes what no kept generation and no snapshot points at: segments replaced, or left by a commit that never was.
//!
//! Only whoever holds the write lock sweeps, and only while no other process has the store open, since a reader there
//! may be about to map a segment of a generation gone by.

use std::collections::HashSet;

use crate::disk::{Lock, Sharing};
use crate::inner::{Inner, READERS_LOCK};
use crate::journal::Record;
use crate::segment::{self, SegmentId};
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
        let alone = self.hold_readers(&**readers, Sharing::Alone)?;
        if !alone {
            return Ok(Swept {
                busy: true,
                ..Swept::default()
            });
        }
        let swept = self.remove_unused_alone();
        self.hold_readers(&**readers, Sharing::Shared)?;
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
    ///
    /// Whoever writes is a user, and so is whoever sweeps, which lets go of its reader's lock for a moment: so both
    /// locks are taken, and nothing is waited for.
    pub fn remove_temporary(&self) -> Result<()> {
        if !self
            .current()?
            .entries()
            .any(|entry| !entry.current.persistent)
        {
            return Ok(());
        }
        let Some(readers) = &self.readers else {
            return Ok(());
        };
        self.alone_if_free(|writer| {
            if !self.hold_readers(&**readers, Sharing::Alone)? {
                return Ok(());
            }
            let state = self.current()?;
            let temporary = state.entries().filter(|entry| !entry.current.persistent);
            let removed =
                temporary.map(|entry| self.commit(writer, Record::Remove(entry.current.id)));
            let removed = removed.collect::<Result<()>>();
            self.hold_readers(&**readers, Sharing::Shared)?;
            removed
        })
    }

    fn hold_readers(&self, readers: &dyn Lock, sharing: Sharing) -> Result<bool> {
        readers
            .change(sharing)
            .map_err(|error| self.io("lock", READERS_LOCK, error))
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
