//! What people bring from other languages. Each habit is read as what it means, noted, and shown in our spelling: the
//! grammar proper knows none of this.

mod infix;
pub(crate) mod literals;
pub(crate) mod methods;
pub(crate) mod mongo;
pub(crate) mod operators;
pub(crate) mod pandas;
pub(crate) mod python;
pub(crate) mod sql;
pub(crate) mod tight;

use super::cursor::Parser;
use crate::syntax::{Expr, ExprKind, Query, Step};

/// Looks over a parsed query for habits that only show in the tree.
pub(crate) fn inspect(parser: &mut Parser<'_>, query: &Query) {
    pandas::frames(parser, query);
    for step in &query.steps {
        match step {
            Step::Call(call) => {
                if !mongo::filter(parser, call) {
                    call.args.iter().for_each(|arg| below(parser, &arg.value));
                }
            }
            Step::Slice { start, end, .. } => start
                .iter()
                .chain(end)
                .for_each(|bound| below(parser, bound)),
            Step::Bare(expr) => {
                if !mongo::bare(parser, expr) {
                    below(parser, expr);
                }
            }
        }
    }
}

fn below(parser: &mut Parser<'_>, expr: &Expr) {
    match &expr.kind {
        ExprKind::Chain(query) => inspect(parser, query),
        ExprKind::Dict(pairs) if mongo::is_foreign(pairs) => mongo::note(parser, expr),
        ExprKind::Method(inner, call) if mongo::filter(parser, call) => below(parser, inner),
        _ => {
            let mut children = Vec::new();
            expr.children(&mut |child| children.push(child));
            children.into_iter().for_each(|child| below(parser, child));
        }
    }
}

/// The text of `expr` as the receiver of a method: in parentheses unless it binds tighter than any operator.
pub(crate) fn receiver(parser: &Parser<'_>, expr: &Expr) -> String {
    let text = parser.slice(expr.span);
    if is_tight(parser, expr) {
        text.to_owned()
    } else {
        format!("({text})")
    }
}

/// Whether a method can be called on `expr` as it is written.
pub(crate) fn is_tight(parser: &Parser<'_>, expr: &Expr) -> bool {
    match expr.kind {
        ExprKind::Unary(..) | ExprKind::Binary(..) | ExprKind::Compare(..) => {
            // Parentheses are part of an expression's place.
            let text = parser.slice(expr.span);
            text.starts_with('(') && text.ends_with(')') && encloses(text)
        }
        _ => true,
    }
}

/// Whether the first parenthesis of `text` is closed by the last.
fn encloses(text: &str) -> bool {
    let mut open = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return at + 1 == text.len();
        }
    }
    false
}
