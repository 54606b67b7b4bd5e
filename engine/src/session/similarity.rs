//! The operator `similarity`: the nearest neighbours of a view's samples, kept as a run, for whatever needs them later.
//!
//! An index is only used where it fits to the bit: same field, samples and vectors in the same order, same metric,
//! enough neighbours. Samples that came since are added to the index that is there instead of building it again.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeListArray, RecordBatch, UInt32Array,
};
use arrow::datatypes::{DataType, Field as ArrowField, Float32Type, UInt32Type};
use messier_query::OperatorCall;
use messier_query::signature::{Arg, Args};
use messier_store::{Dataset, ID_BYTES, SampleId, Snapshot};
use ndarray::{Array2, ArrayView2};

use super::again::commit_run;
use super::columns;
use super::input::Features;
use super::recorder::{Recorder, check_key, entry, method_args};
use super::runs::read_record;
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::neighbors::{KnnGraph, Known, Metric, Neighbors, Recall, extend, knn_graph};
use crate::runs::{Input, RunRecord, fingerprint_rows};
use crate::session::operators::SimilarityParams;

/// The table of a run: id, neighbours (as rows of the table), distances.
const TABLE: &str = "neighbors";
/// What the record calls the way that neighbours are found.
const METHOD: &str = "knn";

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = SimilarityParams::read(&method_args(&call.args, SimilarityParams::TABLE))
        .map_err(|bad| arguments("similarity", bad))?;
    check_key(snapshot, &own.run, own.overwrite)?;
    let before = snapshot.run(&own.run).map(read_record).transpose()?;
    if let Some(other) = before.as_ref().filter(|run| run.operator != "similarity") {
        return Err(Error::Input(format!(
            "the run {:?} was made by `{}`, and an index does not take its place; choose another key",
            own.run, other.operator
        )));
    }
    let recorder = Recorder::start(call, &own.run, METHOD, context.seed);
    let features = Features::of(snapshot, &call.view, own.features.as_deref(), context)?;
    let matrix = features.matrix()?;
    let x = matrix.view();
    if x.nrows() < 2 {
        return Err(Error::Input(
            "an index needs at least two samples with vectors; there is one".to_owned(),
        ));
    }
    let metric = Metric::named(&own.metric);
    let k = own.neighbors.min(x.nrows() - 1);
    let earlier = match &before {
        Some(record) => older(snapshot, record, &features, x, metric, k)?,
        None => None,
    };
    let graph = match earlier {
        Some((old, places)) => {
            context.notes.remark(format!(
                "{} samples were added to the index of {} that was there",
                x.nrows() - places.len(),
                places.len()
            ));
            extend(x, &old, &places, metric, context)?
        }
        None => knn_graph(x, k, metric, context)?,
    };
    let input = Input {
        field: features.field.clone(),
        rows: x.nrows(),
        dims: x.ncols(),
        fingerprint: fingerprint_rows(&features.ids, x),
    };
    let output = fingerprint_rows(&features.ids, graph.neighbors.distances.view());
    let mut record = recorder.finish(input, own.record(), Some(output), context);
    record.fields.clear();
    record
        .params
        .insert("features".into(), features.field.clone().into());
    let (recall, rows) = graph
        .recall
        .map_or((1.0, x.nrows()), |recall| (recall.value, recall.rows));
    record.scores.insert("recall".to_owned(), Some(recall));
    record
        .scores
        .insert("recall_rows".to_owned(), Some(rows as f64));
    let exact = f64::from(u8::from(graph.recall.is_none()));
    record.scores.insert("exact".to_owned(), Some(exact));
    let table = table(&features.ids, &graph.neighbors)?;
    commit_run(dataset, snapshot, &own.run, |mut changes| {
        changes.put_run(
            entry(&record, &[TABLE])?,
            vec![(TABLE.to_owned(), table.clone())],
        );
        Ok(changes)
    })?;
    Ok(record)
}

/// The neighbours of exactly these rows, by the metric that a method is called with, that some index of the dataset
/// holds: of several, the one that holds most for a row. None for a method without a metric.
///
/// # Errors
/// A table that cannot be read.
pub(super) fn known(
    snapshot: &Snapshot,
    fingerprint: &str,
    args: &Args,
) -> Result<Option<Known>, Error> {
    let Some(Arg::Text(metric)) = args.get("metric") else {
        return Ok(None);
    };
    let metric = Metric::named(metric);
    let mut best: Option<Known> = None;
    for run in snapshot.runs() {
        let Ok(record) = read_record(run) else {
            continue;
        };
        if record.operator != "similarity"
            || record.input.fingerprint != fingerprint
            || metric_of(&record) != metric
        {
            continue;
        }
        let Some((_, graph)) = load(snapshot, &record)? else {
            continue;
        };
        let width = |known: &Known| known.graph.neighbors.indices.ncols();
        if best
            .as_ref()
            .is_none_or(|best| width(best) < graph.neighbors.indices.ncols())
        {
            best = Some(Known {
                run: run.key.clone(),
                metric,
                graph,
            });
        }
    }
    Ok(best)
}

fn metric_of(record: &RunRecord) -> Metric {
    let word = record.params.get("metric").and_then(|word| word.as_str());
    Metric::named(word.unwrap_or_default())
}

/// An index that these rows extend, and the place of each of its rows among them.
fn older(
    snapshot: &Snapshot,
    record: &RunRecord,
    features: &Features,
    x: ArrayView2<'_, f32>,
    metric: Metric,
    k: usize,
) -> Result<Option<(KnnGraph, Vec<u32>)>, Error> {
    if metric_of(record) != metric || record.input.field != features.field {
        return Ok(None);
    }
    let Some((ids, graph)) = load(snapshot, record)? else {
        return Ok(None);
    };
    let place: HashMap<SampleId, u32> = features.ids.iter().copied().zip(0..).collect();
    let places: Option<Vec<u32>> = ids.iter().map(|id| place.get(id).copied()).collect();
    let Some(places) = places else {
        return Ok(None);
    };
    let rows: Vec<usize> = places.iter().map(|&row| row as usize).collect();
    let unchanged = fingerprint_rows(&ids, x.select(ndarray::Axis(0), &rows).view())
        == record.input.fingerprint;
    // An index that is mostly new is built anew, and one that is all there is nothing to add to.
    let added = x.nrows() - places.len();
    let fits = unchanged && added > 0 && added <= places.len() / 4;
    if !fits || graph.neighbors.indices.ncols() < k {
        return Ok(None);
    }
    Ok(Some((graph.first(k), places)))
}

/// The samples and the graph of an index; nothing where its table is not there.
fn load(
    snapshot: &Snapshot,
    record: &RunRecord,
) -> Result<Option<(Vec<SampleId>, KnnGraph)>, Error> {
    let Some(table) = snapshot.run_table(&record.key, TABLE)? else {
        return Ok(None);
    };
    let read = || {
        let ids = table.column_by_name("id")?.as_fixed_size_binary_opt()?;
        let ids: Option<Vec<SampleId>> = ids
            .iter()
            .map(|id| Some(SampleId(<[u8; 12]>::try_from(id?).ok()?)))
            .collect();
        let indices = table.column_by_name(TABLE)?.as_fixed_size_list_opt()?;
        let distances = table
            .column_by_name("distances")?
            .as_fixed_size_list_opt()?;
        let shape = (indices.len(), usize::try_from(indices.value_length()).ok()?);
        let numbers = indices
            .values()
            .as_primitive_opt::<UInt32Type>()?
            .values()
            .to_vec();
        let lengths = distances
            .values()
            .as_primitive_opt::<Float32Type>()?
            .values()
            .to_vec();
        // A row that is not there would be read beyond the end.
        if numbers.iter().any(|&row| row as usize >= shape.0) {
            return None;
        }
        let neighbors = Neighbors {
            indices: Array2::from_shape_vec(shape, numbers).ok()?,
            distances: Array2::from_shape_vec(shape, lengths).ok()?,
        };
        Some((ids?, neighbors))
    };
    let Some((ids, neighbors)) = read() else {
        return Err(Error::Input(format!(
            "the table of the run {:?} cannot be read; `messier verify` checks the store",
            record.key
        )));
    };
    let score = |name: &str| record.scores.get(name).copied().flatten();
    let recall = match (score("exact"), score("recall"), score("recall_rows")) {
        (Some(exact), Some(value), Some(rows)) if exact < 1.0 => Some(Recall {
            value,
            rows: rows as usize,
        }),
        _ => None,
    };
    Ok(Some((ids, KnnGraph { neighbors, recall })))
}

fn table(ids: &[SampleId], neighbors: &Neighbors) -> Result<RecordBatch, Error> {
    let bug = |error: arrow::error::ArrowError| {
        Error::Input(format!("the run's table cannot be made: {error}"))
    };
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0).collect();
    let ids = FixedSizeBinaryArray::try_new(ID_BYTES, bytes.into(), None).map_err(bug)?;
    let width = i32::try_from(neighbors.indices.ncols()).unwrap_or(i32::MAX);
    let indices = UInt32Array::from_iter_values(neighbors.indices.iter().copied());
    let item = Arc::new(ArrowField::new("item", DataType::UInt32, true));
    let indices = FixedSizeListArray::try_new(item, width, Arc::new(indices), None).map_err(bug)?;
    let rows: Vec<u32> = (0..u32::try_from(ids.len()).unwrap_or(u32::MAX)).collect();
    let distances = columns::vectors(ids.len(), &rows, neighbors.distances.view());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(ids)),
        (TABLE, Arc::new(indices)),
        ("distances", distances),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .map_err(bug)
}
