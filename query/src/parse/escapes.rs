//! The values of text and number tokens: prefixes and escapes of Python and JSON, digits of any base.

/// The parts of a text token: prefix letters, body, and whether backslashes stand for themselves.
pub(crate) fn text_body(token: &str) -> (&str, &str, bool) {
    let quote_at = token
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(token.len());
    let (prefix, quoted) = token.split_at(quote_at);
    let width = if quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''"))
    {
        3
    } else {
        quoted.chars().next().map_or(0, char::len_utf8)
    };
    let last = if width == 3 {
        3
    } else {
        quoted.chars().next_back().map_or(0, char::len_utf8)
    };
    let body = quoted
        .get(width..quoted.len().saturating_sub(last))
        .unwrap_or("");
    (prefix, body, prefix.contains(['r', 'R']))
}

/// A mistake inside a text: where in the body, how many bytes, and what.
pub(crate) type BadEscape = (usize, usize, &'static str);

/// Replaces the escapes that Python and JSON know; an unknown one stands for itself, as in Python.
pub(crate) fn unescape(body: &str) -> Result<String, BadEscape> {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let place = body.len() - tail.len() - 1;
        let (after, piece) =
            escape(tail).map_err(|what| (place, 2.min(body.len() - place), what))?;
        match piece {
            Escape::Char(c) => out.push(c),
            Escape::Nothing => {}
            Escape::Itself(c) => out.extend(['\\', c]),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

enum Escape {
    Char(char),
    Nothing,
    Itself(char),
}

fn escape(tail: &str) -> Result<(&str, Escape), &'static str> {
    let Some(letter) = tail.chars().next() else {
        return Err("a backslash ends the text");
    };
    let after = &tail[letter.len_utf8()..];
    let plain = |c| Ok((after, Escape::Char(c)));
    match letter {
        'n' => plain('\n'),
        't' => plain('\t'),
        'r' => plain('\r'),
        '\\' | '\'' | '"' | '/' => plain(letter),
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'v' => plain('\u{b}'),
        '\n' => Ok((after, Escape::Nothing)),
        '0'..='7' => octal(tail),
        'x' => hex(after, 2).map(|(rest, c)| (rest, Escape::Char(c))),
        'u' => surrogates(after).map(|(rest, c)| (rest, Escape::Char(c))),
        'U' => hex(after, 8).map(|(rest, c)| (rest, Escape::Char(c))),
        other => Ok((after, Escape::Itself(other))),
    }
}

fn octal(tail: &str) -> Result<(&str, Escape), &'static str> {
    let length = tail
        .bytes()
        .take(3)
        .take_while(|b| (b'0'..=b'7').contains(b))
        .count();
    let code = u32::from_str_radix(&tail[..length], 8).unwrap_or(0);
    let c = char::from_u32(code).ok_or("no such character")?;
    Ok((&tail[length..], Escape::Char(c)))
}

fn hex_code(tail: &str, length: usize) -> Result<(&str, u32), &'static str> {
    let digits = tail
        .get(..length)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.map(|code| (&tail[length..], code))
        .ok_or("expected hexadecimal digits")
}

fn hex(tail: &str, length: usize) -> Result<(&str, char), &'static str> {
    let (rest, code) = hex_code(tail, length)?;
    char::from_u32(code)
        .map(|c| (rest, c))
        .ok_or("no such character")
}

/// `\uXXXX`, or the two of them that JSON uses for characters beyond 16 bits.
fn surrogates(tail: &str) -> Result<(&str, char), &'static str> {
    let (rest, high) = hex_code(tail, 4)?;
    if let Some(c) = char::from_u32(high) {
        return Ok((rest, c));
    }
    let (rest, low) = hex_code(
        rest.strip_prefix("\\u").ok_or("half of a surrogate pair")?,
        4,
    )?;
    let both = char::decode_utf16([high as u16, low as u16]).next();
    both.and_then(Result::ok)
        .map(|c| (rest, c))
        .ok_or("half of a surrogate pair")
}

/// Reads the digits of a whole number of any base; `None` beyond 64 bits or where digits do not fit the base.
pub(crate) fn int_value(token: &str) -> Option<u64> {
    let clean = token.replace('_', "");
    let (radix, digits) = match clean.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &clean[2..]),
        Some("0o") => (8, &clean[2..]),
        Some("0b") => (2, &clean[2..]),
        _ => (10, clean.as_str()),
    };
    u64::from_str_radix(digits, radix).ok()
}
