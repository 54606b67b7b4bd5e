//! Sets from lists: `unique union intersection difference set_equals`. Values are compared by rank; what comes out is
//! ascending, without repetitions.

use arrow::array::ArrayRef;

use super::arrays::list_item;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{NO_RANK, cast, gather, lists::list, rank_together};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// What is made of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Unique,
    Union,
    Intersection,
    Difference,
    SetEquals,
}

/// A function of sets.
struct Sets {
    what: What,
    signature: Signature,
}

const OTHERS: &[Param] = &[param(
    "args",
    Kind::List(&Kind::Expr(TypeSet::Any)),
    Default::Required,
    "One list, or several.",
)];

static SETS: [Sets; 5] = [
    Sets {
        what: What::Unique,
        signature: expression(
            "unique",
            "Gives the values once each, ascending.",
            &[],
            &[example(
                r#"values(F("tags").unique())"#,
                "Gives tags without repetitions.",
            )],
        ),
    },
    Sets {
        what: What::Union,
        signature: expression(
            "union",
            "Gives the values of any of the lists, once each, ascending.",
            OTHERS,
            &[example(
                r#"values(F("tags").union(["seen"]))"#,
                "Adds a tag.",
            )],
        ),
    },
    Sets {
        what: What::Intersection,
        signature: expression(
            "intersection",
            "Gives the values that all of the lists have, once each, ascending.",
            OTHERS,
            &[example(
                r#"match(F("tags").intersection(["night", "rain"]).length() > 0)"#,
                "Keeps what has one of two tags.",
            )],
        ),
    },
    Sets {
        what: What::Difference,
        signature: expression(
            "difference",
            "Gives the values that no other list has, once each, ascending.",
            OTHERS,
            &[example(
                r#"values(F("tags").difference(["night"]))"#,
                "Leaves a tag out.",
            )],
        ),
    },
    Sets {
        what: What::SetEquals,
        signature: expression(
            "set_equals",
            "Whether all of the lists have the same values; a null list has not.",
            OTHERS,
            &[example(
                r#"match(F("tags").set_equals(["night", "rain"]))"#,
                "Keeps what has just these tags.",
            )],
        ),
    },
];

impl Function for Sets {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let mut item = list_item(args)?;
        for (at, arg) in args.iter().enumerate().skip(1) {
            let other = arg
                .ty
                .item()
                .ok_or_else(|| Mismatch::new(at, "a list").hint("write [value]"))?;
            item = item
                .unify(&other)
                .ok_or_else(|| Mismatch::new(at, format!("a list of {}", item.clone())))?;
        }
        Ok(if self.what == What::SetEquals {
            Type::Bool
        } else {
            Type::list(item)
        })
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = (0..call.args.len())
            .map(|k| call.lists(k))
            .collect::<Result<Vec<_>, _>>()?;
        let item = call
            .types
            .iter()
            .filter_map(Type::item)
            .try_fold(Type::Null, |ty, item| ty.unify(&item))
            .unwrap_or(Type::Null);
        let values: Vec<ArrayRef> = lists.iter().map(|list| list.values.clone()).collect();
        let (ranks, distinct) = rank_together(&values, &item)?;
        let valid = |row: usize| lists.iter().all(|list| list.is_valid(row));
        let set = |k: usize, row: usize| {
            let mut codes = ranks[k][lists[k].range(row)].to_vec();
            codes.sort_unstable();
            codes.dedup();
            codes
        };
        if self.what == What::SetEquals {
            return Ok(
                call.test(|row| valid(row) && (1..lists.len()).all(|k| set(k, row) == set(0, row)))
            );
        }
        let mut offsets = vec![0u32];
        let mut codes: Vec<u32> = Vec::new();
        for row in 0..call.len {
            if valid(row) {
                let mut found = set(0, row);
                for k in 1..lists.len() {
                    let other = set(k, row);
                    let has = |code: &u32| other.binary_search(code).is_ok();
                    match self.what {
                        What::Intersection => found.retain(has),
                        What::Difference => found.retain(|code| !has(code)),
                        _ => {
                            found.extend(other);
                            found.sort_unstable();
                            found.dedup();
                        }
                    }
                }
                codes.extend(found);
            }
            offsets.push(codes.len() as u32);
        }
        // Null as a value of a list comes last, as the greatest rank: one row beyond the distinct values.
        let null = arrow::array::new_null_array(distinct.data_type(), 1);
        let pool = crate::columns::join(&[distinct.clone(), null], &item)?;
        let rows: Vec<u32> = codes
            .iter()
            .map(|code| {
                if *code == NO_RANK {
                    distinct.len() as u32
                } else {
                    *code
                }
            })
            .collect();
        let values = cast(&gather(&pool, &rows)?, &item)?;
        let nulls = (0..call.len).map(valid).collect();
        list(&offsets, values, Some(nulls))
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
    method(&SETS[0]),
    method(&SETS[1]),
    method(&SETS[2]),
    method(&SETS[3]),
    method(&SETS[4]),
];
