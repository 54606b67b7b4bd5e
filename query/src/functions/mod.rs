//! The members of the expression language: each is a [`Function`] (values in, value out) or a [`Form`] (it decides what
//! its arguments mean: `filter`, `if_else`, ...), declared with its signature in the file of its family.

mod adding;
mod arithmetic;
mod arrays;
mod building;
mod call;
mod cases;
mod compare;
mod control;
mod convert;
mod dates;
mod documents;
mod each;
mod geometry;
mod kinds;
mod literals;
mod logic;
mod matching;
mod membership;
mod nulls;
mod numbers;
mod random;
mod sets;
mod strings;
mod summaries;
mod vectors;

pub use arithmetic::{ADD, DIV, MUL, NEG, POW, REM, SUB};
pub(crate) use arrays::python_slice;
pub use arrays::{INDEX, LENGTH, LIST, SLICE};
pub use call::{Invocation, float_values, truth};
pub(crate) use cases::cases;
pub use compare::comparison;
pub(crate) use convert::text_of;
pub(crate) use documents::with_field;
pub use logic::NOT;
pub use membership::IS_IN;
pub use nulls::IS_NULL;
pub(crate) use random::{id_key, mix};

use arrow::array::ArrayRef;

use crate::error::Error;
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::Signature;
use crate::types::Type;

/// A function of values: the same for every row, whatever the row's place.
pub trait Function: Sync {
    /// Name, what it is for, parameters (the receiver is not among them), examples.
    fn signature(&'static self) -> &'static Signature;

    /// The type of the result for arguments of these types; the receiver is the first.
    ///
    /// # Errors
    /// The argument that does not fit and what would.
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch>;

    /// The whole column at once.
    ///
    /// # Errors
    /// Arrow's; a value that cannot be computed is no error but null, and counted.
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error>;

    /// Whether there may be values that cannot be computed.
    fn may_skip(&self) -> bool {
        false
    }

    /// The arguments that `eval` reads as one literal, the receiver being 0. Where one of them differs from row to row,
    /// rows with the same are evaluated together.
    fn options(&self) -> &'static [usize] {
        &[]
    }

    /// Whether each row has a value of its own even if all arguments are literals.
    fn per_row(&self) -> bool {
        false
    }
}

/// A member that plans its own arguments.
pub trait Form: Sync {
    /// Name, what it is for, parameters (the receiver is not among them), examples.
    fn signature(&'static self) -> &'static Signature;

    /// The checked expression; `None` where a mistake has been reported.
    fn plan(
        &self,
        receiver: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr>;
}

/// An argument that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// Which argument; 0 is the receiver.
    pub arg: usize,
    /// What is needed, as the rest of "needs ...".
    pub needs: String,
    /// What would work, if that is plain.
    pub hint: Option<String>,
}

impl Mismatch {
    /// Argument `arg` needs `needs`.
    pub fn new(arg: usize, needs: impl Into<String>) -> Mismatch {
        Mismatch {
            arg,
            needs: needs.into(),
            hint: None,
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Mismatch {
        self.hint = Some(hint.into());
        self
    }
}

/// How a member is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `x.name(...)`
    Method,
    /// `name(...)`
    Free,
}

/// One member of the expression language.
#[derive(Clone, Copy)]
pub struct Member {
    /// How it is written.
    pub shape: Shape,
    /// What it does.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Clone, Copy)]
pub enum MemberKind {
    /// An ordinary function.
    Function(&'static dyn Function),
    /// A form.
    Form(&'static dyn Form),
}

impl Member {
    /// Its signature.
    pub fn signature(&self) -> &'static Signature {
        match self.kind {
            MemberKind::Function(function) => function.signature(),
            MemberKind::Form(form) => form.signature(),
        }
    }

    /// Whether a parameter takes all further positional arguments: `concat("a", "b")`. Those after it go by name.
    pub fn is_variadic(&self) -> bool {
        self.signature().variadic().is_some()
    }
}

/// Every family's members, in the order the reference lists them.
static FAMILIES: &[(&str, &[Member])] = &[
    ("logic", logic::MEMBERS),
    ("arithmetic", arithmetic::MEMBERS),
    ("numbers", numbers::MEMBERS),
    ("random numbers", random::MEMBERS),
    ("null", nulls::MEMBERS),
    ("types", kinds::MEMBERS),
    ("conversion", convert::MEMBERS),
    ("membership", membership::MEMBERS),
    ("matching", matching::MEMBERS),
    ("literals", literals::MEMBERS),
    ("choices", control::MEMBERS),
    ("lists", arrays::MEMBERS),
    ("values of lists", each::MEMBERS),
    ("sums of lists", summaries::MEMBERS),
    ("sets", sets::MEMBERS),
    ("adding to lists", adding::MEMBERS),
    ("building lists", building::MEMBERS),
    ("text", strings::MEMBERS),
    ("dates", dates::MEMBERS),
    ("vectors", vectors::MEMBERS),
    ("regions of the map", geometry::MEMBERS),
];

/// The operators, which are functions with a spelling of their own.
pub static OPERATORS: &[&dyn Function] = &[
    &compare::EQ,
    &compare::NE,
    &compare::LT,
    &compare::LE,
    &compare::GT,
    &compare::GE,
    &NOT,
    &ADD,
    &SUB,
    &MUL,
    &DIV,
    &REM,
    &POW,
    &NEG,
    &INDEX,
    &SLICE,
    &LIST,
];

/// The members by family.
pub fn families() -> impl Iterator<Item = (&'static str, &'static [Member])> {
    FAMILIES.iter().copied()
}

/// All members.
pub fn members() -> impl Iterator<Item = Member> {
    FAMILIES
        .iter()
        .flat_map(|(_, members)| members.iter().copied())
}

/// The member of that name and shape.
pub fn find(shape: Shape, name: &str) -> Option<Member> {
    members().find(|member| member.shape == shape && member.signature().name == name)
}
