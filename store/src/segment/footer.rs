//! What a segment says of itself, at its end: written last, so that a file without a whole footer is a file whose
//! writing was cut short.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::layout::Node;
use crate::Field;

/// The description of a segment's chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Footer {
    /// The dataset it was written for (copies of a dataset share segments).
    pub dataset: u64,
    /// That dataset's name then.
    pub name: String,
    /// The generation it was written for.
    pub generation: u64,
    /// The chunks, in the order of their bytes.
    pub chunks: Vec<ChunkInfo>,
    /// The encoded manifest of that generation, in the last file written of a commit: with it, a store can be rebuilt
    /// when journal and catalogue are both gone.
    pub manifest: Option<Vec<u8>>,
}

/// One chunk: one Arrow array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkInfo {
    /// What it holds.
    pub content: Content,
    /// Its Arrow type.
    pub kind: Kind,
    /// Its bytes: from here ...
    pub start: u64,
    /// ... up to here.
    pub end: u64,
    /// CRC-32 of those bytes.
    pub sum: u32,
    /// Where its buffers are.
    pub root: Node,
}

/// What a chunk holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Values of a field.
    Column(Field),
    /// The record of a run: one text.
    Record {
        /// The run's key.
        run: String,
    },
    /// A table of a run: a struct array, one child a column.
    Table {
        /// The run's key.
        run: String,
        /// The table's name.
        table: String,
    },
}
