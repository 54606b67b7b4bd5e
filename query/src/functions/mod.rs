//! The members of the expression language: each is a [`Function`] (values in, value out) or a [`Form`] (it decides what
//! its arguments mean: `filter`, `if_else`, ...), declared with its signature in the file of its family.

mod call;

pub use call::{Invocation, Operand, floats, ints, truth};

use arrow::array::ArrayRef;

use crate::error::Error;
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Kind, Signature};
use crate::types::Type;

/// A function of values: the same for every row, whatever the row's place.
pub trait Function: Sync {
    /// Name, what it is for, parameters (the receiver is not among them), examples.
    fn signature(&self) -> &'static Signature;

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

    /// Whether each row has a value of its own even if all arguments are literals.
    fn per_row(&self) -> bool {
        false
    }
}

/// A member that plans its own arguments.
pub trait Form: Sync {
    /// Name, what it is for, parameters (the receiver is not among them), examples.
    fn signature(&self) -> &'static Signature;

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
        Mismatch { arg, needs: needs.into(), hint: None }
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

    /// Whether the last parameter takes all further positional arguments: `concat("a", "b")`.
    pub fn is_variadic(&self) -> bool {
        let last = self.signature().params.last();
        matches!(last.map(|param| param.kind), Some(Kind::List(Kind::Expr(_))))
    }
}
