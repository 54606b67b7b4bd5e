//! Depthwise convolution over channels-last activations as a candle operation, bias and ReLU6 fused in.
//!
//! candle's own grouped convolution makes one small product a channel. Here the inner loop runs over channels; it is
//! in [`linalg`](crate::linalg), compiled for each instruction set.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, bail};

use super::pointwise::values;
use super::weights::Folded;
use crate::linalg::{DepthwiseFilter, depthwise_row, isa, same_padding};

/// The operation: `height x width x channels` in, the same with `stride` times fewer rows and columns out.
pub(super) struct Depthwise(DepthwiseFilter);

impl Depthwise {
    /// From a convolution with one input a filter.
    pub fn new(conv: &Folded, stride: usize) -> Depthwise {
        let (channels, kernel) = (conv.outputs, conv.kernel);
        let mut weight = vec![0.0; kernel * kernel * channels];
        for channel in 0..channels {
            for at in 0..kernel * kernel {
                weight[at * channels + channel] = conv.values[channel * kernel * kernel + at];
            }
        }
        Depthwise(DepthwiseFilter {
            kernel,
            stride,
            channels,
            weight,
            bias: conv.bias.clone(),
        })
    }
}

impl CustomOp1 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Depthwise(filter) = self;
        let &[height, width, channels] = layout.shape().dims() else {
            bail!(
                "a depthwise convolution takes height x width x channels, not {:?}",
                layout.shape()
            );
        };
        if channels != filter.channels {
            bail!("{channels} channels where {} are expected", filter.channels);
        }
        let x = values(storage, layout)?;
        let (_, rows) = same_padding(height, filter.kernel, filter.stride);
        let (_, columns) = same_padding(width, filter.kernel, filter.stride);
        let mut out = vec![0.0; rows * columns * channels];
        for (y, out) in out.chunks_exact_mut(columns * channels).enumerate() {
            depthwise_row(isa(), x, height, width, filter, y, out);
        }
        Ok((CpuStorage::F32(out), Shape::from((rows, columns, channels))))
    }
}
