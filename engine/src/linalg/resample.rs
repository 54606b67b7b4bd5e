//! The two passes of a separable filter over 8-bit RGB, in integers.
//!
//! Across, blocks of rows are turned so that a vector holds one colour of many rows; down, it holds many colours of
//! one row. Either way the inner loop is one multiply and add of whole vectors. Integers give one result on every
//! machine.

use super::isa::for_every_isa;

/// Fixed-point bits of a weight: of 32, 8 are left for a level and 2 for what a filter overshoots.
pub const WEIGHT_BITS: u32 = 22;

/// Rows that pass the horizontal filter side by side.
pub const ROWS: usize = 16;

/// The input places an output place is made from, and their weights (sum: 2^22).
#[derive(Debug, Clone)]
pub struct Window {
    /// The first input place.
    pub first: usize,
    /// One weight a place from there on.
    pub weights: Vec<i32>,
}

#[inline(always)]
fn level(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

for_every_isa! {
    /// Filters up to [`ROWS`] rows of `from` RGB pixels; `out` has as many rows of `windows.len()` pixels.
    /// O(rows x weights).
    pub fn filter_across(rows: &[u8], from: usize, windows: &[Window], out: &mut [u8]) {
        let mut turned = vec![[0u8; ROWS]; from * 3];
        for (lane, row) in rows.chunks_exact(from * 3).enumerate() {
            for (column, &value) in turned.iter_mut().zip(row) {
                column[lane] = value;
            }
        }
        let width = windows.len() * 3;
        for (place, window) in windows.iter().enumerate() {
            let mut sums = [[1 << (WEIGHT_BITS - 1); ROWS]; 3];
            let columns = turned[window.first * 3..].as_chunks::<3>().0;
            for (&weight, colours) in window.weights.iter().zip(columns) {
                for (sums, column) in sums.iter_mut().zip(colours) {
                    for (sum, &value) in sums.iter_mut().zip(column) {
                        *sum += i32::from(value) * weight;
                    }
                }
            }
            for (lane, row) in out.chunks_exact_mut(width).enumerate() {
                for (colour, sums) in sums.iter().enumerate() {
                    row[place * 3 + colour] = level(sums[lane]);
                }
            }
        }
    }

    /// Makes one output row from the rows of `data` (`stride` bytes each) that `window` names.
    pub fn filter_down(data: &[u8], stride: usize, window: &Window, out: &mut [u8]) {
        const BLOCK: usize = 64;
        let rows = &data[window.first * stride..];
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let mut sums = [1i32 << (WEIGHT_BITS - 1); BLOCK];
            for (&weight, row) in window.weights.iter().zip(rows.chunks_exact(stride)) {
                let values = &row[block * BLOCK..][..out.len()];
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = level(sum);
            }
        }
    }
}
