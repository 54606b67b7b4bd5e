//! What the store promises, one file a promise.

mod commits_are_read_back;
mod names_are_harmless;
mod world;
