//! How strongly points pull and push at a distance, in arithmetic that runs in vector registers and rounds alike in all of
//! them: no call, no fused product and sum, one division a force.

use super::curve::Curve;

/// The derivatives of the curve, over the squared distance, each over the distance: what a difference is multiplied with.
#[derive(Debug, Clone, Copy)]
pub struct Forces {
    a: f32,
    exponent: f32,
    pull: f32,
    push: f32,
}

impl Forces {
    /// Of `curve`, pushes weighed by `repulsion_strength`.
    pub fn new(curve: Curve, repulsion_strength: f64) -> Forces {
        let Curve { a, b } = curve;
        Forces {
            a: a as f32,
            exponent: (b - 1.0) as f32,
            pull: (-2.0 * a * b) as f32,
            push: (2.0 * repulsion_strength * b) as f32,
        }
    }

    /// How a neighbour at this squared distance moves a point: below 0, towards it.
    #[inline(always)]
    pub fn pull(self, square: f32) -> f32 {
        let power = power(square, self.exponent);
        self.pull * power / (1.0 + self.a * power * square)
    }

    /// How any other point at this squared distance moves a point: above 0, away.
    #[inline(always)]
    pub fn push(self, square: f32) -> f32 {
        let power = power(square, self.exponent);
        self.push / ((0.001 + square) * (1.0 + self.a * power * square))
    }
}

/// `x^y` to about 1e-5 for `x >= 0` (0 counts as the least normal number), without a call, so that it runs in vectors.
#[inline(always)]
pub fn power(x: f32, y: f32) -> f32 {
    exp2(y * log2(x.max(f32::MIN_POSITIVE)))
}

/// To about 2e-6, for positive, normal numbers.
#[inline(always)]
fn log2(x: f32) -> f32 {
    /// Of `log2(1 + t) / t` where `1 + t` is from sqrt(1/2) to sqrt(2), the largest error as small as it can be.
    const SERIES: [f32; 6] = [
        1.442_713_5,
        -0.721_131_86,
        0.479_348,
        -0.367_49,
        0.322_154_8,
        -0.206_591_74,
    ];
    // Mantissa in [sqrt(1/2), sqrt(2)), by moving the exponent's boundary there.
    let bits = x.to_bits().wrapping_sub(0x3F35_04F3);
    let exponent = (bits as i32) >> 23;
    let t = f32::from_bits((bits & 0x007F_FFFF) + 0x3F35_04F3) - 1.0;
    // Pairs, so that products need not wait for each other.
    let square = t * t;
    let low = SERIES[0] + t * SERIES[1];
    let middle = SERIES[2] + t * SERIES[3];
    let high = SERIES[4] + t * SERIES[5];
    exponent as f32 + t * (low + square * (middle + square * high))
}

/// To about 4e-6, for numbers up to 126 in size.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// Of `2^x` from -1/2 to 1/2, the largest error as small as it can be.
    const SERIES: [f32; 5] = [
        0.999_999_3,
        0.693_121_8,
        0.240_247_44,
        0.055_917_86,
        0.009_570_1,
    ];
    let x = x.clamp(-126.0, 126.0);
    let shifted = x + ROUND;
    let rest = x - (shifted - ROUND);
    let whole = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let square = rest * rest;
    let low = SERIES[0] + rest * SERIES[1];
    let high = SERIES[2] + rest * (SERIES[3] + rest * SERIES[4]);
    f32::from_bits((low + square * high).to_bits().wrapping_add(whole << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_close_over_the_whole_range() {
        for exponent in [-0.9, -0.105, 0.0, 0.3, 0.8] {
            let mut x = 1e-12_f32;
            while x < 1e8 {
                let want = f64::from(x).powf(f64::from(exponent));
                let got = f64::from(power(x, exponent));
                assert!(
                    (got / want - 1.0).abs() < 3e-5,
                    "{x}^{exponent}: {got} {want}"
                );
                x *= 1.37;
            }
        }
        assert!(power(0.0, -0.1).is_finite());
    }

    #[test]
    fn forces_are_the_derivatives_of_the_cross_entropy() {
        let curve = Curve { a: 1.577, b: 0.895 };
        let forces = Forces::new(curve, 1.0);
        let near = |d: f64| 1.0 / (1.0 + curve.a * d.powf(2.0 * curve.b));
        for d in [0.3_f64, 1.0, 2.5, 7.0] {
            let h = 1e-5;
            let square = (d * d) as f32;
            let pull = (near(d + h).ln() - near(d - h).ln()) / (2.0 * h);
            let push = ((1.0 - near(d + h)).ln() - (1.0 - near(d - h)).ln()) / (2.0 * h);
            assert!((f64::from(forces.pull(square)) * d - pull).abs() < 1e-3 * pull.abs());
            // The push has 0.001 added to its denominator.
            let wanted = push * d * d / (0.001 + d * d);
            assert!((f64::from(forces.push(square)) * d - wanted).abs() < 1e-3 * wanted);
        }
    }
}
