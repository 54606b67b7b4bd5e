//! Text to tokens, with nom. The grammar works on tokens and not on characters, so that it can look one word ahead,
//! recover at brackets and commas, and stay linear: a scannerless grammar backtracks over text.
//!
//! Every text has tokens: what cannot be read becomes a token of its own and a problem beside it.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{anychar, char, not_line_ending, one_of, satisfy};
use nom::combinator::{fail, not, opt, recognize, value, verify};
use nom::multi::many0_count;
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser};

use crate::syntax::Span;

/// What a token is; its text is found by its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name,
    /// `$name`, MongoDB's operators.
    Dollar,
    /// A whole number.
    Int,
    /// A number with a point or an exponent.
    Float,
    /// A text in quotes, with its prefix.
    Text,
    /// A text whose closing quote is missing.
    OpenText,
    /// A text in typographic quotes.
    CurlyText,
    /// Punctuation of this language.
    Symbol(&'static str),
    /// Punctuation of other languages.
    Foreign(&'static str),
    /// A comment.
    Comment,
    /// A character that begins nothing.
    Stray,
    /// The end of the text.
    End,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// All tokens of `text`, comments included, without an end token.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = blank(text);
    while let Ok((after, kind)) = token(rest) {
        let start = text.len() - rest.len();
        let end = text.len() - after.len();
        found.push(Token {
            kind,
            span: Span { start, end },
        });
        rest = blank(after);
    }
    found
}

/// Skips white space, and a backslash at the end of a line as Python does.
fn blank(input: &str) -> &str {
    let space = take_while1::<_, _, nom::error::Error<&str>>(|c: char| {
        c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
    });
    let joined = recognize((char('\\'), opt(char('\r')), char('\n')));
    many0_count(alt((space, joined)))
        .parse(input)
        .map_or(input, |(rest, _)| rest)
}

fn token(input: &str) -> IResult<&str, Kind> {
    alt((
        value(Kind::Comment, pair(char('#'), not_line_ending)),
        quoted,
        value(Kind::Name, name),
        number,
        value(Kind::Dollar, preceded(char('$'), name)),
        symbol,
        value(Kind::Stray, anychar),
    ))
    .parse(input)
}

/// A letter or `_`, then letters, digits and `_`.
pub(crate) fn name(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_alphabetic() || c == '_'),
        take_while(|c: char| c.is_alphanumeric() || c == '_'),
    ))
    .parse(input)
}

/// Whether all of `text` is one name.
pub(crate) fn is_name(text: &str) -> bool {
    name(text).is_ok_and(|(rest, _)| rest.is_empty())
}

fn digits(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_digit()),
        take_while(|c: char| c.is_ascii_digit() || c == '_'),
    ))
    .parse(input)
}

/// `12`, `1_000`, `0x1f`, `1.5`, `.5`, `5.`, `1e-3`. The point of `5.abs()` belongs to the call.
fn number(input: &str) -> IResult<&str, Kind> {
    let exponent = || recognize((one_of("eE"), opt(one_of("+-")), digits));
    let radix = recognize((
        char('0'),
        one_of("xXoObB"),
        take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ));
    let point = terminated(
        char('.'),
        not(alt((
            value((), satisfy(|c| c.is_alphabetic() || c == '_')),
            value((), char('.')),
        ))),
    );
    let whole_and_point = recognize((digits, char('.'), digits, opt(exponent())));
    let point_only = recognize((char('.'), digits, opt(exponent())));
    let power = recognize((digits, exponent()));
    let trailing = recognize((digits, point));
    alt((
        value(Kind::Int, radix),
        value(
            Kind::Float,
            alt((whole_and_point, point_only, power, trailing)),
        ),
        value(Kind::Int, digits),
    ))
    .parse(input)
}

/// A text with its prefix letters: `"a"`, `'a'`, `r"\d"`, `"""a"""`.
fn quoted(input: &str) -> IResult<&str, Kind> {
    let prefix = verify(
        take_while(|c: char| c.is_ascii_alphabetic()),
        |letters: &str| letters.len() <= 2 && letters.chars().all(|c| "rRuUbBfF".contains(c)),
    );
    preceded(prefix, alt((triple, single('"'), single('\''), curly))).parse(input)
}

fn triple(input: &str) -> IResult<&str, Kind> {
    let (body, quotes) = alt((tag("\"\"\""), tag("'''"))).parse(input)?;
    let ended = body.find(quotes).map(|at| &body[at + quotes.len()..]);
    Ok(ended.map_or(("", Kind::OpenText), |rest| (rest, Kind::Text)))
}

/// A text in quotes of one kind; one that is not closed ends with its line.
fn single(quote: char) -> impl Fn(&str) -> IResult<&str, Kind> {
    move |input| {
        let plain = take_while1(|c: char| c != quote && c != '\\' && c != '\n');
        let escape = recognize(pair(char('\\'), opt(anychar)));
        let body = recognize(many0_count(alt((plain, escape))));
        let (rest, _) = preceded(char(quote), body).parse(input)?;
        Ok(match rest.strip_prefix(quote) {
            Some(rest) => (rest, Kind::Text),
            None => (rest, Kind::OpenText),
        })
    }
}

/// Typographic quotes, as a word processor or a chat makes them.
fn curly(input: &str) -> IResult<&str, Kind> {
    let (body, _) = one_of("“”„‘’«").parse(input)?;
    let closed: IResult<&str, &str> = recognize((
        take_while(|c: char| !"“”‘’»\"\n".contains(c)),
        one_of("“”‘’»\""),
    ))
    .parse(body);
    Ok(match closed {
        Ok((rest, _)) => (rest, Kind::CurlyText),
        Err(_) => (body, Kind::Stray),
    })
}

const SYMBOLS: [&str; 25] = [
    "(", ")", ",", ".", "[", "]", "{", "}", ":", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|",
    "~", "**", "==", "!=", "<=", ">=",
];

const FOREIGN: [&str; 29] = [
    "===", "!==", "<=>", "**=", "...", "&&", "||", "<>", "//", "+=", "-=", "*=", "/=", ":=", "=>",
    "->", "=~", "~=", "!~", "<<", ">>", "|>", "!", "?", ";", "@", "^", "`", "\\",
];

/// The longest punctuation that fits.
fn symbol(input: &str) -> IResult<&str, Kind> {
    let punctuation = |c: &u8| c.is_ascii_punctuation();
    let most = input.bytes().take(3).take_while(punctuation).count();
    for length in (1..=most).rev() {
        let (text, rest) = input.split_at(length);
        let known = |names: &[&'static str]| names.iter().find(|name| **name == text).copied();
        let found = known(&SYMBOLS)
            .map(Kind::Symbol)
            .or_else(|| known(&FOREIGN).map(Kind::Foreign));
        if let Some(kind) = found {
            return Ok((rest, kind));
        }
    }
    fail().parse(input)
}

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
