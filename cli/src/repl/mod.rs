//! The prompt: a line is a question about the dataset in use, or a word with a dot in front that is about the prompt.
//!
//! Every line becomes a command line and runs the way a command does, so what is typed here and what is typed in a shell
//! cannot differ, and a prompt works the same when another process holds the store.

mod dotted;
mod editor;
mod language;
mod words;

use std::ffi::OsString;

use crate::args;
use crate::commands::PromptContext;
use crate::failure::{Exit, Failure};
use crate::forward::{Holding, Place, take_place};
use crate::job::Job;
use crate::output::Terminal;
use crate::render::paint::Paint;

/// Runs a command line for the prompt.
pub trait Runner {
    /// Runs `words` (the program's name first) on a terminal; gives the exit code.
    fn run(&self, words: Vec<OsString>, terminal: &Terminal) -> u8;
}

/// What the prompt remembers.
pub struct Prompt<'a> {
    runner: &'a dyn Runner,
    terminal: &'a Terminal,
    /// Flags of `messier repl` that go with every line: `--seed 7`.
    flags: Vec<OsString>,
    dataset: Option<String>,
    /// The last question that gave something, for `.show`.
    last: Option<String>,
    timing: bool,
    context: PromptContext,
}

/// What comes after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next line; the exit code of this one.
    Line(u8),
    /// The end.
    Quit,
}

/// `messier repl [D]`: holds the store while it is open, unless another process does.
pub fn run(args: &args::Repl, job: &Job<'_>) -> Result<(), Failure> {
    let holding = match take_place(job.house.dir()) {
        Place::Holding(holding) => Some(holding),
        Place::Elsewhere(_) | Place::Alone => None,
    };
    let runner = Local { job, holding };
    let result = begin(
        args.dataset.as_deref(),
        &runner,
        job.terminal,
        flags(job),
        job.house.dir(),
    );
    if let Some(holding) = runner.holding {
        let stop = messier_engine::context::Stop::new();
        let _stops = crate::interrupt::stops(&stop);
        holding.finish(job.terminal, &stop);
    }
    result
}

/// A prompt over any runner.
pub fn begin(
    dataset: Option<&str>,
    runner: &dyn Runner,
    terminal: &Terminal,
    flags: Vec<OsString>,
    store: &std::path::Path,
) -> Result<(), Failure> {
    let mut prompt = Prompt {
        runner,
        terminal,
        flags,
        dataset: None,
        last: None,
        timing: false,
        context: PromptContext::default(),
    };
    if let Some(name) = dataset {
        let code = prompt.use_dataset(name);
        if code != Exit::Done.code() {
            return Err(Failure::Said(code));
        }
    } else {
        prompt.refresh();
    }
    if terminal.look.in_tty && terminal.look.out_tty {
        editor::interact(&mut prompt, store)
    } else {
        prompt.read_all()
    }
}

/// The flags of the command line that hold for every line of the prompt.
fn flags(job: &Job<'_>) -> Vec<OsString> {
    let globals = job.globals;
    let mut flags: Vec<OsString> = Vec::new();
    if globals.json {
        flags.push("--json".into());
    }
    if globals.quiet {
        flags.push("--quiet".into());
    }
    for (name, value) in [
        ("--threads", globals.threads.map(u64::from)),
        ("--seed", globals.seed),
    ] {
        if let Some(value) = value {
            flags.extend([name.into(), value.to_string().into()]);
        }
    }
    flags
}

impl Prompt<'_> {
    /// Reads statements until the input ends: no prompt, a statement may run over several lines.
    fn read_all(&mut self) -> Result<(), Failure> {
        let mut code = Exit::Done.code();
        let mut pending = String::new();
        loop {
            let line = self.terminal.read_line()?;
            let ended = line.is_none();
            if let Some(line) = line {
                if !pending.is_empty() {
                    pending.push('\n');
                }
                pending.push_str(&line);
                if !pending.trim_start().starts_with('.') && !language::is_complete(&pending) {
                    continue;
                }
            }
            match self.line(&std::mem::take(&mut pending)) {
                Next::Quit => break,
                Next::Line(130) => return Err(Failure::Said(130)),
                Next::Line(one) if code == 0 => code = one,
                Next::Line(_) => {}
            }
            if ended {
                break;
            }
        }
        if code == Exit::Done.code() {
            Ok(())
        } else {
            Err(Failure::Said(code))
        }
    }

    /// Does what one line says.
    pub fn line(&mut self, text: &str) -> Next {
        let text = text.trim();
        if text.is_empty() || text.lines().all(|line| line.trim_start().starts_with('#')) {
            return Next::Line(Exit::Done.code());
        }
        if text.starts_with('.') && !text.starts_with("..") {
            return dotted::run(self, text);
        }
        if matches!(text, "quit" | "exit" | "quit()" | "exit()") {
            return Next::Quit;
        }
        Next::Line(self.ask(text))
    }

    fn ask(&mut self, text: &str) -> u8 {
        let Some(dataset) = self.dataset.clone() else {
            return self.complain(
                "No dataset is in use. `.use NAME` chooses one; `.datasets` lists them.",
            );
        };
        let began = std::time::Instant::now();
        let code = self.run(vec!["query".into(), dataset.into(), text.into()]);
        if self.timing {
            self.terminal
                .note(self.paint().dim(&crate::render::number::duration(
                    began.elapsed().as_secs_f64(),
                )));
        }
        if code == Exit::Done.code() {
            if language::may_change(text) {
                self.refresh();
            } else {
                self.last = Some(text.to_owned());
            }
        }
        code
    }

    /// Runs a command line with the prompt's flags.
    pub fn run(&self, words: Vec<OsString>) -> u8 {
        self.runner.run(self.full(words), self.terminal)
    }

    /// Runs a command line and keeps what it writes to stdout; none where it failed.
    fn captured(&self, words: Vec<OsString>) -> Option<Vec<u8>> {
        let (terminal, written) = self.terminal.captured();
        let mut words = self.full(words);
        words.push("--json".into());
        (self.runner.run(words, &terminal) == Exit::Done.code()).then(|| written.take())
    }

    fn full(&self, words: Vec<OsString>) -> Vec<OsString> {
        std::iter::once("messier".into())
            .chain(words)
            .chain(self.flags.iter().cloned())
            .collect()
    }

    /// Changes to another dataset; gives the exit code.
    fn use_dataset(&mut self, name: &str) -> u8 {
        match self.context_of(Some(name)) {
            Some(context) => {
                self.context = context;
                self.dataset = Some(name.to_owned());
                self.last = None;
                Exit::Done.code()
            }
            None => Exit::Request.code(),
        }
    }

    /// Looks again at what there is.
    fn refresh(&mut self) {
        if let Some(context) = self.context_of(self.dataset.as_deref()) {
            self.context = context;
        }
    }

    fn context_of(&self, dataset: Option<&str>) -> Option<PromptContext> {
        let words = std::iter::once("prompt-context".into())
            .chain(dataset.map(OsString::from))
            .collect();
        serde_json::from_slice(&self.captured(words)?).ok()
    }

    fn complain(&self, text: &str) -> u8 {
        self.terminal.complain(format!(
            "{} {text}",
            Paint::new(self.terminal.paints_err()).bad("error:")
        ));
        Exit::Request.code()
    }

    fn paint(&self) -> Paint {
        Paint::new(self.terminal.paints_err())
    }
}

/// Runs lines in this process.
struct Local<'a, 'b> {
    job: &'a Job<'b>,
    /// The store, while this prompt is open.
    holding: Option<Holding>,
}

impl Runner for Local<'_, '_> {
    fn run(&self, words: Vec<OsString>, terminal: &Terminal) -> u8 {
        let stop = messier_engine::context::Stop::new();
        let _stops = crate::interrupt::stops(&stop);
        match crate::dispatch::parse(words.iter().cloned()) {
            Ok(invocation) if self.holding.is_some() => {
                crate::dispatch::execute(invocation, terminal.clone(), self.job.house, stop)
            }
            // Another process holds the store, or did when the prompt began.
            Ok(invocation) => {
                crate::forward::perform(invocation, &words, terminal.clone(), self.job.house, stop)
            }
            Err(failure) => crate::dispatch::tell(&failure, terminal),
        }
    }
}

#[cfg(test)]
mod tests;
