//! Steps that set, drop, rename and clear whole fields.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;

use super::rows::default_piece;
use super::{Draft, DraftColumn, DraftPiece, expect_len};
use crate::changed::changed_rows;
use crate::column::{check_field, conform};
use crate::{Error, Field, Result, names};

impl Draft<'_> {
    pub(super) fn set_column(&mut self, field: Field, values: &ArrayRef) -> Result<()> {
        expect_len(&field.name, self.rows, values.len())?;
        if matches!(&*field.name, "id" | "created_at") {
            return Err(Error::BuiltInField {
                name: field.name,
                what: "replaced",
            });
        }
        let known = self
            .columns
            .iter()
            .position(|column| column.field.name == field.name);
        let at = match known {
            Some(at)
                if self.columns[at].field.ty != field.ty && !names::is_built_in(&field.name) =>
            {
                check_field(&field)?;
                at
            }
            _ => self.find_or_add(&field)?,
        };
        let values = conform(&field, values)?;
        if field.name != "last_modified_at" {
            self.touch(&self.changes_of(at, &values)?);
        }
        self.columns[at] = DraftColumn {
            field,
            pieces: vec![DraftPiece::of(values)],
        };
        Ok(())
    }

    /// Which rows of column `at` differ from `new`.
    pub(super) fn changes_of(&self, at: usize, new: &ArrayRef) -> Result<BooleanBuffer> {
        if self.columns[at]
            .pieces
            .iter()
            .all(|piece| matches!(piece, DraftPiece::Null(_)))
        {
            return Ok(set_rows(new));
        }
        Ok(changed_rows(&self.values(at)?, new))
    }

    pub(super) fn drop_field(&mut self, name: &str) -> Result<()> {
        let at = self.column_at(name)?;
        refuse_built_in(name, "dropped")?;
        self.columns.remove(at);
        Ok(())
    }

    pub(super) fn rename_field(&mut self, from: &str, to: String) -> Result<()> {
        let at = self.column_at(from)?;
        if from == to {
            return Ok(());
        }
        refuse_built_in(from, "renamed")?;
        names::check_field_name(&to)?;
        if self.columns.iter().any(|column| column.field.name == to) {
            return Err(Error::FieldExists { name: to });
        }
        self.columns[at].field.name = to;
        Ok(())
    }

    pub(super) fn clear_field(&mut self, name: &str) -> Result<()> {
        let at = self.column_at(name)?;
        if !matches!(name, "tags" | "metadata") {
            refuse_built_in(name, "cleared")?;
        }
        let cleared = match name {
            "tags" => default_piece(name, self.rows, self.now),
            _ => DraftPiece::Null(self.rows),
        };
        let changed = match &cleared {
            DraftPiece::New(empty) => self.changes_of(at, empty)?,
            _ => set_rows(&self.values(at)?),
        };
        self.touch(&changed);
        self.columns[at].pieces = vec![cleared];
        Ok(())
    }
}

/// The rows that hold a value.
fn set_rows(values: &ArrayRef) -> BooleanBuffer {
    match values.logical_nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(values.len()),
    }
}

fn refuse_built_in(name: &str, what: &'static str) -> Result<()> {
    if names::is_built_in(name) {
        return Err(Error::BuiltInField {
            name: name.to_owned(),
            what,
        });
    }
    Ok(())
}
