//! The operator `place`: samples that came after a run get a value of it, and what was there stays as it is.
//!
//! A reduction places new rows by its own rule. A clustering gives a sample the cluster with the nearest centre where
//! the method goes by centres, and the cluster of its nearest sample where it does not (noise if that is noise).
//! The commit is a new generation of the run, with a line in its history.

use std::collections::HashSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use messier_query::OperatorCall;
use messier_query::signature::Args;
use messier_store::{Dataset, Field, FieldType, Snapshot};
use ndarray::Axis;

use super::again::commit_run;
use super::columns;
use super::current::Current;
use super::input::Features;
use super::recorder::{entry, method_args};
use super::runs::{find, read_record};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::neighbors::nearest_among;
use crate::reduce::{self, Reference, pca};
use crate::runs::{Edit, RunRecord, fingerprint_rows, json_arg};
use crate::session::operators::PlaceParams;

/// Methods whose clusters are what is nearest to a centre.
const BY_CENTRE: [&str; 6] = [
    "kmeans",
    "minibatch_kmeans",
    "bisecting_kmeans",
    "birch",
    "mean_shift",
    "gaussian_mixture",
];

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = PlaceParams::read(&method_args(&call.args, PlaceParams::TABLE))
        .map_err(|bad| arguments("place", bad))?;
    let record = read_record(find(snapshot, &own.run)?)?;
    let context = &context.with_seed(record.seed);
    match record.operator.as_str() {
        "reduce" => reduction(dataset, snapshot, call, record, context),
        "cluster" => clustering(dataset, snapshot, call, &record, context),
        other => Err(Error::Input(format!(
            "the run {:?} was made by `{other}`; `place` is for runs of `reduce` and `cluster`",
            record.key
        ))),
    }
}

/// The samples of the view that have a vector and no value of the run yet.
fn newcomers(
    snapshot: &Snapshot,
    call: &OperatorCall,
    record: &RunRecord,
    has_value: impl Fn(u32) -> bool,
    context: &Context,
) -> Result<Features, Error> {
    let new: Vec<u32> = call
        .view
        .rows()
        .iter()
        .copied()
        .filter(|&row| !has_value(row))
        .collect();
    if new.is_empty() {
        return Err(Error::Input(format!(
            "every sample of the view has a value of the run {:?} already, so there is nothing to place",
            record.key
        )));
    }
    Features::among(snapshot, &new, &record.input.field, context)
}

fn history(call: &OperatorCall, changed: usize, output: &str) -> Edit {
    Edit {
        operator: call.operator.clone(),
        params: serde_json::Map::new(),
        view: call.view_text.clone(),
        at: chrono::Utc::now()
            .format("%Y-%m-%dT%H:%M:%S%.3fZ")
            .to_string(),
        made: Vec::new(),
        changed,
        output: output.to_owned(),
    }
}

fn reduction(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    mut record: RunRecord,
    context: &Context,
) -> Result<RunRecord, Error> {
    let key = record.key.clone();
    let method = reduce::method(&record.method)?;
    let field = record
        .fields
        .first()
        .cloned()
        .unwrap_or_else(|| key.clone());
    let map = snapshot.vectors(&field)?;
    let new = newcomers(
        snapshot,
        call,
        &record,
        |row| map.is_valid(row as usize),
        context,
    )?;
    let all = 0..u32::try_from(snapshot.len()).unwrap_or(u32::MAX);
    let there: Vec<u32> = all.filter(|&row| map.is_valid(row as usize)).collect();
    if there.is_empty() {
        return Err(Error::Input(format!(
            "none of the samples that the run {key:?} placed is there any more; run it again"
        )));
    }
    let old = Features::among(snapshot, &there, &record.input.field, context)?;
    let (x, rows) = (new.matrix()?, old.matrix()?);
    let places: Vec<usize> = old.rows.iter().map(|&row| row as usize).collect();
    let reference = Reference {
        rows: rows.view(),
        points: map.view().select(Axis(0), &places),
        model: components(snapshot, &record)?,
    };
    let args: Args = record
        .params
        .iter()
        .map(|(name, value)| (name.clone(), json_arg(value)))
        .collect();
    let args = method_args(&args, method.signature().params);
    let points = method.place(x.view(), &reference, &args, context)?;
    let column = columns::vectors_over(&map, &new.rows, points.view());
    let output = fingerprint_rows(&new.ids, points.view());
    record.history.push(history(call, new.rows.len(), &output));
    record.output = Some(output);
    let tables = tables(snapshot, &key)?;
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let dims = u32::try_from(points.ncols()).unwrap_or(u32::MAX);
    commit_run(dataset, snapshot, &field, |mut changes| {
        changes.set_column(
            Field::new(field.as_str(), FieldType::Vector(dims)),
            column.clone(),
        );
        changes.put_run(entry(&record, &names)?, tables.clone());
        Ok(changes)
    })?;
    Ok(record)
}

fn clustering(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    record: &RunRecord,
    context: &Context,
) -> Result<RunRecord, Error> {
    let current = Current::open(snapshot, &record.key, context)?;
    let labelled: HashSet<u32> = current.rows.iter().copied().collect();
    let new = newcomers(
        snapshot,
        call,
        record,
        |row| labelled.contains(&row),
        context,
    )?;
    let manner = current.manner();
    let (x, rows) = (new.matrix()?, current.features.matrix()?);
    let by_centre = BY_CENTRE.contains(&record.method.as_str());
    let labels: Vec<i32> = if by_centre {
        let centres = current.centres()?;
        x.view()
            .outer_iter()
            .map(|row| {
                let near = centres
                    .iter()
                    .map(|(id, centre)| (centre.distance(row, manner.metric), *id));
                near.min_by(|a, b| a.0.total_cmp(&b.0))
                    .map_or(-1, |(_, id)| id)
            })
            .collect()
    } else {
        let near = nearest_among(x.view(), rows.view(), 1, manner.metric, context)?;
        let labels = current.described_labels();
        near.indices
            .column(0)
            .iter()
            .map(|&row| labels[row as usize])
            .collect()
    };
    drop((x, rows));
    let more: Vec<(u32, i32)> = new.rows.iter().copied().zip(labels).collect();
    let mut current = Current::open_with(snapshot, &record.key, &more, context)?;
    let manner = crate::session::judged::Manner {
        density: current.record.scores.contains_key("dbcv"),
        ..manner
    };
    let tables = current.judge(manner, context)?;
    let output = current.output();
    current
        .record
        .history
        .push(history(call, more.len(), &output));
    current.record.output = Some(output);
    dataset.commit(current.changes(snapshot, &tables)?)?;
    Ok(current.record)
}

/// The tables of a run, to keep with its new record.
fn tables(snapshot: &Snapshot, key: &str) -> Result<Vec<(String, RecordBatch)>, Error> {
    let mut tables = Vec::new();
    for name in &find(snapshot, key)?.tables {
        let table = snapshot.run_table(key, name)?;
        tables.extend(table.map(|table| (name.clone(), table)));
    }
    Ok(tables)
}

/// The tables in which a run of PCA keeps its components: one row a component, and one row with the mean.
pub(super) const COMPONENTS: [&str; 2] = ["components", "mean"];

/// The components that a run kept, if it did.
fn components(snapshot: &Snapshot, record: &RunRecord) -> Result<Option<pca::Model>, Error> {
    let table = |name: &str| snapshot.run_table(&record.key, name);
    let (Some(kept), Some(mean)) = (table(COMPONENTS[0])?, table(COMPONENTS[1])?) else {
        return Ok(None);
    };
    let read = || {
        let vectors = |table: &RecordBatch, column: &str| {
            let list = table
                .column_by_name(column)?
                .as_fixed_size_list_opt()?
                .clone();
            let width = usize::try_from(list.value_length()).ok()?;
            let values = list
                .values()
                .as_primitive_opt::<arrow::datatypes::Float32Type>()?
                .values()
                .to_vec();
            ndarray::Array2::from_shape_vec((values.len() / width.max(1), width), values).ok()
        };
        let components = vectors(&kept, "component")?;
        let mean: Vec<f64> = vectors(&mean, "mean")?
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        let variances = kept
            .column_by_name("variance")?
            .as_primitive_opt::<Float64Type>()?;
        let ratios = kept
            .column_by_name("variance_ratio")?
            .as_primitive_opt::<Float64Type>()?;
        let variances = variances.values().to_vec();
        let rank = variances.iter().filter(|&&variance| variance > 0.0).count();
        let total = match (variances.first(), ratios.values().first()) {
            (Some(variance), Some(ratio)) if *ratio > 0.0 => variance / ratio,
            _ => 0.0,
        };
        Some(pca::Model {
            mean,
            components,
            variances,
            total,
            rank,
        })
    };
    Ok(read())
}
