//! `sort_by_similarity`: the nearest first. By itself it compares the query with every vector; an index that the source
//! knows answers in its place.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array};
use arrow::datatypes::Float32Type;
use messier_store::{Field, FieldType, SampleId};

use super::{Name, Stage, id_at};
use crate::columns::{Datum, Texts};
use crate::diagnostic::Diagnostic;
use crate::edits::refused;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner, Run, article};
use crate::signature::{Default, FieldKind, Kind, Signature, example, param, stage};
use crate::similar::{Metric, Similarity, distances};
use crate::syntax::Span;
use crate::types::Type;

/// `sort_by_similarity`
pub struct SortBySimilarity;

const TEXT: Kind = Kind::Optional(&Kind::Text);

/// `sort_by_similarity(query, k, reverse, dist_field, index)`
pub static SORT_BY_SIMILARITY: SortBySimilarity = SortBySimilarity;
static SORT_BY_SIMILARITY_SIGNATURE: Signature = stage(
    "sort_by_similarity",
    "Sorts by the distance of a vector from the query's; samples without a vector are left out.",
    &[
        param(
            "query",
            Kind::Any,
            Default::Required,
            "A sample by id or path, a vector as a list of numbers, a text where the index reads texts, or a list of those, whose mean is meant.",
        ),
        param(
            "k",
            Kind::Optional(&Kind::Int {
                lo: 0,
                hi: i64::MAX,
            }),
            Default::Null,
            "How many samples are kept; by default all.",
        ),
        param(
            "reverse",
            Kind::Bool,
            Default::Bool(false),
            "The least similar first.",
        ),
        param(
            "dist_field",
            Kind::Optional(&Kind::Field(FieldKind::New)),
            Default::Null,
            "A field that the view gets, with the distances.",
        ),
        param(
            "index",
            TEXT,
            Default::Null,
            "A vector field, or the key of a run; by default `embedding`, or the only vector field.",
        ),
        param(
            "brain_key",
            TEXT,
            Default::Null,
            "What pasted code calls `index`.",
        ),
        param(
            "metric",
            Kind::Choice(&["cosine", "euclidean"]),
            Default::Text("cosine"),
            "How vectors are compared where no index does it in its own way.",
        ),
    ],
    &[
        example(
            r#"sort_by_similarity("650000000000000000000001", k=3, index="embedding")"#,
            "Gives a sample and the two most like it.",
        ),
        example(
            r#"sort_by_similarity([1, 0, 0, 0], index="embedding", dist_field="distance").match(F("distance") < 0.5)"#,
            "Gives what is near a vector, with the distances.",
        ),
    ],
);

/// What is looked for.
#[derive(Debug)]
enum Sought {
    /// The mean of samples' vectors.
    Samples(Vec<Name>),
    /// The mean of vectors.
    Vectors(Vec<Vec<f32>>),
}

#[derive(Debug)]
struct Nearest {
    sought: Sought,
    k: usize,
    reverse: bool,
    dist_field: Option<String>,
    index: String,
    metric: Metric,
    query: Span,
    place: Span,
}

impl Stage for SortBySimilarity {
    fn signature(&'static self) -> &'static Signature {
        &SORT_BY_SIMILARITY_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let k = planner.maybe_int(args, "k");
        let reverse = planner.bool(args, "reverse");
        let dist_field = planner.maybe_text(args, "dist_field");
        let metric = planner.maybe_text(args, "metric");
        let (named, place) = match args.get("index") {
            Some(_) => ("index", args.span_of("index")),
            None => ("brain_key", args.span_of("brain_key")),
        };
        let index = planner.maybe_text(args, named);
        let given = args.get("query")?;
        if planner.patched {
            return planner.refuse(
                Diagnostic::new(
                    "not-samples",
                    "`sort_by_similarity` looks at the vectors of samples, and these rows are patches made by `to_patches`",
                    args.span,
                    "rows are patches here",
                )
                .hint("put it before to_patches(...)"),
            );
        }
        let index = index_field(index?, place, planner)?;
        let sought = sought(given, planner)?;
        if let (Sought::Vectors(vectors), Some(FieldType::Vector(d))) = (
            &sought,
            planner.schema().field(&index).map(|field| &field.ty),
        ) && let Some(bad) = vectors.iter().find(|vector| vector.len() != *d as usize)
        {
            let message = format!(
                "`{index}` holds vectors of {d} numbers, and the query has {}",
                bad.len()
            );
            return planner.refuse(
                Diagnostic::new("wrong-length", message, given.span, "another length")
                    .hint("index=\"...\" names another vector field; an id or a path of a sample works with any"),
            );
        }
        let dist_field = dist_field?;
        if let Some(name) = &dist_field {
            let span = args.span_of("dist_field");
            let taken = planner
                .schema()
                .field(name)
                .is_some_and(|field| field.ty != FieldType::Float);
            let bad = name.is_empty() || name.contains('.') || name.starts_with(['$', '_']);
            if taken || bad {
                let why = match taken {
                    true => format!("`{name}` is a field already, and no field of floats"),
                    false => format!("{name:?} is no name for a field"),
                };
                return planner.refuse(Diagnostic::new(
                    "bad-argument",
                    why,
                    span,
                    "cannot hold distances",
                ));
            }
            if planner.schema().field(name).is_none() {
                planner
                    .schema
                    .fields
                    .push(Field::new(name.clone(), FieldType::Float));
            }
        }
        Some(Box::new(Nearest {
            sought,
            k: k?.map_or(usize::MAX, |k| usize::try_from(k).unwrap_or(usize::MAX)),
            reverse: reverse?,
            dist_field,
            index,
            metric: match metric?.as_deref() {
                Some("euclidean") => Metric::Euclidean,
                _ => Metric::Cosine,
            },
            query: given.span,
            place,
        }))
    }
}

/// The vector field, or the key, that an index is known by.
fn index_field(given: Option<String>, span: Span, planner: &mut Planner<'_>) -> Option<String> {
    let vectors: Vec<String> = planner
        .schema()
        .fields
        .iter()
        .filter(|field| matches!(field.ty, FieldType::Vector(_)))
        .map(|field| field.name.clone())
        .collect();
    let Some(name) = given else {
        return match vectors.as_slice() {
            _ if vectors.iter().any(|name| name == "embedding") => Some("embedding".to_owned()),
            [one] => Some(one.clone()),
            [] => planner.refuse(
                Diagnostic::new(
                    "no-vectors",
                    "samples are compared by their vectors, and this dataset has no vector field",
                    span,
                    "no vectors",
                )
                .hint("`messier embed DATASET` turns pictures into vectors"),
            ),
            many => planner.refuse(
                Diagnostic::new(
                    "missing-argument",
                    "there are several vector fields; which one is meant?",
                    span,
                    "`index` is missing",
                )
                .hint(format!("say index=\"...\": there are {}", many.join(", "))),
            ),
        };
    };
    match planner.schema().field(&name).map(|field| &field.ty) {
        None | Some(FieldType::Vector(_)) => Some(name),
        Some(other) => {
            let mistake = Diagnostic::new(
                "wrong-type",
                format!(
                    "`index` must be a vector field or the key of a run, and `{name}` is {}",
                    article(&Type::from(other))
                ),
                span,
                format!("{other} here"),
            );
            planner.refuse(match vectors.as_slice() {
                [] => mistake.hint("`messier embed DATASET` makes a vector field"),
                names => mistake.hint(format!("the vector fields are {}", names.join(", "))),
            })
        }
    }
}

fn sought(expr: &crate::syntax::Expr, planner: &mut Planner<'_>) -> Option<Sought> {
    let name = |value: &Datum| match value {
        Datum::Id(id) => Some(Name::Id(*id)),
        Datum::Text(text) => Some(match SampleId::parse(text) {
            Some(id) => Name::Id(id.0),
            None => Name::Path(text.clone()),
        }),
        _ => None,
    };
    let vector = |items: &[Datum]| -> Option<Vec<f32>> {
        let numbers = items.iter().map(|x| x.number().map(|x| x as f32));
        numbers
            .collect::<Option<Vec<f32>>>()
            .filter(|v| !v.is_empty())
    };
    let found = match planner.constant(expr)? {
        Datum::Vector(vector) => Some(Sought::Vectors(vec![vector])),
        Datum::List(items) if items.is_empty() => None,
        Datum::List(items) => {
            let nested = items.iter().map(|item| match item {
                Datum::List(items) => vector(items),
                _ => None,
            });
            vector(&items)
                .map(|one| Sought::Vectors(vec![one]))
                .or_else(|| {
                    items
                        .iter()
                        .map(name)
                        .collect::<Option<_>>()
                        .map(Sought::Samples)
                })
                .or_else(|| nested.collect::<Option<_>>().map(Sought::Vectors))
        }
        one => name(&one).map(|one| Sought::Samples(vec![one])),
    };
    let even = match &found {
        Some(Sought::Vectors(vectors)) => vectors
            .windows(2)
            .all(|pair| pair[0].len() == pair[1].len()),
        Some(Sought::Samples(_)) => true,
        None => false,
    };
    match found {
        Some(found) if even => Some(found),
        _ => planner.refuse(
            Diagnostic::new(
                "bad-argument",
                "`query` of `sort_by_similarity` must be a sample, a vector, a text, or a list of those",
                expr.span,
                "nothing that can be compared",
            )
            .hint("a sample is named by its id or path: sort_by_similarity(\"65f0...\", k=10)")
            .hint("a vector is a list of numbers"),
        ),
    }
}

impl Run for Nearest {
    fn run(&self, frame: Frame, _: &Context) -> Result<Frame, Error> {
        let index = frame.origin().similarity(&self.index);
        let field = match &index {
            Some(index) => index.field().to_owned(),
            None => self.index.clone(),
        };
        if !matches!(
            frame.base().schema().field(&field).map(|field| &field.ty),
            Some(FieldType::Vector(_))
        ) {
            return Err(self.unknown_index(&frame));
        }
        let column = frame.base().column(&field)?;
        let Some(vectors) = Vectors::of(&column) else {
            return Err(self.unknown_index(&frame));
        };
        let query = self.vector(&frame, &vectors, index.as_ref())?;
        let rows = frame.rows().rows();
        let found = match &index {
            Some(index) if !self.reverse => {
                index.nearest(&query, self.k.min(rows.len()), Some(&rows))?
            }
            _ => None,
        };
        let (positions, far) = match found {
            Some(found) => placed(&found, &rows),
            None => self.compared(&query, &vectors, &rows),
        };
        let view = frame.at(&positions)?;
        Ok(match &self.dist_field {
            None => view,
            Some(name) => {
                let far: Float64Array = far.iter().map(|x| Some(f64::from(*x))).collect();
                view.with_column(Field::new(name.clone(), FieldType::Float), Arc::new(far))
            }
        })
    }

    fn edits(&self) -> Vec<(String, Type)> {
        let name = self.dist_field.iter();
        name.map(|name| (name.clone(), Type::Float)).collect()
    }
}

/// A vector column as one piece of memory.
struct Vectors<'a> {
    column: &'a FixedSizeListArray,
    flat: &'a [f32],
    width: usize,
}

impl<'a> Vectors<'a> {
    fn of(column: &'a ArrayRef) -> Option<Vectors<'a>> {
        let column = column.as_fixed_size_list_opt()?;
        let width = usize::try_from(column.value_length()).ok()?;
        let flat = column.values().as_primitive_opt::<Float32Type>()?.values();
        Some(Vectors {
            column,
            flat,
            width,
        })
    }

    fn at(&self, row: usize) -> Option<&'a [f32]> {
        if !self.column.is_valid(row) {
            return None;
        }
        self.flat.get(row * self.width..(row + 1) * self.width)
    }
}

/// The positions in a view of the rows that an index found, and their distances.
fn placed(found: &[(u32, f32)], rows: &[u32]) -> (Vec<u32>, Vec<f32>) {
    let mut places: std::collections::HashMap<u32, Vec<u32>> = std::collections::HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        places.entry(*row).or_default().push(at as u32);
    }
    let all = found.iter().flat_map(|(row, far)| {
        let places = places.get(row).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(move |at| (*at, *far))
    });
    all.unzip()
}

impl Nearest {
    /// The positions nearest first, by comparing with every row that has a vector; ties keep the view's order.
    fn compared(&self, query: &[f32], vectors: &Vectors<'_>, rows: &[u32]) -> (Vec<u32>, Vec<f32>) {
        let here: Vec<(u32, u32)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| vectors.column.is_valid(**row as usize))
            .map(|(at, row)| (at as u32, *row))
            .collect();
        let far = distances(
            query,
            vectors.flat,
            here.iter().map(|(_, row)| *row),
            self.metric,
        );
        let mut order: Vec<u32> = (0..here.len() as u32).collect();
        let compare = |a: &u32, b: &u32| {
            let (x, y) = (far[*a as usize], far[*b as usize]);
            // What is no number is the last, both ways.
            let nan = x.is_nan().cmp(&y.is_nan());
            let by = if self.reverse {
                y.total_cmp(&x)
            } else {
                x.total_cmp(&y)
            };
            nan.then(by).then(a.cmp(b))
        };
        if self.k > 0 && self.k < order.len() {
            order.select_nth_unstable_by(self.k - 1, compare);
        }
        order.truncate(self.k);
        order.sort_unstable_by(compare);
        order
            .into_iter()
            .map(|at| (here[at as usize].0, far[at as usize]))
            .unzip()
    }

    /// The vector that is looked for.
    fn vector(
        &self,
        frame: &Frame,
        vectors: &Vectors<'_>,
        index: Option<&Arc<dyn Similarity>>,
    ) -> Result<Vec<f32>, Error> {
        let found: Vec<Vec<f32>> = match &self.sought {
            Sought::Vectors(given) => given.clone(),
            Sought::Samples(names) => names
                .iter()
                .map(|name| self.of_name(name, frame, vectors, index))
                .collect::<Result<_, _>>()?,
        };
        if let Some(bad) = found.iter().find(|vector| vector.len() != vectors.width) {
            return Err(refused(
                "wrong-length",
                format!(
                    "`{}` holds vectors of {} numbers, and the query has {}",
                    self.index,
                    vectors.width,
                    bad.len()
                ),
                self.query,
                "another length",
                "index=\"...\" names another vector field",
            ));
        }
        let count = found.len() as f32;
        let mut mean = vec![0f32; vectors.width];
        for vector in &found {
            mean.iter_mut()
                .zip(vector)
                .for_each(|(sum, x)| *sum += x / count);
        }
        Ok(mean)
    }

    fn of_name(
        &self,
        name: &Name,
        frame: &Frame,
        vectors: &Vectors<'_>,
        index: Option<&Arc<dyn Similarity>>,
    ) -> Result<Vec<f32>, Error> {
        // Any sample of the dataset may be the query, also one that the view leaves out.
        let base = frame.base();
        let row = match name {
            Name::Id(id) => {
                let ids = base.column("id")?;
                (0..ids.len()).find(|row| id_at(&ids, *row).as_ref() == Some(id))
            }
            Name::Path(path) => {
                let paths = Texts::of(&base.column("filepath")?);
                paths.and_then(|paths| (0..paths.len()).find(|row| paths.at(*row) == Some(path)))
            }
        };
        match (row, name) {
            (Some(row), _) => match vectors.at(row) {
                Some(vector) => Ok(vector.to_vec()),
                None => Err(refused(
                    "no-vector",
                    format!(
                        "this sample has no vector in `{}`, so nothing can be compared with it",
                        self.index
                    ),
                    self.query,
                    "has no vector",
                    format!("exists(\"{}\") gives the samples that have one", self.index),
                )),
            },
            (None, Name::Id(id)) => Err(refused(
                "unknown-sample",
                format!("no sample has the id {}", SampleId(*id)),
                self.query,
                "no such sample",
                "ids() lists the ids",
            )),
            (None, Name::Path(text)) => {
                let vector = match index {
                    Some(index) => index.text(text),
                    None => Err("nothing here turns texts into vectors".to_owned()),
                };
                vector.map_err(|why| {
                    refused(
                        "no-text-encoder",
                        format!("no sample has the path {text:?}, and `{}` cannot be searched by text: {why}", self.index),
                        self.query,
                        "neither a sample nor a text that can be read",
                        "a text needs vectors made by a model that reads pictures and texts alike, such as CLIP; an id or a path of a sample, or a vector, always works",
                    )
                })
            }
        }
    }

    fn unknown_index(&self, frame: &Frame) -> Error {
        let mut names = frame.origin().similarities();
        let fields = frame.base().schema().fields.iter();
        names.extend(
            fields
                .filter(|field| matches!(field.ty, FieldType::Vector(_)))
                .map(|field| field.name.clone()),
        );
        names.sort();
        names.dedup();
        let mistake = Diagnostic::new(
            "unknown-index",
            format!(
                "there is no vector field and no index called {:?}",
                self.index
            ),
            self.place,
            "unknown index",
        )
        .candidates(&self.index, names.iter().map(String::as_str));
        match names.as_slice() {
            [] => mistake.hint("`messier embed DATASET` makes vectors"),
            names => mistake.hint(format!("there are {}", names.join(", "))),
        }
        .refused()
    }
}
