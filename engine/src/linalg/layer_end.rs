//! The pass that ends a layer of a network: bias, residual and ReLU6 while the values are at hand.

use super::isa::for_every_isa;

for_every_isa! {
    /// Adds `bias` to every row of `values`, and clamps to 0..=6 if `relu6`. O(n).
    pub fn add_bias(values: &mut [f32], bias: &[f32], relu6: bool) {
        for row in values.chunks_exact_mut(bias.len()) {
            if relu6 {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value = (*value + bias).clamp(0.0, 6.0);
                }
            } else {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                }
            }
        }
    }

    /// Adds `bias` to every row of `values`, and `residual`, which is as long as `values`. O(n).
    pub fn add_bias_and(values: &mut [f32], bias: &[f32], residual: &[f32]) {
        for (row, residual) in values.chunks_exact_mut(bias.len()).zip(residual.chunks_exact(bias.len())) {
            for ((value, bias), more) in row.iter_mut().zip(bias).zip(residual) {
                *value = *value + bias + more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::Isa;

    #[test]
    fn the_end_of_a_layer_adds_and_clamps() {
        for isa in Isa::available() {
            let mut values = vec![1.0, 2.0, 30.0, -40.0];
            add_bias(isa, &mut values, &[0.5, -0.5], true);
            assert_eq!(values, [1.5, 1.5, 6.0, 0.0]);
            add_bias(isa, &mut values, &[1.0, -1.0], false);
            assert_eq!(values, [2.5, 0.5, 7.0, -1.0]);
            add_bias_and(isa, &mut values, &[1.0, 0.0], &[1.0, 2.0, 3.0, 4.0]);
            assert_eq!(values, [4.5, 2.5, 11.0, 3.0]);
        }
    }
}
