//! What is kept: named datasets, typed columns, vectors, runs, views. Knows no algorithm.

mod error;
mod types;

pub use error::Error;
pub use types::{Field, FieldType, ID_BYTES, SampleId, Schema, StructKind};
