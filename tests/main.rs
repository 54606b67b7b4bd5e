//! What Messier promises: tests of the whole program, run as a person runs it, one file a promise.
//!
//! One binary, so that it links once. A test that needs a dataset copies a finished store (`fixtures`) instead of
//! building its own, and looks at outcomes with `messier` itself, never inside the store.

mod fixtures;
mod pictures;
mod promises;
mod vectors;
mod world;
