//! Benches live in `benches/`; this library holds the data that several of them share.

use ndarray::Array2;

/// `n` rows of `d` numbers in fifty clouds on a shared direction, the same every time.
pub fn cloud(n: usize, d: usize) -> Array2<f32> {
    let noise = |i: usize, j: usize| {
        let x = (i as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add((j as u64).wrapping_mul(0xD1B5_4A32_D192_ED03));
        let x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (x >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    Array2::from_shape_fn((n, d), |(i, j)| {
        1.0 + 2.0 * noise(usize::MAX - i % 50, j) + noise(i, j)
    })
}
