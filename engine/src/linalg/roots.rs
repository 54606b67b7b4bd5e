//! From a row of products to a row of distances, and sums of them, all in vector registers.
//!
//! Selections ([`scan`](super::scan)) can do with squares; a mean of distances needs every root. So the roots are taken
//! in place, on a stretch of products that is still in the first-level cache.

use super::isa::for_every_isa;
use super::panels::LANES;

for_every_isa! {
    /// Turns the products of one row with many into distances: `products[c]` becomes `norm + norms[c] - 2 products[c]`,
    /// or the root of it. Where that is below `share` of `norm + norms[c]`, too many digits have cancelled: -1 stands
    /// there instead, and the answer is true. O(n).
    pub fn distances(norm: f32, norms: &[f32], products: &mut [f32], share: f32, root: bool) -> bool {
        let mut any = false;
        if root {
            for (product, other) in products.iter_mut().zip(norms) {
                let size = norm + other;
                let square = size - 2.0 * *product;
                let lost = square < share * size;
                any |= lost;
                *product = if lost { -1.0 } else { square.sqrt() };
            }
        } else {
            for (product, other) in products.iter_mut().zip(norms) {
                let size = norm + other;
                let square = size - 2.0 * *product;
                let lost = square < share * size;
                any |= lost;
                *product = if lost { -1.0 } else { square };
            }
        }
        any
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
    fn every_instruction_set_gives_the_same_distances() {
        let norms: Vec<f32> = (0..37).map(|i| 1.0 + i as f32 * 0.37).collect();
        let products: Vec<f32> = (0..37).map(|i| (i as f32 * 1.7).sin()).collect();
        let on = |isa: Isa, root: bool| {
            let mut values = products.clone();
            let lost = distances(isa, 1.0, &norms, &mut values, 1e-3, root);
            let mut sums = vec![1.0; 37];
            add_up(isa, &mut sums, &values);
            (lost, total(isa, &values).to_bits(), values, sums)
        };
        for root in [false, true] {
            let first = on(Isa::PORTABLE, root);
            for isa in Isa::available() {
                assert_eq!(on(isa, root), first, "{isa}");
            }
        }
        let (_, _, roots, _) = on(Isa::PORTABLE, true);
        assert!((roots[3] - (1.0 + norms[3] - 2.0 * products[3]).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn what_cancels_is_marked() {
        let mut products = [1.0, 0.5];
        assert!(distances(
            Isa::PORTABLE,
            1.0,
            &[1.0, 1.0],
            &mut products,
            1e-3,
            true
        ));
        assert_eq!(products, [-1.0, 1.0]);
        assert!(!distances(
            Isa::PORTABLE,
            0.0,
            &[0.0],
            &mut [0.0],
            1e-3,
            true
        ));
    }
}
