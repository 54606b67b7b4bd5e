//! Making text fit: shortened in the middle where both ends matter (paths), at the end where the beginning does.
//!
//! Widths are terminal columns, not characters: an emoji is two columns wide, a combining accent none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` with control characters made visible, so that a file name cannot move the cursor or colour the screen.
pub fn printable(text: &str) -> String {
    if !text.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return text.to_owned();
    }
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '\n' => out.push('⏎'),
                '\t' => out.push(' '),
                c if c.is_control() || is_bidi_control(c) => out.push('\u{fffd}'),
                c => out.push(c),
            }
            out
        })
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest beginning of `text` that takes at most `columns`.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` that takes at most `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

/// `text` in at most `columns`, cut at the end.
pub fn shorten_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => format!("{}…", head(text, columns - 1)),
    }
}

/// `text` in at most `columns`, cut in the middle; the end, where a file's name is, keeps two thirds.
pub fn shorten_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        1 => "…".to_owned(),
        _ => {
            let front = (columns - 1) / 3;
            format!("{}…{}", head(text, front), tail(text, columns - 1 - front))
        }
    }
}

/// `text` in lines of at most `columns`, broken at spaces; a word longer than a line stays whole.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// `text` behind a word of five letters, two columns in, its later lines under its first, in about `columns` in all.
pub fn behind(word: &str, text: &str, columns: usize) -> String {
    const LEAD: usize = 8;
    let lines = wrap(text, columns.saturating_sub(LEAD).max(30));
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let lead = if at == 0 { word } else { "     " };
        out.push_str(&format!("  {lead} {line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_keeps_its_name() {
        assert_eq!(
            shorten_middle("/home/me/photos/2024/trip/beach-01.jpg", 24),
            "/home/m…ip/beach-01.jpg".replace("ip/", "rip/")
        );
        assert_eq!(shorten_middle("a.jpg", 24), "a.jpg");
        assert_eq!(shorten_end("face-smiling", 6), "face-…");
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb⏎c");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\u{fffd}exe");
    }

    proptest! {
        #[test]
        fn shortened_text_fits(text in "\\PC{0,40}", columns in 0usize..30) {
            prop_assert!(width(&shorten_middle(&text, columns)) <= columns);
            prop_assert!(width(&shorten_end(&text, columns)) <= columns);
        }
    }
}
