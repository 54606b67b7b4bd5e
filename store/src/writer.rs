//! Writing to the journal: the one path on which a commit becomes true, and the state of this process as a writer.
//!
//! Order: lock, read what others committed, write segments, sync them, append the record, sync it, acknowledge. Any
//! failed write or sync ends this handle's writing: whether the bytes are there is then unknown, and a second sync that
//! succeeds would prove nothing.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::disk::{Lock, Sharing};
use crate::follow::Catalogue;
use crate::inner::{Inner, lock};
use crate::journal::{self, Record};
use crate::segment;
use crate::state::State;
use crate::{Error, Result};

/// Held alone for the time of one commit.
const WRITE_LOCK: &str = "write.lock";
/// Stands while a sync of the journal has failed: what the file seems to hold may not be on the disk.
const SUSPECT: &str = "journal.suspect";
/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(60);
/// The journal is rewritten when it is longer than this and four times as long as it need be.
const SHORT_ENOUGH: u64 = 1 << 18;
/// Unused segments are removed every so many commits.
const SWEEP_EVERY: u32 = 16;

/// The state of this process as a writer.
#[derive(Debug)]
pub(crate) struct Writer {
    pub catalogue: Catalogue,
    swept: bool,
    /// Length of the journal when it was last rewritten.
    short_len: u64,
    commits: u32,
}

impl Writer {
    pub fn with_catalogue(root: PathBuf) -> Writer {
        Writer {
            catalogue: Catalogue::Closed(root),
            ..Writer::without_catalogue()
        }
    }

    pub fn without_catalogue() -> Writer {
        Writer {
            catalogue: Catalogue::None,
            swept: false,
            short_len: 0,
            commits: 0,
        }
    }
}

impl Inner {
    /// Runs `change` on the newest state, alone among all writers of all processes, and commits the record it gives.
    pub fn write<T>(
        &self,
        change: impl FnOnce(&State) -> Result<(Option<Record>, T)>,
    ) -> Result<T> {
        self.alone(|writer| {
            if !writer.swept {
                writer.swept = true;
                self.remove_unused()?;
            }
            let state = self.current()?;
            let (record, value) = change(&state)?;
            drop(state);
            if let Some(record) = record {
                self.commit(writer, record)?;
                self.tidy(writer);
            }
            Ok(value)
        })
    }

    /// Runs `act` while no other writer of any process does anything, with the journal fit to be appended to.
    pub fn alone<T>(&self, act: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        let mut writer = lock(&self.writer);
        self.refuse_poisoned()?;
        let _alone = self.wait_for(WRITE_LOCK, Sharing::Alone)?;
        self.with_lock(&mut writer, act)
    }

    /// The same if nobody is writing now; nothing otherwise.
    pub fn alone_if_free(&self, act: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
        let mut writer = lock(&self.writer);
        self.refuse_poisoned()?;
        let held = self.disk.lock(WRITE_LOCK, Sharing::Alone);
        match held.map_err(|error| self.io("lock", WRITE_LOCK, error))? {
            Some(_alone) => self.with_lock(&mut writer, act),
            None => Ok(()),
        }
    }

    fn with_lock<T>(
        &self,
        writer: &mut Writer,
        act: impl FnOnce(&mut Writer) -> Result<T>,
    ) -> Result<T> {
        self.current()?;
        self.open_catalogue(writer)?;
        self.prepare(writer)?;
        act(writer)
    }

    /// Makes a record true. The caller is alone.
    pub fn commit(&self, writer: &mut Writer, record: Record) -> Result<()> {
        let id = record.dataset();
        self.append(record)?;
        self.follow(writer, id);
        writer.commits += 1;
        Ok(())
    }

    fn refuse_poisoned(&self) -> Result<()> {
        match self.poisoned.get() {
            Some(why) => Err(Error::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Marks this handle: an operation of a commit failed, and nothing more is written.
    pub fn poison(&self, action: &'static str, name: &str, source: std::io::Error) -> Error {
        let error = self.io(action, name, source);
        // The first failure is the one to tell of.
        let _ = self.poisoned.set(error.to_string());
        error
    }

    /// Waits for a lock.
    pub fn wait_for(&self, name: &str, sharing: Sharing) -> Result<Option<Box<dyn Lock>>> {
        let began = Instant::now();
        loop {
            match self.disk.lock(name, sharing) {
                Ok(Some(held)) => return Ok(Some(held)),
                Ok(None) if began.elapsed() >= PATIENCE => {
                    return Err(Error::Busy {
                        dir: self.root.clone(),
                        seconds: PATIENCE.as_secs(),
                    });
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                // A store on a read-only medium has no locks, and no writers either.
                Err(error) if sharing == Sharing::Shared && crate::disk::is_read_only(&error) => {
                    return Ok(None);
                }
                Err(error) => return Err(self.io("lock", name, error)),
            }
        }
    }

    /// The state and the number of the record it ends with.
    pub fn state_and_seq(&self) -> (Arc<State>, u64) {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        (loaded.state.clone(), loaded.seq)
    }

    /// Makes the journal fit to be appended to: there, without a torn tail, and surely on the disk.
    fn prepare(&self, writer: &mut Writer) -> Result<()> {
        let (torn, missing) = {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            (loaded.torn, loaded.stat.is_none())
        };
        let suspect = self
            .disk
            .stat(SUSPECT)
            .map_err(|error| self.io("read", SUSPECT, error))?
            .is_some();
        if torn || missing || suspect {
            self.disk
                .make_dir(segment::DIR)
                .map_err(|error| self.poison("make the directory", segment::DIR, error))?;
            self.rewrite(writer)?;
            if suspect {
                self.disk
                    .remove(SUSPECT)
                    .map_err(|error| self.poison("remove", SUSPECT, error))?;
            }
        }
        Ok(())
    }

    /// Writes the journal anew, as short as it can be: a temporary file, its sync, its renaming, the directory's sync.
    pub fn rewrite(&self, writer: &mut Writer) -> Result<()> {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let (bytes, seq) = journal::short(&loaded.state, loaded.seq)
            .map_err(|why| self.damaged(journal::FILE, why))?;
        let leftover = self.disk.stat(journal::NEW_FILE);
        if leftover
            .map_err(|error| self.io("read", journal::NEW_FILE, error))?
            .is_some()
        {
            self.disk
                .remove(journal::NEW_FILE)
                .map_err(|error| self.poison("remove", journal::NEW_FILE, error))?;
        }
        self.disk
            .create(journal::NEW_FILE, &[&bytes])
            .map_err(|error| self.poison("write", journal::NEW_FILE, error))?;
        self.disk
            .sync(journal::NEW_FILE)
            .map_err(|error| self.poison("sync", journal::NEW_FILE, error))?;
        self.disk
            .rename(journal::NEW_FILE, journal::FILE)
            .map_err(|error| self.poison("rename", journal::NEW_FILE, error))?;
        self.disk
            .sync_dir("")
            .map_err(|error| self.poison("sync", "", error))?;
        loaded.stat = self
            .disk
            .stat(journal::FILE)
            .map_err(|error| self.poison("read", journal::FILE, error))?;
        loaded.end = bytes.len() as u64;
        loaded.seq = seq;
        loaded.torn = false;
        writer.short_len = loaded.end;
        Ok(())
    }

    /// Appends one record and syncs it: the commit.
    fn append(&self, record: Record) -> Result<()> {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let seq = loaded.seq + 1;
        let bytes = self.encode(seq, &record)?;
        self.disk
            .append(journal::FILE, &bytes)
            .map_err(|error| self.poison("append to", journal::FILE, error))?;
        self.disk.sync(journal::FILE).map_err(|error| {
            // The next writer must not trust what the file seems to hold. If even this fails, nothing can be done.
            let _ = self.disk.create(SUSPECT, &[]);
            self.poison("sync", journal::FILE, error)
        })?;
        loaded.end += bytes.len() as u64;
        loaded.seq = seq;
        Arc::make_mut(&mut loaded.state).apply(record);
        // A file that cannot be looked at now is read again at the next look.
        loaded.stat = self.disk.stat(journal::FILE).ok().flatten();
        Ok(())
    }

    fn encode(&self, seq: u64, record: &Record) -> Result<Vec<u8>> {
        journal::encode(seq, record).map_err(|why| self.damaged(journal::FILE, why))
    }

    /// What is done after some commits. The commit is acknowledged whatever comes of it; a failed write poisons.
    fn tidy(&self, writer: &mut Writer) {
        let end = self
            .loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .end;
        if end > SHORT_ENOUGH && end > 4 * writer.short_len {
            let _ = self.rewrite(writer);
        }
        if writer.commits.is_multiple_of(SWEEP_EVERY) {
            let _ = self.remove_unused();
        }
    }
}
