//! The operator `reduce`: vectors of a view in, points out, kept as a vector field under the run's key.

use messier_query::OperatorCall;
use messier_store::{Dataset, Field, FieldType, Snapshot};

use super::again::commit_run;
use super::input::Features;
use super::recorder::{Recorder, check_key, entry, method_args, seed_of};
use crate::context::Context;
use crate::error::Error;
use crate::reduce;
use crate::runs::{Input, RunRecord, fingerprint_rows};
use crate::score;
use crate::session::operators::ReduceParams;

/// Neighbours by which a map's trustworthiness is judged.
const NEIGHBORS: usize = 15;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = ReduceParams::read(&method_args(&call.args, ReduceParams::TABLE)).map_err(|bad| {
        Error::Arguments {
            call: "reduce".to_owned(),
            bad,
        }
    })?;
    check_key(snapshot, &own.run, own.overwrite)?;
    let method = reduce::method(&own.method).ok_or_else(|| Error::Unknown {
        what: "reduction method",
        name: own.method.clone(),
        candidates: reduce::METHODS
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
    let reduction = method.fit(x, &args, context)?;
    let trust = score::trustworthiness(x, reduction.points.view(), NEIGHBORS, context)?;

    let input = Input {
        field: features.field.clone(),
        rows: x.nrows(),
        dims: x.ncols(),
        fingerprint: fingerprint_rows(&features.ids, x),
    };
    let output = fingerprint_rows(&features.ids, reduction.points.view());
    let mut record = recorder.finish(input, reduction.params.clone(), Some(output), context);
    record
        .params
        .insert("features".into(), features.field.clone().into());
    record.scores.extend(
        reduction
            .scores
            .iter()
            .map(|&(name, value)| (name.to_owned(), Some(value))),
    );

    if let Some(trust) = trust {
        let scores = [
            ("trustworthiness", trust.value),
            ("trustworthiness_rows", trust.rows as f64),
        ];
        record.scores.extend(
            scores
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Some(value))),
        );
    }

    let dims = u32::try_from(reduction.points.ncols()).unwrap_or(u32::MAX);
    let column = super::columns::vectors(snapshot.len(), &features.rows, reduction.points.view());
    commit_run(dataset, snapshot, &own.run, |mut changes| {
        let field = Field::new(own.run.as_str(), FieldType::Vector(dims));
        changes.set_column(field, column.clone());
        changes.put_run(entry(&record, &[])?, Vec::new());
        Ok(changes)
    })?;
    Ok(record)
}
