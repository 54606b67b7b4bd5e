//! Aggregations: each turns a view into a value (or, for `head` and `first`, into a smaller view). One file a family, one
//! line in [`AGGREGATIONS`].

mod counts;
mod histogram;
mod input;
mod looks;
mod numbers;
mod several;
mod values;

pub use input::Input;

use std::fmt;

use serde_json::Value as Json;

use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::Signature;

/// An aggregation: what it is called with, and what it plans to do.
pub trait Aggregation: Sync {
    /// Name, what it is for, parameters, examples.
    fn signature(&'static self) -> &'static Signature;

    /// The aggregation with its arguments bound; `None` where a mistake has been reported.
    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>>;
}

/// An aggregation with everything it needs bound.
pub trait Aggregate: fmt::Debug + Send + Sync {
    /// What it makes of a view.
    ///
    /// # Errors
    /// What the source reports.
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error>;
}

/// What an aggregation gives.
#[derive(Debug)]
pub enum Outcome {
    /// A value.
    Value(Json),
    /// Some of the view's rows.
    View(Frame),
    /// A text for people.
    Text(String),
}

/// Every aggregation, in the order the reference lists them.
static AGGREGATIONS: &[&dyn Aggregation] = &[
    &counts::COUNT,
    &counts::COUNT_VALUES,
    &counts::DISTINCT,
    &numbers::BOUNDS,
    &numbers::MIN,
    &numbers::MAX,
    &numbers::MEAN,
    &numbers::STD,
    &numbers::SUM,
    &numbers::QUANTILES,
    &histogram::HISTOGRAM_VALUES,
    &values::VALUES,
    &looks::SCHEMA,
    &looks::LIST_SCHEMA,
    &several::AGGREGATE,
    &looks::HEAD,
    &looks::FIRST,
    &looks::ONE,
    &looks::IDS,
    &looks::EXPLAIN,
];

/// All aggregations.
pub fn all() -> impl Iterator<Item = &'static dyn Aggregation> {
    AGGREGATIONS.iter().copied()
}

/// The aggregation of that name.
pub fn find(name: &str) -> Option<&'static dyn Aggregation> {
    all().find(|aggregation| aggregation.signature().name == name)
}
