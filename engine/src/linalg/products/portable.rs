//! The kernels in plain Rust: few enough sums for the baseline's registers, vectorised by the compiler.

use super::Tile;
use crate::linalg::LANES;

/// Rows a call takes at most: 16 sums each, in 16 registers of 4 lanes on x86-64 and 32 on ARM.
pub(super) const ROWS: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };

/// See [`Kernel::run`](super::Kernel).
///
/// # Safety
/// As there; no instructions beyond the baseline are needed.
pub(super) unsafe fn f32(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows <= ROWS && panels == 1);
    // SAFETY: the caller promises one panel of `steps` groups of words.
    let right =
        unsafe { std::slice::from_raw_parts(tile.right.cast::<[f32; LANES]>(), tile.steps) };
    let mut left = [[].as_slice(); ROWS];
    for (row, words) in left.iter_mut().enumerate() {
        // Rows that are not there are computed like the last one and not written.
        let at = tile.left[row.min(rows - 1)];
        // SAFETY: the caller promises `rows` rows of `steps` words; f32 and u32 have one layout.
        *words = unsafe { std::slice::from_raw_parts(at.cast::<f32>(), tile.steps) };
    }
    let mut sums = [[0.0_f32; LANES]; ROWS];
    for (step, group) in right.iter().enumerate() {
        for (sums, words) in sums.iter_mut().zip(&left) {
            let x = words[step];
            for (sum, y) in sums.iter_mut().zip(group) {
                *sum += x * y;
            }
        }
    }
    for (row, sums) in sums.iter().enumerate().take(rows) {
        // SAFETY: the caller promises room for 16 sums in each of `rows` rows of `out`.
        unsafe {
            tile.out
                .add(row * tile.out_stride)
                .cast::<[f32; LANES]>()
                .write_unaligned(*sums)
        };
    }
}

/// See [`Kernel::run`](super::Kernel): one row of integers with one panel. Here so that the integers are the same where
/// there is no unit for them; nothing is faster by it.
///
/// # Safety
/// As there; no instructions beyond the baseline are needed.
pub(super) unsafe fn int8(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows == 1 && panels == 1);
    // SAFETY: the caller promises one row and one panel of `steps` groups of words, with their steps and shifts.
    let (left, right, scales, shifts) = unsafe {
        (
            std::slice::from_raw_parts(tile.left[0], tile.steps),
            std::slice::from_raw_parts(tile.right.cast::<[u32; LANES]>(), tile.steps),
            tile.right_scales.cast::<[f32; LANES]>().read_unaligned(),
            tile.right_shifts.cast::<[i32; LANES]>().read_unaligned(),
        )
    };
    let mut sums = [0_i32; LANES];
    for (word, group) in left.iter().zip(right) {
        let bytes = word.to_ne_bytes();
        for (sum, word) in sums.iter_mut().zip(group) {
            for (x, y) in bytes.into_iter().zip(word.to_ne_bytes()) {
                *sum += i32::from(x) * i32::from(y.cast_signed());
            }
        }
    }
    let mut out = [0.0_f32; LANES];
    for lane in 0..LANES {
        out[lane] = (sums[lane] - shifts[lane]) as f32 * (tile.left_scales[0] * scales[lane]);
    }
    // SAFETY: the caller promises room for 16 sums.
    unsafe { tile.out.cast::<[f32; LANES]>().write_unaligned(out) };
}
