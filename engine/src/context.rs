//! What a long computation is given: seed, threads, progress, a way to be stopped, and a place for notes.
//!
//! The hot loop adds to a counter; somebody else looks at the counter. Reporting and being stoppable are the same call,
//! so whatever shows progress can be stopped.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use messier_store::SampleId;
use serde::{Deserialize, Serialize};

/// Somebody asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing was changed")]
pub struct Cancelled;

/// A request to stop, shared by whoever may ask and whoever must listen.
#[derive(Debug, Default, Clone)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    asked: AtomicBool,
    /// Ticks left until the stop asks itself; 0 for never. Tests use it to stop at every tick in turn.
    fuse: AtomicU64,
}

impl Stop {
    /// A stop that nobody has asked for.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// A stop that asks for itself at the `n`-th check from now, `n >= 1`.
    pub fn at_tick(n: u64) -> Stop {
        let stop = Stop::new();
        stop.0.fuse.store(n, Ordering::Relaxed);
        stop
    }

    /// Asks to stop.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
    }

    /// Fails if somebody asked to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.0.fuse.load(Ordering::Relaxed) > 0
            && self.0.fuse.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.ask();
        }
        if self.0.asked.load(Ordering::Relaxed) {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// One step as the progress display sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The step's name: a verb, lower case (`"assign"`).
    pub name: &'static str,
    /// Units done so far.
    pub done: u64,
    /// Units in all; 0 where nobody knows.
    pub total: u64,
    /// How many steps are open around it.
    pub depth: usize,
    /// Time since it began.
    pub elapsed: Duration,
}

/// How long a step took; part of a run's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    /// The step's name.
    pub name: Cow<'static, str>,
    /// Wall time.
    pub seconds: f64,
}

#[derive(Debug)]
struct Open {
    id: u64,
    name: &'static str,
    total: u64,
    done: Arc<AtomicU64>,
    began: Instant,
}

/// The steps that are open and those that are over. A display samples [`Progress::positions`] from a thread of its own.
#[derive(Debug, Default)]
pub struct Progress {
    open: Mutex<Vec<Open>>,
    over: Mutex<Vec<StepTime>>,
    next: AtomicU64,
}

impl Progress {
    /// The open steps, outermost first.
    pub fn positions(&self) -> Vec<Position> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter()
            .enumerate()
            .map(|(depth, step)| Position {
                name: step.name,
                done: step.done.load(Ordering::Relaxed),
                total: step.total,
                depth,
                elapsed: step.began.elapsed(),
            })
            .collect()
    }

    /// The steps that are over, in the order they ended.
    pub fn times(&self) -> Vec<StepTime> {
        self.over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Something that went wrong with one sample, or a remark about the whole; never the end of its batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The sample it is about, if it is about one.
    pub sample: Option<String>,
    /// A sentence.
    pub message: String,
}

/// Collects notes from any thread.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Vec<Note>>);

impl Notes {
    /// Adds a note about one sample.
    pub fn sample(&self, id: SampleId, message: impl Into<String>) {
        self.push(Note {
            sample: Some(id.to_string()),
            message: message.into(),
        });
    }

    /// Adds a note about the whole.
    pub fn remark(&self, message: impl Into<String>) {
        self.push(Note {
            sample: None,
            message: message.into(),
        });
    }

    fn push(&self, note: Note) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note);
    }

    /// The notes so far, ordered by sample and text so that threads do not show.
    pub fn sorted(&self) -> Vec<Note> {
        let mut notes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        notes.sort_by(|a, b| (&a.sample, &a.message).cmp(&(&b.sample, &b.message)));
        notes
    }
}

/// What a computation is given. Parallel work runs on the rayon pool that is current when it is called.
#[derive(Debug)]
pub struct Context {
    /// Everything random is drawn from this: same seed, same bits.
    pub seed: u64,
    /// The request to stop.
    pub stop: Stop,
    /// The steps.
    pub progress: Arc<Progress>,
    /// What went wrong with single samples.
    pub notes: Arc<Notes>,
}

impl Context {
    /// A context with a seed and nobody watching.
    pub fn new(seed: u64) -> Context {
        Context {
            seed,
            stop: Stop::new(),
            progress: Arc::default(),
            notes: Arc::default(),
        }
    }

    /// The same context with another seed: the same watchers, the same stop.
    pub fn with_seed(&self, seed: u64) -> Context {
        Context {
            seed,
            stop: self.stop.clone(),
            progress: Arc::clone(&self.progress),
            notes: Arc::clone(&self.notes),
        }
    }

    /// Opens a step of `total` units (0: unknown). It closes when dropped, and its time is kept.
    pub fn step(&self, name: &'static str, total: u64) -> Step<'_> {
        let id = self.progress.next.fetch_add(1, Ordering::Relaxed);
        let done = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let open = Open {
            id,
            name,
            total,
            done: Arc::clone(&done),
            began,
        };
        self.progress
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(open);
        Step {
            context: self,
            id,
            name,
            done,
            began,
        }
    }
}

/// An open step.
#[derive(Debug)]
pub struct Step<'a> {
    context: &'a Context,
    id: u64,
    name: &'static str,
    done: Arc<AtomicU64>,
    began: Instant,
}

impl Step<'_> {
    /// Adds `n` units done, and fails if somebody asked to stop. Cheap enough for every block of a hot loop.
    pub fn tick(&self, n: u64) -> Result<(), Cancelled> {
        self.done.fetch_add(n, Ordering::Relaxed);
        self.context.stop.check()
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let progress = &self.context.progress;
        progress
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|step| step.id != self.id);
        progress
            .over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(StepTime {
                name: Cow::Borrowed(self.name),
                seconds: self.began.elapsed().as_secs_f64(),
            });
    }
}
