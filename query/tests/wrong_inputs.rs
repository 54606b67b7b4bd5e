//! Wrong queries and what is said about them, drawn as in a terminal. Read the snapshot aloud: a message that does not
//! help is a bug.

use std::fmt::Write as _;

use messier_query::parse;
use miette::{GraphicalReportHandler, GraphicalTheme};

const WRONG: &str = include_str!("wrong_inputs.txt");

fn drawn(text: &str) -> String {
    let problems = parse(text).expect_err(text);
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(100)
        .with_links(false);
    let mut out = String::new();
    for report in problems.reports(text) {
        handler.render_report(&mut out, &report).unwrap();
    }
    out.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The inputs: one a line, `\n` for a line break, groups under lines that begin with `##`.
fn inputs() -> impl Iterator<Item = &'static str> {
    WRONG.lines().filter(|line| !line.trim().is_empty())
}

fn queries() -> impl Iterator<Item = (&'static str, String)> {
    inputs()
        .filter(|line| !line.starts_with("## "))
        .map(|line| (line, line.replace("\\n", "\n")))
}

#[test]
fn each_wrong_input_is_answered_with_a_way_out() {
    let mut page = String::new();
    for line in inputs() {
        if line.starts_with("## ") {
            writeln!(page, "{line}\n").unwrap();
        } else {
            let text = line.replace("\\n", "\n");
            writeln!(page, "{}\n>>> {line}\n{}\n", "-".repeat(100), drawn(&text)).unwrap();
        }
    }
    insta::assert_snapshot!("wrong_inputs", page);
}

#[test]
fn each_mistake_says_where_and_what_would_work() {
    for (line, text) in queries() {
        for problem in parse(&text).expect_err(line).0 {
            assert!(!problem.hints.is_empty(), "{line}: {problem:?}");
            assert!(
                !problem.message.ends_with('.') && !problem.message.is_empty(),
                "{line}"
            );
            assert!(!problem.labels.is_empty(), "{line}");
            for label in &problem.labels {
                assert!(
                    text.is_char_boundary(label.start) && text.is_char_boundary(label.end),
                    "{line}"
                );
                assert!(
                    label.start <= label.end && label.end <= text.len(),
                    "{line}"
                );
            }
        }
    }
}

/// A whole query offered as the fix is one that can be read.
#[test]
fn each_whole_query_offered_can_be_read() {
    let mut offered = 0;
    for (line, text) in queries() {
        for hint in parse(&text)
            .expect_err(line)
            .0
            .iter()
            .flat_map(|problem| &problem.hints)
        {
            let lead = ["write `", "all together: write `"]
                .iter()
                .find_map(|lead| hint.strip_prefix(lead));
            let Some(fix) = lead.and_then(|rest| rest.strip_suffix('`')) else {
                continue;
            };
            if fix.contains('(')
                && !fix.contains("...")
                && !fix.starts_with('.')
                && !fix.contains('`')
            {
                offered += 1;
                if let Err(problems) = parse(fix) {
                    panic!("{line}: offers `{fix}`, which says: {problems}");
                }
            }
        }
    }
    assert!(
        offered > 40,
        "only {offered} of the inputs come with a whole query"
    );
}
