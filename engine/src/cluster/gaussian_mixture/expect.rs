//! How likely each component is, given a row: densities by squared lengths of whitened differences, then shares.
//!
//! A row mostly stays with the component it had. So that one's density is known first, and of the others a length is left
//! unfinished once it is too long for a share: what is left out is left out either way, and the bits are the same.

use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::estimate::{Covariances, Estimated};
use super::factor::{Factor, products_isa};
use crate::context::{Cancelled, Step};
use crate::linalg::{
    Block, Isa, LANES, TOGETHER, isa, products, stretched_length, stretched_lengths,
};
use crate::neighbors::Points;

/// Rows of one task.
const ROWS: usize = 64;
/// Shares below this are left out; so many of them as there may be components do not show in a sum.
const LEAST_SHARE: f64 = 1.0 / (1_u64 << 40) as f64;
/// A density this much below the largest, as a logarithm, gives less than the least share, whatever the others are.
const BELOW: f64 = 28.0;

/// The share of a row that belongs to a component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub row: u32,
    pub component: u32,
    pub share: f64,
}

/// A row's likeliest component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Posterior {
    pub component: u32,
    pub probability: f32,
}

/// What the mixture says of the rows.
#[derive(Debug)]
pub(super) struct Expected {
    /// The mean log density, in working units.
    pub mean: f64,
    /// The shares, block after block in row order.
    pub entries: Vec<Vec<Entry>>,
    pub posteriors: Vec<Posterior>,
}

/// Reads the mixture at every row. `owners` are the components that are likely the likeliest, one a row: they say where to
/// look first, and do not change what is found.
pub(super) fn expect(
    points: &Points<'_>,
    model: &Estimated,
    owners: &[u32],
    step: &Step<'_>,
) -> Result<Expected, Cancelled> {
    let n = points.len();
    let reader = Reader::new(model, points.dims());
    let blocks: Vec<(f64, Vec<Entry>, Vec<Posterior>)> = (0..n.div_ceil(ROWS))
        .into_par_iter()
        .map_init(
            || Buffers::new(&reader),
            |buffers, block| {
                let rows = block * ROWS..((block + 1) * ROWS).min(n);
                step.tick(rows.len() as u64)?;
                Ok(reader.read(points, rows.clone(), &owners[rows], buffers))
            },
        )
        .collect::<Result<_, Cancelled>>()?;
    let mean = blocks.iter().map(|(sum, ..)| sum).sum::<f64>() / n as f64;
    let posteriors = blocks
        .iter()
        .flat_map(|(_, _, posteriors)| posteriors)
        .copied()
        .collect();
    Ok(Expected {
        mean,
        posteriors,
        entries: blocks.into_iter().map(|(_, entries, _)| entries).collect(),
    })
}

/// The mixture as the blocks read it.
struct Reader<'a> {
    isa: Isa,
    model: &'a Estimated,
    dims: usize,
    /// The logarithm of each component's weight and of its density's constant.
    constants: Vec<f64>,
    /// Means and one over deviations, f32, `k x d` each; whitened means, and ones once, where one factor serves all.
    narrow: Vec<f32>,
    scales: Vec<f32>,
}

struct Buffers {
    rows: Vec<f32>,
    gaps: Vec<f32>,
    block: Block,
    tile: Vec<f32>,
    /// `ROWS x k` squared lengths, then logarithms.
    logs: Vec<f64>,
}

impl Buffers {
    fn new(reader: &Reader<'_>) -> Buffers {
        let gaps = match reader.model.covariances {
            Covariances::Diag(_) => 0,
            Covariances::Tied(_) | Covariances::Full(_) => ROWS,
        };
        Buffers {
            rows: vec![0.0; ROWS * reader.dims],
            gaps: vec![0.0; gaps * reader.dims],
            block: Block::new(products_isa()),
            tile: vec![0.0; gaps * reader.dims.next_multiple_of(LANES)],
            logs: vec![0.0; ROWS * reader.constants.len()],
        }
    }
}

impl<'a> Reader<'a> {
    fn new(model: &'a Estimated, dims: usize) -> Reader<'a> {
        let normal = 0.5 * dims as f64 * std::f64::consts::TAU.ln();
        let k = model.weights.len();
        let mut narrow: Vec<f32> = model.means.iter().map(|&v| v as f32).collect();
        let mut scales = Vec::new();
        let roots: Vec<f64> = match &model.covariances {
            Covariances::Full(factors) => factors.iter().map(|f| f.log_root).collect(),
            Covariances::Tied(factor) => {
                for (mean, out) in model
                    .means
                    .chunks_exact(dims)
                    .zip(narrow.chunks_exact_mut(dims))
                {
                    for (row, out) in factor.inverse.rows().into_iter().zip(out) {
                        *out = row.iter().zip(mean).map(|(a, b)| a * b).sum::<f64>() as f32;
                    }
                }
                scales = vec![1.0; dims];
                vec![factor.log_root; k]
            }
            Covariances::Diag(variances) => {
                scales = variances.iter().map(|v| v.sqrt().recip() as f32).collect();
                let logs = variances.chunks_exact(dims);
                logs.map(|v| 0.5 * v.iter().map(|v| v.ln()).sum::<f64>())
                    .collect()
            }
        };
        let constants = model
            .weights
            .iter()
            .zip(roots)
            .map(|(weight, root)| weight.ln() - normal - root)
            .collect();
        Reader {
            isa: isa(),
            model,
            dims,
            constants,
            narrow,
            scales,
        }
    }

    fn read(
        &self,
        points: &Points<'_>,
        rows: Range<usize>,
        owners: &[u32],
        buffers: &mut Buffers,
    ) -> (f64, Vec<Entry>, Vec<Posterior>) {
        let (d, k) = (self.dims, self.constants.len());
        let count = rows.len();
        self.centre(points, rows.clone(), &mut buffers.rows);
        match &self.model.covariances {
            Covariances::Diag(_) => {
                let scale = |c: usize| &self.scales[c * d..][..d];
                self.scaled(&buffers.rows[..count * d], owners, scale, &mut buffers.logs);
            }
            Covariances::Tied(factor) => match &factor.panels {
                Some(panels) => {
                    let wide = panels.len() * LANES;
                    buffers.block.fill(&buffers.rows[..count * d], d);
                    products(
                        &buffers.block,
                        panels,
                        0..panels.len(),
                        &mut buffers.tile,
                        wide,
                    );
                    for (tile, out) in buffers
                        .tile
                        .chunks_exact(wide)
                        .zip(buffers.gaps.chunks_exact_mut(d))
                    {
                        out.copy_from_slice(&tile[..d]);
                    }
                    let whitened = &buffers.gaps[..count * d];
                    self.scaled(whitened, owners, |_| &self.scales, &mut buffers.logs);
                }
                None => {
                    for c in 0..k {
                        self.wide(factor, c, count, buffers);
                    }
                }
            },
            Covariances::Full(factors) => {
                for (c, factor) in factors.iter().enumerate() {
                    match factor.panels {
                        Some(_) => self.whitened(factor, c, count, buffers),
                        None => self.wide(factor, c, count, buffers),
                    }
                }
            }
        }
        self.shares(rows, &mut buffers.logs)
    }

    /// Rows in working units.
    fn centre(&self, points: &Points<'_>, rows: Range<usize>, out: &mut [f32]) {
        for (row, out) in rows.zip(out.chunks_exact_mut(self.dims)) {
            points.working_row(self.isa, row, out);
        }
    }

    /// Squared lengths of `(row - mean) * scale` for each component, or less than that where it is too long for a share.
    fn scaled<'s>(
        &self,
        rows: &[f32],
        owners: &[u32],
        scale: impl Fn(usize) -> &'s [f32],
        logs: &mut [f64],
    ) {
        let (d, k) = (self.dims, self.constants.len());
        let groups = rows.chunks(TOGETHER * d).zip(owners.chunks(TOGETHER));
        for ((rows, owners), logs) in groups.zip(logs.chunks_mut(TOGETHER * k)) {
            self.scaled_together(rows, owners, &scale, logs);
        }
    }

    /// The same for up to [`TOGETHER`] rows.
    fn scaled_together<'s>(
        &self,
        rows: &[f32],
        owners: &[u32],
        scale: impl Fn(usize) -> &'s [f32],
        logs: &mut [f64],
    ) {
        let (d, k) = (self.dims, self.constants.len());
        let mean = |c: usize| &self.narrow[c * d..][..d];
        // A short last group repeats its first row.
        let place = |at: usize| if at < owners.len() { at } else { 0 };
        let rows = [0, 1, 2, 3].map(|at| &rows[place(at) * d..][..d]);
        let mut owns = [(0, 0.0, 0.0); TOGETHER];
        for (at, own) in owns.iter_mut().enumerate() {
            let c = owners[place(at)] as usize;
            let length = stretched_length(self.isa, rows[at], mean(c), scale(c));
            let least = self.constants[c] - 0.5 * f64::from(length) - BELOW;
            *own = (c, length, least);
        }
        for c in 0..k {
            if owns.iter().any(|own| own.0 != c) {
                let limits = owns.map(|(own, _, least)| {
                    if own == c {
                        return -1.0;
                    }
                    // A little more, so that rounding does not make it less.
                    (2.0 * (self.constants[c] - least)) as f32 * (1.0 + 1e-6)
                });
                let lengths = stretched_lengths(self.isa, rows, mean(c), scale(c), limits);
                for (length, logs) in lengths.into_iter().zip(logs.chunks_exact_mut(k)) {
                    logs[c] = f64::from(length);
                }
            }
        }
        for ((c, length, _), logs) in owns.into_iter().zip(logs.chunks_exact_mut(k)) {
            logs[c] = f64::from(length);
        }
    }

    /// Squared lengths of whitened differences, by f32 products.
    fn whitened(&self, factor: &Factor, c: usize, count: usize, buffers: &mut Buffers) {
        let Some(panels) = &factor.panels else {
            return;
        };
        let (d, k) = (self.dims, self.constants.len());
        let mean = &self.narrow[c * d..][..d];
        for (row, out) in buffers.rows[..count * d]
            .chunks_exact(d)
            .zip(buffers.gaps.chunks_exact_mut(d))
        {
            for ((out, value), mean) in out.iter_mut().zip(row).zip(mean) {
                *out = value - mean;
            }
        }
        buffers.block.fill(&buffers.gaps[..count * d], d);
        let wide = panels.len() * LANES;
        products(
            &buffers.block,
            panels,
            0..panels.len(),
            &mut buffers.tile,
            wide,
        );
        for (at, tile) in buffers.tile.chunks_exact(wide).take(count).enumerate() {
            // Lanes that pad the last panel are 0.
            buffers.logs[at * k + c] = f64::from(crate::linalg::squared_norm(tile));
        }
    }

    /// The same in f64 throughout.
    fn wide(&self, factor: &Factor, c: usize, count: usize, buffers: &mut Buffers) {
        let (d, k) = (self.dims, self.constants.len());
        let mean = &self.model.means[c * d..][..d];
        let gaps: Vec<f64> = buffers.rows[..count * d]
            .chunks_exact(d)
            .flat_map(|row| row.iter().zip(mean).map(|(v, mean)| f64::from(*v) - mean))
            .collect();
        if let Ok(gaps) = ArrayView2::from_shape((count, d), &gaps) {
            let white = gaps.dot(&factor.inverse.t());
            for (at, row) in white.rows().into_iter().enumerate() {
                buffers.logs[at * k + c] = row.iter().map(|v| v * v).sum();
            }
        }
    }

    /// Turns squared lengths into log densities, and those into shares.
    fn shares(&self, rows: Range<usize>, logs: &mut [f64]) -> (f64, Vec<Entry>, Vec<Posterior>) {
        let k = self.constants.len();
        let mut sum = 0.0;
        let mut entries = Vec::with_capacity(2 * rows.len());
        let mut posteriors = Vec::with_capacity(rows.len());
        for (row, logs) in rows.zip(logs.chunks_exact_mut(k)) {
            let (mut likeliest, mut most) = (0, f64::NEG_INFINITY);
            for (c, (log, constant)) in logs.iter_mut().zip(&self.constants).enumerate() {
                *log = constant - 0.5 * *log;
                if *log > most {
                    (likeliest, most) = (c, *log);
                }
            }
            let first = entries.len();
            let mut total = 0.0;
            for (c, log) in logs.iter().enumerate() {
                if log - most > -BELOW {
                    let share = (log - most).exp();
                    total += share;
                    entries.push(Entry {
                        row: row as u32,
                        component: c as u32,
                        share,
                    });
                }
            }
            let mut kept = first;
            for at in first..entries.len() {
                let share = entries[at].share / total;
                if share >= LEAST_SHARE {
                    entries[kept] = Entry {
                        share,
                        ..entries[at]
                    };
                    kept += 1;
                }
            }
            entries.truncate(kept);
            sum += most + total.ln();
            posteriors.push(Posterior {
                component: likeliest as u32,
                probability: (1.0 / total).min(1.0) as f32,
            });
        }
        (sum, entries, posteriors)
    }
}
