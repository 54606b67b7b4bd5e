//! What is computed: models, reductions, clusterings, neighbours, scores. Writes runs.

pub mod cluster;
pub mod context;
mod counted;
pub mod decode;
mod error;
pub mod exchange;
pub mod finite;
mod graph;
pub mod linalg;
pub mod models;
pub mod neighbors;
mod pool;
mod random;
pub mod reduce;
mod registry;
pub mod runs;
pub mod score;
mod session;

pub use error::Error;
pub use session::{
    Comparison, Difference, EditRecord, Edited, Group, ImportOutcome, Overlap, Pair, Reply, Rerun,
    Session, Undone, ViewDetails, operators,
};
