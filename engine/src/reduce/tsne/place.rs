//! Places new rows on a map that stays as it is, as openTSNE's `transform`: from the weighted mean of their neighbours'
//! points, down the slope of the divergence of the new row alone. Each row is placed as if it were the only one.

use ndarray::Array2;
use rayon::prelude::*;

use super::affinity;
use super::tree::Tree;
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::neighbors::Neighbors;

/// Rounds.
const ROUNDS: usize = 250;
/// The size of the steps.
const LEARNING_RATE: f32 = 0.1;
/// How much of the last step is made again.
const MOMENTUM: f32 = 0.8;
/// How many times stronger neighbours pull.
const EXAGGERATION: f32 = 1.5;
/// The steepest slope that is followed as it is.
const STEEPEST: f32 = 0.25;

/// A point for each row of `near`, whose neighbours are rows of `reference`. O(rows rounds (k + log n)).
///
/// # Errors
/// [`Error::Cancelled`].
pub fn place<const D: usize>(
    near: &Neighbors,
    reference: &Array2<f32>,
    perplexity: f64,
    theta: f32,
    context: &Context,
) -> Result<Array2<f32>, Error> {
    let rows = near.indices.nrows();
    let points: Vec<[f32; D]> = reference
        .outer_iter()
        .map(|row| std::array::from_fn(|axis| row[axis]))
        .collect();
    let weights = affinity::conditional(
        near,
        perplexity,
        &context.step("weigh neighbours", rows as u64),
    )?;
    let tree = Tree::new(&points);
    let step = context.step("place points", rows as u64);
    let placed: Vec<[f32; D]> = (0..rows)
        .into_par_iter()
        .map(|row| {
            step.tick(1)?;
            let others = near.indices.row(row).to_vec();
            Ok(settle(&others, &weights[row], &points, &tree, theta))
        })
        .collect::<Result<_, Cancelled>>()?;
    Ok(Array2::from_shape_fn((rows, D), |(row, axis)| {
        placed[row][axis]
    }))
}

fn settle<const D: usize>(
    others: &[u32],
    weights: &[f32],
    points: &[[f32; D]],
    tree: &Tree<D>,
    theta: f32,
) -> [f32; D] {
    let mut place: [f32; D] = std::array::from_fn(|axis| {
        let pulls = others.iter().zip(weights);
        pulls
            .map(|(&other, weight)| weight * points[other as usize][axis])
            .sum()
    });
    let (mut step, mut gain) = ([0.0_f32; D], [1.0_f32; D]);
    for _ in 0..ROUNDS {
        let pull = super::descent::pull(points, place, others, weights);
        let (push, sum) = tree.push_at(place, theta, None);
        let mut slope = [0.0_f32; D];
        for axis in 0..D {
            slope[axis] = EXAGGERATION * pull[axis] - push[axis] / sum.max(f32::MIN_POSITIVE);
        }
        let length = slope.iter().map(|s| s * s).sum::<f32>().sqrt();
        let ease = if length > STEEPEST {
            STEEPEST / length
        } else {
            1.0
        };
        for axis in 0..D {
            let slope = slope[axis] * ease;
            let same = step[axis] * slope > 0.0;
            gain[axis] = if same {
                gain[axis] * 0.8 + 0.01
            } else {
                gain[axis] + 0.2
            };
            step[axis] = MOMENTUM * step[axis] - LEARNING_RATE * gain[axis] * slope;
            place[axis] += step[axis];
        }
    }
    place
}
