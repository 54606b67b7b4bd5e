//! Edits: calls that end a chain and change what is stored. This crate only works out what would be different; making it
//! so, in one commit, is the engine's business. So a query that is merely evaluated never writes.

mod copy;
mod fields;
mod fits;
mod label_tags;
mod rows;
mod save;
mod save_view;
mod set_values;
mod tags;
mod values;
mod written;

pub use save_view::is_color;
pub use tags::tagged;

use std::fmt;

use arrow::array::ArrayRef;
use arrow::buffer::BooleanBuffer;
use messier_store::Field;

use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planned, Planner};
use crate::signature::Signature;
use crate::syntax::Span;
use crate::types::Type;

/// What is to be different once an edit has been made.
#[derive(Debug, Clone)]
pub enum Change {
    /// Whole columns take the place of stored ones, or are added; other fields are removed.
    Columns {
        /// Columns of the dataset, one value a row of it.
        set: Vec<SetColumn>,
        /// Top-level fields that go.
        drop: Vec<String>,
        /// What is named to people: fields and paths that are set or removed.
        named: Vec<String>,
    },
    /// Only the rows whose bit is set stay; one bit a row of the dataset.
    Retain(BooleanBuffer),
    /// The view becomes a dataset of its own.
    Copy {
        /// Its name.
        name: String,
        /// Whether it outlives its last user.
        persistent: bool,
    },
    /// A view is kept by name.
    View {
        /// The name.
        name: String,
        /// The canonical text of the view.
        text: String,
        /// What it is for.
        description: Option<String>,
        /// The colour it is shown in, `#rrggbb`.
        color: Option<String>,
        /// Whether a view of that name is replaced.
        overwrite: bool,
    },
}

/// One column of a [`Change`].
#[derive(Debug, Clone)]
pub struct SetColumn {
    /// The field, with the type it has afterwards.
    pub field: Field,
    /// One value a row of the dataset.
    pub values: ArrayRef,
}

/// What an edit is planned after.
pub struct Before<'s> {
    /// The stages that make the view.
    pub steps: &'s [Planned],
    /// Their canonical text; empty for all samples.
    pub text: &'s str,
}

/// An edit: what it is called with, and what it plans to do.
pub trait Edit: Sync {
    /// Name, what it is for, parameters, examples.
    fn signature(&'static self) -> &'static Signature;

    /// The edit with its arguments bound; `None` where a mistake has been reported.
    fn plan(
        &self,
        args: &Arguments<'_>,
        before: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>>;

    /// Whether the rows must be samples of the dataset, neither patches nor groups.
    fn needs_samples(&self) -> bool {
        true
    }
}

/// An edit with everything it needs bound.
pub trait Alter: fmt::Debug + Send + Sync {
    /// What is to be different.
    ///
    /// # Errors
    /// What the source reports, and [`Error::Refused`] for what only the data can show.
    fn run(&self, frame: &Frame, context: &Context) -> Result<Change, Error>;
}

/// Every edit, in the order the reference lists them.
static EDITS: &[&dyn Edit] = &[
    &save::SAVE,
    &set_values::SET_VALUES,
    &tags::TAG_SAMPLES,
    &tags::UNTAG_SAMPLES,
    &label_tags::TAG_LABELS,
    &label_tags::UNTAG_LABELS,
    &rows::KEEP,
    &rows::CLEAR,
    &rows::DELETE_SAMPLES,
    &fields::KEEP_FIELDS,
    &copy::CLONE,
    &save_view::SAVE_VIEW,
];

/// All edits.
pub fn all() -> impl Iterator<Item = &'static dyn Edit> {
    EDITS.iter().copied()
}

/// The edit of that name.
pub fn find(name: &str) -> Option<&'static dyn Edit> {
    all().find(|edit| edit.signature().name == name)
}

/// The columns that stages compute, each once, with the type the last of them gives it.
pub(crate) fn edited(steps: &[Planned]) -> Vec<(String, Type)> {
    let mut edited: Vec<(String, Type)> = Vec::new();
    for (name, ty) in steps.iter().flat_map(|step| step.run.edits()) {
        match edited.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = ty,
            None => edited.push((name, ty)),
        }
    }
    edited
}

/// The refusal of an edit for something that only the data can show.
pub(crate) fn refused(
    code: &'static str,
    message: impl Into<String>,
    span: Span,
    label: impl Into<String>,
    hint: impl Into<String>,
) -> Error {
    crate::Diagnostic::new(code, message, span, label)
        .hint(hint)
        .refused()
}
