//! What a clustering run keeps beside its labels: scores of the whole, the table of its clusters, the table of its
//! samples. Made by `cluster`, made again by `score` and by every edit, so that all three leave the same things.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array,
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::Int32Type;
use messier_store::{ID_BYTES, SampleId};
use ndarray::{Array2, ArrayView2};
use serde_json::{Map, Value as Json};

use super::columns;
use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Metric;
use crate::runs::{ClusterRecord, fingerprint_rows};
use crate::score::{self, ClusterDescription, Description, Effort, Wanted};

/// What noise is called in a field of cluster ids.
pub(super) const NOISE: &str = "-1";

/// Samples in groups, and what the method said of each sample.
pub(super) struct Grouping<'a> {
    /// The samples.
    pub ids: &'a [SampleId],
    /// Their vectors.
    pub x: ArrayView2<'a, f32>,
    /// Dense from 0, -1 for noise.
    pub labels: &'a [i32],
    /// What stands in the field for each label.
    pub names: &'a [String],
    /// How sure the method is of each sample.
    pub probabilities: Option<&'a [f32]>,
    /// How far outside each sample is.
    pub outlier_scores: Option<&'a [f32]>,
}

/// What is known of a cluster from elsewhere and stays with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Carried {
    /// What it is called.
    pub name: Option<String>,
    /// How persistent the method found it.
    pub persistence: Option<f64>,
}

/// What to find out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// How far apart samples are.
    pub metric: Metric,
    /// Whether the validity by density belongs to it.
    pub density: bool,
    /// Which samples get a silhouette.
    pub effort: Effort,
}

impl Manner {
    /// The manner that fits a method and its parameters, as a record has them.
    pub fn of(method: &str, params: &Map<String, Json>) -> Manner {
        let cosine = params.get("metric").and_then(Json::as_str) == Some("cosine");
        Manner {
            metric: if cosine {
                Metric::Cosine
            } else {
                Metric::Euclidean
            },
            density: matches!(method, "hdbscan" | "dbscan" | "optics"),
            effort: Effort::Usual,
        }
    }
}

/// What was found out.
#[derive(Debug)]
pub(super) struct Judged {
    /// The scores of the whole.
    pub scores: BTreeMap<String, Option<f64>>,
    /// The clusters, largest first, noise last.
    pub clusters: Vec<ClusterRecord>,
    /// `samples` and `clusters`.
    pub tables: Vec<(String, RecordBatch)>,
}

/// The names of the tables.
pub(super) const TABLES: [&str; 2] = ["samples", "clusters"];

/// Judges a grouping. `carried` belongs to the labels in their order.
pub(super) fn judge(
    grouping: &Grouping<'_>,
    carried: &[Carried],
    manner: Manner,
    context: &Context,
) -> Result<Judged, Error> {
    let wanted = Wanted {
        metric: manner.metric,
        density: manner.density,
        effort: manner.effort,
        outlier_scores: grouping.outlier_scores,
    };
    let mut described = score::describe(grouping.x, grouping.labels, &wanted, context)?;
    let noise = grouping.labels.iter().filter(|&&label| label < 0).count();
    let mut scores: BTreeMap<String, Option<f64>> = described
        .scores()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    scores.insert("clusters".to_owned(), Some(described.clusters.len() as f64));
    scores.insert("noise".to_owned(), Some(noise as f64));
    described
        .clusters
        .sort_by_key(|cluster| (std::cmp::Reverse(cluster.size), cluster.id));
    let name = |label: i32| {
        let at = usize::try_from(label).ok()?;
        grouping.names.get(at).cloned()
    };
    let mut clusters: Vec<ClusterRecord> = described
        .clusters
        .iter()
        .map(|cluster| {
            let known = usize::try_from(cluster.id)
                .ok()
                .and_then(|at| carried.get(at));
            record(grouping.ids, cluster, known, &name)
        })
        .collect();
    if noise > 0 {
        clusters.push(ClusterRecord {
            id: NOISE.to_owned(),
            size: noise,
            ..ClusterRecord::default()
        });
    }
    let tables = vec![
        (TABLES[0].to_owned(), samples_table(grouping, &described)?),
        (TABLES[1].to_owned(), clusters_table(&clusters, &described)?),
    ];
    Ok(Judged {
        scores,
        clusters,
        tables,
    })
}

fn record(
    ids: &[SampleId],
    cluster: &ClusterDescription,
    known: Option<&Carried>,
    name: &impl Fn(i32) -> Option<String>,
) -> ClusterRecord {
    let texts = |rows: &[usize]| rows.iter().map(|&row| ids[row].to_string()).collect();
    ClusterRecord {
        id: name(cluster.id).unwrap_or_else(|| cluster.id.to_string()),
        name: known.and_then(|known| known.name.clone()),
        size: cluster.size,
        medoid: Some(ids[cluster.medoid].to_string()),
        exemplars: texts(&cluster.exemplars),
        central: texts(&cluster.central),
        border: texts(&cluster.border),
        outliers: texts(&cluster.outliers),
        silhouette: cluster.silhouette,
        cohesion: cluster.cohesion,
        separation: cluster.separation,
        density: cluster.density,
        nearest: cluster.nearest.and_then(name),
        persistence: known.and_then(|known| known.persistence),
        dbcv: cluster.dbcv,
    }
}

/// One row a sample: id, label, silhouette, distance to the centre of its cluster, probability, outlier_score.
fn samples_table(grouping: &Grouping<'_>, described: &Description) -> Result<RecordBatch, Error> {
    let ids = grouping.ids;
    let rows: Vec<u32> = (0..u32::try_from(ids.len()).unwrap_or(u32::MAX)).collect();
    let known = |values: &[f32]| -> ArrayRef {
        let values = values
            .iter()
            .map(|&value| (!value.is_nan()).then_some(value));
        Arc::new(values.collect::<Float32Array>())
    };
    let mut table: Vec<(&str, ArrayRef)> = vec![
        ("id", ids_column(ids)?),
        (
            "label",
            named_labels(ids.len(), &rows, grouping.labels, grouping.names),
        ),
        ("silhouette", known(&described.per_sample_silhouette)),
        ("distance", known(&described.per_sample_distance)),
    ];
    if let Some(values) = grouping.probabilities {
        table.push(("probability", known(values)));
    }
    if let Some(values) = grouping.outlier_scores {
        table.push(("outlier_score", known(values)));
    }
    batch(table)
}

/// One row a cluster, in the record's order: what the record has, and the centroid (none for noise).
fn clusters_table(
    records: &[ClusterRecord],
    described: &Description,
) -> Result<RecordBatch, Error> {
    let dims = described
        .clusters
        .first()
        .map_or(0, |cluster| cluster.centroid.len());
    let mut centroids = Array2::<f32>::zeros((described.clusters.len(), dims));
    for (mut to, cluster) in centroids.rows_mut().into_iter().zip(&described.clusters) {
        to.iter_mut()
            .zip(&cluster.centroid)
            .for_each(|(to, &from)| *to = from);
    }
    let rows: Vec<u32> = (0..u32::try_from(centroids.nrows()).unwrap_or(u32::MAX)).collect();
    let text = |of: fn(&ClusterRecord) -> Option<&str>| -> ArrayRef {
        Arc::new(records.iter().map(of).collect::<StringArray>())
    };
    let number = |of: fn(&ClusterRecord) -> Option<f64>| -> ArrayRef {
        Arc::new(records.iter().map(of).collect::<Float64Array>())
    };
    let list = |of: fn(&ClusterRecord) -> &[String]| -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for record in records {
            of(record)
                .iter()
                .for_each(|id| lists.values().append_value(id));
            lists.append(true);
        }
        Arc::new(lists.finish())
    };
    let sizes = records.iter().map(|record| i64::try_from(record.size).ok());
    batch(vec![
        ("id", text(|record| Some(&record.id))),
        ("name", text(|record| record.name.as_deref())),
        ("size", Arc::new(sizes.collect::<Int64Array>())),
        ("medoid", text(|record| record.medoid.as_deref())),
        ("silhouette", number(|record| record.silhouette)),
        ("cohesion", number(|record| record.cohesion)),
        ("separation", number(|record| record.separation)),
        ("density", number(|record| record.density)),
        ("nearest", text(|record| record.nearest.as_deref())),
        ("persistence", number(|record| record.persistence)),
        ("dbcv", number(|record| record.dbcv)),
        ("exemplars", list(|record| &record.exemplars)),
        ("central", list(|record| &record.central)),
        ("border", list(|record| &record.border)),
        ("outliers", list(|record| &record.outliers)),
        (
            "centroid",
            columns::vectors(records.len(), &rows, centroids.view()),
        ),
    ])
}

/// A table of clusters with the names that the records have now.
pub(super) fn with_names(
    table: RecordBatch,
    records: &[ClusterRecord],
) -> Result<RecordBatch, Error> {
    let Some(at) = table.schema().column_with_name("name").map(|(at, _)| at) else {
        return Ok(table);
    };
    let names = records.iter().map(|record| record.name.as_deref());
    let mut columns = table.columns().to_vec();
    columns[at] = Arc::new(names.collect::<StringArray>());
    RecordBatch::try_new(table.schema(), columns).map_err(arrow_bug)
}

/// A text column of `len` rows with the name of `labels[i]` at `rows[i]`, dictionary-coded.
pub(super) fn named_labels(len: usize, rows: &[u32], labels: &[i32], names: &[String]) -> ArrayRef {
    let noise = i32::try_from(names.len()).unwrap_or(i32::MAX);
    let mut words: Vec<&str> = names.iter().map(String::as_str).collect();
    if labels.iter().any(|&label| label < 0) {
        words.push(NOISE);
    }
    let mut keys: Vec<Option<i32>> = vec![None; len];
    for (&row, &label) in rows.iter().zip(labels) {
        keys[row as usize] = Some(if label < 0 { noise } else { label });
    }
    Arc::new(DictionaryArray::<Int32Type>::new(
        Int32Array::from(keys),
        Arc::new(StringArray::from(words)),
    ))
}

/// A fingerprint of labels and of what the method said of each sample.
pub(super) fn labels_fingerprint(
    ids: &[SampleId],
    labels: &[i32],
    probabilities: Option<&[f32]>,
    outlier_scores: Option<&[f32]>,
) -> String {
    let more: Vec<&[f32]> = probabilities.into_iter().chain(outlier_scores).collect();
    let table = Array2::from_shape_fn((ids.len(), 1 + more.len()), |(row, column)| match column {
        0 => labels[row] as f32,
        _ => more[column - 1][row],
    });
    fingerprint_rows(ids, table.view())
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
