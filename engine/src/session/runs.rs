//! What can be done with runs that are there: list, show, rename, delete, repeat.

use messier_query::signature::Args;
use messier_store::{Changes, RunEntry, Snapshot};

use super::again::again;
use super::recorder::check_key;
use super::{Session, recorder};
use crate::context::Context;
use crate::error::Error;
use crate::runs::{RunRecord, json_arg};

/// A run made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Rerun {
    /// The new record, which has taken the old one's place.
    pub record: RunRecord,
    /// Whether what it read is what the first read.
    pub same_input: bool,
    /// Whether what it wrote is, bit for bit, what the first wrote.
    pub same_output: bool,
}

impl Session {
    /// The records of a dataset's runs, in the order they were made.
    ///
    /// # Errors
    /// An unknown dataset, or a record that cannot be read.
    pub fn runs(&self, dataset: &str) -> Result<Vec<RunRecord>, Error> {
        let snapshot = self.store.dataset(dataset)?.snapshot()?;
        let mut records: Vec<RunRecord> = snapshot
            .runs()
            .iter()
            .map(read_record)
            .collect::<Result<_, _>>()?;
        records.sort_by(|a, b| (&a.started_at, &a.key).cmp(&(&b.started_at, &b.key)));
        Ok(records)
    }

    /// The record of one run.
    ///
    /// # Errors
    /// An unknown dataset or run, or a record that cannot be read.
    pub fn run_info(&self, dataset: &str, key: &str) -> Result<RunRecord, Error> {
        read_record(find(&self.store.dataset(dataset)?.snapshot()?, key)?)
    }

    /// Gives a run, and the field it wrote, another name.
    ///
    /// # Errors
    /// An unknown dataset or run, or a name that is taken or cannot be a field.
    pub fn rename_run(&self, dataset: &str, key: &str, to: &str) -> Result<RunRecord, Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let mut record = read_record(find(&snapshot, key)?)?;
            check_key(&snapshot, to, false)?;
            let names = find(&snapshot, key)?.tables.clone();
            let mut tables = Vec::new();
            for name in &names {
                tables.extend(
                    snapshot
                        .run_table(key, name)?
                        .map(|table| (name.clone(), table)),
                );
            }
            let mut changes = Changes::new().expecting(snapshot.generation());
            for field in &mut record.fields {
                if field == key && snapshot.schema().field(field).is_some() {
                    changes.rename_field(field, to);
                    to.clone_into(field);
                }
            }
            to.clone_into(&mut record.key);
            changes.delete_run(key);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            changes.put_run(recorder::entry(&record, &names)?, tables);
            dataset.commit(changes)?;
            Ok(record)
        })
    }

    /// Deletes a run with the fields it wrote; gives its last record.
    ///
    /// # Errors
    /// An unknown dataset or run.
    pub fn delete_run(&self, dataset: &str, key: &str) -> Result<RunRecord, Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let record = read_record(find(&snapshot, key)?)?;
            let mut changes = Changes::new().expecting(snapshot.generation());
            changes.delete_run(key);
            for field in &record.fields {
                if snapshot.schema().field(field).is_some() {
                    changes.drop_field(field);
                }
            }
            dataset.commit(changes)?;
            Ok(record)
        })
    }

    /// Makes a run again with everything its record says, in its place, and what was done to its clusters by hand after it.
    ///
    /// # Errors
    /// An unknown dataset or run, a view that no longer fits, or what the operator runs into; the old run then stays.
    pub fn rerun(&self, dataset: &str, key: &str, context: &Context) -> Result<Rerun, Error> {
        let old = self.run_info(dataset, key)?;
        let mut args: Args = old
            .params
            .iter()
            .map(|(name, value)| (name.clone(), json_arg(value)))
            .collect();
        args.insert(
            "overwrite".into(),
            messier_query::signature::Arg::Bool(true),
        );
        let seed = i64::try_from(old.seed).unwrap_or(i64::MAX);
        if old.operator == "embed" {
            args.insert(
                "model".into(),
                messier_query::signature::Arg::Text(old.method.clone()),
            );
        } else {
            // A sweep has several methods, which are parameters of it; an index has one, and nothing random.
            if !matches!(old.operator.as_str(), "sweep" | "similarity") {
                args.insert(
                    "method".into(),
                    messier_query::signature::Arg::Text(old.method.clone()),
                );
            }
            args.insert(
                "run".into(),
                messier_query::signature::Arg::Text(old.key.clone()),
            );
            if old.operator != "similarity" {
                args.insert("seed".into(), messier_query::signature::Arg::Int(seed));
            }
        }
        let mut record = self.operate(dataset, &old.operator, &args, Some(&old.view), context)?;
        let same_input = record.input.fingerprint == old.input.fingerprint;
        for edit in &old.history {
            let mut args: Args = edit
                .params
                .iter()
                .map(|(name, value)| (name.clone(), json_arg(value)))
                .collect();
            args.insert(
                "run".into(),
                messier_query::signature::Arg::Text(old.key.clone()),
            );
            record = self.operate(dataset, &edit.operator, &args, Some(&edit.view), context)?;
        }
        Ok(Rerun {
            same_input,
            same_output: record.output.is_some() && record.output == old.output,
            record,
        })
    }
}

/// The entry of the run called `key`.
pub(super) fn find<'a>(snapshot: &'a Snapshot, key: &str) -> Result<&'a RunEntry, Error> {
    snapshot.run(key).ok_or_else(|| {
        let keys: Vec<&str> = snapshot.runs().iter().map(|run| run.key.as_str()).collect();
        let near = messier_query::nearest(key, keys.iter().copied());
        let all = keys.iter().map(|&key| key.to_owned()).collect();
        Error::Unknown {
            what: "run",
            name: key.to_owned(),
            candidates: if near.is_empty() { all } else { near },
        }
    })
}

/// The record in an entry.
pub(super) fn read_record(entry: &RunEntry) -> Result<RunRecord, Error> {
    serde_json::from_str(&entry.record).map_err(|error| {
        Error::Input(format!(
            "the record of the run {:?} cannot be read ({error}); `messier verify` checks the store",
            entry.key
        ))
    })
}
