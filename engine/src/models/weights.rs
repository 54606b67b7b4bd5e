//! Weights from a safetensors file, widened to f32, with batch norms folded into the convolutions before them.
//!
//! At inference a batch norm is one multiply and one add a channel; folded at load it costs nothing.

use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::error::Error;

/// Named tensors of a file.
pub(super) struct Weights<'a>(SafeTensors<'a>);

/// A convolution's values in OIHW order and one bias for each output, batch norm folded in.
pub(super) struct Folded {
    pub outputs: usize,
    pub inputs: usize,
    pub kernel: usize,
    pub values: Vec<f32>,
    pub bias: Vec<f32>,
}

impl<'a> Weights<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Weights<'a>, Error> {
        SafeTensors::deserialize(bytes)
            .map(Weights)
            .map_err(|e| Error::Input(format!("the weights are not a safetensors file: {e}")))
    }

    /// The shape and values of a tensor.
    pub fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let wrong = |why: String| Error::Input(format!("the weights' tensor {name:?} {why}"));
        let tensor = self
            .0
            .tensor(name)
            .map_err(|e| wrong(format!("cannot be used: {e}")))?;
        let data = tensor.data();
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => data
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            Dtype::F16 => data
                .as_chunks()
                .0
                .iter()
                .map(|b| f16::from_le_bytes(*b).to_f32())
                .collect(),
            other => return Err(wrong(format!("is of type {other:?}, not F16 or F32"))),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(wrong("holds values that are not finite".into()));
        }
        Ok((tensor.shape().to_vec(), values))
    }

    /// The convolution `conv` followed by the batch norm `norm` with that epsilon.
    pub fn folded(&self, conv: &str, norm: &str, epsilon: f32) -> Result<Folded, Error> {
        let (shape, mut values) = self.tensor(&format!("{conv}.weight"))?;
        let &[outputs, inputs, kernel, width] = shape.as_slice() else {
            return Err(Error::Input(format!(
                "the weights' tensor {conv:?} has shape {shape:?}, not 4 dimensions"
            )));
        };
        let part = |name: &str| -> Result<Vec<f32>, Error> {
            let (_, values) = self.tensor(&format!("{norm}.{name}"))?;
            if values.len() == outputs && kernel == width {
                return Ok(values);
            }
            Err(Error::Input(format!(
                "the weights' {norm:?} and {conv:?} do not fit each other"
            )))
        };
        let (gamma, beta) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let mut bias = vec![0.0; outputs];
        for (output, filter) in values
            .chunks_exact_mut(inputs * kernel * kernel)
            .enumerate()
        {
            // In f64: some variances are tiny, and this runs once.
            let spread = (f64::from(variance[output]) + f64::from(epsilon)).sqrt();
            let gain = f64::from(gamma[output]) / spread;
            for value in filter {
                *value = (f64::from(*value) * gain) as f32;
            }
            bias[output] = (f64::from(beta[output]) - f64::from(mean[output]) * gain) as f32;
        }
        Ok(Folded {
            outputs,
            inputs,
            kernel,
            values,
            bias,
        })
    }
}
