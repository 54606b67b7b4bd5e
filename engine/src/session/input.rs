//! From a view and a vector field to the matrix a method reads: rows without a vector are left out and counted, rows
//! that are not finite are refused by id.

use arrow::array::AsArray;
use messier_query::View;
use messier_store::{FieldType, SampleId, Schema, Snapshot, Vectors};
use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Error;

/// The rows of a view that have a vector, and where their vectors are.
pub(super) struct Features {
    /// The field read.
    pub field: String,
    /// Rows of the snapshot, in the view's order.
    pub rows: Vec<u32>,
    /// Their ids.
    pub ids: Vec<SampleId>,
    vectors: Vectors,
}

impl Features {
    /// Finds the field and the rows; notes how many samples had no vector.
    pub fn of(
        snapshot: &Snapshot,
        view: &View,
        field: Option<&str>,
        context: &Context,
    ) -> Result<Features, Error> {
        let field = Features::field(snapshot, field)?;
        let vectors = snapshot.vectors(&field)?;
        let all_ids = view.ids()?;
        let (mut rows, mut ids) = (
            Vec::with_capacity(view.len()),
            Vec::with_capacity(view.len()),
        );
        for (&row, id) in view.rows().iter().zip(all_ids) {
            if vectors.is_valid(row as usize) {
                rows.push(row);
                ids.push(id);
            }
        }
        let missing = view.len() - rows.len();
        if rows.is_empty() {
            return Err(Error::Input(match view.len() {
                0 => "the view has no samples, so there is nothing to compute on".to_owned(),
                n => {
                    format!("none of the {n} samples has a vector in {field:?}; `embed` them first")
                }
            }));
        }
        if missing > 0 {
            context.notes.remark(format!(
                "{missing} of {} samples have no vector in {field:?} and were left out",
                view.len()
            ));
        }
        Ok(Features {
            field,
            rows,
            ids,
            vectors,
        })
    }

    /// The vector field of this name; without a name `embedding`, or the only one there is.
    pub fn field(snapshot: &Snapshot, field: Option<&str>) -> Result<String, Error> {
        let field = match field {
            Some(name) => name.to_owned(),
            None => default_field(snapshot.schema())?,
        };
        match snapshot.schema().field(&field).map(|field| &field.ty) {
            Some(FieldType::Vector(_)) => {}
            Some(other) => {
                return Err(Error::Input(format!(
                    "the field {field:?} holds {other}, and a vector field is needed; {}",
                    listing(&vector_fields(snapshot.schema()))
                )));
            }
            None => {
                return Err(Error::Unknown {
                    what: "vector field",
                    candidates: vector_fields(snapshot.schema()),
                    name: field,
                });
            }
        }
        Ok(field)
    }

    /// Those of some rows of the snapshot, in their order, that have a vector; notes how many have none.
    pub fn among(
        snapshot: &Snapshot,
        rows: &[u32],
        field: &str,
        context: &Context,
    ) -> Result<Features, Error> {
        let field = Features::field(snapshot, Some(field))?;
        let vectors = snapshot.vectors(&field)?;
        let column = snapshot.column("id")?;
        let known = column.as_fixed_size_binary_opt();
        let (mut kept, mut ids) = (Vec::new(), Vec::new());
        for &row in rows.iter().filter(|&&row| vectors.is_valid(row as usize)) {
            let bytes = known.map(|ids| ids.value(row as usize));
            if let Some(Ok(id)) = bytes.map(<[u8; 12]>::try_from) {
                kept.push(row);
                ids.push(SampleId(id));
            }
        }
        if kept.is_empty() {
            return Err(Error::Input(format!(
                "none of the {} samples has a vector in {field:?}; `embed` them first",
                rows.len()
            )));
        }
        if kept.len() < rows.len() {
            context.notes.remark(format!(
                "{} of {} samples have no vector in {field:?} and were left out",
                rows.len() - kept.len(),
                rows.len()
            ));
        }
        Ok(Features {
            field,
            rows: kept,
            ids,
            vectors,
        })
    }

    /// The vectors of the rows: the mapped file itself where all rows take part in order, else gathered.
    pub fn matrix(&self) -> Result<Matrix<'_>, Error> {
        let all = self.vectors.view();
        let whole = self.rows.len() == all.nrows()
            && self
                .rows
                .iter()
                .enumerate()
                .all(|(i, &row)| i == row as usize);
        let matrix = if whole {
            Matrix::Mapped(all)
        } else {
            let mut gathered = Array2::<f32>::zeros((self.rows.len(), all.ncols()));
            for (mut to, &row) in gathered.rows_mut().into_iter().zip(&self.rows) {
                to.assign(&all.row(row as usize));
            }
            Matrix::Gathered(gathered)
        };
        let view = matrix.view();
        for (row, values) in view.rows().into_iter().enumerate() {
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return Err(Error::Input(format!(
                    "the vector of sample {} in {:?} has {} at position {at}; only finite numbers can be computed on",
                    self.ids[row], self.field, values[at]
                )));
            }
        }
        Ok(matrix)
    }
}

/// Vectors, mapped or gathered.
pub(super) enum Matrix<'a> {
    /// The segment itself.
    Mapped(ArrayView2<'a, f32>),
    /// A copy of chosen rows.
    Gathered(Array2<f32>),
}

impl Matrix<'_> {
    /// The rows as a method reads them.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        match self {
            Matrix::Mapped(view) => view.view(),
            Matrix::Gathered(array) => array.view(),
        }
    }
}

fn vector_fields(schema: &Schema) -> Vec<String> {
    let vectors = schema
        .fields
        .iter()
        .filter(|field| matches!(field.ty, FieldType::Vector(_)));
    vectors.map(|field| field.name.clone()).collect()
}

fn default_field(schema: &Schema) -> Result<String, Error> {
    let fields = vector_fields(schema);
    match fields.as_slice() {
        _ if fields.iter().any(|name| name == "embedding") => Ok("embedding".to_owned()),
        [one] => Ok(one.clone()),
        [] => Err(Error::Input(
            "the dataset has no vector field; `embed` makes one".to_owned(),
        )),
        many => Err(Error::Input(format!(
            "there are several vector fields ({}); say which with `features`",
            many.join(", ")
        ))),
    }
}

fn listing(fields: &[String]) -> String {
    match fields {
        [] => "there is none yet; `embed` makes one".to_owned(),
        many => format!("there are {}", many.join(", ")),
    }
}
