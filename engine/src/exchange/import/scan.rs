//! Looks into many files at once: header metadata and a hash of the content, from one read of each file.

use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Report, Skipped, skipped};
use crate::context::Context;
use crate::decode::{self, Metadata};
use crate::error::Error;

/// Files up to this many bytes are read in one piece.
const WHOLE: u64 = 32 << 20;

/// A file that becomes a sample.
#[derive(Debug, Clone)]
pub(super) struct Scanned {
    /// Which of the paths given it is.
    pub index: usize,
    /// The header; `None` for a broken picture that is kept.
    pub metadata: Option<Metadata>,
    /// BLAKE3 of the content, 64 hex digits.
    pub content_hash: String,
}

/// What one look into a file gives.
struct Look {
    metadata: Result<Metadata, String>,
    content_hash: String,
    /// Device and inode, where a file may have several names.
    identity: Option<(u64, u64)>,
}

/// Scans `paths`; those that cannot be opened are skipped, those that cannot be decoded are skipped or, with
/// `keep_broken`, kept without metadata. Runs on the current rayon pool; the result is in the order of the paths.
pub(super) fn scan(
    paths: &[PathBuf],
    keep_broken: bool,
    ctx: &Context,
    report: &mut Report,
) -> Result<Vec<Scanned>, Error> {
    let step = ctx.step("scan", paths.len() as u64);
    let looks: Vec<Result<Look, String>> = paths
        .par_iter()
        .map(|path| {
            step.tick(1)?;
            Ok(look(path))
        })
        .collect::<Result<_, Error>>()?;
    let mut names = std::collections::HashMap::new();
    let mut scanned = Vec::with_capacity(paths.len());
    for (index, (path, look)) in paths.iter().zip(looks).enumerate() {
        let metadata = match look.as_ref().map(|look| &look.metadata) {
            Ok(Ok(metadata)) => Some(*metadata),
            Ok(Err(why)) if keep_broken => {
                report.kept_broken.push(skipped(path, why.as_str()));
                None
            }
            Ok(Err(why)) | Err(why) => {
                report.skipped.push(skipped(path, why.as_str()));
                continue;
            }
        };
        let Ok(look) = look else { continue };
        if let Some(identity) = look.identity {
            match names.entry(identity) {
                std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(index)),
                std::collections::hash_map::Entry::Occupied(first) => {
                    report.same_file.push(Skipped {
                        path: path.to_string_lossy().into_owned(),
                        reason: paths[*first.get()].to_string_lossy().into_owned(),
                    })
                }
            }
        }
        scanned.push(Scanned {
            index,
            metadata,
            content_hash: look.content_hash,
        });
    }
    Ok(scanned)
}

fn look(path: &Path) -> Result<Look, String> {
    let gone = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => "the file vanished while the folder was read".to_owned(),
        std::io::ErrorKind::PermissionDenied => "you may not read the file".to_owned(),
        _ => format!("cannot be read ({e})"),
    };
    let mut file = File::open(path).map_err(gone)?;
    let about = file.metadata().map_err(gone)?;
    if !about.is_file() {
        return Err("this is not a regular file".into());
    }
    if about.len() <= WHOLE {
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1);
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(gone)?;
        let content_hash = blake3::hash(&bytes).to_hex().to_string();
        return Ok(Look {
            metadata: decode::header_of(&bytes),
            content_hash,
            identity: identity(&about),
        });
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file).map_err(gone)?;
    let metadata = decode::header(path).map_err(|e| match e {
        Error::File { problem, .. } => problem,
        other => other.to_string(),
    });
    Ok(Look {
        metadata,
        content_hash: hasher.finalize().to_hex().to_string(),
        identity: identity(&about),
    })
}

#[cfg(unix)]
fn identity(about: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}
