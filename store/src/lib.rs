//! What is kept: named datasets, typed columns, vectors, runs, views. Knows no algorithm.
//!
//! A *store* is a directory. Values are in immutable *segments* (Arrow arrays, checksummed, memory-mapped); what a
//! dataset is, is a small *manifest*; a *commit* is one synced record of a manifest in the *journal*. Readers hold an
//! immutable [`Snapshot`]. `docs/format.md` gives every byte, and why a crash cannot hurt it.
//!
//! What is promised: a commit that was acknowledged survives a power cut, whole; one that was not is there whole or not
//! at all. It is checked on a simulated disk at every disk call of short workloads, and by killing writers.
//!
//! What it is not: a database of many small rows. A commit costs about three syncs, and sets whole columns.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{ArrayRef, StringArray};
//! use messier_store::{Changes, Field, FieldType, NewDataset, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path())?;
//! let trip = store.create("trip", NewDataset::default())?;
//! let paths: ArrayRef = Arc::new(StringArray::from(vec!["a.jpg", "b.jpg"]));
//! let mut changes = Changes::new();
//! changes.append(vec![(Field::new("filepath", FieldType::Text), paths)]);
//! trip.commit(changes)?;
//!
//! let snapshot = trip.snapshot()?;
//! assert_eq!(snapshot.len(), 2);
//! assert_eq!(snapshot.row_of_path("b.jpg")?, Some(1));
//! # Ok(())
//! # }
//! ```

mod catalog;
mod changed;
mod changes;
mod codec;
mod column;
mod dataset;
pub mod disk;
mod draft;
mod error;
mod follow;
mod inner;
mod journal;
mod lookup;
mod manifest;
mod merge;
mod names;
pub mod owner;
mod random;
mod refresh;
mod repair;
mod segment;
mod snapshot;
mod state;
mod store;
mod sweep;
mod text;
mod types;
mod vectors;
mod verify;
mod writer;

pub use changed::changed_rows;
pub use changes::Changes;
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use manifest::{RunEntry, SavedView};
pub use names::{MAX_NAME_BYTES, check_dataset_name};
pub use repair::{Repaired, RepairedDataset, Source, repair};
pub use snapshot::Snapshot;
pub use state::KEPT_GENERATIONS;
pub use store::{DatasetInfo, NewDataset, Store};
pub use sweep::Swept;
pub use types::{Field, FieldType, ID_BYTES, SampleId, Schema, StructKind};
pub use vectors::Vectors;
pub use verify::{Problem, Verified};
