//! The query language: text to syntax, to a checked plan, to rows.

mod diagnostic;
mod parse;
pub mod signature;
pub mod syntax;

pub use diagnostic::{Diagnostic, Diagnostics, Edit, Label, nearest};
pub use parse::{MAX_BYTES, iso_date, iso_datetime, parse};
