//! A line as words. Quotes around a word hold it together and fall away, as in a shell; brackets hold it together and
//! stay, with all quotes in them, so that `.tag match(k20 == "7") night` needs no second kind of quote.

/// The words of a line; an error names the quote that is not closed.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut depth = 0usize;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let inside = depth > 0 || word.as_ref().is_some_and(|word| !word.is_empty());
        match (quote, c) {
            (None, '"' | '\'') if inside => {
                let word = word.get_or_insert_default();
                word.push(c);
                // A quote inside a word is the query's own, up to its end.
                loop {
                    match chars.next() {
                        Some('\\') => word.extend(std::iter::once('\\').chain(chars.next())),
                        Some(next) => {
                            word.push(next);
                            if next == c {
                                break;
                            }
                        }
                        None => return Err(format!("the quote {c} is not closed")),
                    }
                }
            }
            (None, '(' | '[' | '{') => {
                depth += 1;
                word.get_or_insert_default().push(c);
            }
            (None, ')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                word.get_or_insert_default().push(c);
            }
            (None, c) if depth > 0 => word.get_or_insert_default().push(c),
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') | (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("the quote {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            split(r#"a 'b c' "d \" e" f\ g """#).unwrap(),
            ["a", "b c", "d \" e", "f g", ""]
        );
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert!(split("a 'b").is_err());
    }

    #[test]
    fn queries_are_words() {
        assert_eq!(
            split(r#"save night k20=="7 a""#).unwrap(),
            ["save", "night", "k20==\"7 a\""]
        );
        assert_eq!(
            split(r#"match(k20 == "7 )").limit(2) x"#).unwrap(),
            ["match(k20 == \"7 )\").limit(2)", "x"]
        );
        assert!(split("match(k == \"7").is_err());
    }
}
