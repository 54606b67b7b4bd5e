//! Lower ends of squared distances in sixteen bits: a table of all pairs of some thousand rows fits in memory, and a
//! vector register compares 32 of them.
//!
//! A code is what is left of the bits of an f32 when the exponents that cannot occur and the last twelve bits of the
//! mantissa are taken away: codes order as the numbers do, and a number is at most 2^-11 of itself above the least that
//! has its code. A scale in even steps would tell dense rows apart badly wherever some rows lie far away.

use super::isa::{Isa, Level, for_every_isa};

/// Bits that are taken away at the end.
const SHIFT: u32 = 12;
/// What stands for no pair: above the code of every number.
pub const NO_PAIR: u16 = u16::MAX;
/// Codes in a row of a square that [`turn_square`] turns.
pub const SIDE: usize = 64;

/// How numbers from 0 to a greatest one are coded.
#[derive(Debug, Clone, Copy)]
pub struct Coding {
    /// The bits of the least number that has a code above 0, or nearly.
    base: u32,
}

impl Coding {
    /// The coding of numbers up to `most`, which is not negative and far from overflow.
    pub fn up_to(most: f32) -> Coding {
        Coding {
            base: most
                .to_bits()
                .saturating_sub(u32::from(NO_PAIR - 1) << SHIFT),
        }
    }

    /// The least code that no number up to `limit` has; 0 if `limit` is negative.
    pub fn end(self, limit: f32) -> u16 {
        if limit < 0.0 {
            return 0;
        }
        let code = limit.to_bits().saturating_sub(self.base) >> SHIFT;
        code.min(u32::from(NO_PAIR - 1)) as u16 + 1
    }

    /// What every number with this code is below.
    pub fn above(self, code: u16) -> f32 {
        f32::from_bits(((u32::from(code) + 1) << SHIFT) + self.base)
    }

    /// Writes the codes of `offset + (offsets[c] - 2 products[c])`, of 0 where that is negative, and [`NO_PAIR`] where it
    /// is infinite. The lengths are equal. O(n).
    pub fn encode(self, isa: Isa, offset: f32, offsets: &[f32], products: &[f32], out: &mut [u16]) {
        encode(isa, (offset, self.base), offsets, products, out);
    }
}

for_every_isa! {
    fn encode(row: (f32, u32), offsets: &[f32], products: &[f32], out: &mut [u16]) {
        let (offset, base) = row;
        for ((out, other), product) in out.iter_mut().zip(offsets).zip(products) {
            let value = offset + (other - 2.0 * product);
            let value = if value > 0.0 { value } else { 0.0 };
            let bits = value.to_bits();
            let above = (if bits > base { bits } else { base }) - base;
            let code = above >> SHIFT;
            *out = (if code < 0xFFFF { code } else { 0xFFFF }) as u16;
        }
    }

    /// Writes a square of [`SIDE`] rows with its rows as columns; `room` is as large.
    pub fn turn_square(square: &[u16], room: &mut [u16], out: &mut [u16]) {
        // One half taken in turn with the other moves the highest bit of a place to its end; six times that is a turn.
        interlace(square, out);
        interlace(out, room);
        interlace(room, out);
        interlace(out, room);
        interlace(room, out);
        interlace(out, room);
        out.copy_from_slice(room);
    }

    /// How many codes are at most `most`. O(n).
    pub fn count_at_most(codes: &[u16], most: u16) -> usize {
        // Sums of sixteen bits do not overflow over so many.
        let parts = codes.chunks(1 << 14);
        parts.map(|part| usize::from(part.iter().map(|code| u16::from(*code <= most)).sum::<u16>())).sum()
    }

    /// Lowers each of `least` to the codes that stand at its place in any part of `codes` as long as `least`. O(n).
    pub fn fold_least(codes: &[u16], least: &mut [u16]) {
        for part in codes.chunks(least.len()) {
            for (least, code) in least.iter_mut().zip(part) {
                *least = if code < least { *code } else { *least };
            }
        }
    }

    /// Bits that say which of each 64 codes are below their ends.
    fn plain_masks(codes: &[u16], ends: &[u16], masks: &mut [u64]) {
        for (mask, (codes, ends)) in masks.iter_mut().zip(codes.chunks_exact(SIDE).zip(ends.chunks_exact(SIDE))) {
            *mask = 0;
            for (lane, (code, end)) in codes.iter().zip(ends).enumerate() {
                *mask |= u64::from(code < end) << lane;
            }
        }
    }
}

/// Appends `code << 16 | c` for every `c` where the code is below `ends[c]`, in rising `c`; `masks` is room. The lengths are
/// equal multiples of [`SIDE`], and at most 65,536. O(n).
///
/// # Panics
/// If lengths are others: a mistake of the caller.
pub fn select_coded(
    isa: Isa,
    codes: &[u16],
    ends: &[u16],
    masks: &mut Vec<u64>,
    out: &mut Vec<u32>,
) {
    assert!(codes.len() == ends.len() && codes.len().is_multiple_of(SIDE));
    assert!(codes.len() <= 1 << 16);
    masks.resize(codes.len() / SIDE, 0);
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 | Level::Avx512Vnni { .. } | Level::Amx => {
            // SAFETY: an `isa` of these levels exists only if the machine has AVX-512BW, and there are `SIDE` codes and
            // ends for each mask.
            unsafe { masks_avx512(codes.as_ptr(), ends.as_ptr(), masks) }
        }
        _ => plain_masks(isa, codes, ends, masks),
    }
    for (group, mask) in masks.iter().enumerate() {
        let mut left = *mask;
        while left != 0 {
            let at = group * SIDE + left.trailing_zeros() as usize;
            out.push((u32::from(codes[at]) << 16) | at as u32);
            left &= left - 1;
        }
    }
}

/// As [`plain_masks`].
///
/// # Safety
/// The machine has AVX-512F and AVX-512BW, and [`SIDE`] codes and ends may be read for each mask.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn masks_avx512(codes: *const u16, ends: *const u16, masks: &mut [u64]) {
    use std::arch::x86_64::{_mm512_cmplt_epu16_mask, _mm512_loadu_si512};
    for (group, mask) in masks.iter_mut().enumerate() {
        let half = |at: usize| {
            // SAFETY: 32 codes and ends from here are among those that the caller promises.
            let (codes, ends) = unsafe {
                (
                    _mm512_loadu_si512(codes.add(at).cast()),
                    _mm512_loadu_si512(ends.add(at).cast()),
                )
            };
            u64::from(_mm512_cmplt_epu16_mask(codes, ends))
        };
        *mask = half(group * SIDE) | (half(group * SIDE + SIDE / 2) << (SIDE / 2));
    }
}

/// The first half of some codes and the second, taken in turn.
#[inline(always)]
fn interlace(from: &[u16], to: &mut [u16]) {
    let (low, high) = from.split_at(from.len() / 2);
    let pairs = to.as_chunks_mut::<2>().0;
    for (pair, (low, high)) in pairs.iter_mut().zip(low.iter().zip(high)) {
        *pair = [*low, *high];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    #[test]
    fn codes_order_as_numbers_do_and_hold_them_between_ends() {
        for most in [0.0, 1e-30, 0.7, 4.0, 3e7] {
            let coding = Coding::up_to(most);
            let numbers = (0..=200).map(|at| most * (at as f32 / 200.0).powi(9));
            let numbers: Vec<f32> = numbers.chain([-1.0, f32::INFINITY]).collect();
            let zeros = vec![0.0; numbers.len()];
            for isa in Isa::available() {
                let mut codes = vec![1; numbers.len()];
                coding.encode(isa, 0.0, &numbers, &zeros, &mut codes);
                assert_eq!(codes.pop(), Some(NO_PAIR));
                assert_eq!(codes.pop(), Some(0));
                assert!(codes.is_sorted() && codes.iter().all(|code| *code < NO_PAIR));
                for (number, code) in numbers.iter().zip(&codes) {
                    assert!(coding.above(*code) > *number, "{isa} {most} {number}");
                    assert_eq!(coding.end(*number), code + 1);
                    let wide = number * (1.0 + 1.0 / 2048.0) + most * 2.0_f32.powi(-31) + 1e-38;
                    assert!(coding.above(*code) <= wide, "{isa} {most} {number}");
                }
            }
            assert_eq!(coding.end(-0.1), 0);
            assert_eq!(coding.end(f32::INFINITY), NO_PAIR);
        }
    }

    #[test]
    fn counting_selecting_and_turning_are_those_of_plain_loops_on_every_path() {
        let code = |at: usize| random::mix(at as u64) as u16 >> 4;
        let codes: Vec<u16> = (0..SIDE * SIDE).map(code).collect();
        let ends: Vec<u16> = (0..SIDE * SIDE).map(|at| code(at + 5000) / 8).collect();
        let places = (0..codes.len()).filter(|&at| codes[at] < ends[at]);
        let below: Vec<u32> = places
            .map(|at| (u32::from(codes[at]) << 16) | at as u32)
            .collect();
        let (width, mut least) = (96, vec![2000; 96]);
        for (at, code) in codes.iter().enumerate() {
            least[at % width] = *code.min(&least[at % width]);
        }
        for isa in Isa::available() {
            for most in [0, 100, 4000, u16::MAX] {
                let count = codes.iter().filter(|code| **code <= most).count();
                assert_eq!(count_at_most(isa, &codes, most), count);
            }
            let mut found = Vec::new();
            select_coded(isa, &codes, &ends, &mut vec![1; 3], &mut found);
            assert_eq!(found, below, "{isa}");
            let mut folded = vec![2000; width];
            fold_least(isa, &codes, &mut folded);
            assert_eq!(folded, least, "{isa}");
            let (mut room, mut turned) = (vec![0; codes.len()], vec![0; codes.len()]);
            turn_square(isa, &codes, &mut room, &mut turned);
            for (at, code) in turned.iter().enumerate() {
                assert_eq!(*code, codes[at % SIDE * SIDE + at / SIDE], "{isa}");
            }
        }
    }
}
