//! Centred rows in panels of sixteen, and what a pass over rows says of their columns.
//!
//! The shift is a row of `f32`: taking it away is one rounding, as that of a difference in `f64` to `f32` would be. What
//! the true mean has beyond the shift is the caller's to take off the products, exactly and once.

use super::LANES;
#[cfg(target_arch = "x86_64")]
use super::isa::Level;
use super::isa::{Isa, for_every_isa};

/// Rows that are taken together, so that lines are written side by side.
const TOGETHER: usize = 8;

/// Sums and ranges of columns.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The sum of each column.
    pub sums: Vec<f64>,
    /// The least value of each column.
    pub least: Vec<f32>,
    /// The largest value of each column.
    pub most: Vec<f32>,
}

impl Columns {
    /// Of `d` columns, before the first row.
    pub fn new(d: usize) -> Columns {
        Columns {
            sums: vec![0.0; d],
            least: vec![f32::INFINITY; d],
            most: vec![f32::NEG_INFINITY; d],
        }
    }

    /// Takes rows in, each of as many numbers as there are columns. What is not finite shows in the sums alone. O(n d).
    pub fn add<'a>(&mut self, isa: Isa, rows: impl IntoIterator<Item = &'a [f32]>) {
        let mut four: [&[f32]; 4] = [&[]; 4];
        let mut count = 0;
        for row in rows {
            four[count] = row;
            count += 1;
            if count == 4 {
                add_rows(isa, four, self);
                count = 0;
            }
        }
        for row in &four[..count] {
            add_row(isa, row, self);
        }
    }

    /// Takes in what another pass found over other rows.
    pub fn join(&mut self, other: &Columns) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
        for (least, other) in self.least.iter_mut().zip(&other.least) {
            *least = least.min(*other);
        }
        for (most, other) in self.most.iter_mut().zip(&other.most) {
            *most = most.max(*other);
        }
    }
}

#[inline(always)]
fn lower(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn higher(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

for_every_isa! {
    /// Four rows at once, so that sums are read and written once for them.
    fn add_rows(rows: [&[f32]; 4], columns: &mut Columns) {
        let d = columns.sums.len();
        let [r, s, t, u] = rows.map(|row| &row[..d]);
        let (sums, least, most) = (&mut columns.sums[..d], &mut columns.least[..d], &mut columns.most[..d]);
        for at in 0..d {
            let (r, s, t, u) = (r[at], s[at], t[at], u[at]);
            sums[at] += (f64::from(r) + f64::from(s)) + (f64::from(t) + f64::from(u));
            least[at] = lower(lower(lower(r, s), lower(t, u)), least[at]);
            most[at] = higher(higher(higher(r, s), higher(t, u)), most[at]);
        }
    }

    fn add_row(row: &[f32], columns: &mut Columns) {
        let d = columns.sums.len();
        let row = &row[..d];
        let (sums, least, most) = (&mut columns.sums[..d], &mut columns.least[..d], &mut columns.most[..d]);
        for at in 0..d {
            sums[at] += f64::from(row[at]);
            least[at] = lower(row[at], least[at]);
            most[at] = higher(row[at], most[at]);
        }
    }

    /// Writes `row * factor - shift` for up to eight rows, sixteen columns at a time, `stride` numbers from one sixteen to the
    /// next; the rows' lines follow each other. The last columns may be fewer than sixteen.
    fn write_lines(rows: &[&[f32]], factor: f32, shift: &[f32], stride: usize, out: &mut [f32]) {
        let d = shift.len();
        for (panel, shift) in shift.chunks(LANES).enumerate() {
            let out = &mut out[panel * stride..][..rows.len() * LANES];
            let columns = panel * LANES..(panel * LANES + LANES).min(d);
            if let Ok(shift) = <&[f32; LANES]>::try_from(shift) {
                for (row, out) in rows.iter().zip(out.as_chunks_mut::<LANES>().0) {
                    let Some(row) = row[columns.clone()].first_chunk::<LANES>() else {
                        continue;
                    };
                    for lane in 0..LANES {
                        out[lane] = row[lane] * factor - shift[lane];
                    }
                }
            } else {
                for (row, out) in rows.iter().zip(out.chunks_exact_mut(LANES)) {
                    for ((out, x), shift) in out.iter_mut().zip(&row[columns.clone()]).zip(shift) {
                        *out = x * factor - shift;
                    }
                }
            }
        }
    }
}

/// Panels of columns: entry `k` of column `c` of `row * factor - shift`, for the rows in their order `k`, goes to
/// `c / 16 * stride + 16 k + c % 16` of `out`. Places of columns that are not there are left as they are. O(n d).
///
/// # Panics
/// If a row is shorter than `shift`, or `out` too short: mistakes of the caller.
pub fn centre_columns<'a>(
    isa: Isa,
    rows: impl IntoIterator<Item = &'a [f32]>,
    factor: f32,
    shift: &[f32],
    stride: usize,
    out: &mut [f32],
) {
    let mut some: [&[f32]; TOGETHER] = [&[]; TOGETHER];
    let (mut count, mut done) = (0, 0);
    for row in rows {
        some[count] = row;
        count += 1;
        if count == TOGETHER {
            write_lines(isa, &some, factor, shift, stride, &mut out[done * LANES..]);
            done += TOGETHER;
            count = 0;
        }
    }
    if count > 0 {
        let out = &mut out[done * LANES..];
        write_lines(isa, &some[..count], factor, shift, stride, out);
    }
}

/// One panel of rows: entry `k` of `row - shift`, for at most sixteen rows, goes to `16 k + row` of `out`; the places of rows
/// that are not there become 0. O(d).
///
/// # Panics
/// If there are more than sixteen rows, one is shorter than `shift`, or `out` is not 16 times as long: mistakes of the caller.
pub fn centre_across(isa: Isa, rows: &[&[f32]], shift: &[f32], out: &mut [f32]) {
    let d = shift.len();
    assert!(
        rows.len() <= LANES && out.len() == d * LANES && rows.iter().all(|row| row.len() >= d),
        "a panel of sixteen rows"
    );
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if let (Level::Avx512 | Level::Avx512Bf16 | Level::Avx512Vnni { .. } | Level::Amx, Ok(rows)) =
        (isa.level(), <&[&[f32]; LANES]>::try_from(rows))
    {
        done = d / LANES * LANES;
        // SAFETY: the level proves AVX-512; every row and the shift have `done` entries, and `out` 16 times as many.
        unsafe {
            turn(
                &rows.map(<[f32]>::as_ptr),
                shift.as_ptr(),
                done,
                out.as_mut_ptr(),
            )
        };
    }
    let _ = isa;
    for (at, lines) in out[done * LANES..].chunks_mut(LANES * LANES).enumerate() {
        let from = done + at * LANES;
        if rows.len() < LANES {
            lines.fill(0.0);
        }
        for (lane, row) in rows.iter().enumerate() {
            let entries = row[from..d].iter().zip(&shift[from..]);
            for (to, (x, shift)) in lines[lane..].iter_mut().step_by(LANES).zip(entries) {
                *to = x - shift;
            }
        }
    }
}

/// Turns blocks of sixteen by sixteen around in registers: by pairs, by fours, and by quarters.
///
/// # Safety
/// The machine has AVX-512F; rows and shift may be read for `d` numbers, a multiple of 16, and `out` written for `16 d`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn turn(rows: &[*const f32; LANES], shift: *const f32, d: usize, out: *mut f32) {
    use std::arch::x86_64::{
        _mm512_castpd_ps, _mm512_castps_pd, _mm512_loadu_ps, _mm512_setzero_ps,
        _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_sub_ps, _mm512_unpackhi_pd,
        _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
    };
    for k in (0..d).step_by(LANES) {
        let mut x = [_mm512_setzero_ps(); LANES];
        for (x, row) in x.iter_mut().zip(rows) {
            // SAFETY: sixteen numbers from `k` are inside the row and the shift.
            *x = unsafe {
                _mm512_sub_ps(_mm512_loadu_ps(row.add(k)), _mm512_loadu_ps(shift.add(k)))
            };
        }
        // Within each quarter, pairs of rows: two entries of two rows side by side.
        let mut y = x;
        for i in 0..LANES / 2 {
            y[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            y[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        // One entry of four rows side by side: of entry `4 q + e`, quarter `q` of `z[4 i + e]` has rows `4 i..4 i + 4`.
        let mut z = y;
        for i in 0..LANES / 4 {
            for half in 0..2 {
                let (a, b) = (
                    _mm512_castps_pd(y[4 * i + half]),
                    _mm512_castps_pd(y[4 * i + 2 + half]),
                );
                z[4 * i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                z[4 * i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            }
        }
        // Quarters of four registers make the four entries of all rows.
        for e in 0..4 {
            let (a, b, c, d) = (z[e], z[4 + e], z[8 + e], z[12 + e]);
            let low = _mm512_shuffle_f32x4::<0x44>(a, b);
            let high = _mm512_shuffle_f32x4::<0xEE>(a, b);
            let more_low = _mm512_shuffle_f32x4::<0x44>(c, d);
            let more_high = _mm512_shuffle_f32x4::<0xEE>(c, d);
            let lines = [
                _mm512_shuffle_f32x4::<0x88>(low, more_low),
                _mm512_shuffle_f32x4::<0xDD>(low, more_low),
                _mm512_shuffle_f32x4::<0x88>(high, more_high),
                _mm512_shuffle_f32x4::<0xDD>(high, more_high),
            ];
            for (q, line) in lines.into_iter().enumerate() {
                // SAFETY: line `k + 4 q + e` is inside `out`.
                unsafe { _mm512_storeu_ps(out.add((k + 4 * q + e) * LANES), line) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, d: usize) -> Vec<Vec<f32>> {
        (0..n)
            .map(|i| {
                let draw = |j| crate::random::uniform(5, i as u64, j as u64) as f32 * 3.0 - 1.0;
                (0..d).map(draw).collect()
            })
            .collect()
    }

    #[test]
    fn sums_and_ranges_are_those_of_each_column() {
        for (n, d) in [(0, 3), (1, 5), (7, 33), (12, 1)] {
            let rows = rows(n, d);
            for isa in Isa::available() {
                let mut found = Columns::new(d);
                found.add(isa, rows[..n / 2].iter().map(Vec::as_slice));
                let mut rest = Columns::new(d);
                rest.add(isa, rows[n / 2..].iter().map(Vec::as_slice));
                found.join(&rest);
                for j in 0..d {
                    let column: Vec<f32> = rows.iter().map(|row| row[j]).collect();
                    let sum: f64 = column.iter().map(|&x| f64::from(x)).sum();
                    assert!((found.sums[j] - sum).abs() < 1e-12);
                    let (least, most) = (f32::INFINITY, f32::NEG_INFINITY);
                    assert_eq!(found.least[j], column.iter().copied().fold(least, f32::min));
                    assert_eq!(found.most[j], column.iter().copied().fold(most, f32::max));
                }
            }
        }
    }

    #[test]
    fn what_is_not_finite_shows_in_the_sums() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut rows = rows(9, 20);
            rows[5][17] = bad;
            rows[6][17] = -bad;
            let mut found = Columns::new(20);
            found.add(Isa::PORTABLE, rows.iter().map(Vec::as_slice));
            for (j, sum) in found.sums.iter().enumerate() {
                assert_eq!(sum.is_finite(), j != 17);
            }
        }
    }

    #[test]
    fn columns_and_rows_go_where_their_panels_have_them() {
        for (n, d) in [(1, 1), (5, 16), (16, 16), (16, 37), (19, 64), (9, 50)] {
            let rows = rows(n, d);
            let lines: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let shift: Vec<f32> = (0..d).map(|j| j as f32 / 7.0).collect();
            for isa in Isa::available() {
                let stride = n * LANES;
                let mut out = vec![0.0; d.div_ceil(LANES) * stride];
                centre_columns(isa, lines.iter().copied(), 0.5, &shift, stride, &mut out);
                for (at, value) in out.iter().enumerate() {
                    let (k, c) = (at % stride / LANES, at / stride * LANES + at % LANES);
                    let wanted = if c < d {
                        rows[k][c] * 0.5 - shift[c]
                    } else {
                        0.0
                    };
                    assert_eq!(value.to_bits(), wanted.to_bits(), "{isa}: {k} {c}");
                }
                let some = &lines[..n.min(LANES)];
                let mut out = vec![f32::NAN; d * LANES];
                centre_across(isa, some, &shift, &mut out);
                for (at, value) in out.iter().enumerate() {
                    let (k, row) = (at / LANES, at % LANES);
                    let wanted = some.get(row).map_or(0.0, |row| row[k] - shift[k]);
                    assert_eq!(value.to_bits(), wanted.to_bits(), "{isa}: {k} {row}");
                }
            }
        }
    }
}
