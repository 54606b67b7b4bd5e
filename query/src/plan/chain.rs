//! Chains: each step to a stage with its arguments bound, the last perhaps to an aggregation or an operator; saved views
//! are opened in place.

use super::{End, Plan, Planned, Planner, Run};
use crate::diagnostic::Diagnostic;
use crate::stages::{self, Limits, Match};
use crate::syntax::{Call, ExprKind, Query, Source, Span, Spanned, Step};
use crate::{aggregations, edits, functions};

impl Planner<'_> {
    /// A whole query.
    pub(crate) fn whole(&mut self, query: &Query) -> Option<Plan> {
        let (steps, end) = self.chain(query)?;
        Some(Plan {
            steps,
            end: end.unwrap_or(End::View),
            schema: self.schema.clone(),
        })
    }

    /// A chain inside an argument: it starts from all samples and must be a view.
    pub(crate) fn subview(
        &mut self,
        query: &Query,
    ) -> Option<(Vec<Planned>, messier_store::Schema)> {
        let outer = std::mem::replace(&mut self.schema, self.env.schema.clone());
        let scopes = std::mem::take(&mut self.scopes);
        let grouped = std::mem::replace(&mut self.grouped, false);
        let patched = std::mem::replace(&mut self.patched, false);
        let planned = self.deeper(query.span, |planner| planner.chain(query));
        let schema = std::mem::replace(&mut self.schema, outer);
        self.scopes = scopes;
        self.grouped = grouped;
        self.patched = patched;
        match planned? {
            (steps, None) => Some((steps, schema)),
            _ => self.refuse(Diagnostic::new(
                "not-a-view",
                "a view is needed here, and this chain ends in something else",
                query.span,
                "not a view",
            )),
        }
    }

    /// The stages of a chain that goes on from here rather than from all samples.
    pub(crate) fn stages(&mut self, query: &Query) -> Option<Vec<Planned>> {
        match self.chain(query)? {
            (steps, None) => Some(steps),
            _ => None,
        }
    }

    fn chain(&mut self, query: &Query) -> Option<(Vec<Planned>, Option<End>)> {
        let mut steps = Vec::new();
        let mut fine = true;
        if let Source::Saved(name) = &query.source {
            match self.open(name) {
                Some(opened) => steps.extend(opened),
                None => fine = false,
            }
        }
        let mut end = None;
        for (at, step) in query.steps.iter().enumerate() {
            let last = at + 1 == query.steps.len();
            match self.step(step, last, query, at, fine.then_some(steps.as_slice())) {
                Some(Stepped::Stage(planned)) => steps.push(planned),
                Some(Stepped::End(one)) => end = Some(one),
                None => fine = false,
            }
        }
        fine.then_some((steps, end))
    }

    /// One step; `before` are the steps that lead to it, where they are all right.
    fn step(
        &mut self,
        step: &Step,
        last: bool,
        query: &Query,
        at: usize,
        before: Option<&[Planned]>,
    ) -> Option<Stepped> {
        match step {
            Step::Slice { start, end, span } => {
                let start = self.slice_bound(start.as_ref());
                let end = self.slice_bound(end.as_ref());
                let run: Box<dyn Run> = Box::new(Limits::slice(start?, end?));
                Some(self.staged("slice", *span, run))
            }
            Step::Bare(expr) => {
                let condition = self.expr(expr)?;
                let condition = self.condition(condition, "match")?;
                let run: Box<dyn Run> = Box::new(Match { condition });
                Some(self.staged("match", expr.span, run))
            }
            Step::Call(call) => self.call_step(call, last, query, at, before),
        }
    }

    fn staged(&self, name: &'static str, span: Span, run: Box<dyn Run>) -> Stepped {
        Stepped::Stage(Planned {
            name,
            text: self.snippet(span).to_owned(),
            run,
        })
    }

    fn slice_bound(&mut self, expr: Option<&crate::syntax::Expr>) -> Option<Option<i64>> {
        let Some(expr) = expr else { return Some(None) };
        match self.constant(expr)? {
            crate::columns::Datum::Int(at) => Some(Some(at)),
            crate::columns::Datum::Null => Some(None),
            _ => self.refuse(Diagnostic::new(
                "wrong-type",
                "the bounds of a slice are whole numbers",
                expr.span,
                "not a whole number",
            )),
        }
    }

    fn call_step(
        &mut self,
        call: &Call,
        last: bool,
        query: &Query,
        at: usize,
        before: Option<&[Planned]>,
    ) -> Option<Stepped> {
        let name = snake(&call.name.node);
        let span = call.name.span;
        if let Some(stage) = stages::find(&name) {
            let args = self.bind(stage.signature(), call, false)?;
            let run = stage.plan(&args, self)?;
            return Some(self.staged(stage.signature().name, call.span, run));
        }
        if let Some(aggregation) = aggregations::find(&name) {
            let args = self.bind(aggregation.signature(), call, false);
            let planned = args.and_then(|args| aggregation.plan(&args, self));
            if !last {
                return self.refuse(
                    Diagnostic::new(
                        "aggregation-in-middle",
                        format!("`{name}` gives a value, so nothing can come after it"),
                        span,
                        "must be the last call",
                    )
                    .hint("put the stages before it"),
                );
            }
            return Some(Stepped::End(End::Aggregation(
                aggregation.signature().name,
                planned?,
            )));
        }
        if let Some(operator) = self.env.operators.iter().find(|o| o.signature.name == name) {
            let args = self.operator(operator, call);
            if !last {
                return self.refuse(
                    Diagnostic::new(
                        "operator-in-middle",
                        format!("`{name}` computes and stores, so nothing can come after it"),
                        span,
                        "must be the last call",
                    )
                    .hint("put the stages before it, and query its result afterwards"),
                );
            }
            let view_text = self.view_text(query, at);
            return Some(Stepped::End(End::Operator {
                operator: name,
                args: args?,
                view_text,
            }));
        }
        if let Some(edit) = edits::find(&name) {
            return self.edit_step(edit, call, last, self.view_text(query, at), before);
        }
        if functions::find(functions::Shape::Free, &call.name.node).is_some() {
            let expr = crate::syntax::Expr {
                kind: ExprKind::Call(call.clone()),
                span: call.span,
            };
            return self.step(&Step::Bare(expr), last, query, at, before);
        }
        if let Some(mistake) = super::refuse::step(&name, span) {
            return self.refuse(mistake);
        }
        let mut names: Vec<&str> = stages::all().map(|stage| stage.signature().name).collect();
        names.extend(aggregations::all().map(|aggregation| aggregation.signature().name));
        names.extend(edits::all().map(|edit| edit.signature().name));
        names.extend(
            self.env
                .operators
                .iter()
                .map(|operator| operator.signature.name),
        );
        let mistake = Diagnostic::new(
            "unknown-stage",
            format!(
                "there is no stage, aggregation, edit or operator called `{}`",
                call.name.node
            ),
            span,
            "unknown name",
        );
        self.refuse(mistake.candidates(&name, names))
    }

    /// A call that changes what is stored: the last of its chain, over rows that are samples.
    fn edit_step(
        &mut self,
        edit: &'static dyn edits::Edit,
        call: &Call,
        last: bool,
        text: String,
        before: Option<&[Planned]>,
    ) -> Option<Stepped> {
        let name = edit.signature().name;
        let args = self.bind(edit.signature(), call, false);
        if !last {
            return self.refuse(
                Diagnostic::new(
                    "edit-in-middle",
                    format!("`{name}` changes the dataset, so nothing can come after it"),
                    call.name.span,
                    "must be the last call",
                )
                .hint("put the stages before it, and ask about its result in a query of its own"),
            );
        }
        let (args, steps) = (args?, before?);
        if edit.needs_samples() {
            self.rows_are_samples(name, call.name.span)?;
        }
        let alter = edit.plan(&args, &edits::Before { steps, text: &text }, self)?;
        Some(Stepped::End(End::Edit {
            edit: name,
            alter,
            view_text: text,
            span: call.span,
        }))
    }

    /// Refuses an edit of rows that only stand for something stored.
    fn rows_are_samples(&mut self, name: &str, span: Span) -> Option<()> {
        if self.patched {
            return self.refuse(
                Diagnostic::new(
                    "not-samples",
                    format!("`{name}` works on samples, and these rows are patches made by `to_patches`"),
                    span,
                    "rows are patches here",
                )
                .hint("labels are changed where they are kept: filter_labels(...), map_labels(...) or set_field(\"field.detections.x\", ...), then save()"),
            );
        }
        if self.grouped {
            return self.refuse(
                Diagnostic::new(
                    "not-samples",
                    format!("`{name}` works on samples, and these rows stand for groups made by `group_by`"),
                    span,
                    "rows are groups here",
                )
                .hint("flatten() gives the samples of the groups back; group_by(..., flat=True) keeps them"),
            );
        }
        Some(())
    }

    /// The text of the stages before step `at`, as a query of its own.
    fn view_text(&self, query: &Query, at: usize) -> String {
        crate::format(&Query {
            source: query.source.clone(),
            steps: query.steps[..at].to_vec(),
            span: query.span,
        })
    }

    /// The steps of a saved view.
    fn open(&mut self, name: &Spanned<String>) -> Option<Vec<Planned>> {
        let Some((_, text)) = self.env.views.iter().find(|(saved, _)| *saved == name.node) else {
            let names: Vec<&str> = self
                .env
                .views
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let mistake = Diagnostic::new(
                "unknown-view",
                format!("there is no saved view called {:?}", name.node),
                name.span,
                "unknown view",
            );
            let mistake = mistake.candidates(&name.node, names.iter().copied());
            return self.refuse(match names.as_slice() {
                [] => mistake.hint("this dataset has no saved views"),
                _ => mistake.hint(format!("there are {}", names.join(", "))),
            });
        };
        if self.opened.contains(&name.node) {
            let mut ring = self.opened.clone();
            ring.push(name.node.clone());
            return self.refuse(Diagnostic::new(
                "view-cycle",
                format!(
                    "the saved view {:?} is made of itself: {}",
                    name.node,
                    ring.join(" -> ")
                ),
                name.span,
                "opens itself",
            ));
        }
        let query = match crate::parse(text) {
            Ok(query) => query,
            Err(mistakes) => return self.stale(name, mistakes.0),
        };
        let outer_text = std::mem::replace(&mut self.text, text.clone());
        let outer_mistakes = std::mem::take(&mut self.mistakes);
        self.opened.push(name.node.clone());
        let planned = self.deeper(query.span, |planner| planner.chain(&query));
        self.opened.pop();
        self.text = outer_text;
        let mistakes = std::mem::replace(&mut self.mistakes, outer_mistakes);
        match planned {
            Some((steps, None)) if mistakes.is_empty() => Some(steps),
            Some(_) if mistakes.is_empty() => self.refuse(Diagnostic::new(
                "not-a-view",
                format!(
                    "the saved view {:?} ends in a value, so it is no view",
                    name.node
                ),
                name.span,
                "not a view",
            )),
            _ => self.stale(name, mistakes),
        }
    }

    fn stale<T>(&mut self, name: &Spanned<String>, mistakes: Vec<Diagnostic>) -> Option<T> {
        if let Some(ring) = mistakes.iter().find(|mistake| mistake.code == "view-cycle") {
            let message = ring.message.clone();
            return self.refuse(Diagnostic::new(
                "view-cycle",
                message,
                name.span,
                "opens itself",
            ));
        }
        let mut mistake = Diagnostic::new(
            "stale-view",
            format!("the saved view {:?} no longer fits this dataset", name.node),
            name.span,
            "cannot be opened",
        );
        for inner in mistakes {
            mistake = mistake.hint(format!("in it, {}", inner.message));
        }
        self.refuse(mistake)
    }
}

enum Stepped {
    Stage(Planned),
    End(End),
}

/// `SortBy` as `sort_by`: the name of a stage object is the name of its stage.
pub(crate) fn snake(name: &str) -> String {
    if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
