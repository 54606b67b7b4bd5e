//! The operator `sweep`: every combination of methods, features and parameters, each kept as a run of its own, ranked
//! in the record of the sweep.
//!
//! The runs are the memory of a sweep: one that is interrupted and asked for again finds those that are done by their
//! keys and goes on, and there is no other state that could disagree with them.

mod grid;

use std::collections::BTreeMap;

use messier_query::OperatorCall;
use messier_query::signature::{Arg, Args, Signature, bind};
use messier_store::{Changes, Dataset, Snapshot};
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::again::again;
use super::columns;
use super::input::Features;
use super::judged::TABLES;
use super::operators::SweepParams;
use super::recorder::{Recorder, check_key, entry, method_args, seed_of};
use super::runs::{find, read_record};
use crate::context::{Context, Step};
use crate::error::{Error, arguments};
use crate::runs::{Input, RunRecord, Try, arg_json, fingerprint_rows};
use crate::score::{self, Effort};
use grid::{Combination, combinations};

/// The score that says that the silhouette was told from a sample.
const STANDARD_ERROR: &str = "silhouette_standard_error";
/// Up to this many rows several tries run at once; beyond, each has all threads.
const SEVERAL_AT_ONCE: usize = 20_000;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = SweepParams::read(&method_args(&call.args, SweepParams::TABLE))
        .map_err(|bad| arguments("sweep", bad))?;
    if let Some(there) = snapshot.run(&own.run) {
        let there = read_record(there)?;
        check_key(
            snapshot,
            &own.run,
            own.overwrite || there.operator == "sweep",
        )?;
    } else {
        check_key(snapshot, &own.run, false)?;
    }
    let seed = seed_of(&call.args, context);
    let context = &context.with_seed(seed);
    let recorder = Recorder::start(call, &own.run, "grid", seed);
    let fields = match &own.features {
        Some(fields) if !fields.is_empty() => fields.clone(),
        _ => vec![Features::field(snapshot, None)?],
    };
    let mut inputs: BTreeMap<String, Features> = BTreeMap::new();
    for field in &fields {
        let features = Features::of(snapshot, &call.view, Some(field), context)?;
        inputs.insert(field.clone(), features);
    }
    let methods = grid::methods(own.method.as_deref())?;
    let given: Args = call
        .args
        .iter()
        .filter(|(name, arg)| {
            **arg != Arg::Null
                && SweepParams::TABLE
                    .iter()
                    .all(|param| param.name != name.as_str())
        })
        .map(|(name, arg)| (name.clone(), arg.clone()))
        .collect();
    let all = combinations(&own.run, &methods, &fields, &given)?;
    for method in &methods {
        note_what_was_not_swept(method.signature(), &given, context);
    }
    let (tries, best) = {
        let step = context.step("try", all.len() as u64);
        let sweep = Sweep {
            dataset,
            snapshot,
            call,
            own: &own,
            inputs: &inputs,
            step: &step,
            context,
        };
        sweep.check_keys(&all)?;
        let mut tries = sweep.all(&all)?;
        sweep.rank(&mut tries);
        let best = tries.first().and_then(|best| sweep.score(best));
        (tries, best)
    };

    let first = &inputs[&fields[0]];
    let matrix = first.matrix()?;
    let input = Input {
        field: fields.join(", "),
        rows: first.rows.len(),
        dims: matrix.view().ncols(),
        fingerprint: fingerprint_rows(&first.ids, matrix.view()),
    };
    let mut record = recorder.finish(input, given, None, context);
    record.fields.clear();
    let names = methods.iter().map(|method| method.signature().name);
    record.params.insert("method".into(), names.collect());
    record
        .params
        .insert("features".into(), fields.iter().cloned().collect());
    record.params.retain(|_, value| !value.is_null());
    let done = tries.iter().filter(|one| one.run.is_some()).count();
    record.scores.insert("tries".into(), Some(done as f64));
    record.scores.insert(format!("best_{}", own.by), best);
    record.tries = tries;
    again(|| {
        let now = dataset.snapshot()?;
        let mut changes = Changes::new().expecting(now.generation());
        changes.put_run(entry(&record, &[])?, Vec::new());
        dataset.commit(changes)?;
        Ok(())
    })?;
    Ok(record)
}

struct Sweep<'a> {
    dataset: &'a Dataset,
    snapshot: &'a Snapshot,
    call: &'a OperatorCall,
    own: &'a SweepParams,
    inputs: &'a BTreeMap<String, Features>,
    step: &'a Step<'a>,
    context: &'a Context,
}

impl Sweep<'_> {
    /// Refuses keys that are taken by something else before anything is computed.
    fn check_keys(&self, all: &[Combination]) -> Result<(), Error> {
        for one in all {
            let ours = self.snapshot.run(&one.key).is_some();
            if !ours || !self.own.overwrite && self.kept(one)?.is_none() {
                check_key(self.snapshot, &one.key, self.own.overwrite)?;
            }
        }
        Ok(())
    }

    /// Does all tries, chain by chain.
    fn all(&self, all: &[Combination]) -> Result<Vec<Try>, Error> {
        let chains: Vec<&[Combination]> = if self.own.patience > 0 {
            all.chunk_by(|a, b| a.chain == b.chain).collect()
        } else {
            all.chunks(1).collect()
        };
        let rows = self.inputs.values().map(|features| features.rows.len());
        let done: Vec<Vec<Try>> = if rows.max().unwrap_or(0) <= SEVERAL_AT_ONCE {
            let chains = chains.par_iter().with_max_len(1);
            chains
                .map(|chain| self.chain(chain))
                .collect::<Result<_, _>>()?
        } else {
            let chains = chains.iter();
            chains
                .map(|chain| self.chain(chain))
                .collect::<Result<_, _>>()?
        };
        let tries: Vec<Try> = done.into_iter().flatten().collect();
        if let Some(first) = tries.first()
            && tries.iter().all(|one| one.run.is_none())
        {
            return Err(Error::Input(format!(
                "none of the {} tries came to a result, the first because: {}",
                tries.len(),
                first.problem.as_deref().unwrap_or_default()
            )));
        }
        Ok(tries)
    }

    /// Does the tries of a chain one after another; leaves the rest out once the score has not risen for long enough.
    fn chain(&self, chain: &[Combination]) -> Result<Vec<Try>, Error> {
        let (mut best, mut waited) = (f64::NEG_INFINITY, 0);
        let mut tries = Vec::with_capacity(chain.len());
        for one in chain {
            let done = if self.own.patience > 0 && waited >= self.own.patience {
                Try {
                    problem: Some(format!(
                        "left out: {} had not become better for {waited} tries",
                        self.own.by
                    )),
                    ..empty(one)
                }
            } else {
                self.one(one)?
            };
            match self.goodness(&done) {
                Some(value) if value > best => (best, waited) = (value, 0),
                _ => waited += 1,
            }
            self.step.tick(1)?;
            tries.push(done);
        }
        Ok(tries)
    }

    /// One try: found among the runs, or made; what goes wrong with it is part of the result.
    fn one(&self, one: &Combination) -> Result<Try, Error> {
        let made = match self.kept(one)? {
            Some(record) if !self.own.overwrite => Ok(record),
            _ => self.make(one),
        };
        let mut record = match made {
            Ok(record) => record,
            Err(Error::Cancelled(stop)) => return Err(stop.into()),
            Err(error) => {
                return Ok(Try {
                    problem: Some(error.to_string()),
                    ..empty(one)
                });
            }
        };
        if self.own.bootstrap > 0 && !record.scores.contains_key("stability") {
            let stability = self.stability(one)?;
            record = self.note_stability(&one.key, stability)?;
        }
        let count = |name: &str| record.scores.get(name).copied().flatten();
        Ok(Try {
            run: Some(record.key.clone()),
            clusters: count("clusters").unwrap_or(0.0) as usize,
            noise: count("noise").unwrap_or(0.0) as usize,
            stability: count("stability"),
            seconds: record.seconds,
            scores: record.scores,
            ..empty(one)
        })
    }

    /// The run of a combination, if it is there: same method, features, view, seed, given parameters and vectors.
    fn kept(&self, one: &Combination) -> Result<Option<RunRecord>, Error> {
        let Some(there) = self.dataset.snapshot()?.run(&one.key).cloned() else {
            return Ok(None);
        };
        let record = read_record(&there)?;
        let features = &self.inputs[&one.features];
        let same = record.operator == "cluster"
            && record.method == one.method.signature().name
            && record.view == self.call.view_text
            && record.seed == self.context.seed
            && record.history.is_empty()
            && (!self.own.exact || self.as_exact(&record))
            && record.input.field == one.features
            && one
                .params
                .iter()
                .all(|(name, arg)| record.params.get(name) == Some(&arg_json(arg)))
            && record.input.fingerprint
                == fingerprint_rows(&features.ids, features.matrix()?.view());
        Ok(same.then_some(record))
    }

    /// Whether a run was judged as `cluster` would judge it.
    fn as_exact(&self, record: &RunRecord) -> bool {
        record.input.rows > Effort::Usual.exact_rows()
            || !record.scores.contains_key(STANDARD_ERROR)
    }

    fn make(&self, one: &Combination) -> Result<RunRecord, Error> {
        let signature = one.method.signature();
        let mut args = self.bound(one)?;
        args.extend([
            ("method".to_owned(), Arg::Text(signature.name.to_owned())),
            ("run".to_owned(), Arg::Text(one.key.clone())),
            ("features".to_owned(), Arg::Text(one.features.clone())),
            (
                "seed".to_owned(),
                Arg::Int(i64::try_from(self.context.seed).unwrap_or(i64::MAX)),
            ),
            ("overwrite".to_owned(), Arg::Bool(self.own.overwrite)),
        ]);
        let call = OperatorCall {
            operator: "cluster".to_owned(),
            args,
            view: self.call.view.clone(),
            view_text: self.call.view_text.clone(),
        };
        super::cluster::run_judged(
            self.dataset,
            self.snapshot,
            &call,
            self.effort(),
            &self.aside(),
        )
    }

    /// How carefully tries are judged.
    fn effort(&self) -> Effort {
        if self.own.exact {
            Effort::Usual
        } else {
            Effort::Quick
        }
    }

    /// The method's arguments, defaults filled in.
    fn bound(&self, one: &Combination) -> Result<Args, Error> {
        let signature = one.method.signature();
        bind(signature.params, &one.params).map_err(|bad| arguments(signature.name, bad))
    }

    /// A context of one try: its notes and steps are its own, the stop is everybody's.
    fn aside(&self) -> Context {
        Context {
            stop: self.context.stop.clone(),
            ..Context::new(self.context.seed)
        }
    }

    fn stability(&self, one: &Combination) -> Result<Option<f64>, Error> {
        let features = &self.inputs[&one.features];
        let matrix = features.matrix()?;
        let column = columns::texts(&self.dataset.snapshot()?.column(&one.key)?);
        let labels: Vec<i32> = features
            .rows
            .iter()
            .map(|&row| {
                let text = column.get(row as usize).and_then(Option::as_deref);
                text.and_then(|text| text.parse().ok()).unwrap_or(-1)
            })
            .collect();
        let args = self.bound(one)?;
        let fit = |x: ArrayView2<'_, f32>, context: &Context| one.method.fit(x, &args, context);
        let times = self.own.bootstrap;
        match score::stability(matrix.view(), &labels, times, &fit, &self.aside()) {
            Err(Error::Cancelled(stop)) => Err(stop.into()),
            // A method that cannot do with fewer rows has no stability, and is a result all the same.
            Err(_) => Ok(None),
            found => found,
        }
    }

    /// Keeps the stability with the scores of a run.
    fn note_stability(&self, key: &str, stability: Option<f64>) -> Result<RunRecord, Error> {
        again(|| {
            let now = self.dataset.snapshot()?;
            let mut record = read_record(find(&now, key)?)?;
            record.scores.insert("stability".to_owned(), stability);
            let mut tables = Vec::new();
            for name in TABLES {
                let table = now.run_table(key, name)?;
                tables.extend(table.map(|table| (name.to_owned(), table)));
            }
            let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
            let mut changes = Changes::new().expecting(now.generation());
            changes.put_run(entry(&record, &names)?, tables.clone());
            self.dataset.commit(changes)?;
            Ok(record)
        })
    }

    /// The score that the sweep goes by.
    fn score(&self, one: &Try) -> Option<f64> {
        one.scores.get(&self.own.by).copied().flatten()
    }

    /// The same, higher for better.
    fn goodness(&self, one: &Try) -> Option<f64> {
        let lower_is_better = self.own.by == "davies_bouldin";
        self.score(one)
            .map(|value| if lower_is_better { -value } else { value })
    }

    /// Best first; then those without the score, then those without a result, each in the order of the grid.
    fn rank(&self, tries: &mut [Try]) {
        tries.sort_by(|a, b| {
            let (x, y) = (self.goodness(a), self.goodness(b));
            b.run
                .is_some()
                .cmp(&a.run.is_some())
                .then(y.is_some().cmp(&x.is_some()))
                .then(y.unwrap_or(0.0).total_cmp(&x.unwrap_or(0.0)))
        });
    }
}

/// Notes a method that none of the parameters is for: nobody asks for one try among many on purpose.
fn note_what_was_not_swept(method: &Signature, given: &Args, context: &Context) {
    if given.is_empty() || given.keys().any(|name| method.param(name).is_some()) {
        return;
    }
    let names: Vec<&str> = given.keys().map(String::as_str).collect();
    let own: Vec<&str> = method.params.iter().map(|param| param.name).collect();
    context.notes.remark(format!(
        "{} was tried once, with its defaults: it has no {}, but {}",
        method.name,
        names.join(", "),
        own.join(", ")
    ));
}

fn empty(one: &Combination) -> Try {
    Try {
        run: None,
        method: one.method.signature().name.to_owned(),
        features: one.features.clone(),
        params: one
            .params
            .iter()
            .map(|(name, arg)| (name.clone(), arg_json(arg)))
            .collect(),
        clusters: 0,
        noise: 0,
        scores: BTreeMap::new(),
        stability: None,
        seconds: 0.0,
        problem: None,
    }
}
