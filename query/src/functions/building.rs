//! Lists and texts built from lists: `join range enumerate zip`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::arrays::list_item;
use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Datum, Texts, gather, join, lists::list, make_struct};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::types::Type;

const ANY: Kind = Kind::Expr(TypeSet::Any);

/// More values than this a list function does not make.
const MOST: usize = 1 << 28;

/// `x.join(delim)`
struct Join;

static JOIN: Join = Join;
static JOIN_SIGNATURE: Signature = expression(
    "join",
    "Joins the texts of a list with a text between them.",
    &[param(
        "delim",
        Kind::Text,
        Default::Required,
        "The text between.",
    )],
    &[example(
        r#"count_values(F("tags").join("+"))"#,
        "Counts combinations of tags.",
    )],
);

impl Function for Join {
    fn signature(&'static self) -> &'static Signature {
        &JOIN_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        match list_item(args)? {
            Type::Text | Type::Null => Ok(Type::Text),
            _ => {
                Err(Mismatch::new(0, "a list of texts")
                    .hint("make texts with `.map(F().to_string())`"))
            }
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        let Datum::Text(delim) = call.constant(1) else {
            return call.column(1);
        };
        let texts = Texts::of(&lists.values);
        let joined = (0..call.len).map(|row| {
            lists.is_valid(row).then(|| {
                let parts = lists
                    .range(row)
                    .filter_map(|at| texts.as_ref().and_then(|t| t.at(at)));
                parts.collect::<Vec<_>>().join(&delim)
            })
        });
        Ok(Arc::new(joined.collect::<StringArray>()))
    }
}

/// `range(start, stop)`
struct Range;

static RANGE: Range = Range;
static RANGE_SIGNATURE: Signature = expression(
    "range",
    "Gives the whole numbers from a start up to, and without, a stop; with one argument from 0.",
    &[
        param(
            "start",
            Kind::Expr(TypeSet::Number),
            Default::Required,
            "The first number, or the stop if it is alone.",
        ),
        param(
            "stop",
            Kind::Expr(TypeSet::Number),
            Default::Null,
            "The number after the last.",
        ),
    ],
    &[example(
        r#"values(range(F("tags").length()))"#,
        "Numbers the tags.",
    )],
);

impl Function for Range {
    fn signature(&'static self) -> &'static Signature {
        &RANGE_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        for (at, arg) in args.iter().enumerate() {
            if !matches!(arg.ty, Type::Int | Type::Null) {
                return Err(Mismatch::new(at, "a whole number"));
            }
        }
        Ok(Type::list(Type::Int))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (first, second) = (call.ints(0)?, call.ints(1)?);
        let alone = call.types[1] == Type::Null;
        let mut numbers: Vec<i64> = Vec::new();
        let mut offsets = vec![0u32];
        let mut valid = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let bounds = match (alone, first.at(row), second.at(row)) {
                (true, Some(stop), _) => Some((0, stop)),
                (false, Some(start), Some(stop)) => Some((start, stop)),
                _ => None,
            };
            if let Some((start, stop)) = bounds {
                let size = usize::try_from(i128::from(stop) - i128::from(start)).unwrap_or(0);
                let size = size.saturating_add(numbers.len());
                if size > MOST && stop > start {
                    return Err(Error::TooLarge {
                        what: "range",
                        size,
                        limit: MOST,
                    });
                }
                numbers.extend(start..stop);
            }
            valid.push(bounds.is_some());
            offsets.push(numbers.len() as u32);
        }
        list(
            &offsets,
            Arc::new(Int64Array::from(numbers)),
            Some(valid.into()),
        )
    }
}

/// `enumerate(array, start)`
struct Enumerate;

static ENUMERATE: Enumerate = Enumerate;
static ENUMERATE_SIGNATURE: Signature = expression(
    "enumerate",
    "Gives documents of each position (`index`) and value (`value`) of a list.",
    &[
        param("array", ANY, Default::Required, "The list."),
        param(
            "start",
            Kind::Int {
                lo: i64::MIN,
                hi: i64::MAX,
            },
            Default::Int(0),
            "The first position.",
        ),
    ],
    &[example(
        r#"values(enumerate(F("tags"), start=1))"#,
        "Numbers the tags.",
    )],
);

fn pair_type(names: [&str; 2], types: [Type; 2]) -> Type {
    let names = names.into_iter().map(str::to_owned);
    Type::Struct(messier_store::StructKind::Plain, names.zip(types).collect())
}

impl Function for Enumerate {
    fn signature(&'static self) -> &'static Signature {
        &ENUMERATE_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let item = list_item(args)?;
        Ok(Type::list(pair_type(["index", "value"], [Type::Int, item])))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        let Datum::Int(start) = call.constant(1) else {
            return call.column(0);
        };
        let numbers = (0..lists.len())
            .flat_map(|row| (0..lists.range(row).len()).map(|at| start.wrapping_add(at as i64)));
        let numbers: ArrayRef = Arc::new(numbers.collect::<Int64Array>());
        let item = call.ty.item().unwrap_or(Type::Null);
        let len = lists.values.len();
        lists.with_values(make_struct(
            &item,
            vec![numbers, lists.values.clone()],
            None,
            len,
        ))
    }
}

/// `zip(a, b)`
struct Zip;

static ZIP: Zip = Zip;
static ZIP_SIGNATURE: Signature = expression(
    "zip",
    "Gives lists of the values of several lists at each position, as far as the shortest goes.",
    &[param(
        "args",
        Kind::List(&ANY),
        Default::Required,
        "Lists of one type of value.",
    )],
    &[example(
        r#"values(zip(F("tags"), F("ground_truth.detections.label")))"#,
        "Pairs tags and labels.",
    )],
);

impl Function for Zip {
    fn signature(&'static self) -> &'static Signature {
        &ZIP_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let mut item = Type::Null;
        for (at, arg) in args.iter().enumerate() {
            let other = arg.ty.item().ok_or_else(|| Mismatch::new(at, "a list"))?;
            item = item
                .unify(&other)
                .ok_or_else(|| Mismatch::new(at, format!("a list of {}", item.clone())))?;
        }
        Ok(Type::list(Type::list(item)))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let item = call
            .ty
            .item()
            .and_then(|ty| ty.item())
            .unwrap_or(Type::Null);
        let lists = (0..call.args.len())
            .map(|k| call.lists(k))
            .collect::<Result<Vec<_>, _>>()?;
        let mut bases = Vec::with_capacity(lists.len());
        let mut base = 0;
        for one in &lists {
            bases.push(base);
            base += one.values.len();
        }
        let (mut rows, mut inner, mut outer) = (Vec::new(), vec![0u32], vec![0u32]);
        let mut valid = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let fine = !lists.is_empty() && lists.iter().all(|list| list.is_valid(row));
            let shortest = lists
                .iter()
                .map(|list| list.range(row).len())
                .min()
                .unwrap_or(0);
            for at in 0..if fine { shortest } else { 0 } {
                for (list, base) in lists.iter().zip(&bases) {
                    rows.push((base + list.range(row).start + at) as u32);
                }
                inner.push(rows.len() as u32);
            }
            outer.push(inner.len() as u32 - 1);
            valid.push(fine);
        }
        let pool: Vec<ArrayRef> = lists.iter().map(|list| list.values.clone()).collect();
        let values = gather(&join(&pool, &item)?, &rows)?;
        list(&outer, list(&inner, values, None)?, Some(valid.into()))
    }
}

const fn member(shape: Shape, function: &'static dyn Function) -> Member {
    Member {
        shape,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    member(Shape::Method, &JOIN),
    member(Shape::Free, &RANGE),
    member(Shape::Free, &ENUMERATE),
    member(Shape::Free, &ZIP),
];
