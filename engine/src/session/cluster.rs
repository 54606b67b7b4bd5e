//! The operator `cluster`: vectors of a view in, cluster ids out, kept as a text field under the run's key, with what
//! is known of each cluster and of each sample in the run's tables.

use messier_query::OperatorCall;
use messier_store::{Dataset, Field, FieldType, Snapshot};

use super::again::commit_run;
use super::judged::{self, Carried, Grouping, Manner, named_labels};
use super::recorder::{Asked, Begun, Made, begin, entry, method_args};
use crate::cluster;
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::runs::{RunRecord, arg_json, fingerprint_rows};
use crate::score::Effort;
use crate::session::operators::ClusterParams;
use crate::session::similarity;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    run_judged(dataset, snapshot, call, Effort::Usual, context)
}

/// The same, judged with as much effort as is asked for.
pub(super) fn run_judged(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    effort: Effort,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = ClusterParams::read(&method_args(&call.args, ClusterParams::TABLE))
        .map_err(|bad| arguments("cluster", bad))?;
    let method = cluster::method(&own.method)?;
    let asked = Asked {
        run: &own.run,
        features: own.features.as_deref(),
        overwrite: own.overwrite,
    };
    let Begun {
        features,
        args,
        seed,
        recorder,
    } = begin(snapshot, call, &asked, method.signature(), context)?;
    let matrix = features.matrix()?;
    let x = matrix.view();
    let context = &context.with_seed(seed);
    let fingerprint = fingerprint_rows(&features.ids, x);
    let known = match method.takes_neighbors() {
        true => similarity::known(snapshot, &fingerprint, &args)?,
        false => None,
    };
    let clustering = method.fit_knowing(x, &args, known.as_ref(), context)?;
    drop(known);
    let clustering = clustering.by_size();
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
        Manner {
            effort,
            ..Manner::of(method.signature().name, &resolved)
        },
        context,
    )?;
    let made = Made {
        input: fingerprint,
        output,
        params: &clustering.params,
        scores: &clustering.scores,
    };
    let mut record = recorder.finish_on(&features, x, made, context);
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
