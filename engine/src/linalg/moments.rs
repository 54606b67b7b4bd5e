//! First and second moments of weighed rows, a few rows at a time.
//!
//! About a point near their mean, single precision holds a difference, its square and the sum of a few; those are added up in
//! `f64`. The point's distance from the mean is the caller's to take off.

use super::isa::{Isa, for_every_isa};
use super::stretched::TOGETHER;

/// Adds, of a few rows with their shares, `share * (row - about)` to `sums` and `share * (row - about)^2` to `squares`.
/// Roundings have one order: the same bits on every instruction set. O(d).
///
/// # Panics
/// If lengths differ: a mistake of the caller.
pub fn add_moments(
    isa: Isa,
    rows: [&[f32]; TOGETHER],
    shares: [f32; TOGETHER],
    about: &[f32],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    let d = about.len();
    assert!(
        rows.iter().all(|row| row.len() == d) && sums.len() == d && squares.len() == d,
        "one length"
    );
    add(isa, rows, shares, about, sums, squares);
}

for_every_isa! {
    fn add(
        rows: [&[f32]; TOGETHER],
        shares: [f32; TOGETHER],
        about: &[f32],
        sums: &mut [f64],
        squares: &mut [f64],
    ) {
        let d = about.len();
        let [r, s, t, u] = rows.map(|row| &row[..d]);
        let (sums, squares) = (&mut sums[..d], &mut squares[..d]);
        for at in 0..d {
            let gaps = [r[at] - about[at], s[at] - about[at], t[at] - about[at], u[at] - about[at]];
            let parts = [
                shares[0] * gaps[0],
                shares[1] * gaps[1],
                shares[2] * gaps[2],
                shares[3] * gaps[3],
            ];
            sums[at] += f64::from((parts[0] + parts[1]) + (parts[2] + parts[3]));
            squares[at] += f64::from(
                (parts[0] * gaps[0] + parts[1] * gaps[1]) + (parts[2] * gaps[2] + parts[3] * gaps[3]),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_definition_and_the_same_bits_on_every_path() {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.4;
        for d in [1, 15, 16, 33, 100] {
            let rows: Vec<Vec<f32>> = (0..TOGETHER)
                .map(|row| (0..d).map(|j| value(row * d + j)).collect())
                .collect();
            let about: Vec<f32> = (0..d).map(|j| value(j + 5000)).collect();
            let shares = [1.0, 0.25, 0.0, 0.6];
            let on = |isa| {
                let (mut sums, mut squares) = (vec![1.0; d], vec![2.0; d]);
                let all = [&rows[0][..], &rows[1], &rows[2], &rows[3]];
                add_moments(isa, all, shares, &about, &mut sums, &mut squares);
                (sums, squares)
            };
            let first = on(Isa::PORTABLE);
            for isa in Isa::available() {
                assert_eq!(on(isa), first, "{isa}");
            }
            for j in 0..d {
                let (mut sum, mut square) = (1.0, 2.0);
                for (row, share) in rows.iter().zip(shares) {
                    let gap = f64::from(row[j]) - f64::from(about[j]);
                    sum += f64::from(share) * gap;
                    square += f64::from(share) * gap * gap;
                }
                assert!((first.0[j] - sum).abs() < 1e-6);
                assert!((first.1[j] - square).abs() < 1e-6);
            }
        }
    }
}
