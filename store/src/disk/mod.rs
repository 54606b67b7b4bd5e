//! The one door to the file system: everything the store keeps goes through [`Disk`], so that a simulated disk can lose
//! it and a failing disk can refuse it.
//!
//! Names are relative to the store's directory and use `/`. sled writes its own files past this door, which is why the
//! catalogue is never needed to read a store.

mod faulty;
mod map;
mod real;
mod sim;

use std::fmt;
use std::io;

use arrow::buffer::Buffer;

pub use faulty::{Faults, FaultyDisk};
pub use real::RealDisk;
pub(crate) use real::is_read_only;
pub use sim::SimDisk;

/// What is known of a file without reading it. Two equal `Stat`s mean that a file has not been touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Length in bytes.
    pub len: u64,
    /// Which file this is (an inode where there are such).
    pub file: u64,
    /// When it was last written, in nanoseconds.
    pub modified: i128,
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Together with other shared holders.
    Shared,
    /// Alone.
    Alone,
}

/// A held lock; dropped, it is free again. The operating system frees it when the process ends in any way.
pub trait Lock: Send + Sync + fmt::Debug {
    /// Tries to hold it another way, without waiting. Returns whether it is now held so; where not, it is held as
    /// before.
    fn change(&self, sharing: Sharing) -> io::Result<bool>;
}

/// The file operations a store is built from. Nothing written is safe from a power cut before `sync`; no name is before
/// `sync_dir` on its directory.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a new file of `parts`, one after another. Fails if the name is taken.
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()>;
    /// Writes `bytes` at the end of a file that exists.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// The bytes of a file from position `from` to its end.
    fn read(&self, name: &str, from: u64) -> io::Result<Vec<u8>>;
    /// A whole file, mapped into memory. The file must never be shortened or overwritten.
    fn map(&self, name: &str) -> io::Result<Buffer>;
    /// Makes what was written to a file last.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Gives a file another name, replacing the file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Makes the names in a directory last (`""` is the store's own).
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of the files in a directory, in order; none where there is no such directory.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// What is known of a file; `None` where there is none.
    fn stat(&self, name: &str) -> io::Result<Option<Stat>>;
    /// Makes a directory if there is none.
    fn make_dir(&self, dir: &str) -> io::Result<()>;
    /// Tries to lock a file (made if missing) without waiting; `None` if another holder is in the way.
    fn lock(&self, name: &str, sharing: Sharing) -> io::Result<Option<Box<dyn Lock>>>;
}
