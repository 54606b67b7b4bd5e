//! FiftyOne's saved views as text in the language, where every stage has a counterpart.

use messier_query::{Env, format, parse, plan};
use messier_store::{SavedView, Schema};
use serde_json::Value;

use super::document::DeclaredView;
use super::extended::{Scalar, scalar};
use super::mongo::{Mongo, literal, quoted};

/// How an argument of a stage is written.
#[derive(Debug, Clone, Copy)]
enum As {
    /// As a literal.
    Literal,
    /// As a path or list of paths.
    Path,
    /// As an expression, or a path where it is text.
    Expression,
    /// Not at all: it must be null or what FiftyOne fills in.
    Nothing,
}

use As::{Expression, Literal, Nothing, Path};

/// A stage: FiftyOne's class, the name here, and its arguments in order.
type Stage = (&'static str, &'static str, &'static [(&'static str, As)]);

static STAGES: &[Stage] = &[
    ("Match", "match", &[("filter", Expression)]),
    (
        "MatchTags",
        "match_tags",
        &[("tags", Literal), ("bool", Literal), ("all", Literal)],
    ),
    (
        "MatchLabels",
        "match_labels",
        &[
            ("filter", Expression),
            ("ids", Literal),
            ("tags", Literal),
            ("fields", Path),
            ("bool", Literal),
        ],
    ),
    ("Exists", "exists", &[("field", Path), ("bool", Literal)]),
    (
        "Select",
        "select",
        &[("sample_ids", Literal), ("ordered", Literal)],
    ),
    ("Exclude", "exclude", &[("sample_ids", Literal)]),
    (
        "SelectBy",
        "select_by",
        &[("field", Path), ("values", Literal), ("ordered", Literal)],
    ),
    (
        "ExcludeBy",
        "exclude_by",
        &[("field", Path), ("values", Literal)],
    ),
    ("Limit", "limit", &[("limit", Literal)]),
    ("Skip", "skip", &[("skip", Literal)]),
    (
        "Take",
        "take",
        &[("size", Literal), ("seed", Literal), ("_randint", Nothing)],
    ),
    (
        "Shuffle",
        "shuffle",
        &[("seed", Literal), ("_randint", Nothing)],
    ),
    (
        "SortBy",
        "sort_by",
        &[
            ("field_or_expr", Expression),
            ("reverse", Literal),
            ("create_index", Nothing),
        ],
    ),
    (
        "SelectFields",
        "select_fields",
        &[("field_names", Path), ("_allow_missing", Nothing)],
    ),
    (
        "ExcludeFields",
        "exclude_fields",
        &[("field_names", Path), ("_allow_missing", Nothing)],
    ),
    (
        "FilterField",
        "filter_field",
        &[
            ("field", Path),
            ("filter", Expression),
            ("only_matches", Literal),
        ],
    ),
    (
        "FilterLabels",
        "filter_labels",
        &[
            ("field", Path),
            ("filter", Expression),
            ("only_matches", Literal),
            ("trajectories", Nothing),
        ],
    ),
    (
        "SelectLabels",
        "select_labels",
        &[
            ("ids", Literal),
            ("tags", Literal),
            ("fields", Path),
            ("omit_empty", Nothing),
        ],
    ),
    (
        "ExcludeLabels",
        "exclude_labels",
        &[
            ("ids", Literal),
            ("tags", Literal),
            ("fields", Path),
            ("omit_empty", Nothing),
        ],
    ),
    (
        "LimitLabels",
        "limit_labels",
        &[("field", Path), ("limit", Literal)],
    ),
    (
        "MapLabels",
        "map_labels",
        &[("field", Path), ("map", Literal)],
    ),
    (
        "MapValues",
        "map_values",
        &[("field", Path), ("map", Literal)],
    ),
    (
        "SetField",
        "set_field",
        &[("field", Path), ("expr", Expression)],
    ),
    (
        "GroupBy",
        "group_by",
        &[
            ("field_or_expr", Expression),
            ("order_by", Path),
            ("reverse", Literal),
            ("flat", Literal),
            ("match_expr", Expression),
            ("sort_expr", Expression),
            ("create_index", Nothing),
            ("order_by_key", Nothing),
        ],
    ),
    (
        "ToPatches",
        "to_patches",
        &[("field", Path), ("_state", Nothing)],
    ),
];

/// The view in the language, its names and types checked against `schema`.
///
/// # Errors
/// Why it cannot be, as a sentence's end.
pub(super) fn view(
    declared: &DeclaredView,
    mongo: Mongo<'_>,
    schema: &Schema,
) -> Result<SavedView, String> {
    let mut calls = Vec::new();
    for stage in &declared.view_stages {
        let stage: Value =
            serde_json::from_str(stage).map_err(|e| format!("a stage is not JSON: {e}"))?;
        calls.push(call(&stage, mongo)?);
    }
    let text = match calls.as_slice() {
        [] => "dataset".to_owned(),
        calls => calls.join("."),
    };
    let wrong =
        |mistakes: messier_query::Diagnostics| format!("{text} is not a query here: {mistakes}");
    let query = parse(&text).map_err(wrong)?;
    let env = Env {
        schema,
        operators: &[],
        views: &[],
    };
    plan(&query, &text, &env).map_err(wrong)?;
    let moment = |value: &Value| match scalar(value) {
        Ok(Some(Scalar::Moment(millis))) => millis,
        _ => chrono::Utc::now().timestamp_millis(),
    };
    Ok(SavedView {
        name: declared.name.clone(),
        text: format(&query),
        description: declared.description.clone(),
        color: declared.color.clone(),
        created_at: moment(&declared.created_at),
        last_modified_at: moment(&declared.last_modified_at),
    })
}

fn call(stage: &Value, mongo: Mongo<'_>) -> Result<String, String> {
    let class = stage
        .get("_cls")
        .and_then(Value::as_str)
        .unwrap_or("nothing");
    let class = class.rsplit('.').next().unwrap_or(class);
    let Some((_, name, arguments)) = STAGES.iter().find(|(known, ..)| *known == class) else {
        return Err(format!("its stage {class} has no counterpart"));
    };
    let mut given = Vec::new();
    for pair in stage
        .get("kwargs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let [Value::String(key), value] = pair.as_array().map(Vec::as_slice).unwrap_or_default()
        else {
            return Err(format!("the arguments of its stage {class} are no pairs"));
        };
        match arguments.iter().find(|(known, _)| known == key) {
            Some((_, how)) if !value.is_null() => {
                if let Some(text) = argument(value, *how, mongo)? {
                    given.push(format!("{key}={text}"));
                }
            }
            None if !value.is_null() => {
                return Err(format!(
                    "the argument {key} of its stage {class} has no counterpart"
                ));
            }
            _ => {}
        }
    }
    // What comes first is given by place, as people write it, except to stages that take labels by one of several ways.
    let first = arguments.first().map(|(name, _)| format!("{name}="));
    if let (Some(first), Some(text)) = (first, given.first_mut())
        && !["match_labels", "select_labels", "exclude_labels"].contains(name)
        && let Some(value) = text.strip_prefix(&first)
    {
        *text = value.to_owned();
    }
    Ok(format!("{name}({})", given.join(", ")))
}

fn argument(value: &Value, how: As, mongo: Mongo<'_>) -> Result<Option<String>, String> {
    Ok(Some(match (how, value) {
        (Nothing, _) => return Ok(None),
        (Path | Expression, Value::String(path)) if !path.starts_with('$') => {
            quoted(&mongo.path(path))
        }
        (Path | Expression, Value::Array(items)) => {
            let items = items.iter().map(|item| match item {
                Value::Array(pair) => {
                    let pair = pair.iter().map(|part| argument(part, how, mongo));
                    let pair = pair.collect::<Result<Vec<_>, _>>()?;
                    let pair: Vec<String> = pair.into_iter().flatten().collect();
                    Ok(format!("({})", pair.join(", ")))
                }
                item => Ok(argument(item, how, mongo)?.unwrap_or_default()),
            });
            format!(
                "[{}]",
                items.collect::<Result<Vec<_>, String>>()?.join(", ")
            )
        }
        (Expression, value) => mongo.expression(value.get("$expr").unwrap_or(value))?,
        (Path | Literal, value) => literal(value)?,
    }))
}
