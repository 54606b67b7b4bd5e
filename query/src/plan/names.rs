//! Names of fields to typed columns. A name that does not exist is an error with the nearest that does; nothing is ever
//! silently missing.

use super::{Expr, Node, Planner};
use crate::diagnostic::Diagnostic;
use crate::syntax::{FieldRef, Span};
use crate::types::Type;

impl Planner<'_> {
    /// A reference to a field, to the current element, or to a field of it.
    pub(crate) fn field(&mut self, field: &FieldRef, span: Span) -> Option<Expr> {
        let scope = self.scopes.last().cloned();
        let outside = |scope: &super::Scope| {
            let first = field.path.first();
            scope.open && first.is_some_and(|name| scope.element.child(name).is_none())
        };
        match scope {
            Some(scope) if self.scopes.len() == 1 && outside(&scope) => {
                self.root_field(&field.path, span)
            }
            Some(scope) if !field.root => {
                let element = Expr {
                    node: Node::Element,
                    ty: scope.element,
                    span,
                };
                self.descend(element, &field.path, "", span)
            }
            _ if field.path.is_empty() => self.refuse(
                Diagnostic::new(
                    "no-element",
                    "F() is the current element of a list, and there is none here",
                    span,
                    "not inside filter, map or reduce",
                )
                .hint("name a field: F(\"filepath\")"),
            ),
            _ => self.root_field(&field.path, span),
        }
    }

    /// A dotted path of the samples.
    pub fn path(&mut self, path: &str, span: Span) -> Option<Expr> {
        let names: Vec<String> = path.split('.').map(str::to_owned).collect();
        self.root_field(&names, span)
    }

    fn root_field(&mut self, path: &[String], span: Span) -> Option<Expr> {
        let (first, rest) = path.split_first()?;
        let Some(field) = self.schema.field(first) else {
            return self.unknown_field(path, span);
        };
        let ty = Type::from(&field.ty);
        let column = Expr {
            node: Node::Column(first.clone()),
            ty,
            span,
        };
        self.descend(column, rest, first, span)
    }

    /// The path below an expression.
    pub(crate) fn descend(
        &mut self,
        mut of: Expr,
        path: &[String],
        prefix: &str,
        span: Span,
    ) -> Option<Expr> {
        let mut walked = prefix.to_owned();
        for name in path {
            let Some(ty) = of.ty.child(name) else {
                return self.no_child(&of.ty, name, &walked, path, span);
            };
            if !walked.is_empty() {
                walked.push('.');
            }
            walked.push_str(name);
            of = Expr {
                node: Node::Child(Box::new(of), name.clone()),
                ty,
                span,
            };
        }
        Some(of)
    }

    fn no_child(
        &mut self,
        ty: &Type,
        name: &str,
        walked: &str,
        path: &[String],
        span: Span,
    ) -> Option<Expr> {
        let children = ty.children();
        let holder = if walked.is_empty() {
            "this element".to_owned()
        } else {
            format!("`{walked}`")
        };
        if children.is_empty() {
            let whole = path.join(".");
            let mut mistake = Diagnostic::new(
                "unknown-field",
                format!("{holder} is {} and has no field `{name}`", article(ty)),
                span,
                "no such field",
            );
            if self.schema.resolve(&whole).is_some() {
                mistake = mistake.hint(format!(
                    "`{whole}` is a field of the sample: F(\"${whole}\") reads it from here"
                ));
            }
            return self.refuse(mistake);
        }
        let names: Vec<&str> = children.iter().map(|(name, _)| name.as_str()).collect();
        let mistake = Diagnostic::new(
            "unknown-field",
            format!(
                "{holder} has no field `{name}`; it has {}",
                names.join(", ")
            ),
            span,
            "no such field",
        );
        self.refuse(mistake.candidates(name, names))
    }

    fn unknown_field(&mut self, path: &[String], span: Span) -> Option<Expr> {
        let name = path.join(".");
        let paths = self.schema.paths();
        let mut mistake = Diagnostic::new(
            "unknown-field",
            format!("there is no field called `{name}`"),
            span,
            "unknown field",
        );
        // Somebody who writes `width` most often means `metadata.width`.
        let ending: Vec<String> = paths
            .iter()
            .filter(|path| path.ends_with(&format!(".{name}")))
            .cloned()
            .collect();
        if let Some(best) = ending.first() {
            mistake = mistake.hint(format!("did you mean `{best}`?"));
            mistake.candidates = ending;
            return self.refuse(mistake);
        }
        mistake = mistake.candidates(&name, paths.iter().map(String::as_str));
        if mistake.candidates.is_empty() {
            let names: Vec<&str> = self.schema.fields.iter().map(|f| f.name.as_str()).collect();
            mistake = mistake.hint(format!("the fields are {}", names.join(", ")));
        }
        self.refuse(mistake)
    }
}

/// `an int`, `a string`: the type with its article.
pub(crate) fn article(ty: &Type) -> String {
    let name = ty.to_string();
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}
