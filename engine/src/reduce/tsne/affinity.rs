//! From neighbours to affinities: each row's Gaussian is made just wide enough that the entropy of its neighbours is
//! the logarithm of the perplexity, and the two directions of a pair are averaged.

use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::graph::Graph;
use crate::neighbors::Neighbors;

/// How near the entropy has to come to its target.
const TOLERANCE: f64 = 1e-6;
/// Steps of the search; Newton's take about six, halvings the rest.
const STEPS: usize = 100;
/// Rows between two ticks.
const ROWS: usize = 512;

/// The joint affinities of the rows: symmetric, and 1 in all. O(n k).
///
/// van der Maaten and Hinton, 2008, equation 1 over the neighbours given instead of all rows, as openTSNE has it:
/// distances of any metric are squared.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn joint(near: &Neighbors, perplexity: f64, step: &Step<'_>) -> Result<Graph, Error> {
    let conditional = conditional(near, perplexity, step)?;
    let scale = 1.0 / (2.0 * near.indices.nrows() as f64);
    let rows = (0..near.indices.nrows()).map(|i| {
        let columns = near.indices.row(i);
        let mut row: Vec<(u32, f32)> = columns
            .iter()
            .copied()
            .zip(conditional[i].iter().copied())
            .collect();
        row.sort_unstable_by_key(|&(column, _)| column);
        row
    });
    let directed = Graph::from_rows(rows);
    Ok(directed.joined(|p, q| (f64::from(p + q) * scale) as f32))
}

/// For each row the affinity of each of its neighbours; 1 in all.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn conditional(
    near: &Neighbors,
    perplexity: f64,
    step: &Step<'_>,
) -> Result<Vec<Vec<f32>>, Error> {
    let entropy = perplexity.ln();
    let rows: Vec<usize> = (0..near.indices.nrows()).collect();
    let found: Vec<Vec<Vec<f32>>> = rows
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            let mut squares = Vec::new();
            Ok(rows
                .iter()
                .map(|&row| {
                    squares.clear();
                    squares.extend(
                        near.distances
                            .row(row)
                            .iter()
                            .map(|&d| f64::from(d).powi(2)),
                    );
                    weigh(&mut squares, entropy)
                })
                .collect())
        })
        .collect::<Result<_, Error>>()?;
    Ok(found.concat())
}

/// Affinities `exp(-precision * square)`, scaled to sum 1, with the precision at which their entropy is `entropy`.
fn weigh(squares: &mut [f64], entropy: f64) -> Vec<f32> {
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let mut mean = 0.0;
    for square in squares.iter_mut() {
        *square -= least;
        mean += *square;
    }
    mean /= squares.len().max(1) as f64;
    if mean <= 0.0 || !mean.is_finite() {
        return vec![1.0 / squares.len() as f32; squares.len()];
    }
    // In units of the mean, a precision of 1 is a fair guess for any data.
    for square in squares.iter_mut() {
        *square /= mean;
    }
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut log = 0.0_f64;
    for _ in 0..STEPS {
        let precision = log.exp();
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for &square in squares.iter() {
            let weight = (-precision * square).exp();
            sum += weight;
            first += weight * square;
            second += weight * square * square;
        }
        let (first, second) = (first / sum, second / sum);
        let excess = sum.ln() + precision * first - entropy;
        if excess.abs() < TOLERANCE {
            break;
        }
        // The entropy falls as the precision rises.
        if excess > 0.0 {
            low = log;
        } else {
            high = log;
        }
        let slope = precision * precision * (second - first * first);
        let newton = log + (excess / slope).clamp(-2.0, 2.0);
        log = if slope > 0.0 && newton > low && newton < high {
            newton
        } else if low.is_finite() && high.is_finite() {
            f64::midpoint(low, high)
        } else if excess > 0.0 {
            log + 2.0
        } else {
            log - 2.0
        };
        if log.abs() > 300.0 {
            break;
        }
    }
    let precision = log.exp();
    let weights: Vec<f64> = squares
        .iter()
        .map(|square| (-precision * square).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights
        .into_iter()
        .map(|weight| (weight / sum) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(weights: &[f32]) -> f64 {
        weights
            .iter()
            .map(|&w| f64::from(w))
            .filter(|&w| w > 0.0)
            .map(|w| -w * w.ln())
            .sum()
    }

    #[test]
    fn the_entropy_is_the_logarithm_of_the_perplexity() {
        for scale in [1e-12, 1.0, 1e20] {
            for perplexity in [1.5, 5.0, 30.0] {
                let mut squares: Vec<f64> = (1..=90)
                    .map(|i| scale * (f64::from(i) * 0.13).powi(2))
                    .collect();
                let weights = weigh(&mut squares, f64::ln(perplexity));
                let sum: f32 = weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5);
                assert!(
                    (entropy(&weights) - perplexity.ln()).abs() < 1e-4,
                    "{scale} {perplexity}"
                );
            }
        }
    }

    #[test]
    fn equal_distances_weigh_the_same() {
        assert_eq!(weigh(&mut [4.0; 8], 3.0_f64.ln()), [0.125; 8]);
        // Twelve at the same place and one far away cannot come down to a perplexity of 2.
        let mut squares = vec![0.0; 12];
        squares.push(9.0);
        let weights = weigh(&mut squares, 2.0_f64.ln());
        assert!(
            weights[..12].iter().all(|w| (w - 1.0 / 12.0).abs() < 1e-4),
            "{weights:?}"
        );
    }
}
