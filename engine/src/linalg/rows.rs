//! What is done to single rows on the way in and out of products: bring to the working scale, add up.

use super::isa::{for_every_isa, isa};
use crate::random;

for_every_isa! {
    /// Writes `row * factor - mean`, each product and difference rounded to f32. O(d).
    pub fn centre(row: &[f32], factor: f32, mean: &[f32], out: &mut [f32]) {
        for ((out, x), mean) in out.iter_mut().zip(row).zip(mean) {
            *out = x * factor - mean;
        }
    }

    /// Adds `sign * (row * factor - mean)` to f64 sums; the rounding is that of [`centre`]. O(d).
    pub fn add_centred(row: &[f32], factor: f32, mean: &[f32], sign: f64, sums: &mut [f64]) {
        for ((sum, x), mean) in sums.iter_mut().zip(row).zip(mean) {
            *sum += sign * f64::from(x * factor - mean);
        }
    }

    /// Adds a row to f64 sums, and gives the bits of its largest coordinate without the sign: floats order as these do, what
    /// is not finite above all others. O(d).
    pub fn add_and_bound(row: &[f32], sums: &mut [f64]) -> u32 {
        let mut most = 0;
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += f64::from(*x);
            let size = x.to_bits() & 0x7FFF_FFFF;
            most = if size > most { size } else { most };
        }
        most
    }

    /// The squared length of a row in f64, partial sums in a fixed order. O(d).
    pub fn sum_of_squares(row: &[f32]) -> f64 {
        let mut sums = [0.0_f64; 16];
        let mut chunks = row.chunks_exact(16);
        for chunk in chunks.by_ref() {
            for lane in 0..16 {
                sums[lane] += f64::from(chunk[lane]) * f64::from(chunk[lane]);
            }
        }
        for (sum, x) in sums.iter_mut().zip(chunks.remainder()) {
            *sum += f64::from(*x) * f64::from(*x);
        }
        sums.iter().sum()
    }
}

/// Asks the memory for rows that will be read soon, where their places follow no pattern. O(d).
pub fn fetch<'a>(rows: impl IntoIterator<Item = &'a [f32]>) {
    #[cfg(target_arch = "x86_64")]
    for row in rows {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        for line in row.chunks(16) {
            // SAFETY: any address may be asked for, and this one is inside the row.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = rows;
}

/// A hash of a row in which zeros of either sign are the same: equal rows have equal hashes. O(d).
pub fn hash_row(row: &[f32]) -> u64 {
    let lanes = hash_on(isa(), row);
    lanes.into_iter().fold(row.len() as u64, |hash, lane| {
        random::mix(hash ^ u64::from(lane))
    })
}

for_every_isa! {
    fn hash_on(row: &[f32]) -> [u32; 16] {
        let mut hashes = [0x9E37_79B9_u32; 16];
        for chunk in row.chunks(16) {
            for (hash, x) in hashes.iter_mut().zip(chunk) {
                let mixed = (*hash ^ (x + 0.0).to_bits()).wrapping_mul(0x85EB_CA6B);
                *hash = mixed ^ (mixed >> 15);
            }
        }
        hashes
    }
}
