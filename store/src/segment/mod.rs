//! Segments: immutable files of Arrow arrays. A file holds one or more chunks, each with its own checksum, and a footer
//! that says what they are, enough to rebuild the catalogue from segments alone.
//!
//! Arrow's own IPC file was left aside: it has no checksums, pads to 8 bytes unless told otherwise, and cannot say what
//! dataset, field and generation a chunk belongs to. The buffers inside are plain Arrow buffers all the same.

mod footer;
mod kind;
mod layout;
mod read;
mod write;

pub use footer::Content;
pub use kind::Kind;
pub use read::{Depth, Segment};
pub use write::{Origin, plan_segments};

/// The directory of segments in a store.
pub const DIR: &str = "segments";

/// Version of the segment format.
pub const VERSION: u32 = 1;

/// Every buffer starts at a multiple of this, in the file and therefore in memory: a cache line, and the widest vector
/// register.
pub const ALIGN: usize = 64;

/// The number that names a segment file. Drawn at random, so that no two writers ever choose the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct SegmentId(pub u64);

impl SegmentId {
    /// The file's name in the store's directory.
    pub fn file(self) -> String {
        format!("{DIR}/{:016x}.seg", self.0)
    }

    /// The number in a file name of [`DIR`]; `None` where it is no segment's.
    pub fn of_file_name(name: &str) -> Option<SegmentId> {
        let digits = name.strip_suffix(".seg")?;
        if digits.len() != 16 {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(SegmentId)
    }
}

/// Where a chunk is: which file, which chunk of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ChunkRef {
    /// The file.
    pub segment: SegmentId,
    /// The chunk, counted from 0.
    pub index: u32,
}
