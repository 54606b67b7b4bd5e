//! One owner, many terminals: a command that computes is handed to the process that holds the store, if there is one, and
//! its output comes back as if it had run here; if there is none, this process holds the store while it computes.
//!
//! Short questions and small edits are never handed over: readers see every commit and writers take turns, so asking
//! another process would only cost time.
//!
//! An owner that is done with its own command finishes what others have handed to it before it ends. One that is already
//! ending answers [`TRY_AGAIN`], and the other then looks for the next owner, or becomes it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messier_engine::context::Stop;
use messier_store::owner::{Claim, Connection, Frame, FrameSink, Guard, Output, Request, claim};
use serde::{Deserialize, Serialize};

use crate::args::{Command, RunsAction};
use crate::commands::{Asked, last_call};
use crate::dispatch::{self, Invocation};
use crate::failure::{Exit, Failure};
use crate::house::House;
use crate::output::{Look, Stream, Terminal};

/// The exit code of a command that an ending owner did not begin (`EX_TEMPFAIL` of sysexits).
const TRY_AGAIN: i32 = 75;
/// How often a waiting thread looks whether it should stop waiting.
const GLANCE: Duration = Duration::from_millis(30);
/// Owners may end one after another; a machine where that goes on for so long has another problem.
const ATTEMPTS: usize = 20;

/// What is handed over: the words of the command line and the terminal they were typed at.
#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    words: Vec<String>,
    look: Look,
}

/// Ownership of a store while this process computes, and the count of what it does for others.
#[derive(Debug)]
pub struct Holding {
    guard: Guard,
    desk: Arc<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    active: AtomicUsize,
    closing: AtomicBool,
}

/// Who this process turned out to be.
pub enum Place {
    /// It holds the store.
    Holding(Holding),
    /// Another process does.
    Elsewhere(Connection),
    /// Nobody can: the claim failed, and the command runs here all the same, since the store needs no owner.
    Alone,
}

/// Whether a command computes, and so is worth holding the store for, or handing over.
pub fn computes(asked: &Asked) -> bool {
    let operator = |text: &str| {
        last_call(text).is_some_and(|name| {
            messier_engine::operators()
                .iter()
                .any(|o| o.signature.name == name)
        })
    };
    match asked {
        Asked::Operator(_) => true,
        Asked::Fixed(command, _) => match command {
            Command::Repl(_) => true,
            Command::Runs(runs) => matches!(runs.action, Some(RunsAction::Rerun { .. })),
            Command::Query(query) => query.query.as_deref().is_some_and(operator),
            _ => false,
        },
    }
}

/// Claims the store in `dir`, and serves others if the claim succeeds.
pub fn take_place(dir: &Path) -> Place {
    if std::fs::create_dir_all(dir).is_err() {
        // Opening the store will say why, in the words of the store.
        return Place::Alone;
    }
    match claim(dir) {
        Ok(Claim::Owner(mut guard)) => {
            let desk = Arc::new(Desk::default());
            let (dir, here) = (dir.to_path_buf(), Arc::clone(&desk));
            guard.serve(move |request, sink| serve(&request, sink, &dir, &here));
            Place::Holding(Holding { guard, desk })
        }
        Ok(Claim::Other(connection)) => Place::Elsewhere(connection),
        Err(_) => Place::Alone,
    }
}

impl Holding {
    /// Finishes what others have handed over, then lets the store go. A stop ends their commands too.
    pub fn finish(self, terminal: &Terminal, stop: &Stop) {
        let mut said = false;
        while self.desk.active.load(Ordering::SeqCst) > 0 && stop.check().is_ok() {
            if !said {
                terminal.note("Finishing what another terminal asked for; Ctrl-C stops that too.");
                said = true;
            }
            std::thread::sleep(GLANCE);
        }
        self.desk.closing.store(true, Ordering::SeqCst);
        drop(self.guard);
    }
}

/// Does a command wherever it is to be done; gives the exit code.
pub fn perform(
    invocation: Invocation,
    words: &[OsString],
    terminal: Terminal,
    house: &House,
    stop: Stop,
) -> u8 {
    if !computes(&invocation.asked) || matches!(invocation.asked, Asked::Fixed(Command::Repl(_), _))
    {
        return dispatch::execute(invocation, terminal, house, stop);
    }
    for _ in 0..ATTEMPTS {
        match take_place(house.dir()) {
            Place::Holding(holding) => {
                let code = dispatch::execute(invocation, terminal.clone(), house, stop.clone());
                holding.finish(&terminal, &stop);
                return code;
            }
            Place::Elsewhere(connection) => {
                match hand_over(connection, words, &terminal, house.dir(), &stop) {
                    Some(code) => return code,
                    None => std::thread::sleep(GLANCE),
                }
            }
            Place::Alone => break,
        }
    }
    dispatch::execute(invocation, terminal, house, stop)
}

/// Has the owner do the command; none if it did not begin and another attempt is due.
fn hand_over(
    connection: Connection,
    words: &[OsString],
    terminal: &Terminal,
    dir: &Path,
    stop: &Stop,
) -> Option<u8> {
    let mut texts: Vec<String> = words
        .iter()
        .map(|word| word.to_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    // The owner knows the store it holds; its own environment must not choose another.
    texts.extend(["--store".to_owned(), dir.to_str()?.to_owned()]);
    let look = terminal.look.clone();
    let letter = serde_json::to_string(&Letter {
        words: texts,
        look: look.clone(),
    })
    .ok()?;
    let output = Output {
        stdout_is_terminal: look.out_tty,
        stderr_is_terminal: look.err_tty,
        width: look.width.and_then(|width| u16::try_from(width).ok()),
        color: look.color,
    };
    let request = Request {
        text: letter,
        cwd: look.cwd,
        output,
    };
    let mut canceller = connection.canceller().ok()?;
    let over = Arc::new(AtomicBool::new(false));
    let watch = {
        let (over, stop) = (Arc::clone(&over), stop.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                if stop.check().is_err() {
                    canceller.cancel();
                    return;
                }
                std::thread::sleep(GLANCE);
            }
        })
    };
    let mut heard = false;
    let mut failed: Option<io::Error> = None;
    let result = connection.run(request, |frame| {
        heard = true;
        let written = match frame {
            Frame::Stdout(bytes) => terminal
                .data(|out| out.write_all(&bytes))
                .and_then(|()| terminal.flush()),
            Frame::Stderr(bytes) => terminal.raw_err(&bytes),
            Frame::Progress(_) => Ok(()),
        };
        if let Err(error) = written {
            failed.get_or_insert(error);
            stop.ask();
        }
    });
    over.store(true, Ordering::SeqCst);
    watch.join().ok();
    match (result, failed) {
        (_, Some(error)) => Some(dispatch::tell(&Failure::from(error), terminal)),
        (Ok(TRY_AGAIN), None) if !heard => None,
        (Err(_), None) if !heard && stop.check().is_ok() => None,
        (Ok(code), None) => Some(u8::try_from(code).unwrap_or(Exit::Bug.code())),
        (Err(error), None) => Some(dispatch::tell(&Failure::from(error), terminal)),
    }
}

/// The owner's side: does a command for another terminal.
fn serve(request: &Request, sink: &dyn FrameSink, dir: &Path, desk: &Arc<Desk>) -> i32 {
    desk.active.fetch_add(1, Ordering::SeqCst);
    let _leave = Leave(Arc::clone(desk));
    if desk.closing.load(Ordering::SeqCst) {
        return TRY_AGAIN;
    }
    let Ok(letter) = serde_json::from_str::<Letter>(&request.text) else {
        sink.stderr(b"error: The process that holds this store does not understand the command; use the same version of both.\n");
        return i32::from(Exit::Request.code());
    };
    let (pieces, arriving) = mpsc::channel();
    let stop = Stop::new();
    let work = {
        let (stop, cwd, dir) = (stop.clone(), request.cwd.clone(), dir.to_path_buf());
        std::thread::spawn(move || answer(letter, cwd, &dir, &pieces, stop))
    };
    loop {
        match arriving.recv_timeout(GLANCE) {
            Ok(Piece::Out(bytes)) => sink.stdout(&bytes),
            Ok(Piece::Err(bytes)) => sink.stderr(&bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if sink.cancelled() {
            stop.ask();
        }
    }
    work.join().map_or(i32::from(Exit::Bug.code()), i32::from)
}

/// Counts a command out however it ends.
struct Leave(Arc<Desk>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::SeqCst);
    }
}

fn answer(letter: Letter, cwd: PathBuf, dir: &Path, pieces: &Sender<Piece>, stop: Stop) -> u8 {
    let stream = |wrap: fn(Vec<u8>) -> Piece| -> Stream {
        Arc::new(Mutex::new(Mail {
            pieces: pieces.clone(),
            wrap,
            kept: Vec::new(),
        }))
    };
    let look = Look {
        cwd,
        in_tty: false,
        ..letter.look
    };
    let terminal = Terminal::new(
        look,
        stream(Piece::Out),
        stream(Piece::Err),
        Arc::new(Mutex::new(io::empty())),
    );
    match dispatch::parse(letter.words.into_iter().map(OsString::from)) {
        Ok(invocation) => dispatch::execute(invocation, terminal, &House::at(dir), stop),
        Err(failure) => dispatch::tell(&failure, &terminal),
    }
}

/// A piece of output on its way to another terminal.
enum Piece {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

/// A stream whose bytes are sent on in pieces.
struct Mail {
    pieces: Sender<Piece>,
    wrap: fn(Vec<u8>) -> Piece,
    kept: Vec<u8>,
}

impl Write for Mail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= 1 << 15 {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.kept);
        self.pieces
            .send((self.wrap)(bytes))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        self.flush().ok();
    }
}

#[cfg(test)]
mod tests;
