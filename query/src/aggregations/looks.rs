//! Looks at a view: `head first one ids schema list_schema explain`.

use arrow::array::{Array, ArrayRef};
use messier_store::{Field, FieldType, Schema};
use serde_json::{Map, Value as Json, json};

use super::input::FIELD;
use super::{Aggregate, Aggregation, Input, Outcome};
use crate::columns;
use crate::diagnostic::Diagnostic;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, TypeSet, aggregation, example, param};
use crate::types::Type;

/// Which look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Head,
    First,
    One,
    Ids,
    Schema,
    ListSchema,
    Explain,
}

/// A look at a view.
pub struct Look {
    what: What,
    signature: Signature,
}

/// `head(num_samples)`
pub static HEAD: Look = Look {
    what: What::Head,
    signature: aggregation(
        "head",
        "Gives the first samples.",
        &[param(
            "num_samples",
            Kind::Int {
                lo: 0,
                hi: i64::MAX,
            },
            Default::Int(3),
            "How many.",
        )],
        &[example(
            r#"sort_by("uniqueness").head(5)"#,
            "Gives the five least unique.",
        )],
    ),
};
/// `first()`
pub static FIRST: Look = Look {
    what: What::First,
    signature: aggregation(
        "first",
        "Gives the first sample, if there is one.",
        &[],
        &[example(
            r#"match(F("k20") == "7").first()"#,
            "Gives one of a cluster.",
        )],
    ),
};
/// `one(expr)`
pub static ONE: Look = Look {
    what: What::One,
    signature: aggregation(
        "one",
        "Gives the only sample; several, or none, are an error.",
        &[param(
            "expr",
            Kind::Expr(TypeSet::Bool),
            Default::Null,
            "A condition that only one sample meets.",
        )],
        &[example(
            r#"one(F("filepath") == "/data/a.jpg")"#,
            "Gives the sample of a file.",
        )],
    ),
};
/// `ids()`
pub static IDS: Look = Look {
    what: What::Ids,
    signature: aggregation(
        "ids",
        "Gives the ids of the samples.",
        &[],
        &[example(
            r#"match(F("k20") == "7").ids()"#,
            "Gives the ids of a cluster.",
        )],
    ),
};
/// `schema(field_or_expr)`
pub static SCHEMA: Look = Look {
    what: What::Schema,
    signature: aggregation(
        "schema",
        "Gives the names and types of the view's fields, or of a document's.",
        &[param(
            "field_or_expr",
            Kind::Expr(TypeSet::Any),
            Default::Null,
            "A field that holds documents; without it the samples.",
        )],
        &[
            example("schema()", "Names every field."),
            example(r#"schema("metadata")"#, "Names those of a document."),
        ],
    ),
};
/// `list_schema(field_or_expr)`
pub static LIST_SCHEMA: Look = Look {
    what: What::ListSchema,
    signature: aggregation(
        "list_schema",
        "Gives the type of the values of a list field.",
        &[FIELD],
        &[example(
            r#"list_schema("tags")"#,
            "Gives the type of a tag.",
        )],
    ),
};
/// `explain()`
pub static EXPLAIN: Look = Look {
    what: What::Explain,
    signature: aggregation(
        "explain",
        "Says what each step did: its rows and its time.",
        &[],
        &[example(
            r#"match(F("k20") == "7").limit(5).explain()"#,
            "Explains a query.",
        )],
    ),
};

#[derive(Debug)]
enum Looking {
    Head(usize),
    One(Option<crate::plan::Expr>),
    Ids,
    Value(Json),
    Explain,
}

impl Aggregation for Look {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Aggregate>> {
        Some(Box::new(match self.what {
            What::Head => {
                Looking::Head(usize::try_from(planner.int(args, "num_samples")?).unwrap_or(0))
            }
            What::First => Looking::Head(1),
            What::One => Looking::One(match args.get("expr") {
                None => None,
                Some(expr) => {
                    let condition = planner.expr(expr)?;
                    Some(planner.condition(condition, "one")?)
                }
            }),
            What::Ids => Looking::Ids,
            What::Explain => Looking::Explain,
            What::Schema => Looking::Value(match args.get("field_or_expr") {
                None => schema_json(planner.schema()),
                Some(_) => document_schema(args, planner)?,
            }),
            What::ListSchema => {
                let input = Input::plan(args, planner)?;
                let Some(item) = input.expr.ty.item() else {
                    planner.report(Diagnostic::new(
                        "wrong-type",
                        format!("`list_schema` needs a list, and this is {}", input.expr.ty),
                        input.expr.span,
                        "not a list",
                    ));
                    return None;
                };
                Looking::Value(json!(item.to_string()))
            }
        }))
    }
}

fn document_schema(args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Json> {
    let input = Input::plan(args, planner)?;
    match input.expr.ty.innermost() {
        Type::Struct(_, fields) => Some(Json::Object(
            fields
                .iter()
                .map(|(name, ty)| (name.clone(), json!(ty.to_string())))
                .collect(),
        )),
        other => {
            planner.report(Diagnostic::new(
                "wrong-type",
                format!("`schema` of a field needs documents, and this holds {other}"),
                input.expr.span,
                "no documents",
            ));
            None
        }
    }
}

/// Names and types of fields, those of documents below their own name.
fn schema_json(schema: &Schema) -> Json {
    fn add(prefix: &str, fields: &[Field], map: &mut Map<String, Json>) {
        for field in fields {
            let name = format!("{prefix}{}", field.name);
            map.insert(name.clone(), json!(field.ty.to_string()));
            if let FieldType::Struct(..) | FieldType::List(_) = field.ty {
                add(&format!("{name}."), field.ty.children(), map);
            }
        }
    }
    let mut map = Map::new();
    add("", &schema.fields, &mut map);
    Json::Object(map)
}

impl Aggregate for Looking {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Outcome, Error> {
        Ok(match self {
            Looking::Head(n) => Outcome::View(frame.slice(0, *n)?),
            Looking::One(condition) => {
                let found = match condition {
                    Some(condition) => {
                        let over = crate::domain::Domain::of_samples(frame);
                        frame.filter(crate::eval::truth_mask(condition, &over, context)?)?
                    }
                    None => frame.clone(),
                };
                match found.len() {
                    1 => Outcome::View(found),
                    found => return Err(Error::NotOne { found }),
                }
            }
            Looking::Ids => Outcome::Value(ids_json(&frame.column("id")?)),
            Looking::Value(value) => Outcome::Value(value.clone()),
            Looking::Explain => Outcome::Text(context.log()),
        })
    }
}

fn ids_json(ids: &ArrayRef) -> Json {
    Json::Array(
        (0..ids.len())
            .map(|row| columns::json(ids, row, &Type::Id))
            .collect(),
    )
}
