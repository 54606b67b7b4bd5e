//! The curve `1 / (1 + a x^(2b))` that stands for `min_dist` and `spread` while points are placed.

/// Points at which the curve is compared with its target, as umap-learn's.
const SAMPLES: usize = 300;
/// Far more rounds than the fit ever needs.
const ROUNDS: usize = 500;

/// The curve's two numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// Scale.
    pub a: f64,
    /// Half the exponent.
    pub b: f64,
}

impl Curve {
    /// The least-squares fit to 1 below `min_dist` and `exp(-(x - min_dist) / spread)` above it, over 300 points of
    /// `[0, 3 spread]` (umap-learn's `find_ab_params`), by Levenberg and Marquardt from `a = b = 1`.
    pub fn fit(spread: f64, min_dist: f64) -> Curve {
        // In units of `spread` the problem depends on one number only and is well scaled.
        let flat = min_dist / spread;
        let points: Vec<(f64, f64)> = (0..SAMPLES)
            .map(|i| {
                let x = 3.0 * i as f64 / (SAMPLES - 1) as f64;
                (x, if x < flat { 1.0 } else { (flat - x).exp() })
            })
            .collect();
        let (mut a, mut b) = (1.0, 1.0);
        let mut cost = residual(&points, a, b);
        let mut damping = 1e-3;
        for _ in 0..ROUNDS {
            let [aa, ab, bb, ga, gb] = normal_equations(&points, a, b);
            let (da, db) = (aa * (1.0 + damping), bb * (1.0 + damping));
            let determinant = da * db - ab * ab;
            let step_a = (ga * db - gb * ab) / determinant;
            let step_b = (gb * da - ga * ab) / determinant;
            let (next_a, next_b) = (a + step_a, b + step_b);
            let next = residual(&points, next_a, next_b);
            if next_a > 0.0 && next_b > 0.0 && next < cost {
                let gain = (cost - next) / cost.max(f64::MIN_POSITIVE);
                (a, b, cost) = (next_a, next_b, next);
                damping = (damping * 0.3_f64).max(1e-12);
                if gain < 1e-14 {
                    break;
                }
            } else {
                damping *= 4.0;
                if damping > 1e12 {
                    break;
                }
            }
        }
        Curve {
            a: a / spread.powf(2.0 * b),
            b,
        }
    }
}

fn value(x: f64, a: f64, b: f64) -> f64 {
    1.0 / (1.0 + a * x.powf(2.0 * b))
}

fn residual(points: &[(f64, f64)], a: f64, b: f64) -> f64 {
    let cost: f64 = points
        .iter()
        .map(|&(x, y)| (y - value(x, a, b)).powi(2))
        .sum();
    if cost.is_nan() { f64::INFINITY } else { cost }
}

/// `J'J` and `J'r`: aa, ab, bb, a, b.
fn normal_equations(points: &[(f64, f64)], a: f64, b: f64) -> [f64; 5] {
    let mut sums = [0.0; 5];
    for &(x, y) in points.iter().filter(|&&(x, _)| x > 0.0) {
        let power = x.powf(2.0 * b);
        let f = 1.0 / (1.0 + a * power);
        let by_a = -f * f * power;
        let by_b = -f * f * a * power * 2.0 * x.ln();
        let r = y - f;
        for (sum, term) in
            sums.iter_mut()
                .zip([by_a * by_a, by_a * by_b, by_b * by_b, by_a * r, by_b * r])
        {
            *sum += term;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_umap_learns() {
        let cases: Vec<(f64, f64, f64, f64)> =
            serde_json::from_str(include_str!("../../../tests/fixtures/reduce/curves.json"))
                .unwrap();
        for (spread, min_dist, a, b) in cases {
            let curve = Curve::fit(spread, min_dist);
            assert!(
                (curve.a - a).abs() < 2e-4 * a,
                "{spread} {min_dist}: {curve:?} {a} {b}"
            );
            assert!(
                (curve.b - b).abs() < 2e-4 * b,
                "{spread} {min_dist}: {curve:?} {a} {b}"
            );
        }
    }

    #[test]
    fn extremes_stay_finite() {
        for (spread, min_dist) in [
            (0.001, 0.0),
            (0.001, 0.001),
            (1000.0, 0.0),
            (1000.0, 1000.0),
        ] {
            let curve = Curve::fit(spread, min_dist);
            assert!(
                curve.a.is_finite() && curve.a > 0.0 && curve.b > 0.0,
                "{curve:?}"
            );
        }
    }
}
