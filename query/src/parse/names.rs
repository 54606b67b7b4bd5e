//! Which names mean what before anything is looked up: the paths in `F("...")`, stage objects in camel case, the calls
//! that begin an expression rather than a chain, and the words that cannot be bare fields.

use super::tokens::is_name;
use super::visitors;
use crate::syntax::FieldRef;

/// Reads the text of `F("...")`: `"a.b"`, `"$a.b"`, `"$"`, `""`; `None` where a name between dots is missing.
pub(crate) fn field_path(text: &str) -> Option<FieldRef> {
    let (root, names) = text
        .strip_prefix('$')
        .map_or((false, text), |rest| (true, rest));
    let path: Vec<String> = match names {
        "" => Vec::new(),
        names => names.split('.').map(str::to_owned).collect(),
    };
    let whole = path
        .iter()
        .all(|name| !name.trim().is_empty() && !name.starts_with('$'));
    whole.then_some(FieldRef {
        path,
        root,
        bare: false,
    })
}

/// `SortBy` is `sort_by`, `E` and its longer names are `E`; other names are themselves.
pub(crate) fn call_name(word: &str) -> String {
    match word {
        "E" | "VE" | "ViewExpression" => return "E".to_owned(),
        _ => {}
    }
    let camel = word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.contains(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
        && word != "ObjectId"
        && word != "ISODate";
    if !camel {
        return word.to_owned();
    }
    let mut snake = String::with_capacity(word.len() + 4);
    for (at, c) in word.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Whether a call of this name at the start of a query begins an expression; every other call begins a chain.
pub(crate) fn begins_expression(name: &str) -> bool {
    matches!(
        name,
        "F" | "VF"
            | "ViewField"
            | "E"
            | "VE"
            | "ViewExpression"
            | "VALUE"
            | "any"
            | "all"
            | "abs"
            | "round"
            | "rand"
            | "randn"
            | "literal"
            | "range"
            | "enumerate"
            | "zip"
            | "float"
            | "int"
            | "str"
            | "bool"
            | "len"
            | "not"
            | "datetime"
            | "date"
            | "timedelta"
            | "ObjectId"
            | "ISODate"
    )
}

/// Whether a call of this name begins a chain when nothing stands before it.
pub(crate) fn begins_chain(name: &str) -> bool {
    !begins_expression(name)
        && !visitors::python::is_keyword(name)
        && !matches!(name, "NOT" | "Not" | "view" | "dataset")
}

/// Whether `path` may stand as a bare name and mean the field.
pub(crate) fn is_bare_path(path: &[String]) -> bool {
    path.iter().all(|name| is_name(name) && !is_reserved(name))
        && path.first().is_some_and(|name| !is_source(name))
}

fn is_source(name: &str) -> bool {
    matches!(
        name,
        "dataset"
            | "view"
            | "fo"
            | "foe"
            | "fiftyone"
            | "datetime"
            | "dt"
            | "bson"
            | "math"
            | "np"
            | "numpy"
    ) || visitors::pandas::is_frame(name)
}

fn is_reserved(name: &str) -> bool {
    visitors::python::is_keyword(name)
        || visitors::operators::is_foreign_word(name)
        || matches!(
            name,
            "True"
                | "true"
                | "False"
                | "false"
                | "None"
                | "null"
                | "NaN"
                | "Infinity"
                | "VALUE"
                | "F"
                | "VF"
                | "E"
                | "VE"
                | "ViewField"
                | "ViewExpression"
        )
}
