//! The operator `cluster`: vectors of a view in, cluster ids out, kept as a text field under the run's key, with what
//! is known of each cluster and of each sample in the run's tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray,
};
use messier_query::OperatorCall;
use messier_query::signature::Arg;
use messier_store::{Dataset, Field, FieldType, ID_BYTES, SampleId, Snapshot};
use ndarray::{Array2, ArrayView2};

use super::again::commit_run;
use super::columns;
use super::input::Features;
use super::recorder::{Recorder, check_key, entry, method_args, seed_of};
use crate::cluster::{self, Clustering};
use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Metric;
use crate::runs::{ClusterRecord, Input, RunRecord, fingerprint_rows};
use crate::score::{self, Description};
use crate::session::operators::ClusterParams;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own =
        ClusterParams::read(&method_args(&call.args, ClusterParams::TABLE)).map_err(|bad| {
            Error::Arguments {
                call: "cluster".to_owned(),
                bad,
            }
        })?;
    check_key(snapshot, &own.run, own.overwrite)?;
    let method = cluster::method(&own.method).ok_or_else(|| Error::Unknown {
        what: "clustering method",
        name: own.method.clone(),
        candidates: cluster::METHODS
            .iter()
            .map(|m| m.signature().name.to_owned())
            .collect(),
    })?;
    let seed = seed_of(&call.args, context);
    let recorder = Recorder::start(call, &own.run, method.signature().name, seed);
    let features = Features::of(snapshot, &call.view, own.features.as_deref(), context)?;
    let matrix = features.matrix()?;
    let x = matrix.view();
    let args = method_args(&call.args, method.signature().params);
    let context = &context.with_seed(seed);
    let clustering = method.fit(x, &args, context)?.by_size();
    let metric = match clustering.params.get("metric") {
        Some(Arg::Text(name)) if name == "cosine" => Metric::Cosine,
        _ => Metric::Euclidean,
    };
    let description = score::describe(x, &clustering.labels, metric, context)?;

    let input = Input {
        field: features.field.clone(),
        rows: x.nrows(),
        dims: x.ncols(),
        fingerprint: fingerprint_rows(&features.ids, x),
    };
    let output = output_fingerprint(&features.ids, &clustering);
    let mut record = recorder.finish(input, clustering.params.clone(), Some(output), context);
    record
        .params
        .insert("features".into(), features.field.clone().into());
    record.scores.extend(
        clustering
            .scores
            .iter()
            .map(|&(name, value)| (name.to_owned(), Some(value))),
    );
    record.scores.extend(
        description
            .scores()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let noise = clustering.labels.iter().filter(|&&label| label < 0).count();
    record
        .scores
        .insert("clusters".to_owned(), Some(clustering.len() as f64));
    record.scores.insert("noise".to_owned(), Some(noise as f64));
    record.clusters = cluster_records(&features.ids, &clustering, &description, noise);

    let tables = vec![
        (
            "samples".to_owned(),
            samples_table(&features.ids, x, &clustering, &description)?,
        ),
        (
            "clusters".to_owned(),
            clusters_table(&record.clusters, &description)?,
        ),
    ];
    let column = columns::labels(snapshot.len(), &features.rows, &clustering.labels);
    commit_run(dataset, snapshot, &own.run, |mut changes| {
        changes.set_column(
            Field::new(own.run.as_str(), FieldType::Text),
            column.clone(),
        );
        changes.put_run(entry(&record, &["samples", "clusters"])?, tables.clone());
        Ok(changes)
    })?;
    Ok(record)
}

fn output_fingerprint(ids: &[SampleId], clustering: &Clustering) -> String {
    let columns = 1
        + usize::from(clustering.probabilities.is_some())
        + usize::from(clustering.outlier_scores.is_some());
    let table = Array2::from_shape_fn((ids.len(), columns), |(row, column)| match column {
        0 => clustering.labels[row] as f32,
        1 => clustering
            .probabilities
            .as_ref()
            .or(clustering.outlier_scores.as_ref())
            .map_or(0.0, |v| v[row]),
        _ => clustering.outlier_scores.as_ref().map_or(0.0, |v| v[row]),
    });
    fingerprint_rows(ids, table.view())
}

fn cluster_records(
    ids: &[SampleId],
    clustering: &Clustering,
    description: &Description,
    noise: usize,
) -> Vec<ClusterRecord> {
    let mut records: Vec<ClusterRecord> = description
        .clusters
        .iter()
        .map(|cluster| ClusterRecord {
            id: cluster.id.to_string(),
            name: None,
            size: cluster.size,
            medoid: Some(ids[cluster.medoid].to_string()),
            exemplars: cluster
                .exemplars
                .iter()
                .map(|&row| ids[row].to_string())
                .collect(),
            silhouette: cluster.silhouette,
            persistence: usize::try_from(cluster.id)
                .ok()
                .and_then(|at| clustering.persistence.as_ref()?.get(at).copied()),
        })
        .collect();
    if noise > 0 {
        records.push(ClusterRecord {
            id: "-1".to_owned(),
            name: None,
            size: noise,
            medoid: None,
            exemplars: Vec::new(),
            silhouette: None,
            persistence: None,
        });
    }
    records
}

/// One row a sample: id, label, probability, outlier_score, silhouette, distance to the centre of its cluster.
fn samples_table(
    ids: &[SampleId],
    x: ArrayView2<'_, f32>,
    clustering: &Clustering,
    description: &Description,
) -> Result<RecordBatch, Error> {
    let rows: Vec<u32> = (0..u32::try_from(ids.len()).unwrap_or(u32::MAX)).collect();
    let known = |value: f32| if value.is_nan() { None } else { Some(value) };
    let distances = clustering.labels.iter().enumerate().map(|(row, &label)| {
        let cluster = description.clusters.get(usize::try_from(label).ok()?)?;
        let row = x.row(row);
        let squares = row.iter().zip(&cluster.centroid).map(|(a, b)| {
            let gap = f64::from(*a) - f64::from(*b);
            gap * gap
        });
        Some(squares.sum::<f64>().sqrt() as f32)
    });
    let mut table: Vec<(&str, ArrayRef)> = vec![
        ("id", ids_column(ids)?),
        (
            "label",
            columns::labels(ids.len(), &rows, &clustering.labels),
        ),
        (
            "silhouette",
            Arc::new(
                description
                    .per_sample_silhouette
                    .iter()
                    .map(|&v| known(v))
                    .collect::<Float32Array>(),
            ),
        ),
        ("distance", Arc::new(distances.collect::<Float32Array>())),
    ];
    if let Some(values) = &clustering.probabilities {
        table.push(("probability", Arc::new(Float32Array::from(values.clone()))));
    }
    if let Some(values) = &clustering.outlier_scores {
        table.push((
            "outlier_score",
            Arc::new(values.iter().map(|&v| known(v)).collect::<Float32Array>()),
        ));
    }
    batch(table)
}

/// One row a cluster: id, size, silhouette, centroid (none for noise).
fn clusters_table(
    records: &[ClusterRecord],
    description: &Description,
) -> Result<RecordBatch, Error> {
    let dims = description
        .clusters
        .first()
        .map_or(0, |cluster| cluster.centroid.len());
    let mut centroids = Array2::<f32>::zeros((description.clusters.len(), dims));
    for (mut to, cluster) in centroids.rows_mut().into_iter().zip(&description.clusters) {
        to.iter_mut()
            .zip(&cluster.centroid)
            .for_each(|(to, &from)| *to = from);
    }
    let rows: Vec<u32> = (0..u32::try_from(centroids.nrows()).unwrap_or(u32::MAX)).collect();
    batch(vec![
        (
            "id",
            Arc::new(
                records
                    .iter()
                    .map(|r| Some(r.id.as_str()))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "size",
            Arc::new(
                records
                    .iter()
                    .map(|r| i64::try_from(r.size).ok())
                    .collect::<Int64Array>(),
            ),
        ),
        (
            "silhouette",
            Arc::new(
                records
                    .iter()
                    .map(|r| r.silhouette)
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "centroid",
            columns::vectors(records.len(), &rows, centroids.view()),
        ),
    ])
}

fn ids_column(ids: &[SampleId]) -> Result<ArrayRef, Error> {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0).collect();
    let array = FixedSizeBinaryArray::try_new(ID_BYTES, bytes.into(), None).map_err(arrow_bug)?;
    Ok(Arc::new(array))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .map_err(arrow_bug)
}

fn arrow_bug(error: arrow::error::ArrowError) -> Error {
    Error::Input(format!("the run's table cannot be made: {error}"))
}
