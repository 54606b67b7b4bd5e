//! What must hold for every text. The fuzz target and its twin on stable Rust both ask for it.

use messier_query::{format, highlight, is_complete, parse};

/// Panics if `text` breaks a promise of the parser or the printer.
pub fn holds(text: &str) {
    let _ = is_complete(text);
    let mut end = 0;
    for (span, _) in highlight(text) {
        assert!(
            end <= span.start && span.start < span.end && span.end <= text.len(),
            "{text:?}: colours overlap"
        );
        assert!(
            text.get(span.start..span.end).is_some(),
            "{text:?}: half a character"
        );
        end = span.end;
    }
    match parse(text) {
        Ok(query) => {
            let printed = format(&query);
            match parse(&printed) {
                Ok(again) => {
                    assert_eq!(
                        format(&again),
                        printed,
                        "{text:?}: printed differently the second time"
                    );
                    assert_eq!(
                        again.to_string(),
                        query.to_string(),
                        "{text:?}: means something else when printed"
                    );
                }
                // A bare condition gains the brackets of `match(...)`.
                Err(problems) => assert!(
                    problems
                        .0
                        .iter()
                        .all(|one| matches!(one.code, "too-deep" | "too-long")),
                    "{text:?} prints as {printed:?}, which says {problems}"
                ),
            }
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "{text:?}: refused without a reason");
            for problem in &problems.0 {
                assert!(
                    !problem.hints.is_empty(),
                    "{text:?}: {} without a way out",
                    problem.code
                );
                assert!(
                    !problem.labels.is_empty(),
                    "{text:?}: {} without a place",
                    problem.code
                );
                for label in &problem.labels {
                    let inside =
                        label.start <= label.end && text.get(label.start..label.end).is_some();
                    assert!(
                        inside,
                        "{text:?}: {} at {}..{}",
                        problem.code, label.start, label.end
                    );
                }
            }
        }
    }
}
