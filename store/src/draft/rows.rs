//! Steps that add and remove rows.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, FixedSizeBinaryArray, ListArray,
    StringArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field as ArrowField, TimestampMillisecondType};

use super::{Draft, DraftColumn, DraftPiece, Load, expect_len};
use crate::column::{Piece, check_field, conform};
use crate::{Error, Field, ID_BYTES, Result, SampleId, random};

impl Draft<'_> {
    pub(super) fn append(&mut self, columns: Vec<(Field, ArrayRef)>) -> Result<()> {
        let Some(rows) = columns.first().map(|(_, values)| values.len()) else {
            return Ok(());
        };
        let total = self.rows as u64 + rows as u64;
        if total > u64::from(u32::MAX) {
            return Err(Error::TooManyRows {
                dataset: self.dataset.clone(),
                rows: total,
            });
        }
        let mut given = HashSet::new();
        let mut pieces: Vec<Option<DraftPiece>> = vec![None; self.columns.len()];
        for (field, values) in columns {
            expect_len(&field.name, rows, values.len())?;
            if !given.insert(field.name.clone()) {
                return Err(Error::FieldTwice { field: field.name });
            }
            let at = self.find_or_add(&field)?;
            pieces.resize(self.columns.len(), None);
            let mut values = conform(&field, &values)?;
            if field.name == "id" {
                self.check_new_ids(&values)?;
            }
            if matches!(&*field.name, "created_at" | "last_modified_at") {
                values = fill_times(&values, self.now);
            }
            pieces[at] = Some(DraftPiece::of(values));
        }
        for (column, piece) in self.columns.iter_mut().zip(pieces) {
            let piece = piece.unwrap_or_else(|| default_piece(&column.field.name, rows, self.now));
            column.pieces.push(piece);
        }
        if let Some(touched) = &mut self.touched {
            touched.append_n(rows, false);
        }
        self.rows += rows;
        Ok(())
    }

    pub(super) fn find_or_add(&mut self, field: &Field) -> Result<usize> {
        if let Some(at) = self
            .columns
            .iter()
            .position(|column| column.field.name == field.name)
        {
            let own = &self.columns[at].field;
            if own.ty != field.ty {
                return Err(Error::WrongType {
                    field: field.name.clone(),
                    expected: own.ty.to_string(),
                    found: field.ty.to_string(),
                });
            }
            return Ok(at);
        }
        check_field(field)?;
        let pieces = vec![DraftPiece::Null(self.rows)];
        self.columns.push(DraftColumn {
            field: field.clone(),
            pieces,
        });
        Ok(self.columns.len() - 1)
    }

    pub(super) fn check_new_ids(&self, values: &ArrayRef) -> Result<()> {
        let new = values.as_fixed_size_binary();
        if let Some(row) = (0..new.len()).find(|row| new.is_null(*row)) {
            return Err(Error::MissingId { row });
        }
        let old = self.values(self.column_at("id")?)?;
        let old = old.as_fixed_size_binary();
        let mut seen: HashSet<&[u8]> = old.iter().flatten().collect();
        match new.iter().flatten().find(|id| !seen.insert(id)) {
            Some(id) => Err(Error::DuplicateId {
                id: SampleId(id.try_into().unwrap_or_default()),
            }),
            None => Ok(()),
        }
    }

    pub(super) fn retain(&mut self, mask: &BooleanArray) -> Result<()> {
        expect_len("the mask of rows to keep", self.rows, mask.len())?;
        let keep = match mask.nulls() {
            Some(nulls) => mask.values() & nulls.inner(),
            None => mask.values().clone(),
        };
        let kept = keep.count_set_bits();
        if kept == self.rows {
            return Ok(());
        }
        for column in &mut self.columns {
            let mut first = 0;
            for piece in &mut column.pieces {
                let rows = piece.len();
                *piece = retain_piece(piece, &keep.slice(first, rows), self.load)?;
                first += rows;
            }
        }
        if let Some(touched) = self.touched.take() {
            let touched = BooleanArray::new(touched.build(), None);
            let rest = filter(&touched, &BooleanArray::new(keep, None)).map_err(internal)?;
            let mut bits = BooleanBufferBuilder::new(kept);
            bits.append_buffer(rest.as_boolean().values());
            self.touched = Some(bits);
        }
        self.rows = kept;
        Ok(())
    }
}

fn retain_piece(piece: &DraftPiece, keep: &BooleanBuffer, load: Load<'_>) -> Result<DraftPiece> {
    let kept = keep.count_set_bits();
    if kept == piece.len() {
        return Ok(piece.clone());
    }
    match piece.load(load)? {
        Piece::Null(_) => Ok(DraftPiece::Null(kept)),
        Piece::Values(array) => {
            let mask = BooleanArray::new(keep.clone(), None);
            filter(&array, &mask).map(DraftPiece::of).map_err(internal)
        }
    }
}

/// Arrow refuses to filter only types that are never stored.
fn internal(error: arrow::error::ArrowError) -> Error {
    Error::UnsupportedType {
        place: "a column to filter".into(),
        ty: error.to_string(),
    }
}

fn fill_times(values: &ArrayRef, now: i64) -> ArrayRef {
    if values.null_count() == 0 {
        return values.clone();
    }
    let values = values.as_primitive::<TimestampMillisecondType>();
    let filled: TimestampMillisecondArray = values.iter().map(|time| time.or(Some(now))).collect();
    Arc::new(filled.with_timezone("UTC"))
}

/// What rows get in a field that was not given.
pub fn default_piece(field: &str, rows: usize, now: i64) -> DraftPiece {
    DraftPiece::New(match field {
        "id" => {
            let bytes: Vec<u8> = random::sample_ids(rows).flat_map(|id| id.0).collect();
            Arc::new(FixedSizeBinaryArray::new(ID_BYTES, bytes.into(), None))
        }
        "tags" => {
            let item = Arc::new(ArrowField::new("item", DataType::Utf8, true));
            let none: ArrayRef = Arc::new(StringArray::from_iter_values([""; 0]));
            Arc::new(ListArray::new(
                item,
                OffsetBuffer::new_zeroed(rows),
                none,
                None,
            ))
        }
        "created_at" | "last_modified_at" => {
            Arc::new(TimestampMillisecondArray::from(vec![now; rows]).with_timezone("UTC"))
        }
        _ => return DraftPiece::Null(rows),
    })
}
