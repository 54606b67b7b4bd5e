//! Makes a damaged store usable again, and says what was lost.
//!
//! Names and manifests come from the journal; where it is damaged or gone, from its whole records, then from the
//! catalogue, then from the footers of the segments. What a manifest points at and is damaged becomes null. The damaged
//! journal is kept beside the new one.

mod gather;
mod heal;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, RealDisk, Sharing};
use crate::inner::READERS_LOCK;
use crate::state::State;
use crate::{Error, Result, Store, journal};

use gather::gather;

/// Where a damaged journal is kept.
const ASIDE: &str = "journal.bad";

/// What a repair found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The datasets there are now.
    pub datasets: Vec<RepairedDataset>,
    /// What was wrong with the journal, if anything.
    pub journal: Option<String>,
    /// Files set aside, to be looked at or removed by a person.
    pub aside: Vec<PathBuf>,
}

/// A dataset after a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedDataset {
    /// The name.
    pub name: String,
    /// Its generation.
    pub generation: u64,
    /// Number of samples.
    pub samples: u64,
    /// Where its manifest came from.
    pub source: Source,
    /// What was lost: `"embedding: 200 of 1000 values"`, `"run k20"`, ...
    pub lost: Vec<String>,
}

/// Where a manifest came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The journal.
    Journal,
    /// The catalogue.
    Catalogue,
    /// The footer of a segment.
    Footer,
}

/// Makes the store in `dir` usable again. Nobody else may have it open.
///
/// # Errors
/// [`Error::Busy`] if somebody has; [`Error::NewerFormat`]; what the disk says.
pub fn repair(dir: &Path) -> Result<Repaired> {
    let disk = Arc::new(RealDisk::new(dir));
    let io = |action, path: &str, source| Error::Io {
        action,
        path: dir.join(path),
        source,
    };
    let alone = disk
        .lock(READERS_LOCK, Sharing::Alone)
        .map_err(|error| io("lock", READERS_LOCK, error))?;
    let Some(alone) = alone else {
        return Err(Error::Busy {
            dir: dir.to_path_buf(),
            seconds: 0,
        });
    };
    let mut repaired = Repaired::default();
    let found = gather(dir, &*disk, &mut repaired)?;
    let sources: HashMap<u64, Source> = found.sources;
    if let Some(state) = found.state {
        replace_journal(dir, &*disk, &state, found.seq, &mut repaired)?;
    }
    drop(alone);
    let store = Store::open(dir)?;
    for entry in store.inner.current()?.entries() {
        let id = entry.current.id;
        let (manifest, lost) = store.inner.heal(id)?;
        repaired.datasets.push(RepairedDataset {
            name: manifest.name.clone(),
            generation: manifest.generation,
            samples: manifest.rows,
            source: sources.get(&id).copied().unwrap_or(Source::Journal),
            lost,
        });
    }
    Ok(repaired)
}

fn replace_journal(
    dir: &Path,
    disk: &dyn Disk,
    state: &State,
    seq: u64,
    repaired: &mut Repaired,
) -> Result<()> {
    let io = |action, name: &str, source| Error::Io {
        action,
        path: dir.join(name),
        source,
    };
    let bytes = journal::short(state, seq)
        .map_err(|why| Error::Damaged {
            file: dir.join(journal::FILE),
            why,
        })?
        .0;
    let exists = |name| {
        let stat = disk.stat(name).map_err(|error| io("read", name, error))?;
        Ok::<bool, Error>(stat.is_some())
    };
    if exists(journal::NEW_FILE)? {
        disk.remove(journal::NEW_FILE)
            .map_err(|error| io("remove", journal::NEW_FILE, error))?;
    }
    disk.create(journal::NEW_FILE, &[&bytes])
        .map_err(|error| io("write", journal::NEW_FILE, error))?;
    disk.sync(journal::NEW_FILE)
        .map_err(|error| io("sync", journal::NEW_FILE, error))?;
    if exists(journal::FILE)? {
        // A copy, so that there is a journal at every moment of the repair.
        let old = disk
            .read(journal::FILE, 0)
            .map_err(|error| io("read", journal::FILE, error))?;
        if exists(ASIDE)? {
            disk.remove(ASIDE)
                .map_err(|error| io("remove", ASIDE, error))?;
        }
        disk.create(ASIDE, &[&old])
            .and_then(|()| disk.sync(ASIDE))
            .map_err(|error| io("write", ASIDE, error))?;
        repaired.aside.push(dir.join(ASIDE));
    }
    disk.rename(journal::NEW_FILE, journal::FILE)
        .map_err(|error| io("rename", journal::NEW_FILE, error))?;
    disk.sync_dir("").map_err(|error| io("sync", "", error))
}
