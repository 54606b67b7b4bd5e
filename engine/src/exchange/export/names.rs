//! Names for files and folders made from values that people or models chose.
//!
//! One rule for all systems: what Windows, macOS or Linux could take for something else is replaced, and names that
//! differ only in case count as the same. So an export can be carried from one system to another.

use std::collections::HashMap;

/// The longest name, in bytes; with a suffix it stays below the 255 that file systems allow.
const MAX_BYTES: usize = 120;

/// Gives every name once.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, usize>);

impl Names {
    /// A safe name for `wanted` that no other call got, ignoring case; a number is put before the extension (where
    /// `has_extension`) if needed.
    pub fn give(&mut self, wanted: &str, has_extension: bool) -> String {
        let safe = safe(wanted);
        let (stem, extension) = match safe.rfind('.').filter(|&at| has_extension && at > 0) {
            Some(at) => safe.split_at(at),
            None => (safe.as_str(), ""),
        };
        let mut number = self.0.get(&fold(&safe)).copied().unwrap_or(1);
        let name = loop {
            let name = if number == 1 {
                safe.clone()
            } else {
                format!("{stem}-{number}{extension}")
            };
            if !self.0.contains_key(&fold(&name)) {
                break name;
            }
            number += 1;
        };
        self.0.insert(fold(&safe), number + 1);
        self.0.entry(fold(&name)).or_insert(2);
        name
    }
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// `wanted` as a name that is one path component on every system: never empty, never special.
pub(super) fn safe(wanted: &str) -> String {
    let forbidden = |c: char| {
        c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
    };
    // Invisible characters that change how a name is shown.
    let invisible = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    let mut name: String = wanted
        .chars()
        .map(|c| if forbidden(c) || invisible(c) { '_' } else { c })
        .collect();
    if name.len() > MAX_BYTES {
        name = shortened(&name, wanted);
    }
    let kept = name.trim_end_matches(['.', ' ']).len();
    if kept < name.len() {
        name.truncate(kept);
        name.push('_');
    }
    if name.starts_with([' ', '.']) {
        name.replace_range(..1, "_");
    }
    if name.is_empty() {
        name.push('_');
    }
    if is_device(&name) {
        let at = name.find('.').unwrap_or(name.len());
        name.insert(at, '_');
    }
    name
}

/// The beginning, a hash of the whole, and the extension if it is short.
fn shortened(name: &str, wanted: &str) -> String {
    let hash = &blake3::hash(wanted.as_bytes()).to_hex()[..8];
    let extension = name
        .rfind('.')
        .map(|at| &name[at..])
        .filter(|extension| extension.len() <= 10)
        .unwrap_or("");
    let mut end = MAX_BYTES - hash.len() - extension.len() - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash}{extension}", &name[..end])
}

/// Whether Windows takes the name for a device, whatever its extension.
fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let digit = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    digit.is_some_and(|digit| {
        matches!(
            digit,
            "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{B9}" | "\u{B2}" | "\u{B3}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_become_plain_ones() {
        let cases = [
            ("../x", "_._x"),
            ("..", "_"),
            (".", "_"),
            ("", "_"),
            ("CON", "CON_"),
            ("con.txt", "con_.txt"),
            ("COM1", "COM1_"),
            ("a/b", "a_b"),
            ("C:\\x", "C__x"),
            ("dots...", "dots_"),
            ("space ", "space_"),
            (" x", "_x"),
            (".hidden", "_hidden"),
            ("a\0b\n", "a_b_"),
            ("-1", "-1"),
            ("Straße 東京", "Straße 東京"),
            ("evil\u{202E}gpj.exe", "evil_gpj.exe"),
        ];
        for (wanted, expected) in cases {
            assert_eq!(safe(wanted), expected, "{wanted:?}");
        }
        let long = "ä".repeat(500) + ".jpeg";
        assert!(safe(&long).len() <= MAX_BYTES && safe(&long).ends_with(".jpeg"));
        assert_ne!(safe(&long), safe(&("ä".repeat(501) + ".jpeg")));
    }

    #[test]
    fn clashes_get_numbers() {
        let mut names = Names::default();
        let given: Vec<String> = ["a.jpg", "A.JPG", "a.jpg", "a-2.jpg", "a.jpg"]
            .iter()
            .map(|name| names.give(name, true))
            .collect();
        let folded: std::collections::HashSet<String> =
            given.iter().map(|name| fold(name)).collect();
        assert_eq!(folded.len(), 5, "{given:?}");
        assert_eq!(given[..3], ["a.jpg", "A-2.JPG", "a-3.jpg"]);
    }

    proptest! {
        #[test]
        fn every_name_is_one_component_and_given_once(wanted in proptest::collection::vec("(\\PC|[./\\\\ A-Ca-c\\-2]){0,12}", 1..20)) {
            let mut names = Names::default();
            let mut seen = std::collections::HashSet::new();
            for one in &wanted {
                let name = names.give(one, true);
                let mut parts = std::path::Path::new(&name).components();
                prop_assert!(matches!(parts.next(), Some(std::path::Component::Normal(part)) if part == name.as_str()));
                prop_assert!(parts.next().is_none());
                prop_assert!(!name.ends_with(['.', ' ']) && !is_device(&name) && name.len() < 200);
                prop_assert!(seen.insert(fold(&name)), "{} twice", name);
            }
        }
    }
}
