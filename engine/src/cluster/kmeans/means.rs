//! Sums and means of rows, f64, in an order that the data fixes.
//!
//! Rows are taken cluster by cluster in row order and cut into pieces of a fixed length; pieces are summed on any
//! thread and added in order. Rounds in which few rows change cluster only add and subtract those.

use rayon::prelude::*;

use crate::linalg::Isa;
use crate::neighbors::Points;

/// Rows in a piece.
const PIECE: usize = 256;

/// The sums and sizes of the clusters, in working units.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    isa: Isa,
    dims: usize,
    sums: Vec<f64>,
    pub sizes: Vec<usize>,
}

/// A row that enters (`sign` 1) or leaves (`sign` -1) a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub cluster: u32,
    pub row: u32,
    pub sign: i8,
}

impl Sums {
    /// `k` empty clusters.
    pub fn new(isa: Isa, k: usize, dims: usize) -> Sums {
        Sums {
            isa,
            dims,
            sums: vec![0.0; k * dims],
            sizes: vec![0; k],
        }
    }

    /// Sums the rows of each cluster anew.
    pub fn restart(&mut self, points: &Points<'_>, labels: &[u32]) {
        self.sums.fill(0.0);
        self.sizes.fill(0);
        let entries = labels.iter().enumerate().map(|(row, &cluster)| Entry {
            cluster,
            row: row as u32,
            sign: 1,
        });
        self.apply(points, entries.collect());
    }

    /// Applies entries; they must be in row order.
    pub fn apply(&mut self, points: &Points<'_>, entries: Vec<Entry>) {
        let entries = by_cluster(entries, self.sizes.len());
        let pieces: Vec<&[Entry]> = entries
            .chunk_by(|a, b| a.cluster == b.cluster)
            .flat_map(|cluster| cluster.chunks(PIECE))
            .collect();
        // Enough pieces at a time for any number of threads, few enough to keep their sums in memory.
        for pieces in pieces.chunks(256) {
            let partial: Vec<Vec<f64>> = pieces
                .par_iter()
                .map(|piece| {
                    let mut sums = vec![0.0; self.dims];
                    for entry in *piece {
                        points.add_working_row(
                            self.isa,
                            entry.row as usize,
                            f64::from(entry.sign),
                            &mut sums,
                        );
                    }
                    sums
                })
                .collect();
            for (piece, partial) in pieces.iter().zip(&partial) {
                let cluster = piece[0].cluster as usize;
                for (sum, part) in self.sums[cluster * self.dims..][..self.dims]
                    .iter_mut()
                    .zip(partial)
                {
                    *sum += part;
                }
                for entry in *piece {
                    self.sizes[cluster] =
                        self.sizes[cluster].wrapping_add_signed(isize::from(entry.sign));
                }
            }
        }
    }

    /// The means; a cluster without rows takes the mean of the largest (the first of equals), as scikit-learn has it.
    pub fn means(&self) -> Vec<f32> {
        let largest = (0..self.sizes.len())
            .rev()
            .max_by_key(|&c| self.sizes[c])
            .unwrap_or(0);
        let mut means = Vec::with_capacity(self.sums.len());
        for (cluster, &size) in self.sizes.iter().enumerate() {
            let from = if size > 0 { cluster } else { largest };
            let size = self.sizes[from].max(1) as f64;
            means.extend(
                self.sums[from * self.dims..][..self.dims]
                    .iter()
                    .map(|sum| (sum / size) as f32),
            );
        }
        means
    }
}

/// The entries cluster by cluster, in row order within each: a counting sort. O(entries + k).
fn by_cluster(entries: Vec<Entry>, k: usize) -> Vec<Entry> {
    let mut next = vec![0_usize; k + 1];
    for entry in &entries {
        next[entry.cluster as usize + 1] += 1;
    }
    for at in 1..=k {
        next[at] += next[at - 1];
    }
    let mut sorted = entries.clone();
    for entry in entries {
        let place = &mut next[entry.cluster as usize];
        sorted[*place] = entry;
        *place += 1;
    }
    sorted
}

/// The mean over the coordinates of their variances, in working units; `norms` are the squared lengths of rows whose
/// mean has been taken off.
pub(super) fn mean_variance(norms: &[f32], dims: usize) -> f64 {
    let squares: f64 = norms.iter().map(|norm| f64::from(*norm)).sum();
    squares / norms.len().max(1) as f64 / dims as f64
}
