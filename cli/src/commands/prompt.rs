//! `prompt-context`: what completion and hints need to know of a dataset. A prompt whose store another process holds
//! asks for it as for anything else.

use std::collections::BTreeMap;

use messier_store::{Field, FieldType, Snapshot};
use serde::{Deserialize, Serialize};

use super::operate::texts_of;
use crate::args;
use crate::failure::Failure;
use crate::job::Job;

/// Datasets larger than this give no values: counting them would be felt at every prompt.
const MOST_ROWS: usize = 200_000;
/// Most values of a field.
const MOST_VALUES: usize = 60;

/// What a prompt knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptContext {
    /// Every dataset.
    pub datasets: Vec<String>,
    /// The fields of the dataset in use.
    pub fields: Vec<Field>,
    /// Its runs.
    pub runs: Vec<String>,
    /// Its saved views: name and text.
    pub views: Vec<(String, String)>,
    /// Values of text fields that repeat, most frequent first.
    pub values: BTreeMap<String, Vec<String>>,
    /// Its samples.
    pub samples: u64,
}

/// Prints the context as JSON.
pub fn run(args: &args::PromptContext, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session()?;
    let datasets = session
        .store()
        .datasets()?
        .into_iter()
        .map(|info| info.name)
        .collect();
    let mut context = PromptContext {
        datasets,
        ..PromptContext::default()
    };
    if let Some(name) = &args.dataset {
        let snapshot = session.store().dataset(name)?.snapshot()?;
        context.fields = snapshot.schema().fields.clone();
        context.runs = snapshot.runs().iter().map(|run| run.key.clone()).collect();
        context.views = snapshot
            .views()
            .iter()
            .map(|view| (view.name.clone(), view.text.clone()))
            .collect();
        context.values = values(&snapshot)?;
        context.samples = snapshot.len() as u64;
    }
    Ok(job.terminal.document(&context)?)
}

fn values(snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut out = BTreeMap::new();
    if snapshot.len() > MOST_ROWS {
        return Ok(out);
    }
    for field in &snapshot.schema().fields {
        if field.ty != FieldType::Text || field.name == "filepath" {
            continue;
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts_of(snapshot, &field.name)?.into_iter().flatten() {
            *counts.entry(text).or_default() += 1;
        }
        if counts.len() > MOST_VALUES {
            continue;
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        out.insert(
            field.name.clone(),
            counts.into_iter().map(|(value, _)| value).collect(),
        );
    }
    Ok(out)
}
