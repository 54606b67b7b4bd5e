//! The disk there is: a directory of the file system.
//!
//! A file stays open from its writing to its sync: the kernel reports a failed write-back to the descriptor that wrote,
//! and a descriptor opened later may miss it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use arrow::buffer::Buffer;

use super::{Disk, Lock, Sharing, Stat, map::map_file};

/// Parts shorter than this are joined before they are written.
const JOIN_BELOW: usize = 1 << 18;

/// A directory of the file system.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    unsynced: Mutex<HashMap<String, File>>,
}

impl RealDisk {
    /// The disk whose names are relative to `root`.
    pub fn new(root: impl Into<PathBuf>) -> RealDisk {
        RealDisk {
            root: root.into(),
            unsynced: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.root.clone()
        } else {
            self.root.join(name)
        }
    }

    fn keep_open(&self, name: &str, file: File) {
        self.unsynced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), file);
    }

    fn take_open(&self, name: &str) -> Option<File> {
        self.unsynced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.path(name))?;
        let mut joined = Vec::new();
        for part in parts {
            if part.len() >= JOIN_BELOW {
                file.write_all(&joined)?;
                joined.clear();
                file.write_all(part)?;
            } else {
                joined.extend_from_slice(part);
                if joined.len() >= JOIN_BELOW {
                    file.write_all(&joined)?;
                    joined.clear();
                }
            }
        }
        file.write_all(&joined)?;
        self.keep_open(name, file);
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.path(name))?;
        file.write_all(bytes)?;
        self.keep_open(name, file);
        Ok(())
    }

    fn read(&self, name: &str, from: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        map_file(&File::open(self.path(name))?)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        match self.take_open(name) {
            Some(file) => file.sync_all(),
            None => File::open(self.path(name))?.sync_all(),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        sync_directory(&self.path(dir))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        drop(self.take_open(name));
        std::fs::remove_file(self.path(name))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.path(dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if !entry.file_type()?.is_dir()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match std::fs::metadata(self.path(name)) {
            Ok(data) => Ok(Some(Stat {
                len: data.len(),
                file: file_number(&data),
                modified: data
                    .modified()?
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| {
                        i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
                    }),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.path(dir))
    }

    fn lock(&self, name: &str, sharing: Sharing) -> io::Result<Option<Box<dyn Lock>>> {
        let path = self.path(name);
        let file = match OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
        {
            Ok(file) => file,
            // A store on a medium that cannot be written is still read; it can be locked through a reading descriptor.
            Err(error) if is_read_only(&error) => File::open(&path).map_err(|_| error)?,
            Err(error) => return Err(error),
        };
        Ok(if try_hold(&file, sharing)? {
            Some(Box::new(FileLock {
                file,
                held: Mutex::new(sharing),
            }))
        } else {
            None
        })
    }
}

/// Whether the medium, or the person's rights on it, forbid writing.
pub fn is_read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[derive(Debug)]
struct FileLock {
    file: File,
    held: Mutex<Sharing>,
}

impl Lock for FileLock {
    fn change(&self, sharing: Sharing) -> io::Result<bool> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Systems differ in what a conversion does to the lock that is held, so it is let go of first.
        self.file.unlock()?;
        if try_hold(&self.file, sharing)? {
            *held = sharing;
            return Ok(true);
        }
        match *held {
            Sharing::Shared => self.file.lock_shared()?,
            Sharing::Alone => self.file.lock()?,
        }
        Ok(false)
    }
}

fn try_hold(file: &File, sharing: Sharing) -> io::Result<bool> {
    let outcome = match sharing {
        Sharing::Shared => file.try_lock_shared(),
        Sharing::Alone => file.try_lock(),
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn file_number(data: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

#[cfg(not(unix))]
fn file_number(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Windows has no handle to sync a directory by; its file system journals names itself.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
