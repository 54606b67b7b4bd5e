//! Vector files as NumPy writes them, and blobs of points to put in them.
//!
//! Written by hand here, so that what the program reads was not written by the same code.

use crate::world::World;

/// `n` points in `dims` dimensions around `centres` far-apart places, point `i` near place `i % centres`.
pub fn blobs(n: usize, dims: usize, centres: usize) -> Vec<Vec<f32>> {
    let mut state = 51_u64;
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n)
        .map(|i| (0..dims).map(|d| if d % centres == i % centres { 10.0 } else { 0.0 } + noise()).collect())
        .collect()
}

/// The bytes of an npy file, format 1.0, with this `descr`, shape text and data.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(
        u16::try_from(header.len())
            .expect("a short header")
            .to_le_bytes(),
    );
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The rows as a two-dimensional npy file of `<f4`.
pub fn npy_f32(rows: &[Vec<f32>]) -> Vec<u8> {
    let dims = rows.first().map_or(0, Vec::len);
    let data: Vec<u8> = rows
        .iter()
        .flatten()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    npy("<f4", &format!("({}, {dims})", rows.len()), &data)
}

impl World {
    /// Writes blobs as an npy file.
    pub fn blobs(&self, name: &str, n: usize, dims: usize, centres: usize) {
        self.write(name, npy_f32(&blobs(n, dims, centres)));
    }
}
