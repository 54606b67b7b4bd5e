//! Text to syntax: nom makes tokens, brackets are paired, then one pass with one token of look-ahead builds the tree.
//!
//! Every mistake is noted and read as what was most likely meant, so that one parse finds all mistakes; where each of
//! them says which bytes to change, the changed text is parsed again and shown whole. A generated parser would stop at the
//! first and could not know that `=` was SQL.

mod arguments;
mod brackets;
mod chain;
mod cursor;
pub(crate) mod escapes;
mod expression;
mod fields;
mod literals;
mod misused;
mod moments;
pub(crate) mod names;
mod primary;
pub(crate) mod tokens;
mod unexpected;
mod visitors;

pub(crate) use expression::level;
pub use moments::{iso_date, iso_datetime};
pub(crate) use visitors::operators::is_foreign_word;
pub(crate) use visitors::python::is_keyword;

use crate::diagnostic::{Diagnostic, Diagnostics, Edit, Label};
use crate::syntax::{Query, Source, Span};
use cursor::Parser;
use tokens::Kind;

/// Texts longer than this are refused, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// At most this many mistakes are reported.
pub(crate) const MAX_PROBLEMS: usize = 20;

/// A mended query longer than this is not shown, in bytes.
const MAX_OFFERED: usize = 400;

/// Reads a query. The time taken grows linearly with the text; nesting and length are limited; no text makes it panic.
///
/// # Errors
///
/// All mistakes of the text, in order of place.
///
/// ```
/// let query = messier_query::parse("match(k20 == '7' and width > 640).limit(3)").unwrap();
/// assert_eq!(query.steps.len(), 2);
/// let mistakes = messier_query::parse("match(k20 = '7')").unwrap_err();
/// assert_eq!(mistakes.0[0].hints, ["write `match(k20 == '7')`"]);
/// ```
pub fn parse(text: &str) -> Result<Query, Diagnostics> {
    let (query, mut problems) = attempt(text);
    if problems.is_empty() {
        return Ok(query);
    }
    problems.sort_by_key(|problem| problem.labels.first().map(|label| label.start));
    suggest(text, &mut problems);
    Err(Diagnostics(problems))
}

/// Parses and notes problems, without trying to mend them.
fn attempt(text: &str) -> (Query, Vec<Diagnostic>) {
    let span = Span {
        start: 0,
        end: text.len(),
    };
    let nothing = Query {
        source: Source::All,
        steps: Vec::new(),
        span,
    };
    if text.len() > MAX_BYTES {
        let problem = Diagnostic::new(
            "too-long",
            format!(
                "this query has {} bytes; at most {MAX_BYTES} are read",
                text.len()
            ),
            Span { start: 0, end: 0 },
            "the text begins here",
        );
        let hint =
            "long lists of values fit better in a tag or a field: import them, then match on it";
        return (nothing, vec![problem.hint(hint)]);
    }
    let mut tokens = tokens::tokens(text);
    tokens.retain(|token| token.kind != Kind::Comment);
    let cut = tokens
        .iter()
        .find(|token| token.kind == Kind::OpenText)
        .map(|token| token.span);
    let balanced = brackets::balance(&tokens, text.trim_end().len());
    if balanced.too_deep {
        return (nothing, balanced.problems);
    }
    let mut parser = Parser::new(text, balanced.tokens);
    let query = parser.query();
    let mut problems = balanced.problems;
    problems.extend(parser.problems);
    if let Some(cut) = cut {
        // What stands behind a text without an end was read as something else.
        problems.retain(|problem| {
            let before = |label: &Label| label.end <= cut.start;
            problem.code != "unbalanced" && problem.labels.first().is_some_and(before)
        });
        problems.push(visitors::literals::unterminated(
            cut,
            &text[cut.start..cut.end],
        ));
    }
    problems.truncate(MAX_PROBLEMS);
    (query, problems)
}

/// Adds the whole query as it was probably meant, where it can be made and can be read.
fn suggest(text: &str, problems: &mut [Diagnostic]) {
    // Nobody reads a longer one.
    if text.len() > MAX_OFFERED {
        return;
    }
    let Some(mended) = mend(text, problems) else {
        return;
    };
    if mended.len() > MAX_OFFERED
        || problems
            .iter()
            .any(|problem| problem.hints.iter().any(|hint| hint.contains(&mended)))
    {
        return;
    }
    let lead = if problems.len() == 1 {
        "write"
    } else {
        "all together: write"
    };
    let lone = problems.len() == 1;
    if let Some(last) = problems.last_mut() {
        if lone && last.hints.iter().all(|hint| hint.starts_with("write `")) {
            last.hints.clear();
        }
        last.hints.push(format!("{lead} `{mended}`"));
    }
}

/// Applies the edits of all problems; `None` if a problem has none, or if the result is still wrong.
fn mend(text: &str, problems: &[Diagnostic]) -> Option<String> {
    let mut mended = apply(text, problems)?;
    for _ in 0..3 {
        let (_, left) = attempt(&mended);
        if left.is_empty() {
            return Some(mended);
        }
        mended = apply(&mended, &left)?;
    }
    None
}

fn apply(text: &str, problems: &[Diagnostic]) -> Option<String> {
    if problems.iter().any(|problem| problem.edits.is_empty()) {
        return None;
    }
    let mut edits: Vec<&Edit> = problems.iter().flat_map(|problem| &problem.edits).collect();
    edits.sort_by_key(|edit| (edit.start, edit.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        out.push_str(text.get(at..edit.start)?);
        out.push_str(&edit.text);
        at = edit.end.max(at);
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests;
