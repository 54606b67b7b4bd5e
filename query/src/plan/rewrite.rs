//! A column with what lies at a path rewritten: through documents and through lists of them, at whatever depth, as one
//! expression. Stages that set, map or filter nested fields are made of it.

use super::{Each, Expr, Node, Planner};
use crate::diagnostic::Diagnostic;
use crate::functions::with_field;
use crate::syntax::Span;
use crate::types::Type;

/// What happens at the end of the path, to the expression of the value there.
pub(crate) type Leaf<'f> = &'f mut dyn FnMut(Expr, &mut Planner<'_>) -> Option<Expr>;

impl Planner<'_> {
    /// The top-level column of `path` with the value at its end rewritten. Where `lists` is set, a list at the end is
    /// rewritten value by value, otherwise as a whole.
    pub(crate) fn rewritten(
        &mut self,
        path: &[String],
        span: Span,
        lists: bool,
        leaf: Leaf<'_>,
    ) -> Option<(String, Expr)> {
        let (first, rest) = path.split_first()?;
        let column = self.path(first, span)?;
        // The end must exist, or the path is a mistake of the person's.
        self.path(&path.join("."), span)?;
        let expr = self.rewrite(column, rest, lists, leaf)?;
        Some((first.clone(), expr))
    }

    fn rewrite(&mut self, of: Expr, path: &[String], lists: bool, leaf: Leaf<'_>) -> Option<Expr> {
        let span = of.span;
        if let Type::List(item) = &of.ty
            && (lists || !path.is_empty())
        {
            let item = (**item).clone();
            let element = Expr {
                node: Node::Element,
                ty: item.clone(),
                span,
            };
            let body = self.within(item, None, |planner| {
                planner.rewrite(element, path, lists, leaf)
            })?;
            let ty = Type::list(body.ty.clone());
            return Some(Expr {
                node: Node::Each(Each::Map, Box::new(of), Box::new(body)),
                ty,
                span,
            });
        }
        let Some((name, rest)) = path.split_first() else {
            return leaf(of, self);
        };
        let below = of.ty.child(name)?;
        let element = Expr {
            node: Node::Element,
            ty: of.ty.clone(),
            span,
        };
        let child = Expr {
            node: Node::Child(Box::new(element), name.clone()),
            ty: below,
            span,
        };
        let value = self.within(of.ty.clone(), None, |planner| {
            planner.rewrite(child, rest, lists, leaf)
        })?;
        let ty = with_field(&of.ty, std::slice::from_ref(name), &value.ty)?;
        let node = Node::With(Box::new(of), vec![name.clone()], Box::new(value));
        Some(Expr { node, ty, span })
    }

    /// The top-level column of `path` with the field at its end set to an expression, in which `F()` is the document
    /// that has the field.
    pub(crate) fn set_at(
        &mut self,
        path: &[String],
        span: Span,
        value: &crate::syntax::Expr,
    ) -> Option<(String, Expr)> {
        let (last, above) = path.split_last()?;
        if above.is_empty() {
            return Some((last.clone(), self.expr(value)?));
        }
        let mut leaf = |document: Expr, planner: &mut Planner<'_>| {
            if !matches!(document.ty, Type::Struct(..)) {
                return planner.refuse(Diagnostic::new(
                    "wrong-type",
                    format!(
                        "`{}` is {} and cannot have a field `{last}`",
                        above.join("."),
                        super::names::article(&document.ty)
                    ),
                    span,
                    "not a document",
                ));
            }
            let ty = document.ty.clone();
            let value = planner.within(ty.clone(), None, |planner| planner.expr(value))?;
            let ty = with_field(&ty, std::slice::from_ref(last), &value.ty)?;
            let node = Node::With(Box::new(document), vec![last.clone()], Box::new(value));
            Some(Expr { node, ty, span })
        };
        self.rewritten(above, span, true, &mut leaf)
    }
}
