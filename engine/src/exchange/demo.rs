//! The pictures that come with the program, for `messier demo`: about 1,900 emoji and what they are called.
//!
//! They travel as one uncompressed tar in the binary. Source and licence: `assets/demo/noto-emoji-64.md`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{absolute, io_problem, problem};
use super::table::read_csv;
use crate::context::Context;
use crate::error::Error;

static PICTURES: &[u8] = include_bytes!("../../assets/demo/noto-emoji-64.tar");

/// The table in the tar.
const LABELS: &str = "labels.csv";

/// The unpacked demo.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The pictures with what is known of them, in the order of the table.
    pub pictures: Vec<DemoPicture>,
}

/// One picture of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoPicture {
    /// The file, absolute.
    pub path: PathBuf,
    /// The broad category: `"Animals & Nature"`.
    pub group: String,
    /// The fine one: `"animal-mammal"`.
    pub subgroup: String,
    /// What it shows: `"cat face"`.
    pub name: String,
}

/// Unpacks the pictures and `labels.csv` into `folder`, which is made if it is missing. Files that are there already
/// with the right length are left alone, so doing it again is quick.
///
/// # Errors
/// [`Error::File`] where the folder cannot be written, or [`Error::Cancelled`].
pub fn unpack(folder: &Path, ctx: &Context) -> Result<Demo, Error> {
    fs::create_dir_all(folder).map_err(|e| io_problem(folder, "be made", &e))?;
    let folder = absolute(folder)?;
    let inside =
        |e: std::io::Error| problem(&folder, format!("the demo's archive cannot be read: {e}"));
    let step = ctx.step("unpack", 0);
    let mut archive = tar::Archive::new(PICTURES);
    for entry in archive.entries().map_err(inside)? {
        let mut entry = entry.map_err(inside)?;
        step.tick(1)?;
        let name = entry.path().map_err(inside)?.into_owned();
        // Ours are plain names; anything else would be a mistake in the asset.
        let Some(name) = name.file_name().filter(|only| Path::new(only) == name) else {
            return Err(problem(
                &folder,
                format!("the demo's archive holds {}", name.display()),
            ));
        };
        let to = folder.join(name);
        if fs::metadata(&to).is_ok_and(|there| there.is_file() && there.len() == entry.size()) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(inside)?;
        let written =
            File::create(&to).and_then(|mut file| std::io::Write::write_all(&mut file, &bytes));
        written.map_err(|e| io_problem(&to, "be written", &e))?;
    }
    let pictures = read_labels(&folder)?;
    Ok(Demo { folder, pictures })
}

fn read_labels(folder: &Path) -> Result<Vec<DemoPicture>, Error> {
    let file = folder.join(LABELS);
    let table = read_csv(&file)?;
    let column = |name: &str| {
        table
            .column(name)
            .ok_or_else(|| problem(&file, format!("there is no column {name:?}")))
    };
    let (paths, groups) = (column("filepath")?, column("group")?);
    let (subgroups, names) = (column("subgroup")?, column("name")?);
    let text = |value: &serde_json::Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let rows = paths.iter().zip(groups).zip(subgroups).zip(names);
    let picture = |(((path, group), subgroup), name)| DemoPicture {
        path: folder.join(text(path)),
        group: text(group),
        subgroup: text(subgroup),
        name: text(name),
    };
    Ok(rows.map(picture).collect())
}
