//! A view while it is being made: rows of a source, and the columns that stages have computed. Nothing is copied until a
//! column is read, and then only that column.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use messier_store::{Field, Schema};

use super::RowSet;
use crate::columns::{column_type, gather};
use crate::domain::Columns;
use crate::error::Error;
use crate::source::Source;

/// Rows of a source with computed columns.
#[derive(Clone)]
pub struct Frame {
    base: Arc<dyn Source>,
    origin: Arc<dyn Source>,
    rows: RowSet,
    computed: Vec<(String, ArrayRef)>,
    schema: Arc<Schema>,
    groups: Option<Groups>,
    shown_vectors: Arc<Vec<String>>,
    gathered: Arc<Mutex<HashMap<String, ArrayRef>>>,
}

/// The samples behind each row, after `group_by`.
#[derive(Clone)]
pub struct Groups {
    /// All samples, group after group.
    pub members: Arc<Frame>,
    /// Where each group begins among the members; one longer than the groups.
    pub offsets: Arc<Vec<u32>>,
    /// The group of each row of the frame.
    pub of: Arc<Vec<u32>>,
}

impl Frame {
    /// All rows of a source.
    ///
    /// # Errors
    /// A source with more rows than a row number can count.
    pub fn new(base: Arc<dyn Source>) -> Result<Frame, Error> {
        let rows = base.len();
        if rows > u32::MAX as usize {
            return Err(Error::TooManyRows { rows });
        }
        Ok(Frame {
            schema: Arc::new(base.schema().clone()),
            rows: RowSet::All(rows),
            origin: Arc::clone(&base),
            base,
            computed: Vec::new(),
            groups: None,
            shown_vectors: Arc::default(),
            gathered: Arc::default(),
        })
    }

    /// The source that the rows are of.
    pub fn base(&self) -> &Arc<dyn Source> {
        &self.base
    }

    /// The dataset, also where the rows are of something made from it.
    pub fn origin(&self) -> &Arc<dyn Source> {
        &self.origin
    }

    /// The same with another dataset remembered as the one it was made from.
    #[must_use]
    pub fn made_from(mut self, origin: &Arc<dyn Source>) -> Frame {
        self.origin = Arc::clone(origin);
        self
    }

    /// Whether any column is computed, or there are groups behind the rows.
    pub fn has_computed(&self) -> bool {
        !self.computed.is_empty() || self.groups.is_some()
    }

    /// A computed column.
    pub fn computed(&self, name: &str) -> Option<&ArrayRef> {
        self.computed
            .iter()
            .find(|(computed, _)| computed == name)
            .map(|(_, column)| column)
    }

    /// The rows.
    pub fn rows(&self) -> &RowSet {
        &self.rows
    }

    /// The fields the view has.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The groups behind the rows, after `group_by`.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// The vector fields that were asked for by name.
    pub fn shown_vectors(&self) -> &[String] {
        &self.shown_vectors
    }

    /// The same with groups behind the rows.
    #[must_use]
    pub fn with_groups(mut self, groups: Option<Groups>) -> Frame {
        self.groups = groups;
        self
    }

    /// The same with other fields.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema) -> Frame {
        self.schema = Arc::new(schema);
        self
    }

    /// The same with more vector fields shown.
    #[must_use]
    pub fn showing(mut self, names: &[String]) -> Frame {
        Arc::make_mut(&mut self.shown_vectors).extend_from_slice(names);
        self
    }

    /// The rows whose bit is set.
    ///
    /// # Errors
    /// Arrow's.
    pub fn filter(&self, keep: BooleanBuffer) -> Result<Frame, Error> {
        let of = self.groups.as_ref().map(|groups| {
            keep.set_indices()
                .map(|at| groups.of[at])
                .collect::<Vec<u32>>()
        });
        let mask = BooleanArray::new(keep.clone(), None);
        self.moved(self.rows.filter(keep), of, |column| {
            Ok(arrow::compute::filter(column, &mask)?)
        })
    }

    /// The rows at these positions, in their order.
    ///
    /// # Errors
    /// Arrow's.
    pub fn at(&self, positions: &[u32]) -> Result<Frame, Error> {
        let of = self.groups.as_ref().map(|groups| {
            positions
                .iter()
                .map(|at| groups.of[*at as usize])
                .collect::<Vec<u32>>()
        });
        self.moved(self.rows.at(positions), of, |column| {
            gather(column, positions)
        })
    }

    /// The first `take` rows after `skip` of them.
    ///
    /// # Errors
    /// Arrow's.
    pub fn slice(&self, skip: usize, take: usize) -> Result<Frame, Error> {
        let start = skip.min(self.rows.len());
        let len = take.min(self.rows.len() - start);
        let of = self
            .groups
            .as_ref()
            .map(|groups| groups.of[start..start + len].to_vec());
        self.moved(self.rows.slice(skip, take), of, |column| {
            Ok(column.slice(start, len))
        })
    }

    /// The rows of a mask over the whole source, where no column is computed.
    pub fn filter_base(&self, keep: &BooleanBuffer) -> Option<Frame> {
        if !self.computed.is_empty() || self.groups.is_some() {
            return None;
        }
        let rows = self.rows.and(keep)?;
        Some(Frame {
            rows,
            gathered: Arc::default(),
            ..self.clone()
        })
    }

    fn moved(
        &self,
        rows: RowSet,
        of: Option<Vec<u32>>,
        change: impl Fn(&ArrayRef) -> Result<ArrayRef, Error>,
    ) -> Result<Frame, Error> {
        let computed = self
            .computed
            .iter()
            .map(|(name, column)| Ok((name.clone(), change(column)?)));
        let groups = match (&self.groups, of) {
            (Some(groups), Some(of)) => Some(Groups {
                of: Arc::new(of),
                ..groups.clone()
            }),
            _ => None,
        };
        Ok(Frame {
            rows,
            computed: computed.collect::<Result<_, Error>>()?,
            groups,
            gathered: Arc::default(),
            ..self.clone()
        })
    }

    /// The same with a column added or replaced. Its field keeps the declared type, unless whole numbers overflowed
    /// into floats.
    #[must_use]
    pub fn with_column(mut self, mut field: Field, column: ArrayRef) -> Frame {
        if field.ty == messier_store::FieldType::Int
            && column_type(column.data_type()) == crate::types::Type::Float
        {
            field.ty = messier_store::FieldType::Float;
        }
        let schema = Arc::make_mut(&mut self.schema);
        match schema
            .fields
            .iter_mut()
            .find(|known| known.name == field.name)
        {
            Some(known) => *known = field.clone(),
            None => schema.fields.push(field.clone()),
        }
        match self
            .computed
            .iter_mut()
            .find(|(name, _)| *name == field.name)
        {
            Some((_, old)) => *old = column,
            None => self.computed.push((field.name, column)),
        }
        self
    }

    /// The rows of several views of the same source, one after the other; duplicates stay. `None` of none.
    ///
    /// # Errors
    /// Arrow's, or too many rows.
    pub fn concat(frames: &[Frame]) -> Result<Option<Frame>, Error> {
        let Some(first) = frames.first() else {
            return Ok(None);
        };
        let count = frames.iter().map(|frame| frame.rows.len()).sum();
        if count > u32::MAX as usize {
            return Err(Error::TooManyRows { rows: count });
        }
        let mut rows = Vec::with_capacity(count);
        let mut names: Vec<&str> = Vec::new();
        for frame in frames {
            rows.extend_from_slice(&frame.rows.rows());
            for (name, _) in &frame.computed {
                if !names.contains(&name.as_str()) && first.schema.field(name).is_some() {
                    names.push(name);
                }
            }
        }
        let mut computed = Vec::new();
        for name in names {
            let Some(field) = first.schema.field(name) else {
                continue;
            };
            let ty = crate::types::Type::from(&field.ty);
            let columns = frames.iter().map(|frame| match frame.schema.field(name) {
                Some(_) => frame.column(name),
                None => Ok(arrow::array::new_null_array(&ty.arrow(), frame.rows.len())),
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            computed.push((name.to_owned(), crate::columns::join(&columns, &ty)?));
        }
        Ok(Some(Frame {
            rows: RowSet::listed(rows),
            computed,
            groups: None,
            gathered: Arc::default(),
            ..first.clone()
        }))
    }

    /// The members of every group of the frame, group after group.
    ///
    /// # Errors
    /// Arrow's.
    pub fn ungrouped(&self) -> Result<Frame, Error> {
        let Some(groups) = &self.groups else {
            return Ok(self.clone());
        };
        let mut positions = Vec::new();
        for group in groups.of.iter() {
            let at = *group as usize;
            positions.extend(groups.offsets[at]..groups.offsets[at + 1]);
        }
        groups.members.at(&positions)
    }
}

impl Columns for Frame {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn column(&self, name: &str) -> Result<ArrayRef, Error> {
        if let Some(column) = self.computed(name) {
            return Ok(column.clone());
        }
        if let RowSet::All(_) = self.rows {
            return self.base.column(name);
        }
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = gathered.get(name) {
            return Ok(column.clone());
        }
        let column = gather(&self.base.column(name)?, &self.rows.rows())?;
        gathered.insert(name.to_owned(), column.clone());
        Ok(column)
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} rows)", self.rows.len())
    }
}
