//! What a query comes to: a view, a value, a call for the engine, or a text for people.

mod view;

pub use view::View;

use crate::edits::Change;
use crate::signature::Args;
use crate::syntax::Span;

/// What a query comes to.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Samples, in order.
    View(View),
    /// One value.
    Value(Value),
    /// An operator to be run over a view, which is the engine's business.
    Call(OperatorCall),
    /// A text for people: `explain()`.
    Text(String),
    /// A change of what is stored, worked out but not made, which is the engine's business.
    Edit(Box<EditCall>),
}

/// A value, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The value.
    pub value: serde_json::Value,
    /// How many values could not be computed and became null.
    pub skipped: u64,
}

/// An operator with everything it needs.
#[derive(Debug, Clone)]
pub struct OperatorCall {
    /// The operator's name.
    pub operator: String,
    /// Its arguments, defaults filled in, those of the chosen method among them.
    pub args: Args,
    /// The samples it is to work on.
    pub view: View,
    /// The canonical text of the stages that made the view; empty for all samples.
    pub view_text: String,
}

/// A change of what is stored, with everything it needs. Nothing has been changed yet.
#[derive(Debug, Clone)]
pub struct EditCall {
    /// The edit's name: `"save"`.
    pub edit: &'static str,
    /// What is to be different.
    pub change: Change,
    /// The samples it is about.
    pub view: View,
    /// The canonical text of the stages that made the view; empty for all samples.
    pub view_text: String,
    /// Where the call was typed, for what the store has to say about it.
    pub span: Span,
}
