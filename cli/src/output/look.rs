//! What a terminal looks like: decided once, from the environment and the streams, so that nothing later asks the process.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

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
}
