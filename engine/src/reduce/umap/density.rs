//! densMAP: in the last epochs, points also move so that how far a row's neighbours are on the map follows how far they
//! are in the data. `Narayan, Berger and Cho, 2021`; umap-learn's `optimize_layout_euclidean` is the reference.
//!
//! A row's radius is the mean squared distance to its neighbours, weighted by the graph in the data and by the map's own
//! memberships on the map. What moves is the correlation of the logarithms of the two.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::curve::Curve;
use super::forces::power;
use super::fuzzy_set::{self, Shape};
use crate::context::{Context, Step};
use crate::error::Error;
use crate::graph::Graph;
use crate::neighbors::{Metric, knn_graph};
use crate::reduce::vectors;

/// Keeps the logarithm of no distance finite.
const LEAST: f64 = 1e-8;
/// Rows of one task.
const ROWS: usize = 128;

/// How strongly, and when, densities count.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    /// The correlation's weight against the cross entropy.
    pub lambda: f64,
    /// The share of the epochs, at the end, in which it counts.
    pub share: f64,
    /// Added to the variance of the map's radii.
    pub shift: f64,
}

/// What a descent knows of the data's densities.
#[derive(Debug)]
pub struct Densities {
    weights: Weights,
    /// The logarithms of the radii in the data, less their mean, over their deviation.
    wanted: Vec<f32>,
    /// The sum of the graph's weights, an edge counted at both its ends.
    total: f64,
}

/// The densities of a map at the start of an epoch, as the gradient needs them.
pub struct Epoch {
    /// For each row: how much its radius should grow over the sum of its memberships, and the same over its radius.
    pub rows: Vec<[f32; 2]>,
    /// What an edge's share is multiplied with, before it is divided by the edge's weight.
    pub scale: f32,
    curve: [f32; 2],
}

impl Densities {
    /// Of rows whose logarithms of radii are `radii`, in a symmetric `graph`.
    pub fn new(radii: &[f64], graph: &Graph, weights: Weights) -> Densities {
        let (mean, deviation) = moments(radii);
        let wanted = radii
            .iter()
            .map(|&radius| {
                if deviation > 0.0 {
                    ((radius - mean) / deviation) as f32
                } else {
                    0.0
                }
            })
            .collect();
        let total = graph.weights.iter().map(|&weight| f64::from(weight)).sum();
        Densities {
            weights,
            wanted,
            total,
        }
    }

    /// Whether densities count in `epoch` of `epochs`, counted from 1.
    pub fn count(&self, epoch: usize, epochs: usize) -> bool {
        self.weights.lambda > 0.0 && epoch as f64 / epochs as f64 > 1.0 - self.weights.share
    }

    /// Measures the map: O(edges).
    pub fn measure(&self, points: &[f32], dim: usize, graph: &Graph, curve: Curve) -> Epoch {
        let n = graph.len();
        // The sum of the memberships of each row, and the logarithm of its radius.
        let mut rows = vec![[0.0_f32; 2]; n];
        rows.par_chunks_mut(ROWS)
            .enumerate()
            .for_each_init(Vec::new, |squares, (piece, rows)| {
                vectors::run(Radii {
                    points,
                    dim,
                    graph,
                    curve: [curve.a as f32, curve.b as f32],
                    first: piece * ROWS,
                    rows,
                    squares,
                });
            });
        let radii: Vec<f64> = rows.iter().map(|row| f64::from(row[1])).collect();
        let (mean, deviation) = moments(&radii);
        let variance = deviation * deviation + self.weights.shift;
        let pairs = radii.iter().zip(&self.wanted);
        let together: f64 = pairs.map(|(&own, &wanted)| own * f64::from(wanted)).sum();
        let slope = if variance > 0.0 {
            together / (n.max(2) - 1) as f64 / variance
        } else {
            0.0
        };
        for (row, (&radius, &wanted)) in rows.iter_mut().zip(radii.iter().zip(&self.wanted)) {
            let grow = f64::from(wanted) - slope * (radius - mean);
            let by = grow / f64::from(row[0]).max(LEAST);
            *row = [by as f32, (by / radius.exp()) as f32];
        }
        let scale = if variance > 0.0 {
            2.0 * self.weights.lambda * self.total / (variance.sqrt() * n as f64)
        } else {
            0.0
        };
        Epoch {
            rows,
            scale: scale as f32,
            curve: [curve.a as f32, curve.b as f32],
        }
    }
}

impl Epoch {
    /// What the difference of two rows at this squared distance is multiplied with, for an edge sampled as often as its
    /// weight says: `sums` are those of the two in `rows`, `scale` is this one's over the edge's weight.
    #[inline(always)]
    pub fn force(&self, square: f32, sums: [f32; 2], scale: f32) -> f32 {
        let [a, b] = self.curve;
        let bend = a * power(square, b - 1.0);
        let near = 1.0 / (1.0 + bend * square);
        scale * near * ((1.0 - b * (1.0 - near)) * sums[1] + b * bend * near * sums[0])
    }
}

/// The memberships and radii of the rows from `first` on.
struct Radii<'a> {
    points: &'a [f32],
    dim: usize,
    graph: &'a Graph,
    curve: [f32; 2],
    first: usize,
    rows: &'a mut [[f32; 2]],
    squares: &'a mut Vec<f32>,
}

impl pulp::NullaryFnOnce for Radii<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (dim, [a, b]) = (self.dim, self.curve);
        let squares = self.squares;
        for (at, out) in self.rows.iter_mut().enumerate() {
            let i = self.first + at;
            let own = &self.points[i * dim..][..dim];
            let (columns, _) = self.graph.row(i);
            squares.clear();
            squares.extend(columns.iter().map(|&j| {
                let other = &self.points[j as usize * dim..][..dim];
                let pairs = own.iter().zip(other);
                pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f32>()
            }));
            let (mut sum, mut far) = (0.0_f32, 0.0_f32);
            for &square in squares.iter() {
                let near = 1.0 / (1.0 + a * power(square, b));
                sum += near;
                far += near * square;
            }
            let mean = if sum > 0.0 { f64::from(far / sum) } else { 0.0 };
            // umap-learn counts an edge at both its ends, and from both.
            *out = [2.0 * sum, (LEAST + mean).ln() as f32];
        }
    }
}

/// The logarithms of the radii in the data: of the mean squared distance to neighbours, weighted by the symmetric
/// `graph`, which comes of the neighbours `indices` and `distances`. O(edges k).
pub fn radii(
    graph: &Graph,
    indices: ArrayView2<'_, u32>,
    distances: ArrayView2<'_, f32>,
) -> Vec<f64> {
    weighted(graph, indices, distances, |distance| distance * distance)
}

/// The correlation of the data's `radii` (logarithms) with those of a map, from the fuzzy set of the map's own
/// neighbours; 0 where all are equal.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn correlation(
    radii: &[f64],
    points: &Array2<f32>,
    shape: Shape,
    context: &Context,
) -> Result<f64, Error> {
    let k = shape.n_neighbors.saturating_sub(1).min(points.nrows() - 1);
    let near = knn_graph(points.view(), k, Metric::Euclidean, context)?.neighbors;
    let step: Step<'_> = context.step("measure densities", points.nrows() as u64);
    let shape = Shape {
        n_neighbors: k + 1,
        ..shape
    };
    let (indices, distances) = (near.indices.view(), near.distances.view());
    let graph = fuzzy_set::fuzzy_set(indices, distances, shape, &step)?;
    let drawn = weighted(&graph, indices, distances, |distance| distance);
    let ((a, from_a), (b, from_b)) = (moments(radii), moments(&drawn));
    if from_a <= 0.0 || from_b <= 0.0 {
        return Ok(0.0);
    }
    let pairs = radii.iter().zip(&drawn);
    let together: f64 = pairs.map(|(x, y)| (x - a) * (y - b)).sum();
    Ok(together / radii.len() as f64 / (from_a * from_b))
}

/// The logarithm of the weighted mean of `of(distance)` over each row's edges. A pair's distance is the larger of the two
/// that its ends found.
fn weighted(
    graph: &Graph,
    indices: ArrayView2<'_, u32>,
    distances: ArrayView2<'_, f32>,
    of: impl Fn(f64) -> f64 + Sync,
) -> Vec<f64> {
    let found = |i: usize, j: u32| {
        let at = indices.row(i).iter().position(|&other| other == j);
        at.map_or(0.0, |at| f64::from(distances[[i, at]]))
    };
    (0..graph.len())
        .into_par_iter()
        .map(|i| {
            let (columns, weights) = graph.row(i);
            let (mut sum, mut far) = (0.0, 0.0);
            for (&j, &weight) in columns.iter().zip(weights) {
                let distance = found(i, j).max(found(j as usize, i as u32));
                sum += f64::from(weight);
                far += f64::from(weight) * of(distance);
            }
            (LEAST + if sum > 0.0 { far / sum } else { 0.0 }).ln()
        })
        .collect()
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = squares / n;
    // What is left of equal values is rounding.
    if variance <= 1e-18 * mean * mean {
        (mean, 0.0)
    } else {
        (mean, variance.sqrt())
    }
}
