//! Values added to a list: `append prepend insert extend`. Each says which row's which value stands where; the values are
//! then gathered at once.

use arrow::array::ArrayRef;

use super::arrays::list_item;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Lists, gather, join, lists::list};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};
use crate::types::Type;

const ANY: Kind = Kind::Expr(TypeSet::Any);

/// What is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Append,
    Prepend,
    Insert,
    Extend,
}

/// A function that adds to a list.
struct Adding {
    what: What,
    signature: Signature,
}

const VALUE: &[Param] = &[param("value", ANY, Default::Required, "The value.")];

static ADDING: [Adding; 4] = [
    Adding {
        what: What::Append,
        signature: expression(
            "append",
            "Adds a value at the end of a list.",
            VALUE,
            &[example(
                r#"values(F("tags").append("seen"))"#,
                "Adds a tag.",
            )],
        ),
    },
    Adding {
        what: What::Prepend,
        signature: expression(
            "prepend",
            "Adds a value at the beginning of a list.",
            VALUE,
            &[example(
                r#"values(F("tags").prepend("seen"))"#,
                "Adds a tag in front.",
            )],
        ),
    },
    Adding {
        what: What::Insert,
        signature: expression(
            "insert",
            "Adds a value before a position of a list; beyond the ends it is added at the end or the beginning.",
            &[
                param(
                    "index",
                    Kind::Expr(TypeSet::Number),
                    Default::Required,
                    "The position, from the end if negative.",
                ),
                param("value", ANY, Default::Required, "The value."),
            ],
            &[example(
                r#"values(F("tags").insert(1, "seen"))"#,
                "Adds a tag as the second.",
            )],
        ),
    },
    Adding {
        what: What::Extend,
        signature: expression(
            "extend",
            "Adds the values of other lists at the end.",
            &[param(
                "args",
                Kind::List(&ANY),
                Default::Required,
                "One list, or several.",
            )],
            &[example(
                r#"values(F("tags").extend(["seen", "kept"]))"#,
                "Adds two tags.",
            )],
        ),
    },
];

impl Function for Adding {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let mut item = list_item(args)?;
        let from = if self.what == What::Insert { 2 } else { 1 };
        if from == 2 && args[1].ty != Type::Int {
            return Err(Mismatch::new(1, "a whole number as position"));
        }
        for (at, arg) in args.iter().enumerate().skip(from) {
            let other = if self.what == What::Extend {
                arg.ty.item().ok_or_else(|| {
                    Mismatch::new(at, "a list").hint("write [value], or .append(value)")
                })?
            } else {
                arg.ty.clone()
            };
            item = item
                .unify(&other)
                .ok_or_else(|| Mismatch::new(at, format!("values of type {}", item.clone())))?;
        }
        Ok(Type::list(item))
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let item = call.ty.item().unwrap_or(Type::Null);
        let lists = call.lists(0)?;
        let own = lists.values.len() as u32;
        let mut pool = vec![lists.values.clone()];
        let mut others: Vec<(Lists, u32)> = Vec::new();
        let mut base = own;
        if self.what == What::Extend {
            for k in 1..call.args.len() {
                let other = call.lists(k)?;
                pool.push(other.values.clone());
                let len = other.values.len() as u32;
                others.push((other, base));
                base += len;
            }
        } else {
            pool.push(call.column(call.args.len() - 1)?);
        }
        let at = if self.what == What::Insert {
            Some(call.ints(1)?)
        } else {
            None
        };
        let mut rows: Vec<u32> = Vec::new();
        let mut offsets = vec![0u32];
        let mut valid = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let range = lists.range(row);
            let mut fine = lists.is_valid(row);
            let begun = rows.len();
            rows.extend(range.clone().map(|at| at as u32));
            let value = own + row as u32;
            match (self.what, &at) {
                (What::Append, _) => rows.push(value),
                (What::Prepend, _) => rows.insert(begun, value),
                (What::Insert, Some(at)) => match at.at(row) {
                    Some(at) => {
                        let len = range.len() as i64;
                        let at = if at < 0 {
                            at.saturating_add(len).max(0)
                        } else {
                            at.min(len)
                        };
                        rows.insert(begun + at as usize, value);
                    }
                    None => fine = false,
                },
                _ => {
                    for (other, base) in &others {
                        fine &= other.is_valid(row);
                        rows.extend(other.range(row).map(|at| base + at as u32));
                    }
                }
            }
            if !fine {
                rows.truncate(begun);
            }
            valid.push(fine);
            offsets.push(rows.len() as u32);
        }
        let values = gather(&join(&pool, &item)?, &rows)?;
        list(&offsets, values, Some(valid.into()))
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&ADDING[0]),
    method(&ADDING[1]),
    method(&ADDING[2]),
    method(&ADDING[3]),
];
