//! The Gaussians that fit best when each row belongs to components by given shares.
//!
//! Members of a component are taken in row order and cut into pieces of a fixed length; pieces are summed on any thread
//! and added in order. Variances are moments about the mean of the round before, which is near the new one: one pass over the
//! rows, and no digits lost. A covariance that all share is that of all rows about their mean, less what the components'
//! means explain of it; where hardly anything is left it is summed as it is defined.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::expect::Entry;
use super::factor::Factor;
use super::{Options, Shape};
use crate::context::Step;
use crate::error::Error;
use crate::linalg::{TOGETHER, add_moments, fetch, isa};
use crate::neighbors::Points;

/// Members in a piece.
const PIECE: usize = 256;
/// Pieces whose sums are kept at a time: enough for any number of threads.
const WAVE: usize = 64;
/// Below this share of the largest variance of all rows, a shared covariance is summed from differences.
const LITTLE: f64 = 1e-6;

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
    members: &'a [(u32, f64)],
}

/// What stays from round to round.
#[derive(Debug)]
pub(super) struct Fixed {
    /// The sum of `x x'` over all rows in working units, where a covariance is shared.
    scatter: Option<Array2<f64>>,
}

impl Fixed {
    /// O(n d²) where a covariance is shared, else nothing.
    pub fn new(points: &Points<'_>, shape: Shape, step: &Step<'_>) -> Result<Fixed, Error> {
        if shape != Shape::Tied {
            return Ok(Fixed { scatter: None });
        }
        let rows: Vec<(u32, f64)> = (0..points.len() as u32).map(|row| (row, 1.0)).collect();
        let pieces: Vec<Piece<'_>> = pieces_of(0, &rows).collect();
        let origin = vec![0.0; points.dims()];
        Ok(Fixed {
            scatter: scatters(points, &pieces, &origin, 1, step)?.pop(),
        })
    }
}

/// Estimates the mixture from shares in row order. A component that has no members keeps what it was `before`.
pub(super) fn estimate(
    points: &Points<'_>,
    fixed: &Fixed,
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
        .map(|rows| rows.iter().map(|(_, share)| share).sum::<f64>() + 10.0 * f64::EPSILON)
        .collect();
    let total: f64 = sizes.iter().sum();
    let pieces: Vec<Piece<'_>> = members
        .iter()
        .enumerate()
        .flat_map(|(component, members)| pieces_of(component, members))
        .collect();
    let reg = options.reg_covar / points.squared_from_working(1.0);
    let old = |component: usize| before.map(|before| &before.means[component * d..][..d]);
    let (means, covariances) = match options.shape {
        Shape::Diag | Shape::Spherical => {
            let (means, mut variances) =
                means_and_variances(points, &members, &pieces, &sizes, before, step)?;
            variances.iter_mut().for_each(|variance| *variance += reg);
            if options.shape == Shape::Spherical {
                for variances in variances.chunks_exact_mut(d) {
                    let mean = variances.iter().sum::<f64>() / d as f64;
                    variances.fill(mean);
                }
            }
            // Coordinates are near 1: less than this is nothing, and its reciprocal would leave f32's range.
            if variances.iter().any(|v| v.is_nan() || *v < 1e-26) {
                return Err(collapsed(options, d));
            }
            (means, Covariances::Diag(variances))
        }
        Shape::Full | Shape::Tied => {
            let mut means = sum(&pieces, k, d, step, |piece, sums| {
                add_rows(points, piece, sums)
            })?;
            for (component, mean) in means.chunks_exact_mut(d).enumerate() {
                match old(component) {
                    Some(old) if members[component].is_empty() => mean.copy_from_slice(old),
                    _ => mean.iter_mut().for_each(|sum| *sum /= sizes[component]),
                }
            }
            let factors = match &fixed.scatter {
                Some(scatter) => {
                    let rest = unexplained(scatter, &means, &sizes, d);
                    let least = LITTLE * scatter.diag().fold(0.0, |a: f64, b| a.max(*b)) / total;
                    match Factor::of(&regular(rest, total, reg)) {
                        Some(factor) if factor.least * factor.least > least => Some(factor),
                        _ => scatters(points, &pieces, &means, 1, step)?
                            .pop()
                            .and_then(|all| Factor::of(&regular(all, total, reg))),
                    }
                    .map(|factor| Covariances::Tied(Box::new(factor)))
                }
                None => {
                    let sums = scatters(points, &pieces, &means, k, step)?;
                    let factors: Vec<Option<Factor>> = sums
                        .into_par_iter()
                        .zip(&sizes)
                        .map(|(sum, size)| Factor::of(&regular(sum, *size, reg)))
                        .collect();
                    let factors: Option<Vec<Factor>> = factors.into_iter().collect();
                    factors.map(Covariances::Full)
                }
            };
            (means, factors.ok_or_else(|| collapsed(options, d))?)
        }
    };
    Ok(Estimated {
        weights: sizes.iter().map(|size| size / total).collect(),
        means,
        covariances,
    })
}

/// The mean and the variances of each component, by moments about what its mean was before.
fn means_and_variances(
    points: &Points<'_>,
    members: &[Vec<(u32, f64)>],
    pieces: &[Piece<'_>],
    sizes: &[f64],
    before: Option<&Estimated>,
    step: &Step<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let (k, d) = (sizes.len(), points.dims());
    let old = |component: usize| before.map(|before| &before.means[component * d..][..d]);
    let mut about = vec![0.0_f32; k * d];
    for (component, about) in about.chunks_exact_mut(d).enumerate() {
        match (old(component), members[component].first()) {
            (Some(old), _) => {
                for (about, old) in about.iter_mut().zip(old) {
                    *about = *old as f32;
                }
            }
            // Any member is about a deviation from the mean.
            (None, Some(&(row, _))) => points.working_row(isa(), row as usize, about),
            (None, None) => {}
        }
    }
    let sums = sum(pieces, k, 2 * d, step, |piece, sums| {
        add_pieces(points, piece, &about[piece.component * d..][..d], sums);
    })?;
    let mut means = Vec::with_capacity(k * d);
    let mut variances = Vec::with_capacity(k * d);
    for (component, sums) in sums.chunks_exact(2 * d).enumerate() {
        let (sums, squares) = sums.split_at(d);
        let about = &about[component * d..][..d];
        let size = sizes[component];
        match old(component) {
            Some(old) if members[component].is_empty() => means.extend_from_slice(old),
            _ => means.extend(
                sums.iter()
                    .zip(about)
                    .map(|(sum, about)| f64::from(*about) + sum / size),
            ),
        }
        variances.extend(sums.iter().zip(squares).map(|(sum, square)| {
            let moved = sum / size;
            (square / size - moved * moved).max(0.0)
        }));
    }
    Ok((means, variances))
}

/// The scatter of all rows less that of their components' means: each row's shares sum to 1.
fn unexplained(scatter: &Array2<f64>, means: &[f64], sizes: &[f64], d: usize) -> Array2<f64> {
    let roots = Array2::from_shape_fn((sizes.len(), d), |(component, column)| {
        sizes[component].sqrt() * means[component * d + column]
    });
    scatter - &roots.t().dot(&roots)
}

fn collapsed(options: &Options, d: usize) -> Error {
    Error::Input(format!(
        "a Gaussian collapsed onto too few different rows; use fewer components than {}, a larger reg_covar than {}, or reduce the {d} dimensions first",
        options.n_components, options.reg_covar
    ))
}

fn pieces_of(component: usize, members: &[(u32, f64)]) -> impl Iterator<Item = Piece<'_>> {
    let pieces = members.chunks(PIECE);
    pieces.map(move |members| Piece { component, members })
}

fn by_component(entries: &[Vec<Entry>], k: usize) -> Vec<Vec<(u32, f64)>> {
    let mut members: Vec<Vec<(u32, f64)>> = vec![Vec::new(); k];
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
        points.add_working_row(isa(), row as usize, share, sums);
    }
}

/// Adds first moments about a point to the first half of `sums`, and second moments to the other.
fn add_pieces(points: &Points<'_>, piece: &Piece<'_>, about: &[f32], sums: &mut [f64]) {
    let (isa, d) = (isa(), about.len());
    let (sums, squares) = sums.split_at_mut(d);
    let mut rows = vec![0.0_f32; TOGETHER * d];
    let mut later = piece.members.chunks(TOGETHER).skip(1);
    for members in piece.members.chunks(TOGETHER) {
        let next = later.next().unwrap_or_default();
        fetch(next.iter().map(|&(row, _)| points.row(row as usize)));
        // Rows that are not there weigh nothing.
        let mut shares = [0.0; TOGETHER];
        let places = rows.chunks_exact_mut(d).zip(&mut shares);
        for ((out, to), &(row, share)) in places.zip(members) {
            points.working_row(isa, row as usize, out);
            *to = share as f32;
        }
        let four = [0, 1, 2, 3].map(|at| &rows[at * d..][..d]);
        add_moments(isa, four, shares, about, sums, squares);
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
                    let root = share.sqrt();
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
