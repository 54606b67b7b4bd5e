//! Steps on runs and saved views.

use std::sync::Arc;

use arrow::array::StructArray;

use super::{Draft, DraftPiece, DraftRun};
use crate::column::one_text;
use crate::manifest::{RunEntry, SavedView};
use crate::names::{self, nearest};
use crate::{Error, Result};

impl Draft<'_> {
    pub(super) fn put_run(
        &mut self,
        run: RunEntry,
        tables: Vec<(String, StructArray)>,
    ) -> Result<()> {
        names::check_key("run", &run.key)?;
        let known = self.runs.iter().position(|other| other.key == run.key);
        let mut all: Vec<(String, DraftPiece)> = Vec::new();
        for (name, table) in tables {
            names::check_key("table", &name)?;
            all.retain(|(other, _)| *other != name);
            all.push((name, DraftPiece::New(Arc::new(table))));
        }
        for name in run.tables {
            if all.iter().any(|(other, _)| *other == name) {
                continue;
            }
            let kept = known.and_then(|at| {
                self.runs[at]
                    .tables
                    .iter()
                    .find(|(other, _)| *other == name)
            });
            match kept {
                Some(table) => all.push(table.clone()),
                None => {
                    return Err(Error::MissingTable {
                        run: run.key,
                        table: name,
                    });
                }
            }
        }
        let record = DraftPiece::New(one_text(&run.record));
        let draft = DraftRun {
            key: run.key,
            record,
            fields: run.fields,
            tables: all,
        };
        match known {
            Some(at) => self.runs[at] = draft,
            None => self.runs.push(draft),
        }
        Ok(())
    }

    pub(super) fn rename_run(&mut self, from: &str, to: String) -> Result<()> {
        let at = self.run_at(from)?;
        if from == to {
            return Ok(());
        }
        names::check_key("run", &to)?;
        if self.runs.iter().any(|run| run.key == to) {
            return Err(Error::RunExists { key: to });
        }
        self.runs[at].key = to;
        Ok(())
    }

    pub(super) fn put_view(&mut self, view: SavedView) -> Result<()> {
        names::check_key("view", &view.name)?;
        match self.views.iter().position(|other| other.name == view.name) {
            Some(at) => self.views[at] = view,
            None => self.views.push(view),
        }
        Ok(())
    }

    pub(super) fn rename_view(&mut self, from: &str, to: String) -> Result<()> {
        let at = self.view_at(from)?;
        if from == to {
            return Ok(());
        }
        names::check_key("view", &to)?;
        if self.views.iter().any(|view| view.name == to) {
            return Err(Error::ViewExists { name: to });
        }
        self.views[at].name = to;
        Ok(())
    }

    pub(super) fn run_at(&self, key: &str) -> Result<usize> {
        let existing = self.runs.iter().map(|run| &*run.key);
        existing
            .clone()
            .position(|other| other == key)
            .ok_or_else(|| Error::UnknownRun {
                dataset: self.dataset.clone(),
                key: key.to_owned(),
                candidates: nearest(key, existing),
            })
    }

    pub(super) fn view_at(&self, name: &str) -> Result<usize> {
        let existing = self.views.iter().map(|view| &*view.name);
        existing
            .clone()
            .position(|other| other == name)
            .ok_or_else(|| Error::UnknownView {
                dataset: self.dataset.clone(),
                name: name.to_owned(),
                candidates: nearest(name, existing),
            })
    }
}
