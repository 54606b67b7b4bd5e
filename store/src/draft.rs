//! A generation being made: the steps of a commit are applied to a list of pieces in memory, and nothing is written
//! before all of them have succeeded.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, FixedSizeBinaryArray, ListArray,
    StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field as ArrowField, TimestampMillisecondType};

use crate::changed::changed_rows;
use crate::changes::Step;
use crate::column::{Piece, check_field, conform, one_text, piece_of, whole};
use crate::manifest::{Chunk, Manifest, RunEntry, SavedView};
use crate::names::{self, nearest};
use crate::segment::ChunkRef;
use crate::{Error, Field, ID_BYTES, Result, SampleId, random};

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

    fn append(&mut self, columns: Vec<(Field, ArrayRef)>) -> Result<()> {
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

    fn find_or_add(&mut self, field: &Field) -> Result<usize> {
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

    fn check_new_ids(&self, values: &ArrayRef) -> Result<()> {
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

    fn set_column(&mut self, field: Field, values: &ArrayRef) -> Result<()> {
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
    fn changes_of(&self, at: usize, new: &ArrayRef) -> Result<BooleanBuffer> {
        if self.columns[at]
            .pieces
            .iter()
            .all(|piece| matches!(piece, DraftPiece::Null(_)))
        {
            return Ok(set_rows(new));
        }
        Ok(changed_rows(&self.values(at)?, new))
    }

    fn drop_field(&mut self, name: &str) -> Result<()> {
        let at = self.column_at(name)?;
        refuse_built_in(name, "dropped")?;
        self.columns.remove(at);
        Ok(())
    }

    fn rename_field(&mut self, from: &str, to: String) -> Result<()> {
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

    fn clear_field(&mut self, name: &str) -> Result<()> {
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

    fn retain(&mut self, mask: &BooleanArray) -> Result<()> {
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

    fn put_run(&mut self, run: RunEntry, tables: Vec<(String, StructArray)>) -> Result<()> {
        names::check_key("run", &run.key)?;
        let known = self.runs.iter().position(|other| other.key == run.key);
        let mut all: Vec<(String, DraftPiece)> = Vec::new();
        for (name, table) in tables {
            names::check_key("table", &name)?;
            all.retain(|(other, _)| *other != name);
            all.push((name, DraftPiece::New(Arc::new(table))));
        }
        for name in run.tables {
            if all.iter().any(|(other, _)| *other == name) {
                continue;
            }
            let kept = known.and_then(|at| {
                self.runs[at]
                    .tables
                    .iter()
                    .find(|(other, _)| *other == name)
            });
            match kept {
                Some(table) => all.push(table.clone()),
                None => {
                    return Err(Error::MissingTable {
                        run: run.key,
                        table: name,
                    });
                }
            }
        }
        let record = DraftPiece::New(one_text(&run.record));
        let draft = DraftRun {
            key: run.key,
            record,
            fields: run.fields,
            tables: all,
        };
        match known {
            Some(at) => self.runs[at] = draft,
            None => self.runs.push(draft),
        }
        Ok(())
    }

    fn rename_run(&mut self, from: &str, to: String) -> Result<()> {
        let at = self.run_at(from)?;
        if from == to {
            return Ok(());
        }
        names::check_key("run", &to)?;
        if self.runs.iter().any(|run| run.key == to) {
            return Err(Error::RunExists { key: to });
        }
        self.runs[at].key = to;
        Ok(())
    }

    fn put_view(&mut self, view: SavedView) -> Result<()> {
        names::check_key("view", &view.name)?;
        match self.views.iter().position(|other| other.name == view.name) {
            Some(at) => self.views[at] = view,
            None => self.views.push(view),
        }
        Ok(())
    }

    fn rename_view(&mut self, from: &str, to: String) -> Result<()> {
        let at = self.view_at(from)?;
        if from == to {
            return Ok(());
        }
        names::check_key("view", &to)?;
        if self.views.iter().any(|view| view.name == to) {
            return Err(Error::ViewExists { name: to });
        }
        self.views[at].name = to;
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

    fn run_at(&self, key: &str) -> Result<usize> {
        let existing = self.runs.iter().map(|run| &*run.key);
        existing
            .clone()
            .position(|other| other == key)
            .ok_or_else(|| Error::UnknownRun {
                dataset: self.dataset.clone(),
                key: key.to_owned(),
                candidates: nearest(key, existing),
            })
    }

    fn view_at(&self, name: &str) -> Result<usize> {
        let existing = self.views.iter().map(|view| &*view.name);
        existing
            .clone()
            .position(|other| other == name)
            .ok_or_else(|| Error::UnknownView {
                dataset: self.dataset.clone(),
                name: name.to_owned(),
                candidates: nearest(name, existing),
            })
    }
}

/// The rows that hold a value.
fn set_rows(values: &ArrayRef) -> BooleanBuffer {
    match values.logical_nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(values.len()),
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

fn refuse_built_in(name: &str, what: &'static str) -> Result<()> {
    if names::is_built_in(name) {
        return Err(Error::BuiltInField {
            name: name.to_owned(),
            what,
        });
    }
    Ok(())
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
