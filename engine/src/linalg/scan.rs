//! Selection over a row of proposals: the nearest and the second, or everything below a threshold.
//!
//! Proposals are `offset - 2 * product`, made here while they are in registers, so that a tile of products is read
//! once. Offsets are squared lengths; lanes that only pad carry an infinite offset and are never selected.

use super::isa::for_every_isa;
use super::panels::LANES;

/// The smallest proposals of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Which column has the smallest proposal, the lowest index of equals.
    pub index: u32,
    /// The smallest proposal.
    pub value: f32,
    /// The second smallest, possibly equal; infinite where there is no second column.
    pub second: f32,
}

for_every_isa! {
    /// The smallest and second smallest `offsets[c] - 2 products[c]`. Lengths are equal multiples of [`LANES`]. O(n).
    pub fn nearest(offsets: &[f32], products: &[f32]) -> Nearest {
        let mut best = [f32::INFINITY; LANES];
        let mut second = [f32::INFINITY; LANES];
        let mut group_of = [0_u32; LANES];
        for (group, (offsets, products)) in
            offsets.chunks_exact(LANES).zip(products.chunks_exact(LANES)).enumerate()
        {
            for lane in 0..LANES {
                let value = offsets[lane] - 2.0 * products[lane];
                let closer = value < best[lane];
                let loser = if closer { best[lane] } else { value };
                second[lane] = if loser < second[lane] { loser } else { second[lane] };
                best[lane] = if closer { value } else { best[lane] };
                group_of[lane] = if closer { group as u32 } else { group_of[lane] };
            }
        }
        let mut found = Nearest { index: 0, value: f32::INFINITY, second: f32::INFINITY };
        for lane in 0..LANES {
            let index = group_of[lane] * LANES as u32 + lane as u32;
            let wins = best[lane] < found.value || (best[lane] == found.value && index < found.index);
            let loser = if wins { found.value } else { best[lane] };
            found.second = found.second.min(loser).min(second[lane]);
            if wins {
                (found.index, found.value) = (index, best[lane]);
            }
        }
        found
    }

    /// The smallest `offsets[c] - 2 products[c]` of each group of [`LANES`]. Lengths are equal multiples of [`LANES`], and
    /// there is a place in `out` for each group. O(n).
    pub fn lowest_of_each(offsets: &[f32], products: &[f32], out: &mut [f32]) {
        let groups = offsets.chunks_exact(LANES).zip(products.chunks_exact(LANES));
        for ((offsets, products), out) in groups.zip(out) {
            let mut values = [0.0_f32; LANES];
            for lane in 0..LANES {
                values[lane] = offsets[lane] - 2.0 * products[lane];
            }
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    let other = values[lane + half];
                    values[lane] = if other < values[lane] { other } else { values[lane] };
                }
                half /= 2;
            }
            *out = values[0];
        }
    }

    /// Appends `(offsets[c] - 2 products[c], first + c)` for every `c` where that is at most `threshold`, in rising
    /// `c`. Lengths are equal multiples of [`LANES`]. O(n).
    pub fn select_below(offsets: &[f32], products: &[f32], threshold: f32, first: u32, out: &mut Vec<(f32, u32)>) {
        for (group, (offsets, products)) in
            offsets.chunks_exact(LANES).zip(products.chunks_exact(LANES)).enumerate()
        {
            let mut values = [0.0_f32; LANES];
            let mut any = false;
            for lane in 0..LANES {
                values[lane] = offsets[lane] - 2.0 * products[lane];
                any |= values[lane] <= threshold;
            }
            if any {
                for (lane, &value) in values.iter().enumerate() {
                    if value <= threshold {
                        out.push((value, first + (group * LANES + lane) as u32));
                    }
                }
            }
        }
    }

    /// Appends `(offset - 2 products[c], c, row)` for every `c` where that is at most `thresholds[c]`, in rising `c`.
    /// Lengths are equal multiples of [`LANES`]. O(n).
    pub fn select_below_each(
        offset: f32, products: &[f32], thresholds: &[f32], row: u32, out: &mut Vec<(f32, u32, u32)>,
    ) {
        for (group, (thresholds, products)) in
            thresholds.chunks_exact(LANES).zip(products.chunks_exact(LANES)).enumerate()
        {
            let mut values = [0.0_f32; LANES];
            let mut any = false;
            for lane in 0..LANES {
                values[lane] = offset - 2.0 * products[lane];
                any |= values[lane] <= thresholds[lane];
            }
            if any {
                for (lane, (&value, &threshold)) in values.iter().zip(thresholds).enumerate() {
                    if value <= threshold {
                        out.push((value, (group * LANES + lane) as u32, row));
                    }
                }
            }
        }
    }

    /// Appends every `c` where `offsets[c] - 2 products[c]` is at most `threshold`, or `offset - 2 products[c]` at most
    /// `thresholds[c]`, in rising `c`: what is near enough for the row or for the column. Lengths are equal multiples of
    /// [`LANES`]. O(n).
    pub fn select_close(
        offsets: &[f32], products: &[f32], thresholds: &[f32], row: (f32, f32), out: &mut Vec<u32>,
    ) {
        let (offset, threshold) = row;
        let columns = offsets.chunks_exact(LANES).zip(thresholds.chunks_exact(LANES));
        for (group, ((offsets, thresholds), products)) in columns.zip(products.chunks_exact(LANES)).enumerate() {
            let mut close = [false; LANES];
            let mut any = false;
            for lane in 0..LANES {
                let twice = 2.0 * products[lane];
                close[lane] = (offsets[lane] - twice <= threshold) | (offset - twice <= thresholds[lane]);
                any |= close[lane];
            }
            if any {
                for (lane, close) in close.into_iter().enumerate() {
                    if close {
                        out.push((group * LANES + lane) as u32);
                    }
                }
            }
        }
    }
}
