//! The oracle: the language read once more from its rules, one row at a time, on plain values. Slow, and written without a
//! look at the evaluator: where the two differ, one of them is wrong.

mod methods;
mod values;

use std::cell::Cell;

use messier_query::columns::Datum;
use messier_query::syntax::{
    BinaryOp, Call, CompareOp, Expr, ExprKind, Literal, Query, Step, UnaryOp,
};
use serde_json::Value as Json;

use values::{compare, equal};
pub use values::{json, sort_order};

/// One sample: its fields by name.
pub type Row = Vec<(String, Datum)>;

/// What an expression sees.
#[derive(Clone, Copy)]
struct Place<'a> {
    row: &'a Row,
    element: Option<&'a Datum>,
    accumulator: Option<&'a Datum>,
    skipped: &'a Cell<u64>,
}

/// What a chain of stages and a final `values(expr)` come to: the values and how many could not be computed.
pub fn answer(query: &Query, rows: &[Row]) -> (Vec<Json>, u64) {
    let skipped = Cell::new(0);
    let mut rows: Vec<Row> = rows.to_vec();
    for step in &query.steps {
        let Step::Call(call) = step else {
            panic!("only calls are generated")
        };
        let arg = |at: usize| &call.args[at].value;
        let place = |row| Place {
            row,
            element: None,
            accumulator: None,
            skipped: &skipped,
        };
        match call.name.node.as_str() {
            "match" => {
                let keep: Vec<bool> = rows.iter().map(|row| truth(arg(0), place(row))).collect();
                let mut keep = keep.into_iter();
                rows.retain(|_| keep.next().unwrap());
            }
            "sort_by" => {
                let reverse = call.args.len() > 1;
                let mut keyed: Vec<(Datum, Row)> = rows
                    .iter()
                    .map(|row| (eval(arg(0), place(row)), row.clone()))
                    .collect();
                keyed.sort_by(|a, b| sort_order(&a.0, &b.0, reverse));
                rows = keyed.into_iter().map(|(_, row)| row).collect();
            }
            "limit" => rows.truncate(whole(arg(0)).max(0) as usize),
            "skip" => {
                let n = (whole(arg(0)).max(0) as usize).min(rows.len());
                rows.drain(..n);
            }
            "values" => {
                let values = rows
                    .iter()
                    .map(|row| json(&eval(arg(0), place(row))))
                    .collect();
                return (values, skipped.get());
            }
            other => panic!("{other} is not generated"),
        }
    }
    panic!("no values at the end")
}

fn whole(expr: &Expr) -> i64 {
    match &expr.kind {
        ExprKind::Literal(Literal::Int(x)) => *x,
        ExprKind::Unary(UnaryOp::Neg, inner) => -whole(inner),
        other => panic!("{other:?}"),
    }
}

fn truth(expr: &Expr, place: Place<'_>) -> bool {
    eval(expr, place) == Datum::Bool(true)
}

fn lost(place: Place<'_>) -> Datum {
    place.skipped.set(place.skipped.get() + 1);
    Datum::Null
}

fn field(value: &Datum, path: &[String]) -> Datum {
    let Some((name, rest)) = path.split_first() else {
        return value.clone();
    };
    match value {
        Datum::Struct(fields) => match fields.iter().find(|(field, _)| field == name) {
            Some((_, value)) => field_of(value, rest),
            None => Datum::Null,
        },
        Datum::List(items) => Datum::List(items.iter().map(|item| field(item, path)).collect()),
        _ => Datum::Null,
    }
}

fn field_of(value: &Datum, rest: &[String]) -> Datum {
    field(value, rest)
}

fn eval(expr: &Expr, place: Place<'_>) -> Datum {
    match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Null => Datum::Null,
            Literal::Bool(x) => Datum::Bool(*x),
            Literal::Int(x) => Datum::Int(*x),
            Literal::Float(x) => Datum::Float(*x),
            Literal::Text(x) => Datum::Text(x.clone()),
            Literal::DateTime(x) => Datum::DateTime(*x),
            Literal::Date(x) => Datum::Date(*x),
            Literal::Id(x) => Datum::Id(*x),
        },
        ExprKind::List(items) => Datum::List(items.iter().map(|item| eval(item, place)).collect()),
        ExprKind::Field(reference) => match place.element {
            Some(element) if !reference.root => field(element, &reference.path),
            _ => {
                let (first, rest) = reference.path.split_first().unwrap();
                let (_, value) = place.row.iter().find(|(name, _)| name == first).unwrap();
                field(value, rest)
            }
        },
        ExprKind::Accumulator => place.accumulator.unwrap().clone(),
        ExprKind::Unary(UnaryOp::Not, of) => Datum::Bool(!truth(of, place)),
        ExprKind::Unary(UnaryOp::Neg, of) => match eval(of, place) {
            Datum::Int(x) => Datum::Int(-x),
            Datum::Float(x) => Datum::Float(-x),
            _ => Datum::Null,
        },
        ExprKind::Binary(BinaryOp::And, a, b) => Datum::Bool(truth(a, place) && truth(b, place)),
        ExprKind::Binary(BinaryOp::Or, a, b) => Datum::Bool(truth(a, place) || truth(b, place)),
        ExprKind::Binary(op, a, b) => arithmetic(*op, eval(a, place), eval(b, place), place),
        ExprKind::Compare(first, rest) => {
            let mut left = eval(first, place);
            let mut holds = true;
            for (op, right) in rest {
                let right = eval(right, place);
                holds &= relation(*op, &left, &right);
                left = right;
            }
            Datum::Bool(holds)
        }
        ExprKind::Index(of, at) => {
            let of = eval(of, place);
            match (of, eval(at, place)) {
                (Datum::List(items), Datum::Int(at)) => {
                    let at = if at < 0 { at + items.len() as i64 } else { at };
                    usize::try_from(at)
                        .ok()
                        .and_then(|at| items.get(at).cloned())
                        .unwrap_or(Datum::Null)
                }
                _ => Datum::Null,
            }
        }
        ExprKind::Slice(of, start, end) => {
            let bound = |expr: &Option<Box<Expr>>| match expr.as_ref().map(|expr| eval(expr, place))
            {
                Some(Datum::Int(at)) => Some(at),
                _ => None,
            };
            match eval(of, place) {
                Datum::List(items) => Datum::List(slice(&items, bound(start), bound(end))),
                _ => Datum::Null,
            }
        }
        ExprKind::Method(receiver, call) => methods::method(receiver, call, place),
        ExprKind::Call(call) => free(call, place),
        other => panic!("{other:?} is not generated"),
    }
}

/// Python's slice.
fn slice<T: Clone>(items: &[T], start: Option<i64>, end: Option<i64>) -> Vec<T> {
    let len = items.len() as i64;
    let inside = |at: i64| (if at < 0 { at + len } else { at }).clamp(0, len);
    let (start, end) = (inside(start.unwrap_or(0)), inside(end.unwrap_or(len)));
    (start..end).map(|at| items[at as usize].clone()).collect()
}

fn free(call: &Call, place: Place<'_>) -> Datum {
    let items = || match &call.args[0].value.kind {
        ExprKind::List(items) => items,
        other => panic!("{other:?}"),
    };
    match call.name.node.as_str() {
        "E" | "literal" => eval(&call.args[0].value, place),
        "any" => Datum::Bool(items().iter().any(|item| truth(item, place))),
        "all" => Datum::Bool(items().iter().all(|item| truth(item, place))),
        other => panic!("{other} is not generated"),
    }
}

fn relation(op: CompareOp, a: &Datum, b: &Datum) -> bool {
    match op {
        CompareOp::Eq => equal(a, b),
        CompareOp::Ne => !equal(a, b),
        CompareOp::In => matches!(b, Datum::List(items) if items.iter().any(|item| equal(a, item))),
        CompareOp::NotIn => !relation(CompareOp::In, a, b),
        _ => match compare(a, b) {
            None => false,
            Some(order) => match op {
                CompareOp::Lt => order.is_lt(),
                CompareOp::Le => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            },
        },
    }
}

fn arithmetic(op: BinaryOp, a: Datum, b: Datum, place: Place<'_>) -> Datum {
    if a == Datum::Null || b == Datum::Null {
        return Datum::Null;
    }
    match (&a, &b, op) {
        (Datum::DateTime(x), Datum::DateTime(y), BinaryOp::Sub) => return Datum::Int(x - y),
        (Datum::DateTime(x), Datum::Int(y), BinaryOp::Add) => return Datum::DateTime(x + y),
        (Datum::DateTime(x), Datum::Int(y), BinaryOp::Sub) => return Datum::DateTime(x - y),
        _ => {}
    }
    if let (Datum::Int(x), Datum::Int(y)) = (&a, &b) {
        match op {
            BinaryOp::Add => return Datum::Int(x + y),
            BinaryOp::Sub => return Datum::Int(x - y),
            BinaryOp::Mul => return Datum::Int(x * y),
            BinaryOp::Rem if *y == 0 => return lost(place),
            BinaryOp::Rem => return Datum::Int(x % y),
            BinaryOp::Pow if *y >= 0 => return Datum::Int(x.pow(*y as u32)),
            _ => {}
        }
    }
    let (x, y) = (a.number().unwrap(), b.number().unwrap());
    match op {
        BinaryOp::Add => Datum::Float(x + y),
        BinaryOp::Sub => Datum::Float(x - y),
        BinaryOp::Mul => Datum::Float(x * y),
        BinaryOp::Div | BinaryOp::Rem if y == 0.0 => lost(place),
        BinaryOp::Div => Datum::Float(x / y),
        BinaryOp::Rem => Datum::Float(x % y),
        _ => Datum::Float(x.powf(y)),
    }
}
