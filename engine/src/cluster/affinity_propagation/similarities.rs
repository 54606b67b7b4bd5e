//! How similar rows are: the negative squared distance of each pair, and on the diagonal how ready a row is to be chosen.

use rayon::prelude::*;

use crate::cluster::memory::zeros;
use crate::context::Context;
use crate::error::Error;
use crate::linalg::{isa, squared_distance};
use crate::neighbors::Points;
use crate::random;

/// Rows of one task.
const ROWS: usize = 16;
/// Values counted together when a rank is looked for.
const COUNTED: usize = 1 << 20;
/// The stream of the numbers that break ties.
const NOISE: u64 = 0x4E6F_6973;

/// The table of all pairs, in working units.
#[derive(Debug)]
pub(super) struct Similarities {
    n: usize,
    table: Vec<f32>,
}

impl Similarities {
    /// Measures all pairs. O(n² d).
    pub fn new(points: &Points<'_>, context: &Context) -> Result<Similarities, Error> {
        let (n, dims) = (points.len(), points.dims());
        let step = context.step("compare rows", n as u64);
        let mut rows = vec![0.0; n * dims];
        let isa = isa();
        rows.par_chunks_exact_mut(dims)
            .enumerate()
            .for_each(|(at, out)| points.working_row(isa, at, out));
        let mut table = zeros(n * n, "affinity propagation")?;
        table
            .par_chunks_mut(ROWS * n)
            .zip(rows.par_chunks(ROWS * dims))
            .enumerate()
            .try_for_each(|(task, (out, some))| {
                step.tick((out.len() / n) as u64)?;
                // Other rows pass by in pieces that stay in cache while the task's rows meet them. Those before have
                // met these rows.
                for (piece, others) in rows.chunks(ROWS * dims).enumerate().skip(task) {
                    for (out, row) in out.chunks_exact_mut(n).zip(some.chunks_exact(dims)) {
                        let out = out[piece * ROWS..].iter_mut();
                        for (out, other) in out.zip(others.chunks_exact(dims)) {
                            *out = -squared_distance(row, other);
                        }
                    }
                }
                Ok::<(), Error>(())
            })?;
        mirror(&mut table, n, 0);
        Ok(Similarities { n, table })
    }

    pub fn len(&self) -> usize {
        self.n
    }

    /// How similar a row is to each row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.table[at * self.n..][..self.n]
    }

    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// The median of the whole table, the diagonal's zeros counted.
    pub fn median(&self) -> f32 {
        let count = self.table.len();
        let [below, upper] = ranked(&self.table, count / 2);
        if count % 2 == 1 {
            return upper;
        }
        f32::midpoint(below, upper)
    }

    /// The similarity of all pairs of different rows, where it is one; 0 for a single row.
    pub fn all_equal(&self) -> Option<f32> {
        let first = if self.n > 1 { self.table[1] } else { 0.0 };
        let same = (0..self.n).into_par_iter().all(|at| {
            let row = self.row(at);
            row.iter().enumerate().all(|(j, &s)| j == at || s == first)
        });
        same.then_some(first)
    }

    /// Puts the preference on the diagonal, and moves each similarity by about its last digit so that ties break.
    pub fn prepare(&mut self, preference: f32, seed: u64) {
        let n = self.n;
        self.table
            .par_chunks_exact_mut(n)
            .enumerate()
            .for_each(|(i, row)| {
                row[i] = preference;
                for (j, s) in row.iter_mut().enumerate() {
                    // Uniform with deviation 1, where the reference draws a normal number.
                    let noise =
                        (2.0 * random::uniform(seed, NOISE, (i * n + j) as u64) - 1.0) * 1.732;
                    *s += (f32::EPSILON * *s + 100.0 * f32::MIN_POSITIVE) * noise as f32;
                }
            });
    }
}

/// Copies what is right of the diagonal to the left of it, in the rows from `first` on and their columns: the lower half of
/// these rows takes from the upper half, then each half goes on by itself.
fn mirror(rows: &mut [f32], n: usize, first: usize) {
    let count = rows.len() / n;
    if count <= ROWS {
        // One task's: its rows have met each other from both sides.
        return;
    }
    let half = (count / 2).next_multiple_of(ROWS);
    let (upper, lower) = rows.split_at_mut(half * n);
    lower
        .par_chunks_mut(ROWS * n)
        .enumerate()
        .for_each(|(task, some)| {
            let column = first + half + task * ROWS;
            for (at, above) in upper.chunks_exact(n).enumerate() {
                for (row, &value) in some.chunks_exact_mut(n).zip(&above[column..]) {
                    row[first + at] = value;
                }
            }
        });
    rayon::join(
        || mirror(upper, n, first),
        || mirror(lower, n, first + half),
    );
}

/// Bits that order as the numbers do.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | (1 << 31)
    }
}

/// The value of the rank before the given one, and of that one, from 0 (of rank 0 twice the first), by counting the upper
/// and then the lower half of the bits.
fn ranked(values: &[f32], rank: usize) -> [f32; 2] {
    let count = |half: &(dyn Fn(f32) -> Option<usize> + Sync)| -> Vec<usize> {
        let parts: Vec<Vec<u32>> = values
            .par_chunks(COUNTED)
            .map(|part| {
                let mut counts = vec![0_u32; 1 << 16];
                for slot in part.iter().filter_map(|&value| half(value)) {
                    counts[slot] += 1;
                }
                counts
            })
            .collect();
        (0..1 << 16)
            .map(|slot| parts.iter().map(|counts| counts[slot] as usize).sum())
            .collect()
    };
    // The slot of a rank, and its rank there.
    let find = |counts: &[usize], mut rank: usize| {
        for (slot, &here) in counts.iter().enumerate() {
            if rank < here {
                return (slot as u32, rank);
            }
            rank -= here;
        }
        (u32::MAX >> 16, 0)
    };
    let uppers = count(&|value| Some((key(value) >> 16) as usize));
    let mut known: Option<(u32, Vec<usize>)> = None;
    [rank.saturating_sub(1), rank].map(|rank| {
        let (upper, rank) = find(&uppers, rank);
        let lowers = match known.take() {
            Some((slot, lowers)) if slot == upper => lowers,
            _ => count(&|value| {
                (key(value) >> 16 == upper).then_some((key(value) & 0xFFFF) as usize)
            }),
        };
        let bits = (upper << 16) | find(&lowers, rank).0;
        known = Some((upper, lowers));
        f32::from_bits(if bits >> 31 == 1 {
            bits & !(1 << 31)
        } else {
            !bits
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_that_of_sorting() {
        let values: Vec<f32> = (0..500)
            .map(|i| ((i * 7919) % 1009) as f32 * 0.37 - 120.0)
            .chain([0.0, -0.0, 1e-40, -1e30])
            .collect();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        for rank in [0, 1, 99, 250, 503] {
            let [before, found] = ranked(&values, rank);
            assert_eq!(found.to_bits(), sorted[rank].to_bits());
            assert_eq!(before.to_bits(), sorted[rank.saturating_sub(1)].to_bits());
        }
    }

    #[test]
    fn the_table_is_that_of_all_pairs() {
        for n in [1, 2, 15, 16, 17, 33, 100, 150] {
            let x = crate::neighbors::tests::cloud(n, 7, 3);
            let points = Points::new(x.view(), crate::neighbors::Metric::Euclidean).unwrap();
            let found = Similarities::new(&points, &Context::new(0)).unwrap();
            let row = |at: usize| {
                let mut row = vec![0.0; 7];
                points.working_row(isa(), at, &mut row);
                row
            };
            for i in 0..n {
                let wanted: Vec<f32> = (0..n)
                    .map(|j| -squared_distance(&row(i), &row(j)))
                    .collect();
                assert_eq!(found.row(i), wanted, "{n} {i}");
            }
        }
    }
}
