//! What a parameter takes, by its kind, and which methods and fields suit a type.

use messier_store::{FieldType, StructKind};

use super::candidates::{Offer, json};
use super::context::{Callee, Level};
use super::{CompletionKind, parameters};
use crate::signature::{FieldKind, Kind, Param};

impl Offer<'_, '_> {
    /// The parameter that the cursor gives a value to; a list is looked through.
    pub(crate) fn parameter(&self) -> Option<&'static Param> {
        let levels = &self.context.levels;
        let at = levels
            .iter()
            .rposition(|level| level.symbol != "[" || level.callee != Callee::None)?;
        let level = &levels[at];
        let (_, params) = parameters(level, self.env)?;
        match &level.keyword {
            Some(name) => params.into_iter().find(|param| param.name == name),
            None => params.get(level.position).copied().or_else(|| {
                params
                    .last()
                    .copied()
                    .filter(|last| matches!(last.kind, Kind::List(_)))
            }),
        }
    }

    /// What a parameter of this kind takes; inside a text without quotes.
    pub(crate) fn by_kind(&mut self, kind: &Kind, inside: bool) {
        let quote = |text: &str| if inside { text.to_owned() } else { json(text) };
        let level = self.context.level().clone();
        match kind {
            Kind::Optional(inner) | Kind::List(inner) => {
                if let (Kind::Optional(_), false) = (kind, inside) {
                    self.add("None", CompletionKind::Keyword, "not given");
                }
                self.by_kind(inner, inside);
            }
            Kind::Choice(words) => words
                .iter()
                .for_each(|word| self.add(quote(word), CompletionKind::Choice, "")),
            Kind::Bool if !inside => {
                self.add("True", CompletionKind::Keyword, "");
                self.add("False", CompletionKind::Keyword, "");
            }
            Kind::Field(of) => {
                for path in self.env.schema.paths() {
                    let Some(ty) = self.env.schema.resolve(&path) else {
                        continue;
                    };
                    if accepts(*of, &ty) {
                        self.add(quote(&path), CompletionKind::Field, ty.to_string());
                    }
                }
            }
            Kind::View if inside => self.views(""),
            Kind::View => {
                self.add("dataset", CompletionKind::View, "all samples");
                self.views("view(");
            }
            Kind::Expr(_) if inside => {
                let level = Level {
                    callee: Callee::Field,
                    ..level
                };
                self.field_paths(&level);
            }
            Kind::Expr(_) => self.expression(&level),
            Kind::Any if !inside => self.expression(&level),
            _ => {}
        }
    }
}

/// The field whose values are expected: `k20 == `, `k20.is_in([`, `match_tags(`, `select_by("k20", [`.
pub(crate) fn value_field(levels: &[Level]) -> Option<String> {
    let mut rest = levels;
    while let Some((level, outer)) = rest.split_last() {
        if let Some(path) = &level.compared {
            return Some(path.clone());
        }
        match &level.callee {
            Callee::None if matches!(level.symbol, "[" | "{" | "(") && !outer.is_empty() => {
                rest = outer
            }
            Callee::Method {
                name,
                on: Some(path),
            } if takes_values(name) && level.keyword.is_none() && level.position == 0 => {
                return Some(path.clone());
            }
            Callee::Step(name)
                if matches!(
                    name.as_str(),
                    "match_tags" | "tag_samples" | "untag_samples"
                ) && level.position == 0 =>
            {
                return Some("tags".to_owned());
            }
            Callee::Step(name)
                if matches!(name.as_str(), "select_by" | "exclude_by") && level.position == 1 =>
            {
                return level.texts.first().map(|(_, path)| path.clone());
            }
            _ => return None,
        }
    }
    None
}

fn takes_values(method: &str) -> bool {
    matches!(
        method,
        "is_in"
            | "contains"
            | "is_subset"
            | "starts_with"
            | "ends_with"
            | "contains_str"
            | "matches_str"
            | "map_values"
            | "cases"
            | "set_equals"
    )
}

/// Whether a method makes sense on a value of this type; everything does on an unknown one.
pub(crate) fn suits(method: &str, ty: Option<&FieldType>) -> bool {
    let Some(ty) = ty else { return true };
    let any = ["exists", "is_null", "is_in", "if_null", "type", "to_string"];
    let own: &[&str] = match ty {
        FieldType::Text => &[
            "starts_with",
            "ends_with",
            "contains_str",
            "matches_str",
            "re_match",
            "strlen",
            "lower",
            "upper",
            "split",
            "map_values",
        ],
        FieldType::Int | FieldType::Float => &[
            "abs",
            "round",
            "floor",
            "ceil",
            "sqrt",
            "exp",
            "ln",
            "log",
            "pow",
            "to_int",
            "to_double",
        ],
        FieldType::Bool => &["if_else", "to_int"],
        FieldType::Date | FieldType::DateTime => &[
            "year",
            "month",
            "week",
            "day_of_month",
            "day_of_week",
            "day_of_year",
            "hour",
            "minute",
            "second",
        ],
        FieldType::Id => &[],
        FieldType::Vector(_) => &[
            "norm",
            "dot",
            "cosine_distance",
            "euclidean_distance",
            "within",
            "length",
        ],
        FieldType::List(_) => &[
            "length",
            "contains",
            "filter",
            "map",
            "max",
            "min",
            "mean",
            "sum",
            "unique",
            "sort",
            "is_subset",
        ],
        FieldType::Struct(..) => &["apply", "set_field"],
    };
    any.contains(&method) || own.contains(&method)
}

fn accepts(kind: FieldKind, ty: &FieldType) -> bool {
    match kind {
        FieldKind::Any => true,
        FieldKind::Vector => matches!(ty, FieldType::Vector(_)),
        FieldKind::Text => matches!(ty.innermost(), FieldType::Text),
        FieldKind::Number => matches!(ty.innermost(), FieldType::Int | FieldType::Float),
        FieldKind::Label => {
            matches!(ty, FieldType::Struct(kind, _) if !matches!(kind, StructKind::Plain | StructKind::Metadata))
        }
        FieldKind::New => false,
    }
}
