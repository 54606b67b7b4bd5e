//! Opens a segment: maps it, checks header, length, footer, and hands out its chunks as Arrow arrays over the map.
//!
//! A chunk's checksum is checked when it is first read, except that of a large chunk of numbers: summing 200 MB of
//! vectors would cost more than everything else on the way to using them, and no value of theirs can be out of range.
//! `verify` checks those too.

use std::sync::OnceLock;

use arrow::array::ArrayRef;
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::footer::{ChunkInfo, Footer};
use super::layout::assemble;
use super::write::{END_MAGIC, HEADER, MAGIC, TRAILER};
use super::{SegmentId, VERSION};
use crate::codec::{self, Undecodable};
use crate::disk::Disk;
use crate::{Error, Result};

/// Chunks of numbers up to this length are summed when first read.
const SUM_AT_ONCE_UP_TO: u64 = 4 << 20;

/// How closely a chunk is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As on every first read.
    Usual,
    /// Every byte.
    Every,
}

/// An opened segment. Its arrays keep the map alive, even after the file is removed.
#[derive(Debug)]
pub struct Segment {
    id: SegmentId,
    file: Buffer,
    footer: Footer,
    arrays: Vec<OnceLock<ArrayRef>>,
}

impl Segment {
    /// Maps and checks the file; the chunks are looked at when asked for.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], [`Error::Damaged`], or what the disk says.
    pub fn open(
        disk: &dyn Disk,
        id: SegmentId,
        failed: impl Fn(&'static str, &str, std::io::Error) -> Error,
    ) -> Result<Segment> {
        let name = id.file();
        let file = match disk.map(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(damaged(id, "it is missing".into()));
            }
            Err(error) => return Err(failed("read", &name, error)),
        };
        let footer = read_footer(id, &file)?;
        let arrays = footer.chunks.iter().map(|_| OnceLock::new()).collect();
        Ok(Segment {
            id,
            file,
            footer,
            arrays,
        })
    }

    /// What it says of itself.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.file.len() as u64
    }

    /// Chunk `index` as an array over the map.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the sum, the bounds or the values do not fit.
    pub fn chunk(&self, index: u32, depth: Depth) -> Result<ArrayRef> {
        let known = self.arrays.get(index as usize).and_then(OnceLock::get);
        if let (Some(array), Depth::Usual) = (known, depth) {
            return Ok(array.clone());
        }
        let info = self
            .footer
            .chunks
            .get(index as usize)
            .ok_or_else(|| damaged(self.id, format!("it has no chunk {index}")))?;
        let ty = info
            .kind
            .arrow()
            .ok_or_else(|| damaged(self.id, format!("chunk {index} has an unknown type")))?;
        if depth == Depth::Every || info.end - info.start <= SUM_AT_ONCE_UP_TO || !is_numbers(&ty) {
            self.check_sum(index, info)?;
        }
        let array = assemble(&ty, &info.root, &self.file)
            .map_err(|why| damaged(self.id, format!("chunk {index}: {why}")))?;
        Ok(self.arrays[index as usize].get_or_init(|| array).clone())
    }

    fn check_sum(&self, index: u32, info: &ChunkInfo) -> Result<()> {
        let bytes = self
            .file
            .get(info.start as usize..info.end as usize)
            .ok_or_else(|| damaged(self.id, format!("chunk {index} does not lie in the file")))?;
        if crc32fast::hash(bytes) == info.sum {
            return Ok(());
        }
        Err(damaged(
            self.id,
            format!("the sum of chunk {index} does not fit its bytes"),
        ))
    }
}

/// Values that are right whatever their bits are.
fn is_numbers(ty: &DataType) -> bool {
    match ty {
        DataType::FixedSizeList(item, _) => is_numbers(item.data_type()),
        other => other.is_numeric(),
    }
}

fn damaged(id: SegmentId, why: String) -> Error {
    Error::Damaged {
        file: id.file().into(),
        why,
    }
}

fn read_footer(id: SegmentId, file: &[u8]) -> Result<Footer> {
    let u32_at = |at: usize| {
        file.get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_le_bytes)
    };
    let u64_at = |at: usize| {
        file.get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_le_bytes)
    };
    let cut = || damaged(id, "it is cut short".into());
    if file.len() < HEADER + TRAILER {
        return Err(cut());
    }
    if &file[..8] != MAGIC {
        return Err(damaged(id, "it does not start as a segment does".into()));
    }
    if u32_at(12) != Some(crc32fast::hash(&file[..12])) {
        return Err(damaged(id, "the sum of its header does not fit".into()));
    }
    let version = u32_at(8).ok_or_else(cut)?;
    if version > VERSION {
        return Err(Error::NewerFormat {
            file: id.file().into(),
            found: version,
            known: VERSION,
        });
    }
    let trailer_at = file.len() - TRAILER;
    if &file[file.len() - 8..] != END_MAGIC {
        return Err(damaged(id, "it does not end as a segment does".into()));
    }
    if u64_at(trailer_at) != Some(file.len() as u64) {
        return Err(damaged(
            id,
            "its length is not the one it was written with".into(),
        ));
    }
    let footer_len = u64_at(trailer_at + 8)
        .and_then(|len| usize::try_from(len).ok())
        .filter(|len| *len <= trailer_at - HEADER)
        .ok_or_else(|| damaged(id, "its footer does not lie in the file".into()))?;
    let footer = &file[trailer_at - footer_len..trailer_at];
    let mut sum = crc32fast::Hasher::new();
    sum.update(footer);
    sum.update(&file[trailer_at..trailer_at + 20]);
    if u32_at(trailer_at + 20) != Some(sum.finalize()) {
        return Err(damaged(id, "the sum of its footer does not fit".into()));
    }
    let footer: Footer = codec::decode(footer).map_err(|error| match error {
        Undecodable::Newer(found) => Error::NewerFormat {
            file: id.file().into(),
            found: found.into(),
            known: codec::VERSION.into(),
        },
        Undecodable::Damaged(why) => damaged(id, format!("its footer: {why}")),
    })?;
    if footer.chunks.iter().any(|chunk| chunk.start > chunk.end) {
        return Err(damaged(id, "a chunk ends before it starts".into()));
    }
    Ok(footer)
}
