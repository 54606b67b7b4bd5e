//! One owner, many terminals: the process that holds a store (an App, a REPL, a long run) listens, and another command on
//! the same store may be handed to it, run there, and have its output streamed back.
//!
//! The store itself needs no owner: readers see every commit of every process, and writers take turns. What an owner adds
//! is that a long-lived process sees what happens in its store as its own doing. So a short question is never handed
//! over, which would cost more than answering it; a command that computes or writes may be.
//!
//! Claiming is a machine of three states (`claim.rs`), a served command one of four (`serve.rs`). The owner is whoever
//! holds the lock of `owner.lock`, which the system frees when the process ends in any way; the socket only says where
//! to talk, and a stale one is replaced.

#[cfg(unix)]
mod claim;
#[cfg(unix)]
mod connection;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod wire;

use std::path::PathBuf;

#[cfg(unix)]
pub use claim::claim;
#[cfg(unix)]
pub use connection::{Canceller, Connection};
#[cfg(not(unix))]
pub use elsewhere::{Canceller, Connection, Guard, claim};
#[cfg(unix)]
pub use serve::Guard;

/// Version of the protocol. Two programs talk only if theirs are equal.
pub const PROTOCOL: u32 = 1;

/// Held by the owner.
const LOCK: &str = "owner.lock";

/// The exit code of a command whose handler gave up in a panic: a bug of ours.
pub const EXIT_BUG: i32 = 70;

/// Who this process is to a store.
#[derive(Debug)]
pub enum Claim {
    /// It holds the store, until the guard is dropped.
    Owner(Guard),
    /// Another process does; commands can be handed to it.
    Other(Connection),
}

/// A command to be run by the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The command: its arguments as a JSON list of texts.
    pub text: String,
    /// The directory that relative paths in it start from.
    pub cwd: PathBuf,
    /// Where its output goes.
    pub output: Output,
}

/// What the output of a command is written to.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Output {
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// Columns of the terminal.
    pub width: Option<u16>,
    /// Whether colours are wanted.
    pub color: bool,
}

/// A piece of a command's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes for stdout.
    Stdout(Vec<u8>),
    /// Bytes for stderr.
    Stderr(Vec<u8>),
    /// Where the command is; text of the program's own making.
    Progress(String),
}

/// Where a command run by the owner writes. Writing to a terminal that is gone does nothing; the command is then asked
/// to stop.
pub trait FrameSink: Sync {
    /// Sends bytes to the other's stdout.
    fn stdout(&self, bytes: &[u8]);
    /// Sends bytes to the other's stderr.
    fn stderr(&self, bytes: &[u8]);
    /// Says where the command is.
    fn progress(&self, text: &str);
    /// Whether the command is to stop: the other asked, or is gone, or the owner is about to end.
    fn cancelled(&self) -> bool;
}
