//! FiftyOne's own export (`FiftyOneDataset`): `metadata.json`, `samples.json`, and pictures beside them or elsewhere.
//!
//! The samples are read twice, one after the other: once for what there is (ids, paths, the types that nobody declared),
//! once for the values. So a dataset of any size needs the memory of its columns, and a mistake in the last sample is
//! found before anything is made. A sample is known by its id as well as by its path: a folder that was moved brings
//! nothing new. Results of runs are never read; some hold pickled code.

mod arrays;
mod columns;
mod document;
mod extended;
mod mongo;
mod samples;
mod shape;
mod views;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use messier_store::{Field, FieldType, SampleId, Schema};
use serde_json::{Map, Value, json};

use self::columns::Columns;
use self::document::Document;
use self::extended::{Scalar, scalar};
use self::mongo::Mongo;
use self::samples::Samples;
use self::shape::{Node, Part, Shape};
use super::{Imported, Importer, Known, Report, arguments, scan, skipped};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{absolute, problem};

params! {
    /// How an export of FiftyOne is read.
    pub struct FiftyOneParams {
        /// Tags for every new sample, beside its own.
        tags: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// The folder that relative paths of pictures are taken from; the export's own folder without it.
        rel_dir: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct FiftyOne;

static FIFTYONE: Signature = Signature {
    name: "fiftyone",
    summary: "Imports a dataset that FiftyOne exported, with its fields, labels, vectors and views.",
    params: FiftyOneParams::TABLE,
    examples: &[Example {
        query: "messier import ./export --name D --format fiftyone",
        shows: "Reads the export of type FiftyOneDataset in ./export.",
    }],
    returns: Returns::Value,
};

/// The hash of a picture, as other imports store it.
const HASH: &str = "content_hash";

impl Importer for FiftyOne {
    fn signature(&self) -> &'static Signature {
        &FIFTYONE
    }

    fn suits(&self, source: &Path) -> bool {
        let samples = source.join("samples.json").is_file() || source.join("samples").is_dir();
        samples && source.join("metadata.json").is_file()
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = FiftyOneParams::read(args).map_err(|bad| arguments(FIFTYONE.name, bad))?;
        let folder = absolute(source)?;
        if !folder.is_dir() {
            return Err(problem(
                source,
                "this is not a folder; an export of FiftyOne is one, with metadata.json and samples.json",
            ));
        }
        let document = document::read(&folder.join("metadata.json"))?;
        let samples = Samples::of(&folder)?;
        let base = params
            .rel_dir
            .as_ref()
            .map_or_else(|| folder.clone(), |dir| folder.join(dir));
        let mut found = Found::new(&document, base);
        let step = ctx.step("read", 0);
        samples.read(&mut |at, sample| {
            step.tick(1)?;
            found
                .take(at, &sample, known)
                .map_err(|why| problem(samples.path(), format!("sample {}: {why}", at + 1)))
        })?;
        drop(step);
        let mut report = Report {
            already: found.already,
            added: found.paths.len(),
            skipped: std::mem::take(&mut found.twice),
            ..Report::default()
        };
        if found.paths.is_empty() {
            return Ok(Imported {
                report,
                ..Imported::default()
            });
        }
        let pictures = Pictures::look(&found, ctx, &mut report)?;
        let columns = read_values(&samples, &found, &pictures, &params.tags, ctx)?;
        for remark in &document.remarks {
            ctx.notes.remark(remark.clone());
        }
        for part in &found.parts {
            part.node.left(&part.name, &mut |path, why| {
                ctx.notes
                    .remark(format!("the field {path} was not taken over: {why}"));
            });
        }
        let mut schema = Schema::of_samples();
        for (field, _) in &columns {
            if schema.field(&field.name).is_none() {
                schema.fields.push(field.clone());
            }
        }
        let mongo = Mongo {
            fields: &found.parts,
        };
        let mut views = Vec::new();
        for declared in &document.views {
            match views::view(declared, mongo, &schema) {
                Ok(view) => views.push(view),
                Err(why) => ctx.notes.remark(format!(
                    "the saved view {:?} was not taken over: {why}",
                    declared.name
                )),
            }
        }
        Ok(Imported {
            columns,
            report,
            views,
        })
    }
}

/// What the first reading finds.
struct Found {
    parts: Vec<Part>,
    /// Whether the sample with a number becomes a row.
    new: Vec<bool>,
    /// The absolute paths of the rows.
    paths: Vec<String>,
    /// Rows without metadata of their own.
    bare: Vec<bool>,
    already: usize,
    twice: Vec<super::Skipped>,
    base: PathBuf,
    folders: HashMap<PathBuf, PathBuf>,
    ids: HashMap<SampleId, usize>,
    seen: HashSet<String>,
}

impl Found {
    fn new(document: &Document, base: PathBuf) -> Found {
        // The fields of every sample have their types, whatever an export declares them to be.
        let mut parts: Vec<Part> = Vec::new();
        for field in Schema::of_samples().fields {
            let declared = document.fields.iter().find(|part| part.name == field.name);
            let key = if field.name == "id" {
                "_id"
            } else {
                &field.name
            };
            parts.push(Part {
                key: declared.map_or_else(|| key.to_owned(), |part| part.key.clone()),
                node: Node::declared(built_in(&field)),
                name: field.name,
            });
        }
        for part in &document.fields {
            if parts
                .iter()
                .all(|known| known.name != part.name && known.key != part.key)
            {
                parts.push(part.clone());
            }
        }
        Found {
            parts,
            new: Vec::new(),
            paths: Vec::new(),
            bare: Vec::new(),
            already: 0,
            twice: Vec::new(),
            base,
            folders: HashMap::new(),
            ids: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    fn take(
        &mut self,
        at: usize,
        sample: &Map<String, Value>,
        known: Known<'_>,
    ) -> Result<(), String> {
        let text = sample.get("filepath").and_then(Value::as_str);
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Err("it has no filepath".into());
        };
        let id = sample.get("_id").map(scalar).transpose()?.flatten();
        let Some(Scalar::Id(id)) = id else {
            return Err(format!("{text} has no id"));
        };
        if let Some(first) = self.ids.insert(id, at) {
            return Err(format!(
                "{text} has the id {id}, as sample {} has",
                first + 1
            ));
        }
        for part in &mut self.parts {
            if let Some(value) = sample.get(&part.key) {
                let here = |why| format!("{text}: the field {}: {why}", part.name);
                part.node.observe(value).map_err(here)?;
            }
        }
        let Some(path) = self.resolve(text) else {
            return Err(format!(
                "{text}: its path is not UTF-8 text, which a filepath has to be"
            ));
        };
        let is_known = known(&path) || known(&id.to_string());
        let is_new = !is_known && self.seen.insert(path.clone());
        self.new.push(is_new);
        if is_new {
            self.bare
                .push(sample.get("metadata").is_none_or(Value::is_null));
            self.paths.push(path);
        } else if is_known {
            self.already += 1;
        } else {
            let again = format!("sample {} names it again; the first counts", at + 1);
            self.twice.push(skipped(Path::new(&path), again));
        }
        Ok(())
    }

    /// The path made absolute, links in its folder resolved where the folder is there.
    fn resolve(&mut self, text: &str) -> Option<String> {
        let path = self.base.join(text);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return path.to_str().map(str::to_owned);
        };
        let folder = self
            .folders
            .entry(folder.to_owned())
            .or_insert_with(|| std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()));
        folder.join(name).to_str().map(str::to_owned)
    }
}

/// The shape of a field that every sample has.
fn built_in(field: &Field) -> Shape {
    match &field.ty {
        FieldType::List(item) => {
            Shape::List(Box::new(Node::declared(Shape::Scalar((**item).clone()))))
        }
        FieldType::Struct(kind, fields) => {
            let parts = fields.iter().map(|field| Part {
                name: field.name.clone(),
                key: field.name.clone(),
                node: Node::declared(built_in(field)),
            });
            Shape::Document(*kind, parts.collect())
        }
        ty => Shape::Scalar(ty.clone()),
    }
}

/// What the pictures themselves say, where they are.
struct Pictures {
    /// By row: metadata for rows that have none of their own, and the hash of the content.
    by_row: HashMap<usize, (Option<Value>, String)>,
    /// Whether the hashes are stored: not where the export has a field of that name.
    hashes: bool,
}

impl Pictures {
    fn look(found: &Found, ctx: &Context, report: &mut Report) -> Result<Pictures, Error> {
        let (mut rows, mut paths, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for (row, path) in found.paths.iter().enumerate() {
            if Path::new(path).is_file() {
                rows.push(row);
                paths.push(PathBuf::from(path));
            } else {
                missing.push(path);
            }
        }
        if let Some(first) = missing.first() {
            let n = missing.len();
            let are = if n == 1 {
                "1 picture is".to_owned()
            } else {
                format!("{n} pictures are")
            };
            ctx.notes.remark(format!(
                "{are} not there, the first {first}; the samples were added all the same"
            ));
        }
        let scanned = scan::scan(&paths, true, ctx, report)?;
        let by_row = scanned.into_iter().map(|one| {
            let row = rows[one.index];
            let metadata = one.metadata.filter(|_| found.bare[row]).map(|m| {
                json!({
                    "size_bytes": m.size_bytes, "mime_type": m.mime_type,
                    "width": m.width, "height": m.height, "num_channels": m.num_channels,
                })
            });
            (row, (metadata, one.content_hash))
        });
        Ok(Pictures {
            by_row: by_row.collect(),
            hashes: found.parts.iter().all(|part| part.name != HASH),
        })
    }
}

/// The second reading.
fn read_values(
    samples: &Samples,
    found: &Found,
    pictures: &Pictures,
    tags: &[String],
    ctx: &Context,
) -> Result<Vec<(Field, arrow::array::ArrayRef)>, Error> {
    let step = ctx.step("values", found.new.len() as u64);
    let mut parts = found.parts.clone();
    if pictures.hashes && !pictures.by_row.is_empty() {
        parts.push(Part {
            name: HASH.into(),
            key: HASH.into(),
            node: Node::declared(Shape::Scalar(FieldType::Text)),
        });
    }
    let here = |why: String| problem(samples.path(), why);
    let mut columns = Columns::new(&parts);
    let mut row = 0;
    samples.read(&mut |at, mut sample| {
        step.tick(1)?;
        if !found.new.get(at).copied().unwrap_or(false) {
            return Ok(());
        }
        let Some(path) = found.paths.get(row) else {
            return Err(here("the file changed while it was read".into()));
        };
        sample.insert("filepath".into(), path.as_str().into());
        if let Some((metadata, hash)) = pictures.by_row.get(&row) {
            if let Some(metadata) = metadata {
                sample.insert("metadata".into(), metadata.clone());
            }
            if pictures.hashes {
                sample.insert(HASH.into(), hash.as_str().into());
            }
        }
        add_tags(&mut sample, tags);
        row += 1;
        columns.push(sample).map_err(here)
    })?;
    if row != found.paths.len() {
        return Err(here("the file changed while it was read".into()));
    }
    columns
        .finish(&mut |line| ctx.notes.remark(line))
        .map_err(here)
}

/// Adds tags to a sample's own; a sample without a list of tags has an empty one.
fn add_tags(sample: &mut Map<String, Value>, tags: &[String]) {
    let own = sample.entry("tags").or_insert(Value::Null);
    if own.is_null() {
        *own = json!([]);
    }
    if let Value::Array(own) = own {
        for tag in tags
            .iter()
            .map(|tag| tag.trim())
            .filter(|tag| !tag.is_empty())
        {
            if own.iter().all(|known| known != tag) {
                own.push(tag.into());
            }
        }
    }
}
