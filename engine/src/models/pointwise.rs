//! Dense layers over NHWC activations: one matrix product, then bias, residual and ReLU6 in one pass over the result.
//!
//! A 1x1 convolution over channels-last activations *is* a matrix product, so candle's GEMM does it without any
//! rearranging.

use candle_core::{
    CpuStorage, DType, Device, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail,
};

use super::weights::Folded;
use crate::linalg::{add_bias, add_bias_and, isa};

/// `y = act(x W + b [+ residual])` on rows.
pub(super) struct Dense {
    /// `inputs x outputs`.
    weight: Tensor,
    finish: Finish,
}

/// What follows the product.
struct Finish {
    bias: Vec<f32>,
    relu6: bool,
}

impl Dense {
    /// From a convolution whose patches are laid out as (row, column, channel), as [`patches`](super::efficientnet) are.
    pub fn new(conv: &Folded, relu6: bool) -> Result<Dense> {
        let Folded {
            outputs,
            inputs,
            kernel,
            ref values,
            ref bias,
        } = *conv;
        let depth = inputs * kernel * kernel;
        let mut weight = vec![0.0; depth * outputs];
        for output in 0..outputs {
            for input in 0..inputs {
                for at in 0..kernel * kernel {
                    weight[(at * inputs + input) * outputs + output] =
                        values[(output * inputs + input) * kernel * kernel + at];
                }
            }
        }
        let weight = Tensor::from_vec(weight, (depth, outputs), &Device::Cpu)?;
        Ok(Dense {
            weight,
            finish: Finish {
                bias: bias.clone(),
                relu6,
            },
        })
    }

    /// `x` is `rows x inputs`; the result is `rows x outputs`, and so is `residual`.
    pub fn forward(&self, x: &Tensor, residual: Option<&Tensor>) -> Result<Tensor> {
        let y = x.matmul(&self.weight)?;
        match residual {
            Some(residual) => y.inplace_op2(residual, &self.finish)?,
            None => y.inplace_op1(&self.finish)?,
        }
        Ok(y)
    }
}

/// The values of a contiguous f32 tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        (CpuStorage::F32(_), None) => bail!("activations must be contiguous"),
        (other, _) => bail!(
            "activations must be {:?}, not {:?}",
            DType::F32,
            other.dtype()
        ),
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("activations must be contiguous and f32"),
    }
}

trait Dtype {
    fn dtype(&self) -> DType;
}

impl Dtype for CpuStorage {
    fn dtype(&self) -> DType {
        candle_core::backend::BackendStorage::dtype(self)
    }
}

impl InplaceOp1 for Finish {
    fn name(&self) -> &'static str {
        "bias"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        add_bias(isa(), values_mut(storage, layout)?, &self.bias, self.relu6);
        Ok(())
    }
}

impl InplaceOp2 for Finish {
    fn name(&self) -> &'static str {
        "bias-residual"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        other: &CpuStorage,
        at: &Layout,
    ) -> Result<()> {
        let residual = values(other, at)?;
        let values = values_mut(storage, layout)?;
        if residual.len() != values.len() || self.relu6 {
            bail!(
                "a residual of {} values beside {}",
                residual.len(),
                values.len()
            );
        }
        add_bias_and(isa(), values, &self.bias, residual);
        Ok(())
    }
}
