//! How well a map shows its graph: the fuzzy cross entropy.

use rayon::prelude::*;

use super::curve::Curve;
use crate::graph::Graph;

/// Vertices of one task.
const VERTICES: usize = 128;

/// The fuzzy cross entropy of `points` against the graph's own edges, mean per edge; 0 without edges.
pub fn cross_entropy(points: &[f32], dim: usize, graph: &Graph, curve: Curve) -> f64 {
    let pieces: Vec<f64> = (0..graph.len().div_ceil(VERTICES))
        .into_par_iter()
        .map(|piece| {
            let mut sum = 0.0;
            for i in piece * VERTICES..((piece + 1) * VERTICES).min(graph.len()) {
                let own = &points[i * dim..(i + 1) * dim];
                let (columns, weights) = graph.row(i);
                for (&j, &weight) in columns.iter().zip(weights) {
                    let other = &points[j as usize * dim..(j as usize + 1) * dim];
                    let square: f64 = own
                        .iter()
                        .zip(other)
                        .map(|(a, b)| f64::from(a - b).powi(2))
                        .sum();
                    let near = 1.0 / (1.0 + curve.a * square.powf(curve.b));
                    let near = near.clamp(1e-12, 1.0 - 1e-12);
                    let weight = f64::from(weight);
                    sum += cross(weight, near) + cross(1.0 - weight, 1.0 - near);
                }
            }
            sum
        })
        .collect();
    let sum: f64 = pieces.iter().sum();
    if graph.weights.is_empty() {
        0.0
    } else {
        sum / graph.weights.len() as f64
    }
}

fn cross(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}
