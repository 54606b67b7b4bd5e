//! The bytes of the protocol. Each side first sends a greeting of fixed form, which all versions share; then frames: a
//! length, a kind, and so many bytes.

use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Output, PROTOCOL, Request};
use crate::{Error, codec};

const MAGIC: &[u8; 8] = b"MESSIER\n";
/// No frame is longer; longer output is cut into several.
const MAX_FRAME: usize = 1 << 20;

/// Everything that passes after the greetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// To the owner: run this.
    Run(Request),
    /// To the owner: stop it.
    Cancel,
    /// From the owner: bytes for stdout.
    Stdout(Vec<u8>),
    /// From the owner: bytes for stderr.
    Stderr(Vec<u8>),
    /// From the owner: where it is.
    Progress(String),
    /// From the owner, last: the exit code.
    Exit(i32),
}

#[derive(Serialize, Deserialize)]
struct WireRequest {
    text: String,
    cwd: Vec<u8>,
    output: Output,
}

/// Sends the greeting.
pub fn greet(to: &mut impl Write) -> io::Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(PROTOCOL.to_le_bytes());
    to.write_all(&bytes)
}

/// Reads the other's greeting.
///
/// # Errors
/// [`Error::OtherProtocol`]; [`Error::Handover`] where it is no greeting.
pub fn read_greeting(from: &mut impl Read) -> crate::Result<()> {
    let mut bytes = [0; 12];
    from.read_exact(&mut bytes)
        .map_err(|error| Error::Handover {
            why: format!("it did not answer ({error})"),
        })?;
    if &bytes[..8] != MAGIC {
        return Err(Error::Handover {
            why: "it answered in another language".into(),
        });
    }
    let theirs = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if theirs != PROTOCOL {
        return Err(Error::OtherProtocol {
            ours: PROTOCOL,
            theirs,
        });
    }
    Ok(())
}

/// Sends a message.
pub fn send(to: &mut impl Write, message: &Message) -> io::Result<()> {
    match message {
        Message::Run(request) => {
            let wire = WireRequest {
                text: request.text.clone(),
                cwd: request.cwd.as_os_str().as_bytes().to_vec(),
                output: request.output.clone(),
            };
            let bytes = codec::encode(&wire).map_err(io::Error::other)?;
            if bytes.len() > MAX_FRAME {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the command is too long",
                ));
            }
            frame(to, 1, &bytes)
        }
        Message::Cancel => frame(to, 2, &[]),
        Message::Stdout(bytes) => bytes
            .chunks(MAX_FRAME)
            .try_for_each(|part| frame(to, 3, part)),
        Message::Stderr(bytes) => bytes
            .chunks(MAX_FRAME)
            .try_for_each(|part| frame(to, 4, part)),
        Message::Progress(text) => {
            let end = text.floor_char_boundary(MAX_FRAME);
            frame(to, 5, &text.as_bytes()[..end])
        }
        Message::Exit(code) => frame(to, 6, &code.to_le_bytes()),
    }
}

fn frame(to: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(5 + body.len());
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(body);
    to.write_all(&bytes)
}

/// Reads a message; `None` where the other has ended between two.
pub fn receive(from: &mut impl Read) -> io::Result<Option<Message>> {
    let mut head = [0; 5];
    match from.read(&mut head[..1])? {
        0 => return Ok(None),
        _ => from.read_exact(&mut head[1..])?,
    }
    let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if len > MAX_FRAME {
        return Err(bad("a frame is too long"));
    }
    let mut body = vec![0; len];
    from.read_exact(&mut body)?;
    Ok(Some(match head[4] {
        1 => {
            let wire: WireRequest = codec::decode(&body).map_err(|_| bad("a bad request"))?;
            let cwd = PathBuf::from(std::ffi::OsString::from_vec(wire.cwd));
            Message::Run(Request {
                text: wire.text,
                cwd,
                output: wire.output,
            })
        }
        2 => Message::Cancel,
        3 => Message::Stdout(body),
        4 => Message::Stderr(body),
        5 => Message::Progress(String::from_utf8_lossy(&body).into_owned()),
        6 => {
            let code = body.try_into().map_err(|_| bad("a bad exit code"))?;
            Message::Exit(i32::from_le_bytes(code))
        }
        _ => return Err(bad("a frame of unknown kind")),
    }))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_come_through_whatever_their_size() {
        let request = Request {
            text: "[\"query\"]".into(),
            cwd: PathBuf::from(std::ffi::OsString::from_vec(vec![b'/', 0xff])),
            output: Output {
                width: Some(80),
                ..Output::default()
            },
        };
        let messages = [
            Message::Run(request),
            Message::Cancel,
            Message::Progress("half".into()),
            Message::Exit(-3),
        ];
        let mut bytes = Vec::new();
        messages
            .iter()
            .for_each(|message| send(&mut bytes, message).unwrap());
        let mut from = &bytes[..];
        for message in messages {
            assert_eq!(receive(&mut from).unwrap(), Some(message));
        }
        assert_eq!(receive(&mut from).unwrap(), None);
        let mut long = Vec::new();
        send(&mut long, &Message::Stdout(vec![7; MAX_FRAME + 1])).unwrap();
        let mut from = &long[..];
        let mut total = 0;
        while let Some(Message::Stdout(part)) = receive(&mut from).unwrap() {
            total += part.len();
        }
        assert_eq!(total, MAX_FRAME + 1);
    }

    #[test]
    fn another_version_is_told_from_another_language() {
        let mut greeting = Vec::new();
        greet(&mut greeting).unwrap();
        read_greeting(&mut &greeting[..]).unwrap();
        greeting[8] = 9;
        let error = read_greeting(&mut &greeting[..]).unwrap_err();
        assert!(matches!(error, Error::OtherProtocol { theirs: 9, .. }));
        assert!(matches!(
            read_greeting(&mut &b"HTTP/1.1 400"[..]),
            Err(Error::Handover { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_allocate_much(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut from = &bytes[..];
            while let Ok(Some(_)) = receive(&mut from) {}
        }
    }
}
