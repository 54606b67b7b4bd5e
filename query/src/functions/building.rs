//! Lists and texts built from lists: `join range enumerate zip`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::arrays::list_item;
use super::{Form, Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{Datum, Texts, gather, join, lists::list, make_struct};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::plan::{Arguments, Expr, Planner};
use crate::signature::{Default, Kind, Signature, TypeSet, example, expression, param};
use crate::syntax::ExprKind;
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
    fn options(&self) -> &'static [usize] {
        &[1]
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
    fn options(&self) -> &'static [usize] {
        &[1]
    }
}

/// `zip(a, b, use_longest, defaults)`
struct Zip;

static ZIP: Zip = Zip;
static ZIP_SIGNATURE: Signature = expression(
    "zip",
    "Gives lists of the values of several lists at each position, as far as the shortest goes, or the longest.",
    &[
        param(
            "args",
            Kind::List(&ANY),
            Default::Required,
            "Lists of one type of value.",
        ),
        param(
            "use_longest",
            Kind::Bool,
            Default::Bool(false),
            "Goes on to the end of the longest list.",
        ),
        param(
            "defaults",
            ANY,
            Default::Null,
            "A list with a value for each of the lists, for positions that it does not have; null without it.",
        ),
    ],
    &[
        example(
            r#"values(zip(F("tags"), F("ground_truth.detections.label")))"#,
            "Pairs tags and labels.",
        ),
        example(
            r#"values(zip(F("tags"), F("ground_truth.detections.label"), use_longest=True, defaults=["no tag", "no label"]))"#,
            "Pairs all of them.",
        ),
    ],
);

impl Form for Zip {
    fn signature(&'static self) -> &'static Signature {
        &ZIP_SIGNATURE
    }
    fn plan(
        &self,
        _: Option<Expr>,
        args: &Arguments<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        let longest = planner.bool(args, "use_longest");
        let lists = args
            .get("args")
            .into_iter()
            .chain(args.rest.iter().copied());
        let mut planned: Vec<Option<Expr>> = lists.map(|expr| planner.expr(expr)).collect();
        let count = planned.len();
        let defaults = args
            .get("defaults")
            .filter(|expr| crate::plan::literal_value(expr) != Some(Datum::Null));
        if let Some(given) = defaults {
            let ExprKind::List(items) = &given.kind else {
                return planner.refuse(Diagnostic::new(
                    "bad-argument",
                    format!(
                        "`defaults` of `zip` must be a list of {count} values, one for each list"
                    ),
                    given.span,
                    "not a list",
                ));
            };
            if items.len() != count {
                return planner.refuse(Diagnostic::new(
                    "wrong-length",
                    format!(
                        "`defaults` of `zip` needs one value for each of the {count} lists, not {}",
                        items.len()
                    ),
                    given.span,
                    format!("{} values", items.len()),
                ));
            }
            if longest == Some(false) {
                return planner.refuse(
                    Diagnostic::new(
                        "bad-argument",
                        "`defaults` of `zip` stand where a list is at its end, which needs use_longest=True",
                        given.span,
                        "never used",
                    )
                    .hint("add use_longest=True"),
                );
            }
            planned.extend(items.iter().map(|item| planner.expr(item)));
        } else {
            let null = Expr::literal(&Datum::Null, Type::Null, args.span);
            planned.extend(std::iter::repeat_n(Some(null), count));
        }
        let planned = planned.into_iter().collect::<Option<Vec<_>>>()?;
        let function: &'static dyn Function = if longest? { &LONGEST } else { &SHORTEST };
        planner.function(function, planned, args.span, args.span)
    }
}

/// `zip` once it is planned: the lists, then as many defaults.
struct Zipped {
    longest: bool,
}

static SHORTEST: Zipped = Zipped { longest: false };
static LONGEST: Zipped = Zipped { longest: true };

impl Function for Zipped {
    fn signature(&'static self) -> &'static Signature {
        &ZIP_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let (lists, defaults) = args.split_at(args.len() / 2);
        let mut item = Type::Null;
        let items = lists.iter().map(|arg| arg.ty.item());
        let items = items.chain(defaults.iter().map(|arg| Some(arg.ty.clone())));
        for (at, other) in items.enumerate() {
            let other = other.ok_or_else(|| Mismatch::new(at, "a list"))?;
            let needs = || match at < lists.len() {
                true => format!("a list of {item}"),
                false => format!("a default of type {item}"),
            };
            item = item
                .unify(&other)
                .ok_or_else(|| Mismatch::new(at, needs()))?;
        }
        Ok(Type::list(Type::list(item)))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let item = call
            .ty
            .item()
            .and_then(|ty| ty.item())
            .unwrap_or(Type::Null);
        let count = call.args.len() / 2;
        let lists = (0..count)
            .map(|k| call.lists(k))
            .collect::<Result<Vec<_>, _>>()?;
        let mut pool: Vec<ArrayRef> = lists.iter().map(|list| list.values.clone()).collect();
        pool.extend((count..2 * count).map(|k| call.args[k].array().clone()));
        let mut bases = Vec::with_capacity(pool.len());
        let mut base = 0;
        for one in &pool {
            bases.push(base);
            base += one.len();
        }
        let (mut rows, mut inner, mut outer) = (Vec::new(), vec![0u32], vec![0u32]);
        let mut valid = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let fine = !lists.is_empty() && lists.iter().all(|list| list.is_valid(row));
            let lengths = lists.iter().map(|list| list.range(row).len());
            let length = if self.longest {
                lengths.max()
            } else {
                lengths.min()
            };
            for at in 0..if fine { length.unwrap_or(0) } else { 0 } {
                for (k, list) in lists.iter().enumerate() {
                    let range = list.range(row);
                    rows.push(if at < range.len() {
                        (bases[k] + range.start + at) as u32
                    } else {
                        (bases[count + k] + call.index(count + k, row)) as u32
                    });
                }
                inner.push(rows.len() as u32);
            }
            outer.push(inner.len() as u32 - 1);
            valid.push(fine);
        }
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
    Member {
        shape: Shape::Free,
        kind: MemberKind::Form(&ZIP),
    },
];
