//! The record of what was done: everything it takes to make a run again, and what came of it.
//!
//! A record is kept as JSON text, the same that `--json` prints, so that a record of an older version stays readable
//! by people and scripts even where a field has been added since. A binary form would save bytes nobody misses.

mod clusters;
mod fingerprint;
mod machine;

use std::collections::BTreeMap;

use messier_query::signature::Arg;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::context::{Note, StepTime};

pub use clusters::{ClusterRecord, Edit, Try};
pub use fingerprint::{fingerprint_rows, fingerprint_text};
pub use machine::Machine;

/// Everything one run was and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run's name; also the field it wrote.
    pub key: String,
    /// `"embed"`, `"reduce"`, `"cluster"`.
    pub operator: String,
    /// The method or model.
    pub method: String,
    /// Every parameter, defaults too.
    pub params: Map<String, Json>,
    /// The stages that chose the samples, as text; empty for all.
    pub view: String,
    /// What went in.
    pub input: Input,
    /// Everything random was drawn from this.
    pub seed: u64,
    /// The version of Messier that made it.
    pub version: String,
    /// The machine that made it.
    pub machine: Machine,
    /// ISO 8601, UTC, milliseconds.
    pub started_at: String,
    /// Wall time.
    pub seconds: f64,
    /// Where the time went.
    pub steps: Vec<StepTime>,
    /// How it ended; a run that did not end well is never kept, so a stored record says `done`.
    pub status: Status,
    /// What was measured, by name; null where a score is not defined.
    pub scores: BTreeMap<String, Option<f64>>,
    /// The fields it wrote.
    pub fields: Vec<String>,
    /// A fingerprint of what it wrote: two runs with the same one gave the same bits.
    pub output: Option<String>,
    /// What went wrong with single samples, and remarks.
    pub notes: Vec<Note>,
    /// The clusters, largest first, noise last; empty for other operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterRecord>,
    /// What was done to the clusters by hand since, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Edit>,
    /// The tries of a sweep, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
}

/// What went into a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The field read.
    pub field: String,
    /// How many rows took part.
    pub rows: usize,
    /// How long each vector was; 0 for pictures.
    pub dims: usize,
    /// A fingerprint of the rows' ids and content.
    pub fingerprint: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is still going.
    Running,
    /// It ended well.
    Done,
    /// It ended with an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// An argument as the JSON of a record.
pub fn arg_json(arg: &Arg) -> Json {
    match arg {
        Arg::Float(x) if x.is_nan() => Json::from("NaN"),
        Arg::Float(x) if x.is_infinite() => {
            Json::from(if *x > 0.0 { "Infinity" } else { "-Infinity" })
        }
        Arg::Null => Json::Null,
        Arg::Bool(b) => Json::from(*b),
        Arg::Int(i) => Json::from(*i),
        Arg::Float(x) => Json::from(*x),
        Arg::Text(t) => Json::from(t.as_str()),
        Arg::List(items) => items.iter().map(arg_json).collect(),
    }
}

/// The JSON of a record's parameter as an argument again.
pub fn json_arg(json: &Json) -> Arg {
    match json {
        Json::Null | Json::Object(_) => Arg::Null,
        Json::Bool(b) => Arg::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Arg::Int(i),
            None => Arg::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(t) => match t.as_str() {
            "Infinity" => Arg::Float(f64::INFINITY),
            "-Infinity" => Arg::Float(f64::NEG_INFINITY),
            _ => Arg::Text(t.clone()),
        },
        Json::Array(items) => Arg::List(items.iter().map(json_arg).collect()),
    }
}
