//! One command being done: for whom, on which store, with what seed and threads, and how it is stopped.

use messier_engine::Session;
use messier_engine::context::{Context, Stop};

use crate::args::Globals;
use crate::failure::{Exit, Failure, Report};
use crate::house::House;
use crate::output::Terminal;
use crate::progress::Display;
use crate::render::paint::Paint;

/// The seed of everything random where none is given.
pub const SEED: u64 = 51;

/// A command's surroundings.
pub struct Job<'a> {
    /// The store.
    pub house: &'a House,
    /// Who asked.
    pub terminal: &'a Terminal,
    /// The flags that every command takes.
    pub globals: &'a Globals,
    /// The request to stop.
    pub stop: Stop,
}

impl Job<'_> {
    /// The session with the store.
    pub fn session(&self) -> Result<Session, Failure> {
        self.house.session()
    }

    /// The seed in use.
    pub fn seed(&self) -> u64 {
        self.globals.seed.unwrap_or(SEED)
    }

    /// Does long work: progress is shown, Ctrl-C stops it, `--threads` holds.
    pub fn work<T: Send, E: Into<Failure> + Send>(
        &self,
        work: impl FnOnce(&Context) -> Result<T, E> + Send,
    ) -> Result<T, Failure> {
        let context = Context {
            stop: self.stop.clone(),
            ..Context::new(self.seed())
        };
        let _display = Display::watch(&context.progress, self.terminal);
        let result = match self.globals.threads {
            None => work(&context),
            Some(n) => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(usize::from(n))
                    .build()
                    .map_err(|error| {
                        Report::new(
                            Exit::Machine,
                            "threads",
                            format!("{n} threads cannot be started: {error}"),
                        )
                    })?;
                pool.install(|| work(&context))
            }
        };
        result.map_err(Into::into)
    }

    /// The paint of data.
    pub fn paint(&self) -> Paint {
        Paint::new(self.terminal.paints())
    }

    /// The columns of data; none where the reader is not a terminal.
    pub fn columns(&self) -> Option<usize> {
        self.terminal.look.width
    }

    /// Says that something was done: JSON where that was asked for, a sentence on stderr otherwise.
    pub fn done(&self, json: serde_json::Value, sentence: impl AsRef<str>) -> Result<(), Failure> {
        if self.globals.json {
            self.terminal.document(&json)?;
        } else {
            self.terminal.note(sentence);
        }
        Ok(())
    }
}
