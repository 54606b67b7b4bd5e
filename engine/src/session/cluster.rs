//! The operator `cluster`: vectors of a view in, cluster ids out, kept as a text field under the run's key, with what
//! is known of each cluster and of each sample in the run's tables.

use messier_query::OperatorCall;
use messier_store::{Dataset, Field, FieldType, Snapshot};

use super::again::commit_run;
use super::input::Features;
use super::judged::{self, Carried, Grouping, Manner, named_labels};
use super::recorder::{Recorder, check_key, entry, method_args, seed_of};
use crate::cluster;
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::runs::{Input, RunRecord, arg_json, fingerprint_rows};
use crate::session::operators::ClusterParams;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = ClusterParams::read(&method_args(&call.args, ClusterParams::TABLE))
        .map_err(|bad| arguments("cluster", bad))?;
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
    let input = Input {
        field: features.field.clone(),
        rows: x.nrows(),
        dims: x.ncols(),
        fingerprint: fingerprint_rows(&features.ids, x),
    };
    let output = judged::labels_fingerprint(
        &features.ids,
        &clustering.labels,
        clustering.probabilities.as_deref(),
        clustering.outlier_scores.as_deref(),
    );
    let names: Vec<String> = (0..clustering.len()).map(|id| id.to_string()).collect();
    let carried: Vec<Carried> = (0..clustering.len())
        .map(|at| Carried {
            name: None,
            persistence: clustering
                .persistence
                .as_ref()
                .and_then(|all| all.get(at).copied()),
        })
        .collect();
    let resolved = clustering
        .params
        .iter()
        .map(|(name, arg)| (name.clone(), arg_json(arg)))
        .collect();
    let judged = judged::judge(
        &Grouping {
            ids: &features.ids,
            x,
            labels: &clustering.labels,
            names: &names,
            probabilities: clustering.probabilities.as_deref(),
            outlier_scores: clustering.outlier_scores.as_deref(),
        },
        &carried,
        Manner::of(method.signature().name, &resolved),
        context,
    )?;
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
    record.scores.extend(judged.scores);
    record.clusters = judged.clusters;
    let column = named_labels(snapshot.len(), &features.rows, &clustering.labels, &names);
    commit_run(dataset, snapshot, &own.run, |mut changes| {
        changes.set_column(
            Field::new(own.run.as_str(), FieldType::Text),
            column.clone(),
        );
        changes.put_run(entry(&record, &judged::TABLES)?, judged.tables.clone());
        Ok(changes)
    })?;
    Ok(record)
}
