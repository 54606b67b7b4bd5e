//! What fits at a place: by what stands left of the cursor, and by the kind of the parameter it is in.

use messier_store::{FieldType, StructKind};

use super::context::{Callee, Context, Left, Level};
use super::{Completion, CompletionEnv, CompletionKind, parameters};
use crate::parse::names;
use crate::signature::{Arg, FieldKind, Kind, Param, Signature};

/// Everything that fits, best first.
pub(super) fn at(context: &Context, env: &CompletionEnv<'_>) -> Vec<Completion> {
    let mut offer = Offer {
        context,
        env,
        found: Vec::new(),
    };
    if context.nowhere {
        return Vec::new();
    }
    match (context.quote.is_some(), context.after_dot) {
        (true, _) => offer.inside_text(),
        (false, true) => offer.after_dot(),
        (false, false) => offer.operand_or_operator(),
    }
    offer.ranked()
}

struct Offer<'a, 'e> {
    context: &'a Context,
    env: &'a CompletionEnv<'e>,
    found: Vec<Completion>,
}

impl Offer<'_, '_> {
    fn add(&mut self, text: impl Into<String>, kind: CompletionKind, doc: impl Into<String>) {
        self.found.push(Completion {
            span: self.context.span,
            text: text.into(),
            kind,
            doc: doc.into(),
        });
    }

    /// Those that begin with what was typed; if there are none, those that contain it.
    fn ranked(self) -> Vec<Completion> {
        let word = self.context.word.to_lowercase();
        let bare = |one: &Completion| one.text.trim_start_matches(['"', '\'']).to_lowercase();
        let (mut starting, rest): (Vec<_>, Vec<_>) = self
            .found
            .into_iter()
            .partition(|one| bare(one).starts_with(&word));
        if starting.is_empty() && word.chars().count() >= 2 {
            starting = rest
                .into_iter()
                .filter(|one| bare(one).contains(&word))
                .collect();
        }
        let mut seen = std::collections::HashSet::new();
        starting.retain(|one| seen.insert(one.text.clone()));
        starting
    }

    fn calls(&mut self, signatures: &[&'static Signature], kind: CompletionKind) {
        for signature in signatures {
            let open = if signature.params.is_empty() {
                "()"
            } else {
                "("
            };
            self.add(format!("{}{open}", signature.name), kind, signature.summary);
        }
    }

    fn steps(&mut self) {
        self.calls(&self.env.stages.clone(), CompletionKind::Stage);
        self.calls(&self.env.aggregations.clone(), CompletionKind::Aggregation);
        let operators: Vec<_> = self
            .env
            .operators
            .iter()
            .map(|operator| operator.signature)
            .collect();
        self.calls(&operators, CompletionKind::Operator);
    }

    fn after_dot(&mut self) {
        match &self.context.level().left {
            Left::Chain | Left::Nothing => self.steps(),
            Left::FieldMaker => self.calls(&self.env.functions.clone(), CompletionKind::Function),
            Left::Field { path, bare } => {
                if *bare {
                    self.fields_below(Some(path.clone()), false);
                }
                self.methods_of(self.env.schema.resolve(path).as_ref());
            }
            Left::Value => self.methods_of(None),
        }
    }

    /// The methods, those that suit the type first.
    fn methods_of(&mut self, ty: Option<&FieldType>) {
        let (suited, others): (Vec<_>, Vec<_>) = self
            .env
            .methods
            .iter()
            .copied()
            .partition(|method| suits(method.name, ty));
        self.calls(&suited, CompletionKind::Function);
        if !matches!(ty, Some(FieldType::Struct(..))) {
            self.calls(&others, CompletionKind::Function);
        }
    }

    fn inside_text(&mut self) {
        let level = self.context.level().clone();
        match &level.callee {
            Callee::Field => return self.field_paths(&level),
            Callee::View => return self.views(""),
            _ => {}
        }
        if let Some(path) = value_field(&self.context.levels) {
            return self.values(&path);
        }
        if let Some(param) = self.parameter() {
            self.by_kind(&param.kind, true);
        }
    }

    /// Inside `F("...")`: dotted paths below the scope.
    fn field_paths(&mut self, level: &Level) {
        let word = &self.context.word;
        let root = word.starts_with('$');
        let base = if root { None } else { level.scope.clone() };
        let lead = if root { "$" } else { "" };
        let below = base
            .as_deref()
            .map_or_else(String::new, |base| format!("{base}."));
        let depth = word.matches('.').count();
        let all = self.env.schema.paths();
        let inside = all
            .iter()
            .filter_map(|path| path.strip_prefix(&below).map(|rest| (path, rest)));
        // One level at a time keeps the list short.
        for (path, rest) in inside.filter(|(_, rest)| rest.matches('.').count() <= depth) {
            let doc = self.type_of(path);
            self.add(format!("{lead}{rest}"), CompletionKind::Field, doc);
        }
    }

    /// Fields as bare names one level below `path`.
    fn fields_below(&mut self, path: Option<String>, quoted: bool) {
        let lead = path
            .as_deref()
            .map_or_else(String::new, |path| format!("{path}."));
        let all = self.env.schema.paths();
        for whole in &all {
            let Some(rest) = whole
                .strip_prefix(&lead)
                .filter(|rest| !rest.is_empty() && !rest.contains('.'))
            else {
                continue;
            };
            let doc = self.type_of(whole);
            let text = match (quoted, path.is_some()) {
                (true, _) => json(rest),
                (false, true) => rest.to_owned(),
                (false, false) if names::is_bare_path(&[rest.to_owned()]) => rest.to_owned(),
                (false, false) => format!("F({})", json(rest)),
            };
            self.add(text, CompletionKind::Field, doc);
        }
    }

    fn type_of(&self, path: &str) -> String {
        self.env
            .schema
            .resolve(path)
            .map_or_else(String::new, |ty| ty.to_string())
    }

    fn operand_or_operator(&mut self) {
        let level = self.context.level().clone();
        match level.left {
            Left::Nothing => self.operand(&level),
            Left::Chain | Left::FieldMaker => {}
            Left::Field { .. } | Left::Value => {
                for (word, doc) in [
                    ("and", "both conditions"),
                    ("or", "either condition"),
                    ("in", "is one of a list"),
                    ("not in", "is none of a list"),
                    ("is None", "has no value"),
                    ("is not None", "has a value"),
                ] {
                    self.add(word, CompletionKind::Keyword, doc);
                }
            }
        }
    }

    /// A value is to come.
    fn operand(&mut self, level: &Level) {
        if let Some(path) = value_field(&self.context.levels) {
            self.values(&path);
            return self.expression(level);
        }
        if self.context.levels.len() == 1 {
            self.steps();
            self.add("dataset", CompletionKind::View, "all samples");
            self.views("view(");
            return self.expression(level);
        }
        if level.symbol == "(" && level.keyword.is_none() {
            self.parameters(level);
        }
        match self.parameter() {
            Some(param) => self.by_kind(&param.kind, false),
            None => match level.callee {
                Callee::Field | Callee::View => self.expression_texts(level),
                Callee::None => self.expression(level),
                _ => {}
            },
        }
    }

    /// What `F(` and `view(` take, with its quotes.
    fn expression_texts(&mut self, level: &Level) {
        match level.callee {
            Callee::Field => self.fields_below(level.scope.clone(), true),
            _ => self.views(""),
        }
    }

    /// Fields, functions and `F`.
    fn expression(&mut self, level: &Level) {
        self.fields_below(level.scope.clone(), false);
        if level.scope.is_some() {
            self.add("F()", CompletionKind::Field, "the current element");
        }
        self.add(
            "F(",
            CompletionKind::Function,
            "a field by its name in quotes",
        );
        self.calls(&self.env.functions.clone(), CompletionKind::Function);
        for (word, doc) in [
            ("not", "the opposite of a condition"),
            ("True", "true"),
            ("False", "false"),
            ("None", "no value"),
        ] {
            self.add(word, CompletionKind::Keyword, doc);
        }
    }

    /// `name=` for parameters that were not given.
    fn parameters(&mut self, level: &Level) {
        let Some((_, params)) = parameters(level, self.env) else {
            return;
        };
        let positional = level.position.saturating_sub(level.given.len());
        for param in params
            .iter()
            .skip(positional)
            .filter(|param| !level.given.iter().any(|given| given == param.name))
        {
            self.add(
                format!("{}=", param.name),
                CompletionKind::Parameter,
                param.doc.trim(),
            );
        }
    }

    /// The parameter that the cursor gives a value to; a list is looked through.
    fn parameter(&self) -> Option<&'static Param> {
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
    fn by_kind(&mut self, kind: &Kind, inside: bool) {
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

    fn views(&mut self, call: &str) {
        let inside = self.context.quote.is_some();
        for name in self.env.views {
            let text = match (inside, call) {
                (true, _) => name.clone(),
                (false, "") => json(name),
                (false, call) => format!("{call}{})", json(name)),
            };
            self.add(text, CompletionKind::View, "a saved view");
        }
    }

    /// The values a field has, as literals, or as they are inside a text.
    fn values(&mut self, path: &str) {
        for value in (self.env.values)(path) {
            match (&value, self.context.quote) {
                (Arg::Text(text), Some(quote)) => {
                    self.add(escaped(text, quote), CompletionKind::Value, path)
                }
                (_, Some(_)) => {}
                (value, None) => self.add(literal(value), CompletionKind::Value, path),
            }
        }
    }
}

/// The field whose values are expected: `k20 == `, `k20.is_in([`, `match_tags(`, `select_by("k20", [`.
fn value_field(levels: &[Level]) -> Option<String> {
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
            Callee::Step(name) if name == "match_tags" && level.position == 0 => {
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
fn suits(method: &str, ty: Option<&FieldType>) -> bool {
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

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn literal(value: &Arg) -> String {
    match value {
        Arg::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

/// A text as it stands between quotes of this kind.
fn escaped(text: &str, quote: char) -> String {
    let double = json(text);
    let inside = double[1..double.len() - 1].to_owned();
    if quote == '\'' {
        inside.replace("\\\"", "\"").replace('\'', "\\'")
    } else {
        inside
    }
}
