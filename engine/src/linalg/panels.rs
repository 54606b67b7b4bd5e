//! Operands of products: rows on the left as they are ([`Block`]), rows on the right in panels of 16 ([`Panels`]).
//!
//! A word is one f32, one pair of bfloat16 values, or four eight-bit integers; a kernel walks words, so all precisions
//! share one layout and one loop. In a panel, the words of 16 rows stand side by side: a vector register holds one word
//! of each. Integers are multiples of a step of their row's own, and the left side's are shifted to be positive
//! ([`int8`](super::int8)): products come out as f32 all the same.

use rayon::prelude::*;

use super::bound;
use super::int8;
use super::isa::{Isa, Precision, for_every_isa};
use super::products::words_behind;
use super::rows::sum_of_squares;

/// Rows in a panel.
pub const LANES: usize = 16;

/// Words in a row of `d` coordinates.
fn steps(isa: Isa, d: usize) -> usize {
    match isa.precision() {
        Precision::F32 => d,
        Precision::Bf16 => d.div_ceil(2),
        Precision::Int8 => int8::padded(d) / 4,
    }
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
    /// The squared length of a row, and of what rounding to bfloat16 takes away from it.
    fn measure_bf16(row: &[f32]) -> (f64, f64) {
        let mut length = [0.0_f64; 16];
        let mut lost = [0.0_f64; 16];
        let mut chunks = row.chunks_exact(16);
        for chunk in chunks.by_ref() {
            for lane in 0..16 {
                let x = chunk[lane];
                let gap = f64::from(x - f32::from_bits(bf16_bits(x) << 16));
                length[lane] += f64::from(x) * f64::from(x);
                lost[lane] += gap * gap;
            }
        }
        for (lane, &x) in chunks.remainder().iter().enumerate() {
            let gap = f64::from(x - f32::from_bits(bf16_bits(x) << 16));
            length[lane] += f64::from(x) * f64::from(x);
            lost[lane] += gap * gap;
        }
        (length.iter().sum(), lost.iter().sum())
    }
}

/// The squared length of a row, and the share of its length that packing moves it by.
pub fn measure(isa: Isa, row: &[f32]) -> (f32, f32) {
    match isa.precision() {
        Precision::F32 => (sum_of_squares(isa, row) as f32, 0.0),
        Precision::Bf16 => moved_to_bf16(isa, row),
        Precision::Int8 => {
            let mut words = vec![0; steps(isa, row.len())];
            let rounded = int8::encode(isa, row, 0, &mut Vec::new(), &mut words);
            let length = sum_of_squares(isa, row);
            (length as f32, rounded.moved(length))
        }
    }
}

fn moved_to_bf16(isa: Isa, row: &[f32]) -> (f32, f32) {
    let (length, lost) = measure_bf16(isa, row);
    let moved = if length > 0.0 {
        (lost / length).sqrt()
    } else {
        0.0
    };
    (length as f32, moved as f32 * 1.0001)
}

/// What a coordinate is once it is packed: itself, or the nearest bfloat16. Integers stand for no coordinate alone; of them
/// this knows nothing.
pub fn packed(isa: Isa, x: f32) -> f32 {
    if isa.is_bf16() {
        f32::from_bits(bf16_bits(x) << 16)
    } else {
        x
    }
}

/// What is kept of a packed row beside its words.
struct Encoded {
    /// The step of integers; 0 for other numbers.
    scale: f32,
    /// The sum of integers.
    sum: i32,
    /// The squared length before rounding.
    norm: f32,
    /// The share of its length that the row was moved by.
    moved: f32,
}

/// Writes a row's words and measures it. `turned` is room that integers need, `offset` what is added to them.
fn encode(isa: Isa, row: &[f32], offset: i32, turned: &mut Vec<f32>, words: &mut [u32]) -> Encoded {
    if isa.is_int8() {
        let rounded = int8::encode(isa, row, offset, turned, words);
        let length = sum_of_squares(isa, row);
        return Encoded {
            scale: rounded.scale,
            sum: rounded.sum,
            norm: length as f32,
            moved: rounded.moved(length),
        };
    }
    write_words(isa, row, words);
    let (norm, moved) = measure(isa, row);
    Encoded {
        scale: 0.0,
        sum: 0,
        norm,
        moved,
    }
}

/// Writes a row's words, of numbers that are not integers.
fn write_words(isa: Isa, row: &[f32], words: &mut [u32]) {
    match isa.precision() {
        #[cfg(target_arch = "x86_64")]
        Precision::Bf16 => {
            // SAFETY: only an `isa` that proves AVX512-BF16 has this precision, and there is a word for every two
            // coordinates.
            unsafe { encode_bf16(row, words) }
        }
        _ => {
            for (word, x) in words.iter_mut().zip(row) {
                *word = x.to_bits();
            }
        }
    }
}

/// Rounds as [`bf16_bits`] does, 32 coordinates at a time.
///
/// # Safety
/// The machine has AVX512-BF16 and `words.len() >= row.len().div_ceil(2)`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn encode_bf16(row: &[f32], words: &mut [u32]) {
    use std::arch::x86_64::{_mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_storeu_si512};
    let whole = row.len() / 32 * 32;
    for at in (0..whole).step_by(32) {
        // SAFETY: 32 coordinates from `at` are inside the row, and 16 words from `at / 2` inside the words.
        unsafe {
            let low = _mm512_loadu_ps(row.as_ptr().add(at));
            let high = _mm512_loadu_ps(row.as_ptr().add(at + 16));
            let pairs: std::arch::x86_64::__m512i =
                std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(words.as_mut_ptr().add(at / 2).cast(), pairs);
        }
    }
    for (word, pair) in words[whole / 2..].iter_mut().zip(row[whole..].chunks(2)) {
        *word = bf16_bits(pair[0]) | (pair.get(1).map_or(0, |&x| bf16_bits(x)) << 16);
    }
}

/// The left side of a product: a block of rows in row order, reused from block to block.
#[derive(Debug, Clone)]
pub struct Block {
    pub(super) isa: Isa,
    pub(super) words: Vec<u32>,
    pub(super) steps: usize,
    pub(super) rows: usize,
    /// The step of each row of integers; empty for other numbers.
    pub(super) scales: Vec<f32>,
    turned: Vec<f32>,
}

impl Block {
    /// An empty block.
    pub fn new(isa: Isa) -> Block {
        Block {
            isa,
            words: Vec::new(),
            steps: 0,
            rows: 0,
            scales: Vec::new(),
            turned: Vec::new(),
        }
    }

    /// Replaces the block's rows by those of `data` (row after row, `d` coordinates each, at most 1 in size).
    pub fn fill(&mut self, data: &[f32], d: usize) {
        self.rows = data.len().checked_div(d).unwrap_or(0);
        self.steps = steps(self.isa, d);
        self.words.resize(self.rows * self.steps, 0);
        self.scales.clear();
        if self.rows > 0 {
            for (row, words) in data
                .chunks_exact(d)
                .zip(self.words.chunks_exact_mut(self.steps))
            {
                if self.isa.is_int8() {
                    let rounded =
                        int8::encode(self.isa, row, int8::OFFSET, &mut self.turned, words);
                    self.scales.push(rounded.scale);
                } else {
                    write_words(self.isa, row, words);
                }
            }
        }
    }

    /// As [`Block::fill`]; for each row the squared length goes to `norms`, and to `moves` the share of its length that
    /// packing moved it by.
    pub fn fill_measured(&mut self, data: &[f32], d: usize, norms: &mut [f32], moves: &mut [f32]) {
        self.rows = data.len().checked_div(d).unwrap_or(0);
        self.steps = steps(self.isa, d);
        self.words.resize(self.rows * self.steps, 0);
        self.scales.clear();
        if self.rows == 0 {
            return;
        }
        let rows = data.chunks_exact(d);
        let words = self.words.chunks_exact_mut(self.steps);
        for ((row, words), (norm, moved)) in rows.zip(words).zip(norms.iter_mut().zip(moves)) {
            let found = encode(self.isa, row, int8::OFFSET, &mut self.turned, words);
            if self.isa.is_int8() {
                self.scales.push(found.scale);
            }
            (*norm, *moved) = (found.norm, found.moved);
        }
    }

    /// Replaces the block's rows by some rows of another block, in the order given.
    ///
    /// # Panics
    /// If the other block has no such row: a mistake of the caller.
    pub fn gather(&mut self, from: &Block, rows: &[u32]) {
        (self.isa, self.steps, self.rows) = (from.isa, from.steps, rows.len());
        self.words.clear();
        self.scales.clear();
        for &row in rows {
            self.words
                .extend_from_slice(&from.words[row as usize * from.steps..][..from.steps]);
            self.scales.extend(from.scales.get(row as usize));
        }
    }

    /// A row's words; in f32 they are the bits of its coordinates.
    ///
    /// # Panics
    /// If the block has no such row: a mistake of the caller.
    pub fn words(&self, row: usize) -> &[u32] {
        &self.words[row * self.steps..][..self.steps]
    }

    /// A row's coordinates; none where they are not f32.
    ///
    /// # Panics
    /// As [`Block::words`].
    pub fn floats(&self, row: usize) -> Option<&[f32]> {
        let words = self.words(row);
        (self.isa.precision() == Precision::F32).then(|| {
            // SAFETY: both have one size and alignment, and all bits are floats.
            unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
        })
    }

    /// The rows in the block.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// The right side of a product: rows in panels of [`LANES`], the last one padded with zeros.
///
/// Packed for an [`Isa`], as is the [`Block`] on the left: the one that [`Isa::for_dims`] gives for proposals, or the one
/// of [`Isa::coarse`], where there is one, for a pass that only discards. Everything else stays as it is; only the
/// bound is wider ([`Panels::moved`], or row by row [`Panels::moves`] with [`bound::share`](super::bound::share)).
#[derive(Debug, Clone)]
pub struct Panels {
    pub(super) isa: Isa,
    /// Panel after panel; behind the last one zeros, as many as kernels may read there.
    pub(super) words: Vec<u32>,
    pub(super) steps: usize,
    rows: usize,
    norms: Vec<f32>,
    moves: Vec<f32>,
    /// For each lane of integers its step, and [`int8::OFFSET`] times the sum of its row: what the shift of the left side
    /// adds to a product. 0 for padding, empty for other numbers.
    pub(super) scales: Vec<f32>,
    pub(super) shifts: Vec<i32>,
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
        let mut words = vec![0_u32; count * LANES * steps + words_behind(isa, steps)];
        let mut norms = vec![0.0_f32; rows];
        let mut moves = vec![0.0_f32; rows];
        let mut lanes = vec![(0.0_f32, 0_i32); count * LANES];
        if rows > 0 && d > 0 {
            words[..count * LANES * steps]
                .par_chunks_mut(LANES * steps)
                .zip(norms.par_chunks_mut(LANES))
                .zip(moves.par_chunks_mut(LANES))
                .zip(lanes.par_chunks_mut(LANES))
                .enumerate()
                .for_each_init(
                    || {
                        let turned = Vec::new();
                        (vec![0.0_f32; LANES * d], vec![0_u32; LANES * steps], turned)
                    },
                    |(staging, encoded, turned), (at, (((panel, norms), moves), lanes))| {
                        let data = &mut staging[..norms.len() * d];
                        rows_at(at * LANES, data);
                        let rows = data.chunks_exact(d).zip(encoded.chunks_exact_mut(steps));
                        for (lane, (row, words)) in rows.enumerate() {
                            let found = encode(isa, row, 0, turned, words);
                            norms[lane] = found.norm;
                            moves[lane] = found.moved;
                            lanes[lane] = (found.scale, int8::OFFSET * found.sum);
                        }
                        interleave(&encoded[..norms.len() * steps], steps, panel);
                    },
                );
        }
        let lanes = if isa.is_int8() { lanes } else { Vec::new() };
        let (scales, shifts) = lanes.into_iter().unzip();
        Panels {
            isa,
            words,
            steps,
            rows,
            norms,
            moves,
            scales,
            shifts,
        }
    }

    /// Panels of integers whose words are made, with what is known of their rows: of each its step and the sum of its
    /// integers.
    pub(super) fn of_integers(
        isa: Isa,
        mut words: Vec<u32>,
        steps: usize,
        norms: Vec<f32>,
        moves: Vec<f32>,
        of_row: impl Fn(usize) -> (f32, i32),
    ) -> Panels {
        let rows = norms.len();
        words.resize(words.len() + words_behind(isa, steps), 0);
        let lanes = 0..rows.next_multiple_of(LANES);
        let of_lane = |lane| if lane < rows { of_row(lane) } else { (0.0, 0) };
        let lanes = lanes.map(of_lane);
        let (scales, shifts) = lanes
            .map(|(scale, sum)| (scale, int8::OFFSET * sum))
            .unzip();
        Panels {
            isa,
            words,
            steps,
            rows,
            norms,
            moves,
            scales,
            shifts,
        }
    }

    /// The rows packed.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes that the rows take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let numbers = self.norms.len() + self.moves.len() + self.scales.len() + self.shifts.len();
        4 * (self.words.len() + numbers)
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

    /// The largest share of its length that rounding moved a row by; 0 in f32. O(n).
    pub fn moved(&self) -> f32 {
        self.moves.iter().copied().fold(0.0, f32::max)
    }

    /// The share of its length that rounding moved each row by; zeros in f32.
    pub fn moves(&self) -> &[f32] {
        &self.moves
    }

    /// A middling one of the shares, for [`bound::share`](super::bound::share): their root mean square. O(n).
    pub fn usual_move(&self) -> f32 {
        bound::usual(&self.moves)
    }
}

/// Turns up to 16 rows of words into a panel: word by word, 16 lanes each.
pub(super) fn interleave(rows: &[u32], steps: usize, panel: &mut [u32]) {
    for (lane, row) in rows.chunks_exact(steps).enumerate() {
        for (group, &word) in panel.chunks_exact_mut(LANES).zip(row) {
            group[lane] = word;
        }
    }
}
