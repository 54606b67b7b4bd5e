//! `sort_by`: stable, nulls and NaN last both ways. Followed by `limit(n)` it is a selection of the top n, not a sort.

use std::collections::BinaryHeap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType};

use super::Stage;
use crate::columns::{NO_RANK, float_key, rank};
use crate::diagnostic::Diagnostic;
use crate::domain::{Columns, Domain};
use crate::error::Error;
use crate::eval::{Context, Frame, evaluate_expr};
use crate::plan::{Arguments, Expr, Planner, Run};
use crate::signature::{Default, Kind, Signature, TypeSet, example, param, stage};
use crate::syntax::{self, ExprKind, Literal};

/// One key of a sort.
#[derive(Debug)]
pub struct Key {
    /// What is sorted by.
    pub by: Expr,
    /// Greatest first.
    pub reverse: bool,
}

/// Sorts the rows.
#[derive(Debug)]
pub struct Sorted {
    /// The keys, the most important first.
    pub keys: Vec<Key>,
}

impl Run for Sorted {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        self.top(frame, usize::MAX, context)
    }

    fn sort(&self) -> Option<&Sorted> {
        Some(self)
    }
}

impl Sorted {
    /// The first `n` of the sorted rows.
    ///
    /// # Errors
    /// What the source reports.
    pub fn top(&self, frame: Frame, n: usize, context: &Context) -> Result<Frame, Error> {
        let order = {
            let over = Domain::of_samples(&frame);
            let mut columns = Vec::with_capacity(self.keys.len());
            for key in &self.keys {
                let column = evaluate_expr(&key.by, &over, context)?.expand(over.len())?;
                columns.push(sort_codes(&column, key.reverse)?);
            }
            order(&columns, frame.len(), n)
        };
        frame.at(&order)
    }
}

/// The first `n` positions in the order of the codes, ties by position.
pub(super) fn order(columns: &[Vec<u64>], len: usize, n: usize) -> Vec<u32> {
    let n = n.min(len);
    let Some((first, rest)) = columns.split_first() else {
        return (0..n as u32).collect();
    };
    if rest.is_empty() && n * 64 < len {
        return least(first, n);
    }
    let mut keyed: Vec<(u64, u32)> = first
        .iter()
        .enumerate()
        .map(|(row, code)| (*code, row as u32))
        .collect();
    let compare = |a: &(u64, u32), b: &(u64, u32)| {
        let later = || {
            let pairs = rest
                .iter()
                .map(|codes| codes[a.1 as usize].cmp(&codes[b.1 as usize]));
            pairs
                .into_iter()
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.1.cmp(&b.1))
        };
        a.0.cmp(&b.0).then_with(later)
    };
    if n > 0 && n < len {
        keyed.select_nth_unstable_by(n - 1, compare);
    }
    keyed.truncate(n);
    keyed.sort_unstable_by(compare);
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// The positions of the `n` least codes, in order: one pass, in which almost every code is only compared with the
/// greatest kept so far.
fn least(codes: &[u64], n: usize) -> Vec<u32> {
    let mut kept: BinaryHeap<(u64, u32)> = BinaryHeap::with_capacity(n + 1);
    let mut bound = u64::MAX;
    for (row, code) in codes.iter().enumerate() {
        // A later row of the same code is behind those already kept.
        if kept.len() == n && *code >= bound {
            continue;
        }
        kept.push((*code, row as u32));
        if kept.len() > n {
            kept.pop();
        }
        bound = kept.peek().map_or(u64::MAX, |(code, _)| *code);
    }
    kept.into_sorted_vec()
        .into_iter()
        .map(|(_, row)| row)
        .collect()
}

/// Numbers whose order is the order of the values; null and NaN are the greatest, both ways.
pub(super) fn sort_codes(column: &ArrayRef, reverse: bool) -> Result<Vec<u64>, Error> {
    let flip = |code: u64| if reverse { !code - 1 } else { code };
    // The greatest code is null's; a value that would have it shares the next, which loses one of 2^64 places.
    let code = |code: u64| flip(code.min(u64::MAX - 1));
    let whole = |x: &i64| code((*x as u64) ^ (1 << 63));
    let mut codes: Vec<u64> = match column.data_type() {
        DataType::Int64 => column
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(whole)
            .collect(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMillisecondType>()
            .values()
            .iter()
            .map(whole)
            .collect(),
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            let key = |x: &f64| {
                if x.is_nan() {
                    u64::MAX
                } else {
                    code(float_key(*x))
                }
            };
            values.iter().map(key).collect()
        }
        _ => {
            let ranks = rank(column)?.codes;
            let key = |rank: u32| {
                if rank == NO_RANK {
                    u64::MAX
                } else {
                    code(u64::from(rank))
                }
            };
            return Ok(ranks.into_iter().map(key).collect());
        }
    };
    if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (row, code) in codes.iter_mut().enumerate() {
            if nulls.is_null(row) {
                *code = u64::MAX;
            }
        }
    }
    Ok(codes)
}

/// `sort_by`
pub struct SortBy;

/// `sort_by(field_or_expr, reverse)`
pub static SORT_BY: SortBy = SortBy;
static SORT_BY_SIGNATURE: Signature = stage(
    "sort_by",
    "Sorts by a field, an expression or several; null and NaN come last, ties keep their order.",
    &[
        param(
            "field_or_expr",
            Kind::Expr(TypeSet::Ordered),
            Default::Required,
            "A field by name, an expression, or a list of those and of `(field, direction)` pairs: 1 or -1.",
        ),
        param(
            "reverse",
            Kind::Bool,
            Default::Bool(false),
            "Greatest first.",
        ),
        param(
            "create_index",
            Kind::Bool,
            Default::Bool(true),
            "Taken for the sake of pasted code; there is no index to create, so nothing differs.",
        ),
    ],
    &[
        example(
            r#"sort_by("uniqueness", reverse=True).limit(5)"#,
            "Gives the five most unique.",
        ),
        example(
            r#"sort_by([("k20", 1), ("uniqueness", -1)])"#,
            "Sorts within clusters.",
        ),
    ],
);

impl Stage for SortBy {
    fn signature(&'static self) -> &'static Signature {
        &SORT_BY_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let reverse = planner.bool(args, "reverse");
        let keys = sort_keys(args.get("field_or_expr")?, planner);
        let reverse = reverse?;
        let mut keys = keys?;
        keys.iter_mut().for_each(|key| key.reverse ^= reverse);
        Some(Box::new(Sorted { keys }))
    }
}

/// The keys that an argument names: one, or a list of them.
pub(super) fn sort_keys(expr: &syntax::Expr, planner: &mut Planner<'_>) -> Option<Vec<Key>> {
    let ExprKind::List(items) = &expr.kind else {
        return Some(vec![Key {
            by: ordered(expr, planner)?,
            reverse: false,
        }]);
    };
    if let Some(reverse) = direction(items) {
        return Some(vec![Key {
            by: ordered(&items[0], planner)?,
            reverse,
        }]);
    }
    let keys: Vec<Option<Key>> = items
        .iter()
        .map(|item| {
            let pair = match &item.kind {
                ExprKind::List(pair) => direction(pair).map(|reverse| (&pair[0], reverse)),
                _ => Some((item, false)),
            };
            let Some((by, reverse)) = pair else {
                planner.report(
                    Diagnostic::new(
                        "bad-argument",
                        "a sort key is a field, or a pair of a field and 1 or -1",
                        item.span,
                        "not a sort key",
                    )
                    .hint("write (\"uniqueness\", -1) for greatest first"),
                );
                return None;
            };
            Some(Key {
                by: ordered(by, planner)?,
                reverse,
            })
        })
        .collect();
    keys.into_iter().collect()
}

/// Whether a pair ends in a direction, and which.
fn direction(pair: &[syntax::Expr]) -> Option<bool> {
    let [_, second] = pair else { return None };
    match crate::plan::literal_value(second)? {
        crate::columns::Datum::Int(1) => Some(false),
        crate::columns::Datum::Int(-1) => Some(true),
        crate::columns::Datum::Bool(reverse) => Some(reverse),
        _ => None,
    }
}

/// An expression that has an order.
pub(super) fn ordered(expr: &syntax::Expr, planner: &mut Planner<'_>) -> Option<Expr> {
    if let ExprKind::Literal(Literal::Null) = expr.kind {
        planner.report(Diagnostic::new(
            "bad-argument",
            "a field or an expression is needed to sort by",
            expr.span,
            "None",
        ));
        return None;
    }
    let by = planner.field_or_expr(expr)?;
    if by.ty.is_ordered() {
        return Some(by);
    }
    let hint = if by.ty.is_list() {
        "sort by one number of it: `.length()`, `.max()`, `[0]`"
    } else {
        "sort by one of its fields"
    };
    planner.report(
        Diagnostic::new(
            "wrong-type",
            format!("values of type {} have no order to sort by", by.ty),
            by.span,
            format!("{} here", by.ty),
        )
        .hint(hint),
    );
    None
}
