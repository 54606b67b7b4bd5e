//! Reading the journal: before every answer its length is looked at, and what was added since is read.

use std::sync::{Arc, PoisonError};

use crate::disk::Stat;
use crate::inner::Inner;
use crate::journal::{self, Unreadable};
use crate::segment;
use crate::state::State;
use crate::{Error, Result};

/// The journal as far as it has been read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loaded {
    pub state: Arc<State>,
    pub stat: Option<Stat>,
    pub end: u64,
    pub seq: u64,
    pub torn: bool,
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
        let stat = self.stat_journal()?;
        {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if loaded.stat == stat && stat.is_some() {
                return Ok(loaded.state.clone());
            }
        }
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have committed, or read what was new, before this one got here.
        let stat = self.stat_journal()?;
        if loaded.stat != stat || stat.is_none() {
            self.load(&mut loaded, stat)?;
        }
        Ok(loaded.state.clone())
    }

    fn stat_journal(&self) -> Result<Option<Stat>> {
        self.disk
            .stat(journal::FILE)
            .map_err(|error| self.io("read", journal::FILE, error))
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
