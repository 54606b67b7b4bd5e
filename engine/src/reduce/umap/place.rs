//! Places new rows on a map that stays as it is: each begins among its neighbours and is pulled and pushed by the points
//! that are there, never by other new ones, so it does not matter who else is placed.

use ndarray::Array2;
use rayon::prelude::*;

use super::curve::Curve;
use super::fuzzy_set::{self, Shape};
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::neighbors::Neighbors;
use crate::random;

/// The largest move of one sample along one axis.
const CLIP: f64 = 4.0;

/// How the points move.
#[derive(Debug, Clone, Copy)]
pub struct Moves {
    /// Attraction and repulsion.
    pub curve: Curve,
    /// Rounds.
    pub epochs: usize,
    /// The first round's step; it falls linearly to 0.
    pub learning_rate: f64,
    /// Pushes a pull.
    pub negative_sample_rate: usize,
    /// How much a push weighs.
    pub repulsion_strength: f64,
}

/// A point for each row of `near`, whose neighbours are rows of `reference`. O(rows epochs k).
///
/// # Errors
/// [`Error::Cancelled`].
pub fn place(
    near: &Neighbors,
    reference: &Array2<f32>,
    shape: Shape,
    moves: &Moves,
    context: &Context,
) -> Result<Array2<f32>, Error> {
    let (rows, k) = near.distances.dim();
    let total: f64 = near.distances.iter().map(|&d| f64::from(d)).sum();
    let mean = total / (rows * k).max(1) as f64;
    let step = context.step("place points", rows as u64);
    let points: Vec<Vec<f32>> = (0..rows)
        .into_par_iter()
        .map(|row| {
            step.tick(1)?;
            let distances: Vec<f64> = near
                .distances
                .row(row)
                .iter()
                .map(|&d| f64::from(d))
                .collect();
            let weights = fuzzy_set::memberships(&distances, shape, mean);
            let others = near.indices.row(row).to_vec();
            Ok(settle(
                row,
                &others,
                &weights,
                reference,
                moves,
                context.seed,
            ))
        })
        .collect::<Result<_, Cancelled>>()?;
    Ok(Array2::from_shape_fn(
        (rows, reference.ncols()),
        |(row, axis)| points[row][axis],
    ))
}

/// The weighted mean of the neighbours' points, moved as umap-learn's `transform` moves it.
fn settle(
    row: usize,
    others: &[u32],
    weights: &[f32],
    reference: &Array2<f32>,
    moves: &Moves,
    seed: u64,
) -> Vec<f32> {
    let dim = reference.ncols();
    let at = |other: usize, axis: usize| f64::from(reference[[other, axis]]);
    let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let mut point: Vec<f64> = (0..dim)
        .map(|axis| {
            let pulls = others.iter().zip(weights);
            let along = pulls.map(|(&other, &w)| f64::from(w) * at(other as usize, axis));
            along.sum::<f64>() / sum.max(f64::MIN_POSITIVE)
        })
        .collect();
    let heaviest = weights.iter().fold(0.0_f32, |most, &w| most.max(w));
    let Curve { a, b } = moves.curve;
    let mut draw = 0;
    for epoch in 1..=moves.epochs {
        let alpha = moves.learning_rate * (1.0 - (epoch - 1) as f64 / moves.epochs as f64);
        for (&other, &weight) in others.iter().zip(weights) {
            // Due when its schedule passes a whole number.
            let rate = f64::from(weight / heaviest);
            if (epoch as f64 * rate).floor() == ((epoch - 1) as f64 * rate).floor() {
                continue;
            }
            let push = |point: &mut Vec<f64>, other: usize, pulls: bool| {
                let square: f64 = (0..dim).map(|c| (point[c] - at(other, c)).powi(2)).sum();
                let by = if pulls {
                    if square <= 0.0 {
                        return;
                    }
                    -2.0 * a * b * square.powf(b - 1.0) / (1.0 + a * square.powf(b))
                } else {
                    2.0 * moves.repulsion_strength * b
                        / ((0.001 + square) * (1.0 + a * square.powf(b)))
                };
                for (c, value) in point.iter_mut().enumerate() {
                    *value += alpha * (by * (*value - at(other, c))).clamp(-CLIP, CLIP);
                }
            };
            push(&mut point, other as usize, true);
            for _ in 0..moves.negative_sample_rate {
                let bits = random::bits(seed ^ 0x506C_6163, row as u64, draw);
                draw += 1;
                let other = ((u128::from(bits) * reference.nrows() as u128) >> 64) as usize;
                push(&mut point, other, false);
            }
        }
    }
    point.into_iter().map(|value| value as f32).collect()
}
