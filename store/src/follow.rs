//! The catalogue follows the journal: opened before this process first writes, brought up to every commit, done without
//! where it cannot be had.

use std::path::PathBuf;

use crate::Result;
use crate::catalog::{self, Catalog, Opened};
use crate::inner::{Inner, lock};
use crate::journal;
use crate::writer::Writer;

/// The catalogue as this process has it.
#[derive(Debug)]
pub(crate) enum Catalogue {
    /// The store is kept without one.
    None,
    /// Not open (yet, or because another process holds it); the store's directory.
    Closed(PathBuf),
    /// Open, and holding what the journal said up to this record.
    Open(Catalog, u64),
}

impl Inner {
    /// Opens the catalogue, if it can be had, before anything is written: it may know that the journal has lost records.
    pub fn open_catalogue(&self, writer: &mut Writer) -> Result<()> {
        let Catalogue::Closed(root) = &writer.catalogue else {
            return Ok(());
        };
        let (state, seq) = self.state_and_seq();
        match Catalog::open_at(root, &state, seq) {
            Opened::Yes(catalog) => writer.catalogue = Catalogue::Open(catalog, seq),
            Opened::No => {}
            Opened::Ahead(known) => {
                let why = format!("it ends with record {seq}, and the catalogue knows of {known}");
                return Err(self.damaged(journal::FILE, why));
            }
        }
        Ok(())
    }

    /// Brings the catalogue to the journal after a commit to one dataset. Where that fails, the store goes on without
    /// it, and the next process makes it anew.
    pub fn follow(&self, writer: &mut Writer, dataset: u64) {
        let Catalogue::Open(catalog, known) = &mut writer.catalogue else {
            return;
        };
        let (state, seq) = self.state_and_seq();
        let outcome = if *known + 1 == seq {
            catalog.put(seq, dataset, state.get(dataset))
        } else {
            catalog.put_all(seq, &state)
        };
        *known = seq;
        if outcome.and_then(|()| catalog.sync()).is_err() {
            writer.catalogue = Catalogue::None;
        }
    }

    /// Runs `look` on the catalogue, if this process has it or can have it.
    pub fn with_catalogue<T>(&self, look: impl FnOnce(&Catalog) -> T) -> Option<T> {
        let writer = lock(&self.writer);
        match &writer.catalogue {
            Catalogue::Open(catalog, _) => Some(look(catalog)),
            Catalogue::Closed(root) if root.join(catalog::DIR).exists() => {
                Catalog::open(root).ok().map(|catalog| look(&catalog))
            }
            _ => None,
        }
    }
}
