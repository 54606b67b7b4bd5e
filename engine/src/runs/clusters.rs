//! What a record says of clusters: each one, what was done to them by hand, and the tries of a sweep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// One cluster of a clustering run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// What stands in the run's field. In a fresh run `"0"` is the largest; `"-1"` is noise.
    pub id: String,
    /// What it is called, if somebody or something named it.
    pub name: Option<String>,
    /// How many samples it has.
    pub size: usize,
    /// The sample nearest its centre; none for noise.
    pub medoid: Option<String>,
    /// Samples that show what is in it: central ones that differ from each other.
    pub exemplars: Vec<String>,
    /// The samples nearest its centre.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub central: Vec<String>,
    /// The samples that sit worst in it, by silhouette.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub border: Vec<String>,
    /// The samples that belong least: by the method's outlier score, else by distance to the centre.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outliers: Vec<String>,
    /// The mean silhouette of its samples; null where not defined.
    pub silhouette: Option<f64>,
    /// The mean distance of its samples to each other: lower is closer together.
    #[serde(default)]
    pub cohesion: Option<f64>,
    /// The mean distance of its samples to those of the cluster next to each: higher is farther apart.
    #[serde(default)]
    pub separation: Option<f64>,
    /// One over the mean distance of a sample to its fifth-nearest fellow.
    #[serde(default)]
    pub density: Option<f64>,
    /// The cluster whose centre is nearest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// How long it survives as density falls, where the method says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<f64>,
    /// Its own part of the validity by density, where that was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dbcv: Option<f64>,
}

/// One thing that was done to the clusters of a run by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// `"merge"`, `"split"`, `"move"`, `"rename_cluster"`, `"dissolve"`.
    pub operator: String,
    /// Its arguments.
    pub params: Map<String, Json>,
    /// The samples it was about, as the text of a view, where it was about samples.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub view: String,
    /// When: ISO 8601, UTC, milliseconds.
    pub at: String,
    /// The ids of clusters it made.
    pub made: Vec<String>,
    /// How many samples have another cluster since.
    pub changed: usize,
    /// The fingerprint of the labels it left.
    pub output: String,
}

/// One try of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// The run it is kept as; none where it failed or was left out.
    pub run: Option<String>,
    /// The clustering method.
    pub method: String,
    /// The field read.
    pub features: String,
    /// The parameters that were given, with this try's values.
    pub params: Map<String, Json>,
    /// How many clusters it found.
    pub clusters: usize,
    /// How many samples it called noise.
    pub noise: usize,
    /// Its scores by name; null where not defined.
    pub scores: BTreeMap<String, Option<f64>>,
    /// The mean agreement (ARI) with clusterings of resampled rows, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Wall time of the clustering and its scores.
    pub seconds: f64,
    /// Why there is no run: what went wrong, or that an early stop left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
