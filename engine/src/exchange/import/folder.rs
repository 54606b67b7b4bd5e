//! Folders of pictures: `image_folder` takes the files, `class_tree` takes their folders for labels as well.

use std::path::{Path, PathBuf};

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};

use super::{Imported, Importer, Known, Report, arguments, columns, scan, walk};
use crate::context::Context;
use crate::error::Error;
use crate::exchange::files::{absolute, problem};

params! {
    /// How a folder of pictures is read.
    pub struct FolderParams {
        /// Searches the folders below as well; links to folders are followed, each folder once.
        recursive: bool = Default::Bool(false), Kind::Bool;
        /// Stores the name of the folder a picture lies in as the text field `label`.
        label_from_folder: bool = Default::Bool(false), Kind::Bool;
        /// Tags for every new sample.
        tags: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// Leaves files out that cannot be read as pictures, and reports them; this is the default.
        skip_broken: bool = Default::Bool(false), Kind::Bool;
        /// Adds files that cannot be read as pictures, without metadata, and reports them.
        keep_broken: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// How a tree of classes is read.
    pub struct TreeParams {
        /// Tags for every new sample.
        tags: Vec<String> = Default::EmptyList, Kind::List(&Kind::Text);
        /// Leaves files out that cannot be read as pictures, and reports them; this is the default.
        skip_broken: bool = Default::Bool(false), Kind::Bool;
        /// Adds files that cannot be read as pictures, without metadata, and reports them.
        keep_broken: bool = Default::Bool(false), Kind::Bool;
    }
}

/// A folder of pictures.
#[derive(Debug)]
pub(super) struct ImageFolder;

/// One folder a class: the first folder below the source is the label.
#[derive(Debug)]
pub(super) struct ClassTree;

static IMAGE_FOLDER: Signature = Signature {
    name: "image_folder",
    summary: "Imports the pictures of a folder.",
    params: FolderParams::TABLE,
    examples: &[Example {
        query: "messier import ./photos --name trip --recursive",
        shows: "Adds every picture below ./photos.",
    }],
    returns: Returns::Value,
};

static CLASS_TREE: Signature = Signature {
    name: "class_tree",
    summary: "Imports a tree of pictures whose first folders are class names.",
    params: TreeParams::TABLE,
    examples: &[Example {
        query: "messier import ./animals --name animals --format class-tree",
        shows: "Adds ./animals/cat/1.jpg with the label cat.",
    }],
    returns: Returns::Value,
};

impl Importer for ImageFolder {
    fn signature(&self) -> &'static Signature {
        &IMAGE_FOLDER
    }

    fn suits(&self, source: &Path) -> bool {
        source.is_dir()
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = FolderParams::read(args).map_err(|bad| arguments(IMAGE_FOLDER.name, bad))?;
        let keep_broken = broken(params.skip_broken, params.keep_broken)?;
        let label: Option<Labeller> = params.label_from_folder.then_some(parent_folder);
        read_folder(
            source,
            params.recursive,
            label,
            &params.tags,
            keep_broken,
            known,
            ctx,
        )
    }
}

impl Importer for ClassTree {
    fn signature(&self) -> &'static Signature {
        &CLASS_TREE
    }

    fn suits(&self, _: &Path) -> bool {
        false
    }

    fn read(
        &self,
        source: &Path,
        args: &Args,
        known: Known<'_>,
        ctx: &Context,
    ) -> Result<Imported, Error> {
        let params = TreeParams::read(args).map_err(|bad| arguments(CLASS_TREE.name, bad))?;
        let keep_broken = broken(params.skip_broken, params.keep_broken)?;
        read_folder(
            source,
            true,
            Some(first_folder),
            &params.tags,
            keep_broken,
            known,
            ctx,
        )
    }
}

/// Whether broken files are kept; asking for both is a mistake.
pub(super) fn broken(skip: bool, keep: bool) -> Result<bool, Error> {
    match (skip, keep) {
        (true, true) => Err(Error::Input(
            "skip_broken and keep_broken exclude each other".into(),
        )),
        _ => Ok(keep),
    }
}

/// The label of a path relative to the source.
type Labeller = fn(&Path) -> Option<&str>;

/// The folder a file lies in; none for a file that lies in the source itself.
fn parent_folder(relative: &Path) -> Option<&str> {
    relative.parent()?.file_name()?.to_str()
}

/// The first folder on the way; none at the root or below `_unlabeled`.
fn first_folder(relative: &Path) -> Option<&str> {
    let mut parts = relative.components();
    let first = parts.next()?.as_os_str().to_str()?;
    (parts.next().is_some() && first != "_unlabeled").then_some(first)
}

fn read_folder(
    source: &Path,
    recursive: bool,
    label: Option<Labeller>,
    tags: &[String],
    keep_broken: bool,
    known: Known<'_>,
    ctx: &Context,
) -> Result<Imported, Error> {
    let root = absolute(source)?;
    if !root.is_dir() {
        return Err(problem(source, "this is not a folder"));
    }
    let found = walk::walk(&root, recursive, ctx)?;
    if found.pictures.is_empty() && found.skipped.is_empty() {
        let hint = match found.unentered {
            0 => String::new(),
            1 => "; the folder in it was not searched (--recursive does)".into(),
            n => format!("; the {n} folders in it were not searched (--recursive does)"),
        };
        return Err(problem(
            source,
            format!("there are no pictures in this folder{hint}"),
        ));
    }
    let total = found.pictures.len();
    let is_new = |path: &PathBuf| path.to_str().is_some_and(|path| !known(path));
    let paths: Vec<PathBuf> = found.pictures.into_iter().filter(is_new).collect();
    let mut report = Report {
        already: total - paths.len(),
        ignored: found.ignored,
        skipped: found.skipped,
        ..Report::default()
    };
    let scanned = scan::scan(&paths, keep_broken, ctx, &mut report)?;
    if scanned.is_empty() && !root.is_dir() {
        return Err(problem(
            source,
            "the folder vanished while it was read; nothing was added",
        ));
    }
    report.added = scanned.len();
    report.skipped.sort();
    if scanned.is_empty() {
        return Ok(Imported {
            columns: Vec::new(),
            report,
            views: Vec::new(),
        });
    }
    let mut columns = columns::pictures(&paths, &scanned)?;
    columns.extend(columns::tags(tags, scanned.len())?);
    if let Some(label) = label {
        let label = |one: &scan::Scanned| paths[one.index].strip_prefix(&root).ok().and_then(label);
        columns.push(columns::texts("label", scanned.iter().map(label))?);
    }
    Ok(Imported {
        columns,
        report,
        views: Vec::new(),
    })
}
