//! The sum of a kernel over the nodes of a square mesh, by Fourier transforms on a mesh of at least twice the side.
//!
//! Three quarters of that larger mesh hold nothing on the way in and nothing of interest on the way out, so their rows
//! are never transformed. Values are real: two rows travel as the two parts of one complex row.

use std::sync::Arc;

use rayon::prelude::*;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Columns of one task: one cache line of complex numbers.
const COLUMNS: usize = 8;
/// Row pairs of one task, at least.
const PAIRS: usize = 4;

/// A kernel made ready for meshes of one size.
pub struct Convolution {
    /// Nodes along a side that hold values.
    nodes: usize,
    /// Nodes along a side of the mesh that is transformed.
    side: usize,
    forward: Arc<dyn Fft<f32>>,
    backward: Arc<dyn Fft<f32>>,
    /// The kernel's transform over the lower half of both frequencies, by columns; scaled so that forward and backward
    /// together keep sizes.
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
        let side = smooth(2 * nodes + margin);
        let mut planner = FftPlanner::new();
        let mut convolution = Convolution {
            nodes,
            side,
            forward: planner.plan_fft_forward(side),
            backward: planner.plan_fft_inverse(side),
            spectrum: Vec::new(),
        };
        let half = convolution.half();
        // By symmetry the rows beyond half the side repeat those before.
        let mut values = vec![0.0; half * side];
        values
            .par_chunks_mut(side)
            .enumerate()
            .for_each(|(y, row)| {
                for (x, value) in row.iter_mut().enumerate() {
                    *value = kernel(x.min(side - x), y);
                }
            });
        let rows = convolution.forward_rows(&values, side);
        let gains: Vec<f64> = (0..half)
            .map(|k| filter(std::f64::consts::TAU * k as f64 / side as f64))
            .collect();
        let scale = 1.0 / (side * side) as f64;
        let blocks: Vec<Vec<f32>> = (0..half.div_ceil(COLUMNS))
            .into_par_iter()
            .map(|block| {
                let first = block * COLUMNS;
                let mut out = Vec::with_capacity(COLUMNS * half);
                let mut column = vec![Complex::default(); side];
                let mut scratch = convolution.scratch();
                for x in first..(first + COLUMNS).min(half) {
                    for (y, value) in column.iter_mut().enumerate() {
                        *value = rows[y.min(side - y) * half + x];
                    }
                    convolution
                        .forward
                        .process_with_scratch(&mut column, &mut scratch);
                    out.extend(
                        column[..half]
                            .iter()
                            .zip(&gains)
                            .map(|(v, gain)| (f64::from(v.re) * gains[x] * gain * scale) as f32),
                    );
                }
                out
            })
            .collect();
        convolution.spectrum = blocks.concat();
        convolution
    }

    /// The kernel summed over `values` (`nodes x nodes`, by rows), at every node.
    pub fn apply(&self, values: &[f32]) -> Vec<f32> {
        let (nodes, side, half) = (self.nodes, self.side, self.half());
        let rows = self.forward_rows(values, nodes);
        let mut columns = vec![Complex::default(); half.div_ceil(COLUMNS) * COLUMNS * nodes];
        columns
            .par_chunks_mut(COLUMNS * nodes)
            .enumerate()
            .for_each_init(
                || (vec![Complex::default(); COLUMNS * side], self.scratch()),
                |(buffer, scratch), (block, out)| {
                    let first = block * COLUMNS;
                    let width = COLUMNS.min(half - first);
                    buffer.fill(Complex::default());
                    for (y, row) in rows.chunks_exact(half).enumerate() {
                        for (x, value) in row[first..first + width].iter().enumerate() {
                            buffer[x * side + y] = *value;
                        }
                    }
                    for (x, column) in buffer.chunks_exact_mut(side).take(width).enumerate() {
                        self.forward.process_with_scratch(column, scratch);
                        let spectrum = &self.spectrum[(first + x) * half..(first + x + 1) * half];
                        for (value, by) in column.iter_mut().zip(spectrum) {
                            *value *= *by;
                        }
                        // Frequencies above half the side mirror those below.
                        let mirrored = spectrum[1..side - half + 1].iter().rev();
                        for (value, by) in column[half..].iter_mut().zip(mirrored) {
                            *value *= *by;
                        }
                        self.backward.process_with_scratch(column, scratch);
                    }
                    for (y, row) in out.chunks_exact_mut(COLUMNS).enumerate() {
                        for (x, value) in row[..width].iter_mut().enumerate() {
                            *value = buffer[x * side + y];
                        }
                    }
                },
            );
        self.backward_rows(&columns)
    }

    /// Frequencies from 0 to half the side.
    fn half(&self) -> usize {
        self.side / 2 + 1
    }

    fn scratch(&self) -> Vec<Complex<f32>> {
        let forward = self.forward.get_inplace_scratch_len();
        let backward = self.backward.get_inplace_scratch_len();
        vec![Complex::default(); forward.max(backward)]
    }

    /// Transforms rows of `width` values along x; keeps the lower half of the frequencies, the others being mirrored.
    fn forward_rows(&self, values: &[f32], width: usize) -> Vec<Complex<f32>> {
        let (side, half) = (self.side, self.half());
        let mut rows = vec![Complex::default(); values.len() / width * half];
        rows.par_chunks_mut(2 * half)
            .zip(values.par_chunks(2 * width))
            .with_min_len(PAIRS)
            .for_each_init(
                || (vec![Complex::default(); side], self.scratch()),
                |(buffer, scratch), (out, values)| {
                    let (one, other) = values.split_at(width);
                    buffer.fill(Complex::default());
                    for (to, &value) in buffer.iter_mut().zip(one) {
                        to.re = value;
                    }
                    for (to, &value) in buffer.iter_mut().zip(other) {
                        to.im = value;
                    }
                    self.forward.process_with_scratch(buffer, scratch);
                    let (one, other) = out.split_at_mut(half);
                    for (k, to) in one.iter_mut().enumerate() {
                        let mirrored = buffer[(side - k) % side].conj();
                        *to = (buffer[k] + mirrored) * 0.5;
                    }
                    for (k, to) in other.iter_mut().enumerate() {
                        let mirrored = buffer[(side - k) % side].conj();
                        let twice = buffer[k] - mirrored;
                        *to = Complex::new(twice.im, -twice.re) * 0.5;
                    }
                },
            );
        rows
    }

    /// Back from columns in blocks to rows of values.
    fn backward_rows(&self, columns: &[Complex<f32>]) -> Vec<f32> {
        let (nodes, side, half) = (self.nodes, self.side, self.half());
        let at =
            |row: usize, k: usize| columns[(k / COLUMNS * nodes + row) * COLUMNS + k % COLUMNS];
        let mut values = vec![0.0; nodes * nodes];
        values
            .par_chunks_mut(2 * nodes)
            .enumerate()
            .with_min_len(PAIRS)
            .for_each_init(
                || (vec![Complex::default(); side], self.scratch()),
                |(buffer, scratch), (pair, out)| {
                    let row = 2 * pair;
                    let two = row + 1 < nodes;
                    for k in 0..half {
                        let one = at(row, k);
                        let other = if two {
                            at(row + 1, k)
                        } else {
                            Complex::default()
                        };
                        buffer[k] = Complex::new(one.re - other.im, one.im + other.re);
                        if k > 0 && k < side - k {
                            // conj(one) + i conj(other)
                            buffer[side - k] = Complex::new(one.re + other.im, other.re - one.im);
                        }
                    }
                    self.backward.process_with_scratch(buffer, scratch);
                    let (one, other) = out.split_at_mut(nodes);
                    for (to, value) in one.iter_mut().zip(buffer.iter()) {
                        *to = value.re;
                    }
                    for (to, value) in other.iter_mut().zip(buffer.iter()) {
                        *to = value.im;
                    }
                },
            );
        values
    }
}

/// The least even number from `least` on whose only factors are 2, 3 and 5: such transforms are fast.
fn smooth(least: usize) -> usize {
    let fits = |n: usize| {
        let mut rest = n;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        rest == 1
    };
    (least.max(2).next_multiple_of(2)..)
        .step_by(2)
        .find(|&n| fits(n))
        .unwrap_or(least)
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
    fn sides_have_small_factors() {
        assert_eq!(smooth(1), 2);
        assert_eq!(smooth(7), 8);
        assert_eq!(smooth(241), 250);
    }
}
