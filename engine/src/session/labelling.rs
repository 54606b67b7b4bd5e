//! A labelling of samples, wherever it comes from: a clustering run, a text field, the labels of a classification.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use messier_store::{FieldType, Snapshot};

use super::columns;
use super::judged::NOISE;
use super::runs::read_record;
use crate::error::Error;
use crate::runs::RunRecord;

/// One text a sample, or none.
pub(super) struct Labelling {
    /// What it was asked for by.
    pub name: String,
    /// The clustering run it is of, if it is of one.
    pub run: Option<RunRecord>,
    /// One a row of the snapshot.
    pub texts: Vec<Option<String>>,
}

impl Labelling {
    /// The labelling called `name`: a clustering run by its key, else a field (`ground_truth`, `ground_truth.label`).
    ///
    /// # Errors
    /// A run that is no clustering, a field that is not there or holds no labels.
    pub fn of(snapshot: &Snapshot, name: &str) -> Result<Labelling, Error> {
        let run = match snapshot.run(name) {
            Some(entry) => Some(clustering(read_record(entry)?)?),
            None => None,
        };
        let field = run.as_ref().and_then(|run| run.fields.first());
        let field = field.map_or(name, String::as_str);
        Ok(Labelling {
            texts: texts(snapshot, field)?,
            name: name.to_owned(),
            run,
        })
    }

    /// Whether a label of it means that a sample is in no group.
    pub fn is_noise(&self, text: &str) -> bool {
        self.run.is_some() && text == NOISE
    }

    /// The labels of some rows as numbers, dense from 0, -1 for noise, and what the numbers stand for. Numbers stand in
    /// their order, other texts in the alphabet's. Rows without a label must have been left out.
    pub fn numbered(&self, rows: &[u32]) -> (Vec<i32>, Vec<String>) {
        let text = |row: u32| self.texts.get(row as usize).and_then(Option::as_deref);
        let mut names: Vec<&str> = rows
            .iter()
            .filter_map(|&row| text(row))
            .filter(|name| !self.is_noise(name))
            .collect();
        names.sort_unstable_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
        names.dedup();
        let number: BTreeMap<&str, i32> = (0..).zip(&names).map(|(i, &name)| (name, i)).collect();
        let labels = rows
            .iter()
            .map(|&row| {
                text(row)
                    .and_then(|name| number.get(name).copied())
                    .unwrap_or(-1)
            })
            .collect();
        (labels, names.into_iter().map(str::to_owned).collect())
    }
}

/// The record, if it is a clustering's.
pub(super) fn clustering(record: RunRecord) -> Result<RunRecord, Error> {
    if record.operator == "cluster" {
        return Ok(record);
    }
    Err(Error::Input(format!(
        "the run {:?} was made by `{}`; a run of `cluster` is needed here",
        record.key, record.operator
    )))
}

fn texts(snapshot: &Snapshot, path: &str) -> Result<Vec<Option<String>>, Error> {
    let (top, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = snapshot.schema().field(top) else {
        let mut names: Vec<&str> = snapshot.runs().iter().map(|run| run.key.as_str()).collect();
        names.extend(
            snapshot
                .schema()
                .fields
                .iter()
                .map(|field| field.name.as_str()),
        );
        let candidates = messier_query::nearest(path, names.iter().copied());
        return Err(Error::Unknown {
            what: "run or field",
            name: path.to_owned(),
            candidates,
        });
    };
    let mut column = snapshot.column(top)?;
    let mut ty = &field.ty;
    for part in rest.split('.').filter(|part| !part.is_empty()).chain(
        // A classification's labels are meant when its name stands alone.
        (rest.is_empty() && matches!(ty, FieldType::Struct(..))).then_some("label"),
    ) {
        let inner = match ty {
            FieldType::Struct(_, fields) => fields.iter().find(|field| field.name == part),
            _ => None,
        };
        let document = column.as_struct_opt().filter(|_| inner.is_some());
        let (Some(inner), Some(document)) = (inner, document) else {
            return Err(no_labels(path, &field.ty));
        };
        let Some(mut values) = document.column_by_name(part).cloned() else {
            return Err(no_labels(path, &field.ty));
        };
        if document.null_count() > 0 {
            values = arrow::compute::is_null(document)
                .and_then(|empty| arrow::compute::nullif(&values, &empty))
                .map_err(|_| no_labels(path, &field.ty))?;
        }
        column = values;
        ty = &inner.ty;
    }
    if !matches!(
        ty,
        FieldType::Text | FieldType::Bool | FieldType::Int | FieldType::Date
    ) {
        return Err(no_labels(path, ty));
    }
    let plain = arrow::compute::cast(&column, &DataType::Utf8).map_err(|_| no_labels(path, ty))?;
    Ok(columns::texts(&plain))
}

fn no_labels(path: &str, ty: &FieldType) -> Error {
    Error::Input(format!(
        "the field {path:?} holds {ty}, and labels are needed here: a text, a whole number, true or false, or a classification"
    ))
}
