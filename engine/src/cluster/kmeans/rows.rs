//! The rows as rounds and seeding read them: measured once, and kept packed while that is small.
//!
//! A packed row is a half of the row in bfloat16 and needs no mean taken off, so a round that looks at every row reads
//! half the memory. Where all rows together would be too large, those that are open are packed anew each time.

use std::ops::Range;

use rayon::prelude::*;

use crate::linalg::{Block, Isa, LANES, Panels, bound, products_of};
use crate::neighbors::Points;

/// Rows that one task looks at: packed, they stay in the second-level cache.
pub(super) const TASK: usize = 256;
/// Bytes of packed rows that are kept.
const KEPT: usize = 512 << 20;

/// The least usual move of rounded rows.
const LEAST_USUAL: f32 = 1.0 / (1 << 12) as f32;

/// The rows of one data set, in tasks of [`TASK`].
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub isa: Isa,
    pub points: &'a Points<'a>,
    /// The squared length of each row.
    pub norms: Vec<f32>,
    /// What each row adds to the bound of its pairs ([`bound::share`]), and the usual move that all shares go by.
    pub shares: Vec<f32>,
    pub usual: f32,
    /// One block a task; none where they are not kept.
    packed: Vec<Block>,
}

/// The open rows of a task, packed.
pub(super) struct Open {
    own: Block,
    /// Where each row of the task lies in `own`.
    place: Vec<u32>,
    staging: Vec<f32>,
    picked: Vec<u32>,
}

impl Open {
    pub fn new(isa: Isa) -> Open {
        Open {
            own: Block::new(isa),
            place: vec![0; TASK],
            staging: Vec::new(),
            picked: Vec::new(),
        }
    }
}

impl<'a> Rows<'a> {
    /// Measures and packs all rows. O(n d).
    pub fn new(isa: Isa, points: &'a Points<'a>) -> Rows<'a> {
        Rows::keeping(isa, points, KEPT)
    }

    /// [`Rows::new`] with another limit on the bytes kept.
    pub fn keeping(isa: Isa, points: &'a Points<'a>, bytes: usize) -> Rows<'a> {
        let (n, dims) = (points.len(), points.dims());
        let size = match (isa.is_int8(), isa.is_bf16()) {
            (true, _) => 1,
            (_, true) => 2,
            _ => 4,
        };
        let keep = n.saturating_mul(dims).saturating_mul(size) <= bytes;
        let mut norms = vec![0.0; n];
        let mut shares = vec![0.0; n];
        let packed: Vec<Block> = norms
            .par_chunks_mut(TASK)
            .zip(shares.par_chunks_mut(TASK))
            .enumerate()
            .map_init(
                || vec![0.0; TASK.min(n) * dims],
                |staging, (task, (norms, moves))| {
                    for (at, row) in (0..norms.len()).zip(staging.chunks_exact_mut(dims)) {
                        points.working_row(isa, task * TASK + at, row);
                    }
                    let mut block = Block::new(isa);
                    block.fill_measured(&staging[..norms.len() * dims], dims, norms, moves);
                    if keep { block } else { Block::new(isa) }
                },
            )
            .collect();
        let mut usual = bound::usual(&shares);
        if isa.is_bf16() || isa.is_int8() {
            // Centres move where rows, of whole numbers, do not.
            usual = usual.max(LEAST_USUAL);
        }
        for (share, &norm) in shares.iter_mut().zip(&norms) {
            *share = bound::share(dims, norm, *share, usual);
        }
        Rows {
            isa,
            points,
            norms,
            shares,
            usual,
            packed: if keep { packed } else { Vec::new() },
        }
    }

    pub fn len(&self) -> usize {
        self.norms.len()
    }

    pub fn dims(&self) -> usize {
        self.points.dims()
    }

    /// A row in working units, f32.
    pub fn row(&self, at: usize, out: &mut [f32]) {
        self.points.working_row(self.isa, at, out);
    }

    /// A row in working units, where it is kept as it is.
    pub fn kept(&self, at: usize) -> Option<&[f32]> {
        self.packed.get(at / TASK)?.floats(at % TASK)
    }

    /// Makes rows of a task, by their places in it, ready for [`Rows::products`].
    pub fn open(&self, task: usize, rows: &[u32], open: &mut Open) {
        if self.packed.is_empty() {
            let first = task * TASK;
            let numbers = rows.iter().map(|&at| first + at as usize);
            self.points
                .block(numbers, self.isa, &mut open.own, &mut open.staging);
            for (place, &at) in rows.iter().enumerate() {
                open.place[at as usize] = place as u32;
            }
        }
    }

    /// Products of some of the rows opened with the panels of a range, as [`products_of`].
    pub fn products(
        &self,
        task: usize,
        rows: &[u32],
        open: &mut Open,
        (panels, range): (&Panels, Range<usize>),
        out: &mut [f32],
    ) {
        let columns = range.len() * LANES;
        if let Some(block) = self.packed.get(task) {
            products_of(block, rows, panels, range, out, columns);
            return;
        }
        let Open {
            own, place, picked, ..
        } = open;
        picked.clear();
        picked.extend(rows.iter().map(|&at| place[at as usize]));
        products_of(own, picked, panels, range, out, columns);
    }
}
