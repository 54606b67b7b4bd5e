//! Matching of texts. A pattern is made ready once, and asked once a distinct text where the column is a dictionary.

use arrow::array::ArrayRef;
use regex::{Regex, RegexBuilder};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, truth};
use crate::columns::Datum;
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, example, expression, param};
use crate::types::Type;

/// How a text must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    End,
    Anywhere,
    Whole,
}

/// A literal match, of one text or of any of several.
struct Matches {
    place: Place,
    signature: Signature,
}

const PARAMS: &[Param] = &[
    param(
        "str_or_strs",
        Kind::List(&Kind::Text),
        Default::Required,
        "A text, or a list of which any may match.",
    ),
    param(
        "case_sensitive",
        Kind::Bool,
        Default::Bool(true),
        "Whether upper and lower case differ.",
    ),
];

static MATCHES: [Matches; 4] = [
    Matches {
        place: Place::Start,
        signature: expression(
            "starts_with",
            "Whether the text begins with it.",
            PARAMS,
            &[example(
                r#"match(F("filepath").starts_with(["2025", "2026"]))"#,
                "Keeps two years.",
            )],
        ),
    },
    Matches {
        place: Place::End,
        signature: expression(
            "ends_with",
            "Whether the text ends with it.",
            PARAMS,
            &[example(
                r#"match(F("filepath").ends_with(".png", case_sensitive=False))"#,
                "Keeps PNG files.",
            )],
        ),
    },
    Matches {
        place: Place::Anywhere,
        signature: expression(
            "contains_str",
            "Whether the text has it anywhere.",
            PARAMS,
            &[example(
                r#"match(F("filepath").contains_str("beach"))"#,
                "Keeps files of a folder.",
            )],
        ),
    },
    Matches {
        place: Place::Whole,
        signature: expression(
            "matches_str",
            "Whether the text is exactly it.",
            PARAMS,
            &[example(
                r#"match(F("k20").matches_str(["3", "7"]))"#,
                "Keeps two clusters.",
            )],
        ),
    },
];

/// The receiver of a text function must be a text.
pub(super) fn text(args: &[Expr]) -> Result<(), Mismatch> {
    match &args[0].ty {
        Type::Text | Type::Null => Ok(()),
        Type::List(item) if **item == Type::Text => Err(Mismatch::new(0, "a text")
            .hint("for the texts of a list write `.contains(...)`, or `.filter(F()...)`")),
        ty if ty.is_ordered() => {
            Err(Mismatch::new(0, "a text").hint("make a text of it with `.to_string()`"))
        }
        _ => Err(Mismatch::new(0, "a text")),
    }
}

impl Function for Matches {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args).map(|()| Type::Bool)
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let texts = call.texts(0)?;
        let wanted: Vec<String> = match call.constant(1) {
            Datum::List(items) => items
                .into_iter()
                .filter_map(|item| match item {
                    Datum::Text(text) => Some(text),
                    _ => None,
                })
                .collect(),
            Datum::Text(one) => vec![one],
            _ => Vec::new(),
        };
        let fold = call.constant(2) == Datum::Bool(false);
        let wanted: Vec<String> = if fold {
            wanted.iter().map(|text| text.to_lowercase()).collect()
        } else {
            wanted
        };
        let test = |text: &str| {
            wanted.iter().any(|wanted| match self.place {
                Place::Start => text.starts_with(wanted.as_str()),
                Place::End => text.ends_with(wanted.as_str()),
                Place::Anywhere => text.contains(wanted.as_str()),
                Place::Whole => text == wanted,
            })
        };
        let bits = match (fold, wanted.as_slice()) {
            (true, _) => texts.test(|text| test(&text.to_lowercase())),
            (false, [one]) if self.place == Place::Anywhere => texts.contains(one),
            _ => texts.test(test),
        };
        Ok(truth(bits))
    }
}

/// `x.re_match(regex, options)`
struct ReMatch;

static RE_MATCH: ReMatch = ReMatch;
static RE_MATCH_SIGNATURE: Signature = expression(
    "re_match",
    "Whether a regular expression matches somewhere in the text.",
    &[
        param(
            "regex",
            Kind::Text,
            Default::Required,
            "The expression, in the syntax of Rust's `regex` crate: linear time, no look-around.",
        ),
        param(
            "options",
            Kind::Optional(&Kind::Text),
            Default::Null,
            "Letters: `i` ignores case, `m` lets ^ and $ match at lines, `s` lets . match a newline, `x` ignores spaces.",
        ),
    ],
    &[example(
        r#"match(F("filepath").re_match("IMG_\\d+", options="i"))"#,
        "Keeps a camera's files.",
    )],
);

/// The expression made ready, or what is wrong with it.
fn regex(pattern: &str, options: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    for letter in options.chars() {
        match letter {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            other => {
                return Err(format!(
                    "options made of i, m, s and x, and {other:?} is none of them"
                ));
            }
        };
    }
    builder.size_limit(1 << 22).build().map_err(|error| {
        let reason = error.to_string();
        let last = reason
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("a regular expression that can be read ({last})")
    })
}

impl Function for ReMatch {
    fn signature(&'static self) -> &'static Signature {
        &RE_MATCH_SIGNATURE
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args)?;
        let options = match args[2].constant() {
            Some(Datum::Text(options)) => options,
            _ => String::new(),
        };
        let bad = options.chars().any(|letter| !"imsx".contains(letter));
        match args[1].constant() {
            Some(Datum::Text(pattern)) => match regex(&pattern, &options) {
                Ok(_) => Ok(Type::Bool),
                Err(needs) => Err(Mismatch::new(if bad { 2 } else { 1 }, needs)),
            },
            _ => Err(Mismatch::new(1, "a regular expression as text")),
        }
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let texts = call.texts(0)?;
        let (Datum::Text(pattern), options) = (call.constant(1), call.constant(2)) else {
            return Ok(call.test(|_| false));
        };
        let options = if let Datum::Text(options) = options {
            options
        } else {
            String::new()
        };
        match regex(&pattern, &options) {
            Ok(regex) => Ok(truth(texts.test(|text| regex.is_match(text)))),
            Err(_) => Ok(call.test(|_| false)),
        }
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&MATCHES[0]),
    method(&MATCHES[1]),
    method(&MATCHES[2]),
    method(&MATCHES[3]),
    method(&RE_MATCH),
];
