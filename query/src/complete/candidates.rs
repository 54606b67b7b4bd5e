//! What fits at a place: by what stands left of the cursor, and by the kind of the parameter it is in.

use messier_store::FieldType;

use super::context::{Callee, Context, Left, Level};
use super::kinds::{suits, value_field};
use super::{Completion, CompletionEnv, CompletionKind, parameters};
use crate::parse::names;
use crate::signature::{Arg, Signature};

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

pub(super) struct Offer<'a, 'e> {
    pub(super) context: &'a Context,
    pub(super) env: &'a CompletionEnv<'e>,
    pub(super) found: Vec<Completion>,
}

impl Offer<'_, '_> {
    pub(super) fn add(
        &mut self,
        text: impl Into<String>,
        kind: CompletionKind,
        doc: impl Into<String>,
    ) {
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
        self.calls(&self.env.edits.clone(), CompletionKind::Edit);
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
    pub(super) fn field_paths(&mut self, level: &Level) {
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
    pub(super) fn expression(&mut self, level: &Level) {
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

    pub(super) fn views(&mut self, call: &str) {
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

pub(super) fn json(text: &str) -> String {
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
