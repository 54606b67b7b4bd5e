//! The store's one error type.

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No dataset of that name.
    #[error("there is no dataset called {name:?}")]
    UnknownDataset {
        /// The name given.
        name: String,
        /// Names that exist, nearest first.
        candidates: Vec<String>,
    },
}
