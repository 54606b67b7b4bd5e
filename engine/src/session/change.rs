//! Edits made: what a query worked out becomes one commit, expecting the state that it was worked out for. Looking only,
//! for a rehearsal, takes the same way up to the commit.

use arrow::array::{Array, BooleanArray};
use arrow::buffer::BooleanBuffer;
use messier_query::{Change, Diagnostic, Diagnostics, EditCall, SetColumn, Type};
use messier_store::{Changes, Dataset, SavedView, Snapshot, changed_rows};
use serde::Serialize;

use super::copy;
use crate::error::Error;

/// What an edit did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditRecord {
    /// The edit's name: `"save"`.
    pub edit: String,
    /// The dataset.
    pub dataset: String,
    /// How many samples, fields or views are different now.
    pub changed: u64,
    /// What was counted: `"samples"`, `"fields"`, `"views"`.
    pub what: &'static str,
    /// Fields that were set or removed, also as paths.
    pub fields: Vec<String>,
    /// The name of the dataset or view that was made.
    pub name: Option<String>,
    /// How many samples the dataset has now, or the new one, or the saved view.
    pub samples: u64,
    /// Values that could not be computed and were stored as null.
    pub skipped: u64,
    /// Whether it was only worked out.
    pub dry_run: bool,
}

/// Where an edit is made.
pub(super) struct Place<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Its state that the edit was worked out for.
    pub snapshot: &'a Snapshot,
    /// The text that asked for the edit, for what is to be said about it.
    pub text: &'a str,
    /// Whether to stop before the commit.
    pub dry: bool,
}

impl Place<'_> {
    /// Makes the edit, unless this is a rehearsal.
    ///
    /// # Errors
    /// A change that the store or a run's record does not allow, with the place in the text; the store's conflict if
    /// somebody else has committed meanwhile.
    pub fn make(&self, call: &EditCall) -> Result<EditRecord, Error> {
        let mut record = EditRecord {
            edit: call.edit.to_owned(),
            dataset: self.snapshot.dataset().to_owned(),
            changed: 0,
            what: "samples",
            fields: Vec::new(),
            name: None,
            samples: self.snapshot.len() as u64,
            skipped: call.view.skipped(),
            dry_run: self.dry,
        };
        match &call.change {
            Change::Columns { set, drop, named } => {
                self.columns(call, set, drop, &mut record)?;
                record.fields.clone_from(named);
                if call.edit == "keep_fields" {
                    record.what = "fields";
                    record.changed = named.len() as u64;
                }
            }
            Change::Retain(keep) => {
                let kept = keep.count_set_bits();
                record.changed = (self.snapshot.len() - kept) as u64;
                record.samples = kept as u64;
                let mut changes = self.changes();
                if record.changed > 0 {
                    changes.retain(BooleanArray::new(keep.clone(), None));
                }
                self.commit(changes)?;
            }
            Change::Copy { name, persistent } => {
                record.changed = call.view.len() as u64;
                record.samples = record.changed;
                record.name = Some(name.clone());
                copy::make(self, call, name, *persistent)?;
            }
            Change::View { .. } => {
                record.what = "views";
                record.changed = 1;
                record.samples = call.view.len() as u64;
                record.name = self.view(call)?;
            }
        }
        Ok(record)
    }

    /// No changes yet, expecting the state that was looked at.
    pub fn changes(&self) -> Changes {
        Changes::new().expecting(self.snapshot.generation())
    }

    fn commit(&self, changes: Changes) -> Result<(), Error> {
        if !self.dry && !changes.is_empty() {
            self.dataset.commit(changes)?;
        }
        Ok(())
    }

    /// A mistake at the place of the call.
    pub fn mistake(
        &self,
        call: &EditCall,
        code: &'static str,
        message: String,
        label: &str,
        hint: &str,
    ) -> Error {
        let mistake = Diagnostic::new(code, message, call.span, label).hint(hint);
        Error::query(self.text, Diagnostics(vec![mistake]))
    }

    fn columns(
        &self,
        call: &EditCall,
        set: &[SetColumn],
        drop: &[String],
        record: &mut EditRecord,
    ) -> Result<(), Error> {
        let names = set.iter().map(|column| &column.field.name).chain(drop);
        for name in names {
            self.refuse_field_of_run(call, name)?;
        }
        let mut changes = self.changes();
        let mut touched = BooleanBuffer::new_unset(self.snapshot.len());
        for column in set {
            let name = &column.field.name;
            let stored = self.snapshot.schema().field(name);
            let differ = match stored {
                None => not_null(column),
                Some(_) => {
                    let old = self.snapshot.column(name)?;
                    let old = messier_query::columns::cast(&old, &Type::from(&column.field.ty))?;
                    changed_rows(&old, &column.values)
                }
            };
            let same_type = stored.is_some_and(|stored| stored.ty == column.field.ty);
            if !same_type || differ.count_set_bits() > 0 {
                changes.set_column(column.field.clone(), column.values.clone());
            }
            touched = &touched | &differ;
        }
        drop.iter().for_each(|name| changes.drop_field(name));
        record.changed = touched.count_set_bits() as u64;
        self.commit(changes)
    }

    /// A field that a run wrote is what the run's record says it is.
    fn refuse_field_of_run(&self, call: &EditCall, name: &str) -> Result<(), Error> {
        let runs = self.snapshot.runs().iter();
        let Some(run) = runs
            .into_iter()
            .find(|run| run.fields.iter().any(|field| field == name))
        else {
            return Ok(());
        };
        let removes = call.edit == "keep_fields";
        let hint = if removes {
            format!(
                "`messier runs {} delete {}` removes the run with its field",
                self.snapshot.dataset(),
                run.key
            )
        } else {
            format!("use a field of another name: set_field(\"{name}_edited\", ...).save()")
        };
        Err(self.mistake(
            call,
            "field-of-run",
            format!(
                "the field `{name}` was written by the run {:?} and stays as the run left it",
                run.key
            ),
            "belongs to a run",
            &hint,
        ))
    }

    fn view(&self, call: &EditCall) -> Result<Option<String>, Error> {
        let Change::View {
            name,
            text,
            description,
            color,
            overwrite,
        } = &call.change
        else {
            return Ok(None);
        };
        let old = self.snapshot.views().iter().find(|view| view.name == *name);
        if old.is_some() && !overwrite {
            return Err(self.mistake(
                call,
                "view-exists",
                format!("there is a view called {name:?} already"),
                "the name is taken",
                "choose another name, or say overwrite=True",
            ));
        }
        let now = chrono::Utc::now().timestamp_millis();
        let mut changes = self.changes();
        changes.put_view(SavedView {
            name: name.clone(),
            text: text.clone(),
            description: description.clone(),
            color: color.clone(),
            created_at: old.map_or(now, |old| old.created_at),
            last_modified_at: now,
        });
        self.commit(changes)?;
        Ok(Some(name.clone()))
    }
}

/// The rows of a column that hold a value.
fn not_null(column: &SetColumn) -> BooleanBuffer {
    match column.values.logical_nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(column.values.len()),
    }
}
