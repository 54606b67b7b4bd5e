//! What every operator does around its work: take the time, keep the arguments, write the record.

use std::collections::BTreeMap;
use std::time::Instant;

use messier_query::OperatorCall;
use messier_query::signature::{Arg, Args, Signature};
use messier_store::{RunEntry, Snapshot};
use ndarray::ArrayView2;
use serde_json::Map;

use super::input::Features;
use crate::context::Context;
use crate::error::Error;
use crate::runs::{Input, Machine, RunRecord, Status, arg_json};

/// Takes the time of one run and writes its record.
pub(super) struct Recorder {
    key: String,
    operator: String,
    method: String,
    params: Args,
    view: String,
    seed: u64,
    started_at: String,
    began: Instant,
}

impl Recorder {
    /// Starts the clock of a run of `method` under `key`.
    pub fn start(call: &OperatorCall, key: &str, method: &str, seed: u64) -> Recorder {
        let now = chrono::Utc::now();
        Recorder {
            key: key.to_owned(),
            operator: call.operator.clone(),
            method: method.to_owned(),
            params: call.args.clone(),
            view: call.view_text.clone(),
            seed,
            started_at: now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            began: Instant::now(),
        }
    }

    /// The record of a run that ended well. `resolved` are the parameters as the method used them.
    pub fn finish(
        self,
        input: Input,
        resolved: Args,
        output: Option<String>,
        context: &Context,
    ) -> RunRecord {
        let mut params = self.params;
        params.extend(resolved);
        for outside in ["run", "method", "model", "seed", "overwrite"] {
            params.remove(outside);
        }
        let params: Map<_, _> = params
            .iter()
            .map(|(name, arg)| (name.clone(), arg_json(arg)))
            .collect();
        RunRecord {
            fields: vec![self.key.clone()],
            key: self.key,
            operator: self.operator,
            method: self.method,
            params,
            view: self.view,
            input,
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine::here(),
            started_at: self.started_at,
            seconds: self.began.elapsed().as_secs_f64(),
            steps: context.progress.times(),
            status: Status::Done,
            scores: BTreeMap::new(),
            output,
            notes: context.notes.sorted(),
            clusters: Vec::new(),
            history: Vec::new(),
            tries: Vec::new(),
        }
    }

    /// The record of a run on the vectors `x` of `features` that ended well, with the method's scores.
    pub fn finish_on(
        self,
        features: &Features,
        x: ArrayView2<'_, f32>,
        made: Made<'_>,
        context: &Context,
    ) -> RunRecord {
        let input = Input {
            field: features.field.clone(),
            rows: x.nrows(),
            dims: x.ncols(),
            fingerprint: made.input,
        };
        let mut record = self.finish(input, made.params.clone(), Some(made.output), context);
        let field = features.field.clone();
        record.params.insert("features".into(), field.into());
        let scores = made.scores.iter();
        record
            .scores
            .extend(scores.map(|&(name, value)| (name.to_owned(), Some(value))));
        record
    }
}

/// What a method made: fingerprints of what it read and wrote, its parameters as used, and its scores.
pub(super) struct Made<'a> {
    pub input: String,
    pub output: String,
    pub params: &'a Args,
    pub scores: &'a [(&'static str, f64)],
}

/// The words of a call whose method makes a run from the vectors of a view.
pub(super) struct Asked<'a> {
    pub run: &'a str,
    pub features: Option<&'a str>,
    pub overwrite: bool,
}

/// What is in hand when such a method is about to run.
pub(super) struct Begun {
    pub features: Features,
    /// The method's own arguments.
    pub args: Args,
    pub seed: u64,
    pub recorder: Recorder,
}

/// Checks the key, starts the clock, and reads the vectors.
pub(super) fn begin(
    snapshot: &Snapshot,
    call: &OperatorCall,
    asked: &Asked<'_>,
    method: &Signature,
    context: &Context,
) -> Result<Begun, Error> {
    check_key(snapshot, asked.run, asked.overwrite)?;
    let seed = seed_of(&call.args, context);
    Ok(Begun {
        recorder: Recorder::start(call, asked.run, method.name, seed),
        features: Features::of(snapshot, &call.view, asked.features, context)?,
        args: method_args(&call.args, method.params),
        seed,
    })
}

/// The entry the store keeps for a record.
pub(super) fn entry(record: &RunRecord, tables: &[&str]) -> Result<RunEntry, Error> {
    let text = serde_json::to_string(record)
        .map_err(|error| Error::Input(format!("the run's record cannot be written: {error}")))?;
    Ok(RunEntry {
        key: record.key.clone(),
        record: text,
        fields: record.fields.clone(),
        tables: tables.iter().map(|&table| table.to_owned()).collect(),
    })
}

/// Refuses a key that is taken: by a run unless it may be overwritten, by a field that no run wrote in any case.
pub(super) fn check_key(snapshot: &Snapshot, key: &str, overwrite: bool) -> Result<(), Error> {
    let bad_name = key.is_empty() || key.starts_with(['$', '_']) || key.contains(['.', '/', '\\']);
    if bad_name || key.chars().any(char::is_control) {
        return Err(Error::Input(format!(
            "{key:?} cannot be a run's key: it becomes a field, so it needs at least one character, none of . / \\, and no $ or _ in front"
        )));
    }
    if snapshot.run(key).is_some() {
        if overwrite {
            return Ok(());
        }
        return Err(Error::Input(format!(
            "there is a run called {key:?} already; choose another key, delete it, or say overwrite"
        )));
    }
    if snapshot.schema().field(key).is_some() {
        return Err(Error::Input(format!(
            "{key:?} is a field that no run wrote, and it will not be replaced; choose another key"
        )));
    }
    Ok(())
}

/// The seed of a call: its own, else the session's.
pub(super) fn seed_of(args: &Args, context: &Context) -> u64 {
    match args.get("seed") {
        Some(Arg::Int(seed)) => u64::try_from(*seed).unwrap_or(context.seed),
        _ => context.seed,
    }
}

/// The arguments that belong to a method: those its table names.
pub(super) fn method_args(args: &Args, params: &[messier_query::signature::Param]) -> Args {
    args.iter()
        .filter(|(name, _)| params.iter().any(|param| param.name == name.as_str()))
        .map(|(name, arg)| (name.clone(), arg.clone()))
        .collect()
}
