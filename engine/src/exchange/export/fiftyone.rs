//! A dataset as FiftyOne itself would have exported it (`FiftyOneDataset`), for `Dataset.from_dir` to read back.
//!
//! Ids are kept, so that both programs speak of the same samples. Runs and saved views stay here: their text and their
//! results mean nothing there.

mod classes;
mod values;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use messier_store::Field;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::image_tree::{Entry, put};
use super::names::Names;
use super::{Exported, Exporter, Rows, arguments, cells, place};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::io_problem;
use crate::exchange::import::Skipped;

params! {
    /// What is written.
    pub struct FiftyOneParams {
        /// What stands in the folder `data`: copies, symbolic or hard links to the originals, or nothing, and samples keep their paths.
        media: String = Default::Text("copy"), Kind::Choice(&["copy", "symlink", "hardlink", "none"]);
        /// Replaces a folder that an earlier export wrote.
        force: bool = Default::Bool(false), Kind::Bool;
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct FiftyOne;

static FIFTYONE: Signature = Signature {
    name: "fiftyone",
    summary: "Writes a folder that FiftyOne reads as a FiftyOneDataset, ids, labels and vectors included.",
    params: FiftyOneParams::TABLE,
    examples: &[Example {
        query: "messier export trip --format fiftyone ./trip-fiftyone",
        shows: "Writes metadata.json, samples.json and copies of the pictures.",
    }],
    returns: Returns::Value,
};

/// The version that the files are of. FiftyOne brings older ones up to its own, so this is the first of its kind.
const VERSION: &str = "1.0.0";

impl Exporter for FiftyOne {
    fn signature(&self) -> &'static Signature {
        &FIFTYONE
    }

    fn write(
        &self,
        rows: &dyn Rows,
        target: &Path,
        args: &Args,
        ctx: &Context,
    ) -> Result<Exported, Error> {
        let params = FiftyOneParams::read(args).map_err(|bad| arguments(FIFTYONE.name, bad))?;
        let entries = plan(rows)?;
        let sources: Vec<PathBuf> = entries.iter().map(|entry| entry.source.clone()).collect();
        let mut exported = Exported {
            target: target.to_owned(),
            rows: rows.len(),
            ..Exported::default()
        };
        place::folder(target, params.force, &sources, |root| {
            let mut written = vec!["metadata.json".to_owned(), "samples.json".to_owned()];
            let outcomes = if params.media == "none" {
                Vec::new()
            } else {
                fs::create_dir(root.join("data"))
                    .map_err(|e| io_problem(target, "be written", &e))?;
                let step = ctx.step("pictures", entries.len() as u64);
                let put_one = |entry: &Entry| {
                    step.tick(1)?;
                    put(entry, root, &params.media)
                };
                entries
                    .par_iter()
                    .map(put_one)
                    .collect::<Result<Vec<_>, Error>>()?
            };
            let mut paths: Vec<Option<&str>> = vec![None; rows.len()];
            for (entry, outcome) in entries.iter().zip(outcomes) {
                match outcome {
                    None => {
                        paths[entry.row] = Some(&entry.to);
                        written.push(entry.to.clone());
                    }
                    Some(Skipped { path, reason }) => exported.skipped.push(Skipped {
                        path,
                        reason: format!(
                            "{reason}; its sample was written, with the path that it has"
                        ),
                    }),
                }
            }
            write_metadata(&root.join("metadata.json"), rows, target)?;
            write_samples(&root.join("samples.json"), rows, &paths, ctx)?;
            exported.files = written.len();
            Ok(written)
        })?;
        Ok(exported)
    }
}

/// The pictures and their names in `data`.
fn plan(rows: &dyn Rows) -> Result<Vec<Entry>, Error> {
    let paths = rows.column("filepath")?;
    let mut names = Names::default();
    let entries = (0..rows.len()).filter_map(|row| {
        let source = PathBuf::from(cells::cell(&paths, row));
        let name = names.give(source.file_name()?.to_str()?, true);
        Some(Entry {
            row,
            source,
            to: format!("data/{name}"),
        })
    });
    Ok(entries.collect())
}

fn write_metadata(path: &Path, rows: &dyn Rows, target: &Path) -> Result<(), Error> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let fields: Vec<Value> = rows.schema().fields.iter().map(classes::declared).collect();
    let document = json!({
        "name": name, "version": VERSION, "media_type": "image", "persistent": false, "tags": [], "info": {},
        "sample_fields": fields, "frame_fields": [], "saved_views": [], "workspaces": [],
        "annotation_runs": {}, "brain_methods": {}, "evaluations": {}, "runs": {},
    });
    let failed = |e: std::io::Error| io_problem(path, "be written", &e);
    let file = File::create_new(path).map_err(failed)?;
    let mut out = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut out, &document).map_err(|e| failed(e.into()))?;
    out.flush().map_err(failed)
}

/// Writes all samples; `paths` are those of the pictures in the export, where they are in it.
fn write_samples(
    path: &Path,
    rows: &dyn Rows,
    paths: &[Option<&str>],
    ctx: &Context,
) -> Result<(), Error> {
    let columns: Vec<(&Field, ArrayRef)> = rows
        .schema()
        .fields
        .iter()
        .map(|field| Ok((field, rows.column(&field.name)?)))
        .collect::<Result<_, Error>>()?;
    let failed = |e: std::io::Error| io_problem(path, "be written", &e);
    let file = File::create_new(path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    let step = ctx.step("samples", rows.len() as u64);
    out.write_all(b"{\"samples\": [").map_err(failed)?;
    for row in 0..rows.len() {
        step.tick(1)?;
        let sample = sample(&columns, row, paths.get(row).copied().flatten());
        out.write_all(if row == 0 { b"\n" } else { b",\n" })
            .map_err(failed)?;
        serde_json::to_writer(&mut out, &sample).map_err(|e| failed(e.into()))?;
    }
    out.write_all(b"\n]}\n").map_err(failed)?;
    out.flush().map_err(failed)
}

fn sample(columns: &[(&Field, ArrayRef)], row: usize, path: Option<&str>) -> Value {
    let id = columns.iter().find(|(field, _)| field.name == "id");
    let id = id.map(|(_, ids)| cells::cell(ids, row)).unwrap_or_default();
    let mut sample = Map::new();
    for (field, column) in columns {
        let value = values::value(column, &field.ty, row, &format!("{id}.{}", field.name));
        if let Some(value) = value {
            sample.insert(classes::key(field), value);
        }
    }
    if let Some(path) = path {
        sample.insert("filepath".into(), path.into());
    }
    sample.entry("tags").or_insert_with(|| json!([]));
    sample.insert("_media_type".into(), "image".into());
    sample.insert("_rand".into(), rand(&id).into());
    Value::Object(sample)
}

/// FiftyOne's number for shuffling, in [0.999, 1): from the id, so that an export is the same every time.
fn rand(id: &str) -> f64 {
    let hash = blake3::hash(id.as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&hash.as_bytes()[..8]);
    let unit = (u64::from_le_bytes(eight) >> 11) as f64 / (1u64 << 53) as f64;
    0.999 + 0.001 * unit
}
