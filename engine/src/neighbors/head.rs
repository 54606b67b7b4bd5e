//! The few directions in which rows differ most: products over them alone give a lower end of every distance.
//!
//! Embeddings spread unevenly: a quarter of the directions often holds most of a distance. A projection onto orthogonal
//! directions lengthens nothing, so the distance of two projected rows is a lower end of theirs, at a fraction of the
//! products. The directions need not be exactly the principal ones, only orthogonal; one round of subspace iteration on
//! a sample is near enough (Halko, Martinsson, Tropp, 2011), and how far from orthogonal they are is measured.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::Points;
use super::proposals::Ends;
use super::spatial::{BLOCK, halve};
use crate::linalg::{Block, Isa, LANES, Panels, Rows, bound, products, sum_of_squares};
use crate::random;

/// Rows that directions are taken from.
const SAMPLE: usize = 1024;
/// Coordinates whose products are added in one chain: short chains round less.
const CHAIN: usize = 128;
/// Directions that the order of rows looks at.
const LEADING: usize = 16;
/// Unit roundoff of f32.
const U: f64 = 1.0 / (1 << 24) as f64;

/// Rows that are projected before they are rounded.
const TOGETHER: usize = 32_768;

/// Some rows in the units of proposals, projected and rounded to eight-bit integers: a byte a direction and row. They are
/// numbered as they were given.
#[derive(Debug)]
pub(crate) struct Head {
    dims: usize,
    rows: Rows,
    /// The first coordinates of each row, row after row, until an order is made of them.
    leading: Vec<f32>,
    /// The squared length of each whole row.
    lengths: Vec<f32>,
    /// What the head's own roundings add to the bound of a pair for each row, as a part of its squared length.
    rounding: f32,
}

/// Orthogonal directions, the one in which a sample differs most first.
#[derive(Debug)]
pub(super) struct Directions {
    /// `h x d`.
    rows: Array2<f32>,
    /// The largest sum of a row of `|P P' - 1|`: no vector is lengthened by more than half of it.
    skew: f64,
}

impl Directions {
    /// About the `count` principal directions of the rows. O(sample d count), the same bits for any number of threads.
    pub fn new(points: &Points<'_>, rows: &[u32], count: usize) -> Directions {
        let (d, m) = (points.dims(), rows.len().min(SAMPLE));
        let isa = Isa::PORTABLE;
        let mut sample = Array2::<f32>::zeros((m, d));
        for (at, mut out) in sample.outer_iter_mut().enumerate() {
            if let Some(out) = out.as_slice_mut() {
                points.working_row(isa, rows[at * rows.len() / m] as usize, out);
            }
        }
        let start = Array2::from_shape_fn((m, count), |(row, column)| {
            random::normal(0, 0x4845_4144, (row * count + column) as u64) as f32
        });
        let mut basis = start.t().dot(&sample).mapv(f64::from);
        orthogonalise(&mut basis);
        let image = sample.dot(&basis.mapv(|x| x as f32).t());
        let mut basis = image.t().dot(&sample).mapv(f64::from);
        orthogonalise(&mut basis);
        // The largest spread first: the order of rows is made from those.
        let image = sample.dot(&basis.mapv(|x| x as f32).t());
        let spread: Vec<f64> = image
            .columns()
            .into_iter()
            .map(|column| column.iter().map(|x| f64::from(*x) * f64::from(*x)).sum())
            .collect();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| spread[b].total_cmp(&spread[a]).then(a.cmp(&b)));
        let rows = basis.select(ndarray::Axis(0), &order).mapv(|x| x as f32);
        let skew = skew(rows.view());
        Directions { rows, skew }
    }

    /// The number of directions.
    pub fn len(&self) -> usize {
        self.rows.nrows()
    }
}

/// Gram and Schmidt, twice over; a row that the others span becomes zeros.
fn orthogonalise(rows: &mut Array2<f64>) {
    let d = rows.ncols();
    let Some(all) = rows.as_slice_mut() else {
        return;
    };
    for at in 0..all.len() / d.max(1) {
        let (before, rest) = all.split_at_mut(at * d);
        let row = &mut rest[..d];
        let dot = |a: &[f64], b: &[f64]| {
            let mut sums = [0.0; 8];
            for (a, b) in a.chunks(8).zip(b.chunks(8)) {
                for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum += a * b;
                }
            }
            sums.iter().sum::<f64>()
        };
        let length = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in before.chunks_exact(d) {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let left = dot(row, row).sqrt();
        let factor = if left > 1e-6 * length {
            1.0 / left
        } else {
            0.0
        };
        row.iter_mut().for_each(|x| *x *= factor);
    }
}

/// How far the rows are from orthogonal and of length 1 (or 0): the largest absolute row sum of `P P' - 1`.
fn skew(rows: ArrayView2<'_, f32>) -> f64 {
    let wide = rows.mapv(f64::from);
    let gram = wide.dot(&wide.t());
    let sums = gram.outer_iter().enumerate().map(|(at, row)| {
        let off = row.iter().enumerate().map(|(other, x)| {
            // A direction of zeros shortens, which is allowed.
            let due = if at == other && *x > 0.5 { 1.0 } else { 0.0 };
            (x - due).abs()
        });
        off.sum::<f64>()
    });
    sums.fold(0.0, f64::max)
}

impl Head {
    /// Projects some rows. O(n d h) products.
    pub(super) fn new(
        isa: Isa,
        points: &Points<'_>,
        rows: &[u32],
        directions: &Directions,
    ) -> Head {
        let (d, h) = (points.dims(), directions.len());
        let numbers = isa.in_int8();
        let isa = isa.for_dims(1);
        let parts: Vec<(usize, Panels)> = (0..d)
            .step_by(CHAIN)
            .map(|from| {
                let to = (from + CHAIN).min(d);
                let part: Vec<f32> = directions
                    .rows
                    .outer_iter()
                    .flat_map(|row| {
                        row.iter()
                            .copied()
                            .skip(from)
                            .take(to - from)
                            .collect::<Vec<_>>()
                    })
                    .collect();
                (from, Panels::pack(isa, &part, to - from))
            })
            .collect();
        let first = h.min(LEADING);
        let mut lengths = vec![0.0_f32; rows.len()];
        let mut leading = vec![0.0_f32; rows.len() * first];
        let mut packed = Rows::with_capacity(numbers, rows.len(), h);
        let mut coordinates = vec![0.0_f32; rows.len().min(TOGETHER) * h];
        let stride = h.next_multiple_of(LANES);
        let some = rows.chunks(TOGETHER).zip(lengths.chunks_mut(TOGETHER));
        for ((rows, lengths), leading) in some.zip(leading.chunks_mut(TOGETHER * first)) {
            let coordinates = &mut coordinates[..rows.len() * h];
            coordinates.fill(0.0);
            coordinates
                .par_chunks_mut(BLOCK * h)
                .zip(lengths.par_chunks_mut(BLOCK))
                .zip(rows.par_chunks(BLOCK))
                .for_each_init(
                    || {
                        (
                            Block::new(isa),
                            vec![0.0_f32; BLOCK * d],
                            Vec::new(),
                            vec![0.0_f32; BLOCK * stride],
                        )
                    },
                    |(block, whole, part, tile), ((out, lengths), rows)| {
                        for ((x, length), &row) in
                            whole.chunks_exact_mut(d).zip(lengths.iter_mut()).zip(rows)
                        {
                            points.working_row(isa, row as usize, x);
                            *length = sum_of_squares(isa, x) as f32;
                        }
                        for (from, panels) in &parts {
                            part.clear();
                            let width = CHAIN.min(d - from);
                            for row in whole.chunks_exact(d).take(lengths.len()) {
                                part.extend_from_slice(&row[*from..from + width]);
                            }
                            block.fill(part, width);
                            products(block, panels, 0..panels.len(), tile, stride);
                            for (out, sums) in
                                out.chunks_exact_mut(h).zip(tile.chunks_exact(stride))
                            {
                                out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                            }
                        }
                    },
                );
            for (leading, row) in leading
                .chunks_exact_mut(first)
                .zip(coordinates.chunks_exact(h))
            {
                leading.copy_from_slice(&row[..first]);
            }
            packed.append_with(rows.len(), h, |row, out| {
                out.copy_from_slice(&coordinates[row * h..(row + 1) * h]);
            });
        }
        // Each coordinate is off by so many roundings of |p| |x|, all of them by the root of their number times that.
        let chains = d.div_ceil(CHAIN);
        let off =
            (h as f64).sqrt() * ((CHAIN.min(d) + chains + 4) as f64) * U * (1.0 + directions.skew);
        let rounding =
            4.0 * off * (1.0 + off) * 1.01 + 2.0 * directions.skew * (1.0 + directions.skew) * 1.01;
        Head {
            dims: h,
            rows: packed,
            leading,
            lengths,
            rounding: rounding as f32,
        }
    }

    /// A head of about so many directions, found among the same rows.
    #[cfg(test)]
    pub fn of(isa: Isa, points: &Points<'_>, rows: &[u32], count: usize) -> Head {
        Head::new(isa, points, rows, &Directions::new(points, rows, count))
    }

    /// The number of directions.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The share of its length that rounding to integers moved a projected row by.
    pub fn moved(&self, row: usize) -> f32 {
        self.rows.moves()[row]
    }

    /// Appends a projected row as it was rounded, turned and padded: see [`Rows::append_turned`].
    pub fn append_turned(&self, row: usize, out: &mut Vec<f32>) {
        self.rows.append_turned(row, out);
    }

    /// Fills a block of integers with some projected rows.
    pub fn fill(&self, rows: &[u32], block: &mut Block) {
        self.rows.fill(rows, block);
    }

    /// Some projected rows in panels of integers. O(n h).
    pub fn panels(&self, isa: Isa, rows: &[u32]) -> Panels {
        self.rows.panels_of(isa, rows)
    }

    /// What makes safe proposals of the products of projected rows, in this order: lower ends only. O(n).
    pub fn ends<'a>(&self, points: &'a Points<'a>, order: &'a [u32]) -> Ends<'a> {
        let of = |values: &[f32]| -> Vec<f32> {
            order.iter().map(|&row| values[row as usize]).collect()
        };
        let (norms, moves) = (of(self.rows.norms()), of(self.rows.moves()));
        let mut ends = Ends::new(points, order, &norms, &moves, bound::usual(&moves));
        for (place, &row) in order.iter().enumerate() {
            // The head's own roundings, and those of the decision on the whole row.
            let more = self.share(row as usize)
                + bound::share(points.dims(), self.length(row as usize), 0.0, 0.0);
            ends.share[place] += more;
            ends.low[place] -= more;
        }
        ends
    }

    /// The squared length of a whole row.
    fn length(&self, row: usize) -> f32 {
        self.lengths[row]
    }

    /// What the head's roundings add to the bound of a row's pairs.
    fn share(&self, row: usize) -> f32 {
        self.rounding * self.lengths[row] * 1.000_01
    }

    /// Some rows in an order in which those that stand together are near each other. Once: afterwards the head lets go of what
    /// it takes. O(n log n).
    pub fn order(&mut self, rows: &[u32]) -> Vec<u32> {
        let leading = std::mem::take(&mut self.leading);
        let dims = self.dims.min(LEADING);
        let mut order = rows.to_vec();
        halve(
            &|row: u32| &leading[row as usize * dims..][..dims],
            dims,
            &mut order,
        );
        order
    }
}
