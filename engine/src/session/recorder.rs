//! What every operator does around its work: take the time, keep the arguments, write the record.

use std::collections::BTreeMap;
use std::time::Instant;

use messier_query::OperatorCall;
use messier_query::signature::{Arg, Args};
use messier_store::{RunEntry, Snapshot};
use serde_json::Map;

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
