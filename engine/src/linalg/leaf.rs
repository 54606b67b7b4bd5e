//! One row against a leaf of a kd-tree: few coordinates, so whole leaves are cheaper than single distances.
//!
//! A leaf keeps its rows coordinate by coordinate, [`LEAF`] lanes each. Squares are added in the order of
//! [`squared_distance`](super::squared_distance), of which the lanes without coordinates are 0: the same bits.

use super::isa::for_every_isa;
use super::panels::LANES;

/// Rows of a leaf.
pub const LEAF: usize = 2 * LANES;

/// The squared distances of a row to one half of a leaf.
#[inline(always)]
fn distances<const D: usize>(row: &[f32], leaf: &[f32], from: usize) -> [f32; LANES] {
    let mut squares = [[0.0_f32; LANES]; D];
    for (dim, squares) in squares.iter_mut().enumerate() {
        let lanes = &leaf[dim * LEAF + from..][..LANES];
        for (square, lane) in squares.iter_mut().zip(lanes) {
            let gap = lane - row[dim];
            *square = gap * gap;
        }
    }
    let mut half = D / 2;
    while half > 0 {
        let (low, high) = squares.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            for (to, from) in low.iter_mut().zip(high) {
                *to += *from;
            }
        }
        half /= 2;
    }
    squares[0]
}

/// Rows have 1, 2, 4, 8 or 16 coordinates; others are padded with zeros.
#[inline(always)]
fn half(row: &[f32], leaf: &[f32], from: usize) -> [f32; LANES] {
    match row.len() {
        1 => distances::<1>(row, leaf, from),
        2 => distances::<2>(row, leaf, from),
        4 => distances::<4>(row, leaf, from),
        8 => distances::<8>(row, leaf, from),
        _ => distances::<16>(row, leaf, from),
    }
}

for_every_isa! {
    /// Appends `squared distance << 32 | index` for every row of a leaf that is at most `threshold` away (squared), where
    /// the distance stands for its bits: such keys order by (distance, index). `indices` has an entry for each lane.
    pub fn leaf_below(row: &[f32], leaf: &[f32], threshold: f32, indices: &[u32], out: &mut Vec<u64>) {
        for (part, indices) in indices.chunks_exact(LANES).enumerate() {
            let squared = half(row, leaf, part * LANES);
            let mut any = false;
            for value in squared {
                any |= value <= threshold;
            }
            if any {
                // Every key is written, and the next place moves on only for those that stay: nothing to predict.
                let (mut keys, mut count) = ([0_u64; LANES], 0);
                for (value, index) in squared.into_iter().zip(indices) {
                    keys[count & (LANES - 1)] = (u64::from(value.to_bits()) << 32) | u64::from(*index);
                    count += usize::from(value <= threshold);
                }
                out.extend_from_slice(&keys[..count]);
            }
        }
    }

    /// With `rule` as `(stretch, floor, own)`: the least of `max(squared distance * stretch, floors[lane], floor)` over the lanes of a leaf whose group is not
    /// `own`, and its lane, the lowest of equals; infinite where there is none.
    pub fn leaf_outside(
        row: &[f32], leaf: &[f32], rule: (f32, f32, u32), floors: &[f32], groups: &[u32],
    ) -> (f32, usize) {
        let (stretch, floor, own) = rule;
        let mut best = (f32::INFINITY, 0);
        let parts = floors.chunks_exact(LANES).zip(groups.chunks_exact(LANES));
        for (part, (floors, groups)) in parts.enumerate() {
            let mut values = half(row, leaf, part * LANES);
            let mut least = f32::INFINITY;
            for lane in 0..LANES {
                let value = values[lane] * stretch;
                let value = if value > floors[lane] { value } else { floors[lane] };
                let value = if value > floor { value } else { floor };
                values[lane] = if groups[lane] == own { f32::INFINITY } else { value };
            }
            for value in values {
                least = if value < least { value } else { least };
            }
            if least < best.0 {
                let lane = values.iter().position(|value| *value == least).unwrap_or(0);
                best = (least, part * LANES + lane);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{Isa, squared_distance};

    #[test]
    fn leaves_give_the_bits_of_single_distances_on_every_path() {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 37.0 - 9.0;
        for dims in [1, 2, 4, 8, 16] {
            let rows: Vec<Vec<f32>> = (0..LEAF)
                .map(|row| (0..dims).map(|dim| value(row * dims + dim)).collect())
                .collect();
            let mut leaf = vec![0.0; dims * LEAF];
            for (lane, row) in rows.iter().enumerate() {
                for (dim, x) in row.iter().enumerate() {
                    leaf[dim * LEAF + lane] = *x;
                }
            }
            let query: Vec<f32> = (0..dims).map(|dim| value(dim + 5000)).collect();
            let squared: Vec<f32> = rows
                .iter()
                .map(|row| squared_distance(row, &query))
                .collect();
            let mut sorted = squared.clone();
            sorted.sort_by(f32::total_cmp);
            let indices: Vec<u32> = (0..LEAF as u32).map(|lane| 1000 - lane).collect();
            let expected: Vec<u64> = (0..LEAF)
                .filter(|lane| squared[*lane] <= sorted[LEAF / 2])
                .map(|lane| (u64::from(squared[lane].to_bits()) << 32) | u64::from(indices[lane]))
                .collect();
            let groups: Vec<u32> = (0..LEAF as u32).map(|lane| lane % 3).collect();
            let floors: Vec<f32> = (0..LEAF).map(|lane| (lane % 5) as f32).collect();
            let weight = |lane: usize| (squared[lane] * 0.5).max(floors[lane]).max(1.5);
            let outside = (0..LEAF)
                .filter(|lane| groups[*lane] != 1)
                .map(|lane| (weight(lane), lane))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
                .unwrap();
            for isa in Isa::available() {
                let mut found = Vec::new();
                leaf_below(isa, &query, &leaf, sorted[LEAF / 2], &indices, &mut found);
                assert_eq!(found, expected, "{isa}, {dims} coordinates");
                let found = leaf_outside(isa, &query, &leaf, (0.5, 1.5, 1), &floors, &groups);
                assert_eq!(found, outside, "{isa}, {dims} coordinates");
                let none = leaf_outside(isa, &query, &leaf, (0.5, 1.5, 1), &floors, &[1; LEAF]);
                assert_eq!(none.0, f32::INFINITY);
            }
        }
    }
}
