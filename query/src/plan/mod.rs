//! Syntax to checked plan: every name resolved, every type checked, every argument bound, or a list of all the mistakes.
//!
//! A plan has types of its own, in which an unresolved name cannot stand; so evaluation has no such errors, and a text
//! that plans will run.

mod bind;
mod chain;
mod compare;
mod constant;
mod expr;
mod expression;
mod names;
mod operator;
mod refuse;
mod repeated;
mod rewrite;

pub use bind::Arguments;
pub(crate) use chain::snake;
pub(crate) use constant::{mixed as literal_value, read_moment};
pub use expr::{Each, Expr, Node};
pub(crate) use names::article;

use std::fmt;

use messier_store::Schema;

use crate::aggregations::Aggregate;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::edits::Alter;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::signature::{Args, Operator};
use crate::stages::Sorted;
use crate::syntax::{Query, Span};
use crate::types::Type;

/// What a plan is checked against.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The fields of the dataset.
    pub schema: &'a Schema,
    /// The operators that may end a chain.
    pub operators: &'a [Operator],
    /// Saved views: name and text.
    pub views: &'a [(String, String)],
}

/// A stage with everything it needs bound.
pub trait Run: fmt::Debug + Send + Sync {
    /// The frame after the stage.
    ///
    /// # Errors
    /// What the source reports.
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error>;

    /// The condition, where all the stage does is to keep the samples for which it holds.
    fn condition(&self) -> Option<&Expr> {
        None
    }

    /// The sort, where the stage is one; followed by a limit, only the top is needed.
    fn sort(&self) -> Option<&Sorted> {
        None
    }

    /// How many rows it keeps from the start, where that is all the stage does.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// The top-level columns it computes, with their types: what `save()` may write.
    fn edits(&self) -> Vec<(String, Type)> {
        Vec::new()
    }
}

/// One step of a plan.
#[derive(Debug)]
pub struct Planned {
    /// The stage's name.
    pub name: &'static str,
    /// Its text, as typed.
    pub text: String,
    /// What it does.
    pub run: Box<dyn Run>,
}

/// What the rows of the last step become.
#[derive(Debug)]
pub enum End {
    /// The view itself.
    View,
    /// A value.
    Aggregation(&'static str, Box<dyn Aggregate>),
    /// A call of an operator.
    Operator {
        /// The operator's name.
        operator: String,
        /// Its bound arguments.
        args: Args,
        /// The text of the stages before it.
        view_text: String,
    },
    /// A change of what is stored.
    Edit {
        /// The edit's name.
        edit: &'static str,
        /// What it does, bound.
        alter: Box<dyn Alter>,
        /// The text of the stages before it.
        view_text: String,
        /// Where the call was typed.
        span: Span,
    },
}

/// A checked query.
#[derive(Debug)]
pub struct Plan {
    /// The stages, in order; those of saved views are among them.
    pub steps: Vec<Planned>,
    /// What they end in.
    pub end: End,
    /// The fields of the view after the last stage.
    pub schema: Schema,
}

/// Checks a query against a schema.
///
/// `text` is what was parsed; spans point into it.
///
/// # Errors
/// Every mistake in it, innermost place first named.
pub fn plan(query: &Query, text: &str, env: &Env<'_>) -> Result<Plan, Diagnostics> {
    let mut planner = Planner::new(text, env);
    let plan = planner.whole(query);
    match plan {
        Some(plan) if planner.mistakes.is_empty() => Ok(plan),
        _ => Err(Diagnostics(planner.mistakes)),
    }
}

/// What `F()` and `VALUE` mean while an expression below the samples is planned.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The type of `F()`.
    pub element: Type,
    /// The type of `VALUE`, inside `reduce`.
    pub accumulator: Option<Type>,
    /// Whether names that the element does not have are fields of the sample, as inside `let_in`.
    pub open: bool,
}

/// Collects what is known while a query is planned, and the mistakes in it.
pub struct Planner<'a> {
    pub(crate) env: &'a Env<'a>,
    pub(crate) text: String,
    /// The fields at this point of the chain.
    pub(crate) schema: Schema,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) mistakes: Vec<Diagnostic>,
    pub(crate) depth: usize,
    /// The saved views being expanded, outermost first.
    pub(crate) opened: Vec<String>,
    /// Whether rows stand for groups, after `group_by`.
    pub(crate) grouped: bool,
    /// Whether rows are patches, after `to_patches`.
    pub(crate) patched: bool,
}

/// How deep an expression may be nested.
const DEPTH: usize = 200;

impl<'a> Planner<'a> {
    pub(crate) fn new(text: &str, env: &'a Env<'a>) -> Planner<'a> {
        Planner {
            env,
            text: text.to_owned(),
            schema: env.schema.clone(),
            scopes: Vec::new(),
            mistakes: Vec::new(),
            depth: 0,
            opened: Vec::new(),
            grouped: false,
            patched: false,
        }
    }

    /// Notes a mistake.
    pub fn report(&mut self, mistake: Diagnostic) {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// Notes a mistake and gives nothing.
    pub(crate) fn refuse<T>(&mut self, mistake: Diagnostic) -> Option<T> {
        self.report(mistake);
        None
    }

    /// The fields at this point of the chain.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The text at a span, for hints; empty where the span is not of this text.
    pub(crate) fn snippet(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Runs `body` one level deeper; beyond the limit it is a mistake.
    pub(crate) fn deeper<T>(
        &mut self,
        span: Span,
        body: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.depth >= DEPTH {
            return self.refuse(
                Diagnostic::new(
                    "too-deep",
                    format!("this is nested more than {DEPTH} levels deep"),
                    span,
                    "here",
                )
                .hint("split the query into several stages"),
            );
        }
        self.depth += 1;
        let result = body(self);
        self.depth -= 1;
        result
    }

    /// Plans `body` with `F()` meaning an element of type `element`.
    pub(crate) fn within<T>(
        &mut self,
        element: Type,
        accumulator: Option<Type>,
        body: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.scopes.push(Scope {
            element,
            accumulator,
            open: false,
        });
        let result = body(self);
        self.scopes.pop();
        result
    }
}
