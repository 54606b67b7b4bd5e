//! The Gaussians that fit best when each row belongs to components by given shares.
//!
//! Members of a component are taken in row order and cut into pieces of a fixed length; pieces are summed on any thread
//! and added in order. Variances are sums of squared differences from the new mean, not differences of large sums.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::expect::Entry;
use super::factor::Factor;
use super::{Options, Shape};
use crate::context::Step;
use crate::error::Error;
use crate::linalg::isa;
use crate::neighbors::Points;

/// Members in a piece.
const PIECE: usize = 256;
/// Pieces whose sums are kept at a time: enough for any number of threads.
const WAVE: usize = 64;

/// The mixture, in working units.
#[derive(Debug, Clone)]
pub(super) struct Estimated {
    pub weights: Vec<f64>,
    /// `k x d`, row after row.
    pub means: Vec<f64>,
    pub covariances: Covariances,
}

/// The covariances, ready for use.
#[derive(Debug, Clone)]
pub(super) enum Covariances {
    /// One factor for each.
    Full(Vec<Factor>),
    /// One factor for all.
    Tied(Box<Factor>),
    /// Variances, `k x d`; spherical ones are repeated.
    Diag(Vec<f64>),
}

/// A piece of a component's members.
struct Piece<'a> {
    component: usize,
    members: &'a [(u32, f32)],
}

/// Estimates the mixture from shares in row order. A component that has no members keeps what it was `before`.
pub(super) fn estimate(
    points: &Points<'_>,
    entries: &[Vec<Entry>],
    before: Option<&Estimated>,
    options: &Options,
    step: &Step<'_>,
) -> Result<Estimated, Error> {
    let (k, d) = (options.n_components, points.dims());
    let members = by_component(entries, k);
    // As scikit-learn: no component weighs nothing.
    let sizes: Vec<f64> = members
        .iter()
        .map(|rows| rows.iter().map(|(_, share)| f64::from(*share)).sum::<f64>())
        .map(|size| size + 10.0 * f64::EPSILON)
        .collect();
    let total: f64 = sizes.iter().sum();
    let pieces: Vec<Piece<'_>> = members
        .iter()
        .enumerate()
        .flat_map(|(component, members)| {
            members
                .chunks(PIECE)
                .map(move |members| Piece { component, members })
        })
        .collect();
    let mut means = sum(&pieces, k, d, step, |piece, sums| {
        add_rows(points, piece, sums)
    })?;
    for (component, mean) in means.chunks_exact_mut(d).enumerate() {
        if members[component].is_empty() {
            match before {
                Some(before) => mean.copy_from_slice(&before.means[component * d..][..d]),
                None => mean.fill(0.0),
            }
        } else {
            mean.iter_mut().for_each(|sum| *sum /= sizes[component]);
        }
    }
    let reg = options.reg_covar / points.squared_from_working(1.0);
    let covariances = match options.shape {
        Shape::Diag | Shape::Spherical => {
            let mut variances = sum(&pieces, k, d, step, |piece, sums| {
                add_squares(points, piece, &means[piece.component * d..][..d], sums);
            })?;
            for (component, variances) in variances.chunks_exact_mut(d).enumerate() {
                for variance in variances.iter_mut() {
                    *variance = *variance / sizes[component] + reg;
                }
                if options.shape == Shape::Spherical {
                    let mean = variances.iter().sum::<f64>() / d as f64;
                    variances.fill(mean);
                }
            }
            // Coordinates are near 1: less than this is nothing, and its reciprocal would leave f32's range.
            if variances.iter().any(|v| v.is_nan() || *v < 1e-26) {
                return Err(collapsed(options, d));
            }
            Covariances::Diag(variances)
        }
        Shape::Full => {
            let sums = scatters(points, &pieces, &means, k, step)?;
            let factors: Vec<Option<Factor>> = sums
                .into_par_iter()
                .zip(&sizes)
                .map(|(sum, size)| Factor::of(&regular(sum, *size, reg)))
                .collect();
            let factors: Option<Vec<Factor>> = factors.into_iter().collect();
            Covariances::Full(factors.ok_or_else(|| collapsed(options, d))?)
        }
        Shape::Tied => {
            let all = scatters(points, &pieces, &means, 1, step)?.pop();
            let factor = all.and_then(|all| Factor::of(&regular(all, total, reg)));
            Covariances::Tied(Box::new(factor.ok_or_else(|| collapsed(options, d))?))
        }
    };
    Ok(Estimated {
        weights: sizes.iter().map(|size| size / total).collect(),
        means,
        covariances,
    })
}

fn collapsed(options: &Options, d: usize) -> Error {
    Error::Input(format!(
        "a Gaussian collapsed onto too few different rows; use fewer components than {}, a larger reg_covar than {}, or reduce the {d} dimensions first",
        options.n_components, options.reg_covar
    ))
}

fn by_component(entries: &[Vec<Entry>], k: usize) -> Vec<Vec<(u32, f32)>> {
    let mut members: Vec<Vec<(u32, f32)>> = vec![Vec::new(); k];
    for entry in entries.iter().flatten() {
        members[entry.component as usize].push((entry.row, entry.share));
    }
    members
}

/// Sums of `d` numbers for each of `k` components.
fn sum(
    pieces: &[Piece<'_>],
    k: usize,
    d: usize,
    step: &Step<'_>,
    add: impl Fn(&Piece<'_>, &mut [f64]) + Sync,
) -> Result<Vec<f64>, Error> {
    let mut total = vec![0.0; k * d];
    for wave in pieces.chunks(WAVE) {
        step.tick(0)?;
        let parts: Vec<Vec<f64>> = wave
            .par_iter()
            .map(|piece| {
                let mut sums = vec![0.0; d];
                add(piece, &mut sums);
                sums
            })
            .collect();
        for (piece, part) in wave.iter().zip(parts) {
            let total = &mut total[piece.component * d..][..d];
            for (total, part) in total.iter_mut().zip(part) {
                *total += part;
            }
        }
    }
    Ok(total)
}

fn add_rows(points: &Points<'_>, piece: &Piece<'_>, sums: &mut [f64]) {
    for &(row, share) in piece.members {
        points.add_working_row(isa(), row as usize, f64::from(share), sums);
    }
}

fn add_squares(points: &Points<'_>, piece: &Piece<'_>, mean: &[f64], sums: &mut [f64]) {
    let mut row = vec![0.0_f32; sums.len()];
    for &(at, share) in piece.members {
        points.working_row(isa(), at as usize, &mut row);
        pulp::Arch::new().dispatch(AddSquares {
            row: &row,
            mean,
            share: f64::from(share),
            sums: &mut *sums,
        });
    }
}

/// `sums += share * (row - mean)^2`.
struct AddSquares<'a> {
    row: &'a [f32],
    mean: &'a [f64],
    share: f64,
    sums: &'a mut [f64],
}

impl pulp::NullaryFnOnce for AddSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((sum, value), mean) in self.sums.iter_mut().zip(self.row).zip(self.mean) {
            let gap = f64::from(*value) - mean;
            *sum += self.share * (gap * gap);
        }
    }
}

/// The sum of `share (row - mean)(row - mean)'` for each of `k` components, or over all where `k` is 1.
fn scatters(
    points: &Points<'_>,
    pieces: &[Piece<'_>],
    means: &[f64],
    k: usize,
    step: &Step<'_>,
) -> Result<Vec<Array2<f64>>, Error> {
    let d = points.dims();
    let mut totals = vec![Array2::zeros((d, d)); k];
    // Wide matrices are summed a few pieces at a time, so that the parts stay small beside the totals.
    let wave = (WAVE * 4096 / (d * d).max(1)).clamp(4, WAVE);
    for wave in pieces.chunks(wave) {
        step.tick(0)?;
        let parts: Vec<Array2<f64>> = wave
            .par_iter()
            .map(|piece| {
                let mean = &means[piece.component * d..][..d];
                let mut gaps = vec![0.0_f64; piece.members.len() * d];
                let mut row = vec![0.0_f32; d];
                for (&(at, share), out) in piece.members.iter().zip(gaps.chunks_exact_mut(d)) {
                    points.working_row(isa(), at as usize, &mut row);
                    let root = f64::from(share).sqrt();
                    for ((out, value), mean) in out.iter_mut().zip(&row).zip(mean) {
                        *out = root * (f64::from(*value) - mean);
                    }
                }
                match ArrayView2::from_shape((piece.members.len(), d), &gaps) {
                    Ok(gaps) => gaps.t().dot(&gaps),
                    Err(_) => Array2::zeros((d, d)),
                }
            })
            .collect();
        for (piece, part) in wave.iter().zip(parts) {
            totals[piece.component.min(k - 1)] += &part;
        }
    }
    Ok(totals)
}

fn regular(mut sum: Array2<f64>, size: f64, reg: f64) -> Array2<f64> {
    sum /= size;
    sum.diag_mut().mapv_inplace(|v| v + reg);
    sum
}
