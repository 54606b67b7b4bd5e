//! `select` and `exclude`: by id, by path, or by another view. One pass over the ids however many are given.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use messier_store::SampleId;

use super::Stage;
use crate::columns::{Datum, Texts};
use crate::diagnostic::Diagnostic;
use crate::domain::Columns;
use crate::edits::refused;
use crate::error::Error;
use crate::eval::{Context, Frame, run_steps};
use crate::plan::{Arguments, Planned, Planner, Run};
use crate::signature::{Default, Kind, Signature, example, param, stage};
use crate::syntax::{self, Span};

/// Which samples are meant.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// These, by id or by path, in the order given.
    Listed(Vec<Name>),
    /// Those of a view.
    View(Vec<Planned>),
    /// One truth value for each sample of the view, and where they were typed.
    Mask(Vec<bool>, Span),
}

/// One sample, by id or by path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Id([u8; 12]),
    Path(String),
}

/// The ids of a frame; a name for each row.
fn ids(frame: &Frame) -> Result<Vec<Name>, Error> {
    let column = frame.column("id")?;
    Ok((0..column.len())
        .filter_map(|row| id_at(&column, row).map(Name::Id))
        .collect())
}

pub(crate) fn id_at(column: &ArrayRef, row: usize) -> Option<[u8; 12]> {
    let ids = column.as_fixed_size_binary_opt()?;
    ids.is_valid(row)
        .then(|| ids.value(row).try_into().ok())
        .flatten()
}

impl Chosen {
    fn names(&self, frame: &Frame, context: &Context) -> Result<Vec<Name>, Error> {
        match self {
            Chosen::Listed(names) => Ok(names.clone()),
            Chosen::View(steps) => {
                let whole = Frame::new(frame.origin().clone())?;
                ids(&run_steps(whole, steps, context)?)
            }
            Chosen::Mask(..) => Ok(Vec::new()),
        }
    }

    /// The positions in the frame of each name, those without one left out.
    pub fn positions(&self, frame: &Frame, context: &Context) -> Result<Vec<u32>, Error> {
        if let Chosen::Mask(mask, span) = self {
            if mask.len() != frame.len() {
                return Err(refused(
                    "wrong-length",
                    format!(
                        "a mask has one truth value for each sample of the view: there are {} for {} samples",
                        mask.len(),
                        frame.len()
                    ),
                    *span,
                    format!("{} truth values", mask.len()),
                    "for a condition write match(...)",
                ));
            }
            let chosen = mask.iter().enumerate().filter(|(_, chosen)| **chosen);
            return Ok(chosen.map(|(at, _)| at as u32).collect());
        }
        let names = self.names(frame, context)?;
        let mut order: HashMap<&Name, Option<usize>> = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            order.entry(name).or_insert(Some(at));
        }
        let mut found: Vec<(usize, u32)> = Vec::new();
        let mut seen: HashSet<Name> = HashSet::new();
        let mut look = |name: Name, row: usize| {
            if let Some(Some(at)) = order.get(&name) {
                found.push((*at, row as u32));
                seen.insert(name);
            }
        };
        if names.iter().any(|name| matches!(name, Name::Id(_))) {
            let column = frame.column("id")?;
            (0..frame.len()).for_each(|row| {
                if let Some(id) = id_at(&column, row) {
                    look(Name::Id(id), row);
                }
            });
        }
        if names.iter().any(|name| matches!(name, Name::Path(_)))
            && let Some(paths) = Texts::of(&frame.column("filepath")?)
        {
            for (row, path) in paths.iter().enumerate() {
                if let Some(path) = path {
                    look(Name::Path(path.to_owned()), row);
                }
            }
        }
        context.unknown_ids((order.len() - seen.len()) as u64);
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, row)| row).collect())
    }
}

/// Keeps the samples that are meant, or the others.
#[derive(Debug)]
struct Selected {
    chosen: Chosen,
    ordered: bool,
    excludes: bool,
}

impl Run for Selected {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let positions = self.chosen.positions(&frame, context)?;
        if self.ordered {
            return frame.at(&positions);
        }
        let mut keep = vec![self.excludes; frame.len()];
        positions
            .iter()
            .for_each(|at| keep[*at as usize] = !self.excludes);
        frame.filter(BooleanBuffer::from(keep))
    }
}

/// `select` and `exclude`
pub struct Select {
    excludes: bool,
    signature: Signature,
}

/// `select(sample_ids, ordered)`
pub static SELECT: Select = Select {
    excludes: false,
    signature: stage(
        "select",
        "Keeps the samples with these ids; unknown ones and repetitions are left out.",
        &[
            param(
                "sample_ids",
                Kind::View,
                Default::Required,
                "Ids or paths, a view whose samples are meant, or a list of truth values, one a sample.",
            ),
            param(
                "ordered",
                Kind::Bool,
                Default::Bool(false),
                "Puts the samples in the order given.",
            ),
        ],
        &[
            example(
                r#"select(["650000000000000000000003", "650000000000000000000001"], ordered=True)"#,
                "Gives two samples, as listed.",
            ),
            example("select(dataset.limit(3))", "Keeps those of another view."),
        ],
    ),
};

/// `exclude(sample_ids)`
pub static EXCLUDE: Select = Select {
    excludes: true,
    signature: stage(
        "exclude",
        "Leaves out the samples with these ids.",
        &[param(
            "sample_ids",
            Kind::View,
            Default::Required,
            "Ids or paths, a view whose samples are meant, or a list of truth values, one a sample.",
        )],
        &[example(
            r#"exclude("650000000000000000000001")"#,
            "Leaves one sample out.",
        )],
    ),
};

impl Stage for Select {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let ordered = if self.excludes {
            Some(false)
        } else {
            planner.bool(args, "ordered")
        };
        let chosen = chosen(args.get("sample_ids")?, planner);
        Some(Box::new(Selected {
            chosen: chosen?,
            ordered: ordered?,
            excludes: self.excludes,
        }))
    }
}

/// The samples that an argument names.
pub(crate) fn chosen(expr: &syntax::Expr, planner: &mut Planner<'_>) -> Option<Chosen> {
    if let Some(query) = super::view_argument(expr) {
        return planner
            .subview(&query)
            .map(|(steps, _)| Chosen::View(steps));
    }
    let value = planner.constant(expr)?;
    let items = match value {
        Datum::List(items) => items,
        one => vec![one],
    };
    let mask: Option<Vec<bool>> = items
        .iter()
        .map(|item| match item {
            Datum::Bool(chosen) => Some(*chosen),
            _ => None,
        })
        .collect();
    if let Some(mask) = mask.filter(|mask| !mask.is_empty()) {
        return Some(Chosen::Mask(mask, expr.span));
    }
    let names: Vec<Option<Name>> = items
        .into_iter()
        .map(|item| match item {
            Datum::Id(id) => Some(Name::Id(id)),
            Datum::Text(text) => match SampleId::parse(&text) {
                Some(id) => Some(Name::Id(id.0)),
                None => Some(Name::Path(text)),
            },
            _ => {
                planner.report(
                    Diagnostic::new(
                        "bad-argument",
                        "samples are named by ids or paths, as texts",
                        expr.span,
                        "not all of these are texts",
                    )
                    .hint("for a condition write match(...)"),
                );
                None
            }
        })
        .collect();
    names.into_iter().collect::<Option<_>>().map(Chosen::Listed)
}
