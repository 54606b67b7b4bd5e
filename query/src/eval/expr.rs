//! One checked expression over one domain, whole columns at a time. The recursion is over the plan, whose depth the
//! planner limits; no step here is taken once a row.

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

use super::{Context, Value};
use crate::columns::{self, Lists, NO_RANK, cast, gather, join, rank};
use crate::domain::Domain;
use crate::error::Error;
use crate::functions::{Function, Invocation, truth};
use crate::plan::{Each, Expr, Node};
use crate::types::Type;

/// Evaluates `expr` for every row of `over`.
///
/// # Errors
/// What the source or Arrow reports. A value that cannot be computed is null and counted in `context`.
pub fn evaluate_expr(expr: &Expr, over: &Domain<'_>, context: &Context) -> Result<Value, Error> {
    let column = |array| Ok(Value::Column(array));
    match &expr.node {
        Node::Literal(array) => Ok(Value::Scalar(array.clone())),
        Node::Column(name) => column(over.column(name)?),
        Node::Element => column(or_null(over.element()?, expr, over)),
        Node::Accumulator => column(or_null(over.accumulator()?, expr, over)),
        Node::Child(of, name) => {
            let of = evaluate_expr(of, over, context)?;
            let child = columns::child(of.array(), name)
                .unwrap_or_else(|| new_null_array(&expr.ty.arrow(), of.array().len()));
            Ok(like(&of, child))
        }
        Node::Cast(of) => {
            let of = evaluate_expr(of, over, context)?;
            let array = cast(of.array(), &expr.ty)?;
            Ok(like(&of, array))
        }
        Node::Call(function, args) => call(*function, args, &expr.ty, over, context),
        Node::And(a, b) => logic(a, b, true, over, context),
        Node::Or(a, b) => logic(a, b, false, over, context),
        Node::Branch { arms, otherwise } => {
            column(branch(arms, otherwise.as_deref(), &expr.ty, over, context)?)
        }
        Node::Each(each, list, body) => {
            let list = evaluate_expr(list, over, context)?.expand(over.len())?;
            column(for_each(*each, &list, body, over, context)?)
        }
        Node::Reduce { list, body, init } => {
            column(reduce(list, body, init, &expr.ty, over, context)?)
        }
        Node::Bind(value, body) => {
            let value = evaluate_expr(value, over, context)?.expand(over.len())?;
            let result = evaluate_expr(body, &over.with_element(value), context)?;
            Ok(result)
        }
        Node::With(base, path, value) => {
            let base = evaluate_expr(base, over, context)?.expand(over.len())?;
            let value = evaluate_expr(value, &over.with_element(base.clone()), context)?
                .expand(over.len())?;
            column(replaced(&base, path, value, &expr.ty)?)
        }
        Node::Put(base, path, value) => {
            let base = evaluate_expr(base, over, context)?.expand(over.len())?;
            let value = evaluate_expr(value, over, context)?.expand(over.len())?;
            column(replaced(&base, path, value, &expr.ty)?)
        }
    }
}

/// The truth of a condition for every row of a domain; null is false.
///
/// # Errors
/// As [`evaluate_expr`].
pub fn truth_mask(
    expr: &Expr,
    over: &Domain<'_>,
    context: &Context,
) -> Result<BooleanBuffer, Error> {
    let value = evaluate_expr(expr, over, context)?;
    Ok(mask(&value, over.len()))
}

/// A value's truth; null is false.
fn mask(value: &Value, len: usize) -> BooleanBuffer {
    let Some(bools) = value.array().as_boolean_opt() else {
        return BooleanBuffer::new_unset(len);
    };
    if value.is_scalar() {
        let holds = bools.is_valid(0) && bools.value(0);
        return if holds {
            BooleanBuffer::new_set(len)
        } else {
            BooleanBuffer::new_unset(len)
        };
    }
    match bools.nulls() {
        Some(nulls) => bools.values() & nulls.inner(),
        None => bools.values().clone(),
    }
}

fn or_null(array: Option<ArrayRef>, expr: &Expr, over: &Domain<'_>) -> ArrayRef {
    array.unwrap_or_else(|| new_null_array(&expr.ty.arrow(), over.len()))
}

fn like(value: &Value, array: ArrayRef) -> Value {
    if value.is_scalar() {
        Value::Scalar(array)
    } else {
        Value::Column(array)
    }
}

fn call(
    function: &'static dyn Function,
    args: &[Expr],
    ty: &Type,
    over: &Domain<'_>,
    context: &Context,
) -> Result<Value, Error> {
    let values = args
        .iter()
        .map(|arg| evaluate_expr(arg, over, context))
        .collect::<Result<Vec<_>, _>>()?;
    let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
    let varying: Vec<usize> = function
        .options()
        .iter()
        .copied()
        .filter(|k| values.get(*k).is_some_and(|value| !value.is_scalar()))
        .collect();
    if !varying.is_empty() {
        return by_option(function, &values, &types, ty, &varying, over, context);
    }
    let folded = !function.per_row() && values.iter().all(Value::is_scalar);
    let len = if folded { 1 } else { over.len() };
    let before = context.skipped();
    let invocation = Invocation {
        args: &values,
        types: &types,
        ty,
        len,
        over,
        context,
    };
    let array = function.eval(&invocation)?;
    if folded {
        // One value stands for every row, and so does its failure.
        let lost = context.skipped() - before;
        context.set_skipped(before + lost * over.len() as u64);
        return Ok(Value::Scalar(array));
    }
    Ok(Value::Column(array))
}

/// A call whose options differ from row to row: rows with the same options are evaluated together, and an option that
/// is null gives null.
fn by_option(
    function: &'static dyn Function,
    values: &[Value],
    types: &[Type],
    ty: &Type,
    varying: &[usize],
    over: &Domain<'_>,
    context: &Context,
) -> Result<Value, Error> {
    let codes = varying
        .iter()
        .map(|k| Ok(rank(values[*k].array())?.codes))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut groups: std::collections::BTreeMap<Vec<u32>, Vec<u32>> = Default::default();
    for row in 0..over.len() {
        let key = codes.iter().map(|codes| codes[row]).collect();
        groups.entry(key).or_default().push(row as u32);
    }
    let mut order: Vec<u32> = Vec::with_capacity(over.len());
    let mut pieces = Vec::with_capacity(groups.len());
    for (key, rows) in groups {
        if key.contains(&NO_RANK) {
            pieces.push(new_null_array(&ty.arrow(), rows.len()));
            order.extend(rows);
            continue;
        }
        let some = values.iter().enumerate().map(|(k, value)| match value {
            Value::Scalar(_) => Ok(value.clone()),
            Value::Column(array) if varying.contains(&k) => {
                Ok(Value::Scalar(array.slice(rows[0] as usize, 1)))
            }
            Value::Column(array) => gather(array, &rows).map(Value::Column),
        });
        let some = some.collect::<Result<Vec<_>, Error>>()?;
        let here = over.at_rows(&rows);
        let invocation = Invocation {
            args: &some,
            types,
            ty,
            len: rows.len(),
            over: &here,
            context,
        };
        pieces.push(function.eval(&invocation)?);
        order.extend(&rows);
    }
    let mut back = vec![0u32; order.len()];
    for (at, row) in order.iter().enumerate() {
        back[*row as usize] = at as u32;
    }
    Ok(Value::Column(gather(&join(&pieces, ty)?, &back)?))
}

fn logic(
    a: &Expr,
    b: &Expr,
    both: bool,
    over: &Domain<'_>,
    context: &Context,
) -> Result<Value, Error> {
    let left = truth_mask(a, over, context)?;
    let combine = |right: &BooleanBuffer| if both { &left & right } else { &left | right };
    if !b.may_skip() {
        let right = truth_mask(b, over, context)?;
        return Ok(Value::Column(truth(combine(&right))));
    }
    let open: Vec<u32> = (0..over.len() as u32)
        .filter(|row| left.value(*row as usize) == both)
        .collect();
    let right = truth_mask(b, &over.at_rows(&open), context)?;
    let mut bits = vec![!both; over.len()];
    for (at, row) in open.iter().enumerate() {
        bits[*row as usize] = right.value(at);
    }
    Ok(Value::Column(truth(BooleanBuffer::from(bits))))
}

fn branch(
    arms: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    ty: &Type,
    over: &Domain<'_>,
    context: &Context,
) -> Result<ArrayRef, Error> {
    let mut open: Vec<u32> = (0..over.len() as u32).collect();
    let mut order: Vec<u32> = Vec::with_capacity(over.len());
    let mut pieces: Vec<ArrayRef> = Vec::new();
    for (when, then) in arms {
        let holds = truth_mask(when, &over.at_rows(&open), context)?;
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for (at, row) in open.iter().enumerate() {
            if holds.value(at) {
                taken.push(*row)
            } else {
                rest.push(*row)
            }
        }
        open = rest;
        pieces.push(evaluate_expr(then, &over.at_rows(&taken), context)?.expand(taken.len())?);
        order.append(&mut taken);
    }
    pieces.push(match otherwise {
        Some(other) => evaluate_expr(other, &over.at_rows(&open), context)?.expand(open.len())?,
        None => {
            context.skip(open.len() as u64);
            new_null_array(&DataType::Null, open.len())
        }
    });
    order.append(&mut open);
    let mut back = vec![0u32; order.len()];
    for (at, row) in order.iter().enumerate() {
        back[*row as usize] = at as u32;
    }
    gather(&join(&pieces, ty)?, &back)
}

fn for_each(
    each: Each,
    list: &ArrayRef,
    body: &Expr,
    over: &Domain<'_>,
    context: &Context,
) -> Result<ArrayRef, Error> {
    let lists = Lists::of(list)?;
    let parents = lists.parents();
    let below = over.of_values(&parents, lists.values.clone());
    match each {
        Each::Map => {
            let values = evaluate_expr(body, &below, context)?.expand(below.len())?;
            lists.with_values(values)
        }
        Each::Filter => {
            let keep = truth_mask(body, &below, context)?;
            let kept: Vec<u32> = keep.set_indices().map(|at| at as u32).collect();
            let mut lengths = vec![0u32; lists.len()];
            kept.iter()
                .for_each(|at| lengths[parents[*at as usize] as usize] += 1);
            lists.picked(kept, &lengths)
        }
        Each::Sort { reverse } => {
            let keys = evaluate_expr(body, &below, context)?.expand(below.len())?;
            let codes = rank(&keys)?.codes;
            let mut order: Vec<u32> = (0..codes.len() as u32).collect();
            for row in 0..lists.len() {
                order[lists.range(row)].sort_by_key(|at| {
                    let code = codes[*at as usize];
                    if reverse && code != NO_RANK {
                        NO_RANK - 1 - code
                    } else {
                        code
                    }
                });
            }
            let lengths: Vec<u32> = (0..lists.len())
                .map(|row| lists.range(row).len() as u32)
                .collect();
            lists.picked(order, &lengths)
        }
    }
}

/// Folds all lists at once: step j takes value j of every list that is longer than j.
fn reduce(
    list: &Expr,
    body: &Expr,
    init: &Expr,
    ty: &Type,
    over: &Domain<'_>,
    context: &Context,
) -> Result<ArrayRef, Error> {
    let lists = Lists::of(&evaluate_expr(list, over, context)?.expand(over.len())?)?;
    let init = evaluate_expr(init, over, context)?.expand(over.len())?;
    let mut state = cast(&init, ty)?;
    let mut rows: Vec<u32> = (0..over.len() as u32)
        .filter(|row| !lists.range(*row as usize).is_empty())
        .collect();
    let mut step = 0;
    while !rows.is_empty() {
        let at: Vec<u32> = rows
            .iter()
            .map(|row| lists.offsets[*row as usize] + step)
            .collect();
        let domain = over.folding(&rows, gather(&lists.values, &at)?, gather(&state, &rows)?);
        let next = evaluate_expr(body, &domain, context)?.expand(rows.len())?;
        let mut from: Vec<u32> = (0..over.len() as u32).collect();
        for (at, row) in rows.iter().enumerate() {
            from[*row as usize] = (over.len() + at) as u32;
        }
        state = gather(&join(&[state, next], ty)?, &from)?;
        step += 1;
        rows.retain(|row| lists.range(*row as usize).len() > step as usize);
    }
    if *state.data_type() == DataType::Null {
        return Ok(state);
    }
    // A list that is not there has no fold.
    let valid =
        arrow::buffer::NullBuffer::union(lists.valid.as_ref(), state.logical_nulls().as_ref());
    let data = state.to_data().into_builder().nulls(valid).build()?;
    Ok(arrow::array::make_array(data))
}

/// A struct column of type `ty` with the values at `path` replaced, or added.
pub(crate) fn replaced(
    base: &ArrayRef,
    path: &[String],
    value: ArrayRef,
    ty: &Type,
) -> Result<ArrayRef, Error> {
    let (Some((name, rest)), Type::Struct(_, fields)) = (path.split_first(), ty) else {
        return cast(&value, ty);
    };
    let structs = base.as_struct_opt();
    let columns = fields.iter().map(|(field, ty)| {
        let old = structs
            .and_then(|structs| structs.column_by_name(field).cloned())
            .unwrap_or_else(|| new_null_array(&ty.arrow(), base.len()));
        if field == name {
            replaced(&old, rest, value.clone(), ty)
        } else {
            Ok(old)
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let valid = structs.and_then(|structs| structs.nulls().cloned());
    Ok(columns::make_struct(ty, columns, valid, base.len()))
}
