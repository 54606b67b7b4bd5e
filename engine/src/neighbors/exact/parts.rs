//! Rows in work: packed for products, with their shortlists, as long as they are among the two parts that meet.
//!
//! Every part meets every part once, so a row is packed as often as there are parts. That is nothing beside the products of
//! tens of thousands of rows with tens of thousands, and memory beside the rows does not grow with them, but for what
//! is returned. What a shortlist leaves open is decided when its part is put back: a row between its turns is as many
//! neighbours, and the limit that the last of them sets.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::sweep::{COLUMNS, ROWS, Sweep};
use super::{NOT_YET, Neighbors};
use crate::linalg::{Isa, LANES, Panels, Rows};
use crate::neighbors::Ends;
use crate::neighbors::shortlist::Shortlists;

/// The bytes that the rows in work take, two parts or all rows at once.
pub(super) const WORK: usize = 256 << 20;
/// A part has at least so many rows, and so many times `k`: what is decided at every turn must be little.
const FEWEST: usize = 4_096;
const FEWEST_TIMES: usize = 32;

/// What rows are packed as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// Whole rows in panels.
    Whole(Isa),
    /// As integers, in panels and one by one, and so many directions in panels.
    Head(usize),
}

impl Numbers {
    /// The bytes that a row takes while it is in work: what is packed, and a usual shortlist.
    pub fn in_work(self, d: usize, k: usize) -> usize {
        let packed = match self {
            Numbers::Whole(isa) if isa.is_int8() => d.next_multiple_of(LANES) + 16,
            Numbers::Whole(isa) if isa.is_bf16() => 2 * d + 16,
            Numbers::Whole(_) => 4 * d + 16,
            Numbers::Head(h) => 2 * d.next_multiple_of(LANES) + h.next_multiple_of(LANES) + 64,
        };
        packed + Shortlists::usual_bytes(k)
    }

    /// How many rows a part may have, of so many in all.
    pub fn rows_of_part(self, d: usize, k: usize, rows: usize) -> usize {
        let all = WORK / self.in_work(d, k);
        if rows <= all {
            return rows.max(1);
        }
        (all / 2).max(FEWEST).max(FEWEST_TIMES * k)
    }
}

/// The bytes that a row keeps from the first turn to the last: its neighbours, its limit, its place and what makes safe
/// proposals of its products; with a head of `h` directions (0: none) a byte for each and what is known of it.
#[cfg(test)]
pub(super) fn kept(k: usize, h: usize) -> usize {
    let head = if h > 0 {
        h.next_multiple_of(LANES) + 24
    } else {
        0
    };
    8 * k + 20 + head
}

/// Places `0..n` in parts of at most about `most`, nearly equal, each but the last of whole strips.
pub(super) fn cut(n: usize, most: usize) -> Vec<Range<usize>> {
    let parts = n.div_ceil(most.max(1)).max(1);
    let size = n.div_ceil(parts).next_multiple_of(COLUMNS).max(COLUMNS);
    let starts = (0..n).step_by(size);
    starts.map(|start| start..(start + size).min(n)).collect()
}

/// The rows at some places, in work.
pub(super) struct Part {
    pub places: Range<usize>,
    /// Whole rows.
    pub panels: Panels,
    pub ahead: Option<PartAhead>,
    lists: Vec<Mutex<Shortlists>>,
}

/// What discards first.
pub(super) struct PartAhead {
    /// The projections of those rows that go ahead: the first of the part.
    pub panels: Panels,
    /// What proposes the pairs that are left.
    pub rows: Rows,
}

/// The neighbours so far of a block of rows: how many each has, and all of them.
struct Decided {
    lengths: Vec<usize>,
    near: Vec<(f32, u32)>,
}

impl Part {
    /// All rows of a sweep at once, of which nothing is known yet.
    pub fn alone(panels: Panels, k: usize) -> Part {
        let places = 0..panels.rows();
        let lists = places.clone().step_by(ROWS).map(|first| {
            let rows = ROWS.min(places.end - first);
            Mutex::new(Shortlists::new(k, first, vec![f32::MAX; rows]))
        });
        Part {
            lists: lists.collect(),
            places,
            panels,
            ahead: None,
        }
    }

    /// Takes the rows at some places to work, with what is known of their neighbours; `panels` has whole rows, where they
    /// are packed already.
    pub fn take(
        sweep: &Sweep<'_>,
        places: Range<usize>,
        panels: Option<Panels>,
        limits: &[f32],
        found: &Neighbors,
    ) -> Part {
        let order = &sweep.ends.order[places.clone()];
        let ahead = sweep.ahead.as_ref().map(|ahead| {
            let first = ahead.len.clamp(places.start, places.end) - places.start;
            PartAhead {
                panels: ahead.head.panels(sweep.isa, &order[..first]),
                rows: Rows::pack_with(sweep.isa, order.len(), sweep.points.dims(), |at, out| {
                    sweep.points.working_row(sweep.isa, order[at] as usize, out);
                }),
            }
        });
        let panels = panels.unwrap_or_else(|| match &ahead {
            Some(ahead) => ahead.rows.panels(),
            None => sweep.points.panels_of(sweep.isa, order),
        });
        let blocks = 0..places.len().div_ceil(ROWS);
        let lists = blocks.into_par_iter().with_min_len(16).map(|block| {
            let first = places.start + block * ROWS;
            let block = first..(first + ROWS).min(places.end);
            let mut lists = Shortlists::new(sweep.k, first, limits[block.clone()].to_vec());
            for (at, &row) in sweep.ends.order[block].iter().enumerate() {
                let indices = found.indices.row(row as usize);
                let distances = found.distances.row(row as usize);
                let known = indices.iter().zip(distances);
                let known = known.take_while(|(index, _)| **index != NOT_YET);
                lists.resume(at, known.map(|(index, distance)| (*distance, *index)));
            }
            Mutex::new(lists)
        });
        Part {
            lists: lists.collect(),
            places,
            panels,
            ahead,
        }
    }

    /// Decides what is open, and notes the neighbours so far and the limits they set.
    pub fn put_back(self, sweep: &Sweep<'_>, limits: &mut [f32], found: &mut Neighbors) {
        let decided: Vec<Decided> = self
            .lists
            .into_par_iter()
            .with_max_len(4)
            .zip(limits[self.places.clone()].par_chunks_mut(ROWS))
            .map(|(lists, limits)| {
                let mut lists = lists.into_inner().unwrap_or_else(PoisonError::into_inner);
                let mut lengths = Vec::with_capacity(limits.len());
                let mut all = Vec::with_capacity(limits.len() * sweep.k);
                for (row, limit) in limits.iter_mut().enumerate() {
                    let near = lists.nearest(row, &sweep.ends);
                    lengths.push(near.len());
                    all.extend_from_slice(near);
                    *limit = lists.limits[row];
                }
                Decided { lengths, near: all }
            })
            .collect();
        let order = sweep.ends.order[self.places.clone()].chunks(ROWS);
        for (order, decided) in order.zip(decided) {
            let mut near = decided.near.into_iter();
            for (&row, length) in order.iter().zip(decided.lengths) {
                for (at, (squared, other)) in near.by_ref().take(length).enumerate() {
                    found.indices[[row as usize, at]] = other;
                    found.distances[[row as usize, at]] = squared;
                }
            }
        }
    }

    /// How far the neighbours of each row may be by what was proposed so far.
    pub fn limits(self, ends: &Ends<'_>) -> Vec<f32> {
        let lists = self.lists.into_par_iter().flat_map_iter(|lists| {
            let mut lists = lists.into_inner().unwrap_or_else(PoisonError::into_inner);
            lists.narrow(ends);
            lists.limits
        });
        lists.collect()
    }

    /// The shortlists of the block of rows that begins at a place of this part.
    pub fn lists(&self, first: usize) -> MutexGuard<'_, Shortlists> {
        self.lists[(first - self.places.start) / ROWS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes that the rows take now.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let blocks = (self.places.clone()).step_by(ROWS);
        let lists: usize = blocks.map(|first| self.lists(first).bytes()).sum();
        lists + self.panels.bytes()
    }
}
