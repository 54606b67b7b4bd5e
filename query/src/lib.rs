//! The query language: text to syntax, to a checked plan, to rows.

mod diagnostic;
mod format;
mod parse;
pub mod signature;
pub mod syntax;

pub use diagnostic::{Diagnostic, Diagnostics, Edit, Label, nearest};
pub use format::{LINE, format, format_expression};
pub use parse::{MAX_BYTES, iso_date, iso_datetime, parse};
