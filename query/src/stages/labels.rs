//! What label fields have in common: which there are, where their labels lie, and conditions about single labels.

use messier_store::StructKind;

use crate::columns::Datum;
use crate::diagnostic::Diagnostic;
use crate::functions::{self, MemberKind, Shape};
use crate::plan::{Arguments, Each, Expr, Node, Planner};
use crate::signature::{Default, Kind, Param, TypeSet, param};
use crate::syntax::Span;
use crate::types::{Type, is_label};

/// The parameters that say which labels are meant.
pub const IDS: Param = param(
    "ids",
    Kind::Optional(&Kind::List(&Kind::Text)),
    Default::Null,
    "Ids of labels.",
);
/// Tags of labels.
pub const TAGS: Param = param(
    "tags",
    Kind::Optional(&Kind::List(&Kind::Text)),
    Default::Null,
    "Tags of labels, any of which is enough.",
);
/// A condition about labels.
pub const FILTER: Param = param(
    "filter",
    Kind::Expr(TypeSet::Bool),
    Default::Null,
    "A condition, in which `F()` is a label.",
);
/// Which label fields.
pub const FIELDS: Param = param(
    "fields",
    Kind::Optional(&Kind::List(&Kind::Text)),
    Default::Null,
    "Label fields; by default all.",
);

/// A label field: its name, and the list in it where it holds several.
#[derive(Debug, Clone)]
pub struct LabelField {
    /// The top-level field.
    pub name: String,
    /// `detections` or `classifications`, if there is such a list.
    pub list: Option<&'static str>,
    /// The type of the field.
    pub ty: Type,
}

impl LabelField {
    /// The field as labels; `None` where it holds none.
    pub fn of(name: &str, ty: Type) -> Option<LabelField> {
        let list = match &ty {
            Type::Struct(StructKind::Detections, _) => Some("detections"),
            Type::Struct(StructKind::Classifications, _) => Some("classifications"),
            ty if is_label(ty) => None,
            _ => return None,
        };
        Some(LabelField {
            name: name.to_owned(),
            list,
            ty,
        })
    }

    /// The type of one label.
    pub fn label(&self) -> Type {
        let Some(list) = self.list else {
            return self.ty.clone();
        };
        self.ty
            .child(list)
            .and_then(|ty| ty.item())
            .unwrap_or(Type::Null)
    }

    /// The labels: a list of them, or the one label.
    pub fn labels(&self, span: Span) -> Expr {
        let column = Expr {
            node: Node::Column(self.name.clone()),
            ty: self.ty.clone(),
            span,
        };
        let Some(list) = self.list else { return column };
        let ty = self.ty.child(list).unwrap_or(Type::Null);
        Expr {
            node: Node::Child(Box::new(column), list.to_owned()),
            ty,
            span,
        }
    }

    /// The path of the labels.
    pub fn path(&self) -> Vec<String> {
        let list = self.list.map(str::to_owned);
        std::iter::once(self.name.clone()).chain(list).collect()
    }

    /// Whether a sample has any label in the field.
    pub fn any(&self, span: Span) -> Expr {
        some(self.labels(span), span)
    }

    /// The field with only the labels for which a condition holds.
    pub fn filtered(
        &self,
        condition: &Expr,
        span: Span,
        planner: &mut Planner<'_>,
    ) -> Option<Expr> {
        let mut leaf = |labels: Expr, _: &mut Planner<'_>| Some(kept(labels, condition, span));
        planner
            .rewritten(&self.path(), span, false, &mut leaf)
            .map(|(_, expr)| expr)
    }

    /// Whether a sample has a label for which a condition holds.
    pub fn any_that(&self, condition: &Expr, span: Span) -> Expr {
        some(kept(self.labels(span), condition, span), span)
    }
}

/// Labels for which a condition holds: of a list those, of one label it or null.
fn kept(labels: Expr, condition: &Expr, span: Span) -> Expr {
    let ty = labels.ty.clone();
    if ty.is_list() {
        let node = Node::Each(Each::Filter, Box::new(labels), Box::new(condition.clone()));
        return Expr { node, ty, span };
    }
    let element = Expr {
        node: Node::Element,
        ty: ty.clone(),
        span,
    };
    let null = Expr::literal(&Datum::Null, Type::Null, span).cast(&ty);
    let node = Node::Branch {
        arms: vec![(condition.clone(), element)],
        otherwise: Some(Box::new(null)),
    };
    let branch = Expr {
        node,
        ty: ty.clone(),
        span,
    };
    Expr {
        node: Node::Bind(Box::new(labels), Box::new(branch)),
        ty,
        span,
    }
}

/// Whether there is any label.
fn some(labels: Expr, span: Span) -> Expr {
    if !labels.ty.is_list() {
        let null = Expr::call(&functions::IS_NULL, vec![labels], Type::Bool, span);
        return Expr::call(&functions::NOT, vec![null], Type::Bool, span);
    }
    let zero = Expr::literal(&Datum::Int(0), Type::Int, span);
    let length = Expr::call(&functions::LENGTH, vec![labels], Type::Int, span);
    Expr::call(
        functions::comparison(crate::syntax::CompareOp::Gt),
        vec![length, zero],
        Type::Bool,
        span,
    )
}

/// A label field by name, or a mistake that names those there are.
pub fn label_field(name: &str, span: Span, planner: &mut Planner<'_>) -> Option<LabelField> {
    let found = planner.path(name, span)?;
    if let Some(field) = LabelField::of(name, found.ty.clone()) {
        return Some(field);
    }
    let names: Vec<String> = all(planner).into_iter().map(|field| field.name).collect();
    let mistake = Diagnostic::new(
        "wrong-type",
        format!("`{name}` holds {}, not labels", found.ty),
        span,
        "not a label field",
    );
    planner.report(match names.as_slice() {
        [] => mistake.hint("this dataset has no label fields"),
        names => mistake.hint(format!("the label fields are {}", names.join(", "))),
    });
    None
}

/// All label fields.
pub fn all(planner: &Planner<'_>) -> Vec<LabelField> {
    let fields = planner.schema().fields.iter();
    fields
        .filter_map(|field| LabelField::of(&field.name, Type::from(&field.ty)))
        .collect()
}

/// The label fields that `fields=` names, or all.
pub fn fields(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Vec<LabelField>> {
    let names = planner.texts(args, "fields")?;
    if names.is_empty() {
        let all = all(planner);
        if all.is_empty() {
            planner.report(Diagnostic::new(
                "wrong-type",
                format!(
                    "`{}` needs labels, and this dataset has no label field",
                    args.signature.name
                ),
                args.span,
                "no labels",
            ));
            return None;
        }
        return Some(all);
    }
    let span = args.span_of("fields");
    let found: Vec<_> = names
        .iter()
        .map(|name| label_field(name, span, planner))
        .collect();
    found.into_iter().collect()
}

/// The condition that `ids=`, `tags=` and `filter=` make about the labels of a field; `None` where none is given.
/// A field whose labels have no such ids or tags has no label that meets it.
pub fn condition(
    field: &LabelField,
    args: &Arguments<'_>,
    planner: &mut Planner<'_>,
) -> Option<Option<Expr>> {
    let label = field.label();
    let span = args.span;
    let element = Expr {
        node: Node::Element,
        ty: label.clone(),
        span,
    };
    let below = |name: &str| {
        label.child(name).map(|ty| {
            let node = Node::Child(Box::new(element.clone()), name.to_owned());
            Expr { node, ty, span }
        })
    };
    let never = || Expr::literal(&Datum::Bool(false), Type::Bool, span);
    let texts = |texts: &[String]| {
        let texts = texts.iter().cloned().map(Datum::Text).collect();
        Expr::literal(&Datum::List(texts), Type::list(Type::Text), span)
    };
    let mut conditions = Vec::new();
    let given = |name: &str| args.signature.param(name).is_some() && args.get(name).is_some();
    if given("ids") {
        let ids = planner.texts(args, "ids")?;
        conditions.push(match below("id") {
            Some(id) => Expr::call(&functions::IS_IN, vec![id, texts(&ids)], Type::Bool, span),
            None => never(),
        });
    }
    if given("tags") {
        let tags = planner.texts(args, "tags")?;
        let MemberKind::Function(contains) = functions::find(Shape::Method, "contains")?.kind
        else {
            return None;
        };
        let any = Expr::literal(&Datum::Bool(false), Type::Bool, span);
        conditions.push(match below("tags") {
            Some(own) => Expr::call(contains, vec![own, texts(&tags), any], Type::Bool, span),
            None => never(),
        });
    }
    if given("filter") {
        let filter = args.get("filter")?;
        conditions.push(planner.within(label.clone(), None, |planner| {
            let filter = planner.expr(filter)?;
            planner.condition(filter, "filter")
        })?);
    }
    let mut whole: Option<Expr> = None;
    for one in conditions {
        whole = match whole {
            None => Some(one),
            Some(before) => planner.logic(true, before, one, span),
        };
    }
    Some(whole)
}
