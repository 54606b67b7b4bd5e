//! Squared lengths of stretched differences, the arithmetic of Gaussians with variances of their own.
//!
//! `sum ((x - mean) * scale)^2` as it stands: the form with products of `x` and `x^2` is no faster where additions and
//! multiplications have units of their own, and loses digits where means are far from variances.

use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, WIDE};

/// Rows that meet a mean together.
pub const TOGETHER: usize = 4;

/// The squared lengths of `(row - mean) * scale` for a few rows of one length. Differences, products and sums are rounded
/// apart, in one order: the same bits on every instruction set. O(d).
///
/// # Panics
/// If lengths differ: a mistake of the caller.
pub fn stretched_lengths(
    isa: Isa,
    rows: [&[f32]; TOGETHER],
    mean: &[f32],
    scale: &[f32],
) -> [f32; TOGETHER] {
    assert!(rows.iter().all(|row| row.len() == mean.len()) && scale.len() == mean.len());
    match isa.level() {
        Level::Portable => {
            let [a, b, c, d] = rows;
            // SAFETY: arrays need no instructions; lengths were checked. Two rows at a time fit the baseline's registers.
            let ([a, b], [c, d]) = unsafe {
                (
                    lengths::<[f32; WIDE], 2>([a, b], mean, scale),
                    lengths::<[f32; WIDE], 2>([c, d], mean, scale),
                )
            };
            [a, b, c, d]
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this level exists only if the machine has the instructions; lengths were checked.
        Level::Avx2 => unsafe { on_avx2(rows, mean, scale) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above; every other level has the instructions of AVX-512.
        _ => unsafe { on_avx512(rows, mean, scale) },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: as for arrays above.
        _ => unsafe { lengths::<[f32; WIDE], TOGETHER>(rows, mean, scale) },
    }
}

/// # Safety
/// As [`lengths`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
unsafe fn on_avx512(rows: [&[f32]; TOGETHER], mean: &[f32], scale: &[f32]) -> [f32; TOGETHER] {
    // SAFETY: the caller's promise.
    unsafe { lengths::<Avx512, TOGETHER>(rows, mean, scale) }
}

/// # Safety
/// As [`lengths`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn on_avx2(rows: [&[f32]; TOGETHER], mean: &[f32], scale: &[f32]) -> [f32; TOGETHER] {
    // SAFETY: the caller's promise.
    unsafe { lengths::<Avx2, TOGETHER>(rows, mean, scale) }
}

/// # Safety
/// The machine has the instructions of `V`, and all slices have one length.
#[inline(always)]
unsafe fn lengths<V: Lanes, const R: usize>(
    rows: [&[f32]; R],
    mean: &[f32],
    scale: &[f32],
) -> [f32; R] {
    let whole = mean.len() / WIDE * WIDE;
    // SAFETY: the machine has the instructions.
    let mut sums = [unsafe { V::splat(0.0) }; R];
    for at in (0..whole).step_by(WIDE) {
        // SAFETY: `at + WIDE` is at most the length of each slice.
        unsafe {
            let (mean, scale) = (
                V::load(mean.as_ptr().add(at)),
                V::load(scale.as_ptr().add(at)),
            );
            for (sum, row) in sums.iter_mut().zip(rows) {
                let gap = V::load(row.as_ptr().add(at)).minus(mean).times(scale);
                *sum = sum.add_product(gap, gap);
            }
        }
    }
    let mut out = [0.0; R];
    for ((out, sum), row) in out.iter_mut().zip(sums).zip(rows) {
        let mut lanes = [0.0_f32; WIDE];
        // SAFETY: there is room for the lanes.
        unsafe { sum.store(lanes.as_mut_ptr()) };
        for (lane, at) in (whole..mean.len()).enumerate() {
            let gap = (row[at] - mean[at]) * scale[at];
            lanes[lane] += gap * gap;
        }
        *out = lanes.iter().sum();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_definition_and_the_same_bits_on_every_path() {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.4;
        for d in [1, 15, 16, 33, 100] {
            let rows: Vec<Vec<f32>> = (0..TOGETHER)
                .map(|row| (0..d).map(|j| value(row * d + j)).collect())
                .collect();
            let mean: Vec<f32> = (0..d).map(|j| value(j + 5000)).collect();
            let scale: Vec<f32> = (0..d).map(|j| 2.0 + value(j + 9000)).collect();
            let on = |isa| {
                stretched_lengths(isa, [&rows[0], &rows[1], &rows[2], &rows[3]], &mean, &scale)
            };
            let first = on(Isa::PORTABLE);
            for isa in Isa::available() {
                assert_eq!(on(isa), first, "{isa}");
            }
            for (row, found) in rows.iter().zip(first) {
                let gap = |j: usize| f64::from(row[j] - mean[j]) * f64::from(scale[j]);
                let plain: f64 = (0..d).map(|j| gap(j) * gap(j)).sum();
                assert!((f64::from(found) - plain).abs() < 1e-5 * plain, "{d}");
            }
        }
    }
}
