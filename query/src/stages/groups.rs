//! `group_by` and `flatten`. A group is a run of positions in a frame that is sorted by group; what a condition about
//! groups sees is the list of the group's samples, made only of the columns it names.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;

use super::Stage;
use super::sort::{Key, order, ordered, sort_codes, sort_keys};
use crate::columns::{NO_RANK, lists::list, make_struct, rank};
use crate::diagnostic::Diagnostic;
use crate::domain::{Columns, Domain};
use crate::error::Error;
use crate::eval::{Context, Frame, Groups, evaluate_expr, run_steps, truth_mask};
use crate::plan::{Arguments, Expr, Planned, Planner, Run, snake};
use crate::signature::{Default, Kind, Signature, TypeSet, example, param, stage};
use crate::syntax::{self, ExprKind};
use crate::types::Type;

/// `group_by`
pub struct GroupBy;

const ANY: Kind = Kind::Expr(TypeSet::Any);

/// `group_by(...)`
pub static GROUP_BY: GroupBy = GroupBy;
static GROUP_BY_SIGNATURE: Signature = stage(
    "group_by",
    "Gives one sample for each value, the first of its group; groups come in order of value, null last.",
    &[
        param(
            "field_or_expr",
            ANY,
            Default::Required,
            "A field by name, an expression, or a list of those.",
        ),
        param(
            "order_by",
            ANY,
            Default::Null,
            "What the samples of a group are sorted by.",
        ),
        param(
            "reverse",
            Kind::Bool,
            Default::Bool(false),
            "Greatest first, within a group.",
        ),
        param(
            "flat",
            Kind::Bool,
            Default::Bool(false),
            "Gives all samples, group after group.",
        ),
        param(
            "match_expr",
            Kind::Expr(TypeSet::Bool),
            Default::Null,
            "A condition about groups, in which `F()` is the list of a group's samples.",
        ),
        param(
            "sort_expr",
            Kind::Expr(TypeSet::Ordered),
            Default::Null,
            "What groups are sorted by, in which `F()` is the list of a group's samples.",
        ),
        param(
            "create_index",
            Kind::Bool,
            Default::Bool(true),
            "Taken for the sake of pasted code; there is no index to create, so nothing differs.",
        ),
    ],
    &[
        example(r#"group_by("k20")"#, "Gives one sample a cluster."),
        example(
            r#"group_by("k20", order_by="uniqueness", reverse=True, flat=True, match_expr=F().length() >= 2)"#,
            "Gives clusters of two or more, each by uniqueness.",
        ),
    ],
);

#[derive(Debug)]
struct Grouped {
    keys: Vec<Expr>,
    within: Option<Vec<Key>>,
    flat: bool,
    keep: Option<Expr>,
    sort: Option<Expr>,
    reverse: bool,
}

impl Stage for GroupBy {
    fn signature(&'static self) -> &'static Signature {
        &GROUP_BY_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let given = args.get("field_or_expr")?;
        let items = match &given.kind {
            ExprKind::List(items) if !items.is_empty() => items.as_slice(),
            _ => std::slice::from_ref(given),
        };
        let keys: Vec<Option<Expr>> = items.iter().map(|item| ordered(item, planner)).collect();
        let keys = keys.into_iter().collect::<Option<Vec<_>>>()?;
        let reverse = planner.bool(args, "reverse")?;
        let within = match args.get("order_by").filter(|expr| !is_none(expr)) {
            Some(expr) => {
                let mut keys = sort_keys(expr, planner)?;
                keys.iter_mut().for_each(|key| key.reverse ^= reverse);
                Some(keys)
            }
            None => None,
        };
        let flat = planner.bool(args, "flat")?;
        let group = group_type(planner);
        let about = |name: &str, planner: &mut Planner<'_>| match args.get(name) {
            Some(expr) if !is_none(expr) => planner
                .within(group.clone(), None, |planner| planner.expr(expr))
                .map(Some),
            _ => Some(None),
        };
        let keep = match about("match_expr", planner)? {
            Some(expr) => Some(planner.condition(expr, "match_expr")?),
            None => None,
        };
        let sort = about("sort_expr", planner)?;
        if let Some(bad) = sort.as_ref().filter(|sort| !sort.ty.is_ordered()) {
            planner.report(Diagnostic::new(
                "wrong-type",
                format!("values of type {} have no order to sort by", bad.ty),
                bad.span,
                format!("{} here", bad.ty),
            ));
            return None;
        }
        planner.grouped = !flat;
        // `reverse` is about samples where they are ordered, about groups where they are.
        let reverse = reverse && within.is_none();
        Some(Box::new(Grouped {
            keys,
            within,
            flat,
            keep,
            sort,
            reverse,
        }))
    }
}

fn is_none(expr: &syntax::Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(syntax::Literal::Null))
}

/// The list of a group's samples.
fn group_type(planner: &Planner<'_>) -> Type {
    let fields = planner.schema().fields.iter();
    let fields = fields
        .map(|field| (field.name.clone(), Type::from(&field.ty)))
        .collect();
    Type::list(Type::Struct(messier_store::StructKind::Plain, fields))
}

impl Run for Grouped {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let frame = Frame::ungrouped(&frame)?;
        let (positions, offsets) = self.sorted(&frame, context)?;
        let members = frame.at(&positions)?;
        let mut groups: Vec<u32> = (0..offsets.len() as u32 - 1).collect();
        if let Some(keep) = &self.keep {
            let group = self.elements(keep, &members, &offsets)?;
            let empty = Lone(offsets.len() - 1);
            let over = Domain::of_samples(&empty);
            let keep = truth_mask(keep, &over.with_element(group), context)?;
            groups.retain(|group| keep.value(*group as usize));
        }
        if let Some(sort) = &self.sort {
            let group = self.elements(sort, &members, &offsets)?;
            let empty = Lone(offsets.len() - 1);
            let over = Domain::of_samples(&empty);
            let codes = evaluate_expr(sort, &over.with_element(group), context)?;
            let codes = sort_codes(&codes.expand(offsets.len() - 1)?, self.reverse)?;
            groups.sort_by_key(|group| codes[*group as usize]);
        } else if self.reverse {
            groups.reverse();
        }
        if self.flat {
            let all = groups
                .iter()
                .flat_map(|group| offsets[*group as usize]..offsets[*group as usize + 1]);
            return members.at(&all.collect::<Vec<u32>>());
        }
        let firsts: Vec<u32> = groups
            .iter()
            .map(|group| offsets[*group as usize])
            .collect();
        let front = members.at(&firsts)?;
        let groups = Groups {
            members: Arc::new(members),
            offsets: Arc::new(offsets),
            of: Arc::new(groups),
        };
        Ok(front.with_groups(Some(groups)))
    }
}

impl Grouped {
    /// The positions of all samples by group, and where each group begins.
    fn sorted(&self, frame: &Frame, context: &Context) -> Result<(Vec<u32>, Vec<u32>), Error> {
        let over = Domain::of_samples(frame);
        let mut codes: Vec<Vec<u64>> = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let column = evaluate_expr(key, &over, context)?.expand(over.len())?;
            let ranks = rank(&column)?.codes;
            let last = |rank: u32| {
                if rank == NO_RANK {
                    u64::MAX
                } else {
                    u64::from(rank)
                }
            };
            codes.push(ranks.into_iter().map(last).collect());
        }
        let keys = codes.len();
        for key in self.within.iter().flatten() {
            let column = evaluate_expr(&key.by, &over, context)?.expand(over.len())?;
            codes.push(sort_codes(&column, key.reverse)?);
        }
        let positions = order(&codes, frame.len(), usize::MAX);
        let same = |a: u32, b: u32| {
            codes[..keys]
                .iter()
                .all(|codes| codes[a as usize] == codes[b as usize])
        };
        let mut offsets = vec![0u32];
        for at in 1..positions.len() {
            if !same(positions[at - 1], positions[at]) {
                offsets.push(at as u32);
            }
        }
        if !positions.is_empty() {
            offsets.push(positions.len() as u32);
        }
        Ok((positions, offsets))
    }

    /// The lists of samples that an expression about groups sees: only the columns it names.
    fn elements(&self, expr: &Expr, members: &Frame, offsets: &[u32]) -> Result<ArrayRef, Error> {
        let mut names = Vec::new();
        expr.children_named(&mut names);
        let fields = members
            .schema()
            .fields
            .iter()
            .filter(|field| names.contains(&field.name));
        let mut types = Vec::new();
        let mut columns = Vec::new();
        for field in fields {
            types.push((field.name.clone(), Type::from(&field.ty)));
            columns.push(members.column(&field.name)?);
        }
        let ty = Type::Struct(messier_store::StructKind::Plain, types);
        let samples = make_struct(&ty, columns, None::<NullBuffer>, members.len());
        list(offsets, samples, None)
    }
}

/// A domain of so many rows that has no columns.
struct Lone(usize);

impl Columns for Lone {
    fn len(&self) -> usize {
        self.0
    }
    fn column(&self, name: &str) -> Result<ArrayRef, Error> {
        Err(Error::UnknownField {
            name: name.to_owned(),
            candidates: Vec::new(),
        })
    }
}

/// `flatten`
pub struct Flatten;

/// `flatten(stages)`
pub static FLATTEN: Flatten = Flatten;
static FLATTEN_SIGNATURE: Signature = stage(
    "flatten",
    "Gives the samples of all groups again, each group through some stages first.",
    &[param(
        "stages",
        Kind::List(&ANY),
        Default::Null,
        "Stages that are applied within each group.",
    )],
    &[example(
        r#"group_by("k20").flatten(limit(2))"#,
        "Gives two samples a cluster.",
    )],
);

#[derive(Debug)]
struct Flattened {
    stages: Vec<Planned>,
}

impl Stage for Flatten {
    fn signature(&'static self) -> &'static Signature {
        &FLATTEN_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        if !planner.grouped {
            planner.report(
                Diagnostic::new(
                    "no-groups",
                    "`flatten` needs groups, and there are none here",
                    args.span,
                    "no groups",
                )
                .hint("put group_by(\"field\") before it"),
            );
            return None;
        }
        let stages = match args.get("stages").filter(|expr| !is_none(expr)) {
            Some(expr) => within(expr, planner)?,
            None => Vec::new(),
        };
        planner.grouped = false;
        Some(Box::new(Flattened { stages }))
    }
}

/// Stages given as objects: one, a list, or a chain.
fn within(expr: &syntax::Expr, planner: &mut Planner<'_>) -> Option<Vec<Planned>> {
    let items = match &expr.kind {
        ExprKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(expr),
    };
    let mut stages = Vec::new();
    for item in items {
        let chain = item.to_chain().filter(|chain| {
            chain.steps.iter().all(|step| match step {
                syntax::Step::Call(call) => super::find(&snake(&call.name.node)).is_some(),
                syntax::Step::Slice { .. } => true,
                syntax::Step::Bare(_) => false,
            })
        });
        let Some(chain) = chain else {
            planner.report(Diagnostic::new(
                "bad-argument",
                "`stages` of `flatten` must be stages, such as limit(2)",
                item.span,
                "not a stage",
            ));
            return None;
        };
        planner.grouped = false;
        stages.extend(planner.stages(&chain)?);
    }
    Some(stages)
}

impl Run for Flattened {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let all = frame.ungrouped()?;
        let (false, Some(groups)) = (self.stages.is_empty(), frame.groups()) else {
            return Ok(all.with_groups(None));
        };
        let mut parts = Vec::with_capacity(groups.of.len());
        let mut at = 0;
        for group in groups.of.iter() {
            let group = *group as usize;
            let size = (groups.offsets[group + 1] - groups.offsets[group]) as usize;
            parts.push(run_steps(all.slice(at, size)?, &self.stages, context)?);
            at += size;
        }
        Ok(Frame::concat(&parts)?.unwrap_or(all).with_groups(None))
    }

    fn edits(&self) -> Vec<(String, Type)> {
        crate::edits::edited(&self.stages)
    }
}
