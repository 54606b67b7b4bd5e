//! Products of single pairs of rows in eight-bit integers, for the few pairs that a pass over everything leaves.
//!
//! Rows lie one after another here, a quarter of the size of f32, so that most of what is asked for is in cache. The
//! products are those of [`products`](super::products) to the bit.

use rayon::prelude::*;

use super::bound;
use super::int8;
use super::isa::{Isa, Level};
use super::panels::{Block, LANES, Panels, interleave};
use super::rows::sum_of_squares;

/// Rows as eight-bit integers, in row order.
#[derive(Debug)]
pub struct Rows {
    isa: Isa,
    /// Words in a row.
    steps: usize,
    words: Vec<u32>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    norms: Vec<f32>,
    moves: Vec<f32>,
}

impl Rows {
    /// Packs rows of `d` coordinates that `row_at(row, coordinates to fill)` writes. O(n d), on the current rayon pool.
    pub fn pack_with(
        isa: Isa,
        rows: usize,
        d: usize,
        row_at: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Rows {
        let mut packed = Rows::with_capacity(isa, rows, d);
        packed.append_with(rows, d, row_at);
        packed
    }

    /// No rows yet, of `d` coordinates, and room for so many.
    pub fn with_capacity(isa: Isa, rows: usize, d: usize) -> Rows {
        let steps = int8::padded(d) / 4;
        Rows {
            isa,
            steps,
            words: Vec::with_capacity(rows * steps),
            scales: Vec::with_capacity(rows),
            sums: Vec::with_capacity(rows),
            norms: Vec::with_capacity(rows),
            moves: Vec::with_capacity(rows),
        }
    }

    /// Appends rows as [`Rows::pack_with`] packs them; the first is number 0 for `row_at`. O(n d).
    ///
    /// # Panics
    /// If rows there have another number of coordinates: a mistake of the caller.
    pub fn append_with(
        &mut self,
        rows: usize,
        d: usize,
        row_at: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        assert_eq!(int8::padded(d) / 4, self.steps);
        let isa = self.isa;
        let before = self.words.len();
        self.words.resize(before + rows * self.steps, 0);
        let encoded: Vec<(f32, i32, f32, f32)> = self.words[before..]
            .par_chunks_exact_mut(self.steps.max(1))
            .with_min_len(64)
            .enumerate()
            .map_init(
                || (vec![0.0; d], Vec::new()),
                |(staging, turned), (row, words)| {
                    row_at(row, staging);
                    let found = int8::encode(isa, staging, 0, turned, words);
                    let length = sum_of_squares(isa, staging);
                    (found.scale, found.sum, length as f32, found.moved(length))
                },
            )
            .collect();
        self.scales.extend(encoded.iter().map(|row| row.0));
        self.sums.extend(encoded.iter().map(|row| row.1));
        self.norms.extend(encoded.iter().map(|row| row.2));
        self.moves.extend(encoded.iter().map(|row| row.3));
    }

    /// The squared length of each row, before rounding.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// The share of its length that rounding moved each row by.
    pub fn moves(&self) -> &[f32] {
        &self.moves
    }

    /// A middling one of the shares, as that of [`Panels`](super::Panels::usual_move).
    pub fn usual_move(&self) -> f32 {
        bound::usual(&self.moves)
    }

    /// Appends the products of a row with others, in their order.
    ///
    /// # Panics
    /// If there is no such row: a mistake of the caller.
    pub fn products(&self, row: usize, others: &[u32], out: &mut Vec<f32>) {
        self.products_across(row, self, others, out);
    }

    /// As [`Rows::products`], of a row with rows of `right`, which have as many coordinates.
    ///
    /// # Panics
    /// If there is no such row: a mistake of the caller.
    pub fn products_across(&self, row: usize, right: &Rows, others: &[u32], out: &mut Vec<f32>) {
        assert_eq!(self.steps, right.steps);
        let own = self.row(row);
        let scale = self.scales[row];
        out.extend(others.iter().map(|&other| {
            let other = other as usize;
            let shift = int8::OFFSET * right.sums[other];
            let sum = shifted_product(self.isa, own, right.row(other));
            // Scaled in the order of the tiles' kernels, so that the bits are theirs.
            (sum - shift) as f32 * (scale * right.scales[other])
        }));
    }

    /// Fills a block of integers with some of the rows, in the order given.
    ///
    /// # Panics
    /// If there is no such row, or the block is of other numbers: mistakes of the caller.
    pub fn fill(&self, rows: &[u32], block: &mut Block) {
        assert!(block.isa.is_int8());
        (block.steps, block.rows) = (self.steps, rows.len());
        block.words.clear();
        block.scales.clear();
        for &row in rows {
            // Flipping the highest bit of a byte adds the offset.
            let words = self.row(row as usize).iter();
            block.words.extend(words.map(|word| word ^ 0x8080_8080));
            block.scales.push(self.scales[row as usize]);
        }
    }

    /// The rows in panels, for the right side of products: those that [`Panels::pack_with`] would give. O(n d).
    pub fn panels(&self) -> Panels {
        let rows = self.norms.len();
        let mut words = vec![0; rows.next_multiple_of(LANES) * self.steps];
        words
            .par_chunks_exact_mut((LANES * self.steps).max(1))
            .zip(self.words.par_chunks((LANES * self.steps).max(1)))
            .with_min_len(4)
            .for_each(|(panel, rows)| interleave(rows, self.steps, panel));
        let (norms, moves) = (self.norms.clone(), self.moves.clone());
        Panels::of_integers(self.isa.in_int8(), words, self.steps, norms, moves, |row| {
            (self.scales[row], self.sums[row])
        })
    }

    /// Some of the rows in panels of integers, in the order given. O(n d).
    ///
    /// # Panics
    /// If there is no such row: a mistake of the caller.
    pub fn panels_of(&self, isa: Isa, order: &[u32]) -> Panels {
        let steps = self.steps;
        let mut words = vec![0; order.len().next_multiple_of(LANES) * steps];
        words
            .par_chunks_exact_mut((LANES * steps).max(1))
            .zip(order.par_chunks(LANES))
            .with_min_len(4)
            .for_each_init(Vec::new, |together, (panel, order)| {
                together.clear();
                for &row in order {
                    together.extend_from_slice(self.row(row as usize));
                }
                interleave(together, steps, panel);
            });
        let of = |values: &[f32]| order.iter().map(|&row| values[row as usize]).collect();
        let (norms, moves) = (of(&self.norms), of(&self.moves));
        Panels::of_integers(isa.in_int8(), words, steps, norms, moves, |at| {
            let row = order[at] as usize;
            (self.scales[row], self.sums[row])
        })
    }

    /// Appends a row as it was rounded, turned, padded to whole groups of 16 coordinates: products and distances of such rows
    /// are those of the rounded rows.
    ///
    /// # Panics
    /// If there is no such row: a mistake of the caller.
    pub fn append_turned(&self, row: usize, out: &mut Vec<f32>) {
        let scale = self.scales[row];
        let bytes = self.row(row).iter().flat_map(|word| word.to_ne_bytes());
        out.extend(bytes.map(|byte| f32::from(byte.cast_signed()) * scale));
    }

    fn row(&self, row: usize) -> &[u32] {
        &self.words[row * self.steps..][..self.steps]
    }
}

/// The sum of products of bytes, those of the left row with [`int8::OFFSET`] added.
fn shifted_product(isa: Isa, left: &[u32], right: &[u32]) -> i32 {
    debug_assert_eq!(left.len(), right.len());
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni { .. } | Level::Amx => {
            // SAFETY: the `isa` proves AVX512-VNNI, and both rows have `left.len()` words.
            unsafe { shifted_product_vnni(left.as_ptr(), right.as_ptr(), left.len()) }
        }
        _ => {
            let products = left.iter().zip(right).map(|(left, right)| {
                let bytes = left.to_ne_bytes().into_iter().zip(right.to_ne_bytes());
                bytes
                    .map(|(x, y)| {
                        (i32::from(x.cast_signed()) + int8::OFFSET) * i32::from(y.cast_signed())
                    })
                    .sum::<i32>()
            });
            products.sum()
        }
    }
}

/// # Safety
/// The machine has AVX-512F and AVX512-VNNI, and both pointers are good for `words` reads.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn shifted_product_vnni(left: *const u32, right: *const u32, words: usize) -> i32 {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_maskz_loadu_epi32,
        _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
    };
    // Flipping the highest bit adds 128.
    let flip = _mm512_set1_epi8(i8::MIN);
    let mut sums = [_mm512_setzero_si512(); 2];
    let mut at = 0;
    while at + 16 <= words {
        // SAFETY: 16 words from `at` are inside both rows.
        let (x, y) = unsafe {
            (
                _mm512_loadu_si512(left.add(at).cast()),
                _mm512_loadu_si512(right.add(at).cast()),
            )
        };
        let sum = &mut sums[at / 16 % 2];
        *sum = _mm512_dpbusd_epi32(*sum, _mm512_xor_si512(x, flip), y);
        at += 16;
    }
    if at < words {
        let mask = (1_u16 << (words - at)) - 1;
        // SAFETY: the masked words from `at` are inside both rows. Words beyond are 0 on the right and add nothing.
        let (x, y) = unsafe {
            (
                _mm512_maskz_loadu_epi32(mask, left.add(at).cast()),
                _mm512_maskz_loadu_epi32(mask, right.add(at).cast()),
            )
        };
        sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_xor_si512(x, flip), y);
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]))
}
