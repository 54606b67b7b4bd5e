//! From nearest neighbours to a symmetric weighted graph: the fuzzy simplicial set.
//!
//! The union is a merge of each sorted row with its transposed row, so no hashing decides an order.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::context::Step;
use crate::error::Error;

/// Halvings of the search for a row's bandwidth.
const HALVINGS: usize = 64;
/// How near the sum of memberships has to come to its target.
const TOLERANCE: f64 = 1e-5;
/// A bandwidth is at least this share of the mean distance.
const LEAST_SHARE: f64 = 1e-3;
/// Rows between two ticks.
const ROWS: usize = 1024;

/// A symmetric sparse matrix by rows, columns ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Row `i` is `starts[i]..starts[i + 1]` of the other two.
    pub starts: Vec<usize>,
    /// The other end of each edge.
    pub columns: Vec<u32>,
    /// Membership strength, above 0 and at most 1.
    pub weights: Vec<f32>,
}

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

impl Graph {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The edges of row `i`.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }

    /// The largest weight; 0 without edges.
    pub fn heaviest(&self) -> f32 {
        self.weights
            .iter()
            .fold(0.0, |most, &weight| most.max(weight))
    }

    /// The graph without edges lighter than `least`.
    pub fn prune(&self, least: f32) -> Graph {
        let rows = (0..self.len()).map(|i| {
            let (columns, weights) = self.row(i);
            columns
                .iter()
                .copied()
                .zip(weights.iter().copied())
                .filter(|&(_, w)| w >= least)
                .collect()
        });
        Graph::from_rows(rows)
    }

    /// Which connected component each row is in (numbered by first row), and how many there are.
    pub fn components(&self) -> (Vec<u32>, usize) {
        const UNSEEN: u32 = u32::MAX;
        let mut component = vec![UNSEEN; self.len()];
        let mut count = 0;
        let mut open = Vec::new();
        for start in 0..self.len() {
            if component[start] != UNSEEN {
                continue;
            }
            component[start] = count;
            open.push(start);
            while let Some(i) = open.pop() {
                for &j in self.row(i).0 {
                    if component[j as usize] == UNSEEN {
                        component[j as usize] = count;
                        open.push(j as usize);
                    }
                }
            }
            count += 1;
        }
        (component, count as usize)
    }

    fn from_rows(rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Graph {
        let mut graph = Graph {
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
        };
        for row in rows {
            for (column, weight) in row {
                graph.columns.push(column);
                graph.weights.push(weight);
            }
            graph.starts.push(graph.columns.len());
        }
        graph
    }

    fn transposed(&self) -> Graph {
        let n = self.len();
        let mut starts = vec![0; n + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for i in 0..n {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut weights = vec![0.0; self.weights.len()];
        for i in 0..n {
            let (from, strengths) = self.row(i);
            for (&j, &weight) in from.iter().zip(strengths) {
                let at = &mut next[j as usize];
                columns[*at] = i as u32;
                weights[*at] = weight;
                *at += 1;
            }
        }
        Graph {
            starts,
            columns,
            weights,
        }
    }
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
    let forward = Graph::from_rows(directed.into_iter());
    let backward = forward.transposed();
    let mix = shape.set_op_mix_ratio as f32;
    let merged: Vec<Vec<(u32, f32)>> = (0..n)
        .into_par_iter()
        .map(|i| merge(forward.row(i), backward.row(i), mix))
        .collect();
    Ok(Graph::from_rows(merged.into_iter()))
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

/// One row of the union (`mix` 1), the intersection (`mix` 0) or a blend.
fn merge((left, a): (&[u32], &[f32]), (right, b): (&[u32], &[f32]), mix: f32) -> Vec<(u32, f32)> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let l = left.get(i).copied().unwrap_or(u32::MAX);
        let r = right.get(j).copied().unwrap_or(u32::MAX);
        let column = l.min(r);
        let (mut x, mut y) = (0.0, 0.0);
        if l == column {
            x = a[i];
            i += 1;
        }
        if r == column {
            y = b[j];
            j += 1;
        }
        let both = x * y;
        let weight = mix * (x + y - both) + (1.0 - mix) * both;
        if weight > 0.0 {
            merged.push((column, weight));
        }
    }
    merged
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

    #[test]
    fn pruning_and_components() {
        let graph = Graph {
            starts: vec![0, 1, 3, 4, 4],
            columns: vec![1, 0, 2, 1],
            weights: vec![1.0, 1.0, 0.2, 0.2],
        };
        assert_eq!(graph.components(), (vec![0, 0, 0, 1], 2));
        let pruned = graph.prune(0.5);
        assert_eq!(pruned.components(), (vec![0, 0, 1, 2], 3));
        assert_eq!(pruned.weights, [1.0, 1.0]);
    }
}
