//! How likely each component is, given a row: densities by squared lengths of whitened differences, then shares.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::estimate::{Covariances, Estimated};
use super::factor::{Factor, products_isa};
use crate::context::{Cancelled, Step};
use crate::linalg::{Block, Isa, LANES, TOGETHER, isa, products, stretched_lengths};
use crate::neighbors::Points;

/// Rows of one task.
const ROWS: usize = 64;
/// Shares below this are left out; so many of them as there may be components do not show in a sum.
const LEAST_SHARE: f64 = 1.0 / (1_u64 << 40) as f64;

/// The share of a row that belongs to a component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub row: u32,
    pub component: u32,
    pub share: f32,
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

/// Reads the mixture at every row.
pub(super) fn expect(
    points: &Points<'_>,
    model: &Estimated,
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
                Ok(reader.read(points, rows, buffers))
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
    /// Means and one over deviations, f32, `k x d` each; whitened means without deviations where one factor serves all.
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
        let wide = reader.dims.next_multiple_of(LANES);
        Buffers {
            rows: vec![0.0; ROWS * reader.dims],
            gaps: vec![0.0; ROWS * reader.dims],
            block: Block::new(products_isa()),
            tile: vec![0.0; ROWS * wide],
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
        rows: std::ops::Range<usize>,
        buffers: &mut Buffers,
    ) -> (f64, Vec<Entry>, Vec<Posterior>) {
        let (d, k) = (self.dims, self.constants.len());
        let count = rows.len();
        for (row, out) in rows.clone().zip(buffers.rows.chunks_exact_mut(d)) {
            points.working_row(self.isa, row, out);
        }
        match &self.model.covariances {
            Covariances::Diag(_) => {
                let rows = &buffers.rows[..count * d];
                self.scaled(rows, |c| &self.scales[c * d..][..d], &mut buffers.logs);
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
                    let ones = vec![1.0; d];
                    self.scaled(&buffers.gaps[..count * d], |_| &ones, &mut buffers.logs);
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

    /// Squared lengths of `(row - mean) * scale` for each component.
    fn scaled<'s>(&self, rows: &[f32], scale: impl Fn(usize) -> &'s [f32], logs: &mut [f64]) {
        let (d, k) = (self.dims, self.constants.len());
        let groups = rows.chunks(TOGETHER * d);
        for (rows, logs) in groups.zip(logs.chunks_mut(TOGETHER * k)) {
            // A short last group repeats its first row.
            let row = |at: usize| rows.get(at * d..(at + 1) * d).unwrap_or(&rows[..d]);
            let rows = [row(0), row(1), row(2), row(3)];
            for (c, mean) in self.narrow.chunks_exact(d).enumerate() {
                let lengths = stretched_lengths(self.isa, rows, mean, scale(c));
                for (length, logs) in lengths.into_iter().zip(logs.chunks_exact_mut(k)) {
                    logs[c] = f64::from(length);
                }
            }
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
    fn shares(
        &self,
        rows: std::ops::Range<usize>,
        logs: &mut [f64],
    ) -> (f64, Vec<Entry>, Vec<Posterior>) {
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
                // e^-28 is below the least share, whatever the total.
                if log - most > -28.0 {
                    let share = (log - most).exp();
                    total += share;
                    entries.push(Entry {
                        row: row as u32,
                        component: c as u32,
                        share: share as f32,
                    });
                }
            }
            let mut kept = first;
            for at in first..entries.len() {
                let share = f64::from(entries[at].share) / total;
                if share >= LEAST_SHARE {
                    entries[kept] = Entry {
                        share: share as f32,
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
