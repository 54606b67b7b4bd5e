//! A dataset by its number, which no renaming changes; and the two ways to move it on: commit and undo.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;

use crate::changes::Changes;
use crate::draft::{Draft, DraftPiece};
use crate::inner::Inner;
use crate::journal::Record;
use crate::manifest::{Chunk, Column, Manifest, RunRef};
use crate::merge::settle;
use crate::names::nearest;
use crate::segment::{ChunkRef, Content, Depth, Origin, Segment, SegmentId, plan_segments};
use crate::state::{Entry, State};
use crate::{DatasetInfo, Error, Result, Snapshot, Store, codec, random, text};

/// A named dataset of a [`Store`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dataset {
    store: Store,
    id: u64,
    /// The name it was asked for by, for errors.
    name: String,
}

impl Dataset {
    pub(crate) fn new(store: Store, id: u64, name: &str) -> Dataset {
        Dataset {
            store,
            id,
            name: name.to_owned(),
        }
    }

    /// The store it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its name, size and times now.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`] if it has been deleted; as [`Store::open`].
    pub fn info(&self) -> Result<DatasetInfo> {
        let state = self.store.inner.current()?;
        Ok(DatasetInfo::from(&*self.entry(&state)?.current))
    }

    /// An immutable view of its newest generation.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`] if it has been deleted; as [`Store::open`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        let inner = &self.store.inner;
        let mut state = inner.current()?;
        loop {
            let data = inner.snapshot(&self.entry(&state)?.current);
            // A sweep in another thread may have missed that this generation is looked at, but only if the dataset had
            // moved on from it before; so if it is still kept now, it is safe from here on.
            state = inner.current()?;
            if self.entry(&state)?.keeps(data.manifest.generation) {
                return Ok(Snapshot::new(self.store.clone(), data));
            }
        }
    }

    /// Does all of `changes` or nothing, and returns the new generation, which then survives a power cut. No changes: no
    /// new generation.
    ///
    /// # Errors
    /// [`Error::Conflict`]; whatever a change breaks (nothing is written then); [`Error::Poisoned`]; what the disk says.
    pub fn commit(&self, changes: Changes) -> Result<u64> {
        let inner = &self.store.inner;
        inner.write(|state| {
            let base = &self.entry(state)?.current;
            if let Some(expected) = changes.expected
                && expected != base.generation
            {
                let dataset = base.name.clone();
                return Err(Error::Conflict {
                    dataset,
                    expected,
                    found: base.generation,
                });
            }
            if changes.is_empty() {
                return Ok((None, base.generation));
            }
            let manifest = inner.changed(base, changes)?;
            let generation = manifest.generation;
            Ok((Some(Record::Put(manifest)), generation))
        })
    }

    /// Goes back to the generation before the newest one, as a new generation; may be repeated for as many as are kept
    /// (four). The name stays.
    ///
    /// # Errors
    /// [`Error::NothingToUndo`], or what the disk says.
    pub fn undo(&self) -> Result<u64> {
        self.undo_from(None)
    }

    /// As [`Dataset::undo`], but only if the dataset is still at the generation `expected`.
    ///
    /// # Errors
    /// As [`Dataset::undo`]; [`Error::Conflict`].
    pub fn undo_from(&self, expected: Option<u64>) -> Result<u64> {
        self.store.inner.write(|state| {
            let entry = self.entry(state)?;
            let current = &entry.current;
            if let Some(expected) = expected
                && expected != current.generation
            {
                return Err(Error::Conflict {
                    dataset: current.name.clone(),
                    expected,
                    found: current.generation,
                });
            }
            let before = entry.earlier.back().ok_or_else(|| Error::NothingToUndo {
                dataset: current.name.clone(),
            })?;
            let mut manifest = Manifest::clone(before);
            manifest.name = current.name.clone();
            manifest.generation = current.generation + 1;
            manifest.last_modified_at = random::now_millis();
            let generation = manifest.generation;
            Ok((Some(Record::Undo(manifest)), generation))
        })
    }

    /// The generation before the newest one: what [`Dataset::undo`] would go back to.
    ///
    /// # Errors
    /// [`Error::NothingToUndo`]; as [`Dataset::snapshot`].
    pub fn previous(&self) -> Result<Snapshot> {
        let inner = &self.store.inner;
        loop {
            let state = inner.current()?;
            let entry = self.entry(&state)?;
            let before = entry.earlier.back().ok_or_else(|| Error::NothingToUndo {
                dataset: entry.current.name.clone(),
            })?;
            let data = inner.watched(before);
            // As for the newest generation: what is still kept now is safe from a sweep from here on.
            let state = inner.current()?;
            if self.entry(&state)?.keeps(data.manifest.generation) {
                return Ok(Snapshot::new(self.store.clone(), data));
            }
        }
    }

    fn entry<'a>(&self, state: &'a State) -> Result<&'a Entry> {
        state.get(self.id).ok_or_else(|| Error::UnknownDataset {
            name: self.name.clone(),
            candidates: nearest(&self.name, state.names()),
        })
    }
}

impl Inner {
    /// The generation after `base` once all of `changes` are made; their new values are stored, and nothing is committed.
    pub fn changed(&self, base: &Manifest, changes: Changes) -> Result<Manifest> {
        let open = RefCell::new(HashMap::<SegmentId, Arc<Segment>>::new());
        let load = |at: ChunkRef| {
            let mut open = open.borrow_mut();
            let segment = match open.get(&at.segment) {
                Some(segment) => segment.clone(),
                None => {
                    let segment = self.segment(at.segment)?;
                    open.insert(at.segment, segment.clone());
                    segment
                }
            };
            segment
                .chunk(at.index, Depth::Usual)
                .map_err(|error| self.place(error))
        };
        let now = random::now_millis();
        let mut draft = Draft::of(base, now, &load);
        for step in changes.steps {
            draft.apply(step)?;
        }
        draft.stamp()?;
        for column in &mut draft.columns {
            settle(column, &load)?;
        }
        self.keep(draft, base, now)
    }

    /// Writes what is new in a draft into segments, and makes the manifest of the generation after `base`.
    pub fn keep(&self, draft: Draft<'_>, base: &Manifest, now: i64) -> Result<Manifest> {
        let mut new: Vec<(Content, ArrayRef)> = Vec::new();
        for column in &draft.columns {
            for piece in &column.pieces {
                if let DraftPiece::New(array) = piece {
                    new.push((
                        Content::Column(column.field.clone()),
                        text::stored_form(array),
                    ));
                }
            }
        }
        for run in &draft.runs {
            if let DraftPiece::New(array) = &run.record {
                new.push((
                    Content::Record {
                        run: run.key.clone(),
                    },
                    array.clone(),
                ));
            }
            for (name, piece) in &run.tables {
                if let DraftPiece::New(array) = piece {
                    let content = Content::Table {
                        run: run.key.clone(),
                        table: name.clone(),
                    };
                    new.push((content, array.clone()));
                }
            }
        }
        let (files, places) = plan_segments(new, || SegmentId(random::unique()));
        let manifest = manifest_of(draft, base, now, &mut places.into_iter());
        let encoded =
            codec::encode(&manifest).map_err(|why| self.damaged(crate::journal::FILE, why))?;
        let origin = Origin {
            dataset: base.id,
            name: &base.name,
            generation: manifest.generation,
        };
        let count = files.len();
        for (i, file) in files.iter().enumerate() {
            let carried = (i + 1 == count).then(|| encoded.clone());
            file.write(&*self.disk, &origin, carried, |action, name, error| {
                self.poison(action, name, error)
            })?;
        }
        if count > 0 {
            self.disk
                .sync_dir(crate::segment::DIR)
                .map_err(|error| self.poison("sync", crate::segment::DIR, error))?;
        }
        Ok(manifest)
    }
}

/// The manifest of a draft whose new pieces are stored at `places`, in the order in which `Inner::keep` walks them.
fn manifest_of(
    draft: Draft<'_>,
    base: &Manifest,
    now: i64,
    places: &mut dyn Iterator<Item = ChunkRef>,
) -> Manifest {
    let mut place = |piece: DraftPiece| -> Chunk {
        let rows = piece.len() as u64;
        match piece {
            DraftPiece::Null(_) => Chunk::Null { rows },
            DraftPiece::Stored(at, _) => Chunk::Stored { at, rows },
            DraftPiece::New(_) => match places.next() {
                Some(at) => Chunk::Stored { at, rows },
                None => Chunk::Null { rows },
            },
        }
    };
    let columns = draft
        .columns
        .into_iter()
        .map(|column| Column {
            field: column.field,
            chunks: column.pieces.into_iter().map(&mut place).collect(),
        })
        .collect();
    let mut runs = Vec::new();
    for run in draft.runs {
        let record = place(run.record);
        let tables = run
            .tables
            .into_iter()
            .map(|(name, piece)| (name, place(piece)));
        let tables: Vec<_> = tables
            .filter_map(|(name, chunk)| Some((name, chunk.at()?)))
            .collect();
        if let Some(record) = record.at() {
            runs.push(RunRef {
                key: run.key,
                record,
                fields: run.fields,
                tables,
            });
        }
    }
    Manifest {
        id: base.id,
        name: base.name.clone(),
        persistent: base.persistent,
        created_at: base.created_at,
        last_modified_at: now,
        generation: base.generation + 1,
        rows: draft.rows as u64,
        columns,
        runs,
        views: draft.views,
    }
}
