//! The operators that change the clusters of a run by hand: `merge`, `split`, `move`, `rename_cluster`, `dissolve`.
//!
//! Each is one commit: the labels, the scores, the tables and the record's history change together, and undoing the
//! commit undoes all. Clusters that an edit does not touch keep their ids; a cluster it makes gets a number that the
//! run never used, so that an id never means two things.

use messier_query::OperatorCall;
use messier_query::signature::{Arg, Args};
use messier_store::Dataset;
use ndarray::Axis;

use super::again::again;
use super::current::{Current, is_noise};
use super::judged::{Carried, Manner};
use super::operators::{
    ClusterWord, DissolveParams, MergeParams, MoveParams, RenameClusterParams, SplitParams,
};
use super::recorder::method_args;
use crate::cluster;
use crate::context::Context;
use crate::error::Error;
use crate::runs::{Edit, RunRecord, arg_json};

/// What an edit did to the labels.
#[derive(Debug, Default)]
struct Outcome {
    made: Vec<i32>,
    changed: usize,
}

/// Whether a call is an edit of clusters.
pub(super) fn is_edit(operator: &str) -> bool {
    matches!(
        operator,
        "merge" | "split" | "move" | "rename_cluster" | "dissolve"
    )
}

pub(super) fn run(
    dataset: &Dataset,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let Some(Arg::Text(key)) = call.args.get("run") else {
        return Err(Error::Input(format!(
            "`{}` needs the key of a run",
            call.operator
        )));
    };
    if call.operator != "move" && !call.view_text.is_empty() {
        return Err(Error::Input(format!(
            "`{}` changes whole clusters, so it takes no view; `move` moves the samples of one",
            call.operator
        )));
    }
    again(|| {
        let snapshot = dataset.snapshot()?;
        let mut current = Current::open(&snapshot, key, context)?;
        let before = current.labels.clone();
        let mut outcome = apply(&mut current, call, context)?;
        outcome.changed = before
            .iter()
            .zip(&current.labels)
            .filter(|(a, b)| a != b)
            .count();
        if outcome.changed == 0 && call.operator != "rename_cluster" {
            return Err(Error::Input(format!(
                "`{}` would change nothing: every sample is where it should go already",
                call.operator
            )));
        }
        let manner = Manner {
            density: current.record.scores.contains_key("dbcv"),
            ..current.manner()
        };
        let tables = if call.operator == "rename_cluster" {
            current.renamed(&snapshot)?
        } else {
            let tables = current.judge(manner, context)?;
            inertia(&mut current);
            tables
        };
        let output = current.output();
        current.record.history.push(Edit {
            operator: call.operator.clone(),
            params: call
                .args
                .iter()
                .filter(|(name, arg)| *name != "run" && **arg != Arg::Null)
                .map(|(name, arg)| (name.clone(), arg_json(arg)))
                .collect(),
            view: call.view_text.clone(),
            at: chrono::Utc::now()
                .format("%Y-%m-%dT%H:%M:%S%.3fZ")
                .to_string(),
            made: outcome.made.iter().map(ToString::to_string).collect(),
            changed: outcome.changed,
            output: output.clone(),
        });
        current.record.output = Some(output);
        dataset.commit(current.changes(&snapshot, &tables)?)?;
        Ok(current.record)
    })
}

/// The sum of squared distances to the centres belongs to the labels, so it moves with them.
fn inertia(current: &mut Current) {
    if current.record.scores.contains_key("inertia")
        && let Some(now) = current.inertia()
    {
        current
            .record
            .scores
            .insert("inertia".to_owned(), Some(now));
    }
}

fn apply(current: &mut Current, call: &OperatorCall, context: &Context) -> Result<Outcome, Error> {
    let bad = |bad| Error::Arguments {
        call: call.operator.clone(),
        bad,
    };
    match call.operator.as_str() {
        "merge" => {
            let own =
                MergeParams::read(&method_args(&call.args, MergeParams::TABLE)).map_err(bad)?;
            merge(current, &own.clusters, own.name)
        }
        "split" => {
            let own =
                SplitParams::read(&method_args(&call.args, SplitParams::TABLE)).map_err(bad)?;
            split(current, &own, context)
        }
        "move" => {
            let own = MoveParams::read(&method_args(&call.args, MoveParams::TABLE)).map_err(bad)?;
            move_samples(current, own, call, context)
        }
        "rename_cluster" => {
            let own =
                RenameClusterParams::read(&method_args(&call.args, RenameClusterParams::TABLE))
                    .map_err(bad)?;
            rename(current, &own.cluster, own.name)
        }
        _ => {
            let own = DissolveParams::read(&method_args(&call.args, DissolveParams::TABLE))
                .map_err(bad)?;
            dissolve(current, &own.clusters, own.into == "nearest")
        }
    }
}

/// The clusters that words mean, each once, in the order given.
fn clusters(current: &Current, words: &[ClusterWord]) -> Result<Vec<i32>, Error> {
    let mut ids = Vec::new();
    for ClusterWord(word) in words {
        if is_noise(word) {
            return Err(Error::Input(
                "noise (-1) is no cluster; `move` takes samples out of it".to_owned(),
            ));
        }
        let id = current.cluster(word)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn merge(
    current: &mut Current,
    words: &[ClusterWord],
    name: Option<String>,
) -> Result<Outcome, Error> {
    let ids = clusters(current, words)?;
    if ids.len() < 2 {
        return Err(Error::Input(format!(
            "merging takes at least two different clusters, and {} was given",
            if ids.is_empty() { "none" } else { "one" }
        )));
    }
    let mut names: Vec<&String> = ids
        .iter()
        .filter_map(|id| current.carried.get(id)?.name.as_ref())
        .collect();
    names.dedup();
    let only = match names.as_slice() {
        [one] => Some((*one).clone()),
        _ => None,
    };
    let made = current.make(Carried {
        name: named(name).or(only),
        persistence: None,
    });
    for place in 0..current.labels.len() {
        if ids.contains(&current.labels[place]) {
            current.set(place, made);
        }
    }
    Ok(Outcome {
        made: vec![made],
        changed: 0,
    })
}

fn named(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}

fn split(current: &mut Current, own: &SplitParams, context: &Context) -> Result<Outcome, Error> {
    let id = clusters(current, std::slice::from_ref(&own.cluster))?[0];
    let method = cluster::method(&own.method)?;
    let mut args = Args::new();
    let takes = |name: &str| method.signature().param(name).is_some();
    let number = |n: usize| Arg::Int(i64::try_from(n).unwrap_or(i64::MAX));
    match (
        own.n_clusters,
        ["n_clusters", "n_components"]
            .into_iter()
            .find(|name| takes(name)),
    ) {
        (n, Some(param)) => drop(args.insert(param.to_owned(), number(n.unwrap_or(2)))),
        (Some(_), None) => {
            return Err(Error::Input(format!(
                "{} finds the number of parts itself, so it takes no n_clusters",
                method.signature().name
            )));
        }
        (None, None) => {}
    }
    for (name, value) in [
        ("min_cluster_size", own.min_cluster_size.map(number)),
        ("eps", own.eps.map(Arg::Float)),
    ] {
        match value {
            Some(value) if takes(name) => drop(args.insert(name.to_owned(), value)),
            Some(_) => {
                return Err(Error::Input(format!(
                    "{} has no {name}",
                    method.signature().name
                )));
            }
            None => {}
        }
    }
    if takes("metric")
        && let Some(metric) = current.record.params.get("metric").and_then(|m| m.as_str())
    {
        args.insert("metric".to_owned(), Arg::Text(metric.to_owned()));
    }
    let members = current.members(id);
    let seed = own.seed.and_then(|seed| u64::try_from(seed).ok());
    let context = &context.with_seed(seed.unwrap_or(current.record.seed));
    let parts = {
        let matrix = current.features.matrix()?;
        let at: Vec<usize> = members.iter().map(|&(_, at)| at).collect();
        let own_rows = matrix.view().select(Axis(0), &at);
        method.fit(own_rows.view(), &args, context)?.by_size()
    };
    if parts.len() < 2 {
        return Err(Error::Input(format!(
            "{} found {} in cluster {id}, so it stays as it is",
            method.signature().name,
            if parts.is_empty() {
                "no parts"
            } else {
                "one part only"
            }
        )));
    }
    let made: Vec<i32> = (0..parts.len())
        .map(|_| current.make(Carried::default()))
        .collect();
    for (&(place, _), &part) in members.iter().zip(&parts.labels) {
        let label = usize::try_from(part).map_or(-1, |part| made[part]);
        current.set(place, label);
    }
    // Samples without a vector cannot be told apart; they go with the largest part.
    for place in 0..current.labels.len() {
        if current.labels[place] == id {
            current.set(place, made[0]);
        }
    }
    Ok(Outcome { made, changed: 0 })
}

fn move_samples(
    current: &mut Current,
    own: MoveParams,
    call: &OperatorCall,
    context: &Context,
) -> Result<Outcome, Error> {
    if call.view_text.is_empty() {
        return Err(Error::Input(
            "say which samples to move with a view before it: match(...).move(...), or --view"
                .to_owned(),
        ));
    }
    let chosen: std::collections::HashSet<u32> = call.view.rows().iter().copied().collect();
    let places: Vec<usize> = (0..current.rows.len())
        .filter(|&place| chosen.contains(&current.rows[place]))
        .collect();
    if places.is_empty() {
        return Err(Error::Input(match chosen.len() {
            0 => "the view has no samples, so there is nothing to move".to_owned(),
            n => format!(
                "none of the {n} samples of the view was clustered by the run {:?}",
                current.record.key
            ),
        }));
    }
    if places.len() < chosen.len() {
        context.notes.remark(format!(
            "{} samples of the view were not clustered by the run and stay out of it",
            chosen.len() - places.len()
        ));
    }
    let mut made = Vec::new();
    let label = match own.to.0.as_str() {
        "new" => {
            let id = current.make(Carried {
                name: named(own.name),
                persistence: None,
            });
            made.push(id);
            id
        }
        word if is_noise(word) => -1,
        word => current.cluster(word)?,
    };
    for place in places {
        current.set(place, label);
    }
    Ok(Outcome { made, changed: 0 })
}

fn rename(
    current: &mut Current,
    word: &ClusterWord,
    name: Option<String>,
) -> Result<Outcome, Error> {
    let id = clusters(current, std::slice::from_ref(word))?[0];
    current.carried.entry(id).or_default().name = named(name);
    Ok(Outcome::default())
}

fn dissolve(current: &mut Current, words: &[ClusterWord], nearest: bool) -> Result<Outcome, Error> {
    let ids = clusters(current, words)?;
    if ids.is_empty() {
        return Err(Error::Input("say which clusters to dissolve".to_owned()));
    }
    let rest: Vec<i32> = current
        .ids()
        .into_iter()
        .filter(|id| !ids.contains(id))
        .collect();
    if nearest && rest.is_empty() {
        return Err(Error::Input(
            "there is no other cluster that the samples could go to".to_owned(),
        ));
    }
    let goes: Vec<(usize, i32)> = if nearest {
        current.nearest_of(&ids, &rest)?
    } else {
        Vec::new()
    };
    for (place, label) in goes {
        current.set(place, label);
    }
    for place in 0..current.labels.len() {
        if ids.contains(&current.labels[place]) {
            current.set(place, -1);
        }
    }
    Ok(Outcome::default())
}
