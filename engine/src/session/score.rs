//! The operator `score`: judges a clustering run again and keeps the result with it, or judges any labels by any
//! vectors and only shows the result.

use std::time::Instant;

use messier_query::OperatorCall;
use messier_store::{Dataset, Snapshot};

use super::again::again;
use super::current::Current;
use super::input::Features;
use super::judged::{self, Carried, Grouping, Manner, labels_fingerprint};
use super::labelling::Labelling;
use super::operators::ScoreParams;
use super::recorder::{Recorder, method_args};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::runs::{Input, RunRecord, fingerprint_rows};
use crate::score::Effort;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = ScoreParams::read(&method_args(&call.args, ScoreParams::TABLE))
        .map_err(|bad| arguments("score", bad))?;
    let labelling = Labelling::of(snapshot, &own.run)?;
    let by_its_own = |run: &RunRecord| {
        let features = own.features.as_deref().unwrap_or(&run.input.field);
        features == run.input.field && call.view_text.is_empty()
    };
    match &labelling.run {
        Some(run) if by_its_own(run) => kept(dataset, &own, context),
        _ => shown(snapshot, call, &labelling, &own, context),
    }
}

/// Judges a run by what it was made from, and keeps what was found in its record.
fn kept(dataset: &Dataset, own: &ScoreParams, context: &Context) -> Result<RunRecord, Error> {
    again(|| {
        let snapshot = dataset.snapshot()?;
        let began = Instant::now();
        let mut current = Current::open(&snapshot, &own.run, context)?;
        let manner = Manner {
            effort: Effort::exact_if(own.exact),
            density: own.density || current.manner().density,
            ..current.manner()
        };
        let tables = current.judge(manner, context)?;
        dataset.commit(current.changes(&snapshot, &tables)?)?;
        // What is shown is how long this took and what there is to say about it; what is kept is the clustering's.
        current.record.seconds = began.elapsed().as_secs_f64();
        current.record.notes = context.notes.sorted();
        Ok(current.record)
    })
}

/// Judges labels on the samples of a view that have a vector and a label; nothing is kept.
fn shown(
    snapshot: &Snapshot,
    call: &OperatorCall,
    labelling: &Labelling,
    own: &ScoreParams,
    context: &Context,
) -> Result<RunRecord, Error> {
    let recorder = Recorder::start(call, &own.run, "labels", context.seed);
    let field = match (&own.features, &labelling.run) {
        (None, Some(run)) => Some(run.input.field.as_str()),
        (given, _) => given.as_deref(),
    };
    let labelled: Vec<u32> = call
        .view
        .rows()
        .iter()
        .copied()
        .filter(|&row| labelling.texts[row as usize].is_some())
        .collect();
    let without = call.view.rows().len() - labelled.len();
    if labelled.is_empty() {
        return Err(Error::Input(format!(
            "none of the {without} samples has a label in {:?}",
            labelling.name
        )));
    }
    if without > 0 {
        context.notes.remark(format!(
            "{without} samples have no label in {:?} and were left out",
            labelling.name
        ));
    }
    let field = Features::field(snapshot, field)?;
    let features = Features::among(snapshot, &labelled, &field, context)?;
    let matrix = features.matrix()?;
    let x = matrix.view();
    let (labels, names) = labelling.numbered(&features.rows);
    let known = labelling
        .run
        .as_ref()
        .map(|run| Manner::of(&run.method, &run.params));
    let manner = known.unwrap_or_else(|| Manner::of("labels", &serde_json::Map::new()));
    let manner = Manner {
        effort: Effort::exact_if(own.exact),
        density: own.density || manner.density,
        ..manner
    };
    let carried: Vec<Carried> = names
        .iter()
        .map(|id| {
            let clusters = labelling.run.iter().flat_map(|run| &run.clusters);
            let known = clusters.into_iter().find(|cluster| cluster.id == *id);
            known.map_or_else(Carried::default, |cluster| Carried {
                name: cluster.name.clone(),
                persistence: cluster.persistence,
            })
        })
        .collect();
    let judged = judged::judge(
        &Grouping {
            ids: &features.ids,
            x,
            labels: &labels,
            names: &names,
            probabilities: None,
            outlier_scores: None,
        },
        &carried,
        manner,
        context,
    )?;
    let input = Input {
        field: features.field.clone(),
        rows: x.nrows(),
        dims: x.ncols(),
        fingerprint: fingerprint_rows(&features.ids, x),
    };
    let output = labels_fingerprint(&features.ids, &labels, None, None);
    let mut record = recorder.finish(input, own.record(), Some(output), context);
    record.params.insert("features".into(), field.into());
    record.fields.clear();
    record.scores = judged.scores;
    record.clusters = judged.clusters;
    Ok(record)
}
