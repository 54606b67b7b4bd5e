//! Functions of text, counted in Unicode scalar values, with full case mapping. Where a column is a dictionary each
//! distinct text is worked on once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};

use super::matching::text;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, python_slice};
use crate::columns::{Datum, Texts, lists::list};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// A function from one text to another, with literal options.
struct Change {
    change: fn(&str, &[Datum]) -> String,
    signature: Signature,
}

const CHARS: &[Param] = &[param(
    "chars",
    Kind::Optional(&Kind::Text),
    Default::Null,
    "The characters to take off; by default white space.",
)];

fn trimmed<'t>(text: &'t str, options: &[Datum], start: bool, end: bool) -> &'t str {
    let strips = |letter: char| match options.first() {
        Some(Datum::Text(chars)) => chars.contains(letter),
        _ => letter.is_whitespace(),
    };
    let text = if start {
        text.trim_start_matches(strips)
    } else {
        text
    };
    if end {
        text.trim_end_matches(strips)
    } else {
        text
    }
}

static CHANGES: [Change; 6] = [
    Change {
        change: |text, _| text.to_lowercase(),
        signature: expression(
            "lower",
            "Gives the text in lower case.",
            &[],
            &[example(
                r#"count_values(F("ground_truth.detections.label").map(F().lower()))"#,
                "Counts labels whatever their case.",
            )],
        ),
    },
    Change {
        change: |text, _| text.to_uppercase(),
        signature: expression(
            "upper",
            "Gives the text in upper case.",
            &[],
            &[example(r#"values(F("k20").upper())"#, "Gives capitals.")],
        ),
    },
    Change {
        change: |text, options| trimmed(text, options, true, true).to_owned(),
        signature: expression(
            "strip",
            "Takes characters off both ends.",
            CHARS,
            &[example(
                r#"values(F("filepath").strip("/"))"#,
                "Takes slashes off.",
            )],
        ),
    },
    Change {
        change: |text, options| trimmed(text, options, true, false).to_owned(),
        signature: expression(
            "lstrip",
            "Takes characters off the beginning.",
            CHARS,
            &[example(
                r#"values(F("filepath").lstrip("/"))"#,
                "Takes the first slashes off.",
            )],
        ),
    },
    Change {
        change: |text, options| trimmed(text, options, false, true).to_owned(),
        signature: expression(
            "rstrip",
            "Takes characters off the end.",
            CHARS,
            &[example(
                r#"values(F("filepath").rstrip("gpj."))"#,
                "Takes an ending off.",
            )],
        ),
    },
    Change {
        change: |text, options| match options {
            [Datum::Text(old), Datum::Text(new), ..] if !old.is_empty() => {
                text.replace(old.as_str(), new)
            }
            _ => text.to_owned(),
        },
        signature: expression(
            "replace",
            "Replaces a text by another wherever it occurs.",
            &[
                param("old", Kind::Text, Default::Required, "What is replaced."),
                param("new", Kind::Text, Default::Required, "What it becomes."),
            ],
            &[example(
                r#"values(F("filepath").replace("/data/", ""))"#,
                "Takes a folder off.",
            )],
        ),
    },
];

impl Function for Change {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args).map(|()| Type::Text)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let options: Vec<Datum> = (1..call.args.len()).map(|k| call.constant(k)).collect();
        let texts = call.texts(0)?;
        Ok(texts.map(|text| Some((self.change)(text, &options))).0)
    }
    fn options(&self) -> &'static [usize] {
        &[1, 2]
    }
}

/// `x.strlen()`
struct StrLen;

static STRLEN: StrLen = StrLen;
static STRLEN_SIGNATURE: Signature = expression(
    "strlen",
    "Gives the number of characters; of null it is 0.",
    &[],
    &[example(
        r#"match(F("filepath").strlen() > 200)"#,
        "Keeps long paths.",
    )],
);

impl Function for StrLen {
    fn signature(&'static self) -> &'static Signature {
        &STRLEN_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args).map(|()| Type::Int)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let length = |text: Option<&str>| Some(text.map_or(0, |text| text.chars().count() as i64));
        Ok(call.texts(0)?.each::<Int64Array>(length))
    }
}

/// `x.substr(start, end, count)`
struct Substr;

static SUBSTR: Substr = Substr;
const WHOLE: Kind = Kind::Optional(&Kind::Int {
    lo: i64::MIN,
    hi: i64::MAX,
});
static SUBSTR_SIGNATURE: Signature = expression(
    "substr",
    "Gives a part of the text as Python slices do, counted in characters.",
    &[
        param(
            "start",
            WHOLE,
            Default::Null,
            "The first character, from the end if negative.",
        ),
        param("end", WHOLE, Default::Null, "The character after the last."),
        param(
            "count",
            WHOLE,
            Default::Null,
            "How many characters, instead of `end`.",
        ),
    ],
    &[example(
        r#"count_values(F("filepath").substr(-4))"#,
        "Counts file endings.",
    )],
);

impl Function for Substr {
    fn signature(&'static self) -> &'static Signature {
        &SUBSTR_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args).map(|()| Type::Text)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let option = |k: usize| match call.constant(k) {
            Datum::Int(x) => Some(x),
            _ => None,
        };
        let (start, end, count) = (option(1), option(2), option(3));
        let part = |text: &str| {
            let len = text.chars().count();
            let mut range = python_slice(len, start, end);
            if let Some(count) = count {
                let count = usize::try_from(count).unwrap_or(if count < 0 { len } else { 0 });
                range = range.start..range.start.saturating_add(count).min(len);
            }
            text.chars()
                .skip(range.start)
                .take(range.len())
                .collect::<String>()
        };
        Ok(call.texts(0)?.map(|text| Some(part(text))).0)
    }
    fn options(&self) -> &'static [usize] {
        &[1, 2, 3]
    }
}

/// `x.concat(...)`
struct Concat;

static CONCAT: Concat = Concat;
static CONCAT_SIGNATURE: Signature = expression(
    "concat",
    "Joins texts; null if any is.",
    &[param(
        "args",
        Kind::List(&Kind::Expr(TypeSet::Any)),
        Default::Required,
        "One text, or several.",
    )],
    &[example(
        r#"values(F("k20").concat("/", F("filepath")))"#,
        "Puts a cluster before each path.",
    )],
);

impl Function for Concat {
    fn signature(&'static self) -> &'static Signature {
        &CONCAT_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args)?;
        for (at, arg) in args.iter().enumerate().skip(1) {
            if !matches!(arg.ty, Type::Text | Type::Null) {
                return Err(
                    Mismatch::new(at, "a text").hint("make a text of it with `.to_string()`")
                );
            }
        }
        Ok(Type::Text)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let parts = (0..call.args.len())
            .map(|k| call.texts(k))
            .collect::<Result<Vec<_>, _>>()?;
        let joined = (0..call.len).map(|row| {
            let mut whole = String::new();
            for (k, part) in parts.iter().enumerate() {
                whole.push_str(part.at(call.index(k, row))?);
            }
            Some(whole)
        });
        Ok(Arc::new(joined.collect::<StringArray>()))
    }
}

/// `split` and `rsplit`
struct Split {
    from_end: bool,
    signature: Signature,
}

const SPLIT: &[Param] = &[
    param(
        "delim",
        Kind::Text,
        Default::Required,
        "What stands between the parts.",
    ),
    param(
        "maxsplit",
        Kind::Optional(&Kind::Int {
            lo: 0,
            hi: i64::MAX,
        }),
        Default::Null,
        "The most splits; the rest stays together.",
    ),
];

static SPLITS: [Split; 2] = [
    Split {
        from_end: false,
        signature: expression(
            "split",
            "Splits a text into a list.",
            SPLIT,
            &[example(
                r#"count_values(F("filepath").split("/")[1])"#,
                "Counts by top folder.",
            )],
        ),
    },
    Split {
        from_end: true,
        signature: expression(
            "rsplit",
            "Splits a text into a list, from its end.",
            SPLIT,
            &[example(
                r#"count_values(F("filepath").rsplit(".", 1)[-1])"#,
                "Counts file endings.",
            )],
        ),
    },
];

impl Function for Split {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        text(args)?;
        match args[1].constant() {
            Some(Datum::Text(delim)) if delim.is_empty() => {
                Err(Mismatch::new(1, "a delimiter that is not empty"))
            }
            _ => Ok(Type::list(Type::Text)),
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let texts: Texts = call.texts(0)?;
        let Datum::Text(delim) = call.constant(1) else {
            return call.column(0);
        };
        if delim.is_empty() {
            // A literal one is a mistake; one that comes from a field cannot be computed with.
            call.skip((0..call.len).filter(|row| texts.at(*row).is_some()).count() as u64);
            return Ok(arrow::array::new_null_array(&call.ty.arrow(), call.len));
        }
        let most = match call.constant(2) {
            Datum::Int(most) => usize::try_from(most)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
            _ => usize::MAX,
        };
        let mut parts: Vec<&str> = Vec::new();
        let mut offsets = vec![0u32];
        let mut valid = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let text = texts.at(row);
            if let Some(text) = text {
                let begun = parts.len();
                if self.from_end {
                    parts.extend(text.rsplitn(most, delim.as_str()));
                    parts[begun..].reverse();
                } else {
                    parts.extend(text.splitn(most, delim.as_str()));
                }
            }
            valid.push(text.is_some());
            offsets.push(parts.len() as u32);
        }
        let values = StringArray::from(parts);
        debug_assert_eq!(values.null_count(), 0);
        list(&offsets, Arc::new(values), Some(valid.into()))
    }
    fn options(&self) -> &'static [usize] {
        &[1, 2]
    }
    fn may_skip(&self) -> bool {
        true
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
    method(&STRLEN),
    method(&SUBSTR),
    method(&CHANGES[0]),
    method(&CHANGES[1]),
    method(&CONCAT),
    method(&CHANGES[2]),
    method(&CHANGES[3]),
    method(&CHANGES[4]),
    method(&CHANGES[5]),
    method(&SPLITS[0]),
    method(&SPLITS[1]),
];
