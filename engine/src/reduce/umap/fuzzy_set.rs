//! From nearest neighbours to a symmetric weighted graph: the fuzzy simplicial set.
//!
//! The union joins each row with its transposed row, so no hashing decides an order.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;
use crate::graph::Graph;

/// Halvings of the search for a row's bandwidth.
const HALVINGS: usize = 64;
/// How near the sum of memberships has to come to its target.
const TOLERANCE: f64 = 1e-5;
/// A bandwidth is at least this share of the mean distance.
const LEAST_SHARE: f64 = 1e-3;
/// Rows between two ticks.
const ROWS: usize = 1024;

/// What the fuzzy set depends on besides the neighbours.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Neighbours a row, the row itself counted; the target of the bandwidth search is its binary logarithm.
    pub n_neighbors: usize,
    /// How many nearest neighbours are fully connected.
    pub local_connectivity: f64,
    /// 1 for the fuzzy union, 0 for the intersection, between them a blend.
    pub set_op_mix_ratio: f64,
}

/// The fuzzy simplicial set of nearest neighbours (`n x k`, the row itself left out, distances ascending).
///
/// `O(n k log n)`. Follows umap-learn's `fuzzy_simplicial_set`; McInnes, Healy and Melville, 2018, algorithms 2 to 4.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn fuzzy_set(
    indices: ArrayView2<'_, u32>,
    distances: ArrayView2<'_, f32>,
    shape: Shape,
    step: &Step<'_>,
) -> Result<Graph, Error> {
    let n = indices.nrows();
    // umap-learn's means count the row itself, at distance 0.
    let total: f64 = distances.iter().map(|&d| f64::from(d)).sum();
    let mean = total / (n * (distances.ncols() + 1)).max(1) as f64;
    let rows: Vec<usize> = (0..n).collect();
    let directed: Vec<Vec<(u32, f32)>> = rows
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            Ok(rows
                .iter()
                .map(|&i| {
                    let near: Vec<f64> = distances.row(i).iter().map(|&d| f64::from(d)).collect();
                    let (rho, sigma) = bandwidth(&near, shape, mean);
                    let mut row: Vec<(u32, f32)> = indices
                        .row(i)
                        .iter()
                        .zip(&near)
                        .map(|(&j, &d)| (j, membership(d, rho, sigma)))
                        .filter(|&(_, weight)| weight > 0.0)
                        .collect();
                    row.sort_unstable_by_key(|&(j, _)| j);
                    row
                })
                .collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, Error>>()?
        .concat();
    let mix = shape.set_op_mix_ratio as f32;
    Ok(Graph::from_rows(directed.into_iter()).joined(|x, y| {
        let both = x * y;
        mix * (x + y - both) + (1.0 - mix) * both
    }))
}

/// The memberships of neighbours at these distances (ascending), towards the row that they are neighbours of; `mean` is
/// the mean distance of all neighbours of all rows.
pub fn memberships(near: &[f64], shape: Shape, mean: f64) -> Vec<f32> {
    let (rho, sigma) = bandwidth(near, shape, mean);
    near.iter()
        .map(|&distance| membership(distance, rho, sigma))
        .collect()
}

fn membership(distance: f64, rho: f64, sigma: f64) -> f32 {
    if distance <= rho || sigma == 0.0 {
        1.0
    } else {
        (-(distance - rho) / sigma).exp() as f32
    }
}

/// The distance up to which neighbours are fully connected, and the bandwidth beyond it.
fn bandwidth(near: &[f64], shape: Shape, mean_of_all: f64) -> (f64, f64) {
    let rho = connected_up_to(near, shape.local_connectivity);
    let target = (shape.n_neighbors as f64).log2();
    let (mut low, mut high, mut sigma) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..HALVINGS {
        let sum: f64 = near
            .iter()
            .map(|&d| {
                if d > rho {
                    (-(d - rho) / sigma).exp()
                } else {
                    1.0
                }
            })
            .sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = sigma;
            sigma = f64::midpoint(low, high);
        } else {
            low = sigma;
            sigma = if high.is_infinite() {
                sigma * 2.0
            } else {
                f64::midpoint(low, high)
            };
        }
    }
    let mean = if rho > 0.0 {
        near.iter().sum::<f64>() / (near.len() + 1) as f64
    } else {
        mean_of_all
    };
    (rho, sigma.max(LEAST_SHARE * mean))
}

/// The distance of the `local_connectivity`-th neighbour that is not at distance 0, interpolated.
fn connected_up_to(near: &[f64], local_connectivity: f64) -> f64 {
    let apart = &near[near.partition_point(|&d| d <= 0.0)..];
    let whole = local_connectivity.floor() as usize;
    let part = local_connectivity - whole as f64;
    match (apart.first(), apart.last()) {
        (Some(&first), Some(&last)) => {
            if (apart.len() as f64) < local_connectivity {
                last
            } else if whole == 0 {
                part * first
            } else {
                let below = apart[whole - 1];
                below + apart.get(whole).map_or(0.0, |above| part * (above - below))
            }
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use ndarray::Array2;

    #[derive(serde::Deserialize)]
    struct Case {
        n_neighbors: usize,
        local_connectivity: f64,
        set_op_mix_ratio: f64,
        indices: Vec<Vec<u32>>,
        distances: Vec<Vec<f32>>,
        starts: Vec<usize>,
        columns: Vec<u32>,
        weights: Vec<f32>,
    }

    fn table<T: Copy>(rows: &[Vec<T>]) -> Array2<T> {
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
    }

    #[test]
    fn the_graph_is_umap_learns() {
        let cases: Vec<Case> = serde_json::from_str(include_str!(
            "../../../tests/fixtures/reduce/fuzzy_sets.json"
        ))
        .unwrap();
        for case in cases {
            let shape = Shape {
                n_neighbors: case.n_neighbors,
                local_connectivity: case.local_connectivity,
                set_op_mix_ratio: case.set_op_mix_ratio,
            };
            let context = Context::new(0);
            let step = context.step("connect neighbours", 0);
            let (indices, distances) = (table(&case.indices), table(&case.distances));
            let graph = fuzzy_set(indices.view(), distances.view(), shape, &step).unwrap();
            assert_eq!(graph.starts, case.starts, "{shape:?}");
            assert_eq!(graph.columns, case.columns, "{shape:?}");
            for (got, wanted) in graph.weights.iter().zip(&case.weights) {
                assert!((got - wanted).abs() < 1e-4, "{shape:?}: {got} {wanted}");
            }
        }
    }
}
