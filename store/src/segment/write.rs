//! Plans which chunks go into which file, and writes the files.
//!
//! A large chunk has a file of its own, so that replacing it frees its space; the small ones of a commit share one, so
//! that a commit costs few syncs.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::footer::{ChunkInfo, Content, Footer};
use super::layout::{compact, lay_out, padded};
use super::{ALIGN, ChunkRef, Kind, SegmentId, VERSION};
use crate::disk::Disk;
use crate::{Error, Result, codec};

/// Chunks of at least so many bytes have a file of their own.
const OWN_FILE_FROM: usize = 1 << 20;

/// First bytes of a segment.
pub const MAGIC: &[u8; 8] = b"MESSSEGM";
/// Last bytes of a segment.
pub const END_MAGIC: &[u8; 8] = b"MESSSEGE";
/// Bytes of the header, and of the trailer.
pub const HEADER: usize = 64;
/// Bytes of the trailer.
pub const TRAILER: usize = 32;

const ZEROS: [u8; ALIGN] = [0; ALIGN];

/// A file to be written.
pub struct SegmentPlan {
    id: SegmentId,
    chunks: Vec<(Content, ArrayRef)>,
}

/// Decides where each chunk goes. Returns the files and, in the order of `chunks`, each chunk's place.
/// The last file is the one to carry the manifest.
pub fn plan_segments(
    chunks: Vec<(Content, ArrayRef)>,
    mut new_id: impl FnMut() -> SegmentId,
) -> (Vec<SegmentPlan>, Vec<ChunkRef>) {
    let mut files = Vec::new();
    let mut shared = SegmentPlan {
        id: new_id(),
        chunks: Vec::new(),
    };
    let mut places = Vec::new();
    for (content, array) in chunks {
        if array.get_buffer_memory_size() >= OWN_FILE_FROM {
            let id = new_id();
            places.push(ChunkRef {
                segment: id,
                index: 0,
            });
            files.push(SegmentPlan {
                id,
                chunks: vec![(content, array)],
            });
        } else {
            places.push(ChunkRef {
                segment: shared.id,
                index: shared.chunks.len() as u32,
            });
            shared.chunks.push((content, array));
        }
    }
    if !shared.chunks.is_empty() {
        files.push(shared);
    }
    (files, places)
}

/// What all segments of a commit say of themselves.
pub struct Origin<'a> {
    /// The dataset's number.
    pub dataset: u64,
    /// Its name.
    pub name: &'a str,
    /// The generation being written.
    pub generation: u64,
}

impl SegmentPlan {
    /// Writes the file and makes its bytes last (not its name: that is one sync of the directory for the whole commit).
    ///
    /// # Errors
    /// [`Error::UnsupportedType`]; whatever the disk says.
    pub fn write(
        &self,
        disk: &dyn Disk,
        origin: &Origin<'_>,
        manifest: Option<Vec<u8>>,
        failed: impl Fn(&'static str, &str, std::io::Error) -> Error,
    ) -> Result<()> {
        let mut at = HEADER as u64;
        let mut buffers: Vec<Buffer> = Vec::new();
        let mut infos = Vec::new();
        for (content, array) in &self.chunks {
            let first = buffers.len();
            let start = at;
            let kind = Kind::of(array.data_type())
                .ok_or_else(|| unsupported(content, array.data_type()))?;
            let data = compact(array).map_err(|_| unsupported(content, array.data_type()))?;
            let root = lay_out(&data, &mut at, &mut buffers);
            let sum = checksum(&buffers[first..]);
            infos.push(ChunkInfo {
                content: content.clone(),
                kind,
                start,
                end: at,
                sum,
                root,
            });
        }
        let footer = Footer {
            dataset: origin.dataset,
            name: origin.name.to_owned(),
            generation: origin.generation,
            chunks: infos,
            manifest,
        };
        let name = self.id.file();
        let footer = codec::encode(&footer).map_err(|why| Error::Damaged {
            file: name.clone().into(),
            why,
        })?;
        let header = header();
        let trailer = trailer(&footer, at);
        let mut parts: Vec<&[u8]> = vec![&header];
        for buffer in &buffers {
            parts.push(buffer);
            parts.push(padding(buffer.len()));
        }
        parts.push(&footer);
        parts.push(&trailer);
        disk.create(&name, &parts)
            .map_err(|error| failed("write", &name, error))?;
        disk.sync(&name)
            .map_err(|error| failed("sync", &name, error))
    }
}

/// CRC-32 of buffers with their padding, as they lie in the file.
fn checksum(buffers: &[Buffer]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for buffer in buffers {
        sum.update(buffer);
        sum.update(padding(buffer.len()));
    }
    sum.finalize()
}

fn padding(len: usize) -> &'static [u8] {
    &ZEROS[..(padded(len as u64) - len as u64) as usize]
}

fn header() -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn trailer(footer: &[u8], footer_at: u64) -> [u8; TRAILER] {
    let mut bytes = [0; TRAILER];
    let total = footer_at + footer.len() as u64 + TRAILER as u64;
    bytes[..8].copy_from_slice(&total.to_le_bytes());
    bytes[8..16].copy_from_slice(&(footer.len() as u64).to_le_bytes());
    bytes[16..20].copy_from_slice(&VERSION.to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(footer);
    sum.update(&bytes[..20]);
    bytes[20..24].copy_from_slice(&sum.finalize().to_le_bytes());
    bytes[24..].copy_from_slice(END_MAGIC);
    bytes
}

fn unsupported(content: &Content, ty: &DataType) -> Error {
    let place = match content {
        Content::Column(field) => field.name.clone(),
        Content::Record { run } => run.clone(),
        Content::Table { table, .. } => table.clone(),
    };
    Error::UnsupportedType {
        place,
        ty: ty.to_string(),
    }
}
