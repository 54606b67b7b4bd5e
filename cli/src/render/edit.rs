//! What was changed, as a sentence.

use messier_engine::{Difference, EditRecord, Undone};

use super::number::{count, grouped};

/// What an edit did, or would do.
pub fn sentence(record: &EditRecord) -> String {
    let dry = record.dry_run;
    let verb = |done: &str, would: &str| {
        if dry {
            format!("Would {would}")
        } else {
            done.to_owned()
        }
    };
    let name = record.name.as_deref().unwrap_or_default();
    let samples = count(record.changed, "sample");
    let mut text = match record.edit.as_str() {
        "keep" | "clear" | "delete_samples" if record.changed == 0 => {
            format!(
                "No sample goes; there are {}.",
                count(record.samples, "sample")
            )
        }
        "keep" | "clear" | "delete_samples" => format!(
            "{} {samples}; {} {} left.",
            verb("Deleted", "delete"),
            grouped(record.samples),
            if record.samples == 1 { "is" } else { "are" }
        ),
        "keep_fields" => format!(
            "{} {}: {}.",
            verb("Removed", "remove"),
            count(record.changed, "field"),
            record.fields.join(", ")
        ),
        "clone" => format!(
            "{} the dataset {name} with {samples}.",
            verb("Made", "make")
        ),
        "save_view" => format!(
            "{} the view {name}: {} now.",
            verb("Saved", "save"),
            count(record.samples, "sample")
        ),
        _ if record.changed == 0 => format!(
            "Nothing {}: the view has no samples, or {} already as asked for.",
            if dry { "to change" } else { "changed" },
            match record.fields.as_slice() {
                [one] => format!("{one} is"),
                many => format!("{} are", many.join(", ")),
            }
        ),
        _ => format!(
            "{} {} of {samples}.",
            verb("Changed", "change"),
            record.fields.join(", ")
        ),
    };
    match record.skipped {
        0 => {}
        1 => text.push_str(" 1 value could not be computed and is null."),
        n => text.push_str(&format!(
            " {} values could not be computed and are null.",
            grouped(n)
        )),
    }
    if dry {
        text.push_str(" Nothing was changed.");
    }
    text
}

/// What an undo did, or would do.
pub fn undone(record: &Undone) -> String {
    let mut parts = Vec::new();
    let mut part = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{} {what}", count(n, "sample")));
        }
    };
    part(
        record.samples_restored,
        if record.samples_restored == 1 {
            "is back"
        } else {
            "are back"
        },
    );
    part(
        record.samples_removed,
        if record.samples_removed == 1 {
            "is gone"
        } else {
            "are gone"
        },
    );
    names(&mut parts, "field", &record.fields);
    names(&mut parts, "run", &record.runs);
    names(&mut parts, "view", &record.views);
    let only_values = record.samples_restored + record.samples_removed == 0 && record.changed > 0;
    if only_values {
        parts.push(format!("{} changed", count(record.changed, "sample")));
    }
    if parts.is_empty() {
        parts.push("nothing that shows".to_owned());
    }
    let done = if record.dry_run {
        "Would undo"
    } else {
        "Undid"
    };
    let mut text = format!(
        "{done} the newest change of {}: {}.",
        record.dataset,
        parts.join("; ")
    );
    if record.dry_run {
        text.push_str(" Nothing was changed.");
    }
    text
}

fn names(into: &mut Vec<String>, what: &str, difference: &Difference) {
    for (names, is) in [
        (&difference.restored, "back"),
        (&difference.removed, "gone"),
        (&difference.changed, "as before"),
    ] {
        match names.as_slice() {
            [] => {}
            [one] => into.push(format!("the {what} {one} is {is}")),
            many => into.push(format!("the {what}s {} are {is}", many.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(edit: &str, changed: u64) -> EditRecord {
        EditRecord {
            edit: edit.to_owned(),
            dataset: "trip".to_owned(),
            changed,
            what: "samples",
            fields: vec!["x".to_owned()],
            name: Some("nights".to_owned()),
            samples: 1200,
            skipped: 0,
            dry_run: false,
        }
    }

    #[test]
    fn every_edit_has_its_sentence() {
        let text = |edit: &str, changed: u64| sentence(&record(edit, changed));
        let dry = |edit: &str| {
            let record = record(edit, 1);
            sentence(&EditRecord {
                dry_run: true,
                skipped: 2,
                ..record
            })
        };
        insta::assert_snapshot!(
            [
                text("save", 12),
                text("save", 0),
                text("tag_samples", 1),
                text("keep", 3),
                text("clear", 0),
                text("keep_fields", 1),
                text("clone", 5),
                text("save_view", 1),
                dry("save"),
                dry("keep"),
                dry("clone"),
            ]
            .join("\n")
        );
    }

    #[test]
    fn an_undo_says_what_is_as_it_was() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let undone_of = |changed, restored, fields| {
            undone(&Undone {
                dataset: "trip".to_owned(),
                changed,
                samples: 7,
                samples_restored: restored,
                samples_removed: 0,
                fields,
                runs: Difference::default(),
                views: Difference::default(),
                dry_run: false,
            })
        };
        let tags = Difference {
            changed: list(&["tags"]),
            ..Difference::default()
        };
        let gone = Difference {
            removed: list(&["a", "b"]),
            ..Difference::default()
        };
        insta::assert_snapshot!(
            [
                undone_of(5, 0, tags),
                undone_of(12, 0, gone),
                undone_of(3, 3, Difference::default()),
                undone_of(0, 0, Difference::default()),
            ]
            .join("\n")
        );
    }
}
