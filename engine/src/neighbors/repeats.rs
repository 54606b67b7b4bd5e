//! Rows that are repeated many times: what is known of one copy is known of all.
//!
//! Of more than `k + 1` equal rows only the first `k + 1` can be anybody's neighbours, ties going to the lower row; the others
//! have the neighbours of the first. Leaving them out keeps the pairs that a search cannot tell apart from growing with
//! the square of the copies.

use rayon::prelude::*;

use super::{Neighbors, Points};
use crate::linalg::hash_row;

/// The rows that a search needs, and those that it can do without.
#[derive(Debug)]
pub(super) struct Repeats {
    /// Rows that count, ascending.
    pub kept: Vec<u32>,
    /// Other rows, each with the first row that is equal to it.
    copies: Vec<(u32, u32)>,
}

impl Repeats {
    /// Looks for rows with more than `k` equal ones before them. O(n d + n log n).
    pub fn new(points: &Points<'_>, k: usize) -> Repeats {
        let mut hashed: Vec<(u64, u32)> = (0..points.len())
            .into_par_iter()
            .with_min_len(64)
            .map(|row| (hash_row(points.row(row)), row as u32))
            .collect();
        hashed.par_sort_unstable();
        let mut copies = Vec::new();
        for run in hashed
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|run| run.len() > k + 1)
        {
            let first = run[0].1;
            let same = |row: u32| points.row(row as usize) == points.row(first as usize);
            let equal = run[1..]
                .iter()
                .map(|&(_, row)| row)
                .filter(|&row| same(row));
            copies.extend(equal.skip(k).map(|row| (row, first)));
        }
        copies.sort_unstable();
        let mut left_out = copies.iter().map(|copy| copy.0).peekable();
        let kept = (0..points.len() as u32).filter(|&row| left_out.next_if_eq(&row).is_none());
        Repeats {
            kept: kept.collect(),
            copies,
        }
    }

    /// Gives the copies the neighbours of their first rows, which are found, and those first rows themselves.
    pub fn complete(&self, found: &mut Neighbors) {
        let k = found.indices.ncols();
        for &(row, first) in &self.copies {
            let (row, first) = (row as usize, first as usize);
            let near = found.indices.row(first).to_vec();
            let distances = found.distances.row(first).to_vec();
            // The first row stands among those at no distance, where its number puts it.
            let at = (0..k).position(|at| distances[at] > 0.0 || near[at] > first as u32);
            let at = at.unwrap_or(k);
            for to in 0..k {
                let from = if to > at { to - 1 } else { to };
                let (index, distance) = if to == at {
                    (first as u32, 0.0)
                } else {
                    (near[from], distances[from])
                };
                found.indices[[row, to]] = index;
                found.distances[[row, to]] = distance;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::Metric;
    use super::*;

    #[test]
    fn only_the_first_copies_are_kept() {
        // Zeros of either sign are equal; two rows stand alone.
        let x = Array2::from_shape_fn((40, 3), |(row, column)| match row {
            7 | 30 => row as f32,
            _ if row % 2 == 0 && column == 1 => -0.0,
            _ => column as f32 * 0.0,
        });
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let repeats = Repeats::new(&points, 3);
        assert_eq!(repeats.kept, [0, 1, 2, 3, 7, 30]);
        assert_eq!(repeats.copies.len(), 34);
        assert!(repeats.copies.iter().all(|copy| copy.1 == 0));
        assert!(Repeats::new(&points, 37).copies.is_empty());
    }
}
