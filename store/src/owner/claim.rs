//! Becoming the owner, or finding it: a machine of three states.
//!
//! ```text
//!            lock free                      it listens
//! Locking ------------> Owner    Calling ---------------> Other
//!    |   lock held                 ^  |  nobody listens
//!    +-----------------------------+  +----------------> Waiting --> Locking
//! ```
//!
//! Nobody listens while an owner is starting or ending, which is soon over: then either the lock is free or somebody
//! listens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::peer::{is_ours, socket_path};
use super::serve::Guard;
use super::{Claim, LOCK};
use crate::{Error, Result};

/// How long to wait for an owner that starts or ends.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

enum State {
    Locking,
    Calling,
    Waiting,
}

/// Makes this process the owner of the store in `dir`, or connects it to the process that is.
///
/// # Errors
/// [`Error::OtherProtocol`]; [`Error::Handover`] where the owner does not answer or is another user's;
/// [`Error::Io`].
pub fn claim(dir: &Path) -> Result<Claim> {
    let io = |action, path: &Path, source| Error::Io {
        action,
        path: path.to_path_buf(),
        source,
    };
    let lock_path = dir.join(LOCK);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| io("open", &lock_path, error))?;
    let socket =
        socket_path(dir).map_err(|error| io("find a place for a socket of", dir, error))?;
    let began = Instant::now();
    let mut file = Some(file);
    let mut state = State::Locking;
    loop {
        state = match state {
            State::Locking => {
                match lock(&mut file).map_err(|error| io("lock", &lock_path, error))? {
                    Some(held) => {
                        return Guard::bind(held, &socket)
                            .map(Claim::Owner)
                            .map_err(|error| io("listen on", &socket, error));
                    }
                    None => State::Calling,
                }
            }
            State::Calling => match UnixStream::connect(&socket) {
                Ok(stream) if !is_ours(&stream) => {
                    return Err(Error::Handover {
                        why: "it belongs to another user".into(),
                    });
                }
                Ok(stream) => return Connection::greet(stream).map(Claim::Other),
                Err(error) if is_absent(&error) => State::Waiting,
                Err(error) => return Err(io("connect to", &socket, error)),
            },
            State::Waiting if began.elapsed() > PATIENCE => {
                return Err(Error::Handover {
                    why: "it holds the store but does not listen".into(),
                });
            }
            State::Waiting => {
                std::thread::sleep(PAUSE);
                State::Locking
            }
        };
    }
}

/// The lock, if it is free; the file stays where it is otherwise.
fn lock(file: &mut Option<File>) -> io::Result<Option<File>> {
    match file.as_ref().map(File::try_lock) {
        Some(Ok(())) => Ok(file.take()),
        Some(Err(TryLockError::Error(error))) => Err(error),
        Some(Err(TryLockError::WouldBlock)) | None => Ok(None),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
