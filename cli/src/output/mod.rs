//! Where a command's words go: every command writes to a [`Terminal`] it is given, never to the process's own streams.
//!
//! So the process that owns a store can run a command for somebody else's terminal, and tests can read what was said.
//! The alternative, `println!`, would tie each command to the process it happens to run in.

mod look;

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

pub use look::{Look, Pictures};

/// A writer that may be shared between the command and whoever shows its progress.
pub type Stream = Arc<Mutex<dyn Write + Send>>;

/// The streams a command reads and writes, and what they look like.
#[derive(Clone)]
pub struct Terminal {
    /// What the streams look like.
    pub look: Look,
    /// Say only data and errors.
    pub quiet: bool,
    /// Print JSON.
    pub json: bool,
    /// Keep notes back whatever the flags say.
    silent: bool,
    out: Stream,
    err: Stream,
    input: Arc<Mutex<dyn BufRead + Send>>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("look", &self.look)
            .finish_non_exhaustive()
    }
}

impl Terminal {
    /// This process's own streams.
    pub fn of_process() -> io::Result<Terminal> {
        Ok(Terminal::new(
            Look::of_process()?,
            Arc::new(Mutex::new(BufWriter::with_capacity(1 << 16, io::stdout()))),
            Arc::new(Mutex::new(io::stderr())),
            Arc::new(Mutex::new(BufReader::new(io::stdin()))),
        ))
    }

    /// A terminal over any streams.
    pub fn new(
        look: Look,
        out: Stream,
        err: Stream,
        input: Arc<Mutex<dyn BufRead + Send>>,
    ) -> Terminal {
        Terminal {
            look,
            quiet: false,
            silent: false,
            json: false,
            out,
            err,
            input,
        }
    }

    /// A terminal like this one whose stdout is kept instead of shown.
    pub fn captured(&self) -> (Terminal, Written) {
        let written = Written::default();
        let look = Look {
            out_tty: false,
            ..self.look.clone()
        };
        let out: Stream = written.0.clone();
        (
            Terminal {
                out,
                look,
                ..self.clone()
            },
            written,
        )
    }

    /// The same terminal for a step of which only errors matter.
    #[must_use]
    pub fn without_notes(mut self) -> Terminal {
        self.silent = true;
        self
    }

    /// Writes data with `write`; the error is a closed pipe or a full disk.
    pub fn data<T>(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        write(&mut *self.lock(&self.out))
    }

    /// Writes a text and a line end to stdout.
    pub fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        self.data(|out| writeln!(out, "{}", text.as_ref().trim_end_matches('\n')))
    }

    /// Writes one JSON document to stdout; indented where a person reads it.
    pub fn document(&self, value: &impl Serialize) -> io::Result<()> {
        self.data(|out| {
            if self.look.out_tty {
                serde_json::to_writer_pretty(&mut *out, value)?;
            } else {
                serde_json::to_writer(&mut *out, value)?;
            }
            writeln!(out)
        })
    }

    /// Says something that is not data: stderr, unless `--quiet`. Nobody listening is not an error.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet && !self.silent {
            self.complain(text);
        }
    }

    /// Says something on stderr whatever the flags.
    pub fn complain(&self, text: impl AsRef<str>) {
        self.flush().ok();
        let mut err = self.lock(&self.err);
        writeln!(err, "{}", text.as_ref().trim_end_matches('\n')).ok();
        err.flush().ok();
    }

    /// Writes bytes to stderr as they are.
    pub fn raw_err(&self, bytes: &[u8]) -> io::Result<()> {
        let mut err = self.lock(&self.err);
        err.write_all(bytes)?;
        err.flush()
    }

    /// Hands everything written on.
    pub fn flush(&self) -> io::Result<()> {
        self.lock(&self.out).flush()
    }

    /// The stream of stderr, for a progress display.
    pub fn err_stream(&self) -> Stream {
        Arc::clone(&self.err)
    }

    /// Whether data may carry colour.
    pub fn paints(&self) -> bool {
        self.look.color && self.look.out_tty
    }

    /// Whether errors and notes may carry colour.
    pub fn paints_err(&self) -> bool {
        self.look.color && self.look.err_tty
    }

    /// `path` as it is meant from the terminal's working directory.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.look.cwd.join(path)
    }

    /// The next line of input without its end; `None` when there is no more.
    pub fn read_line(&self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let n = self
            .input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_until(b'\n', &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok((n > 0).then(|| text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// Asks a question on stderr that is answered with yes or no; anything but yes is no.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        self.flush()?;
        {
            let mut err = self.lock(&self.err);
            write!(err, "{question} [y/N] ").ok();
            err.flush().ok();
        }
        let answer = self.read_line()?.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn lock<'a>(&self, stream: &'a Stream) -> MutexGuard<'a, dyn Write + Send + 'static> {
        stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was written to a captured stdout.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// The bytes so far; it is empty after.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a test's terminal was told.
#[cfg(test)]
pub struct Heard {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

#[cfg(test)]
impl Heard {
    /// A terminal of this look that keeps what it is told, fed with `input`.
    pub fn terminal(look: Look, input: &str) -> (Terminal, Heard) {
        let heard = Heard {
            out: Arc::default(),
            err: Arc::default(),
        };
        let input = Arc::new(Mutex::new(io::Cursor::new(input.to_owned().into_bytes())));
        let terminal = Terminal::new(look, heard.out.clone(), heard.err.clone(), input);
        (terminal, heard)
    }

    /// What went to stdout.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap()).into_owned()
    }

    /// What went to stderr.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().unwrap()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (input, yes) in [
            ("y\n", true),
            ("Yes\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            let (terminal, heard) = Heard::terminal(Look::plain(None), input);
            assert_eq!(terminal.confirm("Delete?").unwrap(), yes, "{input:?}");
            assert!(heard.err().contains("Delete? [y/N]"));
        }
    }

    #[test]
    fn quiet_silences_notes_but_not_complaints() {
        let (mut terminal, heard) = Heard::terminal(Look::plain(None), "");
        terminal.quiet = true;
        terminal.note("a note");
        terminal.complain("an error");
        terminal.line("data").unwrap();
        assert_eq!(
            (heard.err().as_str(), heard.out().as_str()),
            ("an error\n", "data\n")
        );
    }
}
