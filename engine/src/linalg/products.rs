//! Blocked products: every row of a block with every row of some panels, the arithmetic under all distances.
//!
//! A kernel keeps a rectangle of sums in registers and walks the words once; panels are taken in groups that stay in
//! the second-level cache while the block's rows pass by. The order of an output's additions follows from the number of
//! words alone, so it does not depend on how rows are grouped, and its error is that of [`bound`](super::bound).

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::ops::Range;

use super::isa::{Isa, Level, Precision};
use super::panels::{Block, LANES, Panels};

#[cfg(target_arch = "x86_64")]
pub(super) use amx::multiply_right;

/// Words of panels that are walked again and again: they should stay in the second-level cache.
const CACHED_WORDS: usize = 96 * 1024;

/// The most rows that a kernel takes at a time.
const MOST_ROWS: usize = 8;

/// One call of a kernel: the rows at `left`, `panels` panels from `right`, sums to `out`.
#[derive(Clone, Copy)]
struct Tile {
    left: [*const u32; MOST_ROWS],
    right: *const u32,
    steps: usize,
    out: *mut f32,
    out_stride: usize,
    /// Of integers only: the step of each row, and of each lane its step and what the shift of the left side added.
    left_scales: [f32; MOST_ROWS],
    right_scales: *const f32,
    right_shifts: *const i32,
}

/// A kernel and the rectangle it computes.
struct Kernel {
    rows: usize,
    panels: usize,
    /// # Safety
    /// The machine has the kernel's instructions; `left` points to as many rows of `steps` words as asked for (at most
    /// `rows`), `right` to as many panels of `16 * steps` words (at most `panels`), and `out` may be written at
    /// `r * out_stride + c` for each of those rows `r` and `c < 16 * panels`. A kernel of integers may read a step and
    /// a shift for each of the `16 * panels` lanes.
    run: unsafe fn(tile: Tile, rows: usize, panels: usize),
}

/// Inner products of the block's rows with the rows of `panels[range]`: entry `(r, c)` goes to `out[r * stride + c]`,
/// where `c` counts from the range's first row. Lanes that pad the last panel give 0. O(rows x columns x d).
///
/// Of eight-bit integers ([`Isa::coarse`]) the sums are exact and then scaled to f32, so the products are the same bits on
/// every machine; rows of up to 65,536 coordinates.
///
/// # Panics
/// If the operands were packed for different instruction sets or dimensions, the range is beyond the panels, or `out`
/// is too short: mistakes of the caller, not of the data.
pub fn products(
    block: &Block,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [f32],
    stride: usize,
) {
    blocked(block, block.rows, |row| row, panels, range, out, stride);
}

/// As [`products`], for some of the block's rows, in the order given: entry `(r, c)` is of row `rows[r]`. They are read
/// where they lie.
///
/// # Panics
/// As there, and if the block has no such row.
pub fn products_of(
    block: &Block,
    rows: &[u32],
    panels: &Panels,
    range: Range<usize>,
    out: &mut [f32],
    stride: usize,
) {
    let row_at = |at: usize| rows[at] as usize;
    blocked(block, rows.len(), row_at, panels, range, out, stride);
}

fn blocked(
    block: &Block,
    count: usize,
    row_at: impl Fn(usize) -> usize,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [f32],
    stride: usize,
) {
    let columns = range.len() * LANES;
    assert!(block.isa == panels.isa && (block.rows == 0 || block.steps == panels.steps));
    assert!(range.end <= panels.len() && columns <= stride);
    if count == 0 || columns == 0 {
        return;
    }
    let steps = block.steps;
    assert!(out.len() >= (count - 1) * stride + columns);
    #[cfg(target_arch = "x86_64")]
    if amx::takes(block.isa, count) {
        amx::blocked(block, count, row_at, panels, range, out, stride);
        return;
    }
    let kernel = kernel(block.isa);
    let cached =
        (CACHED_WORDS / (LANES * steps).max(1)).max(kernel.panels) / kernel.panels * kernel.panels;
    let mut group = range.start;
    while group < range.end {
        let group_end = (group + cached).min(range.end);
        let mut row = 0;
        while row < count {
            let rows = kernel.rows.min(count - row);
            let mut left = [std::ptr::null(); MOST_ROWS];
            let mut left_scales = [0.0; MOST_ROWS];
            for at in 0..rows {
                let row = row_at(row + at);
                assert!(row < block.rows);
                left[at] = block.words[row * steps..][..steps].as_ptr();
                left_scales[at] = block.scales.get(row).copied().unwrap_or(0.0);
            }
            let mut panel = group;
            while panel < group_end {
                let count = kernel.panels.min(group_end - panel);
                // 4 panels left of a width of 3 are better served as 2 and 2.
                let count = if group_end - panel == kernel.panels + 1 && kernel.panels > 2 {
                    kernel.panels - 1
                } else {
                    count
                };
                let tile = Tile {
                    left,
                    right: panels.words[panel * LANES * steps..].as_ptr(),
                    steps,
                    out: out[row * stride + (panel - range.start) * LANES..].as_mut_ptr(),
                    out_stride: stride,
                    left_scales,
                    right_scales: of_integers(&panels.scales, panel * LANES, count * LANES),
                    right_shifts: of_integers(&panels.shifts, panel * LANES, count * LANES),
                };
                // SAFETY: the block's `isa` proves the instructions. `left` points to `rows` rows of `steps` words, each
                // sliced above; panels `panel..panel + count` are inside the operand (the range was checked), and the
                // last entry written, row `row + rows - 1`, column `(panel - start + count) * 16 - 1`, is below
                // `(all rows - 1) * stride + columns <= out.len()`. Operands of integers, and only they, have steps and
                // shifts, and those are sliced for as many lanes as are asked for.
                unsafe { (kernel.run)(tile, rows, count) };
                panel += count;
            }
            row += rows;
        }
        group = group_end;
    }
}

/// Where `count` numbers from `first` are; operands that are not of integers have none.
fn of_integers<T>(numbers: &[T], first: usize, count: usize) -> *const T {
    if numbers.is_empty() {
        std::ptr::null()
    } else {
        numbers[first..first + count].as_ptr()
    }
}

/// Words that kernels may read behind those of the last panel.
pub(super) fn words_behind(isa: Isa, steps: usize) -> usize {
    if isa.level() == Level::Amx && isa.precision() != Precision::F32 {
        // Tiles are read whole.
        LANES * (steps.next_multiple_of(LANES) - steps)
    } else {
        0
    }
}

fn kernel(isa: Isa) -> Kernel {
    match (isa.precision(), isa.level()) {
        #[cfg(target_arch = "x86_64")]
        (Precision::Int8, Level::Avx512Vnni { .. } | Level::Amx) => Kernel {
            rows: 8,
            panels: 3,
            run: avx512::int8,
        },
        (Precision::Int8, _) => Kernel {
            rows: 1,
            panels: 1,
            run: portable::int8,
        },
        #[cfg(target_arch = "x86_64")]
        (Precision::Bf16, _) => Kernel {
            rows: 8,
            panels: 3,
            run: avx512::bf16,
        },
        #[cfg(target_arch = "x86_64")]
        (_, Level::Avx512 | Level::Avx512Bf16 | Level::Avx512Vnni { .. } | Level::Amx) => Kernel {
            rows: 8,
            panels: 3,
            run: avx512::f32,
        },
        #[cfg(target_arch = "x86_64")]
        (_, Level::Avx2) => Kernel {
            rows: 6,
            panels: 1,
            run: avx2::f32,
        },
        _ => Kernel {
            rows: portable::ROWS,
            panels: 1,
            run: portable::f32,
        },
    }
}
