//! Where a command's words go: every command writes to a [`Terminal`] it is given, never to the process's own streams.
//!
//! So the process that owns a store can run a command for somebody else's terminal, and tests can read what was said.
//! The alternative, `println!`, would tie each command to the process it happens to run in.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// What a terminal looks like and where it stands; travels with a command that is handed to the owner of a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Columns of stdout; `None` where it is not a terminal and nobody said how wide it is.
    pub width: Option<usize>,
    /// Lines of the terminal.
    pub height: usize,
    /// Whether a person can answer a question.
    pub in_tty: bool,
    /// Whether stdout is a terminal.
    pub out_tty: bool,
    /// Whether stderr is a terminal.
    pub err_tty: bool,
    /// Whether colours may be written.
    pub color: bool,
    /// Whether the terminal knows 24-bit colours.
    pub truecolor: bool,
    /// How the terminal shows pictures.
    pub pictures: Pictures,
    /// The working directory relative paths are meant from.
    pub cwd: PathBuf,
}

/// How a terminal shows pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pictures {
    /// Two pixels a character, in colour.
    HalfBlocks,
    /// The kitty graphics protocol.
    Kitty,
    /// The iTerm2 inline-image protocol.
    Iterm,
}

impl Look {
    /// What this process's own streams look like.
    pub fn of_process() -> io::Result<Look> {
        let env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())))
            .collect();
        let (out_tty, err_tty) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let size = if out_tty || err_tty {
            terminal_size()
        } else {
            None
        };
        Ok(Look::read(
            &env,
            [io::stdin().is_terminal(), out_tty, err_tty],
            size,
            std::env::current_dir()?,
        ))
    }

    /// The pure part of [`Look::of_process`]: environment, which of stdin, stdout, stderr are terminals, columns and lines.
    fn read(
        env: &BTreeMap<String, String>,
        [in_tty, out_tty, err_tty]: [bool; 3],
        size: Option<(usize, usize)>,
        cwd: PathBuf,
    ) -> Look {
        let get = |name: &str| {
            env.get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        let columns = get("COLUMNS")
            .and_then(|text| text.parse().ok())
            .filter(|&n: &usize| n >= 20);
        let width = if out_tty {
            size.map(|(w, _)| w.max(20)).or(columns).or(Some(80))
        } else {
            columns
        };
        let dumb = get("TERM") == Some("dumb");
        Look {
            width,
            height: size.map_or(24, |(_, h)| h.max(8)),
            in_tty,
            out_tty,
            err_tty,
            color: get("NO_COLOR").is_none() && !dumb,
            truecolor: matches!(get("COLORTERM"), Some("truecolor" | "24bit")),
            pictures: match (get("TERM"), get("TERM_PROGRAM")) {
                _ if get("TMUX").is_some() => Pictures::HalfBlocks,
                (Some("xterm-kitty" | "xterm-ghostty"), _) => Pictures::Kitty,
                (_, Some("iTerm.app" | "WezTerm")) => Pictures::Iterm,
                _ => Pictures::HalfBlocks,
            },
            cwd,
        }
    }

    /// A plain look for tests and for captured output: no terminal anywhere, `width` columns.
    #[cfg(test)]
    pub fn plain(width: Option<usize>) -> Look {
        Look {
            width,
            height: 24,
            in_tty: false,
            out_tty: false,
            err_tty: false,
            color: false,
            truecolor: false,
            pictures: Pictures::HalfBlocks,
            cwd: PathBuf::from("/"),
        }
    }
}

fn terminal_size() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size()?;
    (width.0 > 0).then(|| (usize::from(width.0), usize::from(height.0)))
}

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

    fn look(vars: &[(&str, &str)], ttys: [bool; 3], size: Option<(usize, usize)>) -> Look {
        let env = vars
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Look::read(&env, ttys, size, PathBuf::from("/home"))
    }

    #[test]
    fn a_pipe_has_no_width_unless_columns_says_so() {
        assert_eq!(look(&[], [false; 3], None).width, None);
        assert_eq!(
            look(&[("COLUMNS", "100")], [false; 3], None).width,
            Some(100)
        );
        assert_eq!(
            look(&[("COLUMNS", "100")], [true; 3], Some((132, 50))).width,
            Some(132)
        );
    }

    #[test]
    fn no_color_and_dumb_terminals_are_honoured() {
        assert!(look(&[], [true; 3], None).color);
        assert!(!look(&[("NO_COLOR", "1")], [true; 3], None).color);
        assert!(
            look(&[("NO_COLOR", "")], [true; 3], None).color,
            "an empty NO_COLOR counts as unset"
        );
        assert!(!look(&[("TERM", "dumb")], [true; 3], None).color);
    }

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
