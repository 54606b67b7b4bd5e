//! Checked expressions: every name is resolved, every type known, every argument bound. No node here can hold an
//! unresolved name, so evaluation has no such error.

use std::fmt;

use arrow::array::ArrayRef;

use crate::columns::{Datum, build, datum};
use crate::functions::Function;
use crate::syntax::Span;
use crate::types::Type;

/// A checked expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// What it gives.
    pub ty: Type,
    /// Where it was typed.
    pub span: Span,
}

/// The kinds of checked expression.
#[derive(Clone)]
pub enum Node {
    /// One value: an array of one row.
    Literal(ArrayRef),
    /// A top-level column of the samples, from whatever depth.
    Column(String),
    /// `F()`: the current element.
    Element,
    /// `VALUE`
    Accumulator,
    /// A field of a struct, or of the structs in a list.
    Child(Box<Expr>, String),
    /// A widening that the planner put in.
    Cast(Box<Expr>),
    /// An ordinary function of its arguments.
    Call(&'static dyn Function, Vec<Expr>),
    /// Both; the right side is asked only where the left is true, if asking could fail.
    And(Box<Expr>, Box<Expr>),
    /// Either; the right side is asked only where the left is false, if asking could fail.
    Or(Box<Expr>, Box<Expr>),
    /// The value of the first arm whose condition holds.
    Branch {
        /// Conditions and values.
        arms: Vec<(Expr, Expr)>,
        /// Where none holds; without it such a value cannot be computed.
        otherwise: Option<Box<Expr>>,
    },
    /// Something for every value of a list.
    Each(Each, Box<Expr>, Box<Expr>),
    /// A fold over a list.
    Reduce {
        /// The list.
        list: Box<Expr>,
        /// The next accumulator, from `VALUE` and `F()`.
        body: Box<Expr>,
        /// The first accumulator.
        init: Box<Expr>,
    },
    /// The body with `F()` meaning the value.
    Bind(Box<Expr>, Box<Expr>),
    /// A struct with the value at a path replaced; the value's `F()` is the struct.
    With(Box<Expr>, Vec<String>, Box<Expr>),
    /// A struct with the value at a path replaced; the value's `F()` is what it is outside.
    Put(Box<Expr>, Vec<String>, Box<Expr>),
}

/// What is done for every value of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// Keeps the values for which the body holds.
    Filter,
    /// Replaces every value by the body.
    Map,
    /// Orders the values by the body; nulls last.
    Sort {
        /// Greatest first.
        reverse: bool,
    },
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Literal(array) => write!(f, "{:?}", datum(array, 0)),
            Node::Column(name) => write!(f, "${name}"),
            Node::Element => f.write_str("F()"),
            Node::Accumulator => f.write_str("VALUE"),
            Node::Child(of, name) => write!(f, "{:?}.{name}", of.node),
            Node::Cast(of) => write!(f, "cast({:?})", of.node),
            Node::Call(function, args) => {
                let args: Vec<_> = args.iter().map(|arg| &arg.node).collect();
                write!(f, "{}{args:?}", function.signature().name)
            }
            Node::And(a, b) => write!(f, "({:?} & {:?})", a.node, b.node),
            Node::Or(a, b) => write!(f, "({:?} | {:?})", a.node, b.node),
            Node::Branch { arms, otherwise } => write!(f, "branch({arms:?}, {otherwise:?})"),
            Node::Each(each, list, body) => write!(f, "{each:?}({:?}, {:?})", list.node, body.node),
            Node::Reduce { list, body, init } => {
                write!(
                    f,
                    "reduce({:?}, {:?}, {:?})",
                    list.node, body.node, init.node
                )
            }
            Node::Bind(value, body) => write!(f, "bind({:?}, {:?})", value.node, body.node),
            Node::With(base, path, value) => {
                write!(f, "with({:?}, {path:?}, {:?})", base.node, value.node)
            }
            Node::Put(base, path, value) => {
                write!(f, "put({:?}, {path:?}, {:?})", base.node, value.node)
            }
        }
    }
}

impl Expr {
    /// A literal of its own type.
    pub fn literal(value: &Datum, ty: Type, span: Span) -> Expr {
        Expr {
            node: Node::Literal(build(&ty, &[value])),
            ty,
            span,
        }
    }

    /// A call of a function whose type is known.
    pub fn call(function: &'static dyn Function, args: Vec<Expr>, ty: Type, span: Span) -> Expr {
        Expr {
            node: Node::Call(function, args),
            ty,
            span,
        }
    }

    /// The same as type `ty`, if it is not already.
    #[must_use]
    pub fn cast(self, ty: &Type) -> Expr {
        if self.ty == *ty {
            return self;
        }
        if let Node::Literal(array) = &self.node
            && let Ok(array) = crate::columns::cast(array, ty)
        {
            return Expr {
                node: Node::Literal(array),
                ty: ty.clone(),
                span: self.span,
            };
        }
        let span = self.span;
        Expr {
            node: Node::Cast(Box::new(self)),
            ty: ty.clone(),
            span,
        }
    }

    /// The value, where it is a literal.
    pub fn constant(&self) -> Option<Datum> {
        match &self.node {
            Node::Literal(array) => Some(datum(array, 0)),
            _ => None,
        }
    }

    /// Whether there may be values that cannot be computed.
    pub fn may_skip(&self) -> bool {
        let own = match &self.node {
            Node::Call(function, _) => function.may_skip(),
            Node::Branch { otherwise, .. } => otherwise.is_none(),
            _ => false,
        };
        let mut below = false;
        self.operands(&mut |operand| below |= operand.may_skip());
        own || below
    }

    /// Whether `F()` of its own place is read in it.
    pub fn mentions_element(&self) -> bool {
        match &self.node {
            Node::Element => true,
            Node::Literal(_) | Node::Column(_) | Node::Accumulator => false,
            Node::Child(of, _) | Node::Cast(of) => of.mentions_element(),
            Node::Call(_, args) => args.iter().any(Expr::mentions_element),
            Node::And(a, b) | Node::Or(a, b) | Node::Put(a, _, b) => {
                a.mentions_element() || b.mentions_element()
            }
            Node::Branch { arms, otherwise } => {
                otherwise
                    .as_ref()
                    .is_some_and(|other| other.mentions_element())
                    || arms
                        .iter()
                        .any(|(when, then)| when.mentions_element() || then.mentions_element())
            }
            // The bodies of these have a place of their own.
            Node::Each(_, of, _) | Node::Bind(of, _) | Node::With(of, ..) => of.mentions_element(),
            Node::Reduce { list, init, .. } => list.mentions_element() || init.mentions_element(),
        }
    }

    /// The names of all fields of documents it reads.
    pub fn children_named(&self, into: &mut Vec<String>) {
        if let Node::Child(_, name) = &self.node {
            into.push(name.clone());
        }
        self.operands(&mut |operand| operand.children_named(into));
    }

    /// Calls `visit` with each expression directly below this one.
    pub fn operands<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        match &self.node {
            Node::Literal(_) | Node::Column(_) | Node::Element | Node::Accumulator => {}
            Node::Child(of, _) | Node::Cast(of) => visit(of),
            Node::Call(_, args) => args.iter().for_each(visit),
            Node::And(a, b)
            | Node::Or(a, b)
            | Node::Each(_, a, b)
            | Node::Bind(a, b)
            | Node::With(a, _, b)
            | Node::Put(a, _, b) => {
                visit(a);
                visit(b);
            }
            Node::Branch { arms, otherwise } => {
                for (when, then) in arms {
                    visit(when);
                    visit(then);
                }
                otherwise.iter().for_each(|other| visit(other));
            }
            Node::Reduce { list, body, init } => {
                visit(list);
                visit(body);
                visit(init);
            }
        }
    }
}
