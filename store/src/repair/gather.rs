//! What can still be known of the datasets: from the journal, then the catalogue, then the footers of the segments.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::{Repaired, Source};
use crate::catalog::{self, Catalog, Unopened};
use crate::codec;
use crate::disk::Disk;
use crate::journal::{self, Record, Unreadable};
use crate::manifest::Manifest;
use crate::segment::{self, Segment, SegmentId};
use crate::state::State;
use crate::{Error, Result};

pub(super) struct Found {
    /// What the new journal must come to; `None` if the journal there is will do.
    pub state: Option<State>,
    pub seq: u64,
    pub sources: HashMap<u64, Source>,
}

pub(super) fn gather(dir: &Path, disk: &dyn Disk, repaired: &mut Repaired) -> Result<Found> {
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
        if whole {
            // The catalogue is the newer of the two: what it does not know was deleted by a record that is lost.
            let known: BTreeSet<u64> = datasets.iter().flatten().map(|one| one.id).collect();
            let gone: Vec<u64> = state
                .all_current()
                .map(|one| one.id)
                .filter(|id| !known.contains(id))
                .collect();
            gone.into_iter()
                .for_each(|id| state.apply(Record::Remove(id)));
        }
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
