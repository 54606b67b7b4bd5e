//! Words with a dot in front: about the prompt itself, or a command of the shell for the dataset in use.

use std::ffi::OsString;
use std::path::Path;

use messier_query::syntax::{Call, Expr, ExprKind, Literal, Span, Spanned, Step};
use serde_json::Value as Json;

use super::words::split;
use super::{Next, Prompt};
use crate::failure::Exit;

/// Name, arguments, what it does.
pub const COMMANDS: [(&str, &str, &str); 13] = [
    (
        ".help",
        "[TOPIC]",
        "explain this, or a method, stage or function",
    ),
    (".datasets", "", "list the datasets"),
    (".use", "NAME", "ask about another dataset"),
    (".schema", "", "show the fields"),
    (".runs", "[info KEY]", "list the runs, or show one"),
    (
        ".views",
        "[save NAME QUERY]",
        "list the saved views, or save one",
    ),
    (
        ".show",
        "N",
        "show sample N of the last answer, with its picture",
    ),
    (
        ".plot",
        "[--color FIELD]",
        "draw the map here, or with -o into a file",
    ),
    (
        ".export",
        "OUT --format F",
        "write samples to a folder or a file",
    ),
    (".tag", "QUERY TAG", "tag samples; .untag takes tags away"),
    (".undo", "[--dry-run]", "take the newest change back"),
    (
        ".timing",
        "",
        "say how long each answer takes, or stop saying it",
    ),
    (".quit", "", "leave; so does Ctrl-D"),
];

/// Commands that stand here as they do in a shell, with the dataset put in.
const SHELL: [&str; 10] = [
    "schema",
    "runs",
    "views",
    "plot",
    "export",
    "tag",
    "untag",
    "info",
    "set-values",
    "undo",
];

/// Does what a dotted line says.
pub fn run(prompt: &mut Prompt<'_>, text: &str) -> Next {
    let words = match split(text) {
        Ok(words) => words,
        Err(why) => return Next::Line(prompt.complain(&format!("{why}."))),
    };
    let rest = words.get(1..).unwrap_or_default();
    let name = words
        .first()
        .map_or("", |word| word.trim_start_matches('.'));
    let code = match (name, rest) {
        ("quit" | "exit" | "q", _) => return Next::Quit,
        ("help", []) => help(prompt),
        ("help", [topic, ..]) => prompt.run(vec!["help".into(), topic.into()]),
        ("datasets" | "list", _) => prompt.run(vec!["list".into()]),
        ("use", [dataset]) => prompt.use_dataset(dataset),
        ("use", _) => prompt.complain("`.use NAME` needs the name of one dataset."),
        ("timing", _) => {
            prompt.timing = !prompt.timing;
            prompt.terminal.note(if prompt.timing {
                "Timing is on."
            } else {
                "Timing is off."
            });
            Exit::Done.code()
        }
        ("show", [number]) => show(prompt, number),
        ("show", _) => {
            prompt.complain("`.show N` needs the number of a sample of the last answer.")
        }
        (name, rest) if SHELL.contains(&name) => shell(prompt, name, rest),
        (name, _) => {
            let names = COMMANDS
                .iter()
                .map(|(name, ..)| name.trim_start_matches('.'))
                .chain(SHELL);
            let near = messier_query::nearest(name, names);
            let hint = near
                .first()
                .map(|near| format!(" Did you mean `.{near}`?"))
                .unwrap_or_default();
            prompt.complain(&format!(
                "There is no `.{name}`.{hint} `.help` lists what there is."
            ))
        }
    };
    Next::Line(code)
}

fn shell(prompt: &mut Prompt<'_>, name: &str, rest: &[String]) -> u8 {
    let Some(dataset) = prompt.dataset.clone() else {
        return prompt.complain("No dataset is in use. `.use NAME` chooses one.");
    };
    let mut words: Vec<OsString> = vec![name.into(), dataset.into()];
    words.extend(rest.iter().map(OsString::from));
    let code = prompt.run(words);
    if !rest.is_empty() || name == "undo" {
        prompt.refresh();
    }
    code
}

fn help(prompt: &Prompt<'_>) -> u8 {
    let paint = crate::render::paint::Paint::new(prompt.terminal.paints());
    let mut text = String::from(
        "Type a question about the dataset in use; a condition alone means match(...). Tab completes.\n\n",
    );
    for (name, arguments, what) in COMMANDS {
        let head = format!("{name} {arguments}");
        text.push_str(&format!(
            "  {}{}  {what}\n",
            paint.accent(&head),
            " ".repeat(26usize.saturating_sub(head.len()))
        ));
    }
    text.push_str(
        "\nFor example:\n  match(metadata.width > 640).sort_by(\"filepath\").limit(12)\n  count_values(\"tags\")\n  \
         cluster(method=\"kmeans\", n_clusters=20, run=\"k20\")\n",
    );
    match prompt.terminal.line(text) {
        Ok(()) => Exit::Done.code(),
        Err(_) => Exit::Machine.code(),
    }
}

/// Shows one sample of the last answer: its fields, and its picture where the terminal can.
fn show(prompt: &Prompt<'_>, number: &str) -> u8 {
    let (Some(dataset), Some(last)) = (&prompt.dataset, &prompt.last) else {
        return prompt.complain("There is no answer yet to show a sample of.");
    };
    let Some(row) = number.parse::<i64>().ok().filter(|&n| n >= 1) else {
        return prompt.complain(&format!(
            "{number:?} is not the number of a sample; the table counts from 1."
        ));
    };
    let Some(text) = one_row(last, row) else {
        return prompt.complain("The last answer was not a list of samples.");
    };
    let Some(bytes) = prompt.captured(vec!["query".into(), dataset.into(), text.into()]) else {
        return Exit::Request.code();
    };
    let answer: Json = serde_json::from_slice(&bytes).unwrap_or_default();
    let Some(Json::Object(sample)) = answer["samples"].get(0) else {
        return prompt.complain(&format!("The last answer has no sample {row}."));
    };
    let mut out = String::new();
    if let Some(path) = sample.get("filepath").and_then(Json::as_str)
        && prompt.terminal.look.out_tty
    {
        match crate::thumbnail::draw(Path::new(path), &prompt.terminal.look, 48, 20) {
            Ok(picture) => out.push_str(&picture),
            Err(why) => prompt.terminal.note(why),
        }
    }
    let paint = crate::render::paint::Paint::new(prompt.terminal.paints());
    for (name, value) in sample {
        let text = crate::render::json_value::scalar(value).text;
        out.push_str(&format!("  {}  {text}\n", paint.dim(&format!("{name:18}"))));
    }
    match prompt.terminal.line(out) {
        Ok(()) => Exit::Done.code(),
        Err(_) => Exit::Machine.code(),
    }
}

/// The question for one row of another question's answer; none for a question that gives no samples.
fn one_row(text: &str, row: i64) -> Option<String> {
    let mut query = messier_query::parse(text).ok()?;
    let span = Span::default();
    if let [Step::Bare(condition)] = query.steps.as_slice() {
        let value = condition.clone();
        let argument = messier_query::syntax::Argument { name: None, value };
        let name = Spanned {
            node: "match".to_owned(),
            span,
        };
        query.steps = vec![Step::Call(Call {
            name,
            args: vec![argument],
            span,
        })];
    }
    let number = |n: i64| {
        Some(Expr {
            kind: ExprKind::Literal(Literal::Int(n)),
            span,
        })
    };
    query.steps.push(Step::Slice {
        start: number(row - 1),
        end: number(row),
        span,
    });
    Some(messier_query::format(&query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_of_a_chain_and_of_a_condition() {
        let row = |text| one_row(text, 3).unwrap();
        assert!(row("limit(5)").ends_with("[2:3]"), "{}", row("limit(5)"));
        assert!(
            row("k20 == \"7\"").starts_with("match("),
            "{}",
            row("k20 == \"7\"")
        );
        assert_eq!(one_row("((", 1), None);
    }
}
