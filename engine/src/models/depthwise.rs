//! Depthwise convolution over NHWC activations as a candle operation, bias and ReLU6 fused in.
//!
//! candle's own grouped convolution makes one small product a channel. Channels last, the inner loop runs over
//! channels instead, and the compiler turns it into vectors.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, bail};

use super::pointwise::{clamp, values};
use super::weights::Folded;

/// A depthwise `kernel x kernel` convolution with TensorFlow's "same" padding, then bias and ReLU6.
pub(super) struct Depthwise {
    kernel: usize,
    stride: usize,
    channels: usize,
    /// `kernel * kernel` rows of `channels` values.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Zeros before the first input place and the number of output places, under TensorFlow's "same" padding.
pub(super) fn same(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let out = size.div_ceil(stride);
    let total = ((out.max(1) - 1) * stride + kernel).saturating_sub(size);
    (total / 2, out)
}

impl Depthwise {
    pub fn new(conv: &Folded, stride: usize) -> Depthwise {
        let (channels, kernel) = (conv.outputs, conv.kernel);
        let mut weight = vec![0.0; kernel * kernel * channels];
        for channel in 0..channels {
            for at in 0..kernel * kernel {
                weight[at * channels + channel] = conv.values[channel * kernel * kernel + at];
            }
        }
        Depthwise {
            kernel,
            stride,
            channels,
            weight,
            bias: conv.bias.clone(),
        }
    }

    /// One output row from the input (`height x width x channels`).
    fn row(&self, x: &[f32], (height, width): (usize, usize), y: usize, out: &mut [f32]) {
        const LANES: usize = 16;
        let (kernel, channels) = (self.kernel, self.channels);
        let (top, _) = same(height, kernel, self.stride);
        let (left, _) = same(width, kernel, self.stride);
        let taps = |at: usize, before: usize, size: usize| {
            let start = (at * self.stride).saturating_sub(before);
            let skipped = before.saturating_sub(at * self.stride);
            (
                start,
                skipped,
                (at * self.stride + kernel).saturating_sub(before).min(size) - start,
            )
        };
        let (y0, ky0, rows) = taps(y, top, height);
        for (place, out) in out.chunks_exact_mut(channels).enumerate() {
            let (x0, kx0, columns) = taps(place, left, width);
            for (block, out) in out.chunks_mut(LANES).enumerate() {
                let from = block * LANES;
                let mut sums = [0.0f32; LANES];
                sums[..out.len()].copy_from_slice(&self.bias[from..from + out.len()]);
                for row in 0..rows {
                    let input = &x[((y0 + row) * width + x0) * channels..];
                    let weight = &self.weight[((ky0 + row) * kernel + kx0) * channels..];
                    for column in 0..columns {
                        let input = &input[column * channels + from..];
                        let weight = &weight[column * channels + from..];
                        if let (Some(input), Some(weight)) =
                            (input.first_chunk::<LANES>(), weight.first_chunk::<LANES>())
                            && out.len() == LANES
                        {
                            for ((sum, input), weight) in sums.iter_mut().zip(input).zip(weight) {
                                *sum += input * weight;
                            }
                        } else {
                            for ((sum, input), weight) in
                                sums[..out.len()].iter_mut().zip(input).zip(weight)
                            {
                                *sum += input * weight;
                            }
                        }
                    }
                }
                clamp(&mut sums);
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

impl CustomOp1 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let &[height, width, channels] = layout.shape().dims() else {
            bail!(
                "a depthwise convolution takes height x width x channels, not {:?}",
                layout.shape()
            );
        };
        if channels != self.channels {
            bail!("{channels} channels where {} are expected", self.channels);
        }
        let x = values(storage, layout)?;
        let (_, rows) = same(height, self.kernel, self.stride);
        let (_, columns) = same(width, self.kernel, self.stride);
        let mut out = vec![0.0; rows * columns * channels];
        for (y, out) in out.chunks_exact_mut(columns * channels).enumerate() {
            self.row(x, (height, width), y, out);
        }
        Ok((CpuStorage::F32(out), Shape::from((rows, columns, channels))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_tensorflows() {
        assert_eq!(same(224, 3, 2), (0, 112));
        assert_eq!(same(112, 3, 1), (1, 112));
        assert_eq!(same(56, 5, 2), (1, 28));
        assert_eq!(same(14, 5, 1), (2, 14));
        assert_eq!(same(7, 3, 2), (1, 4));
        assert_eq!(same(1, 3, 2), (1, 1));
    }

    #[test]
    fn every_output_is_the_sum_the_definition_gives() {
        for (kernel, stride, height, width, channels) in [
            (3, 1, 5, 4, 16),
            (3, 2, 6, 7, 20),
            (5, 2, 9, 8, 3),
            (5, 1, 3, 2, 33),
            (5, 2, 1, 1, 16),
        ] {
            let value = |i: usize| ((i * 37 + 11) % 17) as f32 / 8.0 - 1.0;
            let conv = Folded {
                outputs: channels,
                inputs: 1,
                kernel,
                values: (0..channels * kernel * kernel).map(value).collect(),
                bias: (0..channels).map(|c| value(c * 3)).collect(),
            };
            let x: Vec<f32> = (0..height * width * channels)
                .map(|i| value(i + 5))
                .collect();
            let ours = Depthwise::new(&conv, stride);
            let (top, rows) = same(height, kernel, stride);
            let (left, columns) = same(width, kernel, stride);
            for y in 0..rows {
                let mut out = vec![0.0; columns * channels];
                ours.row(&x, (height, width), y, &mut out);
                for place in 0..columns {
                    for c in 0..channels {
                        let mut sum = f64::from(conv.bias[c]);
                        for ky in 0..kernel {
                            for kx in 0..kernel {
                                let (iy, ix) = (y * stride + ky, place * stride + kx);
                                if (top..top + height).contains(&iy)
                                    && (left..left + width).contains(&ix)
                                {
                                    let input = x[((iy - top) * width + ix - left) * channels + c];
                                    let weight = conv.values[(c * kernel + ky) * kernel + kx];
                                    sum += f64::from(input) * f64::from(weight);
                                }
                            }
                        }
                        let got = f64::from(out[place * channels + c]);
                        assert!((got - sum.clamp(0.0, 6.0)).abs() < 1e-5, "{got} {sum}");
                    }
                }
            }
        }
    }
}
