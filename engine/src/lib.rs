//! What is computed: models, reductions, clusterings, neighbours, scores. Writes runs.

pub mod cluster;
pub mod context;
mod error;
pub mod reduce;

pub use error::Error;
