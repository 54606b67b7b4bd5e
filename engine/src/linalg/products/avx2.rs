//! The AVX2 kernel: 6 rows by 16 lanes, 12 sums in the 16 registers.

use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::Tile;
use crate::linalg::LANES;

/// See [`Kernel::run`](super::Kernel).
///
/// # Safety
/// As there; the machine has AVX2 and FMA.
pub(super) unsafe fn f32(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows <= 6 && panels == 1);
    // SAFETY: the caller's promises are passed on; each arm asks for the rows that are there.
    unsafe {
        match rows {
            1 => rectangle::<1>(tile),
            2 => rectangle::<2>(tile),
            3 => rectangle::<3>(tile),
            4 => rectangle::<4>(tile),
            5 => rectangle::<5>(tile),
            _ => rectangle::<6>(tile),
        }
    }
}

/// # Safety
/// As [`f32`], with `R` rows and one panel.
#[target_feature(enable = "avx2,fma")]
unsafe fn rectangle<const R: usize>(tile: Tile) {
    let mut sums: [[__m256; 2]; R] = [[_mm256_setzero_ps(); 2]; R];
    let right = tile.right.cast::<f32>();
    for step in 0..tile.steps {
        // SAFETY: the panel holds 16 words for each of `steps` steps.
        let (low, high) = unsafe {
            let at = right.add(step * LANES);
            (_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8)))
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: there are `R` rows of `steps` words.
            let x = _mm256_set1_ps(unsafe { *tile.left[row].cast::<f32>().add(step) });
            sums[0] = _mm256_fmadd_ps(x, low, sums[0]);
            sums[1] = _mm256_fmadd_ps(x, high, sums[1]);
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        // SAFETY: `out` has room for 16 sums in each of `R` rows.
        unsafe {
            let at = tile.out.add(row * tile.out_stride);
            _mm256_storeu_ps(at, sums[0]);
            _mm256_storeu_ps(at.add(8), sums[1]);
        }
    }
}
