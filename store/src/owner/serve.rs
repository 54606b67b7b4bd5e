//! The owner's side: listens, and runs each command in a thread of its own.
//!
//! A command is `Greeting`, then `Asked`, then `Running`, then `Done`; a bad greeting or request ends it at once, the
//! other's cancelling or going away while it runs asks the handler to stop, and `Done` is always told by an exit code.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::peer::is_ours;
use super::wire::{Message, greet, read_greeting, receive, send};
use super::{EXIT_BUG, FrameSink, Request};

/// How long the other may take to say what it wants, and to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ownership of a store, until dropped. Dropping it asks the commands it runs to stop and waits for them.
#[derive(Debug)]
pub struct Guard {
    listener: Option<UnixListener>,
    socket: PathBuf,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    running: Running,
    // Last: freed only when nobody listens any more.
    _lock: File,
}

type Running = Arc<Mutex<Vec<JoinHandle<()>>>>;
type Handler = dyn Fn(Request, &dyn FrameSink) -> i32 + Send + Sync;

impl Guard {
    /// Listens on `socket`; whatever is there was left by an owner that is no more, since the lock is ours.
    pub(super) fn bind(lock: File, socket: &Path) -> io::Result<Guard> {
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(socket)?;
        // Until this line the peer's user alone keeps others out; both are checked from here on.
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
        Ok(Guard {
            listener: Some(listener),
            socket: socket.to_path_buf(),
            stop: Arc::default(),
            accepting: None,
            running: Arc::default(),
            _lock: lock,
        })
    }

    /// Runs every command that comes in with `handler`, each in a thread of its own, from now on. Commands that came in
    /// before wait. A second call changes nothing.
    pub fn serve(
        &mut self,
        handler: impl Fn(Request, &dyn FrameSink) -> i32 + Send + Sync + 'static,
    ) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let stop = self.stop.clone();
        let running = self.running.clone();
        self.accepting = Some(std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                // A connection that failed is the other's to notice.
                let Ok(stream) = stream else { continue };
                let (handler, stop) = (handler.clone(), stop.clone());
                let command = std::thread::spawn(move || run(stream, &*handler, &stop));
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                running.retain(|command| !command.is_finished());
                running.push(command);
            }
        }));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(accepting) = self.accepting.take() {
            // Wakes the thread that waits for connections.
            let _ = UnixStream::connect(&self.socket);
            let _ = accepting.join();
        }
        let running =
            std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        running.into_iter().for_each(|command| drop(command.join()));
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// One command from greeting to exit code. Errors mean that the other is gone; there is nobody to tell them to.
fn run(mut stream: UnixStream, handler: &Handler, stop: &Arc<AtomicBool>) {
    let Some(request) = asked(&mut stream) else {
        return;
    };
    let Ok(mut listening) = stream.try_clone() else {
        return;
    };
    let sink = Sink {
        stream: Mutex::new(stream),
        cancelled: Arc::default(),
        stop: stop.clone(),
    };
    let cancelled = sink.cancelled.clone();
    let listener = std::thread::spawn(move || {
        // Anything but a request is the end of the command: a cancel, a hang-up, nonsense.
        let _ = receive(&mut listening);
        cancelled.store(true, Ordering::SeqCst);
    });
    let code = catch_unwind(AssertUnwindSafe(|| handler(request, &sink))).unwrap_or_else(|_| {
        sink.stderr(b"the command gave up in a way that it should not have; this is a bug\n");
        EXIT_BUG
    });
    sink.send(&Message::Exit(code));
    let stream = sink
        .stream
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = listener.join();
}

/// The greeting and the request.
fn asked(stream: &mut UnixStream) -> Option<Request> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    if !is_ours(stream) {
        return None;
    }
    greet(stream).ok()?;
    read_greeting(stream).ok()?;
    match receive(stream) {
        Ok(Some(Message::Run(request))) => {
            stream.set_read_timeout(None).ok()?;
            Some(request)
        }
        _ => None,
    }
}

/// Sends a command's output to the process that asked for it.
struct Sink {
    stream: Mutex<UnixStream>,
    cancelled: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Sink {
    fn send(&self, message: &Message) {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if send(&mut *stream, message).is_err() {
            self.cancelled.store(true, Ordering::SeqCst);
        }
    }
}

impl FrameSink for Sink {
    fn stdout(&self, bytes: &[u8]) {
        self.send(&Message::Stdout(bytes.to_vec()));
    }

    fn stderr(&self, bytes: &[u8]) {
        self.send(&Message::Stderr(bytes.to_vec()));
    }

    fn progress(&self, text: &str) {
        self.send(&Message::Progress(text.to_owned()));
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst) || self.stop.load(Ordering::SeqCst)
    }
}
