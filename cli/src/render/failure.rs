//! Errors as people and scripts read them: drawn with the place in the query, or as one JSON document.

use messier_query::Label;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource,
    Report as Drawn, Severity,
};
use serde_json::json;

use super::paint::Paint;
use crate::failure::Report;

/// The JSON of CLI.md: `{"error": {...}}`.
pub fn json(report: &Report) -> serde_json::Value {
    json!({ "error": report })
}

/// The error for a person, `columns` wide.
pub fn text(report: &Report, columns: usize, paint: Paint) -> String {
    let Some(source) = report
        .source
        .as_deref()
        .filter(|_| !report.labels.is_empty())
    else {
        return plain(report, paint);
    };
    let mut out = draw(
        &report.message,
        &report.labels,
        &report.hints,
        source,
        columns,
        paint,
    );
    for more in &report.more {
        out.push('\n');
        out.push_str(&draw(
            &more.message,
            &more.labels,
            &more.hints,
            source,
            columns,
            paint,
        ));
    }
    out
}

fn plain(report: &Report, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.bad("error:"), sentence(&report.message));
    for more in &report.more {
        out.push_str(&format!(
            "{} {}\n",
            paint.bad("error:"),
            sentence(&more.message)
        ));
    }
    for hint in hints_of(&report.hints, &report.candidates, &report.message) {
        out.push_str(&format!("{} {hint}\n", paint.accent("hint:")));
    }
    out
}

/// The hints, and one from the candidates where neither a hint nor the message names them.
fn hints_of(hints: &[String], candidates: &[String], message: &str) -> Vec<String> {
    let mut hints = hints.to_vec();
    if let Some(best) = candidates.first()
        && !message.contains(best.as_str())
        && hints.iter().all(|hint| !hint.contains(best.as_str()))
    {
        hints.push(format!("did you mean `{best}`?"));
    }
    hints
}

/// With a capital and a full stop, whoever wrote it; a command's name in front stays as it is typed.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let capital = match chars.next() {
        Some(first) if first.is_lowercase() && !names_a_command(text) => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    };
    if capital.ends_with(['.', '?', '!', '\n', '`']) {
        capital
    } else {
        capital + "."
    }
}

fn names_a_command(text: &str) -> bool {
    text.split_whitespace()
        .take(2)
        .any(|word| word.ends_with(':'))
}

fn draw(
    message: &str,
    labels: &[Label],
    hints: &[String],
    source: &str,
    columns: usize,
    paint: Paint,
) -> String {
    let spans = labels.iter().map(|label| {
        let (start, end) = inside(source, label);
        LabeledSpan::new(
            Some(label.text.clone()).filter(|text| !text.is_empty()),
            start,
            end - start,
        )
    });
    let mut diagnostic = MietteDiagnostic::new(sentence(message))
        .with_severity(Severity::Error)
        .with_labels(spans.collect::<Vec<_>>());
    if !hints.is_empty() {
        diagnostic = diagnostic.with_help(hints.join("\n"));
    }
    let report =
        Drawn::from(diagnostic).with_source_code(NamedSource::new("query", source.to_owned()));
    let theme = if paint.on() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(columns.max(40))
        .with_context_lines(1);
    let mut out = String::new();
    match handler.render_report(&mut out, report.as_ref()) {
        Ok(()) => out.trim_start_matches('\n').to_owned(),
        Err(_) => format!("error: {}\n", sentence(message)),
    }
}

/// A label's bytes, brought inside the text and onto character borders, so that drawing cannot fail.
fn inside(source: &str, label: &Label) -> (usize, usize) {
    let border = |mut at: usize| {
        at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(label.start);
    (start, border(label.end).max(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn unknown_field() -> Report {
        let mut report = Report::new(
            Exit::Request,
            "unknown-field",
            "there is no field called `confidance`",
        );
        report.labels = vec![Label {
            start: 8,
            end: 18,
            text: "not a field".to_owned(),
        }];
        report.hints = vec!["did you mean `confidence`?".to_owned()];
        report.candidates = vec!["confidence".to_owned()];
        report.source = Some("match(F(\"confidance\") > 0.9)".to_owned());
        report
    }

    #[test]
    fn a_mistake_is_drawn_at_its_place() {
        insta::assert_snapshot!(text(&unknown_field(), 80, Paint::new(false)));
    }

    #[test]
    fn json_has_the_promised_keys() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&json(&unknown_field())).unwrap());
    }

    #[test]
    fn errors_without_a_place_are_sentences() {
        let report = Report::new(
            Exit::Request,
            "unknown-dataset",
            "there is no dataset called \"trap\"",
        )
        .candidates(vec!["trip".to_owned()]);
        insta::assert_snapshot!(text(&report, 80, Paint::new(false)));
    }

    #[test]
    fn labels_outside_the_text_do_no_harm() {
        let mut report = unknown_field();
        report.source = Some("é".to_owned());
        report.labels = vec![
            Label {
                start: 1,
                end: 900,
                text: "x".into(),
            },
            Label {
                start: 7,
                end: 2,
                text: String::new(),
            },
        ];
        assert!(text(&report, 80, Paint::new(true)).contains("confidance"));
    }
}
