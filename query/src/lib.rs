//! The query language: text to syntax, to a checked plan, to rows.

mod aggregations;
mod answer;
pub mod columns;
mod complete;
mod diagnostic;
mod domain;
mod edits;
mod error;
mod eval;
mod format;
mod functions;
mod highlight;
mod parse;
mod plan;
mod reference;
pub mod signature;
mod similar;
mod source;
mod stages;
pub mod syntax;
mod types;

pub use answer::{Answer, EditCall, OperatorCall, Value, View};
pub use complete::{Completion, CompletionEnv, CompletionKind, Hint, complete, hint, is_complete};
pub use diagnostic::{Diagnostic, Diagnostics, Edit, Label, Report, nearest};
pub use edits::{Change, SetColumn, is_color, tagged};
pub use error::Error;
pub use eval::evaluate;
pub use format::{LINE, format, format_expression};
pub use highlight::{Style, highlight};
pub use parse::{MAX_BYTES, iso_date, iso_datetime, parse};
pub use plan::{Env, Plan, plan};
pub use reference::reference;
pub use similar::Similarity;
pub use source::{Source, Table};
pub use types::Type;

/// The signature of every stage, aggregation, edit, function and operator symbol of the language; engine operators have theirs
/// in the engine.
pub fn signatures() -> impl Iterator<Item = &'static signature::Signature> {
    stages::all()
        .map(|stage| stage.signature())
        .chain(aggregations::all().map(|aggregation| aggregation.signature()))
        .chain(edits::all().map(|edit| edit.signature()))
        .chain(
            functions::OPERATORS
                .iter()
                .map(|operator| operator.signature()),
        )
        .chain(functions::members().map(|member| member.signature()))
}
