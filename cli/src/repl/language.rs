//! What the prompt needs of the query language: is a text complete, what can come next, what is which colour.
//!
//! The language's own rooms answer; lines with a dot in front are the prompt's and are answered here.

use super::dotted::COMMANDS;
use crate::commands::PromptContext;

/// The colour a piece of text gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing special.
    Plain,
    /// A stage, an aggregation, a function.
    Call,
    /// A field.
    Field,
    /// Text in quotes.
    Text,
    /// A number.
    Number,
    /// A word of the language, such as `and`.
    Word,
    /// A mistake.
    Wrong,
    /// A remark.
    Dim,
}

/// Something that can stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What to put there.
    pub text: String,
    /// A few words about it.
    pub about: Option<String>,
    /// The first byte it replaces.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Whether Enter ends the statement: no bracket and no quote is open.
pub fn is_complete(text: &str) -> bool {
    let mut depth = 0i64;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    let mut remark = false;
    while let Some(c) = chars.next() {
        match (quote, c) {
            _ if remark => remark = c != '\n',
            (Some(_), '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => remark = true,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    depth <= 0 && quote.is_none() && !text.trim_end().ends_with(['.', '\\', '&', '|', ','])
}

/// Whether a question may have changed what there is to complete: it ends in an operator.
pub fn may_change(text: &str) -> bool {
    crate::commands::last_call(text).is_some_and(|name| {
        messier_engine::operators()
            .iter()
            .any(|operator| operator.signature.name == name)
            || !known_reader(&name)
    })
}

/// Stages and aggregations that only read are most of what is typed; anything unknown may write.
fn known_reader(name: &str) -> bool {
    !matches!(
        name,
        "save"
            | "keep"
            | "keep_fields"
            | "tag_samples"
            | "untag_samples"
            | "set_values"
            | "clear_field"
    )
}

/// What can stand at the cursor, best first.
pub fn complete(line: &str, pos: usize, context: &PromptContext) -> Vec<Found> {
    let typed = line.get(..pos).unwrap_or(line);
    if typed.starts_with('.') {
        return dotted(typed, context);
    }
    let start = typed
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map_or(0, |at| {
            at + typed[at..].chars().next().map_or(1, char::len_utf8)
        });
    let prefix = &typed[start..];
    let fields = context
        .fields
        .iter()
        .map(|field| (field.name.clone(), Some(field.ty.to_string())));
    let calls = crate::topics::all().into_iter().map(|topic| {
        (
            format!("{}(", topic.signature.name),
            Some(topic.signature.summary.to_owned()),
        )
    });
    fields
        .chain(calls)
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(text, about)| Found {
            text,
            about,
            start,
            end: pos,
        })
        .collect()
}

fn dotted(typed: &str, context: &PromptContext) -> Vec<Found> {
    let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let found = |text: String, about: Option<String>| Found {
        text,
        about,
        start,
        end: typed.len(),
    };
    let prefix = &typed[start..];
    if start == 0 {
        return COMMANDS
            .iter()
            .filter(|(name, ..)| name.starts_with(prefix))
            .map(|(name, _, what)| found((*name).to_owned(), Some((*what).to_owned())))
            .collect();
    }
    let names: Vec<String> = match typed.split_whitespace().next() {
        Some(".use") => context.datasets.clone(),
        Some(".help") => crate::topics::all()
            .into_iter()
            .map(|topic| topic.signature.name.to_owned())
            .collect(),
        Some(".runs") => ["info", "rename", "delete", "rerun", "export"]
            .map(str::to_owned)
            .into_iter()
            .chain(context.runs.iter().cloned())
            .collect(),
        Some(".views") => {
            let views = context.views.iter().map(|(name, _)| name.clone());
            ["save", "show", "rename", "delete"]
                .map(str::to_owned)
                .into_iter()
                .chain(views)
                .collect()
        }
        Some(".plot") => {
            let flags = ["--points", "--color", "--label", "--pictures", "-o"]
                .map(str::to_owned)
                .into_iter();
            flags
                .chain(context.fields.iter().map(|field| field.name.clone()))
                .collect()
        }
        _ => Vec::new(),
    };
    names
        .into_iter()
        .filter(|name| name.starts_with(prefix))
        .map(|name| found(name, None))
        .collect()
}

/// The signature of the call around the cursor.
pub fn hint(line: &str, pos: usize, _: &PromptContext) -> Option<String> {
    let typed = line.get(..pos)?;
    let name = typed
        .strip_suffix('(')?
        .rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()?;
    crate::topics::all()
        .into_iter()
        .find(|topic| topic.signature.name == name)
        .map(|topic| topic.signature.usage())
}

/// The line in pieces with their colours.
pub fn highlight(line: &str) -> Vec<(String, Class)> {
    vec![(
        line.to_owned(),
        if line.starts_with('.') {
            Class::Word
        } else {
            Class::Plain
        },
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_brackets_and_quotes_wait_for_more() {
        for text in [
            "match(",
            "match(k == \"a",
            "[1,",
            "match(x).",
            "limit(3) # (\n(",
        ] {
            assert!(!is_complete(text), "{text}");
        }
        for text in [
            "count()",
            "k20 == \"(\"",
            "limit(3) # (",
            "match('it\\'s')",
            ")",
        ] {
            assert!(is_complete(text), "{text}");
        }
    }

    #[test]
    fn dotted_lines_complete_their_own_words() {
        let context = PromptContext {
            datasets: vec!["trip".into(), "animals".into()],
            ..PromptContext::default()
        };
        let texts = |line: &str| {
            complete(line, line.len(), &context)
                .into_iter()
                .map(|f| f.text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(".use t"), ["trip"]);
        assert_eq!(texts(".sc"), [".schema"]);
        assert!(texts(".plot --po").contains(&"--points".to_owned()));
    }
}
