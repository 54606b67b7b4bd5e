//! A disk that fails on demand: call `k`, once or from then on, so that every error path of a commit is walked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::buffer::Buffer;

use super::{Disk, Lock, Sharing, Stat};

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// None.
    None,
    /// Call `k`, counted from 0.
    Once(usize),
    /// Call `k` and every one after it.
    From(usize),
}

/// A disk whose calls fail as told. A failing write first writes half, as a full disk does; a failing sync does not sync.
#[derive(Debug)]
pub struct FaultyDisk {
    under: Arc<dyn Disk>,
    faults: Faults,
    calls: AtomicUsize,
}

impl FaultyDisk {
    /// Wraps `under`.
    pub fn new(under: Arc<dyn Disk>, faults: Faults) -> FaultyDisk {
        FaultyDisk {
            under,
            faults,
            calls: AtomicUsize::new(0),
        }
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn check(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = match self.faults {
            Faults::None => false,
            Faults::Once(k) => call == k,
            Faults::From(k) => call >= k,
        };
        if fails {
            Err(io::Error::other(format!("fault injected at call {call}")))
        } else {
            Ok(())
        }
    }
}

impl Disk for FaultyDisk {
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.check().inspect_err(|_| {
            let bytes = parts.concat();
            // The error that matters is the injected one.
            let _ = self.under.create(name, &[&bytes[..bytes.len() / 2]]);
        })?;
        self.under.create(name, parts)
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.check().inspect_err(|_| {
            let _ = self.under.append(name, &bytes[..bytes.len() / 2]);
        })?;
        self.under.append(name, bytes)
    }

    fn read(&self, name: &str, from: u64) -> io::Result<Vec<u8>> {
        self.check()?;
        self.under.read(name, from)
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        self.check()?;
        self.under.map(name)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.check()?;
        self.under.sync(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check()?;
        self.under.rename(from, to)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.check()?;
        self.under.sync_dir(dir)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check()?;
        self.under.remove(name)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.check()?;
        self.under.list(dir)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        self.check()?;
        self.under.stat(name)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        self.check()?;
        self.under.make_dir(dir)
    }

    fn lock(&self, name: &str, sharing: Sharing) -> io::Result<Option<Box<dyn Lock>>> {
        self.check()?;
        self.under.lock(name, sharing)
    }
}
