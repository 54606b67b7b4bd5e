//! Rows abreast: the two nearest of many centres for sixteen rows of few coordinates at once.
//!
//! With few coordinates a product is over before its rectangle of sums pays, and finding the lowest of a row's sums costs
//! as much as making them. So a register holds one coordinate of sixteen rows, centres pass by one after another, and
//! each row keeps its lowest, its second and the number of the lowest in a lane of its own. Products and sums are rounded
//! apart, in one order: the same bits on every instruction set, and of equals the lower number.

use super::isa::{Isa, Level, isa};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, WIDE};
use super::panels::LANES;
use super::rows::sum_of_squares;

/// Centres that are packed together.
const FOUR: usize = 4;

/// Centres packed for rows abreast: four after another, coordinate by coordinate.
#[derive(Debug)]
pub struct Fours {
    dims: usize,
    count: usize,
    /// Coordinates times -2.
    words: Vec<f32>,
    /// Squared lengths; infinite where a four is only padded.
    offsets: Vec<f32>,
}

impl Fours {
    /// Packs rows of `dims` coordinates. O(k d).
    pub fn pack(rows: &[f32], dims: usize) -> Fours {
        let count = rows.len().checked_div(dims).unwrap_or(0);
        let mut words = vec![0.0; count.next_multiple_of(FOUR) * dims];
        let mut offsets = vec![f32::INFINITY; count.next_multiple_of(FOUR)];
        let isa = isa();
        for (at, row) in rows.chunks_exact(dims.max(1)).enumerate() {
            offsets[at] = sum_of_squares(isa, row) as f32;
            let four = &mut words[at / FOUR * FOUR * dims..];
            for (x, out) in row.iter().zip(four.chunks_exact_mut(FOUR)) {
                out[at % FOUR] = -2.0 * x;
            }
        }
        Fours {
            dims,
            count,
            words,
            offsets,
        }
    }

    /// The rows packed.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What sixteen rows abreast have met.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct TwoNearest {
    /// The lowest proposal of each row: the squared distance less the row's squared length.
    pub value: [f32; LANES],
    /// The second lowest, possibly equal; infinite where there is no second centre.
    pub second: [f32; LANES],
    /// Which centre has the lowest, the lower number of equals.
    pub number: [u32; LANES],
}

/// The two nearest centres of sixteen rows, which `rows` holds coordinate by coordinate, [`LANES`] each. O(k d).
///
/// A proposal is a sum begun with the centre's squared length, to which `d` products are added: it is off by at most
/// `(d + 2) u` of `nx + 2 nc`, `nx` and `nc` the squared lengths (see [`bound`](super::bound) for `u`).
///
/// # Panics
/// If `rows` does not hold sixteen rows of the centres' coordinates.
pub fn two_nearest(isa: Isa, rows: &[f32], centers: &Fours) -> TwoNearest {
    assert!(rows.len() == centers.dims * LANES && WIDE == LANES);
    let mut found = TwoNearest {
        value: [f32::INFINITY; LANES],
        second: [f32::INFINITY; LANES],
        number: [0; LANES],
    };
    match isa.level() {
        // SAFETY: arrays need no instructions; lengths were checked.
        Level::Portable => unsafe { meet::<[f32; WIDE], 2>(rows, centers, &mut found) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this level exists only if the machine has the instructions; lengths were checked.
        Level::Avx2 => unsafe { on_avx2(rows, centers, &mut found) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above; every other level has those of AVX-512.
        _ => unsafe { on_avx512(rows, centers, &mut found) },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: as for arrays above.
        _ => unsafe { meet::<[f32; WIDE], 2>(rows, centers, &mut found) },
    }
    found
}

/// # Safety
/// As [`meet`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
unsafe fn on_avx512(rows: &[f32], centers: &Fours, found: &mut TwoNearest) {
    // SAFETY: the caller's promise.
    unsafe { meet::<Avx512, FOUR>(rows, centers, found) }
}

/// # Safety
/// As [`meet`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn on_avx2(rows: &[f32], centers: &Fours, found: &mut TwoNearest) {
    // SAFETY: the caller's promise.
    unsafe { meet::<Avx2, FOUR>(rows, centers, found) }
}

/// Lets the centres pass by, `C` at a time.
///
/// # Safety
/// The machine has the instructions of `V`, and `rows` holds [`WIDE`] lanes for each coordinate.
#[inline(always)]
unsafe fn meet<V: Lanes, const C: usize>(rows: &[f32], centers: &Fours, found: &mut TwoNearest) {
    let numbers: *mut f32 = found.number.as_mut_ptr().cast();
    // SAFETY: each array of `found` is good for `WIDE` reads and writes, and so is every coordinate of `rows`; u32 and f32
    // have one layout, and lanes are only moved where they are numbers.
    unsafe {
        let mut value = V::load(found.value.as_ptr());
        let mut second = V::load(found.second.as_ptr());
        let mut number = V::load(numbers);
        let fours = centers.words.chunks_exact((FOUR * centers.dims).max(1));
        for (four, (words, offsets)) in fours.zip(centers.offsets.chunks_exact(FOUR)).enumerate() {
            for first in (0..FOUR).step_by(C) {
                let mut sums: [V; C] = std::array::from_fn(|at| V::splat(offsets[first + at]));
                for (x, words) in rows.chunks_exact(WIDE).zip(words.chunks_exact(FOUR)) {
                    let x = V::load(x.as_ptr());
                    for (sum, word) in sums.iter_mut().zip(&words[first..first + C]) {
                        *sum = sum.add_product(x, V::splat(*word));
                    }
                }
                for (at, sum) in sums.into_iter().enumerate() {
                    let this = V::splat(f32::from_bits((four * FOUR + first + at) as u32));
                    sum.rank(this, &mut value, &mut second, &mut number);
                }
            }
        }
        value.store(found.value.as_mut_ptr());
        second.store(found.second.as_mut_ptr());
        number.store(numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{bound, squared_distance, squared_norm};

    #[test]
    fn the_two_nearest_are_within_the_bound_and_the_same_bits_on_every_path() {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.4;
        for (dims, k) in [(1, 1), (2, 3), (5, 4), (16, 50), (33, 21)] {
            let rows: Vec<f32> = (0..LANES * dims).map(value).collect();
            let mut centers: Vec<f32> = (0..k * dims).map(|i| value(i + 7777)).collect();
            if k > 4 {
                // A centre that repeats another.
                centers.copy_within(dims..2 * dims, 4 * dims);
            }
            let mut abreast = vec![0.0; rows.len()];
            for (lane, row) in rows.chunks_exact(dims).enumerate() {
                for (dim, x) in row.iter().enumerate() {
                    abreast[dim * LANES + lane] = *x;
                }
            }
            let fours = Fours::pack(&centers, dims);
            assert_eq!((fours.len(), fours.is_empty()), (k, false));
            let first = two_nearest(Isa::PORTABLE, &abreast, &fours);
            for isa in Isa::available() {
                assert_eq!(two_nearest(isa, &abreast, &fours), first, "{isa}");
            }
            for (lane, row) in rows.chunks_exact(dims).enumerate() {
                let norm = squared_norm(row);
                let mut all: Vec<(f32, u32)> = centers
                    .chunks_exact(dims)
                    .map(|center| squared_distance(row, center))
                    .zip(0..)
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let off = bound::relative(dims, 0.0, 0.0) * 4.0 * dims as f32;
                assert_eq!(first.number[lane], all[0].1, "{dims} {k} {lane}");
                assert!((first.value[lane] + norm - all[0].0).abs() <= off);
                match all.get(1) {
                    Some(next) => assert!((first.second[lane] + norm - next.0).abs() <= off),
                    None => assert_eq!(first.second[lane], f32::INFINITY),
                }
            }
        }
    }
}
