//! Sparse symmetric graphs over rows: the shape under UMAP's start and under spectral clustering.
//!
//! A graph is kept by rows with columns ascending, so that sums and searches have one order whoever computes them.

pub mod lanczos;
mod normalised;

use rayon::prelude::*;

pub use normalised::Normalised;

use ndarray::ArrayView2;

/// A symmetric sparse matrix by rows, columns ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Row `i` is `starts[i]..starts[i + 1]` of the other two.
    pub starts: Vec<usize>,
    /// The other end of each edge.
    pub columns: Vec<u32>,
    /// The weight of each edge, above 0.
    pub weights: Vec<f32>,
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

    /// The graph whose rows are given in order, each sorted by column.
    pub fn from_rows(rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Graph {
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

    /// Every edge turned round. Rows come out sorted.
    pub fn transposed(&self) -> Graph {
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

    /// Every row joined to its neighbours (`n x k` row numbers, the row itself left out): 1 where both know each other, 1/2
    /// where one knows the other.
    pub fn of_neighbours(indices: ArrayView2<'_, u32>) -> Graph {
        let forward = Graph::from_rows(indices.outer_iter().map(|near| {
            let mut row: Vec<(u32, f32)> = near.iter().map(|&other| (other, 0.5)).collect();
            row.sort_unstable_by_key(|&(other, _)| other);
            row
        }));
        let backward = forward.transposed();
        Graph::from_rows((0..forward.len()).map(|i| {
            let both = [forward.row(i), backward.row(i)];
            let edges = both
                .iter()
                .flat_map(|(others, weights)| others.iter().zip(*weights));
            let mut row: Vec<(u32, f32)> = edges.map(|(&other, &weight)| (other, weight)).collect();
            row.sort_by_key(|&(other, _)| other);
            row.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    first.1 += later.1;
                }
                same
            });
            row
        }))
    }

    /// The graph of some rows alone, renumbered in their order; `rows` ascend.
    pub fn part(&self, rows: &[usize]) -> Graph {
        Graph::from_rows(rows.iter().map(|&row| {
            let (others, weights) = self.row(row);
            let kept = others.iter().zip(weights).filter_map(|(&other, &weight)| {
                let at = rows.binary_search(&(other as usize)).ok()?;
                Some((at as u32, weight))
            });
            kept.collect()
        }))
    }

    /// The graph in which the weight of `(i, j)` is `join(own, mirrored)`, 0 standing for an edge that is missing on one
    /// side; edges that come to 0 are left out. Symmetric where `join` is. A merge of sorted rows: O(edges).
    pub fn joined(&self, join: impl Fn(f32, f32) -> f32 + Sync) -> Graph {
        let mirrored = self.transposed();
        let rows: Vec<Vec<(u32, f32)>> = (0..self.len())
            .into_par_iter()
            .map(|i| merge(self.row(i), mirrored.row(i), &join))
            .collect();
        Graph::from_rows(rows.into_iter())
    }
}

fn merge(
    (left, a): (&[u32], &[f32]),
    (right, b): (&[u32], &[f32]),
    join: impl Fn(f32, f32) -> f32,
) -> Vec<(u32, f32)> {
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
        let weight = join(x, y);
        if weight > 0.0 {
            merged.push((column, weight));
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_know_each_other_weigh_1() {
        let near = ndarray::arr2(&[[1, 2], [0, 2], [3, 1], [2, 0]]);
        let graph = Graph::of_neighbours(near.view());
        assert_eq!(graph.row(0), (&[1, 2, 3][..], &[1.0, 0.5, 0.5][..]));
        assert_eq!(graph.row(2), (&[0, 1, 3][..], &[0.5, 1.0, 1.0][..]));
        assert_eq!(
            graph.part(&[0, 2, 3]).row(2),
            (&[0, 1][..], &[0.5, 1.0][..])
        );
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

    #[test]
    fn joining_meets_every_edge_with_its_mirror_image() {
        let graph = Graph {
            starts: vec![0, 2, 3, 3],
            columns: vec![1, 2, 0],
            weights: vec![1.0, 0.5, 0.25],
        };
        let joined = graph.joined(|x, y| x + y);
        assert_eq!(joined.starts, [0, 2, 3, 4]);
        assert_eq!(joined.columns, [1, 2, 0, 0]);
        assert_eq!(joined.weights, [1.25, 0.5, 1.25, 0.5]);
        assert_eq!(graph.joined(f32::min).weights, [0.25, 0.25]);
    }
}
