//! What is done to single rows on the way in and out of products: bring to the working scale, add up.

use super::isa::for_every_isa;

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
