//! What people bring from elsewhere and what we do not have: refused by name, with our spelling where there is one.

use super::Planner;
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::functions::Shape;
use crate::syntax::{Expr, Span};

/// Names of families that are not supported, and what they are.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("places on a map of the world", &["geo_near", "geo_within"]),
    (
        "video",
        &[
            "match_frames",
            "select_frames",
            "exclude_frames",
            "to_frames",
            "to_clips",
            "to_trajectories",
        ],
    ),
    (
        "groups of several media",
        &[
            "select_groups",
            "exclude_groups",
            "select_group_slices",
            "exclude_group_slices",
        ],
    ),
    ("keypoints", &["filter_keypoints"]),
    ("evaluation patches", &["to_evaluation_patches"]),
    ("pipelines of another database", &["mongo"]),
    (
        "facets (one call of `aggregate` gives several values)",
        &["facet_aggregations"],
    ),
];

/// Names used elsewhere, and ours.
const ELSEWHERE: &[(&str, &str)] = &[
    ("where", "match(...)"),
    ("filter", "match(...)"),
    ("query", "match(...)"),
    ("find", "match(...)"),
    ("order_by", "sort_by(\"field\")"),
    ("sort", "sort_by(\"field\")"),
    ("sort_values", "sort_by(\"field\")"),
    ("offset", "skip(n)"),
    ("top", "sort_by(\"field\", reverse=True).limit(n)"),
    ("sample", "take(n)"),
    ("tail", "sort_by(\"id\", reverse=True).head(n)"),
    ("last", "sort_by(\"id\", reverse=True).first()"),
    ("value_counts", "count_values(\"field\")"),
    ("nunique", "distinct(\"field\")"),
    ("unique", "distinct(\"field\")"),
    ("avg", "mean(\"field\")"),
    ("average", "mean(\"field\")"),
    ("stddev", "std(\"field\")"),
    ("len", "count()"),
    ("size", "count()"),
    ("groupby", "group_by(\"field\")"),
    ("assign", "set_field(\"field\", expression)"),
    ("project", "select_fields([...])"),
    ("columns", "schema()"),
];

/// Changes that commands make, and how.
const COMMANDS: &[(&str, &str)] = &[
    (
        "rename_sample_field",
        "`messier schema DATASET rename OLD NEW` gives a field another name",
    ),
    (
        "rename_sample_fields",
        "`messier schema DATASET rename OLD NEW` gives a field another name",
    ),
    (
        "delete_sample_field",
        "`messier schema DATASET drop FIELD` removes a field; so does exclude_fields(\"field\").keep_fields()",
    ),
    (
        "delete_sample_fields",
        "exclude_fields([...]).keep_fields() removes fields",
    ),
    (
        "clear_sample_field",
        "set_field(\"field\", None).save() leaves the samples of a view without a value",
    ),
    (
        "clear_sample_fields",
        "set_field(\"field\", None).save() leaves the samples of a view without a value",
    ),
    (
        "clone_sample_field",
        "set_field(\"new\", F(\"old\")).save() copies the values of a field",
    ),
    (
        "add_sample_field",
        "a field is made with its first values: set_field(...).save() or set_values(...)",
    ),
    (
        "delete_labels",
        "filter_labels(\"field\", condition, only_matches=False).save() keeps only some labels",
    ),
    (
        "set_label_values",
        "set_field(\"field.detections.name\", expression).save() sets something of every label",
    ),
    ("add_samples", "`messier import` brings samples"),
    ("add_sample", "`messier import` brings samples"),
    ("merge_samples", "`messier import` again brings what is new"),
    ("load_saved_view", "view(\"name\") opens a saved view"),
    (
        "delete_saved_view",
        "`messier views DATASET delete NAME` deletes a saved view",
    ),
    (
        "list_saved_views",
        "`messier views DATASET` lists the saved views",
    ),
    (
        "export",
        "`messier export DATASET --view QUERY --format ...` writes samples to files",
    ),
    (
        "compute_similarity",
        "sort_by_similarity(...) compares vectors without preparation",
    ),
    (
        "compute_visualization",
        "reduce(method=\"umap\", run=\"map\") makes a map",
    ),
    (
        "compute_embeddings",
        "embed(field=\"embedding\") turns pictures into vectors",
    ),
    (
        "update",
        "set_field(\"field\", expression).save() changes what is stored",
    ),
    (
        "delete",
        "match(...).clear() deletes samples from the dataset",
    ),
    (
        "remove",
        "match(...).clear() deletes samples from the dataset",
    ),
    (
        "drop",
        "match(...).clear() deletes samples; exclude_fields(...).keep_fields() removes fields",
    ),
    (
        "rename",
        "`messier schema DATASET rename OLD NEW` gives a field another name",
    ),
    (
        "undo",
        "`messier undo DATASET` takes the newest change back",
    ),
    ("tag", "tag_samples(\"name\") tags the samples of a view"),
    ("untag", "untag_samples(\"name\") takes a tag away"),
];

/// Methods used elsewhere, and ours.
const METHODS: &[(&str, &str)] = &[
    ("isin", "is_in([...])"),
    ("isnull", "is_null()"),
    ("isna", "is_null()"),
    ("notnull", "exists()"),
    ("notna", "exists()"),
    ("fillna", "if_null(value)"),
    ("between", "1 < F(\"x\") < 3"),
    ("like", "contains_str(\"text\")"),
    ("includes", "contains(value)"),
    ("len", "length()"),
    ("size", "length()"),
    ("count", "length()"),
    ("startswith", "starts_with(\"text\")"),
    ("endswith", "ends_with(\"text\")"),
    ("match", "re_match(\"regex\")"),
    ("avg", "mean()"),
    ("average", "mean()"),
    ("log2", "log(2)"),
    ("equals", "set_equals([...])"),
    ("toUpperCase", "upper()"),
    ("toLowerCase", "lower()"),
    ("trim", "strip()"),
];

/// The refusal of a step's name, if it is one of those above.
pub(super) fn step(name: &str, span: Span) -> Option<Diagnostic> {
    for (family, names) in UNSUPPORTED {
        if names.contains(&name) {
            return Some(Diagnostic::new(
                "not-supported",
                format!("`{name}` is not supported: Messier does not do {family} yet"),
                span,
                "not supported",
            ));
        }
    }
    let message = format!("there is no stage called `{name}`");
    let mistake = Diagnostic::new("unknown-stage", message, span, "unknown name");
    if let Some((_, how)) = COMMANDS.iter().find(|(theirs, _)| *theirs == name) {
        return Some(mistake.hint(*how));
    }
    let (_, ours) = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name)?;
    Some(mistake.hint(format!("here this is written {ours}")))
}

/// The refusal of a member's name, if it is one of those above.
pub(super) fn member(shape: Shape, name: &str, span: Span) -> Option<Diagnostic> {
    if shape == Shape::Free {
        return None;
    }
    let (_, ours) = METHODS.iter().find(|(theirs, _)| *theirs == name)?;
    let message = format!("there is no method called `{name}`");
    let hint = format!("here this is written {ours}");
    Some(Diagnostic::new("unknown-function", message, span, "unknown method").hint(hint))
}

/// Our spelling of one entry of a condition written as a dict, as another database has it.
pub(super) fn mongo(planner: &mut Planner<'_>, key: &Expr, value: &Expr) -> Option<String> {
    let Some(Datum::Text(field)) = super::constant::mixed(key) else {
        return None;
    };
    let operators = [
        ("$gt", ">"),
        ("$gte", ">="),
        ("$lt", "<"),
        ("$lte", "<="),
        ("$eq", "=="),
        ("$ne", "!="),
    ];
    if let crate::syntax::ExprKind::Dict(inner) = &value.kind {
        for (key, value) in inner {
            let Some(Datum::Text(op)) = super::constant::mixed(key) else {
                continue;
            };
            let right = planner.snippet(value.span);
            if let Some((_, ours)) = operators.iter().find(|(theirs, _)| *theirs == op) {
                return Some(format!("F(\"{field}\") {ours} {right}"));
            }
            match op.as_str() {
                "$in" => return Some(format!("F(\"{field}\").is_in({right})")),
                "$exists" => return Some(format!("F(\"{field}\").exists({right})")),
                "$regex" => return Some(format!("F(\"{field}\").re_match({right})")),
                _ => {}
            }
        }
        return None;
    }
    if let Some((_, ours)) = operators.iter().find(|(theirs, _)| *theirs == field) {
        return Some(format!(
            "F(\"field\") {ours} {}",
            planner.snippet(value.span)
        ));
    }
    Some(format!("F(\"{field}\") == {}", planner.snippet(value.span)))
}
