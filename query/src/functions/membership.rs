//! Is it one of these, and are these in it. Both sides become ranks among all their values, so that the type is looked at
//! once and a test is a look into a table.

use arrow::array::{Array, ArrayRef};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Lists, Texts, rank_together};
use crate::error::Error;
use crate::eval::Value;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// `x.is_in(values)`
pub struct IsIn;

/// Whether a value is one of a list.
pub static IS_IN: IsIn = IsIn;
static IS_IN_SIGNATURE: Signature = expression(
    "is_in",
    "Whether the value is one of a list; null is, if the list has None.",
    &[param(
        "values",
        Kind::Expr(TypeSet::Any),
        Default::Required,
        "A list, or one value.",
    )],
    &[
        example(
            r#"match(F("k20").is_in(["3", "7"]))"#,
            "Keeps two clusters.",
        ),
        example(
            r#"match(F("k20") in ["3", "7", None])"#,
            "The same with samples without a cluster.",
        ),
    ],
);

/// The type both sides are compared in: the value's and the list's item, ids as text where texts are given.
fn common(value: &Type, item: &Type) -> Option<Type> {
    match (value, item) {
        (Type::Id, Type::Text) | (Type::Text, Type::Id) => Some(Type::Text),
        (a, b) => a.unify(b),
    }
}

fn item_of(ty: &Type) -> Type {
    match ty {
        Type::List(item) => (**item).clone(),
        Type::Vector(_) => Type::Float,
        other => other.clone(),
    }
}

impl Function for IsIn {
    fn signature(&'static self) -> &'static Signature {
        &IS_IN_SIGNATURE
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let item = item_of(&args[1].ty);
        if common(&args[0].ty, &item).is_some() {
            return Ok(Type::Bool);
        }
        let mismatch = Mismatch::new(1, format!("values of type {}", args[0].ty));
        Err(match &args[0].ty {
            Type::List(own) if common(own, &item).is_some() => {
                mismatch.hint("for a list write `.contains([...])`, or `.is_subset([...])`")
            }
            ty if ty.is_number() && item == Type::Text => {
                mismatch.hint("write numbers without quotes")
            }
            Type::Text if item.is_number() => mismatch.hint("write texts with quotes"),
            _ => mismatch,
        })
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let item = item_of(&call.types[1]);
        let ty = common(&call.types[0], &item).unwrap_or(Type::Null);
        let value = call.args[0].array().clone();
        if !call.args[1].is_scalar() && call.types[1].is_list() {
            let lists = call.lists(1)?;
            let (ranks, _) = rank_together(&[call.column(0)?, lists.values.clone()], &ty)?;
            return Ok(call.test(|row| {
                let wanted = ranks[0][row];
                lists.is_valid(row) && ranks[1][lists.range(row)].contains(&wanted)
            }));
        }
        let wanted = match call.types[1].is_list() {
            true => Lists::of(call.args[1].array())?.values,
            false => call.args[1].expand(1.max(call.args[1].array().len()))?,
        };
        if !call.args[1].is_scalar() {
            let (ranks, _) = rank_together(&[call.column(0)?, wanted], &ty)?;
            return Ok(call.test(|row| ranks[0][row] == ranks[1][row]));
        }
        if let (Some(values), Some(wanted)) = (Texts::of(&value), Texts::of(&wanted))
            && !call.args[0].is_scalar()
        {
            // The usual question: a text column and a few texts.
            let null = wanted.iter().any(|text| text.is_none());
            let set: std::collections::HashSet<&str> = wanted.iter().flatten().collect();
            let found = values.test(|text| set.contains(text));
            let found = if null {
                &found | &super::nulls::null_bits(&value)
            } else {
                found
            };
            return Ok(super::truth(found));
        }
        let (ranks, distinct) = rank_together(&[call.column(0)?, wanted], &ty)?;
        let mut hit = vec![false; distinct.len()];
        let mut null = false;
        for code in &ranks[1] {
            match hit.get_mut(*code as usize) {
                Some(hit) => *hit = true,
                None => null = true,
            }
        }
        Ok(call.test(|row| hit.get(ranks[0][row] as usize).copied().unwrap_or(null)))
    }
}

/// `x.contains(values, all)` and `x.is_subset(values)`
struct Within {
    subset: bool,
}

static CONTAINS: Within = Within { subset: false };
static IS_SUBSET: Within = Within { subset: true };

static CONTAINS_SIGNATURE: Signature = expression(
    "contains",
    "Whether a list has any of the values, or all of them; a null list has none.",
    &[
        param(
            "values",
            Kind::Expr(TypeSet::Any),
            Default::Required,
            "One value, or a list of them.",
        ),
        param(
            "all",
            Kind::Bool,
            Default::Bool(false),
            "Whether all of them are needed.",
        ),
    ],
    &[
        example(
            r#"match(F("tags").contains("night"))"#,
            "Keeps samples with a tag.",
        ),
        example(
            r#"match(F("tags").contains(["night", "rain"], all=True))"#,
            "Keeps those with both.",
        ),
    ],
);

static IS_SUBSET_SIGNATURE: Signature = expression(
    "is_subset",
    "Whether all values of the list are among the given ones; a null list's are not.",
    &[param(
        "values",
        Kind::Expr(TypeSet::Any),
        Default::Required,
        "A list.",
    )],
    &[example(
        r#"match(F("tags").is_subset(["night", "rain"]))"#,
        "Keeps samples with no other tag.",
    )],
);

impl Function for Within {
    fn signature(&'static self) -> &'static Signature {
        if self.subset {
            &IS_SUBSET_SIGNATURE
        } else {
            &CONTAINS_SIGNATURE
        }
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let Some(own) = args[0].ty.item() else {
            let mismatch = Mismatch::new(0, "a list");
            return Err(match args[0].ty {
                Type::Text => mismatch.hint("for a text within a text write `.contains_str(...)`"),
                _ => mismatch,
            });
        };
        let item = item_of(&args[1].ty);
        let nested = common(&own, &args[1].ty).is_some() && !self.subset;
        if common(&own, &item).is_some() || nested {
            return Ok(Type::Bool);
        }
        Err(Mismatch::new(1, format!("values of type {own}")))
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        let own = call.types[0].item().unwrap_or(Type::Null);
        let single = !call.types[1].is_list() || common(&own, &item_of(&call.types[1])).is_none();
        let (wanted, ty) = if single {
            // One value a row is a list of one.
            let column = call.column(1)?;
            let offsets = (0..=call.len as u32).collect();
            let ty = common(&own, &call.types[1]).unwrap_or(Type::Null);
            (
                Lists {
                    offsets,
                    values: column,
                    valid: None,
                },
                ty,
            )
        } else {
            let once = Value::Column(call.args[1].array().clone());
            let ty = common(&own, &item_of(&call.types[1])).unwrap_or(Type::Null);
            (Lists::of(once.array())?, ty)
        };
        let scalar = call.args[1].is_scalar() && !single;
        let (ranks, _) = rank_together(&[lists.values.clone(), wanted.values.clone()], &ty)?;
        let all =
            call.args.get(2).is_some() && call.constant(2) == crate::columns::Datum::Bool(true);
        Ok(call.test(|row| {
            let at = if scalar { 0 } else { row };
            if !lists.is_valid(row) || !wanted.is_valid(at) {
                return false;
            }
            let mine = &ranks[0][lists.range(row)];
            let theirs = &ranks[1][wanted.range(at)];
            match (self.subset, all) {
                (true, _) => mine.iter().all(|code| theirs.contains(code)),
                (_, true) => theirs.iter().all(|code| mine.contains(code)),
                _ => theirs.iter().any(|code| mine.contains(code)),
            }
        }))
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[method(&IS_IN), method(&CONTAINS), method(&IS_SUBSET)];
