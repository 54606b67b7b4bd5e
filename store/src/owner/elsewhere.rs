//! Where there are no Unix sockets, a store has an owner, but nothing can be handed to it.

use std::convert::Infallible;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::{Claim, Frame, FrameSink, LOCK, Request};
use crate::{Error, Result};

/// Ownership of a store, until dropped.
#[derive(Debug)]
pub struct Guard {
    _lock: File,
}

impl Guard {
    /// Nothing can come in here.
    pub fn serve(&mut self, _: impl Fn(Request, &dyn FrameSink) -> i32 + Send + Sync + 'static) {}
}

/// A connection that cannot be made here.
#[derive(Debug)]
pub struct Connection(Infallible);

/// What stops a command that cannot be handed over here.
#[derive(Debug)]
pub struct Canceller(Infallible);

impl Connection {
    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn canceller(&self) -> Result<Canceller> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn run(self, _: Request, _: impl FnMut(Frame)) -> Result<i32> {
        match self.0 {}
    }
}

impl Canceller {
    /// Never called.
    pub fn cancel(&mut self) {
        match self.0 {}
    }
}

/// Makes this process the owner of the store in `dir`.
///
/// # Errors
/// [`Error::Handover`] where another process is; [`Error::Io`].
pub fn claim(dir: &Path) -> Result<Claim> {
    let path = dir.join(LOCK);
    let io = |action, source| Error::Io {
        action,
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| io("open", error))?;
    match file.try_lock() {
        Ok(()) => Ok(Claim::Owner(Guard { _lock: file })),
        Err(TryLockError::WouldBlock) => Err(Error::Handover {
            why: "commands cannot be handed over on this system; close the other one first".into(),
        }),
        Err(TryLockError::Error(error)) => Err(io("lock", error)),
    }
}
