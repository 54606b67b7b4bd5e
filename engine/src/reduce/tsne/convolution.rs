//! The sum of a kernel over the nodes of a square mesh, by Fourier transforms on a mesh of at least twice the side.
//!
//! Three quarters of that larger mesh hold nothing on the way in and nothing of interest on the way out, so their lines
//! are never transformed. Lines travel sixteen at a time, side by side; and as values are real, two of them travel as
//! the two parts of one complex line. Between the two directions, tiles of 16 x 16 are turned over.

// Lanes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use super::transform::{LANES, Transform, Wave, cost};

/// Columns that go down the mesh together: two to a lane.
const COLUMNS: usize = 2 * LANES;
/// Numbers in the tile that `COLUMNS` columns and `LANES` frequencies make.
const TILE: usize = COLUMNS * LANES;

/// A kernel made ready for meshes of one size.
pub struct Convolution {
    /// Nodes along a side that hold values.
    nodes: usize,
    /// Nodes along a side of the mesh that is transformed.
    side: usize,
    transform: Transform,
    /// The kernel's transform over the lower half of both frequencies, scaled so that forward and backward together
    /// keep sizes: for each block of [`LANES`] frequencies down, for each frequency along, the block's.
    spectrum: Vec<f32>,
}

impl Convolution {
    /// Prepares `kernel(dx, dy)`, which must be even in both, for `nodes x nodes` values. `filter(frequency)`, in
    /// radians a node, multiplies its spectrum along each axis. The larger mesh has at least `margin` nodes to spare,
    /// so that what is wrong around half its side touches nobody.
    pub fn new(
        nodes: usize,
        margin: usize,
        kernel: impl Fn(usize, usize) -> f32 + Sync,
        filter: impl Fn(f64) -> f64,
    ) -> Convolution {
        let side = cheap(2 * nodes + margin);
        let transform = Transform::new(side);
        let half = side / 2 + 1;
        let blocks = half.div_ceil(LANES);
        // Even lines have real transforms, so two of them travel as the two parts of one and need no untangling.
        // First down, for columns up to half the side: `down[x][frequency]`.
        let mut down = vec![0.0; half.next_multiple_of(COLUMNS) * half];
        down.par_chunks_mut(COLUMNS * half)
            .enumerate()
            .for_each_init(
                || Wave::new(side),
                |wave, (group, out)| {
                    for y in 0..side {
                        for lane in 0..LANES {
                            let x = group * COLUMNS + lane;
                            let far = y.min(side - y);
                            wave.re[y * LANES + lane] = kernel(x.min(half), far);
                            wave.im[y * LANES + lane] = kernel((x + LANES).min(half), far);
                        }
                    }
                    transform.forward(wave);
                    for (lane, line) in out.chunks_exact_mut(half).enumerate() {
                        let part = if lane < LANES { &wave.re } else { &wave.im };
                        for (k, value) in line.iter_mut().enumerate() {
                            *value = part[k * LANES + lane % LANES];
                        }
                    }
                },
            );
        // Then along, for frequencies up to half the side.
        let gains: Vec<f64> = (0..half)
            .map(|k| filter(std::f64::consts::TAU * k as f64 / side as f64))
            .collect();
        let scale = 1.0 / (side * side) as f64;
        let mut spectrum = vec![0.0; blocks * half * LANES];
        spectrum
            .par_chunks_mut(2 * half * LANES)
            .enumerate()
            .for_each_init(
                || Wave::new(side),
                |wave, (pair, out)| {
                    let line = |y: usize, x: usize| {
                        if y < half {
                            down[x.min(side - x) * half + y]
                        } else {
                            0.0
                        }
                    };
                    let first = pair * 2 * LANES;
                    for x in 0..side {
                        for lane in 0..LANES {
                            wave.re[x * LANES + lane] = line(first + lane, x);
                            wave.im[x * LANES + lane] = line(first + LANES + lane, x);
                        }
                    }
                    transform.forward(wave);
                    for (block, out) in out.chunks_exact_mut(half * LANES).enumerate() {
                        let part = if block == 0 { &wave.re } else { &wave.im };
                        for (at, (to, &value)) in out.iter_mut().zip(part).enumerate() {
                            let (along, down) = (at / LANES, first + block * LANES + at % LANES);
                            let gain = gains.get(down).map_or(0.0, |gain| gain * gains[along]);
                            *to = (f64::from(value) * gain * scale) as f32;
                        }
                    }
                },
            );
        Convolution {
            nodes,
            side,
            transform,
            spectrum,
        }
    }

    /// The kernel summed over `values` (`nodes x nodes`, by rows), at every node.
    pub fn apply(&self, values: &[f32]) -> Vec<f32> {
        let tiles = self.down(values);
        let lines = self.along(&tiles);
        self.up(&lines)
    }

    /// Frequencies from 0 to half the side.
    fn half(&self) -> usize {
        self.side / 2 + 1
    }

    /// Blocks of [`LANES`] of them.
    fn blocks(&self) -> usize {
        self.half().div_ceil(LANES)
    }

    /// Transforms columns of values. For each group of [`COLUMNS`] columns, for each block of frequencies: a tile of
    /// real parts, columns by frequencies, and one of imaginary parts.
    fn down(&self, values: &[f32]) -> Vec<f32> {
        let (nodes, side, half) = (self.nodes, self.side, self.half());
        let size = self.blocks() * 2 * TILE;
        let mut tiles = vec![0.0; nodes.div_ceil(COLUMNS) * size];
        tiles.par_chunks_mut(size).enumerate().for_each_init(
            || Wave::new(side),
            |wave, (group, out)| {
                let first = group * COLUMNS;
                let re = wave.re.as_chunks_mut::<LANES>().0;
                let im = wave.im.as_chunks_mut::<LANES>().0;
                for (y, row) in values.chunks_exact(nodes).enumerate() {
                    if let Some((columns, _)) = row[first..].split_first_chunk::<COLUMNS>() {
                        let lines = columns.as_chunks::<LANES>().0;
                        (re[y], im[y]) = (lines[0], lines[1]);
                    } else {
                        let lane = |lane: usize| row.get(first + lane).copied().unwrap_or(0.0);
                        re[y] = std::array::from_fn(lane);
                        im[y] = std::array::from_fn(|at| lane(LANES + at));
                    }
                }
                re[nodes..].fill([0.0; LANES]);
                im[nodes..].fill([0.0; LANES]);
                self.transform.forward(wave);
                let re = wave.re.as_chunks::<LANES>().0;
                let im = wave.im.as_chunks::<LANES>().0;
                for (block, tile) in out.chunks_exact_mut(2 * TILE).enumerate() {
                    let (tile_re, tile_im) = tile.split_at_mut(TILE);
                    let begin = block * LANES;
                    for at in 0..LANES.min(half - begin) {
                        // What is even in frequency came from the real parts, what is odd from the imaginary ones.
                        let (k, mirrored) = (begin + at, (side - begin - at) % side);
                        let (re, im, re2, im2) = (&re[k], &im[k], &re[mirrored], &im[mirrored]);
                        for lane in 0..LANES {
                            let (own, other) = (lane * LANES + at, (LANES + lane) * LANES + at);
                            tile_re[own] = 0.5 * (re[lane] + re2[lane]);
                            tile_im[own] = 0.5 * (im[lane] - im2[lane]);
                            tile_re[other] = 0.5 * (im[lane] + im2[lane]);
                            tile_im[other] = 0.5 * (re2[lane] - re[lane]);
                        }
                    }
                }
            },
        );
        tiles
    }

    /// Transforms along the rows, multiplies by the kernel's spectrum, and transforms back. For each block of frequencies
    /// the real parts, nodes by frequencies, and the imaginary ones.
    fn along(&self, tiles: &[f32]) -> Vec<f32> {
        let (nodes, half, blocks) = (self.nodes, self.half(), self.blocks());
        let mut lines = vec![0.0; blocks * 2 * nodes * LANES];
        lines
            .par_chunks_mut(2 * nodes * LANES)
            .enumerate()
            .for_each_init(
                || Wave::new(self.side),
                |wave, (block, out)| {
                    for (part, wave) in [&mut wave.re, &mut wave.im].into_iter().enumerate() {
                        let (filled, empty) = wave.split_at_mut(nodes * LANES);
                        for (group, to) in filled.chunks_mut(TILE).enumerate() {
                            let from = ((group * blocks + block) * 2 + part) * TILE;
                            to.copy_from_slice(&tiles[from..from + to.len()]);
                        }
                        empty.fill(0.0);
                    }
                    self.transform.forward(wave);
                    let spectrum = &self.spectrum[block * half * LANES..(block + 1) * half * LANES];
                    for part in [&mut wave.re, &mut wave.im] {
                        // Frequencies above half the side mirror those below.
                        let lower = spectrum.chunks_exact(LANES);
                        let upper = spectrum[LANES..(half - 1) * LANES]
                            .chunks_exact(LANES)
                            .rev();
                        for (values, by) in part.chunks_exact_mut(LANES).zip(lower.chain(upper)) {
                            for lane in 0..LANES {
                                values[lane] *= by[lane];
                            }
                        }
                    }
                    self.transform.backward(wave);
                    let (re, im) = out.split_at_mut(nodes * LANES);
                    re.copy_from_slice(&wave.re[..nodes * LANES]);
                    im.copy_from_slice(&wave.im[..nodes * LANES]);
                },
            );
        lines
    }

    /// Transforms columns of frequencies back to rows of values.
    fn up(&self, lines: &[f32]) -> Vec<f32> {
        let (nodes, side, half, blocks) = (self.nodes, self.side, self.half(), self.blocks());
        let mut columns = vec![0.0; nodes.div_ceil(COLUMNS) * COLUMNS * nodes];
        columns
            .par_chunks_mut(COLUMNS * nodes)
            .enumerate()
            .for_each_init(
                || Wave::new(side),
                |wave, (group, out)| {
                    let first = group * COLUMNS;
                    let width = COLUMNS.min(nodes - first);
                    let wave_re = wave.re.as_chunks_mut::<LANES>().0;
                    let wave_im = wave.im.as_chunks_mut::<LANES>().0;
                    let mut tile = [[0.0; TILE]; 2];
                    for block in 0..blocks {
                        for (part, tile) in tile.iter_mut().enumerate() {
                            let from = (block * 2 + part) * nodes * LANES + first * LANES;
                            tile[..width * LANES]
                                .copy_from_slice(&lines[from..from + width * LANES]);
                        }
                        let begin = block * LANES;
                        for at in 0..LANES.min(half - begin) {
                            let (k, mirrored) = (begin + at, side - begin - at);
                            let mut found = [[0.0; LANES]; 4];
                            for lane in 0..LANES {
                                let (own, other) = (lane * LANES + at, (LANES + lane) * LANES + at);
                                let (re, im) = (tile[0][own], tile[1][own]);
                                let (re2, im2) = (tile[0][other], tile[1][other]);
                                found[0][lane] = re - im2;
                                found[1][lane] = im + re2;
                                found[2][lane] = re + im2;
                                found[3][lane] = re2 - im;
                            }
                            (wave_re[k], wave_im[k]) = (found[0], found[1]);
                            if k > 0 && k < mirrored {
                                (wave_re[mirrored], wave_im[mirrored]) = (found[2], found[3]);
                            }
                        }
                    }
                    self.transform.backward(wave);
                    let lines = wave.re.as_chunks::<LANES>().0.iter();
                    let lines = lines.zip(wave.im.as_chunks::<LANES>().0);
                    let out = out.as_chunks_mut::<LANES>().0.chunks_exact_mut(2);
                    for (out, (re, im)) in out.zip(lines) {
                        (out[0], out[1]) = (*re, *im);
                    }
                },
            );
        let mut values = vec![0.0; nodes * nodes];
        values
            .par_chunks_mut(nodes)
            .with_min_len(16)
            .enumerate()
            .for_each(|(y, row)| {
                for (to, from) in row
                    .chunks_mut(COLUMNS)
                    .zip(columns.chunks_exact(COLUMNS * nodes))
                {
                    let from = &from.as_chunks::<COLUMNS>().0[y];
                    match to.first_chunk_mut::<COLUMNS>() {
                        Some(to) => *to = *from,
                        None => {
                            let width = to.len();
                            to.copy_from_slice(&from[..width]);
                        }
                    }
                }
            });
        values
    }
}

/// An even number from `least` on, and not far beyond, for which a transform is cheap.
fn cheap(least: usize) -> usize {
    let evens = (least.max(2).next_multiple_of(2)..).step_by(2);
    let mut costs = evens.filter_map(|n| Some((cost(n)?, n)));
    let Some(first) = costs.next() else {
        return least;
    };
    let near = costs.take_while(|(_, n)| *n <= first.1 + first.1 / 16);
    near.fold(first, Ord::min).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_over_all_nodes() {
        for nodes in [1, 2, 5, 12, 31] {
            let kernel = |dx: usize, dy: usize| 1.0 / (1.0 + (dx * dx + 3 * dy * dy) as f32);
            let convolution = Convolution::new(nodes, 3, kernel, |_| 1.0);
            let values: Vec<f32> = (0..nodes * nodes)
                .map(|i| ((i * 37) % 11) as f32 - 4.0)
                .collect();
            let found = convolution.apply(&values);
            for y in 0..nodes {
                for x in 0..nodes {
                    let wanted: f32 = (0..nodes * nodes)
                        .map(|i| values[i] * kernel(x.abs_diff(i % nodes), y.abs_diff(i / nodes)))
                        .sum();
                    let got = found[y * nodes + x];
                    assert!(
                        (got - wanted).abs() < 1e-3,
                        "{nodes} {x} {y}: {got} {wanted}"
                    );
                }
            }
        }
    }

    #[test]
    fn sides_are_even_near_and_cheap() {
        assert_eq!(cheap(1), 2);
        assert_eq!(cheap(7), 8);
        // 250 is 2 x 5 x 5 x 5, and 256 is 4 x 4 x 4 x 4.
        assert_eq!(cheap(241), 256);
        assert_eq!(cheap(1232), 1280);
    }
}
