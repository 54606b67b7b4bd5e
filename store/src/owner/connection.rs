//! The other side: hands a command to the owner and takes its output as it comes.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::wire::{Message, greet, read_greeting, receive, send};
use super::{Frame, Request};
use crate::{Error, Result};

/// How long the owner may take to greet.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to the owner of a store, for one command.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

/// Asks the owner to stop the command of the connection it came from; may be called from any thread, as from the one
/// that waits for Ctrl-C.
#[derive(Debug)]
pub struct Canceller {
    stream: UnixStream,
}

impl Connection {
    pub(super) fn greet(mut stream: UnixStream) -> Result<Connection> {
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        greet(&mut stream).map_err(broken)?;
        read_greeting(&mut stream)?;
        stream.set_read_timeout(None).map_err(broken)?;
        Ok(Connection { stream })
    }

    /// A handle that stops the command.
    ///
    /// # Errors
    /// [`Error::Handover`] where the system has no more descriptors.
    pub fn canceller(&self) -> Result<Canceller> {
        Ok(Canceller {
            stream: self.stream.try_clone().map_err(broken)?,
        })
    }

    /// Has the owner run a command; hands its output to `on_frame` as it comes, and returns its exit code.
    ///
    /// # Errors
    /// [`Error::Handover`] where the owner ends before the command does.
    pub fn run(mut self, request: Request, mut on_frame: impl FnMut(Frame)) -> Result<i32> {
        send(&mut self.stream, &Message::Run(request)).map_err(broken)?;
        loop {
            match receive(&mut self.stream).map_err(broken)? {
                Some(Message::Stdout(bytes)) => on_frame(Frame::Stdout(bytes)),
                Some(Message::Stderr(bytes)) => on_frame(Frame::Stderr(bytes)),
                Some(Message::Progress(text)) => on_frame(Frame::Progress(text)),
                Some(Message::Exit(code)) => return Ok(code),
                Some(Message::Run(_) | Message::Cancel) => {
                    return Err(Error::Handover {
                        why: "it sent what only a caller sends".into(),
                    });
                }
                None => {
                    return Err(Error::Handover {
                        why: "it ended before the command did".into(),
                    });
                }
            }
        }
    }
}

impl Canceller {
    /// Asks for the command to be stopped. If the owner is gone, there is nothing to stop.
    pub fn cancel(&mut self) {
        let _ = send(&mut self.stream, &Message::Cancel);
    }
}

fn broken(error: io::Error) -> Error {
    Error::Handover {
        why: format!("the connection broke ({error})"),
    }
}
