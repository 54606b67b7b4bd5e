//! `let_in` as FiftyOne has it: in its argument the value's own expression, written again, stands for the value, and other
//! names mean what they mean outside. Here `F()` stands for it as well.

use super::Planner;
use crate::syntax::{Call, Expr, ExprKind, FieldRef, Span};

impl Planner<'_> {
    /// The call with `F()` wherever an argument repeats `receiver`, by its text.
    pub(super) fn unrepeated(&self, receiver: &Expr, call: &Call) -> Call {
        let slice = |span: Span| self.text.get(span.start..span.end);
        let mut call = call.clone();
        if let Some(wanted) = slice(receiver.span) {
            let is_repeated = |expr: &Expr| {
                expr.span.end - expr.span.start == wanted.len() && slice(expr.span) == Some(wanted)
            };
            for argument in &mut call.args {
                replace(&mut argument.value, &is_repeated);
            }
        }
        call
    }
}

fn replace(expr: &mut Expr, is_repeated: &dyn Fn(&Expr) -> bool) {
    if is_repeated(expr) {
        expr.kind = ExprKind::Field(FieldRef {
            path: Vec::new(),
            root: false,
            bare: false,
        });
        return;
    }
    let each = |inner: &mut Expr| replace(inner, is_repeated);
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Accumulator | ExprKind::Chain(_) => {}
        ExprKind::List(items) => items.iter_mut().for_each(each),
        ExprKind::Dict(pairs) => pairs.iter_mut().for_each(|(key, value)| {
            each(key);
            each(value);
        }),
        ExprKind::Unary(_, inner) | ExprKind::Subfield(inner, _) => each(inner),
        ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
            each(left);
            each(right);
        }
        ExprKind::Compare(first, rest) => {
            each(first);
            rest.iter_mut().for_each(|(_, operand)| each(operand));
        }
        ExprKind::Slice(inner, start, end) => {
            each(inner);
            start.iter_mut().chain(end).for_each(|bound| each(bound));
        }
        // Below these `F()` means something else.
        ExprKind::Method(inner, call) if binds(&call.name.node) => each(inner),
        ExprKind::Method(inner, call) => {
            each(inner);
            call.args.iter_mut().for_each(|arg| each(&mut arg.value));
        }
        ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| each(&mut arg.value)),
    }
}

/// Whether `F()` has a meaning of its own in a method's arguments.
fn binds(method: &str) -> bool {
    [
        "filter",
        "map",
        "reduce",
        "sort",
        "apply",
        "let_in",
        "set_field",
        "switch",
    ]
    .contains(&method)
}
