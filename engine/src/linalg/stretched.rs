//! Squared lengths of stretched differences, the arithmetic of Gaussians with variances of their own.
//!
//! `sum ((x - mean) * scale)^2` as it stands: the form with products of `x` and `x^2` is no faster where additions and
//! multiplications have units of their own, and loses digits where means are far from variances. A sum of squares only
//! grows, so that it is left where it is once it is more than anybody asks for.

use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, WIDE};

/// Rows that meet a mean together.
pub const TOGETHER: usize = 4;

/// Coordinates after which sums are looked at.
const LOOK: usize = 128;

/// The squared length of `(row - mean) * scale`, the same bits as [`stretched_lengths`] gives. O(d).
///
/// # Panics
/// If lengths differ: a mistake of the caller.
pub fn stretched_length(isa: Isa, row: &[f32], mean: &[f32], scale: &[f32]) -> f32 {
    let [length] = lengths_of(isa, [row], mean, scale, [f32::INFINITY]);
    length
}

/// The squared lengths of `(row - mean) * scale` for a few rows of one length, or a part of each, more than its limit, where
/// all turn out to be more than their limits. Differences, products and sums are rounded apart, in one order: the same bits
/// on every instruction set. O(d).
///
/// # Panics
/// If lengths differ: a mistake of the caller.
pub fn stretched_lengths(
    isa: Isa,
    rows: [&[f32]; TOGETHER],
    mean: &[f32],
    scale: &[f32],
    limits: [f32; TOGETHER],
) -> [f32; TOGETHER] {
    lengths_of(isa, rows, mean, scale, limits)
}

fn lengths_of<const R: usize>(
    isa: Isa,
    rows: [&[f32]; R],
    mean: &[f32],
    scale: &[f32],
    limits: [f32; R],
) -> [f32; R] {
    assert!(rows.iter().all(|row| row.len() == mean.len()) && scale.len() == mean.len());
    match isa.level() {
        // SAFETY: arrays need no instructions; lengths were checked.
        Level::Portable => unsafe { lengths::<[f32; WIDE], R>(rows, mean, scale, limits) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this level exists only if the machine has the instructions; lengths were checked.
        Level::Avx2 => unsafe { on_avx2(rows, mean, scale, limits) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above; every other level has the instructions of AVX-512.
        _ => unsafe { on_avx512(rows, mean, scale, limits) },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: as for arrays above.
        _ => unsafe { lengths::<[f32; WIDE], R>(rows, mean, scale, limits) },
    }
}

/// # Safety
/// As [`lengths`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
unsafe fn on_avx512<const R: usize>(
    rows: [&[f32]; R],
    mean: &[f32],
    scale: &[f32],
    limits: [f32; R],
) -> [f32; R] {
    // SAFETY: the caller's promise.
    unsafe { lengths::<Avx512, R>(rows, mean, scale, limits) }
}

/// # Safety
/// As [`lengths`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn on_avx2<const R: usize>(
    rows: [&[f32]; R],
    mean: &[f32],
    scale: &[f32],
    limits: [f32; R],
) -> [f32; R] {
    // SAFETY: the caller's promise.
    unsafe { lengths::<Avx2, R>(rows, mean, scale, limits) }
}

/// # Safety
/// The machine has the instructions of `V`, and all slices have one length.
#[inline(always)]
unsafe fn lengths<V: Lanes, const R: usize>(
    rows: [&[f32]; R],
    mean: &[f32],
    scale: &[f32],
    limits: [f32; R],
) -> [f32; R] {
    let d = mean.len();
    let whole = d / WIDE * WIDE;
    // SAFETY: the machine has the instructions.
    let mut sums = [unsafe { V::splat(0.0) }; R];
    for first in (0..whole).step_by(LOOK) {
        let end = (first + LOOK).min(whole);
        for at in (first..end).step_by(WIDE) {
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
        if end < d {
            // Lanes only grow, and so do their sums, roundings and all: what is too long already stays so.
            let (mut parts, mut beyond) = ([0.0; R], true);
            for ((part, sum), limit) in parts.iter_mut().zip(sums).zip(limits) {
                // SAFETY: the machine has the instructions.
                *part = unsafe { sum.total() };
                beyond &= *part > limit;
            }
            if beyond {
                return parts;
            }
        }
    }
    let mut out = [0.0; R];
    for ((out, sum), row) in out.iter_mut().zip(sums).zip(rows) {
        let mut lanes = [0.0; WIDE];
        for (lane, at) in (whole..d).enumerate() {
            let gap = (row[at] - mean[at]) * scale[at];
            lanes[lane] = gap * gap;
        }
        // SAFETY: the machine has the instructions, and there are as many lanes as are read.
        *out = unsafe {
            let one = V::splat(1.0);
            sum.add_product(V::load(lanes.as_ptr()), one).total()
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_definition_and_the_same_bits_on_every_path() {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.4;
        for d in [1, 15, 16, 33, 100, 128, 300] {
            let rows: Vec<Vec<f32>> = (0..TOGETHER)
                .map(|row| (0..d).map(|j| value(row * d + j)).collect())
                .collect();
            let mean: Vec<f32> = (0..d).map(|j| value(j + 5000)).collect();
            let scale: Vec<f32> = (0..d).map(|j| 2.0 + value(j + 9000)).collect();
            let all = [&rows[0][..], &rows[1], &rows[2], &rows[3]];
            let within = |isa, limits| stretched_lengths(isa, all, &mean, &scale, limits);
            let unlimited = [f32::INFINITY; TOGETHER];
            let first = within(Isa::PORTABLE, unlimited);
            // One row that is not beyond its limit keeps all whole.
            let one = [0.0, 0.0, first[2], 0.0];
            let cut = within(Isa::PORTABLE, first.map(|length| 0.1 * length));
            for isa in Isa::available() {
                assert_eq!(within(isa, unlimited), first, "{isa}");
                assert_eq!(within(isa, one), first, "{isa}");
                assert_eq!(within(isa, first.map(|length| 0.1 * length)), cut, "{isa}");
                let alone = all.map(|row| stretched_length(isa, row, &mean, &scale));
                assert_eq!(alone, first, "{isa}");
            }
            for ((row, found), cut) in rows.iter().zip(first).zip(cut) {
                let gap = |j: usize| f64::from(row[j] - mean[j]) * f64::from(scale[j]);
                let plain: f64 = (0..d).map(|j| gap(j) * gap(j)).sum();
                assert!((f64::from(found) - plain).abs() < 1e-5 * plain, "{d}");
                assert!(cut > 0.1 * found && cut <= found, "{cut} of {found}");
                assert!(d != 300 || cut < 0.6 * found, "{cut} of {found}");
            }
        }
    }
}
