//! The AMX kernel: 32 rows by 2 panels as four tiles of sums, 64 bytes of each row at a time; pairs of bfloat16, fours of
//! integers.
//!
//! A tile is a matrix register of 16 rows of 64 bytes. Sixteen words of a panel are one as they lie, so the right side is
//! read in place. The left side's rows are copied together first: rows may be picked from anywhere, a copy is aligned, and
//! it fills the last tile with zeros, so that what lies behind a panel, read with its last words, adds nothing.
//!
//! Integers are summed exactly, so the bits are those of every other kernel. Of bfloat16 a tile sums the even and the
//! odd coordinates of 32 apart and then adds both: other bits than a vector's, within the same [`bound`](super::super::bound).

mod shape;
mod trial;

pub(in crate::linalg) use trial::multiply_right;

use std::arch::asm;
use std::arch::x86_64::{
    _mm512_cvtepi32_ps, _mm512_load_ps, _mm512_load_si512, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mul_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_epi32,
};
use std::cell::RefCell;
use std::ops::Range;

use self::shape::Shaped;
use super::{CACHED_WORDS, words_behind};
use crate::linalg::isa::{Isa, Level, Precision};
use crate::linalg::panels::{Block, LANES, Panels};

/// Rows that are taken at a time.
const ROWS: usize = 2 * LANES;
/// Panels that are taken at a time.
const PANELS: usize = 2;
/// With fewer rows of integers a tile is mostly empty, and vector registers are as quick.
const FEW_ROWS: usize = 4;

/// One row of a tile.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
struct Line([u32; LANES]);

const EMPTY: Line = Line([0; LANES]);

/// Four tiles of sums: of the first 16 rows with the first panel and the second, then of the other rows.
type Sums = [Line; 4 * LANES];

/// The operands of four tiles of sums.
#[derive(Clone, Copy)]
struct Walk {
    /// For each 16 words of depth the lines of [`ROWS`] rows.
    left: *const Line,
    /// The words of one panel, and those of the next.
    right: [*const u32; PANELS],
    /// How often 16 words.
    depth: usize,
    /// Whether there are more than 16 rows.
    low_rows: bool,
    /// Whether there is a second panel.
    pair: bool,
}

/// Writes a function that multiplies and sums with the named instruction.
macro_rules! walk {
    ($name:ident, $multiply:literal) => {
        /// Tiles of rows and panels that are not there are left as they are, or zero.
        ///
        /// # Safety
        /// The tiles of this thread have their shape ([`Shaped`]). `depth` is not 0; `left` may be read for `depth` times
        /// [`ROWS`] lines, and each panel that is there for `depth` times 16 words of 16 lanes.
        unsafe fn $name(walk: Walk, sums: &mut Sums) {
            let parts = usize::from(walk.pair) + 2 * usize::from(walk.low_rows);
            // SAFETY: `tileloadd` reads and `tilestored` writes 16 lines of 64 bytes, `line` apart: on the left those of
            // 16 rows, on the right 16 words of a panel, in `sums` one tile of four. The caller promises the first two.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{left} + {line}*1]",
                    "tileloadd tmm6, [{right} + {line}*1]",
                    concat!($multiply, " tmm0, tmm4, tmm6"),
                    "test {parts:e}, 1",
                    "jz 3f",
                    "tileloadd tmm7, [{next} + {line}*1]",
                    concat!($multiply, " tmm1, tmm4, tmm7"),
                    "3:",
                    "test {parts:e}, 2",
                    "jz 4f",
                    "tileloadd tmm5, [{left} + {line}*1 + 1024]",
                    concat!($multiply, " tmm2, tmm5, tmm6"),
                    "test {parts:e}, 1",
                    "jz 4f",
                    concat!($multiply, " tmm3, tmm5, tmm7"),
                    "4:",
                    "add {left}, 2048",
                    "add {right}, 1024",
                    "add {next}, 1024",
                    "dec {depth}",
                    "jnz 2b",
                    "tilestored [{sums} + {line}*1], tmm0",
                    "tilestored [{sums} + {line}*1 + 1024], tmm1",
                    "test {parts:e}, 2",
                    "jz 5f",
                    "tilestored [{sums} + {line}*1 + 2048], tmm2",
                    "tilestored [{sums} + {line}*1 + 3072], tmm3",
                    "5:",
                    left = inout(reg) walk.left => _,
                    right = inout(reg) walk.right[0] => _,
                    next = inout(reg) walk.right[1] => _,
                    depth = inout(reg) walk.depth => _,
                    parts = in(reg) parts,
                    line = in(reg) size_of::<Line>(),
                    sums = in(reg) sums.as_mut_ptr(),
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

// Bytes without sign on the left, with sign on the right.
walk!(walk_int8, "tdpbusd");
walk!(walk_bf16, "tdpbf16ps");

/// How often 16 words a row of `steps` words takes.
fn depth(steps: usize) -> usize {
    steps.div_ceil(LANES)
}

/// Copies a row's words to its lines, zeros behind them.
fn copy_row(words: &[u32], row: usize, left: &mut [Line]) {
    for (words, lines) in words.chunks(LANES).zip(left.chunks_exact_mut(ROWS)) {
        let line = &mut lines[row].0;
        line[..words.len()].copy_from_slice(words);
        line[words.len()..].fill(0);
    }
}

/// Whether products of `count` rows are left to this kernel. It is asked only by the numbers, and for integers by how
/// many rows there are: those give the same bits either way, and the bits of bfloat16 must not depend on what else is
/// in a call.
pub(super) fn takes(isa: Isa, count: usize) -> bool {
    isa.level() == Level::Amx
        && match isa.precision() {
            Precision::F32 => false,
            Precision::Bf16 => true,
            Precision::Int8 => count >= FEW_ROWS,
        }
}

thread_local! {
    /// The left side's rows of one pass.
    static LEFT: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// As [`products_of`](super::products_of), for an `isa` that [`takes`] these; the caller has checked the range and the length of `out`.
pub(super) fn blocked(
    block: &Block,
    count: usize,
    row_at: impl Fn(usize) -> usize,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [f32],
    stride: usize,
) {
    let (steps, depth) = (block.steps, depth(block.steps));
    assert!(takes(block.isa, count) && steps > 0);
    assert!(panels.words.len() >= panels.len() * LANES * steps + words_behind(panels.isa, steps));
    let cached = (CACHED_WORDS / (LANES * steps)).max(PANELS) / PANELS * PANELS;
    let integers = block.isa.precision() == Precision::Int8;
    let mut sums: Sums = [EMPTY; 4 * LANES];
    LEFT.with_borrow_mut(|left| {
        if left.len() < depth * ROWS {
            left.resize(depth * ROWS, EMPTY);
        }
        // SAFETY: the block's `isa` proves AMX and leave to use it.
        let _shaped = unsafe { Shaped::tiles() };
        let mut group = range.start;
        while group < range.end {
            let group_end = (group + cached).min(range.end);
            for row in (0..count).step_by(ROWS) {
                let rows = ROWS.min(count - row);
                let mut scales = [0.0; ROWS];
                for (at, scale) in scales[..rows].iter_mut().enumerate() {
                    let row = row_at(row + at);
                    assert!(row < block.rows);
                    copy_row(&block.words[row * steps..][..steps], at, left);
                    *scale = block.scales.get(row).copied().unwrap_or(0.0);
                }
                for panel in (group..group_end).step_by(PANELS) {
                    let count = PANELS.min(group_end - panel);
                    let words = |panel: usize| panels.words[panel * LANES * steps..].as_ptr();
                    let walk = Walk {
                        left: left.as_ptr(),
                        right: [words(panel), words(panel + count - 1)],
                        depth,
                        low_rows: rows > LANES,
                        pair: count > 1,
                    };
                    let first = row * stride + (panel - range.start) * LANES;
                    let last = first + (rows - 1) * stride + count * LANES;
                    let out = &mut out[first..last];
                    let lanes = panel * LANES..(panel + count) * LANES;
                    // SAFETY: the tiles have their shape. `depth` is not 0, `left` has lines for it, and behind each panel's
                    // words there are those of the next or what `words_behind` asks for. The block's `isa` proves AVX-512.
                    unsafe {
                        if integers {
                            walk_int8(walk, &mut sums);
                            let (steps, shifts) =
                                (&panels.scales[lanes.clone()], &panels.shifts[lanes]);
                            scale_integers(&sums, &scales[..rows], steps, shifts, out, stride);
                        } else {
                            walk_bf16(walk, &mut sums);
                            copy_floats(&sums, rows, count, out, stride);
                        }
                    }
                }
            }
            group = group_end;
        }
    });
}

/// The line of a row's sums with a panel.
fn line_of(row: usize, panel: usize) -> usize {
    (row / LANES * PANELS + panel) * LANES + row % LANES
}

/// Takes away what the shift of the left side added and gives the numbers their size, in the order of the other kernels.
#[target_feature(enable = "avx512f")]
fn scale_integers(
    sums: &Sums,
    left: &[f32],
    right: &[f32],
    shifts: &[i32],
    out: &mut [f32],
    stride: usize,
) {
    let panels = right.chunks_exact(LANES).zip(shifts.chunks_exact(LANES));
    for (panel, (scales, shifts)) in panels.enumerate() {
        // SAFETY: 16 lanes of each.
        let (scales, shifts) = unsafe {
            (
                _mm512_loadu_ps(scales.as_ptr()),
                _mm512_loadu_si512(shifts.as_ptr().cast()),
            )
        };
        for (row, scale) in left.iter().enumerate() {
            let out = &mut out[row * stride + panel * LANES..][..LANES];
            // SAFETY: a line is 64 bytes and aligned to them; `out` has 16 places.
            unsafe {
                let sum = _mm512_load_si512(sums[line_of(row, panel)].0.as_ptr().cast());
                let exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, shifts));
                let scaled = _mm512_mul_ps(exact, _mm512_mul_ps(_mm512_set1_ps(*scale), scales));
                _mm512_storeu_ps(out.as_mut_ptr(), scaled);
            }
        }
    }
}

/// Copies the sums to where they belong.
#[target_feature(enable = "avx512f")]
fn copy_floats(sums: &Sums, rows: usize, panels: usize, out: &mut [f32], stride: usize) {
    for row in 0..rows {
        for panel in 0..panels {
            let out = &mut out[row * stride + panel * LANES..][..LANES];
            // SAFETY: a line is 64 bytes and aligned to them; `out` has 16 places.
            unsafe {
                let sum = _mm512_load_ps(sums[line_of(row, panel)].0.as_ptr().cast());
                _mm512_storeu_ps(out.as_mut_ptr(), sum);
            }
        }
    }
}
