//! The catalogue: sled, holding every name and every kept manifest by number and generation. The only file that knows
//! sled.
//!
//! It follows the journal and never leads it: a commit is in the journal first. So it may be missing, behind, held by
//! another process or past opening (sled's `flush` is no fsync), and nothing is lost; it is brought up to the journal, or
//! moved aside and made anew. What it is for: it is the second witness. If the journal is shortened or gone, the
//! catalogue says so, and `repair` takes names, manifests, runs and views from it. Reading a store does not open it,
//! because sled admits one process and takes longer to open than the journal takes to read.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::codec;
use crate::manifest::Manifest;
use crate::state::{Entry, State};

/// The catalogue's directory in the store's.
pub const DIR: &str = "catalog";
/// Where one that does not open is moved.
pub const ASIDE: &str = "catalog.bad";

const CACHE_BYTES: u64 = 4 << 20;
const SEQ: &[u8] = b"seq";

/// The opened catalogue.
#[derive(Debug)]
pub struct Catalog {
    db: sled::Db,
    path: PathBuf,
}

/// Why a catalogue is not open.
#[derive(Debug)]
pub enum Unopened {
    /// Another process holds it.
    Held,
    /// It cannot be used.
    Unusable,
}

impl Catalog {
    /// Opens the catalogue in the store's directory; an empty one is made if there is none.
    pub fn open(root: &Path) -> Result<Catalog, Unopened> {
        let path = root.join(DIR);
        let config = sled::Config::new()
            .path(&path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        match guarded(|| config.open()) {
            Ok(db) => Ok(Catalog { db, path }),
            Err(why) if why.contains("could not acquire lock") => Err(Unopened::Held),
            Err(_) => Err(Unopened::Unusable),
        }
    }

    /// Opens it and brings it to `state`; one that does not open is moved aside and made anew. `None` if another
    /// process holds it or the disk will not have it: the store works without.
    pub fn open_at(root: &Path, state: &State, seq: u64) -> Opened {
        let catalog = match Catalog::open(root) {
            Ok(catalog) => catalog,
            Err(Unopened::Held) => return Opened::No,
            Err(Unopened::Unusable) => {
                if move_aside(root).is_err() {
                    return Opened::No;
                }
                match Catalog::open(root) {
                    Ok(catalog) => catalog,
                    Err(_) => return Opened::No,
                }
            }
        };
        match catalog.seq() {
            Some(known) if known == seq => Opened::Yes(catalog),
            Some(known) if known > seq => Opened::Ahead(known),
            _ => match catalog.put_all(seq, state) {
                Ok(()) => Opened::Yes(catalog),
                Err(_) => Opened::No,
            },
        }
    }

    /// The number of the last journal record it holds; `None` if it is new or cannot be read.
    pub fn seq(&self) -> Option<u64> {
        let value = guarded(|| self.db.get(SEQ)).ok()??;
        codec::decode(&value).ok()
    }

    /// Holds one dataset as it is after record `seq`; `None`: it is gone.
    pub fn put(&self, seq: u64, id: u64, entry: Option<&Entry>) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        self.add(&mut batch, id, entry)?;
        self.finish(batch, seq)
    }

    /// Holds `state` and nothing else.
    pub fn put_all(&self, seq: u64, state: &State) -> Result<(), String> {
        guarded(|| self.db.clear())?;
        let mut batch = sled::Batch::default();
        for entry in state.entries() {
            self.add(&mut batch, entry.current.id, Some(entry))?;
        }
        self.finish(batch, seq)
    }

    /// Every dataset it holds: its kept generations, oldest first.
    pub fn datasets(&self) -> Result<Vec<Vec<Manifest>>, String> {
        let mut datasets: Vec<Vec<Manifest>> = Vec::new();
        let rows = guarded(|| self.db.scan_prefix(b"m").collect::<Result<Vec<_>, _>>())?;
        for (_, value) in rows {
            let manifest: Manifest = codec::decode(&value).map_err(|why| format!("{why:?}"))?;
            match datasets.last_mut() {
                Some(last) if last[0].id == manifest.id => last.push(manifest),
                _ => datasets.push(vec![manifest]),
            }
        }
        Ok(datasets)
    }

    /// The number of the dataset of that name.
    pub fn id_of(&self, name: &str) -> Option<u64> {
        let value = guarded(|| self.db.get(name_key(name))).ok()??;
        codec::decode(&value).ok()
    }

    /// Makes what it holds last: sled's own flush writes, and the sync of its file makes that last.
    pub fn sync(&self) -> Result<(), String> {
        guarded(|| self.db.flush())?;
        File::open(self.path.join("db"))
            .and_then(|file| file.sync_all())
            .map_err(|error| error.to_string())
    }

    fn add(&self, batch: &mut sled::Batch, id: u64, entry: Option<&Entry>) -> Result<(), String> {
        let kept: Vec<&Manifest> = entry
            .into_iter()
            .flat_map(|entry| entry.earlier.iter().chain([&entry.current]))
            .map(|manifest| &**manifest)
            .collect();
        let mut prefix = b"m".to_vec();
        prefix.extend(id.to_be_bytes());
        let held = guarded(|| self.db.scan_prefix(&prefix).collect::<Result<Vec<_>, _>>())?;
        let name = entry.map(|entry| &*entry.current.name);
        let mut known = Vec::new();
        for (key, value) in held {
            let Ok(manifest) = codec::decode::<Manifest>(&value) else {
                batch.remove(key);
                continue;
            };
            if Some(&*manifest.name) != name && self.id_of(&manifest.name) == Some(id) {
                batch.remove(name_key(&manifest.name));
            }
            if kept.contains(&&manifest) {
                known.push(manifest.generation);
            } else {
                batch.remove(key);
            }
        }
        for manifest in kept {
            if known.contains(&manifest.generation) {
                continue;
            }
            batch.insert(
                manifest_key(id, manifest.generation),
                codec::encode(manifest)?,
            );
        }
        if let Some(name) = name {
            batch.insert(name_key(name), codec::encode(&id)?);
        }
        Ok(())
    }

    fn finish(&self, mut batch: sled::Batch, seq: u64) -> Result<(), String> {
        batch.insert(SEQ, codec::encode(&seq)?);
        guarded(|| self.db.apply_batch(batch))
    }
}

/// What became of opening the catalogue for writing.
pub enum Opened {
    /// It is open and up to the journal.
    Yes(Catalog),
    /// The store goes on without it.
    No,
    /// It knows of records up to this one, and the journal does not: the journal has lost some.
    Ahead(u64),
}

/// Moves the catalogue where it is in nobody's way; an older one there is removed.
pub fn move_aside(root: &Path) -> std::io::Result<()> {
    let aside = root.join(ASIDE);
    match std::fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match std::fs::rename(root.join(DIR), aside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn manifest_key(id: u64, generation: u64) -> Vec<u8> {
    [b"m", &id.to_be_bytes()[..], &generation.to_be_bytes()[..]].concat()
}

fn name_key(name: &str) -> Vec<u8> {
    [b"n", name.as_bytes()].concat()
}

/// sled may panic on files that it did not write like this.
fn guarded<T>(act: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("sled gave up on it".into()),
    }
}
