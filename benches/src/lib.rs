//! Benches live in `benches/`; this library holds the data that several of them share.

use ndarray::Array2;

/// A number from -0.5 to 0.5 that depends on nothing but `i` and `j`.
fn noise(i: usize, j: usize) -> f32 {
    let x = (i as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add((j as u64).wrapping_mul(0xD1B5_4A32_D192_ED03));
    let x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
}

/// `n` rows of `d` numbers in fifty clouds on a shared direction, the same every time.
pub fn cloud(n: usize, d: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, d), |(i, j)| {
        1.0 + 2.0 * noise(usize::MAX - i % 50, j) + noise(i, j)
    })
}

/// The dimension of a cloud of [`mixture`], as image embeddings have it: far below that of the space.
const LOCAL: usize = 24;

/// `n` rows of `d` numbers in `clusters` flat clouds with a little noise around them, the same every time.
pub fn mixture(n: usize, d: usize, clusters: usize, seed: usize) -> Array2<f32> {
    let salt = seed.wrapping_mul(0x5851_F42D);
    let bases: Vec<Array2<f32>> = (0..clusters)
        .map(|c| Array2::from_shape_fn((LOCAL + 1, d), |(i, j)| noise(salt + c * 64 + i, j)))
        .collect();
    let mut rows = Array2::zeros((n, d));
    for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
        let basis = &bases[i % clusters];
        row.assign(&basis.row(LOCAL));
        for (at, direction) in basis.rows().into_iter().take(LOCAL).enumerate() {
            row.scaled_add(noise(usize::MAX - i, salt + at), &direction);
        }
        for (j, value) in row.iter_mut().enumerate() {
            *value += 0.1 * noise(usize::MAX / 2 + i, salt + j);
        }
    }
    rows
}
