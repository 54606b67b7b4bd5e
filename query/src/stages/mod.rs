//! Stages: each turns a view into a view. One file a family, one line in [`STAGES`].

mod by_value;
mod concat;
mod edit_labels;
mod fields;
mod filter;
mod filter_labels;
mod groups;
mod labels;
mod limits;
mod patches;
mod select;
mod set_field;
mod shuffle;
mod similarity;
mod sort;

pub(crate) use fields::{names as field_names, selected};
pub use filter::Match;
pub(crate) use labels::{LabelField, all as label_fields, label_field};
pub use limits::Limits;
pub(crate) use select::{Chosen, Name, chosen, id_at};
pub(crate) use set_field::path_of;
pub use sort::Sorted;

use crate::plan::{Arguments, Planner, Run};
use crate::signature::Signature;

/// A stage: what it is called with, and what it plans to do.
pub trait Stage: Sync {
    /// Name, what it is for, parameters, examples.
    fn signature(&'static self) -> &'static Signature;

    /// The stage with its arguments bound; `None` where a mistake has been reported.
    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>>;
}

/// Every stage, in the order the reference lists them.
static STAGES: &[&dyn Stage] = &[
    &filter::MATCH,
    &filter::MATCH_TAGS,
    &filter::EXISTS,
    &select::SELECT,
    &select::EXCLUDE,
    &by_value::SELECT_BY,
    &by_value::EXCLUDE_BY,
    &filter_labels::MATCH_LABELS,
    &limits::LIMIT,
    &limits::SKIP,
    &shuffle::TAKE,
    &shuffle::SHUFFLE,
    &sort::SORT_BY,
    &similarity::SORT_BY_SIMILARITY,
    &fields::SELECT_FIELDS,
    &fields::EXCLUDE_FIELDS,
    &set_field::SET_FIELD,
    &set_field::MAP_VALUES,
    &set_field::FILTER_FIELD,
    &filter_labels::FILTER_LABELS,
    &filter_labels::SELECT_LABELS,
    &filter_labels::EXCLUDE_LABELS,
    &edit_labels::MAP_LABELS,
    &edit_labels::LIMIT_LABELS,
    &concat::CONCAT,
    &groups::GROUP_BY,
    &groups::FLATTEN,
    &patches::TO_PATCHES,
];

/// All stages.
pub fn all() -> impl Iterator<Item = &'static dyn Stage> {
    STAGES.iter().copied()
}

/// The stage of that name.
pub fn find(name: &str) -> Option<&'static dyn Stage> {
    all().find(|stage| stage.signature().name == name)
}

/// The chain that an argument is, where it is one: `dataset.limit(3)`, `limit(3)`, `view("name")`.
pub(crate) fn view_argument(expr: &crate::syntax::Expr) -> Option<crate::syntax::Query> {
    use crate::syntax::{ExprKind, Source, Step};
    let chain = expr.to_chain()?;
    let known = |name: &str| find(&crate::plan::snake(name)).is_some();
    match (&expr.kind, &chain.source, chain.steps.first()) {
        (ExprKind::Chain(_), ..) | (_, Source::Saved(_), _) => Some(chain),
        (_, _, Some(Step::Call(call))) if known(&call.name.node) => Some(chain),
        _ => None,
    }
}
