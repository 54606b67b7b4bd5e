//! What a dataset, a field, a run or a view may be called, and which existing name a wrong one was meant to be.
//!
//! Names never become file names (segments are named by number), so the rules only keep names readable, typeable and
//! safe to use as a folder by whoever exports.

use crate::{Error, Result};

/// Longest name of anything, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Most candidates an error carries.
const MAX_CANDIDATES: usize = 5;

/// Fields that every sample has and that no change may take away.
pub const BUILT_IN: [&str; 6] = [
    "id",
    "filepath",
    "tags",
    "metadata",
    "created_at",
    "last_modified_at",
];

/// Refuses a name that no dataset may have.
///
/// # Errors
/// [`Error::BadName`] with the rule that is broken.
pub fn check_dataset_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 255 bytes"
    } else if name.starts_with('.') {
        "it starts with a dot"
    } else if name.contains(['/', '\\']) {
        "it contains a slash or a backslash"
    } else if name.contains(char::is_control) {
        "it contains a control character"
    } else if name.trim() != name {
        "it starts or ends with white space"
    } else {
        return Ok(());
    };
    Err(Error::BadName {
        name: name.to_owned(),
        why,
    })
}

/// Refuses a name that no field may have.
///
/// # Errors
/// [`Error::BadFieldName`] with the rule that is broken.
pub fn check_field_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 255 bytes"
    } else if name.starts_with(['$', '_']) {
        "it starts with `$` or `_`"
    } else if name.contains('.') {
        "it contains a dot, which separates the parts of a path"
    } else if name.contains(char::is_control) {
        "it contains a control character"
    } else {
        return Ok(());
    };
    Err(Error::BadFieldName {
        name: name.to_owned(),
        why,
    })
}

/// Refuses a name that no run, table or saved view may have; `what` says which.
///
/// # Errors
/// [`Error::BadKey`] with the rule that is broken.
pub fn check_key(what: &'static str, name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 255 bytes"
    } else if name.contains(char::is_control) {
        "it contains a control character"
    } else {
        return Ok(());
    };
    Err(Error::BadKey {
        what,
        name: name.to_owned(),
        why,
    })
}

/// Whether every sample has this field.
pub fn is_built_in(field: &str) -> bool {
    BUILT_IN.contains(&field)
}

/// The existing names that `wanted` may have meant, nearest first (edit distance with transpositions, letter case
/// ignored); names that share nothing with it are left out.
pub fn nearest<'a>(wanted: &str, existing: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    if wanted.len() > MAX_NAME_BYTES {
        return Vec::new();
    }
    let folded = wanted.to_lowercase();
    let mut scored: Vec<(usize, &str)> = existing
        .into_iter()
        .map(|name| (strsim::osa_distance(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            *distance <= 1 + folded.chars().count().max(name.chars().count()) / 2
        })
        .collect();
    scored.sort();
    scored
        .into_iter()
        .take(MAX_CANDIDATES)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_with_the_rule() {
        for name in [
            "",
            "../x",
            "a/b",
            "a\\b",
            ".hidden",
            "a\0b",
            "a\nb",
            " a",
            &"x".repeat(256),
        ] {
            assert!(
                matches!(check_dataset_name(name), Err(Error::BadName { .. })),
                "{name:?}"
            );
        }
        for name in ["", "a.b", "$x", "_x", "a\0", &"x".repeat(256)] {
            assert!(
                matches!(check_field_name(name), Err(Error::BadFieldName { .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn names_of_any_language_are_welcome() {
        for name in [
            "trip",
            "Größe 2",
            "写真",
            "é",
            &"x".repeat(255),
            "a.b",
            "CON",
        ] {
            check_dataset_name(name).unwrap();
        }
    }

    #[test]
    fn the_nearest_name_comes_first() {
        assert_eq!(nearest("tirp", ["trap", "trip", "zebra"]), ["trip", "trap"]);
        assert!(nearest(&"x".repeat(1 << 20), ["trip"]).is_empty());
    }
}
