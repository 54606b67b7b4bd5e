//! A small language for the tests: a folder of its own, a store in it, and `messier` run there as in a shell.
//!
//! Commands are written as one line of text and cut into words like a shell does, without its expansions, so that a test reads like
//! a session at the terminal.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A folder, removed when the test ends, with a store in it.
pub struct World {
    dir: PathBuf,
    _removed_on_drop: Option<TempDir>,
}

/// What a finished command left.
#[derive(Debug)]
pub struct Ran {
    /// The command, for messages.
    pub line: String,
    /// The exit code; a signal is its number plus 128, as in a shell.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl World {
    /// An empty folder; the store comes into being with the first command that needs it.
    pub fn new() -> World {
        let dir = TempDir::new().expect("a temporary folder");
        World {
            dir: dir.path().to_owned(),
            _removed_on_drop: Some(dir),
        }
    }

    /// A world in a folder that stays.
    pub fn staying_at(dir: PathBuf) -> World {
        fs::create_dir_all(&dir).expect("a folder");
        World {
            dir,
            _removed_on_drop: None,
        }
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// The store's directory.
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The names of everything below a folder, sorted, with `/` between them; folders are not listed themselves.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let mut found = Vec::new();
        let mut todo = vec![root.clone()];
        while let Some(dir) = todo.pop() {
            for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
                let entry = entry.expect("an entry");
                if entry.file_type().expect("a type").is_dir() {
                    todo.push(entry.path());
                } else {
                    let path = entry.path();
                    let below = path.strip_prefix(&root).expect("below the root");
                    found.push(below.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }

    /// The command, not yet started: stdin closed, the store chosen, no terminal, an environment of its own.
    pub fn command<I: Into<OsString>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_messier"));
        command
            .args(args.into_iter().map(Into::into))
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.dir)
            .env("MESSIER_STORE", self.store())
            .stdin(Stdio::null());
        command
    }

    /// Runs a line and gives what it left, whatever the code.
    pub fn run(&self, line: &str) -> Ran {
        let output = self.command(words(line)).output().expect("messier starts");
        Ran::new(line, output)
    }

    /// Runs a line with text on its stdin.
    pub fn run_with_input(&self, line: &str, input: &str) -> Ran {
        use std::io::Write;
        let mut child = self
            .command(words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("messier starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that ends early closes the pipe: that is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::new(line, child.wait_with_output().expect("messier ends"))
    }

    /// Runs a line that has to succeed.
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{ran}");
        ran
    }

    /// Runs a line with `--json`; it has to succeed and print one document and nothing else.
    pub fn json(&self, line: &str) -> Json {
        let ran = self.ok(&format!("{line} --json"));
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("not one JSON document: {e}\n{ran}"))
    }

    /// Runs a line with `--json` that has to fail with this exit code: nothing on stdout, and the error object on stderr, which
    /// is returned.
    pub fn refused(&self, line: &str, code: i32) -> Json {
        let ran = self.run(&format!("{line} --json"));
        assert_eq!(ran.code, code, "{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
        let last = ran.stderr.lines().last().unwrap_or_default();
        let text = if ran.stderr.trim_start().starts_with('{') {
            ran.stderr.as_str()
        } else {
            last
        };
        let json: Json =
            serde_json::from_str(text).unwrap_or_else(|e| panic!("no error object: {e}\n{ran}"));
        let error = json["error"].clone();
        assert!(error["code"].is_string(), "{ran}");
        assert!(error["message"].is_string(), "{ran}");
        error
    }

    /// The samples of a query that gives a view.
    pub fn samples(&self, dataset: &str, query: &str) -> Vec<Json> {
        let answer = self.query(dataset, query);
        assert_eq!(answer["kind"], "view", "{answer}");
        answer["samples"].as_array().expect("samples").clone()
    }

    /// The value of a query that gives one.
    pub fn value(&self, dataset: &str, query: &str) -> Json {
        let answer = self.query(dataset, query);
        assert_eq!(answer["kind"], "value", "{answer}");
        answer["value"].clone()
    }

    /// The JSON answer of a query.
    pub fn query(&self, dataset: &str, query: &str) -> Json {
        let output = self
            .command(["query", dataset, query, "--json"])
            .output()
            .expect("messier starts");
        let ran = Ran::new(&format!("query {dataset} {query}"), output);
        assert_eq!(ran.code, 0, "{ran}");
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("not one JSON document: {e}\n{ran}"))
    }

    /// How many samples a dataset has.
    pub fn count(&self, dataset: &str) -> u64 {
        self.value(dataset, "count()").as_u64().expect("a count")
    }

    /// Copies another world's store into this one.
    pub fn copy_store(&self, from: &World) {
        copy(&from.store(), &self.store());
    }
}

impl Ran {
    /// From what the system gives.
    pub fn new(line: &str, output: Output) -> Ran {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        #[cfg(not(unix))]
        let signal: Option<i32> = None;
        let ran = Ran {
            line: line.to_owned(),
            code: output
                .status
                .code()
                .or(signal.map(|s| s + 128))
                .unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!ran.stderr.contains("panicked at"), "{ran}");
        ran
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ messier {}", self.line)?;
        writeln!(f, "exit code {}", self.code)?;
        writeln!(f, "--- stdout\n{}", self.stdout)?;
        writeln!(f, "--- stderr\n{}", self.stderr)
    }
}

/// Copies a folder and all below it; sockets and other special files are left out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a type");
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Cuts a line into words at spaces; single and double quotes keep what is between them together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote is not closed: {line}");
    words.extend(word);
    words
}

#[test]
fn a_line_is_cut_like_in_a_shell() {
    assert_eq!(
        words(r#"query d 'match(F("a") == "b c")' --json"#),
        ["query", "d", r#"match(F("a") == "b c")"#, "--json"]
    );
    assert_eq!(words("a '' b"), ["a", "", "b"]);
}
