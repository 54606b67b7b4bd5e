//! Inner products of two panels of sixteen rows whose bits do not depend on the machine.
//!
//! Each is one chain of products, every one rounded by itself and added in order. Kernels that fuse the two where the
//! processor can give other bits elsewhere. Unfused they take no longer on a processor that multiplies and adds side by
//! side, if enough chains are in registers together: all sixteen rows against one register of AVX-512.

use super::LANES;
use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, WIDE};

/// The inner products of two panels' rows: row `i` on the left and row `j` on the right at `[i][j]`.
pub type Square<T> = [[T; LANES]; LANES];

/// Rows on the left whose chains are in the sixteen registers of AVX2 together.
#[cfg(target_arch = "x86_64")]
const AVX2_ROWS: usize = 4;
/// The same for plain code: 16 registers of 4 lanes on x86-64, 32 on ARM.
const PORTABLE_ROWS: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };

/// The inner products of the first `rows` rows of the panel `left` with all rows of the panel `right`; what stands beyond
/// those rows has no meaning. Entry `k` of row `r` of a panel is at `16 k + r`. One product an entry and line.
///
/// # Panics
/// If the panels are of different lengths, or there are not so many rows: mistakes of the caller.
pub fn square(isa: Isa, left: &[f32], right: &[f32], rows: usize) -> Square<f32> {
    let mut out = [[0.0; LANES]; LANES];
    run::<false>(isa, left, right, rows, &mut out);
    out
}

/// Adds all inner products of the rows of two panels to `sums`, each after its own chain.
///
/// # Panics
/// If the panels are of different lengths: a mistake of the caller.
pub fn add_square(isa: Isa, left: &[f32], right: &[f32], sums: &mut Square<f32>) {
    run::<true>(isa, left, right, LANES, sums);
}

/// Writes products to `out`, or adds them to what it holds.
fn run<const ADD: bool>(isa: Isa, left: &[f32], right: &[f32], rows: usize, out: &mut Square<f32>) {
    const { assert!(WIDE == LANES) };
    assert!(
        left.len() == right.len() && left.len().is_multiple_of(LANES),
        "panels of one depth"
    );
    assert!(rows <= LANES, "rows of one panel");
    let panels = Pair {
        left: left.as_ptr(),
        right: right.as_ptr(),
        depth: left.len() / LANES,
    };
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 | Level::Avx512Vnni { .. } | Level::Amx => {
            // SAFETY: an `Isa` of this level exists only if the machine has the instructions; both panels have `depth`
            // lines, and `out` has a line for each of `rows <= 16` rows.
            unsafe { avx512::<ADD>(panels, rows, out) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            for first in (0..rows).step_by(AVX2_ROWS) {
                // SAFETY: as above; `first + AVX2_ROWS <= 16`, since it divides 16.
                unsafe { avx2::<ADD>(panels.at_row(first), out[first..].as_mut_ptr()) };
            }
        }
        _ => {
            for first in (0..rows).step_by(PORTABLE_ROWS) {
                let out = out[first..].as_mut_ptr();
                // SAFETY: as above, with nothing asked of the machine.
                unsafe {
                    chains::<[f32; LANES], PORTABLE_ROWS, ADD>(panels.at_row(first), out);
                }
            }
        }
    }
}

/// Two panels of `depth` lines.
#[derive(Clone, Copy)]
struct Pair {
    left: *const f32,
    right: *const f32,
    depth: usize,
}

impl Pair {
    /// The same with the left panel's rows counted from `row`, which is in the panel.
    fn at_row(self, row: usize) -> Pair {
        Pair {
            // SAFETY: `row < 16`, and a line has 16 entries; a panel without lines is never read.
            left: self.left.wrapping_add(row),
            ..self
        }
    }
}

/// `R` rows of the left panel against the right panel: written to `out`, or added to it.
///
/// # Safety
/// The machine has the instructions of `L`, both panels have `depth` lines, in which `R` rows are left, and `out` has room
/// for `R` lines.
#[inline(always)]
unsafe fn chains<L: Lanes, const R: usize, const ADD: bool>(panels: Pair, out: *mut [f32; LANES]) {
    // SAFETY: promised by the caller.
    unsafe {
        let mut sums = [L::splat(0.0); R];
        let (mut left, mut right) = (panels.left, panels.right);
        for _ in 0..panels.depth {
            let y = L::load(right);
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add_product(L::splat(*left.add(row)), y);
            }
            // The last step may lead one line beyond, which is not read.
            left = left.wrapping_add(LANES);
            right = right.wrapping_add(LANES);
        }
        for (row, sum) in sums.iter().enumerate() {
            let to = out.add(row).cast();
            if ADD {
                // Times 1, which rounds nothing.
                L::load(to).add_product(*sum, L::splat(1.0)).store(to);
            } else {
                sum.store(to);
            }
        }
    }
}

/// # Safety
/// As [`chains`], with four rows; the machine has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const ADD: bool>(panels: Pair, out: *mut [f32; LANES]) {
    // SAFETY: promised by the caller.
    unsafe { chains::<Avx2, AVX2_ROWS, ADD>(panels, out) }
}

/// # Safety
/// As [`chains`], with `rows` rows; the machine has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const ADD: bool>(panels: Pair, rows: usize, out: &mut Square<f32>) {
    macro_rules! by_rows {
        ($($rows:literal)*) => {
            match rows {
                // SAFETY: promised by the caller; `out` has sixteen lines.
                $($rows => unsafe { chains::<Avx512, $rows, ADD>(panels, out.as_mut_ptr()) },)*
                _ => {}
            }
        };
    }
    by_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, stream: u64) -> Vec<f32> {
        (0..count)
            .map(|i| crate::random::uniform(1, stream, i as u64) as f32 - 0.5)
            .collect()
    }

    #[test]
    fn every_instruction_set_gives_one_chain_of_rounded_products() {
        for depth in [0, 1, 7, 77] {
            let (left, right) = (noise(depth * LANES, 1), noise(depth * LANES, 2));
            for isa in Isa::available() {
                for rows in 0..=LANES {
                    let found = square(isa, &left, &right, rows);
                    for (i, found) in found.iter().enumerate().take(rows) {
                        for (j, found) in found.iter().enumerate() {
                            let mut wanted = 0.0_f32;
                            for k in 0..depth {
                                wanted += left[k * LANES + i] * right[k * LANES + j];
                            }
                            assert_eq!(
                                found.to_bits(),
                                wanted.to_bits(),
                                "{isa}, {depth} deep, {rows} rows: {i} {j}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_chain_is_added_after_its_end() {
        let (left, right) = (noise(20 * LANES, 3), noise(20 * LANES, 4));
        for isa in Isa::available() {
            let mut sums = [[1e3; LANES]; LANES];
            add_square(isa, &left, &right, &mut sums);
            let products = square(isa, &left, &right, LANES);
            for (sums, products) in sums.iter().zip(&products) {
                for (sum, product) in sums.iter().zip(products) {
                    assert_eq!(sum.to_bits(), (1e3 + product).to_bits(), "{isa}");
                }
            }
        }
    }
}
