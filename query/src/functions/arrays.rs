//! Parts of lists: `[a, b]`, `x[i]`, `x[a:b]`, `length()`, `reverse()`. All work on offsets; the values themselves are
//! gathered at most once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::{join, lists::list};
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Signature, example, expression};
use crate::types::Type;

/// The receiver of a list function must be a list.
pub(super) fn list_item(args: &[Expr]) -> Result<Type, Mismatch> {
    args[0].ty.item().ok_or_else(|| {
        let mismatch = Mismatch::new(0, "a list");
        match args[0].ty {
            Type::Struct(..) => mismatch.hint("name the list in it"),
            Type::Text => mismatch.hint("texts have `.strlen()` and `.substr(start, end)`"),
            _ => mismatch,
        }
    })
}

/// A list written out, of values that differ from row to row.
pub struct MakeList;

/// `[a, b]`
pub static LIST: MakeList = MakeList;
static LIST_SIGNATURE: Signature = expression(
    "[...]",
    "Makes a list of values.",
    &[],
    &[example(
        r#"values([F("metadata.width"), F("metadata.height")])"#,
        "Gives sizes as lists.",
    )],
);

impl Function for MakeList {
    fn signature(&'static self) -> &'static Signature {
        &LIST_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let ty = args
            .iter()
            .try_fold(Type::Null, |ty, arg| ty.unify(&arg.ty));
        ty.map(Type::list)
            .ok_or_else(|| Mismatch::new(0, "values of one type"))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let item = call.ty.item().unwrap_or(Type::Null);
        let columns = (0..call.args.len())
            .map(|k| call.column(k))
            .collect::<Result<Vec<_>, _>>()?;
        let (width, len) = (columns.len(), call.len);
        let joined = join(&columns, &item)?;
        let rows: Vec<u32> = (0..len * width)
            .map(|at| (at % width * len + at / width) as u32)
            .collect();
        let values = arrow::compute::take(&joined, &UInt32Array::from(rows), None)?;
        let offsets: Vec<u32> = (0..=len).map(|row| (row * width) as u32).collect();
        list(&offsets, values, None)
    }
}

/// `x[i]`
pub struct Index;

/// One value of a list.
pub static INDEX: Index = Index;
static INDEX_SIGNATURE: Signature = expression(
    "x[i]",
    "Gives one value of a list or a vector, from the end if negative; null beyond the ends.",
    &[],
    &[example(
        r#"count_values(F("tags")[0])"#,
        "Counts first tags.",
    )],
);

impl Function for Index {
    fn signature(&'static self) -> &'static Signature {
        &INDEX_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let item = list_item(args)?;
        match args[1].ty {
            Type::Int => Ok(item),
            _ => Err(Mismatch::new(1, "a whole number as index")),
        }
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (lists, at) = (call.lists(0)?, call.ints(1)?);
        let rows = (0..call.len).map(|row| {
            let range = lists.range(row);
            let at = at.at(row)?;
            let len = range.len() as i64;
            let at = if at < 0 { at.checked_add(len)? } else { at };
            (0..len)
                .contains(&at)
                .then(|| range.start as u32 + at as u32)
        });
        let rows: UInt32Array = rows.collect();
        if lists.values.is_empty() {
            return Ok(arrow::array::new_null_array(
                lists.values.data_type(),
                call.len,
            ));
        }
        Ok(arrow::compute::take(&lists.values, &rows, None)?)
    }
}

/// `x[a:b]`
pub struct Slice;

/// A part of a list.
pub static SLICE: Slice = Slice;
static SLICE_SIGNATURE: Signature = expression(
    "x[a:b]",
    "Gives a part of a list as Python does: negative bounds from the end, bounds beyond the ends cut.",
    &[],
    &[example(
        r#"match(F("tags")[:2].contains("night"))"#,
        "Looks at the first two tags.",
    )],
);

impl Function for Slice {
    fn signature(&'static self) -> &'static Signature {
        &SLICE_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let item = list_item(args)?;
        for at in [1, 2] {
            if !matches!(args[at].ty, Type::Int | Type::Null) {
                return Err(Mismatch::new(at, "whole numbers as bounds"));
            }
        }
        Ok(Type::list(item))
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let (lists, start, end) = (call.lists(0)?, call.ints(1)?, call.ints(2)?);
        let mut rows = Vec::new();
        let mut lengths = Vec::with_capacity(call.len);
        for row in 0..call.len {
            let range = lists.range(row);
            let part = python_slice(range.len(), start.at(row), end.at(row));
            lengths.push(part.len() as u32);
            rows.extend(part.map(|at| (range.start + at) as u32));
        }
        lists.picked(rows, &lengths)
    }
}

/// The positions that Python's `[start:end]` takes of so many.
pub(crate) fn python_slice(
    len: usize,
    start: Option<i64>,
    end: Option<i64>,
) -> std::ops::Range<usize> {
    let len = len as i64;
    let bound = |at: i64| {
        if at < 0 {
            at.saturating_add(len).max(0)
        } else {
            at.min(len)
        }
    };
    let start = start.map_or(0, bound);
    let end = end.map_or(len, bound).max(start);
    start as usize..end as usize
}

/// `x.length()`
pub struct Length;

/// The number of values in a list.
pub static LENGTH: Length = Length;
static LENGTH_SIGNATURE: Signature = expression(
    "length",
    "Gives the number of values in a list; of null it is 0.",
    &[],
    &[example(
        r#"match(F("tags").length() >= 2)"#,
        "Keeps samples with several tags.",
    )],
);

impl Function for Length {
    fn signature(&'static self) -> &'static Signature {
        &LENGTH_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        list_item(args).map(|_| Type::Int)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        let lengths = lists
            .offsets
            .windows(2)
            .map(|pair| i64::from(pair[1] - pair[0]));
        Ok(Arc::new(lengths.collect::<Int64Array>()))
    }
}

/// `x.reverse()`
struct Reverse;

static REVERSE: Reverse = Reverse;
static REVERSE_SIGNATURE: Signature = expression(
    "reverse",
    "Gives the list from its end to its beginning.",
    &[],
    &[example(
        r#"values(F("tags").reverse())"#,
        "Gives tags, the last first.",
    )],
);

impl Function for Reverse {
    fn signature(&'static self) -> &'static Signature {
        &REVERSE_SIGNATURE
    }
    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        list_item(args).map(Type::list)
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let lists = call.lists(0)?;
        let lengths: Vec<u32> = (0..lists.len())
            .map(|row| lists.range(row).len() as u32)
            .collect();
        let rows = (0..lists.len()).flat_map(|row| lists.range(row).rev().map(|at| at as u32));
        lists.picked(rows.collect(), &lengths)
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[method(&LENGTH), method(&REVERSE)];

#[cfg(test)]
mod tests {
    use super::python_slice;

    #[test]
    fn slices_are_pythons() {
        assert_eq!(python_slice(5, Some(-2), None), 3..5);
        assert_eq!(python_slice(5, Some(1), Some(-1)), 1..4);
        assert_eq!(python_slice(0, Some(1), None), 0..0);
        assert_eq!(python_slice(3, Some(2), Some(1)), 2..2);
        assert_eq!(python_slice(3, Some(i64::MIN), Some(i64::MAX)), 0..3);
    }
}
