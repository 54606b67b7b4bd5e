//! How fast products are here: one product of fixed size, timed.

use std::time::Instant;

use rayon::prelude::*;

use super::isa::Isa;
use super::panels::{Block, LANES, Panels};
use super::products::products;

/// Rows of a block, one block a task.
const ROWS: usize = 64;
/// Blocks.
const BLOCKS: usize = 32;
/// Rows on the other side.
const COLUMNS: usize = 16 * LANES;
/// Coordinates.
const DIMS: usize = 512;

/// Billions of multiplications and additions a second in products of 512 coordinates, in the numbers of `isa`, on the current rayon pool: the best
/// of eight runs. Takes some hundredths of a second, with plain code some tenths.
pub fn measured_gflops(isa: Isa) -> f64 {
    let value = |at: usize| (at * 37 % 101) as f32 / 101.0;
    let rows: Vec<f32> = (0..ROWS * DIMS).map(value).collect();
    let columns: Vec<f32> = (0..COLUMNS * DIMS).map(value).collect();
    let panels = Panels::pack(isa, &columns, DIMS);
    let mut block = Block::new(isa);
    block.fill(&rows, DIMS);
    let mut tiles = vec![0.0_f32; BLOCKS * ROWS * COLUMNS];
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let began = Instant::now();
        tiles
            .par_chunks_exact_mut(ROWS * COLUMNS)
            .with_max_len(1)
            .for_each(|tile| products(&block, &panels, 0..panels.len(), tile, COLUMNS));
        best = best.min(began.elapsed().as_secs_f64());
    }
    std::hint::black_box(&tiles);
    2.0 * (BLOCKS * ROWS * COLUMNS * DIMS) as f64 / best.max(1e-9) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_speed() {
        for isa in Isa::available() {
            for isa in [isa, isa.for_dims(DIMS)] {
                let speed = measured_gflops(isa);
                assert!(speed.is_finite() && speed > 0.0, "{isa}: {speed}");
            }
        }
    }
}
