//! Data in and out: importers, exporters, values and vectors read from files, and the pictures of the demo.
//!
//! An importer gives columns for one commit, an exporter takes rows. Neither knows the store: what a dataset holds
//! already is handed down as a question about a path, so both can be tested on plain files. Nothing is half done: an
//! import that fails gives no columns, an export that fails leaves nothing behind.

pub mod demo;
pub mod export;
mod files;
pub mod import;
mod infer;
mod npy;
mod table;
mod typed;
pub mod values;
pub mod vectors;

pub use export::{EXPORTERS, Exported, Exporter, Rows};
pub use import::{IMPORTERS, Imported, Importer, Report, Skipped};
