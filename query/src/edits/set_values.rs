//! `set_values`: a value for each sample of the view, in its order or by id or path.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef};
use messier_store::{Field, FieldType, SampleId};

use super::written::written;
use super::{Alter, Before, Change, Edit, SetColumn, fits, refused, values};
use crate::columns::{self, Datum, Texts, build, gather};
use crate::diagnostic::Diagnostic;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame, replaced};
use crate::functions::with_field;
use crate::plan::{Arguments, Planner, literal_value};
use crate::signature::{Default, FieldKind, Kind, Signature, edit, example, param};
use crate::stages::{Name, id_at, path_of};
use crate::syntax::{self, ExprKind, Span};
use crate::types::Type;

/// `set_values`
pub struct SetValues;

/// `set_values(field_name, values, key_field, skip_none)`
pub static SET_VALUES: SetValues = SetValues;
static SET_VALUES_SIGNATURE: Signature = edit(
    "set_values",
    "Stores a value for each sample of the view: a list in the view's order, or a dict by id or path.",
    &[
        param(
            "field",
            Kind::Field(FieldKind::New),
            Default::Required,
            "The field, made if it is not there, or a path within a document.",
        ),
        param(
            "values",
            Kind::Any,
            Default::Required,
            "A list of as many values as there are samples, or a dict of ids or paths and values.",
        ),
        param(
            "key_field",
            Kind::Optional(&Kind::Choice(&["id", "filepath"])),
            Default::Null,
            "What the keys of a dict are; by default 24 hex digits are an id, anything else a path.",
        ),
        param(
            "skip_none",
            Kind::Bool,
            Default::Bool(false),
            "Whether None leaves the stored value as it is.",
        ),
    ],
    &[
        example(
            r#"limit(2).set_values("weather", ["sun", "rain"])"#,
            "Sets a field of two samples.",
        ),
        example(
            r#"set_values("rank", {"650000000000000000000001": 1, "/data/b.png": 2})"#,
            "Sets it by id and by path.",
        ),
    ],
);

impl Edit for SetValues {
    fn signature(&'static self) -> &'static Signature {
        &SET_VALUES_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let path = path_of(args, planner)?;
        let key_field = planner.maybe_text(args, "key_field")?;
        let skip_none = planner.bool(args, "skip_none")?;
        let (top, leaf) = place(&path, args.span_of("field"), planner)?;
        let given = args.get("values")?;
        let (keys, exprs): (Option<Vec<_>>, Vec<&syntax::Expr>) = match &given.kind {
            ExprKind::List(items) => (None, items.iter().collect()),
            ExprKind::Dict(pairs) => {
                let keys: Vec<Option<(Name, Span)>> = pairs
                    .iter()
                    .map(|(key, _)| name_of(key, key_field.as_deref(), planner))
                    .collect();
                (
                    Some(keys.into_iter().collect::<Option<_>>()?),
                    pairs.iter().map(|(_, value)| value).collect(),
                )
            }
            _ => {
                return planner.refuse(
                    Diagnostic::new(
                        "bad-argument",
                        "`values` of `set_values` must be a list of values in the view's order, or a dict of ids or paths and values",
                        given.span,
                        "neither a list nor a dict",
                    )
                    .hint(format!(
                        "an expression is stored by set_field(\"{}\", ...).save()",
                        path.join(".")
                    )),
                );
            }
        };
        let name = path.join(".");
        let (leaf, values) = match leaf {
            Some(ty) => {
                let values = exprs
                    .iter()
                    .map(|expr| values::typed(expr, &ty, &name, planner));
                let values: Vec<Option<Datum>> = values.collect();
                (ty, values.into_iter().collect::<Option<Vec<_>>>()?)
            }
            None => found_type(&exprs, &name, given.span, planner)?,
        };
        let ty = match (&top, path.split_first()) {
            (Some(top), Some((_, rest))) => with_field(top, rest, &leaf)?,
            _ => leaf.clone(),
        };
        Some(Box::new(Given {
            path,
            ty,
            leaf,
            keys,
            values,
            skip_none,
            span: given.span,
        }))
    }
}

/// The stored types of the top-level field and of what lies at the path; `None` for what is new.
fn place(
    path: &[String],
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<(Option<Type>, Option<Type>)> {
    let schema = planner.env.schema;
    let (first, rest) = path.split_first()?;
    let Some(top) = schema.field(first) else {
        if rest.is_empty() {
            return Some((None, None));
        }
        planner.path(first, span)?;
        return None;
    };
    let mut ty = &top.ty;
    for (at, name) in rest.iter().enumerate() {
        let walked = path[..=at].join(".");
        let FieldType::Struct(_, fields) = ty else {
            let mistake = Diagnostic::new(
                "wrong-type",
                format!(
                    "`{walked}` is {}, and `set_values` sets one value a sample",
                    crate::plan::article(&Type::from(ty))
                ),
                span,
                "below something that is no document",
            );
            return planner.refuse(match ty {
                FieldType::List(_) => mistake.hint(format!(
                    "for something about every value of a list write set_field(\"{}\", expression).save()",
                    path.join(".")
                )),
                _ => mistake,
            });
        };
        let last = at + 1 == rest.len();
        match fields.iter().find(|field| field.name == *name) {
            Some(field) => ty = &field.ty,
            None if last && !fixed(first) => return Some((Some(Type::from(&top.ty)), None)),
            None => {
                planner.path(&path[..=at + 1].join("."), span)?;
                return None;
            }
        }
    }
    Some((Some(Type::from(&top.ty)), Some(Type::from(ty))))
}

/// Whether a field has the same type in every dataset.
fn fixed(name: &str) -> bool {
    messier_store::Schema::of_samples().field(name).is_some()
}

fn name_of(
    key: &syntax::Expr,
    field: Option<&str>,
    planner: &mut Planner<'_>,
) -> Option<(Name, Span)> {
    let name = match (literal_value(key), field) {
        (Some(Datum::Id(id)), None | Some("id")) => Some(Name::Id(id)),
        (Some(Datum::Text(text)), Some("filepath")) => Some(Name::Path(text)),
        (Some(Datum::Text(text)), field) => match (SampleId::parse(&text), field) {
            (Some(id), _) => Some(Name::Id(id.0)),
            (None, None) => Some(Name::Path(text)),
            (None, Some(_)) => None,
        },
        _ => None,
    };
    match name {
        Some(name) => Some((name, key.span)),
        None => planner.refuse(
            Diagnostic::new(
                "bad-argument",
                "the keys of `values` name samples, by id or by path",
                key.span,
                match field {
                    Some("id") => "not an id",
                    _ => "not a text",
                },
            )
            .hint("an id is 24 hex digits in quotes, a path is the sample's filepath"),
        ),
    }
}

/// The type that values of a new field have in common, and the values.
fn found_type(
    exprs: &[&syntax::Expr],
    name: &str,
    span: Span,
    planner: &mut Planner<'_>,
) -> Option<(Type, Vec<Datum>)> {
    let values: Vec<Option<Datum>> = exprs
        .iter()
        .map(|expr| values::untyped(expr, planner))
        .collect();
    let values = values.into_iter().collect::<Option<Vec<_>>>()?;
    let mut common = Type::Null;
    for (value, expr) in values.iter().zip(exprs) {
        let own = value.ty();
        let Some(ty) = own.as_ref().and_then(|ty| common.unify(ty)) else {
            let found = own.map_or("values of several types".to_owned(), |ty| ty.to_string());
            return planner.refuse(Diagnostic::new(
                "mixed-list",
                format!("a field holds values of one type, and these are {common} and {found}"),
                expr.span,
                "of another type",
            ));
        };
        common = ty;
    }
    match fits::storable(&common) {
        Some(ty) => Some((ty, values)),
        None => planner.refuse(Diagnostic::new(
            "wrong-type",
            format!("there is no field `{name}` yet, and these values do not say what type it has"),
            span,
            "nothing but null",
        )),
    }
}

#[derive(Debug)]
struct Given {
    path: Vec<String>,
    /// The type of the top-level field.
    ty: Type,
    /// The type of the values.
    leaf: Type,
    keys: Option<Vec<(Name, Span)>>,
    values: Vec<Datum>,
    skip_none: bool,
    span: Span,
}

impl Alter for Given {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        let mut positions = match &self.keys {
            Some(keys) => found(keys, frame)?,
            None => self.in_order(frame)?,
        };
        let mut values: Vec<&Datum> = self.values.iter().collect();
        if self.skip_none {
            let kept = positions.iter().zip(&values);
            let kept = kept.filter(|(_, value)| ***value != Datum::Null);
            (positions, values) = kept.map(|(at, value)| (*at, *value)).unzip();
        }
        let some = frame.at(&positions)?;
        let new = build(&self.leaf, &values);
        let (top, below) = self
            .path
            .split_first()
            .map_or(("", &[][..]), |(top, rest)| (top.as_str(), rest));
        let new = match below {
            [] => new,
            _ => self.within(top, below, &some, new)?,
        };
        let field = Field::new(top, self.ty.field_type());
        let values = written(&some, top, &self.ty, &new, self.span)?;
        Ok(Change::Columns {
            set: vec![SetColumn { field, values }],
            drop: Vec::new(),
            named: vec![self.path.join(".")],
        })
    }
}

impl Given {
    fn in_order(&self, frame: &Frame) -> Result<Vec<u32>, Error> {
        if self.values.len() == frame.len() {
            return Ok((0..frame.len() as u32).collect());
        }
        Err(refused(
            "wrong-length",
            format!(
                "`set_values` needs one value for each sample of the view: there are {} values for {} samples",
                self.values.len(),
                frame.len()
            ),
            self.span,
            format!("{} values", self.values.len()),
            "a dict sets some of the samples: {\"id or path\": value}",
        ))
    }

    /// The documents of some samples with the values put at a path.
    fn within(
        &self,
        top: &str,
        below: &[String],
        some: &Frame,
        new: ArrayRef,
    ) -> Result<ArrayRef, Error> {
        let base = gather(&some.base().column(top)?, &some.rows().rows())?;
        let mut holder = Some(base.clone());
        for name in std::iter::once(None).chain(below[..below.len() - 1].iter().map(Some)) {
            holder = match (name, holder) {
                (Some(name), Some(holder)) => columns::child(&holder, name),
                (_, holder) => holder,
            };
            let missing = holder.as_ref().map_or(0, |holder| {
                (0..holder.len())
                    .filter(|row| holder.is_null(*row) && new.is_valid(*row))
                    .count()
            });
            if missing > 0 {
                return Err(refused(
                    "no-document",
                    format!(
                        "{missing} of these samples have no `{top}` in which `{}` could be set",
                        below.join(".")
                    ),
                    self.span,
                    "values for documents that are not there",
                    format!(
                        "set the whole field: set_values(\"{top}\", [{{...}}, ...]), or leave these samples out with exists(\"{top}\")"
                    ),
                ));
            }
        }
        replaced(&base, below, new, &self.ty)
    }
}

/// The position in the view of each sample named.
fn found(keys: &[(Name, Span)], frame: &Frame) -> Result<Vec<u32>, Error> {
    /// Mistakes shown at once.
    const SHOWN: usize = 8;
    let mut places: HashMap<Name, u32> = HashMap::with_capacity(keys.len());
    let wanted: std::collections::HashSet<&Name> = keys.iter().map(|(name, _)| name).collect();
    let mut note = |name: Name, at: usize| {
        if wanted.contains(&name) {
            places.insert(name, at as u32);
        }
    };
    if keys.iter().any(|(name, _)| matches!(name, Name::Id(_))) {
        let ids = frame.column("id")?;
        (0..ids.len()).for_each(|at| {
            if let Some(id) = id_at(&ids, at) {
                note(Name::Id(id), at);
            }
        });
    }
    if keys.iter().any(|(name, _)| matches!(name, Name::Path(_)))
        && let Some(paths) = Texts::of(&frame.column("filepath")?)
    {
        for (at, path) in paths.iter().enumerate() {
            if let Some(path) = path {
                note(Name::Path(path.to_owned()), at);
            }
        }
    }
    let mut mistakes = Vec::new();
    let mut seen: HashMap<u32, ()> = HashMap::new();
    let mut positions = Vec::with_capacity(keys.len());
    for (name, span) in keys {
        let what = match name {
            Name::Id(id) => format!("the id {}", SampleId(*id)),
            Name::Path(path) => format!("the path {path:?}"),
        };
        match places.get(name) {
            None => mistakes.push(
                Diagnostic::new(
                    "unknown-sample",
                    format!("no sample of the view has {what}"),
                    *span,
                    "no such sample",
                )
                .hint("nothing was set; ids() and values(\"filepath\") show which there are"),
            ),
            Some(at) if seen.insert(*at, ()).is_some() => mistakes.push(Diagnostic::new(
                "duplicate-key",
                format!("the sample with {what} is named twice; which value counts?"),
                *span,
                "named again",
            )),
            Some(at) => positions.push(*at),
        }
    }
    if mistakes.is_empty() {
        return Ok(positions);
    }
    mistakes.truncate(SHOWN);
    Err(crate::Diagnostics(mistakes).into())
}
