//! Rows as eight-bit integers: turned so that no coordinate stands out, then rounded to multiples of a step of their own.
//!
//! The largest coordinate of a row decides its step, and pooled activations have some that are ten times the usual. So
//! a row is turned first: signs by a counter, then butterflies of Hadamard's matrix between groups of 16 coordinates,
//! which spread each coordinate over all groups of a block. That keeps products, but for its own rounding, and what is
//! left are coordinates like those of a random direction. Without it, steps three times as large would have to do for
//! such rows; a full transform, inside the groups too, brings hardly more and does not fit vector registers as well.
//!
//! Everything here gives the same bits on every instruction set.

use super::isa::{Isa, for_every_isa};
use super::panels::LANES;
use crate::random;

/// Added to the bytes of the left side, which the unit reads without a sign.
pub(super) const OFFSET: i32 = 128;
/// The largest integer.
const MOST: f32 = 127.0;
/// A row whose largest coordinate is below this becomes zeros: its products are below what [`floor`](super::bound::floor) allows for.
const VANISHING: f32 = f32::from_bits((127 - 103) << 23);
/// Adding it to a number below 2^22 leaves the nearest integer in the low bits, ties to even.
const ROUNDING: f32 = 12_582_912.0;
/// What turning a row and taking the integers away again may round, as a share of the row's length: at most 12 butterflies and
/// two factors of 2^-24 each, and less than the rest for the gap.
const TURNING: f32 = 32.0 / (1 << 24) as f32;

/// Coordinates after padding to whole groups.
pub(super) fn padded(d: usize) -> usize {
    d.next_multiple_of(LANES)
}

/// What a row became.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rounded {
    /// The step: the coordinate that 1 stands for.
    pub scale: f32,
    /// The sum of the integers.
    pub sum: i32,
    /// How far rounding moved the row, in f64 and squared; without the share of [`TURNING`].
    lost: f64,
}

impl Rounded {
    /// The share of its length that packing moved a row of this squared length by.
    pub fn moved(&self, length: f64) -> f32 {
        if length > 0.0 && self.scale > 0.0 {
            (self.lost / length).sqrt() as f32 * 1.0001 + TURNING
        } else {
            0.0
        }
    }
}

for_every_isa! {
    /// Writes the turned row; `out` has room for whole groups.
    fn turn(row: &[f32], out: &mut [f32]) {
        out[row.len()..].fill(0.0);
        out[..row.len()].copy_from_slice(row);
        for (group, out) in out.chunks_exact_mut(LANES).enumerate() {
            let signs = random::mix(group as u64) as u32;
            for (lane, x) in out.iter_mut().enumerate() {
                *x = f32::from_bits(x.to_bits() ^ ((signs >> lane) << 31));
            }
        }
        let mut rest = out;
        while !rest.is_empty() {
            let groups = 1 << (rest.len() / LANES).ilog2();
            let (block, later) = rest.split_at_mut(groups * LANES);
            let mut half = LANES;
            while half < block.len() {
                for pair in block.chunks_exact_mut(2 * half) {
                    let (low, high) = pair.split_at_mut(half);
                    for (low, high) in low.iter_mut().zip(high) {
                        (*low, *high) = (*low + *high, *low - *high);
                    }
                }
                half *= 2;
            }
            let factor = 1.0 / (groups as f32).sqrt();
            for x in block {
                *x *= factor;
            }
            rest = later;
        }
    }

    /// The largest absolute coordinate of whole groups.
    fn largest(row: &[f32]) -> f32 {
        let mut most = [0.0_f32; LANES];
        for group in row.chunks_exact(LANES) {
            for (most, x) in most.iter_mut().zip(group) {
                let size = x.abs();
                *most = if size > *most { size } else { *most };
            }
        }
        most.into_iter().fold(0.0, f32::max)
    }

    /// Writes the integers plus `offset`; their sum, and the squared length of what rounding took.
    fn round(row: &[f32], scale: f32, inverse: f32, offset: u8, bytes: &mut [u8]) -> (i32, f64) {
        let mut lost = [0.0_f64; LANES];
        let mut sums = [0_i32; LANES];
        for (group, bytes) in row.chunks_exact(LANES).zip(bytes.chunks_exact_mut(LANES)) {
            for lane in 0..LANES {
                let shifted = group[lane] * inverse + ROUNDING;
                let integer = (shifted.to_bits() as i32) - (ROUNDING.to_bits() as i32);
                let gap = f64::from(group[lane] - (shifted - ROUNDING) * scale);
                sums[lane] += integer;
                lost[lane] += gap * gap;
                bytes[lane] = (integer as u8).wrapping_add(offset);
            }
        }
        (sums.iter().sum(), lost.iter().sum())
    }
}

/// Turns and rounds a row; its bytes, plus `offset`, go to `words` in memory order. `turned` is room for the turned row.
pub(super) fn encode(
    isa: Isa,
    row: &[f32],
    offset: i32,
    turned: &mut Vec<f32>,
    words: &mut [u32],
) -> Rounded {
    turned.resize(padded(row.len()), 0.0);
    turn(isa, row, turned);
    // SAFETY: the words are four bytes each, bytes have no alignment, and every pattern is a value of either.
    let bytes =
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), 4 * words.len()) };
    let most = largest(isa, turned);
    if most < VANISHING {
        bytes.fill(offset as u8);
        return Rounded {
            scale: 0.0,
            sum: 0,
            lost: 0.0,
        };
    }
    let scale = most / MOST;
    let (sum, lost) = round(isa, turned, scale, MOST / most, offset as u8, bytes);
    Rounded { scale, sum, lost }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::rows::sum_of_squares;

    fn rows(d: usize) -> Vec<Vec<f32>> {
        let normal = |stream, at: usize| random::normal(5, stream, at as u64) as f32;
        vec![
            (0..d).map(|at| 0.2 * normal(1, at)).collect(),
            // Pooled activations: a few large, most small.
            (0..d)
                .map(|at| normal(2, at).powi(3).abs() / 30.0)
                .collect(),
            (0..d)
                .map(|at| {
                    if at == d / 3 {
                        1.0
                    } else {
                        1e-3 * normal(3, at)
                    }
                })
                .collect(),
            vec![0.5; d],
            vec![1e-36; d],
            vec![0.0; d],
            (0..d)
                .map(|at| if at % 2 == 0 { 1e-25 } else { -1e-26 })
                .collect(),
        ]
    }

    #[test]
    fn the_same_bytes_on_every_path_and_the_bytes_give_the_row_back() {
        for d in [1, 3, 15, 16, 17, 33, 64, 100, 512, 1280] {
            for row in rows(d) {
                let mut words = vec![0; padded(d) / 4];
                let mut turned = Vec::new();
                let plain = encode(Isa::PORTABLE, &row, OFFSET, &mut turned, &mut words);
                for isa in Isa::available() {
                    let mut other = vec![7; padded(d) / 4];
                    let found = encode(isa, &row, OFFSET, &mut turned, &mut other);
                    assert_eq!((found, &other), (plain, &words), "{isa} {d}");
                }
                let bytes = words.iter().flat_map(|word| word.to_ne_bytes());
                let integers: Vec<i32> = bytes.map(|byte| i32::from(byte) - OFFSET).collect();
                assert_eq!(integers.iter().sum::<i32>(), plain.sum);
                assert!(integers.iter().all(|q| q.abs() <= 127));
                let (length, off) =
                    turned
                        .iter()
                        .zip(&integers)
                        .fold((0.0, 0.0), |sums, (x, q)| {
                            let back = f64::from(plain.scale) * f64::from(*q);
                            let x = f64::from(*x);
                            (sums.0 + x * x, sums.1 + (x - back) * (x - back))
                        });
                let before = sum_of_squares(isa_of_tests(), &row);
                // Turning keeps the length.
                assert!(
                    (length.sqrt() - before.sqrt()).abs() <= f64::from(TURNING) * before.sqrt()
                );
                let moved = f64::from(plain.moved(before));
                if plain.scale > 0.0 {
                    assert!(
                        off.sqrt() <= moved * before.sqrt(),
                        "{d}: {off} {moved} {before}"
                    );
                }
            }
        }
    }

    fn isa_of_tests() -> Isa {
        Isa::PORTABLE
    }

    #[test]
    fn a_coordinate_that_stands_out_costs_little() {
        for row in &rows(512)[..4] {
            let mut words = vec![0; 128];
            let found = encode(Isa::PORTABLE, row, 0, &mut Vec::new(), &mut words);
            let moved = found.moved(sum_of_squares(Isa::PORTABLE, row));
            assert!(moved < 0.016, "{moved}");
        }
    }
}
