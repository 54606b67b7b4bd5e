//! From a row of products to a row of distances, and sums of them, all in vector registers.
//!
//! Selections ([`scan`](super::scan)) can do with squares; a mean of distances needs every root. So the roots are taken
//! in place, on a stretch of products that is still in the first-level cache.

use super::isa::for_every_isa;
use super::panels::LANES;

/// What bounds on mean distances need to know of clusters, one entry each.
#[derive(Debug, Default)]
pub struct Bundles {
    /// Squared lengths of the centres.
    pub norms: Vec<f32>,
    /// The mean square of the rows about their centre.
    pub squares: Vec<f32>,
    /// The deviation of the rows' squared distances from their centre.
    pub deviations: Vec<f32>,
    /// Twice the greatest deviation of the rows in any direction.
    pub widths: Vec<f32>,
}

for_every_isa! {
    /// Turns the products of one row with many into distances: `products[c]` becomes the root of
    /// `norm + norms[c] - 2 products[c]`. Where that is below `share` of `norm + norms[c]`, too many digits have
    /// cancelled: -1 stands there instead, and the answer is true. O(n).
    pub fn distances(norm: f32, norms: &[f32], products: &mut [f32], share: f32) -> bool {
        let mut any = false;
        for (product, other) in products.iter_mut().zip(norms) {
            let size = norm + other;
            let square = size - 2.0 * *product;
            let lost = square < share * size;
            any |= lost;
            *product = if lost { -1.0 } else { square.sqrt() };
        }
        any
    }

    /// Between what the mean distance from a row to each of many clusters lies: see [`Bundles`], whose products with the
    /// row are `products`. A square is off by at most `slack * (norm + the centre's)` and `floor`. O(n).
    pub fn mean_bounds(
        norm: f32, bundles: &Bundles, products: &[f32], slack: (f32, f32), lower: &mut [f32], upper: &mut [f32],
    ) {
        let (share, floor) = slack;
        let n = products.len().min(lower.len()).min(upper.len());
        let (norms, squares) = (&bundles.norms[..n], &bundles.squares[..n]);
        let (deviations, widths) = (&bundles.deviations[..n], &bundles.widths[..n]);
        let (products, lower, upper) = (&products[..n], &mut lower[..n], &mut upper[..n]);
        for c in 0..n {
            let size = norm + norms[c];
            let square = size - 2.0 * products[c];
            let off = share * size + floor;
            let least = if square > off { square - off } else { 0.0 };
            let most = least + 2.0 * off;
            let mean = least + squares[c];
            let spread = (deviations[c] + widths[c] * most.sqrt()) / mean;
            let narrow = mean.sqrt() * (1.0 - 0.5 * spread * spread);
            let wide = least.sqrt();
            // What is not a number, where rows and centre are one, loses here.
            lower[c] = (if narrow > wide { narrow } else { wide }) * (1.0 - 1e-6);
            upper[c] = (most + squares[c]).sqrt() * (1.0 + 1e-6);
        }
    }

    /// Adds to `sums` the product of `rows^T rows` with `vector`, for rows of the vector's length. O(n d).
    pub fn add_scatter(rows: &[f32], vector: &[f32], sums: &mut [f32]) {
        for row in rows.chunks_exact(vector.len()) {
            let mut parts = [0.0_f32; 4 * LANES];
            let (mut a, mut b) = (row.chunks_exact(4 * LANES), vector.chunks_exact(4 * LANES));
            for (a, b) in a.by_ref().zip(b.by_ref()) {
                for lane in 0..4 * LANES {
                    parts[lane] += a[lane] * b[lane];
                }
            }
            for ((part, a), b) in parts.iter_mut().zip(a.remainder()).zip(b.remainder()) {
                *part += a * b;
            }
            let mut half = 2 * LANES;
            while half > 0 {
                for lane in 0..half {
                    parts[lane] += parts[lane + half];
                }
                half /= 2;
            }
            let along = parts[0];
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += along * x;
            }
        }
    }

    /// The sum of a short stretch, in [`LANES`] partial sums that are added in order. O(n).
    pub fn total(values: &[f32]) -> f32 {
        let mut sums = [0.0_f32; LANES];
        let mut chunks = values.chunks_exact(LANES);
        for chunk in chunks.by_ref() {
            for lane in 0..LANES {
                sums[lane] += chunk[lane];
            }
        }
        for (sum, value) in sums.iter_mut().zip(chunks.remainder()) {
            *sum += value;
        }
        sums.iter().sum()
    }

    /// Adds each value to the sum at its place. O(n).
    pub fn add_up(sums: &mut [f32], values: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::Isa;

    #[test]
    fn every_instruction_set_gives_the_same_numbers() {
        let n = 37;
        let norms: Vec<f32> = (0..n).map(|i| 1.0 + i as f32 * 0.37).collect();
        let products: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin()).collect();
        let bundles = Bundles {
            norms: norms.clone(),
            squares: norms.iter().map(|x| x * 0.3).collect(),
            deviations: norms.iter().map(|x| x * 0.01).collect(),
            widths: norms.iter().map(|x| x * 0.02).collect(),
        };
        let rows: Vec<f32> = (0..5 * 70).map(|i| (i as f32 * 0.9).cos()).collect();
        let on = |isa: Isa| {
            let mut values = products.clone();
            let lost = distances(isa, 1.0, &norms, &mut values, 1e-3);
            let mut sums = vec![1.0; n];
            add_up(isa, &mut sums, &values);
            let (mut lower, mut upper) = (vec![0.0; n], vec![0.0; n]);
            let slack = (1e-5, 1e-30);
            mean_bounds(isa, 1.0, &bundles, &products, slack, &mut lower, &mut upper);
            let mut scatter = vec![0.5; 70];
            add_scatter(isa, &rows, &rows[70..140], &mut scatter);
            (
                lost,
                total(isa, &values),
                values,
                sums,
                lower,
                upper,
                scatter,
            )
        };
        let first = on(Isa::PORTABLE);
        for isa in Isa::available() {
            assert_eq!(on(isa), first, "{isa}");
        }
        let (_, _, roots, _, lower, upper, scatter) = first;
        for c in 0..n {
            let square = f64::from(1.0 + norms[c] - 2.0 * products[c]);
            assert!((f64::from(roots[c]) - square.sqrt()).abs() < 1e-6);
            let mean = square + f64::from(bundles.squares[c]);
            let spread =
                f64::from(bundles.deviations[c]) + f64::from(bundles.widths[c]) * square.sqrt();
            let least = mean.sqrt() * (1.0 - 0.5 * (spread / mean).powi(2));
            assert!(f64::from(upper[c]) >= mean.sqrt() && f64::from(lower[c]) <= least);
            assert!((f64::from(upper[c]) / mean.sqrt() - 1.0).abs() < 1e-4);
            assert!((f64::from(lower[c]) / least - 1.0).abs() < 1e-4);
        }
        let by_hand: f64 = (0..5)
            .map(|i| {
                let row = |j: usize| f64::from(rows[i * 70 + j]);
                row(3)
                    * (0..70)
                        .map(|j| row(j) * f64::from(rows[70 + j]))
                        .sum::<f64>()
            })
            .sum();
        assert!((f64::from(scatter[3]) - 0.5 - by_hand).abs() < 1e-4);
    }

    #[test]
    fn what_cancels_is_marked() {
        let mut products = [1.0, 0.5];
        let (norms, isa) = ([1.0, 1.0], Isa::PORTABLE);
        assert!(distances(isa, 1.0, &norms, &mut products, 1e-3));
        assert_eq!(products, [-1.0, 1.0]);
        assert!(!distances(isa, 0.0, &[0.0], &mut [0.0], 1e-3));
    }

    #[test]
    fn a_row_at_the_only_row_of_a_cluster_has_bounds() {
        let bundles = Bundles {
            norms: vec![0.0],
            squares: vec![0.0],
            deviations: vec![0.0],
            widths: vec![0.0],
        };
        let (mut lower, mut upper) = ([1.0], [1.0]);
        let isa = Isa::PORTABLE;
        mean_bounds(
            isa,
            0.0,
            &bundles,
            &[0.0],
            (1e-5, 0.0),
            &mut lower,
            &mut upper,
        );
        assert_eq!((lower, upper), ([0.0], [0.0]));
    }
}
