//! Saved views: texts kept by name. They follow the data, and one that no longer fits it says why.

use messier_store::{Changes, SavedView, Snapshot};

use super::Session;
use super::again::again;
use crate::context::Context;
use crate::error::Error;

/// What is known of a saved view beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewDetails {
    /// What it is for.
    pub description: Option<String>,
    /// The colour it is shown in, `#rrggbb`.
    pub color: Option<String>,
    /// Whether a view of that name is replaced.
    pub overwrite: bool,
}

impl Session {
    /// Keeps a view's text under a name; gives the number of samples it has now.
    ///
    /// # Errors
    /// An unknown dataset, mistakes in the text, a name that is empty or taken.
    pub fn save_view(
        &self,
        dataset: &str,
        name: &str,
        text: &str,
        details: &ViewDetails,
        context: &Context,
    ) -> Result<usize, Error> {
        context.stop.check()?;
        if name.trim().is_empty() {
            return Err(Error::Input("a view needs a name".to_owned()));
        }
        if let Some(bad) = details
            .color
            .as_ref()
            .filter(|color| !messier_query::is_color(color))
        {
            return Err(Error::Input(format!(
                "{bad:?} is no colour; write `#` and six hex digits, such as \"#ff6d04\""
            )));
        }
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let old = snapshot.views().iter().find(|view| view.name == name);
            if old.is_some() && !details.overwrite {
                return Err(Error::Input(format!(
                    "there is a view called {name:?} already; delete or rename it first, or say overwrite"
                )));
            }
            let (view, canonical) = self.view(&snapshot, text)?;
            let now = chrono::Utc::now().timestamp_millis();
            let mut changes = Changes::new().expecting(snapshot.generation());
            changes.put_view(SavedView {
                name: name.to_owned(),
                text: if canonical.is_empty() {
                    "dataset".to_owned()
                } else {
                    canonical
                },
                description: details.description.clone(),
                color: details.color.as_ref().map(|color| color.to_lowercase()),
                created_at: old.map_or(now, |old| old.created_at),
                last_modified_at: now,
            });
            dataset.commit(changes)?;
            Ok(view.len())
        })
    }

    /// Whether a saved view still fits its dataset: nothing is evaluated.
    ///
    /// # Errors
    /// [`Error::Query`] with every reason why it does not.
    pub fn check_view(&self, snapshot: &Snapshot, view: &SavedView) -> Result<(), Error> {
        self.plan(snapshot, &view.text).map(drop)
    }

    /// Deletes a saved view, or gives it another name.
    ///
    /// # Errors
    /// An unknown dataset or view, a name that is taken.
    pub fn change_view(
        &self,
        dataset: &str,
        name: &str,
        rename_to: Option<&str>,
    ) -> Result<(), Error> {
        let dataset = self.store.dataset(dataset)?;
        again(|| {
            let snapshot = dataset.snapshot()?;
            let names: Vec<&str> = snapshot
                .views()
                .iter()
                .map(|view| view.name.as_str())
                .collect();
            if !names.contains(&name) {
                let near = messier_query::nearest(name, names.iter().copied());
                let all = names.iter().map(|&name| name.to_owned()).collect();
                return Err(Error::Unknown {
                    what: "view",
                    name: name.to_owned(),
                    candidates: if near.is_empty() { all } else { near },
                });
            }
            let mut changes = Changes::new().expecting(snapshot.generation());
            match rename_to {
                Some(to) if names.contains(&to) => {
                    return Err(Error::Input(format!(
                        "there is a view called {to:?} already"
                    )));
                }
                Some(to) if to.trim().is_empty() => {
                    return Err(Error::Input("a view needs a name".to_owned()));
                }
                Some(to) => changes.rename_view(name, to),
                None => changes.delete_view(name),
            }
            dataset.commit(changes)?;
            Ok(())
        })
    }
}
