//! Makes a damaged store usable again, and says what was lost.
//!
//! Names and manifests come from the journal; where it is damaged or gone, from its whole records, then from the
//! catalogue, then from the footers of the segments. What a manifest points at and is damaged becomes null. The damaged
//! journal is kept beside the new one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{self, Catalog, Unopened};
use crate::codec;
use crate::disk::{Disk, RealDisk, Sharing};
use crate::draft::{Draft, DraftPiece};
use crate::journal::{self, Record, Unreadable};
use crate::manifest::Manifest;
use crate::segment::{self, ChunkRef, Segment, SegmentId};
use crate::state::State;
use crate::store::{Inner, READERS_LOCK};
use crate::{Error, Result, Store, random};

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

struct Found {
    /// What the new journal must come to; `None` if the journal there is will do.
    state: Option<State>,
    seq: u64,
    sources: HashMap<u64, Source>,
}

fn gather(dir: &Path, disk: &dyn Disk, repaired: &mut Repaired) -> Result<Found> {
    let io = |action, name: &str, source| Error::Io {
        action,
        path: dir.join(name),
        source,
    };
    let stat = disk
        .stat(journal::FILE)
        .map_err(|error| io("read", journal::FILE, error))?;
    let bytes = match stat {
        Some(_) => disk
            .read(journal::FILE, 0)
            .map_err(|error| io("read", journal::FILE, error))?,
        None => Vec::new(),
    };
    let scan = journal::base_of(&bytes).and_then(|base| {
        let scan = journal::scan(&bytes[journal::HEADER..], journal::HEADER as u64, base)?;
        Ok((base, scan))
    });
    let catalogue = open_catalogue(dir, repaired)?;
    let known = catalogue.as_ref().and_then(Catalog::seq).unwrap_or(0);
    let mut found = Found {
        state: None,
        seq: known,
        sources: HashMap::new(),
    };
    let (records, whole) = match scan {
        Ok((base, scan)) => {
            let last = scan.records.last().map_or(base, |(seq, _)| *seq);
            if known <= last {
                return Ok(found);
            }
            repaired.journal = Some(format!(
                "it ends with record {last}, and the catalogue knows of {known}"
            ));
            (scan.records, true)
        }
        Err(Unreadable::Newer(version)) => {
            let file = dir.join(journal::FILE);
            return Err(Error::NewerFormat {
                file,
                found: version,
                known: journal::VERSION,
            });
        }
        Err(Unreadable::Damaged(why)) => {
            repaired.journal = Some(if stat.is_none() {
                "it is missing".into()
            } else {
                why
            });
            (journal::salvage(&bytes), false)
        }
    };
    let mut state = State::default();
    let mut removed = BTreeSet::new();
    for (seq, record) in records {
        found.seq = found.seq.max(seq);
        if let Record::Remove(id) = record {
            removed.insert(id);
        }
        state.apply(record);
    }
    let mut candidates: Vec<(Manifest, Source)> = Vec::new();
    if let Some(catalogue) = &catalogue
        && let Ok(datasets) = catalogue.datasets()
    {
        candidates.extend(
            datasets
                .into_iter()
                .flatten()
                .map(|one| (one, Source::Catalogue)),
        );
    }
    // A deleted dataset's segments may still be there; they are believed only where nothing better is left.
    if !whole && candidates.is_empty() {
        candidates.extend(
            footers(dir, disk)?
                .into_iter()
                .map(|one| (one, Source::Footer)),
        );
    }
    candidates.retain(|(manifest, _)| !removed.contains(&manifest.id));
    candidates.sort_by_key(|(manifest, _)| (manifest.id, manifest.generation));
    for (manifest, source) in candidates {
        let newest = state
            .get(manifest.id)
            .map_or(0, |entry| entry.current.generation);
        if manifest.generation > newest {
            found.sources.insert(manifest.id, source);
            state.apply(Record::Put(manifest));
        }
    }
    found.state = Some(distinct_names(state));
    Ok(found)
}

fn open_catalogue(dir: &Path, repaired: &mut Repaired) -> Result<Option<Catalog>> {
    if !dir.join(catalog::DIR).exists() {
        return Ok(None);
    }
    match Catalog::open(dir) {
        Ok(catalogue) => Ok(Some(catalogue)),
        Err(Unopened::Held) => Err(Error::Busy {
            dir: dir.to_path_buf(),
            seconds: 0,
        }),
        Err(Unopened::Unusable) => {
            catalog::move_aside(dir).map_err(|source| Error::Io {
                action: "move aside",
                path: dir.join(catalog::DIR),
                source,
            })?;
            repaired.aside.push(dir.join(catalog::ASIDE));
            Ok(None)
        }
    }
}

/// The manifests that segments carry.
fn footers(dir: &Path, disk: &dyn Disk) -> Result<Vec<Manifest>> {
    let io = |action, name: &str, source| Error::Io {
        action,
        path: dir.join(name),
        source,
    };
    let names = disk
        .list(segment::DIR)
        .map_err(|error| io("list", segment::DIR, error))?;
    let ids: BTreeSet<SegmentId> = names
        .iter()
        .filter_map(|name| SegmentId::of_file_name(name))
        .collect();
    let mut manifests = Vec::new();
    for id in &ids {
        let Ok(segment) = Segment::open(disk, *id, |action, name, error| io(action, name, error))
        else {
            continue;
        };
        let Some(carried) = &segment.footer().manifest else {
            continue;
        };
        if let Ok(manifest) = codec::decode::<Manifest>(carried)
            && manifest.segments().all(|one| ids.contains(&one))
        {
            manifests.push(manifest);
        }
    }
    Ok(manifests)
}

/// Records from different times may give one name to two datasets; the one changed last keeps it.
fn distinct_names(state: State) -> State {
    let mut newest: Vec<Arc<Manifest>> = state.all_current().cloned().collect();
    newest.sort_by_key(|manifest| std::cmp::Reverse(manifest.last_modified_at));
    let mut taken = BTreeSet::new();
    let mut state = state;
    for manifest in newest {
        let mut name = manifest.name.clone();
        let mut count = 2;
        while !taken.insert(name.clone()) {
            name = format!("{} ({count})", manifest.name);
            count += 1;
        }
        let renamed = Manifest {
            name,
            ..Manifest::clone(&manifest)
        };
        state.apply(Record::Put(renamed));
    }
    state
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
    if disk
        .stat(journal::NEW_FILE)
        .map_err(|error| io("read", journal::NEW_FILE, error))?
        .is_some()
    {
        disk.remove(journal::NEW_FILE)
            .map_err(|error| io("remove", journal::NEW_FILE, error))?;
    }
    disk.create(journal::NEW_FILE, &[&bytes])
        .map_err(|error| io("write", journal::NEW_FILE, error))?;
    disk.sync(journal::NEW_FILE)
        .map_err(|error| io("sync", journal::NEW_FILE, error))?;
    if disk
        .stat(journal::FILE)
        .map_err(|error| io("read", journal::FILE, error))?
        .is_some()
    {
        disk.rename(journal::FILE, ASIDE)
            .map_err(|error| io("rename", journal::FILE, error))?;
        repaired.aside.push(dir.join(ASIDE));
    }
    disk.rename(journal::NEW_FILE, journal::FILE)
        .map_err(|error| io("rename", journal::NEW_FILE, error))?;
    disk.sync_dir("").map_err(|error| io("sync", "", error))
}

impl Inner {
    /// Replaces what is damaged in the newest generation of a dataset by nulls (ids by new ones), as a new generation.
    /// Returns that generation and what was lost.
    fn heal(&self, id: u64) -> Result<(Arc<Manifest>, Vec<String>)> {
        let lost = self.write(|state| {
            let Some(entry) = state.get(id) else {
                return Ok((None, Vec::new()));
            };
            let bad = self.bad_chunks(&entry.current);
            if bad.is_empty() {
                return Ok((None, Vec::new()));
            }
            let load = |at: ChunkRef| {
                let segment = self.segment(at.segment)?;
                segment
                    .chunk(at.index, segment::Depth::Usual)
                    .map_err(|error| self.place(error))
            };
            let now = random::now_millis();
            let mut draft = Draft::of(&entry.current, now, &load);
            let lost = take_out(&mut draft, &bad, now);
            Ok((
                Some(Record::Put(self.keep(draft, &entry.current, now)?)),
                lost,
            ))
        })?;
        let state = self.current()?;
        match state.get(id) {
            Some(entry) => Ok((entry.current.clone(), lost)),
            None => Err(self.damaged(
                journal::FILE,
                "a dataset went away during its repair".into(),
            )),
        }
    }
}

fn take_out(draft: &mut Draft<'_>, bad: &BTreeMap<ChunkRef, String>, now: i64) -> Vec<String> {
    let is_bad =
        |piece: &DraftPiece| matches!(piece, DraftPiece::Stored(at, _) if bad.contains_key(at));
    let mut lost = Vec::new();
    let rows = draft.rows;
    for column in &mut draft.columns {
        let mut count = 0;
        for piece in column.pieces.iter_mut().filter(|piece| is_bad(piece)) {
            count += piece.len();
            *piece = crate::draft::default_piece(&column.field.name, piece.len(), now);
        }
        if count > 0 {
            lost.push(format!("{}: {count} of {rows} values", column.field.name));
        }
    }
    draft.runs.retain_mut(|run| {
        if is_bad(&run.record) {
            lost.push(format!("run {}", run.key));
            return false;
        }
        run.tables.retain(|(name, piece)| {
            let bad = is_bad(piece);
            if bad {
                lost.push(format!("run {}: table {name}", run.key));
            }
            !bad
        });
        true
    });
    lost
}
