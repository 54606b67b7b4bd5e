//! A generation being made: the steps of a commit are applied to a list of pieces in memory, and nothing is written
//! before all of them have succeeded.

mod fields;
mod rows;
mod runs;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBufferBuilder, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::TimestampMillisecondType;

use crate::changes::Step;
use crate::column::{Piece, piece_of, whole};
use crate::manifest::{Chunk, Manifest, SavedView};
use crate::names::nearest;
use crate::segment::ChunkRef;
use crate::{Error, Field, Result};

pub use rows::default_piece;

/// Reads a chunk.
pub type Load<'a> = &'a dyn Fn(ChunkRef) -> Result<ArrayRef>;

/// A generation being made.
pub struct Draft<'a> {
    load: Load<'a>,
    now: i64,
    dataset: String,
    /// Number of rows.
    pub rows: usize,
    /// The columns.
    pub columns: Vec<DraftColumn>,
    /// The runs.
    pub runs: Vec<DraftRun>,
    /// The saved views.
    pub views: Vec<SavedView>,
    touched: Option<BooleanBufferBuilder>,
}

/// A column being made.
pub struct DraftColumn {
    /// The field.
    pub field: Field,
    /// Its pieces.
    pub pieces: Vec<DraftPiece>,
}

/// A piece that is stored already, or is to be.
#[derive(Clone)]
pub enum DraftPiece {
    /// In a segment.
    Stored(ChunkRef, usize),
    /// In memory.
    New(ArrayRef),
    /// So many nulls.
    Null(usize),
}

/// A run whose record and tables are stored already, or are to be.
pub struct DraftRun {
    /// The key.
    pub key: String,
    /// One row, one text.
    pub record: DraftPiece,
    /// Fields it wrote.
    pub fields: Vec<String>,
    /// Its tables.
    pub tables: Vec<(String, DraftPiece)>,
}

impl DraftPiece {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            DraftPiece::Stored(_, rows) | DraftPiece::Null(rows) => *rows,
            DraftPiece::New(array) => array.len(),
        }
    }

    fn of(array: ArrayRef) -> DraftPiece {
        match piece_of(array) {
            Piece::Values(array) => DraftPiece::New(array),
            Piece::Null(rows) => DraftPiece::Null(rows),
        }
    }

    /// The piece in memory.
    pub fn load(&self, load: Load<'_>) -> Result<Piece> {
        Ok(match self {
            DraftPiece::Stored(at, _) => Piece::Values(load(*at)?),
            DraftPiece::New(array) => Piece::Values(array.clone()),
            DraftPiece::Null(rows) => Piece::Null(*rows),
        })
    }
}

impl<'a> Draft<'a> {
    /// A draft that is `base` until steps are applied.
    pub fn of(base: &Manifest, now: i64, load: Load<'a>) -> Draft<'a> {
        let columns = base.columns.iter().map(|column| DraftColumn {
            field: column.field.clone(),
            pieces: column
                .chunks
                .iter()
                .map(|chunk| match chunk {
                    Chunk::Stored { at, rows } => DraftPiece::Stored(*at, *rows as usize),
                    Chunk::Null { rows } => DraftPiece::Null(*rows as usize),
                })
                .collect(),
        });
        let runs = base.runs.iter().map(|run| DraftRun {
            key: run.key.clone(),
            record: DraftPiece::Stored(run.record, 1),
            fields: run.fields.clone(),
            tables: run
                .tables
                .iter()
                .map(|(name, at)| (name.clone(), DraftPiece::Stored(*at, 0)))
                .collect(),
        });
        Draft {
            load,
            now,
            dataset: base.name.clone(),
            rows: base.rows as usize,
            columns: columns.collect(),
            runs: runs.collect(),
            views: base.views.clone(),
            touched: None,
        }
    }

    /// Applies a step.
    ///
    /// # Errors
    /// Whatever the step breaks; the draft is then good for nothing.
    pub fn apply(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Append(columns) => self.append(columns),
            Step::SetColumn(field, values) => self.set_column(field, &values),
            Step::DropField(name) => self.drop_field(&name),
            Step::RenameField(from, to) => self.rename_field(&from, to),
            Step::ClearField(name) => self.clear_field(&name),
            Step::Retain(mask) => self.retain(&mask),
            Step::PutRun(run, tables) => self.put_run(
                run,
                tables
                    .into_iter()
                    .map(|(name, table)| (name, StructArray::from(table)))
                    .collect(),
            ),
            Step::DeleteRun(key) => {
                let at = self.run_at(&key)?;
                self.runs.remove(at);
                Ok(())
            }
            Step::RenameRun(from, to) => self.rename_run(&from, to),
            Step::PutView(view) => self.put_view(view),
            Step::DeleteView(name) => {
                let at = self.view_at(&name)?;
                self.views.remove(at);
                Ok(())
            }
            Step::RenameView(from, to) => self.rename_view(&from, to),
        }
    }

    /// Writes the time into `last_modified_at` of every row whose values changed.
    ///
    /// # Errors
    /// Whatever reading the column says.
    pub fn stamp(&mut self) -> Result<()> {
        let Some(touched) = self.touched.take() else {
            return Ok(());
        };
        let touched = touched.build();
        if touched.count_set_bits() == 0 {
            return Ok(());
        }
        let at = self.column_at("last_modified_at")?;
        let old = self.values(at)?;
        let old = old.as_primitive::<TimestampMillisecondType>();
        let new = (0..self.rows).map(|row| match touched.value(row) {
            true => Some(self.now),
            false => old.is_valid(row).then(|| old.value(row)),
        });
        let new: TimestampMillisecondArray = new.collect();
        self.columns[at].pieces = vec![DraftPiece::New(Arc::new(new.with_timezone("UTC")))];
        Ok(())
    }

    fn values(&self, at: usize) -> Result<ArrayRef> {
        let column = &self.columns[at];
        let pieces = column
            .pieces
            .iter()
            .map(|piece| piece.load(self.load))
            .collect::<Result<Vec<_>>>()?;
        whole(&column.field, &pieces)
    }

    fn touch(&mut self, changed: &BooleanBuffer) {
        let rows = self.rows;
        let before = self.touched.take().map(BooleanBufferBuilder::build);
        let mut bits = BooleanBufferBuilder::new(rows);
        match before {
            Some(before) => bits.append_buffer(&(&before | changed)),
            None => bits.append_buffer(changed),
        }
        self.touched = Some(bits);
    }

    fn column_at(&self, name: &str) -> Result<usize> {
        let existing = self.columns.iter().map(|column| &*column.field.name);
        existing
            .clone()
            .position(|other| other == name)
            .ok_or_else(|| Error::UnknownField {
                dataset: self.dataset.clone(),
                name: name.to_owned(),
                candidates: nearest(name, existing),
            })
    }
}

fn expect_len(what: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::WrongLength {
        field: what.to_owned(),
        expected,
        found,
    })
}
