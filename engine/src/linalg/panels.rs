//! Operands of products: rows on the left as they are ([`Block`]), rows on the right in panels of 16 ([`Panels`]).
//!
//! A word is one f32 or one pair of bfloat16 values; a kernel walks words, so both precisions share one layout and one
//! loop. In a panel, the words of 16 rows stand side by side: a vector register holds one word of each.

use rayon::prelude::*;

use super::isa::{Isa, for_every_isa};

/// Rows in a panel.
pub const LANES: usize = 16;

/// Words in a row of `d` coordinates.
fn steps(isa: Isa, d: usize) -> usize {
    if isa.is_bf16() { d.div_ceil(2) } else { d }
}

/// Rounds to the nearest bfloat16, ties to even; what is below the normal numbers becomes 0, as the unit would have it.
#[inline(always)]
fn bf16_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    let rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    if (bits & 0x7F80_0000) == 0 {
        0
    } else {
        rounded
    }
}

for_every_isa! {
    /// Writes a row's words and returns (squared length, squared length of what rounding took away).
    fn encode_bf16(row: &[f32], words: &mut [u32]) -> (f64, f64) {
        let mut length = [0.0_f64; 8];
        let mut lost = [0.0_f64; 8];
        let mut put = |lane: usize, x: f32| {
            let bits = bf16_bits(x);
            let gap = f64::from(x - f32::from_bits(bits << 16));
            length[lane] += f64::from(x) * f64::from(x);
            lost[lane] += gap * gap;
            bits
        };
        let mut chunks = row.chunks_exact(16);
        let mut at = 0;
        for chunk in chunks.by_ref() {
            for lane in 0..8 {
                words[at + lane] = put(lane, chunk[2 * lane]) | (put(lane, chunk[2 * lane + 1]) << 16);
            }
            at += 8;
        }
        for pair in chunks.remainder().chunks(2) {
            words[at] = put(0, pair[0]) | (pair.get(1).map_or(0, |&x| put(0, x)) << 16);
            at += 1;
        }
        (length.iter().sum(), lost.iter().sum())
    }

    /// Writes a row's words and returns its squared length.
    fn encode_f32(row: &[f32], words: &mut [u32]) -> f64 {
        let mut length = [0.0_f64; 8];
        let mut chunks = row.chunks_exact(8);
        for chunk in chunks.by_ref() {
            for lane in 0..8 {
                length[lane] += f64::from(chunk[lane]) * f64::from(chunk[lane]);
            }
        }
        for &x in chunks.remainder() {
            length[0] += f64::from(x) * f64::from(x);
        }
        for (word, x) in words.iter_mut().zip(row) {
            *word = x.to_bits();
        }
        length.iter().sum()
    }
}

/// Writes a row's words; returns its squared length and the share of its length that rounding moved it by.
fn encode(isa: Isa, row: &[f32], words: &mut [u32]) -> (f32, f32) {
    if !isa.is_bf16() {
        return (encode_f32(isa, row, words) as f32, 0.0);
    }
    let (length, lost) = encode_bf16(isa, row, words);
    let moved = if length > 0.0 {
        (lost / length).sqrt()
    } else {
        0.0
    };
    (length as f32, moved as f32 * 1.0001)
}

/// The left side of a product: a block of rows in row order, reused from block to block.
#[derive(Debug, Clone)]
pub struct Block {
    pub(super) isa: Isa,
    pub(super) words: Vec<u32>,
    pub(super) steps: usize,
    pub(super) rows: usize,
    norms: Vec<f32>,
    moved: f32,
}

impl Block {
    /// An empty block.
    pub fn new(isa: Isa) -> Block {
        Block {
            isa,
            words: Vec::new(),
            steps: 0,
            rows: 0,
            norms: Vec::new(),
            moved: 0.0,
        }
    }

    /// Replaces the block's rows by those of `data` (row after row, `d` coordinates each, at most 1 in size).
    pub fn fill(&mut self, data: &[f32], d: usize) {
        self.rows = data.len().checked_div(d).unwrap_or(0);
        self.steps = steps(self.isa, d);
        self.words.resize(self.rows * self.steps, 0);
        self.norms.clear();
        self.moved = 0.0;
        if self.rows == 0 {
            return;
        }
        for (row, words) in data
            .chunks_exact(d)
            .zip(self.words.chunks_exact_mut(self.steps))
        {
            let (norm, moved) = encode(self.isa, row, words);
            self.norms.push(norm);
            self.moved = self.moved.max(moved);
        }
    }

    /// The rows in the block.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The squared length of each row, before rounding.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// The largest share of its length that rounding moved a row by; 0 in f32.
    pub fn moved(&self) -> f32 {
        self.moved
    }
}

/// The right side of a product: rows in panels of [`LANES`], the last one padded with zeros.
#[derive(Debug, Clone)]
pub struct Panels {
    pub(super) isa: Isa,
    pub(super) words: Vec<u32>,
    pub(super) steps: usize,
    rows: usize,
    norms: Vec<f32>,
    moved: f32,
}

impl Panels {
    /// Packs `data` (row after row, `d` coordinates each, at most 1 in size). O(n d), on the current rayon pool.
    pub fn pack(isa: Isa, data: &[f32], d: usize) -> Panels {
        let rows = data.len().checked_div(d).unwrap_or(0);
        Panels::pack_with(isa, rows, d, |first, out| {
            out.copy_from_slice(&data[first * d..first * d + out.len()]);
        })
    }

    /// Packs rows that `rows_at(first row, rows to fill)` writes, a panel at a time.
    pub fn pack_with(
        isa: Isa,
        rows: usize,
        d: usize,
        rows_at: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Panels {
        let steps = steps(isa, d);
        let count = rows.div_ceil(LANES);
        let mut words = vec![0_u32; count * LANES * steps];
        let mut norms = vec![0.0_f32; rows];
        if rows == 0 || d == 0 {
            return Panels {
                isa,
                words,
                steps,
                rows,
                norms,
                moved: 0.0,
            };
        }
        let moved: Vec<f32> = words
            .par_chunks_mut(LANES * steps)
            .zip(norms.par_chunks_mut(LANES))
            .enumerate()
            .map_init(
                || (vec![0.0_f32; LANES * d], vec![0_u32; LANES * steps]),
                |(rows_buffer, encoded), (at, (panel, norms))| {
                    let data = &mut rows_buffer[..norms.len() * d];
                    rows_at(at * LANES, data);
                    let mut moved = 0.0_f32;
                    for ((row, words), norm) in data
                        .chunks_exact(d)
                        .zip(encoded.chunks_exact_mut(steps))
                        .zip(norms.iter_mut())
                    {
                        let (length, off) = encode(isa, row, words);
                        *norm = length;
                        moved = moved.max(off);
                    }
                    interleave(&encoded[..norms.len() * steps], steps, panel);
                    moved
                },
            )
            .collect();
        let moved = moved.into_iter().fold(0.0, f32::max);
        Panels {
            isa,
            words,
            steps,
            rows,
            norms,
            moved,
        }
    }

    /// The rows packed.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of panels.
    pub fn len(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The squared length of each row, before rounding.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// The largest share of its length that rounding moved a row by; 0 in f32.
    pub fn moved(&self) -> f32 {
        self.moved
    }
}

/// Turns up to 16 rows of words into a panel: word by word, 16 lanes each.
fn interleave(rows: &[u32], steps: usize, panel: &mut [u32]) {
    for (lane, row) in rows.chunks_exact(steps).enumerate() {
        for (group, &word) in panel.chunks_exact_mut(LANES).zip(row) {
            group[lane] = word;
        }
    }
}
