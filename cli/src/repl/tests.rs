//! The prompt without a terminal, over a runner that repeats what it hears.

use super::*;
use crate::output::{Heard, Look};
use std::cell::RefCell;

/// Answers every question with its own words and knows two datasets.
#[derive(Default)]
struct Echo {
    heard: RefCell<Vec<String>>,
}

impl Runner for Echo {
    fn run(&self, words: Vec<OsString>, terminal: &Terminal) -> u8 {
        let words: Vec<String> = words
            .into_iter()
            .skip(1)
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match (words[0].as_str(), words.get(1).map(String::as_str)) {
            ("prompt-context", Some("nope")) => {
                terminal.complain("error: There is no dataset called \"nope\".");
                1
            }
            ("prompt-context", _) => {
                let context = PromptContext {
                    datasets: vec!["trip".into(), "animals".into()],
                    ..PromptContext::default()
                };
                terminal.document(&context).unwrap();
                0
            }
            _ => {
                self.heard.borrow_mut().push(words.join(" "));
                terminal.line(words.join(" ")).unwrap();
                u8::from(words.iter().any(|word| word.contains("wrong")))
            }
        }
    }
}

fn talk(input: &str, dataset: Option<&str>) -> (Result<(), Failure>, Vec<String>, Heard) {
    let (terminal, heard) = Heard::terminal(Look::plain(Some(80)), input);
    let echo = Echo::default();
    let result = begin(
        dataset,
        &echo,
        &terminal,
        vec!["--seed".into(), "7".into()],
        std::path::Path::new("/nowhere"),
    );
    (result, echo.heard.into_inner(), heard)
}

#[test]
fn a_piped_input_is_one_statement_a_line_with_continuations() {
    let (result, lines, _) = talk(
        "count()\n\n# a remark\nmatch(\n  k20 == \"7\"\n)\n.quit\ncount()\n",
        Some("trip"),
    );
    assert!(result.is_ok());
    assert_eq!(
        lines,
        [
            "query trip count() --seed 7",
            "query trip match(\n  k20 == \"7\"\n) --seed 7"
        ]
    );
}

#[test]
fn a_mistake_does_not_end_the_input_but_shows_in_the_exit_code() {
    let (result, lines, _) = talk("wrong\ncount()\n", Some("trip"));
    assert_eq!(lines.len(), 2);
    assert_eq!(result.unwrap_err().exit(), 1);
}

#[test]
fn words_with_a_dot_are_commands() {
    let (_, lines, heard) = talk(
        ".use animals\n.schema\n.runs info k20\n.plot --color k20\n.nonsense\n",
        Some("trip"),
    );
    assert_eq!(
        lines,
        [
            "schema animals --seed 7",
            "runs animals info k20 --seed 7",
            "plot animals --color k20 --seed 7"
        ]
    );
    assert!(heard.err().contains(".nonsense"), "{}", heard.err());
}

#[test]
fn a_dataset_must_be_there_and_be_chosen() {
    assert_eq!(talk("", Some("nope")).0.unwrap_err().exit(), 1);
    let (_, lines, heard) = talk("count()\n", None);
    assert!(lines.is_empty() && heard.err().contains(".use"));
}
