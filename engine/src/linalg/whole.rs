//! Rows that are small whole numbers already, packed as eight-bit integers as they are.
//!
//! Rows of fractions are turned and get a step of their own ([`int8`](super::int8)); whole numbers of at most
//! [`MOST_WHOLE`] lose nothing as they stand, and their products are the very sums that f32 or bfloat16 would give.

use rayon::prelude::*;

use super::int8;
use super::isa::{Isa, for_every_isa};
use super::panels::{Block, LANES, Panels, interleave};
use super::rows::sum_of_squares;

/// The largest whole number, of either sign, that is packed as an integer of eight bits.
pub const MOST_WHOLE: f32 = 127.0;

for_every_isa! {
    /// Writes whole numbers plus `offset` as bytes; their sum.
    fn to_bytes(row: &[f32], offset: i32, bytes: &mut [u8]) -> i32 {
        let mut sum = 0;
        for (byte, x) in bytes.iter_mut().zip(row) {
            let integer = *x as i32;
            sum += integer;
            *byte = (integer + offset) as u8;
        }
        sum
    }
}

/// Writes a row's words, with zeros for the coordinates that only pad; the sum of its numbers.
fn encode(isa: Isa, row: &[f32], offset: i32, words: &mut [u32]) -> i32 {
    // SAFETY: the words are four bytes each, bytes have no alignment, and every pattern is a value of either.
    let bytes =
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), 4 * words.len()) };
    let (own, padding) = bytes.split_at_mut(row.len());
    padding.fill(offset as u8);
    to_bytes(isa, row, offset, own)
}

impl Block {
    /// As [`Block::fill`], of rows of whole numbers up to [`MOST_WHOLE`], for products with [`Panels::pack_whole`].
    pub fn fill_whole(&mut self, data: &[f32], d: usize) {
        if !self.isa.is_int8() {
            self.fill(data, d);
            return;
        }
        self.rows = data.len().checked_div(d).unwrap_or(0);
        self.steps = int8::padded(d) / 4;
        self.words.resize(self.rows * self.steps, 0);
        self.scales.clear();
        self.scales.resize(self.rows, 1.0);
        if self.rows > 0 {
            let words = self.words.chunks_exact_mut(self.steps);
            for (row, words) in data.chunks_exact(d).zip(words) {
                encode(self.isa, row, int8::OFFSET, words);
            }
        }
    }
}

impl Panels {
    /// As [`Panels::pack`], of rows of whole numbers up to [`MOST_WHOLE`]: nothing is rounded, whatever the numbers that
    /// products are made in.
    pub fn pack_whole(isa: Isa, data: &[f32], d: usize) -> Panels {
        let rows = data.len().checked_div(d).unwrap_or(0);
        if !isa.is_int8() || rows == 0 {
            return Panels::pack(isa, data, d);
        }
        let steps = int8::padded(d) / 4;
        let mut words = vec![0_u32; rows.div_ceil(LANES) * LANES * steps];
        let sums: Vec<Vec<i32>> = words
            .par_chunks_exact_mut(LANES * steps)
            .zip(data.par_chunks(LANES * d))
            .map(|(panel, rows)| {
                let mut encoded = vec![0; rows.len() / d * steps];
                let both = rows.chunks_exact(d).zip(encoded.chunks_exact_mut(steps));
                let sums = both
                    .map(|(row, words)| encode(isa, row, 0, words))
                    .collect();
                interleave(&encoded, steps, panel);
                sums
            })
            .collect();
        let norms = data.par_chunks_exact(d).with_min_len(64);
        let norms = norms.map(|row| sum_of_squares(isa, row) as f32).collect();
        Panels::of_integers(isa, words, steps, norms, vec![0.0; rows], |lane| {
            (1.0, sums[lane / LANES][lane % LANES])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::products;

    #[test]
    fn whole_numbers_multiply_exactly_on_every_path() {
        for d in [1, 15, 16, 50, 512] {
            let number = |at: usize| (crate::random::mix(at as u64) % 255) as f32 - MOST_WHOLE;
            let rows: Vec<f32> = (0..40 * d).map(number).collect();
            for isa in Isa::available() {
                for isa in [isa.for_dims(d), isa.in_int8()] {
                    let panels = Panels::pack_whole(isa, &rows, d);
                    let mut block = Block::new(isa);
                    block.fill_whole(&rows, d);
                    let mut found = vec![0.0; 40 * 48];
                    products(&block, &panels, 0..3, &mut found, 48);
                    for at in 0..40 * 40 {
                        let (a, b) = (at / 40, at % 40);
                        let pairs = rows[a * d..][..d].iter().zip(&rows[b * d..][..d]);
                        let sum: f64 = pairs.map(|(x, y)| f64::from(x * y)).sum();
                        assert_eq!(f64::from(found[a * 48 + b]), sum, "{isa} {d} {a} {b}");
                        if a == b {
                            assert_eq!(f64::from(panels.norms()[a]), sum);
                        }
                    }
                }
            }
        }
    }
}
