//! An immutable view of one generation: what a reader holds. Writers never wait for it, and nothing it shows changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};

use crate::column::{Piece, whole};
use crate::inner::{Inner, lock};
use crate::lookup::Lookup;
use crate::manifest::{Chunk, Column, Manifest, RunEntry, SavedView};
use crate::names::nearest;
use crate::segment::{ChunkRef, Depth, Segment, SegmentId};
use crate::text::Text;
use crate::{Error, Result, SampleId, Schema, Store, Vectors};

/// One generation of a dataset. Cheap to clone; its columns are assembled once and shared.
#[derive(Debug, Clone)]
pub struct Snapshot {
    store: Store,
    data: Arc<SnapshotData>,
}

/// What all handles on one generation share.
#[derive(Debug)]
pub(crate) struct SnapshotData {
    pub manifest: Arc<Manifest>,
    schema: Schema,
    columns: Mutex<HashMap<String, ArrayRef>>,
    segments: Mutex<HashMap<SegmentId, Arc<Segment>>>,
    runs: OnceLock<Vec<RunEntry>>,
    ids: Lookup<Vec<u8>>,
    paths: Lookup<String>,
}

impl SnapshotData {
    pub fn new(manifest: Arc<Manifest>) -> SnapshotData {
        SnapshotData {
            schema: manifest.schema(),
            manifest,
            columns: Mutex::default(),
            segments: Mutex::default(),
            runs: OnceLock::new(),
            ids: Lookup::default(),
            paths: Lookup::default(),
        }
    }
}

impl Snapshot {
    pub(crate) fn new(store: Store, data: Arc<SnapshotData>) -> Snapshot {
        Snapshot { store, data }
    }

    /// The dataset's name in this generation.
    pub fn dataset(&self) -> &str {
        &self.data.manifest.name
    }

    /// Which generation this is.
    pub fn generation(&self) -> u64 {
        self.data.manifest.generation
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.data.manifest.rows as usize
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields.
    pub fn schema(&self) -> &Schema {
        &self.data.schema
    }

    /// A whole top-level column, one value a row, null where nothing was set. Text may be `Utf8` or
    /// `Dictionary(Int32, Utf8)`; a dictionary's values are distinct. A column of one chunk is a view of the mapped file;
    /// one of several is put together once and kept.
    ///
    /// # Errors
    /// [`Error::UnknownField`]; [`Error::Damaged`]; what the disk says.
    pub fn column(&self, name: &str) -> Result<ArrayRef> {
        if let Some(array) = lock(&self.data.columns).get(name) {
            return Ok(array.clone());
        }
        let column = self.find(name)?;
        let pieces = column
            .chunks
            .iter()
            .map(|chunk| match chunk {
                Chunk::Null { rows } => Ok(Piece::Null(*rows as usize)),
                Chunk::Stored { at, rows } => self.values(*at, *rows),
            })
            .collect::<Result<Vec<_>>>()?;
        let array = whole(&column.field, &pieces)?;
        lock(&self.data.columns).insert(name.to_owned(), array.clone());
        Ok(array)
    }

    /// A vector field as a matrix; a view of the mapped file if the column is one chunk.
    ///
    /// # Errors
    /// As [`Snapshot::column`]; [`Error::NotVectors`].
    pub fn vectors(&self, name: &str) -> Result<Vectors> {
        let field = &self.find(name)?.field;
        let array = self.column(name)?;
        Vectors::of(&array).ok_or_else(|| Error::NotVectors {
            field: name.to_owned(),
            found: field.ty.to_string(),
        })
    }

    /// The row of a sample.
    ///
    /// # Errors
    /// As [`Snapshot::column`].
    pub fn row_of(&self, id: SampleId) -> Result<Option<usize>> {
        let column = self.column("id")?;
        let Some(ids) = column.as_fixed_size_binary_opt() else {
            return Ok(None);
        };
        Ok(self.data.ids.row(&id.0[..], || ids.iter()))
    }

    /// The first row with that file path.
    ///
    /// # Errors
    /// As [`Snapshot::column`].
    pub fn row_of_path(&self, filepath: &str) -> Result<Option<usize>> {
        let column = self.column("filepath")?;
        let Some(paths) = Text::of(&column) else {
            return Ok(None);
        };
        Ok(self.data.paths.row(filepath, || paths.iter()))
    }

    /// The runs, oldest first. The record of a run whose segment is damaged is empty; [`Store::verify`] says which
    /// segment that is.
    pub fn runs(&self) -> &[RunEntry] {
        self.data.runs.get_or_init(|| {
            let runs = self.data.manifest.runs.iter();
            runs.map(|run| RunEntry {
                key: run.key.clone(),
                record: self.text(run.record).unwrap_or_default(),
                fields: run.fields.clone(),
                tables: run.tables.iter().map(|(name, _)| name.clone()).collect(),
            })
            .collect()
        })
    }

    /// The run of that key.
    pub fn run(&self, key: &str) -> Option<&RunEntry> {
        self.runs().iter().find(|run| run.key == key)
    }

    /// A table of a run; `None` if the run has no table of that name.
    ///
    /// # Errors
    /// [`Error::UnknownRun`]; [`Error::Damaged`]; what the disk says.
    pub fn run_table(&self, key: &str, table: &str) -> Result<Option<RecordBatch>> {
        let runs = &self.data.manifest.runs;
        let run = runs
            .iter()
            .find(|run| run.key == key)
            .ok_or_else(|| Error::UnknownRun {
                dataset: self.dataset().to_owned(),
                key: key.to_owned(),
                candidates: nearest(key, runs.iter().map(|run| &*run.key)),
            })?;
        let Some((_, at)) = run.tables.iter().find(|(name, _)| name == table) else {
            return Ok(None);
        };
        let array = self.chunk(*at)?;
        let fields = array.as_struct_opt().ok_or_else(|| {
            self.inner()
                .damaged(&at.segment.file(), "a table is no struct".into())
        })?;
        Ok(Some(RecordBatch::from(fields)))
    }

    /// The saved views, oldest first.
    pub fn views(&self) -> &[SavedView] {
        &self.data.manifest.views
    }

    /// Whether a field is kept in the same pieces of the same segments in both generations, so that its values are the
    /// same. The other way round, equal values may be kept in different places.
    pub fn shares(&self, other: &Snapshot, field: &str) -> bool {
        match (self.find(field), other.find(field)) {
            (Ok(own), Ok(their)) => own == their,
            _ => false,
        }
    }

    fn inner(&self) -> &Inner {
        &self.store.inner
    }

    fn find(&self, name: &str) -> Result<&Column> {
        let columns = &self.data.manifest.columns;
        columns
            .iter()
            .find(|column| column.field.name == name)
            .ok_or_else(|| Error::UnknownField {
                dataset: self.dataset().to_owned(),
                name: name.to_owned(),
                candidates: nearest(name, columns.iter().map(|column| &*column.field.name)),
            })
    }

    fn values(&self, at: ChunkRef, rows: u64) -> Result<Piece> {
        let array = self.chunk(at)?;
        if array.len() as u64 == rows {
            return Ok(Piece::Values(array));
        }
        let why = format!("chunk {} has {} rows, not {rows}", at.index, array.len());
        Err(self.inner().damaged(&at.segment.file(), why))
    }

    fn text(&self, at: ChunkRef) -> Result<String> {
        let array = self.chunk(at)?;
        match Text::of(&array).and_then(|text| text.iter().next().flatten()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self
                .inner()
                .damaged(&at.segment.file(), "a record is no text".into())),
        }
    }

    fn chunk(&self, at: ChunkRef) -> Result<ArrayRef> {
        let known = lock(&self.data.segments).get(&at.segment).cloned();
        let segment = match known {
            Some(segment) => segment,
            None => {
                let segment = self.inner().segment(at.segment)?;
                lock(&self.data.segments).insert(at.segment, segment.clone());
                segment
            }
        };
        segment
            .chunk(at.index, Depth::Usual)
            .map_err(|error| self.inner().place(error))
    }
}
