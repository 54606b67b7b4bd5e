//! The query language: text to syntax, to a checked plan, to rows.

mod diagnostic;
pub mod signature;
pub mod syntax;

pub use diagnostic::{Diagnostic, Diagnostics, Edit, Label, nearest};
