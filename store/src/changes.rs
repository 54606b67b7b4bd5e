//! What one commit is to do, written down before anything is done: a list of steps, applied in order, all or nothing.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};

use crate::Field;
use crate::manifest::{RunEntry, SavedView};

/// Everything one commit does, applied in order, all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub(crate) expected: Option<u64>,
    pub(crate) steps: Vec<Step>,
}

/// One step of a commit.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Append(Vec<(Field, ArrayRef)>),
    SetColumn(Field, ArrayRef),
    DropField(String),
    RenameField(String, String),
    ClearField(String),
    Retain(BooleanArray),
    PutRun(RunEntry, Vec<(String, RecordBatch)>),
    DeleteRun(String),
    RenameRun(String, String),
    PutView(SavedView),
    DeleteView(String),
    RenameView(String, String),
}

impl Changes {
    /// No changes.
    pub fn new() -> Changes {
        Changes::default()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Makes the commit fail with [`Error::Conflict`](crate::Error::Conflict) if the dataset is not at `generation`.
    pub fn expecting(mut self, generation: u64) -> Changes {
        self.expected = Some(generation);
        self
    }

    /// Adds rows. All columns have one length. `id`, `tags`, `created_at` and `last_modified_at` are filled in where
    /// absent; fields that the dataset lacks are added (null in the rows there are); fields it has must match in type.
    pub fn append(&mut self, columns: Vec<(Field, ArrayRef)>) {
        self.steps.push(Step::Append(columns));
    }

    /// Sets a whole column, one value a row: adds the field, or replaces its values (and, except for the fields of every
    /// sample, its type). Rows whose value changes get a new `last_modified_at`.
    pub fn set_column(&mut self, field: Field, values: ArrayRef) {
        self.steps.push(Step::SetColumn(field, values));
    }

    /// Removes a field and its values.
    pub fn drop_field(&mut self, name: &str) {
        self.steps.push(Step::DropField(name.to_owned()));
    }

    /// Gives a field another name; it keeps its place.
    pub fn rename_field(&mut self, from: &str, to: &str) {
        self.steps
            .push(Step::RenameField(from.to_owned(), to.to_owned()));
    }

    /// Makes every value of a field null (`tags`: empty).
    pub fn clear_field(&mut self, name: &str) {
        self.steps.push(Step::ClearField(name.to_owned()));
    }

    /// Keeps the rows where `mask` (one value a row) is true; null counts as false.
    pub fn retain(&mut self, mask: BooleanArray) {
        self.steps.push(Step::Retain(mask));
    }

    /// Adds a run, or replaces the one of that key. `tables` are added to it; tables that `run.tables` names and that
    /// are not given again are kept from the run that is replaced.
    pub fn put_run(&mut self, run: RunEntry, tables: Vec<(String, RecordBatch)>) {
        self.steps.push(Step::PutRun(run, tables));
    }

    /// Removes a run's record and tables. Fields it wrote stay; drop them by name.
    pub fn delete_run(&mut self, key: &str) {
        self.steps.push(Step::DeleteRun(key.to_owned()));
    }

    /// Gives a run another key.
    pub fn rename_run(&mut self, from: &str, to: &str) {
        self.steps
            .push(Step::RenameRun(from.to_owned(), to.to_owned()));
    }

    /// Saves a view, or replaces the one of that name.
    pub fn put_view(&mut self, view: SavedView) {
        self.steps.push(Step::PutView(view));
    }

    /// Removes a saved view.
    pub fn delete_view(&mut self, name: &str) {
        self.steps.push(Step::DeleteView(name.to_owned()));
    }

    /// Gives a saved view another name.
    pub fn rename_view(&mut self, from: &str, to: &str) {
        self.steps
            .push(Step::RenameView(from.to_owned(), to.to_owned()));
    }
}
