//! Random numbers from a counter: the draw is a function of the seed and of what it is for, never of what ran before.
//!
//! So any thread may draw any number at any time, and the result does not tell who did.

/// 64 well-mixed bits for `(seed, stream, index)`: SplitMix64's finaliser over the three in turn.
pub fn bits(seed: u64, stream: u64, index: u64) -> u64 {
    mix(mix(mix(seed).wrapping_add(stream)).wrapping_add(index))
}

/// A number in `[0, 1)`.
pub fn uniform(seed: u64, stream: u64, index: u64) -> f64 {
    (bits(seed, stream, index) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A standard normal number (Box and Muller).
pub fn normal(seed: u64, stream: u64, index: u64) -> f64 {
    let radius = (1.0 - uniform(seed, stream, 2 * index)).ln() * -2.0;
    let angle = std::f64::consts::TAU * uniform(seed, stream, 2 * index + 1);
    radius.sqrt() * angle.cos()
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): nearby numbers become unrelated ones.
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let draws: Vec<f64> = (0..20_000).map(|i| normal(7, 3, i)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.04, "{variance}");
    }

    #[test]
    fn seed_stream_and_index_all_count() {
        let all = [bits(0, 0, 0), bits(1, 0, 0), bits(0, 1, 0), bits(0, 0, 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
