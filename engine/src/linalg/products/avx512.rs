//! The AVX-512 kernels: 8 rows by 3 panels of 16 lanes, 24 sums in the 32 registers; f32, pairs of bfloat16, fours of integers.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_cvtepi32_ps, _mm512_dpbf16_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps, _mm512_sub_epi32,
};

use super::Tile;
use crate::linalg::LANES;

/// Calls `$rectangle::<rows, panels>` with the numbers as constants.
macro_rules! by_size {
    ($rectangle:ident, $tile:ident, $rows:ident, $panels:ident) => {
        match ($rows, $panels) {
            (8, 3) => $rectangle::<8, 3>($tile),
            (8, 2) => $rectangle::<8, 2>($tile),
            (8, _) => $rectangle::<8, 1>($tile),
            (7, 3) => $rectangle::<7, 3>($tile),
            (7, 2) => $rectangle::<7, 2>($tile),
            (7, _) => $rectangle::<7, 1>($tile),
            (6, 3) => $rectangle::<6, 3>($tile),
            (6, 2) => $rectangle::<6, 2>($tile),
            (6, _) => $rectangle::<6, 1>($tile),
            (5, 3) => $rectangle::<5, 3>($tile),
            (5, 2) => $rectangle::<5, 2>($tile),
            (5, _) => $rectangle::<5, 1>($tile),
            (4, 3) => $rectangle::<4, 3>($tile),
            (4, 2) => $rectangle::<4, 2>($tile),
            (4, _) => $rectangle::<4, 1>($tile),
            (3, 3) => $rectangle::<3, 3>($tile),
            (3, 2) => $rectangle::<3, 2>($tile),
            (3, _) => $rectangle::<3, 1>($tile),
            (2, 3) => $rectangle::<2, 3>($tile),
            (2, 2) => $rectangle::<2, 2>($tile),
            (2, _) => $rectangle::<2, 1>($tile),
            (_, 3) => $rectangle::<1, 3>($tile),
            (_, 2) => $rectangle::<1, 2>($tile),
            (_, _) => $rectangle::<1, 1>($tile),
        }
    };
}

/// See [`Kernel::run`](super::Kernel).
///
/// # Safety
/// As there; the machine has AVX-512F.
pub(super) unsafe fn f32(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows <= 8 && panels <= 3);
    // SAFETY: the caller's promises are passed on; each arm asks for the rows and panels that are there.
    unsafe { by_size!(rectangle_f32, tile, rows, panels) }
}

/// See [`Kernel::run`](super::Kernel). The unit adds each pair of products to the sum without intermediate fusing and
/// flushes what is below the normal numbers.
///
/// # Safety
/// As there; the machine has AVX-512F and AVX512-BF16.
pub(super) unsafe fn bf16(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows <= 8 && panels <= 3);
    // SAFETY: the caller's promises are passed on; each arm asks for the rows and panels that are there.
    unsafe { by_size!(rectangle_bf16, tile, rows, panels) }
}

/// See [`Kernel::run`](super::Kernel). The unit multiplies bytes without sign by bytes with sign and adds four products to
/// a sum of 32 bits; nothing is rounded before the end.
///
/// # Safety
/// As there; the machine has AVX-512F and AVX512-VNNI.
pub(super) unsafe fn int8(tile: Tile, rows: usize, panels: usize) {
    debug_assert!(rows <= 8 && panels <= 3);
    // SAFETY: the caller's promises are passed on; each arm asks for the rows and panels that are there.
    unsafe { by_size!(rectangle_int8, tile, rows, panels) }
}

/// # Safety
/// As [`f32`], with `R` rows and `P` panels.
#[target_feature(enable = "avx512f")]
unsafe fn rectangle_f32<const R: usize, const P: usize>(tile: Tile) {
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    let right = tile.right.cast::<f32>();
    for step in 0..tile.steps {
        let mut group = [_mm512_setzero_ps(); P];
        for (panel, words) in group.iter_mut().enumerate() {
            // SAFETY: there are `P` panels of 16 words for each of `steps` steps.
            *words = unsafe { _mm512_loadu_ps(right.add((panel * tile.steps + step) * LANES)) };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: there are `R` rows of `steps` words.
            let x = _mm512_set1_ps(unsafe { *tile.left[row].cast::<f32>().add(step) });
            for (sum, words) in sums.iter_mut().zip(&group) {
                *sum = _mm512_fmadd_ps(x, *words, *sum);
            }
        }
    }
    // SAFETY: `out` has room for `R` rows of `P` times 16 sums.
    unsafe { store(&sums, tile) };
}

/// # Safety
/// As [`bf16`], with `R` rows and `P` panels.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rectangle_bf16<const R: usize, const P: usize>(tile: Tile) {
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    for step in 0..tile.steps {
        let mut group = [_mm512_set1_epi32(0); P];
        for (panel, words) in group.iter_mut().enumerate() {
            // SAFETY: there are `P` panels of 16 words for each of `steps` steps.
            *words = unsafe {
                _mm512_loadu_si512(tile.right.add((panel * tile.steps + step) * LANES).cast())
            };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: there are `R` rows of `steps` words.
            let x = pairs(_mm512_set1_epi32(
                unsafe { *tile.left[row].add(step) }.cast_signed(),
            ));
            for (sum, words) in sums.iter_mut().zip(&group) {
                *sum = _mm512_dpbf16_ps(*sum, x, pairs(*words));
            }
        }
    }
    // SAFETY: `out` has room for `R` rows of `P` times 16 sums.
    unsafe { store(&sums, tile) };
}

/// # Safety
/// As [`int8`], with `R` rows and `P` panels.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn rectangle_int8<const R: usize, const P: usize>(tile: Tile) {
    let mut sums = [[_mm512_setzero_si512(); P]; R];
    for step in 0..tile.steps {
        let mut group = [_mm512_setzero_si512(); P];
        for (panel, words) in group.iter_mut().enumerate() {
            // SAFETY: there are `P` panels of 16 words for each of `steps` steps.
            *words = unsafe {
                _mm512_loadu_si512(tile.right.add((panel * tile.steps + step) * LANES).cast())
            };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: there are `R` rows of `steps` words.
            let x = _mm512_set1_epi32(unsafe { *tile.left[row].add(step) }.cast_signed());
            for (sum, words) in sums.iter_mut().zip(&group) {
                *sum = _mm512_dpbusd_epi32(*sum, x, *words);
            }
        }
    }
    for panel in 0..P {
        // SAFETY: there is a step and a shift for each lane of `P` panels.
        let (scales, shifts) = unsafe {
            (
                _mm512_loadu_ps(tile.right_scales.add(panel * LANES)),
                _mm512_loadu_si512(tile.right_shifts.add(panel * LANES).cast()),
            )
        };
        for (row, sums) in sums.iter().enumerate() {
            let scale = _mm512_set1_ps(tile.left_scales[row]);
            let exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[panel], shifts));
            let scaled = _mm512_mul_ps(exact, _mm512_mul_ps(scale, scales));
            // SAFETY: `out` has room for `R` rows of `P` times 16 sums.
            unsafe {
                _mm512_storeu_ps(tile.out.add(row * tile.out_stride + panel * LANES), scaled)
            };
        }
    }
}

/// Reads a register's bits as 32 bfloat16 values.
#[inline(always)]
fn pairs(words: __m512i) -> __m512bh {
    // SAFETY: both are 512 plain bits, and every pattern is a value of either.
    unsafe { std::mem::transmute(words) }
}

/// # Safety
/// `tile.out` may be written for `R` rows of `16 * P` sums; the machine has AVX-512F.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store<const R: usize, const P: usize>(sums: &[[__m512; P]; R], tile: Tile) {
    for (row, sums) in sums.iter().enumerate() {
        for (panel, sum) in sums.iter().enumerate() {
            // SAFETY: promised by the caller.
            unsafe { _mm512_storeu_ps(tile.out.add(row * tile.out_stride + panel * LANES), *sum) };
        }
    }
}
