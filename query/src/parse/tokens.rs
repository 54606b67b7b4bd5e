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
