//! All pairs in tiles, each tile serving both of its sides.
//!
//! A tile is a block of rows against a strip of columns at or right of the diagonal. Its products are read once while
//! they are in cache, and what is near enough for the row or for the column is proposed to it. Which thread takes which
//! tile changes only which candidates are met first, never the neighbours, because the bound keeps every true one.
//!
//! What a tile multiplies is decided by a [`plan`]: whole rows in f32, bfloat16 or eight-bit integers, or only the
//! directions in which rows differ most, and then single pairs.
//!
//! **Memory.** Rows are packed and have shortlists only while they are in work: in [`parts`], two at a time, which
//! together take no more than [`parts::WORK`] as long as shortlists stay short. Between its turns a row keeps its
//! neighbours so far, exactly, where they are returned, and a few numbers: [`parts::kept`] bytes.

mod parts;
mod sweep;

use std::ops::Range;

use ndarray::Array2;

use super::head::Head;
use super::plan::{Plan, plan};
use super::proposals::Ends;
use super::repeats::Repeats;
use super::table::{MOST_ROWS, Table};
use super::{Neighbors, Points};
use crate::context::Context;
use crate::error::Error;
use crate::linalg::{Isa, bound};
use parts::{Numbers, Part, cut};
use sweep::{Ahead, Sweep};

/// The number of a neighbour that is not found yet. No row has it: there are at most `u32::MAX` rows.
const NOT_YET: u32 = u32::MAX;

/// The `min(k, n - 1)` nearest of every row, with squared distances in the units of the rows kept.
pub(crate) fn knn_squared(
    isa: Isa,
    points: &Points<'_>,
    k: usize,
    context: &Context,
) -> Result<Neighbors, Error> {
    Ok(knn_and_kept(isa, points, k, context)?.0)
}

/// What a search leaves that another pass over pairs of the same rows may go by.
#[derive(Debug)]
pub(crate) enum Kept<'a> {
    Nothing,
    /// The head of all rows.
    Head(Head),
    /// The codes of all pairs, but for rows that repeat others.
    Table(Table<'a>),
}

/// As [`knn_squared`], and what the search leaves.
pub(crate) fn knn_and_kept<'a>(
    isa: Isa,
    points: &'a Points<'a>,
    k: usize,
    context: &Context,
) -> Result<(Neighbors, Kept<'a>), Error> {
    let n = points.len();
    let k = k.min(n.saturating_sub(1));
    let mut found = nothing_yet(n, k);
    if k == 0 {
        return Ok((found, Kept::Nothing));
    }
    let mut made = Kept::Nothing;
    let repeats = Repeats::new(points, k);
    let plan = plan(isa, points, &repeats.kept, k);
    match plan {
        Plan::Whole(isa) if repeats.kept.len() <= MOST_ROWS => {
            let table = Table::new(isa, points, repeats.kept.clone(), context)?;
            table.nearest(k, &mut found, context)?;
            made = Kept::Table(table);
        }
        Plan::Whole(isa) => {
            Search::new(points, &mut found, context).whole(isa, &repeats.kept)?;
        }
        Plan::Head(coarse, directions, usual) => {
            let all: Vec<u32> = (0..n as u32).collect();
            let mut head = Head::new(isa, points, &all, &directions);
            drop(all);
            let order = head.order(&repeats.kept);
            let mut search = Search::new(points, &mut found, context);
            search.by_head(coarse, &head, usual, order)?;
            made = Kept::Head(head);
        }
    }
    repeats.complete(&mut found);
    Ok((found, made))
}

fn nothing_yet(n: usize, k: usize) -> Neighbors {
    Neighbors {
        indices: Array2::from_elem((n, k), NOT_YET),
        distances: Array2::zeros((n, k)),
    }
}

/// What every way of searching is given.
struct Search<'a> {
    points: &'a Points<'a>,
    /// The most rows of a part; as many as suit, if it does not say.
    most: Option<usize>,
    found: &'a mut Neighbors,
    context: &'a Context,
}

impl<'a> Search<'a> {
    /// In parts that suit.
    fn new(points: &'a Points<'a>, found: &'a mut Neighbors, context: &'a Context) -> Search<'a> {
        Search {
            points,
            most: None,
            found,
            context,
        }
    }

    /// So many rows in parts.
    fn parts(&self, rows: usize, numbers: Numbers) -> Vec<Range<usize>> {
        let (d, k) = (self.points.dims(), self.found.indices.ncols());
        let most = self
            .most
            .unwrap_or_else(|| numbers.rows_of_part(d, k, rows));
        cut(rows, most)
    }

    /// Proposes by products of whole rows.
    fn whole(&mut self, isa: Isa, rows: &[u32]) -> Result<(), Error> {
        let points = self.points;
        let parts = self.parts(rows.len(), Numbers::Whole(isa));
        let mut packed = None;
        let (mut norms, mut moves) = (Vec::new(), Vec::new());
        for part in &parts {
            let panels = points.panels_of(isa, &rows[part.clone()]);
            norms.extend_from_slice(panels.norms());
            moves.extend_from_slice(panels.moves());
            // The only part is not packed again.
            packed = (parts.len() == 1).then_some(panels);
        }
        let sweep = Sweep {
            points,
            isa,
            ends: Ends::new(points, rows, &norms, &moves, bound::usual(&moves)),
            ahead: None,
            k: self.found.indices.ncols(),
        };
        drop((norms, moves));
        let limits = vec![f32::MAX; rows.len()];
        sweep.run(&parts, packed, limits, self.found, self.context)
    }

    /// Discards by the head's directions, and proposes by products of single pairs in integers. That is little for a row whose
    /// neighbours are nearer than most rows are by those directions alone, `usual` and more; the pairs of other rows,
    /// which have no near neighbours, are proposed by products of whole rows at once. `order` is that of the head.
    fn by_head(
        &mut self,
        coarse: Isa,
        head: &Head,
        usual: f32,
        order: Vec<u32>,
    ) -> Result<(), Error> {
        let (points, n) = (self.points, order.len());
        let parts = self.parts(n, Numbers::Head(head.dims()));
        let near = self.near_rows(coarse, &order, &parts)?;
        let mut places: Vec<u32> = (0..n as u32).collect();
        places.sort_by_key(|&place| near.limits[place as usize] > usual);
        let first = near.limits.iter().filter(|&&limit| limit <= usual).count();
        let of = |values: &[f32]| -> Vec<f32> {
            places.iter().map(|&place| values[place as usize]).collect()
        };
        let (limits, norms, moves) = (of(&near.limits), of(&near.norms), of(&near.moves));
        let order: Vec<u32> = places.iter().map(|&place| order[place as usize]).collect();
        drop((near, places));
        let sweep = Sweep {
            points,
            isa: coarse,
            ends: Ends::new(points, &order, &norms, &moves, bound::usual(&moves)),
            ahead: Some(Ahead {
                head,
                low: head.ends(points, &order[..first]).low,
                len: first,
            }),
            k: self.found.indices.ncols(),
        };
        drop((norms, moves));
        sweep.run(&parts, None, limits, self.found, self.context)
    }

    /// Compares each block of rows with the strip that it stands in: near rows stand side by side, and how far the neighbours
    /// of a row may be follows from any `k` others.
    fn near_rows(&self, isa: Isa, order: &[u32], parts: &[Range<usize>]) -> Result<Near, Error> {
        let (points, n) = (self.points, order.len());
        let (norms, moves, limits) = (
            Vec::with_capacity(n),
            Vec::with_capacity(n),
            Vec::with_capacity(n),
        );
        let mut near = Near {
            norms,
            moves,
            limits,
        };
        let step = self
            .context
            .step("find near rows", sweep::blocks(&(0..n)) as u64);
        for part in parts {
            let order = &order[part.clone()];
            let panels = points.panels_of(isa, order);
            let (norms, moves) = (panels.norms(), panels.moves());
            near.norms.extend_from_slice(norms);
            near.moves.extend_from_slice(moves);
            let alone = Sweep {
                points,
                isa,
                ends: Ends::new(points, order, norms, moves, panels.usual_move()),
                ahead: None,
                k: self.found.indices.ncols(),
            };
            let part = Part::alone(panels, alone.k);
            alone.visit(&part, &part, |own, _| own..own + 1, &step)?;
            near.limits.extend(part.limits(&alone.ends));
        }
        Ok(near)
    }
}

/// What rows are once they are packed, and how far their neighbours may be.
struct Near {
    norms: Vec<f32>,
    moves: Vec<f32>,
    limits: Vec<f32>,
}

#[cfg(test)]
mod tests;
