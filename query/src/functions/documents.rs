//! Documents with a field added or replaced.

use crate::diagnostic::Diagnostic;
use crate::plan::{Arguments, Expr, Node, Planner};
use crate::types::Type;

/// `x.set_field(field, value_or_expr, relative)`
pub(super) fn set_field(
    base: Expr,
    args: &Arguments<'_>,
    planner: &mut Planner<'_>,
) -> Option<Expr> {
    let Type::Struct(..) = base.ty else {
        let mistake = Diagnostic::new(
            "wrong-type",
            format!("`set_field` needs a document, and this is {}", base.ty),
            base.span,
            format!("{} here", base.ty),
        );
        planner.report(match base.ty {
            Type::List(_) => {
                mistake.hint("for the documents of a list write .map(F().set_field(...))")
            }
            _ => mistake,
        });
        return None;
    };
    let name = planner.maybe_text(args, "field")??;
    let relative = planner.bool(args, "relative")?;
    let value = args.get("value_or_expr")?;
    let value = if relative {
        planner.within(base.ty.clone(), None, |planner| planner.expr(value))?
    } else {
        planner.expr(value)?
    };
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let ty = with_field(&base.ty, &path, &value.ty)?;
    let (base, value) = (Box::new(base), Box::new(value));
    let node = if relative {
        Node::With(base, path, value)
    } else {
        Node::Put(base, path, value)
    };
    Some(Expr {
        node,
        ty,
        span: args.span,
    })
}

/// The type of a document with the field at a path added or replaced; `None` below what is no document.
pub(crate) fn with_field(base: &Type, path: &[String], value: &Type) -> Option<Type> {
    let Some((name, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    let (kind, mut fields) = match base {
        Type::Struct(kind, fields) => (*kind, fields.clone()),
        _ => (messier_store::StructKind::Plain, Vec::new()),
    };
    let old = fields
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, ty)| ty.clone());
    let new = with_field(&old.unwrap_or(Type::Null), rest, value)?;
    match fields.iter_mut().find(|(field, _)| field == name) {
        Some((_, ty)) => *ty = new,
        None => fields.push((name.clone(), new)),
    }
    Some(Type::Struct(kind, fields))
}
