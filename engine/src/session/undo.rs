//! Back to the generation before, and what that means: a comparison of the two states, since a commit keeps no words
//! about itself.

use std::collections::HashSet;

use arrow::array::{Array, AsArray};
use arrow::buffer::BooleanBuffer;
use messier_store::{Snapshot, changed_rows};
use serde::Serialize;

use super::Session;
use super::again::again;
use crate::error::Error;

/// What an undo did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The dataset.
    pub dataset: String,
    /// Samples that are different now; those that came back or went are among them.
    pub changed: u64,
    /// How many samples the dataset has now.
    pub samples: u64,
    /// Samples that came back.
    pub samples_restored: u64,
    /// Samples that went.
    pub samples_removed: u64,
    /// Fields.
    pub fields: Difference,
    /// Runs.
    pub runs: Difference,
    /// Saved views.
    pub views: Difference,
    /// Whether it was only worked out.
    pub dry_run: bool,
}

/// Names that an undo is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Those that came back.
    pub restored: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
    /// Those that are as they were before.
    pub changed: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.restored.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// The difference of named things: names in either state, and whether a thing in both is the same.
    fn of(now: &[&str], before: &[&str], same: impl Fn(&str) -> bool) -> Difference {
        let only = |these: &[&str], those: &[&str]| -> Vec<String> {
            let these = these.iter().filter(|name| !those.contains(name));
            these.map(|name| (*name).to_owned()).collect()
        };
        let both = now.iter().filter(|name| before.contains(name));
        Difference {
            restored: only(before, now),
            removed: only(now, before),
            changed: both
                .filter(|name| !same(name))
                .map(|name| (*name).to_owned())
                .collect(),
        }
    }
}

impl Session {
    /// Takes back the newest change of a dataset, whatever made it; with `dry` only says what that would mean.
    ///
    /// # Errors
    /// An unknown dataset, or no earlier state that is still kept.
    pub fn undo(&self, dataset: &str, dry: bool) -> Result<Undone, Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let now = dataset.snapshot()?;
            let before = dataset.previous()?;
            let undone = difference(&now, &before, dry)?;
            if !dry {
                dataset.undo_from(Some(now.generation()))?;
            }
            Ok(undone)
        })
    }
}

fn difference(now: &Snapshot, before: &Snapshot, dry: bool) -> Result<Undone, Error> {
    let names = |snapshot: &Snapshot| -> Vec<String> {
        let fields = snapshot.schema().fields.iter();
        fields.map(|field| field.name.clone()).collect()
    };
    let (own, old) = (names(now), names(before));
    let rows_same = now.shares(before, "id")
        || now.len() == before.len() && now.column("id")?.as_ref() == before.column("id")?.as_ref();
    let mut touched = BooleanBuffer::new_unset(now.len());
    let mut differing: HashSet<&str> = HashSet::new();
    for name in own.iter().filter(|name| old.contains(name)) {
        if name == "last_modified_at" || !rows_same || now.shares(before, name) {
            continue;
        }
        let rows = changed_rows(&now.column(name)?, &before.column(name)?);
        if rows.count_set_bits() > 0 || now.schema().field(name) != before.schema().field(name) {
            differing.insert(name);
            touched = &touched | &rows;
        }
    }
    // A field may only have been given another name, so its values are looked at under either.
    let fields = Difference::of(&refs(&own), &refs(&old), |name| !differing.contains(name));
    if rows_same {
        for (snapshot, names) in [(now, &fields.removed), (before, &fields.restored)] {
            for name in names {
                let column = snapshot.column(name)?;
                if let Some(nulls) = column.logical_nulls() {
                    touched = &touched | nulls.inner();
                } else {
                    touched = BooleanBuffer::new_set(now.len());
                }
            }
        }
    }
    let (restored, removed) = if rows_same {
        (0, 0)
    } else {
        let (here, there) = (ids(now)?, ids(before)?);
        (
            there.difference(&here).count() as u64,
            here.difference(&there).count() as u64,
        )
    };
    let run_keys = |snapshot: &'_ Snapshot| -> Vec<String> {
        snapshot.runs().iter().map(|run| run.key.clone()).collect()
    };
    let (runs_now, runs_before) = (run_keys(now), run_keys(before));
    let view_names = |snapshot: &'_ Snapshot| -> Vec<String> {
        snapshot
            .views()
            .iter()
            .map(|view| view.name.clone())
            .collect()
    };
    let (views_now, views_before) = (view_names(now), view_names(before));
    let view = |snapshot: &'_ Snapshot, name: &str| {
        snapshot
            .views()
            .iter()
            .find(|view| view.name == name)
            .cloned()
    };
    Ok(Undone {
        dataset: now.dataset().to_owned(),
        changed: touched.count_set_bits() as u64 + restored + removed,
        samples: before.len() as u64,
        samples_restored: restored,
        samples_removed: removed,
        fields,
        runs: Difference::of(&refs(&runs_now), &refs(&runs_before), |key| {
            now.run(key) == before.run(key)
        }),
        views: Difference::of(&refs(&views_now), &refs(&views_before), |name| {
            view(now, name) == view(before, name)
        }),
        dry_run: dry,
    })
}

fn ids(snapshot: &Snapshot) -> Result<HashSet<Vec<u8>>, Error> {
    let column = snapshot.column("id")?;
    let ids = column.as_fixed_size_binary_opt();
    Ok(ids
        .into_iter()
        .flat_map(|ids| ids.iter().flatten().map(<[u8]>::to_vec))
        .collect())
}

fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
