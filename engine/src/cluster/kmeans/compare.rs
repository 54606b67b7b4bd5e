//! Rows of a task compared with candidates for centres: products propose, f32 distances decide.

use rayon::prelude::*;

use super::centers::most_share;
use super::rows::{Open, Rows, TASK};
use crate::linalg::{LANES, Panels, bound, lowest_of_each, squared_distance};

/// Rows as candidates for centres, packed.
pub(super) struct Candidates {
    /// The rows' numbers.
    pub numbers: Vec<usize>,
    /// The rows in working units, row after row.
    pub rows: Vec<f32>,
    pub panels: Panels,
    offsets: Vec<f32>,
    share: f32,
}

impl Candidates {
    pub fn new(rows: &Rows<'_>, numbers: Vec<usize>) -> Candidates {
        let dims = rows.dims();
        let mut packed = vec![0.0; numbers.len() * dims];
        for (&row, out) in numbers.iter().zip(packed.chunks_exact_mut(dims)) {
            rows.row(row, out);
        }
        let panels = Panels::pack(rows.isa, &packed, dims);
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Candidates {
            numbers,
            rows: packed,
            share: most_share(&panels, dims, rows.usual),
            panels,
            offsets,
        }
    }

    /// For each centre the squared distance to the nearest candidate.
    pub fn reach(&self, centers: &[f32], dims: usize) -> Vec<f32> {
        let reach = centers.par_chunks_exact(dims).map(|center| {
            let rows = self.rows.chunks_exact(dims);
            rows.map(|row| squared_distance(row, center))
                .fold(f32::INFINITY, f32::min)
        });
        reach.collect()
    }
}

/// Buffers for one task after another.
pub(super) struct Compare<'a> {
    rows: &'a Rows<'a>,
    candidates: &'a Candidates,
    open: Open,
    tile: Vec<f32>,
    lowest: Vec<f32>,
    row: Vec<f32>,
}

impl<'a> Compare<'a> {
    pub fn new(rows: &'a Rows<'a>, candidates: &'a Candidates) -> Compare<'a> {
        let panels = candidates.panels.len();
        Compare {
            rows,
            candidates,
            open: Open::new(rows.isa),
            tile: vec![0.0; TASK * panels * LANES],
            lowest: vec![0.0; panels],
            row: vec![0.0; rows.dims()],
        }
    }

    /// Gives `found` every candidate that is nearer to a row than `own`: the row by its position in `places`, the
    /// candidate, and the squared distance.
    pub fn all(
        &mut self,
        task: usize,
        places: &[u32],
        own: impl Fn(usize) -> f32,
        found: impl FnMut(usize, usize, f32),
    ) {
        self.run(task, places, own, false, found);
    }

    /// As [`Compare::all`], but gives the nearest candidates only: the nearest is among them, in rising order.
    pub fn nearest(
        &mut self,
        task: usize,
        places: &[u32],
        own: impl Fn(usize) -> f32,
        found: impl FnMut(usize, usize, f32),
    ) {
        self.run(task, places, own, true, found);
    }

    fn run(
        &mut self,
        task: usize,
        places: &[u32],
        own: impl Fn(usize) -> f32,
        nearest: bool,
        mut found: impl FnMut(usize, usize, f32),
    ) {
        if places.is_empty() {
            return;
        }
        let (rows, dims, candidates) = (self.rows, self.rows.dims(), self.candidates);
        let panels = &candidates.panels;
        let stride = candidates.offsets.len();
        rows.open(task, places, &mut self.open);
        let right = (panels, 0..panels.len());
        rows.products(task, places, &mut self.open, right, &mut self.tile);
        let floor = bound::floor(dims);
        for (slot, &place) in places.iter().enumerate() {
            let number = task * TASK + place as usize;
            let sums = &self.tile[slot * stride..][..stride];
            let (norm, own) = (rows.norms[number], own(slot));
            let off = (rows.shares[number] + candidates.share + floor) * 1.000_001;
            let mut limit = (own - norm + off) + 1e-6 * (own + norm + off);
            lowest_of_each(rows.isa, &candidates.offsets, sums, &mut self.lowest);
            let least = self.lowest.iter().copied().fold(f32::INFINITY, f32::min);
            if least > limit {
                continue;
            }
            if nearest {
                limit = limit.min(least + 2.0 * off);
            }
            rows.row(number, &mut self.row);
            for (group, _) in self
                .lowest
                .iter()
                .enumerate()
                .filter(|(_, low)| **low <= limit)
            {
                let lanes = group * LANES..((group + 1) * LANES).min(candidates.numbers.len());
                for at in lanes {
                    if candidates.offsets[at] - 2.0 * sums[at] > limit {
                        continue;
                    }
                    let squared =
                        squared_distance(&self.row, &candidates.rows[at * dims..][..dims]);
                    if squared < own {
                        found(slot, at, squared);
                    }
                }
            }
        }
    }
}
