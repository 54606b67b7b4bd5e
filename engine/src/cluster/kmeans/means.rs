//! Sums and means of rows, f64, in an order that the data fixes.
//!
//! Rows are taken in order, a stretch of a fixed length at a time, where the sums of all clusters fit in cache; else
//! cluster by cluster, cut into pieces of a fixed length. Stretches and pieces are summed on any thread and added in order. Rounds in which few rows change cluster only add and subtract those.

use std::ops::Range;

use rayon::prelude::*;

use crate::linalg::Isa;
use crate::neighbors::Points;

/// Rows in a piece.
const PIECE: usize = 256;
/// Rows that are added one after another to sums of all clusters.
const PASSED: usize = 4096;
/// The most bytes of such sums: they stay in the second-level cache.
const CACHED: usize = 512 << 10;

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
        if 8 * self.sums.len() > CACHED {
            let entries = labels.iter().enumerate().map(|(row, &cluster)| Entry {
                cluster,
                row: row as u32,
                sign: 1,
            });
            self.apply(points, entries.collect());
            return;
        }
        for &cluster in labels {
            self.sizes[cluster as usize] += 1;
        }
        let (isa, dims) = (self.isa, self.dims);
        self.pass(labels.len(), |rows, sums| {
            for row in rows {
                let sums = &mut sums[labels[row] as usize * dims..][..dims];
                points.add_working_row(isa, row, 1.0, sums);
            }
        });
    }

    /// Follows rows that changed, each with the cluster it left; they must be in row order.
    pub fn follow(&mut self, points: &Points<'_>, changed: &[(u32, u32)], labels: &[u32]) {
        if 8 * self.sums.len() > CACHED || changed.len() < PASSED / 2 {
            let both = changed.iter().flat_map(|&(row, from)| {
                [(from, -1), (labels[row as usize], 1)].map(|(cluster, sign)| Entry {
                    cluster,
                    row,
                    sign,
                })
            });
            self.apply(points, both.collect());
            return;
        }
        for &(row, from) in changed {
            self.sizes[from as usize] -= 1;
            self.sizes[labels[row as usize] as usize] += 1;
        }
        let (isa, dims) = (self.isa, self.dims);
        self.pass(changed.len(), |rows, sums| {
            for &(row, from) in &changed[rows] {
                for (cluster, sign) in [(from, -1.0), (labels[row as usize], 1.0)] {
                    let sums = &mut sums[cluster as usize * dims..][..dims];
                    points.add_working_row(isa, row as usize, sign, sums);
                }
            }
        });
    }

    /// Adds what `add` adds to sums of all clusters for each stretch of `count` rows.
    fn pass(&mut self, count: usize, add: impl Fn(Range<usize>, &mut [f64]) + Sync) {
        let stretches: Vec<usize> = (0..count).step_by(PASSED).collect();
        // Enough at a time for any number of threads, few enough to keep their sums in memory.
        for some in stretches.chunks(32) {
            let partial: Vec<Vec<f64>> = some
                .par_iter()
                .map(|&first| {
                    let mut sums = vec![0.0; self.sums.len()];
                    add(first..(first + PASSED).min(count), &mut sums);
                    sums
                })
                .collect();
            for partial in &partial {
                for (sum, part) in self.sums.iter_mut().zip(partial) {
                    *sum += part;
                }
            }
        }
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
