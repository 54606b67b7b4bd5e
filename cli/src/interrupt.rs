//! Ctrl-C: the first asks the running command to stop, the second ends the process at once with 130.
//!
//! The signal's thread only sets a flag that the work looks at with every tick, so nothing is ever half-written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use messier_engine::context::Stop;

use crate::failure::Exit;

/// The command that Ctrl-C is about, and whether it was pressed for it.
static RUNNING: Mutex<Option<Stop>> = Mutex::new(None);
static PRESSED: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// While it lives, Ctrl-C asks `stop` to stop.
#[derive(Debug)]
pub struct Guard {
    before: Option<Stop>,
}

/// Lets Ctrl-C stop `stop` until the guard is dropped. Without a handler (a second one in the process, no thread to
/// spare) Ctrl-C ends the process as it always does.
pub fn stops(stop: &Stop) -> Guard {
    INSTALL.call_once(|| {
        ctrlc::set_handler(pressed).ok();
    });
    PRESSED.store(false, Ordering::Relaxed);
    let before = RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(stop.clone());
    Guard { before }
}

impl Drop for Guard {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = self.before.take();
    }
}

fn pressed() {
    let running = RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match running {
        Some(stop) if !PRESSED.swap(true, Ordering::Relaxed) => stop.ask(),
        _ => std::process::exit(i32::from(Exit::Interrupted.code())),
    }
}
