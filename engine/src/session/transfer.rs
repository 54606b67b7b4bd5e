//! Data into datasets and out of them: imports, the demo's pictures, exports. An import that brings nothing makes no
//! dataset, and one that fails leaves the dataset as it was.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use messier_query::View;
use messier_query::signature::{Arg, Args};
use messier_store::{Changes, Field, FieldType, NewDataset, Schema};
use serde::Serialize;

use super::Session;
use super::columns::texts;
use crate::context::Context;
use crate::error::Error;
use crate::exchange::export::exporter;
use crate::exchange::import::importer;
use crate::exchange::{Exported, Imported, Report, Rows, demo};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportOutcome {
    /// The dataset's name.
    pub dataset: String,
    /// Whether the dataset was made by this import.
    pub created: bool,
    /// How many samples it has now.
    pub samples: u64,
    /// What happened to each file.
    #[serde(flatten)]
    pub report: Report,
}

impl Session {
    /// Imports what is new in `source` into the dataset `name`, which is made if it is not there.
    ///
    /// # Errors
    /// An unknown format, bad arguments, a source that cannot be read, nothing to import for a dataset that is not
    /// there yet, fields of another type than the dataset's.
    pub fn import(
        &self,
        name: &str,
        source: &Path,
        format: Option<&str>,
        args: &Args,
        persistent: bool,
        context: &Context,
    ) -> Result<ImportOutcome, Error> {
        let importer = importer(format, source)?;
        let known = self.known_paths(name)?;
        let imported = importer.read(source, args, &|path| known.contains(path), context)?;
        self.add(name, imported, source, persistent, context)
    }

    /// Unpacks the pictures that come with Messier into `folder` and imports them with their group, subgroup and name.
    ///
    /// # Errors
    /// A folder that cannot be written, or what an import runs into.
    pub fn import_demo(
        &self,
        name: &str,
        folder: &Path,
        context: &Context,
    ) -> Result<ImportOutcome, Error> {
        let demo = demo::unpack(folder, context)?;
        let known = self.known_paths(name)?;
        let importer = importer(Some("image-folder"), &demo.folder)?;
        let args = Args::from([("recursive".to_owned(), Arg::Bool(false))]);
        let mut imported =
            importer.read(&demo.folder, &args, &|path| known.contains(path), context)?;
        let about: HashMap<&str, _> = demo
            .pictures
            .iter()
            .filter_map(|picture| Some((picture.path.to_str()?, picture)))
            .collect();
        let paths = imported
            .columns
            .iter()
            .find(|(field, _)| field.name == "filepath");
        if let Some((_, paths)) = paths {
            let paths = texts(paths);
            let column = |of: fn(&demo::DemoPicture) -> &str| -> ArrayRef {
                let values = paths
                    .iter()
                    .map(|path| Some(of(about.get(path.as_deref()?)?)));
                Arc::new(values.collect::<StringArray>())
            };
            let added = [
                (
                    Field::new("group", FieldType::Text),
                    column(|picture| &picture.group),
                ),
                (
                    Field::new("subgroup", FieldType::Text),
                    column(|picture| &picture.subgroup),
                ),
                (
                    Field::new("name", FieldType::Text),
                    column(|picture| &picture.name),
                ),
            ];
            imported.columns.extend(added);
        }
        self.add(name, imported, &demo.folder, true, context)
    }

    /// Writes the samples of a view (all without one) to `target` in a format.
    ///
    /// # Errors
    /// An unknown dataset or format, mistakes in the view, bad arguments, a target that is there already.
    pub fn export(
        &self,
        dataset: &str,
        view: &str,
        format: &str,
        target: &Path,
        args: &Args,
        context: &Context,
    ) -> Result<Exported, Error> {
        let exporter = exporter(format)?;
        let snapshot = self.store.dataset(dataset)?.snapshot()?;
        let (view, _) = self.view(&snapshot, view)?;
        exporter.write(&view, target, args, context)
    }

    fn known_paths(&self, name: &str) -> Result<HashSet<String>, Error> {
        match self.store.dataset(name) {
            Ok(dataset) => {
                let paths = dataset.snapshot()?.column("filepath")?;
                Ok(texts(&paths).into_iter().flatten().collect())
            }
            Err(messier_store::Error::UnknownDataset { .. }) => Ok(HashSet::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn add(
        &self,
        name: &str,
        imported: Imported,
        source: &Path,
        persistent: bool,
        context: &Context,
    ) -> Result<ImportOutcome, Error> {
        context.stop.check()?;
        let (dataset, created) = match self.store.dataset(name) {
            Ok(dataset) => (dataset, false),
            Err(messier_store::Error::UnknownDataset { .. }) if imported.report.added > 0 => {
                (self.store.create(name, NewDataset { persistent })?, true)
            }
            Err(messier_store::Error::UnknownDataset { .. }) => {
                return Err(Error::Input(nothing_to_import(source, &imported.report)));
            }
            Err(error) => return Err(error.into()),
        };
        if imported.report.added > 0 {
            let mut changes = Changes::new();
            changes.append(imported.columns);
            if let Err(error) = dataset.commit(changes) {
                if created {
                    self.store.delete(name)?;
                }
                return Err(error.into());
            }
        }
        Ok(ImportOutcome {
            dataset: name.to_owned(),
            created,
            samples: dataset.info()?.samples,
            report: imported.report,
        })
    }
}

fn nothing_to_import(source: &Path, report: &Report) -> String {
    let source = source.display();
    let reason = match report.skipped.first() {
        Some(first) => format!(
            "none of the {} files could be read, the first ({}) because {}",
            report.skipped.len(),
            first.path,
            first.reason
        ),
        None if report.ignored > 0 => format!("its {} files are no pictures", report.ignored),
        None => "there is nothing in it (pictures in folders below need --recursive)".to_owned(),
    };
    format!("{source}: nothing was imported and no dataset was made: {reason}")
}

impl Rows for View {
    fn len(&self) -> usize {
        View::len(self)
    }

    fn schema(&self) -> &Schema {
        View::schema(self)
    }

    fn column(&self, field: &str) -> Result<ArrayRef, Error> {
        Ok(View::column(self, field)?)
    }
}
