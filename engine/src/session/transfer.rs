//! Data into datasets and out of them: imports, the demo's pictures, exports. An import that brings nothing makes no
//! dataset, and one that fails leaves the dataset as it was.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::filter;
use messier_query::View;
use messier_query::signature::{Arg, Args};
use messier_store::{Changes, Field, FieldType, NewDataset, SampleId, Schema, Snapshot};
use serde::Serialize;

use super::Session;
use super::again::again;
use super::columns::texts;
use super::widen::widen;
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
    /// Remarks about the whole: what was not taken over, and why.
    pub notes: Vec<String>,
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
        let is_known = |key: &str| known.has(key);
        let imported = importer.read(source, args, &is_known, context)?;
        self.add(name, imported, known, source, persistent, context)
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
        let is_known = |key: &str| known.has(key);
        let mut imported = importer.read(&demo.folder, &args, &is_known, context)?;
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
        self.add(name, imported, known, &demo.folder, true, context)
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

    /// The paths that the dataset has, and the generation that was read; none where there is no dataset.
    fn known_paths(&self, name: &str) -> Result<Known, Error> {
        match self.store.dataset(name) {
            Ok(dataset) => Known::of(&dataset.snapshot()?),
            Err(messier_store::Error::UnknownDataset { .. }) => Ok(Known::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Commits what was imported. Whoever imported the same files in the meantime is not repeated: what the dataset
    /// has by now is left out, and the commit is made for exactly the state that was looked at.
    fn add(
        &self,
        name: &str,
        mut imported: Imported,
        seen: Known,
        source: &Path,
        persistent: bool,
        context: &Context,
    ) -> Result<ImportOutcome, Error> {
        context.stop.check()?;
        let mut generation = seen.generation;
        let mut created = false;
        again(|| {
            let (dataset, fresh) = match self.store.dataset(name) {
                Ok(dataset) => (dataset, false),
                Err(messier_store::Error::UnknownDataset { .. }) if imported.report.added > 0 => {
                    match self.store.create(name, NewDataset { persistent }) {
                        Ok(dataset) => (dataset, true),
                        Err(messier_store::Error::DatasetExists { .. }) => {
                            (self.store.dataset(name)?, false)
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(messier_store::Error::UnknownDataset { .. }) => {
                    return Err(Error::Input(nothing_to_import(source, &imported.report)));
                }
                Err(error) => return Err(error.into()),
            };
            created |= fresh;
            let now = dataset.snapshot()?;
            if !fresh && generation != Some(now.generation()) {
                leave_out(&mut imported, &Known::of(&now)?.paths)?;
                generation = Some(now.generation());
            }
            if imported.report.added > 0 {
                let mut changes = Changes::new().expecting(now.generation());
                let mut columns = imported.columns.clone();
                widen(&now, &mut columns, &mut changes)?;
                changes.append(columns);
                for view in &imported.views {
                    if now.views().iter().all(|kept| kept.name != view.name) {
                        changes.put_view(view.clone());
                    }
                }
                if let Err(error) = dataset.commit(changes) {
                    let lost_a_race = matches!(error, messier_store::Error::Conflict { .. });
                    if created && !lost_a_race && dataset.info()?.samples == 0 {
                        self.store.delete(name)?;
                    }
                    return Err(error.into());
                }
            }
            Ok(ImportOutcome {
                dataset: name.to_owned(),
                created,
                samples: dataset.info()?.samples,
                report: imported.report.clone(),
                notes: context
                    .notes
                    .sorted()
                    .into_iter()
                    .map(|note| note.message)
                    .collect(),
            })
        })
    }
}

/// The paths and ids of a dataset at one moment.
#[derive(Default)]
struct Known {
    generation: Option<u64>,
    paths: HashSet<String>,
    ids: HashSet<SampleId>,
}

impl Known {
    fn of(snapshot: &Snapshot) -> Result<Known, Error> {
        let paths = snapshot.column("filepath")?;
        let ids = snapshot.column("id")?;
        let ids = ids.as_fixed_size_binary().iter().flatten();
        Ok(Known {
            generation: Some(snapshot.generation()),
            paths: texts(&paths).into_iter().flatten().collect(),
            ids: ids
                .filter_map(|id| Some(SampleId(id.try_into().ok()?)))
                .collect(),
        })
    }

    /// Whether there is a sample with this path, or with this id.
    fn has(&self, key: &str) -> bool {
        self.paths.contains(key) || SampleId::parse(key).is_some_and(|id| self.ids.contains(&id))
    }
}

/// Takes out of `imported` the rows whose path is in `paths`, and counts them as there already.
fn leave_out(imported: &mut Imported, paths: &HashSet<String>) -> Result<(), Error> {
    let own = imported
        .columns
        .iter()
        .find(|(field, _)| field.name == "filepath")
        .map(|(_, column)| texts(column));
    let is_new: BooleanArray = own
        .into_iter()
        .flatten()
        .map(|path| Some(path.is_none_or(|path| !paths.contains(&path))))
        .collect();
    let already = is_new.false_count();
    if already == 0 {
        return Ok(());
    }
    for (_, column) in &mut imported.columns {
        *column = filter(column, &is_new).map_err(|error| {
            Error::Input(format!("the imported rows cannot be sorted out: {error}"))
        })?;
    }
    imported.report.added -= already;
    imported.report.already += already;
    Ok(())
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
