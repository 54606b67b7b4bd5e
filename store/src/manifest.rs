//! The manifest: everything a generation of a dataset is, small, because the values are in segments.
//!
//! A journal record holds a whole manifest and not a difference, so that any record is enough to know its dataset.

use serde::{Deserialize, Serialize};

use crate::segment::{ChunkRef, SegmentId};
use crate::{Field, Schema};

/// One generation of one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The dataset's number, drawn at random and never used again.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whether it outlives its last user.
    pub persistent: bool,
    /// When it was made, in milliseconds since 1970 in UTC.
    pub created_at: i64,
    /// When it was last changed, likewise.
    pub last_modified_at: i64,
    /// Counts its commits, from 1.
    pub generation: u64,
    /// Number of samples.
    pub rows: u64,
    /// Its fields, in order, and where their values are.
    pub columns: Vec<Column>,
    /// Its runs, oldest first.
    pub runs: Vec<RunRef>,
    /// Its saved views, oldest first.
    pub views: Vec<SavedView>,
}

/// A field and where its values are, first rows first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The field.
    pub field: Field,
    /// The pieces; their rows add up to the dataset's.
    pub chunks: Vec<Chunk>,
}

/// A piece of a column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Chunk {
    /// Values in a segment.
    Stored {
        /// Where.
        at: ChunkRef,
        /// How many.
        rows: u64,
    },
    /// So many nulls.
    Null {
        /// How many.
        rows: u64,
    },
}

impl Chunk {
    /// Where it is stored, if it is.
    pub fn at(&self) -> Option<ChunkRef> {
        match self {
            Chunk::Stored { at, .. } => Some(*at),
            Chunk::Null { .. } => None,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        match self {
            Chunk::Stored { rows, .. } | Chunk::Null { rows } => *rows,
        }
    }
}

/// A run as the manifest knows it: its record and tables are in segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRef {
    /// The key.
    pub key: String,
    /// Where the text of its record is.
    pub record: ChunkRef,
    /// Fields it wrote.
    pub fields: Vec<String>,
    /// Its tables: name and place.
    pub tables: Vec<(String, ChunkRef)>,
}

/// A run of an operator on a dataset: what was done, and what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// The key, unique in the dataset.
    pub key: String,
    /// The record, JSON text that the engine writes and reads.
    pub record: String,
    /// Fields of the dataset that it wrote.
    pub fields: Vec<String>,
    /// Names of its tables.
    pub tables: Vec<String>,
}

/// A view kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// The name, unique in the dataset.
    pub name: String,
    /// The query.
    pub text: String,
    /// What it is for.
    pub description: Option<String>,
    /// The colour it is shown in.
    pub color: Option<String>,
    /// When it was made, in milliseconds since 1970 in UTC.
    pub created_at: i64,
    /// When it was last changed, likewise.
    pub last_modified_at: i64,
}

impl Manifest {
    /// An empty dataset with the fields of every sample.
    pub fn new(id: u64, name: &str, persistent: bool, now: i64) -> Manifest {
        let fields = Schema::of_samples().fields;
        Manifest {
            id,
            name: name.to_owned(),
            persistent,
            created_at: now,
            last_modified_at: now,
            generation: 1,
            rows: 0,
            columns: fields
                .into_iter()
                .map(|field| Column {
                    field,
                    chunks: Vec::new(),
                })
                .collect(),
            runs: Vec::new(),
            views: Vec::new(),
        }
    }

    /// The fields.
    pub fn schema(&self) -> Schema {
        Schema {
            fields: self
                .columns
                .iter()
                .map(|column| column.field.clone())
                .collect(),
        }
    }

    /// Every chunk it refers to.
    pub fn chunks(&self) -> impl Iterator<Item = ChunkRef> + '_ {
        let columns = self.columns.iter().flat_map(|column| &column.chunks);
        let stored = columns.filter_map(Chunk::at);
        let runs = self.runs.iter().flat_map(|run| {
            std::iter::once(run.record).chain(run.tables.iter().map(|(_, at)| *at))
        });
        stored.chain(runs)
    }

    /// Every segment it refers to (some more than once).
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> + '_ {
        self.chunks().map(|at| at.segment)
    }
}
