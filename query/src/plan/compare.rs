//! Comparisons: both sides brought to one type, or an error that names both and the likely fix.

use super::constant::read_moment;
use super::{Expr, Planner};
use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::functions;
use crate::syntax::{self, CompareOp, Span};
use crate::types::Type;

impl Planner<'_> {
    /// `a < b <= c`: every neighbouring pair holds.
    pub(crate) fn compare(
        &mut self,
        first: &syntax::Expr,
        rest: &[(CompareOp, syntax::Expr)],
        span: Span,
    ) -> Option<Expr> {
        let mut left = self.expr(first);
        let mut pairs = Vec::with_capacity(rest.len());
        let mut fine = true;
        for (op, right) in rest {
            let right = self.expr(right);
            let pair = match (left, right.clone()) {
                (Some(a), Some(b)) => self.comparison(*op, a, b, span),
                _ => None,
            };
            left = right;
            match pair {
                Some(pair) => pairs.push(pair),
                None => fine = false,
            }
        }
        if fine {
            self.joined(true, pairs, span)
        } else {
            None
        }
    }

    fn comparison(&mut self, op: CompareOp, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        match op {
            CompareOp::In | CompareOp::NotIn => {
                let found = self.membership(a, b, span)?;
                if op == CompareOp::In {
                    return Some(found);
                }
                return Some(Expr::call(&functions::NOT, vec![found], Type::Bool, span));
            }
            CompareOp::Eq | CompareOp::Ne => {
                let null = match (&a.ty, &b.ty) {
                    (_, Type::Null) => Some(&a),
                    (Type::Null, _) => Some(&b),
                    _ => None,
                };
                if let Some(of) = null {
                    let test = Expr::call(&functions::IS_NULL, vec![of.clone()], Type::Bool, span);
                    return Some(match op {
                        CompareOp::Eq => test,
                        _ => Expr::call(&functions::NOT, vec![test], Type::Bool, span),
                    });
                }
            }
            _ => {}
        }
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordered && (a.ty == Type::Null || b.ty == Type::Null) {
            return self.refuse(
                Diagnostic::new(
                    "wrong-type",
                    "nothing is less or greater than None",
                    span,
                    "an order with None",
                )
                .hint("test for null with `== None`, `!= None` or `.exists()`"),
            );
        }
        if ordered && let Some(bad) = [&a, &b].into_iter().find(|side| !side.ty.is_ordered()) {
            let hint = match &bad.ty {
                Type::List(_) => "compare one number of it: `.length()`, `.max()`, `[0]`",
                Type::Vector(_) => "compare one number of it: `[0]`, `.norm()`",
                _ => "compare one of its fields",
            };
            let mistake = Diagnostic::new(
                "wrong-type",
                format!("values of type {} have no order", bad.ty),
                bad.span,
                format!("{} here", bad.ty),
            );
            return self.refuse(mistake.hint(hint));
        }
        let (a, b) = self.agree(a, b, span)?;
        Some(Expr::call(
            functions::comparison(op),
            vec![a, b],
            Type::Bool,
            span,
        ))
    }

    fn membership(&mut self, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        if b.ty.is_list() || b.ty == Type::Null {
            return self.function(&functions::IS_IN, vec![a, b], span, span);
        }
        let hint = match b.ty {
            Type::Text => format!(
                "for a text within a text write {}.contains_str({})",
                self.snippet(b.span),
                self.snippet(a.span)
            ),
            _ => format!(
                "for one value write {} == {}",
                self.snippet(a.span),
                self.snippet(b.span)
            ),
        };
        let mistake = Diagnostic::new(
            "wrong-type",
            format!(
                "`in` needs a list on its right, and this is {}",
                super::names::article(&b.ty)
            ),
            b.span,
            format!("{} here", b.ty),
        );
        self.refuse(mistake.hint(hint))
    }

    /// Both sides as one type that can be compared.
    pub(crate) fn agree(&mut self, a: Expr, b: Expr, span: Span) -> Option<(Expr, Expr)> {
        if let Some(ty) = a.ty.unify(&b.ty) {
            return Some((a.cast(&ty), b.cast(&ty)));
        }
        match (&a.ty, &b.ty) {
            (Type::Id, Type::Text) => {
                let b = self.id_text(b)?;
                let ty = b.ty.clone();
                Some((a.cast(&ty), b))
            }
            (Type::Text, Type::Id) => {
                let a = self.id_text(a)?;
                let ty = a.ty.clone();
                Some((a, b.cast(&ty)))
            }
            (x, Type::Text) if x.is_date() && b.constant().is_some() => {
                let b = self.moment(b)?;
                Some((a.cast(&Type::DateTime), b))
            }
            (Type::Text, y) if y.is_date() && a.constant().is_some() => {
                let a = self.moment(a)?;
                Some((a, b.cast(&Type::DateTime)))
            }
            _ => {
                let mistake = Diagnostic::new(
                    "wrong-type",
                    format!("{} and {} can never be equal or ordered", a.ty, b.ty),
                    span,
                    format!("{} against {}", a.ty, b.ty),
                );
                let mistake = match self.fix(&a, &b).or_else(|| self.fix(&b, &a)) {
                    Some((fix, None)) => mistake.hint(fix),
                    Some((fix, Some((span, text)))) => mistake.hint(fix).edit(span, text),
                    None => mistake,
                };
                self.refuse(mistake)
            }
        }
    }

    /// A text compared with an id: a literal must be one, a column is compared as text.
    fn id_text(&mut self, text: Expr) -> Option<Expr> {
        match text.constant() {
            Some(Datum::Text(hex)) => match messier_store::SampleId::parse(&hex) {
                Some(id) => Some(Expr::literal(&Datum::Id(id.0), Type::Id, text.span)),
                None => self.refuse(Diagnostic::new(
                    "bad-id",
                    format!("{hex:?} is no id: an id has 24 hex digits"),
                    text.span,
                    "compared with an id",
                )),
            },
            _ => Some(text),
        }
    }

    /// A text literal where a date is expected.
    pub(crate) fn moment(&mut self, text: Expr) -> Option<Expr> {
        let Some(Datum::Text(iso)) = text.constant() else {
            return Some(text);
        };
        match read_moment(&iso) {
            Some(millis) => Some(Expr::literal(
                &Datum::DateTime(millis),
                Type::DateTime,
                text.span,
            )),
            None => self.refuse(
                Diagnostic::new(
                    "bad-date",
                    format!("{iso:?} is no date"),
                    text.span,
                    "compared with a date",
                )
                .hint("write it as \"2026-11-23\" or \"2026-11-23T10:00:00Z\""),
            ),
        }
    }

    /// What would work when `a` is compared with `b`, and where a change of the text makes it so.
    fn fix(&self, a: &Expr, b: &Expr) -> Option<(String, Option<(Span, String)>)> {
        let name = self.snippet(a.span);
        let written = |text: String| Some((b.span, text));
        let quoted = |x: &dyn std::fmt::Display| {
            Some((
                format!("write the text with quotes: \"{x}\""),
                written(format!("\"{x}\"")),
            ))
        };
        let bool = |x: bool| {
            let name = if x { "True" } else { "False" };
            Some((
                format!("write {name}, without quotes"),
                written(name.to_owned()),
            ))
        };
        match (&a.ty, b.constant()) {
            (Type::Int | Type::Float, Some(Datum::Text(text))) => {
                match text.trim().parse::<f64>() {
                    Ok(_) => {
                        let number = text.trim().to_owned();
                        let hint = format!("write the number without quotes: {number}");
                        Some((hint, written(number)))
                    }
                    Err(_) => Some((
                        format!("{name} is a number: compare it with a number"),
                        None,
                    )),
                }
            }
            (Type::Text, Some(Datum::Int(x))) => quoted(&x),
            (Type::Text, Some(Datum::Float(x))) => quoted(&x),
            (Type::Text, Some(Datum::Bool(x))) => quoted(&x),
            (Type::Bool, Some(Datum::Int(x))) => bool(x != 0),
            (Type::Bool, Some(Datum::Text(text))) if text.eq_ignore_ascii_case("true") => {
                bool(true)
            }
            (Type::Bool, Some(Datum::Text(text))) if text.eq_ignore_ascii_case("false") => {
                bool(false)
            }
            (Type::List(item), _) if item.unify(&b.ty).is_some() => {
                let text = self.snippet(b.span);
                Some((
                    format!("ask whether the list has it: {name}.contains({text})"),
                    None,
                ))
            }
            (Type::DateTime | Type::Date, Some(Datum::Int(_))) => Some((
                "write a date: datetime(2026, 11, 23) or \"2026-11-23\"".to_owned(),
                None,
            )),
            (ty, _) => {
                let fits = |ty: &Type| ty.innermost().unify(&b.ty).is_some();
                let own = ty.children();
                let below = own.iter().flat_map(|(name, ty)| {
                    ty.children()
                        .iter()
                        .map(move |(child, ty)| (format!("{name}.{child}"), ty))
                });
                let all = own.iter().map(|(name, ty)| (name.clone(), ty)).chain(below);
                let found: Vec<(String, &Type)> = all.filter(|(_, ty)| fits(ty)).collect();
                // A label's name is what is most often meant.
                let named = found.iter().find(|(path, _)| path.ends_with("label"));
                let (path, _) = named.or(found.first())?;
                Some((format!("compare one of its fields, such as `{path}`"), None))
            }
        }
    }
}
