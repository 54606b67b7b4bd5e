//! Completion and hints for the REPL and the query bar. They work on text that does not parse, from the tokens before the
//! cursor; everything offered comes from the signatures and the schema, so nothing can be offered that does not exist.

mod candidates;
mod context;
mod continues;
mod hint;
mod kinds;

pub use continues::is_complete;
pub use hint::{Hint, hint};

use messier_store::Schema;

use crate::functions::{self, Shape};
use crate::signature::{Arg, Operator, Signature};
use crate::syntax::Span;
use crate::{aggregations, edits, stages};

/// What can be offered.
pub struct CompletionEnv<'a> {
    /// The stages.
    pub stages: Vec<&'static Signature>,
    /// The aggregations.
    pub aggregations: Vec<&'static Signature>,
    /// The edits.
    pub edits: Vec<&'static Signature>,
    /// The functions called on a value: `x.abs()`.
    pub methods: Vec<&'static Signature>,
    /// The functions that stand alone: `any([...])`.
    pub functions: Vec<&'static Signature>,
    /// The operators that may end a chain.
    pub operators: &'a [Operator],
    /// The fields.
    pub schema: &'a Schema,
    /// The names of the saved views.
    pub views: &'a [String],
    /// The most frequent values of a field, by dotted path; empty where there are none or too many.
    pub values: &'a dyn Fn(&str) -> Vec<Arg>,
}

impl<'a> CompletionEnv<'a> {
    /// Everything the language has, on this dataset.
    pub fn new(
        schema: &'a Schema,
        operators: &'a [Operator],
        views: &'a [String],
        values: &'a dyn Fn(&str) -> Vec<Arg>,
    ) -> CompletionEnv<'a> {
        let of_shape = |shape: Shape| {
            functions::members()
                .filter(move |member| member.shape == shape)
                .map(|member| member.signature())
                .collect()
        };
        CompletionEnv {
            stages: stages::all().map(|stage| stage.signature()).collect(),
            aggregations: aggregations::all()
                .map(|aggregation| aggregation.signature())
                .collect(),
            edits: edits::all().map(|edit| edit.signature()).collect(),
            methods: of_shape(Shape::Method),
            functions: of_shape(Shape::Free),
            operators,
            schema,
            views,
            values,
        }
    }
}

/// Something that could stand at the cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The bytes it replaces.
    pub span: Span,
    /// What stands there instead.
    pub text: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words or a sentence about it.
    pub doc: String,
}

/// What a completion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A stage.
    Stage,
    /// An aggregation.
    Aggregation,
    /// An operator of the engine.
    Operator,
    /// An edit.
    Edit,
    /// A function of the expression language.
    Function,
    /// A field.
    Field,
    /// `name=`.
    Parameter,
    /// One of the words a parameter allows.
    Choice,
    /// A value that a field has.
    Value,
    /// A saved view, or `dataset`.
    View,
    /// A word of the language.
    Keyword,
}

/// What could stand at byte `cursor` of `text`, best first.
///
/// ```
/// # use messier_query::{CompletionEnv, complete};
/// # let schema = messier_store::Schema::of_samples();
/// let env = CompletionEnv::new(&schema, &[], &[], &|_| vec![]);
/// let texts: Vec<_> = complete("match(metadata.wi", 17, &env).into_iter().map(|one| one.text).collect();
/// assert_eq!(texts, ["width"]);
/// ```
pub fn complete(text: &str, cursor: usize, env: &CompletionEnv<'_>) -> Vec<Completion> {
    candidates::at(&context::Context::at(text, cursor), env)
}

/// The signature of a call and its parameters, with those of the method it names.
fn parameters(
    level: &context::Level,
    env: &CompletionEnv<'_>,
) -> Option<(&'static Signature, Vec<&'static crate::signature::Param>)> {
    let find = |table: &[&'static Signature], name: &str| {
        table.iter().find(|one| one.name == name).copied()
    };
    let plain = |signature: &'static Signature| (signature, signature.params.iter().collect());
    match &level.callee {
        context::Callee::Step(name) => {
            let stage = find(&env.stages, name)
                .or_else(|| find(&env.aggregations, name))
                .or_else(|| find(&env.edits, name));
            stage.map(plain).or_else(|| operator(level, env, name))
        }
        context::Callee::Method { name, .. } => find(&env.methods, name).map(plain),
        context::Callee::Function(name) => find(&env.functions, name)
            .or_else(|| find(&env.stages, name))
            .or_else(|| find(&env.aggregations, name))
            .or_else(|| find(&env.edits, name))
            .map(plain),
        _ => None,
    }
}

fn operator(
    level: &context::Level,
    env: &CompletionEnv<'_>,
    name: &str,
) -> Option<(&'static Signature, Vec<&'static crate::signature::Param>)> {
    let operator = env
        .operators
        .iter()
        .find(|operator| operator.signature.name == name)?;
    let at = operator
        .signature
        .params
        .iter()
        .position(|param| param.name == "method");
    let named = level
        .texts
        .iter()
        .find(|(keyword, _)| keyword.as_deref() == Some("method"));
    let first = (at == Some(0))
        .then(|| level.texts.iter().find(|(keyword, _)| keyword.is_none()))
        .flatten();
    let method = named.or(first).map(|(_, method)| method.as_str());
    let default = operator
        .signature
        .param("method")
        .and_then(|param| match param.default {
            crate::signature::Default::Text(method) => Some(method),
            _ => None,
        });
    Some((operator.signature, operator.params(method.or(default))))
}

#[cfg(test)]
mod tests;
