//! What the prompt needs of the query language: is a text complete, what can come next, what is which colour.
//!
//! The language's own rooms answer; lines with a dot in front are the prompt's and are answered here.

use messier_query::signature::Arg;
use messier_query::{CompletionEnv, Hint, Style};
use messier_store::Schema;

use super::dotted::COMMANDS;
use crate::commands::PromptContext;

pub use messier_query::is_complete;

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

/// Whether a question changes what there is to complete: it ends in an operator or an edit.
pub fn may_change(text: &str) -> bool {
    crate::commands::last_call(text).is_some_and(|name| {
        crate::commands::is_edit(&name)
            || messier_engine::operators()
                .iter()
                .any(|operator| operator.signature.name == name)
    })
}

/// What can stand at the cursor, best first.
pub fn complete(line: &str, pos: usize, context: &PromptContext) -> Vec<Found> {
    let typed = line.get(..pos).unwrap_or(line);
    if typed.starts_with('.') {
        return dotted(typed, context);
    }
    with_env(context, |env| {
        messier_query::complete(line, pos, env)
            .into_iter()
            .map(|found| Found {
                text: found.text,
                about: Some(first_sentence(&found.doc)).filter(|text| !text.is_empty()),
                start: found.span.start,
                end: found.span.end,
            })
            .collect()
    })
}

fn first_sentence(doc: &str) -> String {
    doc.split_inclusive(". ")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The environment that the language completes in.
fn with_env<T>(context: &PromptContext, work: impl FnOnce(&CompletionEnv<'_>) -> T) -> T {
    let schema = Schema {
        fields: context.fields.clone(),
    };
    let views: Vec<String> = context.views.iter().map(|(name, _)| name.clone()).collect();
    let values = |path: &str| -> Vec<Arg> {
        context
            .values
            .get(path)
            .into_iter()
            .flatten()
            .map(|text| Arg::Text(text.clone()))
            .collect()
    };
    work(&CompletionEnv::new(
        &schema,
        messier_engine::operators(),
        &views,
        &values,
    ))
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

/// How the call around the cursor is used, in two parts: up to the parameter at the cursor, and the rest.
pub fn hint(line: &str, pos: usize, context: &PromptContext) -> Option<Hint> {
    if line.starts_with('.') {
        return None;
    }
    with_env(context, |env| messier_query::hint(line, pos, env))
}

/// The line in pieces with what each is; white space is none.
pub fn highlight(line: &str) -> Vec<(&str, Option<Style>)> {
    if line.starts_with('.') {
        return vec![(line, Some(Style::Keyword))];
    }
    let mut out = Vec::new();
    let mut at = 0;
    for (span, style) in messier_query::highlight(line) {
        if let Some(gap) = line.get(at..span.start).filter(|gap| !gap.is_empty()) {
            out.push((gap, None));
        }
        if let Some(part) = line
            .get(span.start..span.end)
            .filter(|part| !part.is_empty())
        {
            out.push((part, Some(style)));
        }
        at = at.max(span.end);
    }
    if let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        out.push((rest, None));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_line() {
        for line in [
            "match( k20 == \"7\" ) # é",
            "",
            "  ",
            ".use trip",
            "\"open",
            "é🙂((",
        ] {
            let whole: String = highlight(line).into_iter().map(|(text, _)| text).collect();
            assert_eq!(whole, line);
        }
    }

    #[test]
    fn fields_and_their_values_complete() {
        let mut context = PromptContext {
            fields: Schema::of_samples().fields,
            ..PromptContext::default()
        };
        context.fields.push(messier_store::Field::new(
            "k20",
            messier_store::FieldType::Text,
        ));
        context.values.insert("k20".into(), vec!["7".into()]);
        let texts = |line: &str| {
            complete(line, line.len(), &context)
                .into_iter()
                .map(|f| f.text)
                .collect::<Vec<_>>()
        };
        assert!(texts("match(k2").contains(&"k20".to_owned()));
        assert!(
            texts("match(k20 == ").iter().any(|text| text.contains('7')),
            "{:?}",
            texts("match(k20 == ")
        );
        assert!(hint("limit(", 6, &context).is_some_and(|hint| hint.usage.starts_with("limit(")));
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
