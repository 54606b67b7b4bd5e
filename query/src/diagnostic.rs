//! Errors as data: what, where, what would work. The terminal draws them, a page underlines them, `--json` prints them.

use std::fmt;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource};
use serde::Serialize;

use crate::syntax::Span;

/// One mistake in a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnostic {
    /// A stable kebab-case name: `"unknown-field"`.
    pub code: &'static str,
    /// One sentence for the person who made the mistake.
    pub message: String,
    /// The places it is about, the main one first.
    pub labels: Vec<Label>,
    /// What would work, each a sentence.
    pub hints: Vec<String>,
    /// Names that exist and are near, nearest first.
    pub candidates: Vec<String>,
    /// Changes to the text that would mend it, in order of place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// A change to the text: the bytes from `start` to `end` become `text`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edit {
    /// The first byte replaced.
    pub start: usize,
    /// The byte after the last one replaced.
    pub end: usize,
    /// What stands there instead.
    pub text: String,
}

/// A place and a few words about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// A few words, no full stop.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic with one label.
    pub fn new(
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            labels: vec![Label {
                start: span.start,
                end: span.end,
                text: label.into(),
            }],
            hints: Vec::new(),
            candidates: Vec::new(),
            edits: Vec::new(),
        }
    }

    /// The mistake as an error of evaluation.
    pub(crate) fn refused(self) -> crate::Error {
        crate::Error::Refused(Diagnostics(vec![self]))
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hints.push(hint.into());
        self
    }

    /// Adds a change that would mend the text.
    #[must_use]
    pub fn edit(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.edits.push(Edit {
            start: span.start,
            end: span.end,
            text: text.into(),
        });
        self
    }

    /// Looks for names near `wrong`, keeps the best and hints at them.
    #[must_use]
    pub fn candidates<'a>(
        mut self,
        wrong: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        self.candidates = nearest(wrong, names);
        if let Some(best) = self.candidates.first() {
            self.hints.push(format!("did you mean `{best}`?"));
        }
        self
    }
}

/// The names near `wrong`, nearest first, at most three.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let folded = wrong.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// All the mistakes of a query.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{}", .0.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("\n"))]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// One mistake with the text it is about, for miette to draw.
#[derive(Debug, Clone)]
pub struct Report {
    source: NamedSource<Arc<str>>,
    diagnostic: Diagnostic,
}

impl Diagnostics {
    /// The mistakes with their text, one report each, in order of place. Long texts are cut to the lines concerned when
    /// they are drawn.
    pub fn reports(&self, text: &str) -> Vec<Report> {
        let text: Arc<str> = text.into();
        let report = |diagnostic: &Diagnostic| Report {
            source: NamedSource::new("query", Arc::clone(&text)),
            diagnostic: diagnostic.clone(),
        };
        self.0.iter().map(report).collect()
    }
}

impl Report {
    /// The mistake.
    pub fn diagnostic(&self) -> &Diagnostic {
        &self.diagnostic
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let hints = &self.diagnostic.hints;
        (!hints.is_empty()).then(|| Box::new(hints.join("\n")) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels.iter().map(|label| {
            let length = label.end.saturating_sub(label.start);
            LabeledSpan::new(Some(label.text.clone()), label.start, length)
        });
        Some(Box::new(labels))
    }
}
