//! Promises about picture files: what is read, embedded, imported and exported. One binary, so that it links once.

mod decoding;
mod embedding;
mod exporting;
mod hostile_files;
mod importing;
mod values_in;
mod vectors_in;
mod world;
