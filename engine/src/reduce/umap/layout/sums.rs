//! Sums over the samples of one vertex, in lanes, and the ease that keeps pulls taken at once from going too far.

// Lanes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use super::super::forces::exp2;

/// Samples are padded to a multiple of this with copies of the vertex itself, which do not move it.
pub(super) const LANES: usize = 8;
/// The largest move of one sample along one axis, before the learning rate.
pub(super) const CLIP: f32 = 4.0;
/// The largest share of the way to its other end that a pull is taken to go, where its effect on others is reckoned. Maps
/// of 50,000 clustered rows were as trustworthy as umap-learn's, and their edges as long, at 2; at 1 edges were longer.
pub(super) const STIFFEST: f32 = 2.0;

/// What one after the other makes of pulls that together are so stiff, as a share of what they make at once: each acts
/// on what those before have left of the way.
#[inline(always)]
pub(super) fn eased(stiffness: f32) -> f32 {
    if stiffness < 0.01 {
        1.0 - 0.5 * stiffness
    } else {
        (1.0 - exp2(-std::f32::consts::LOG2_E * stiffness)) / stiffness
    }
}

/// The sum of the shares of the way that pulls go, at most [`STIFFEST`] each; a multiple of [`LANES`] long.
#[inline(always)]
pub(super) fn stiffness(by: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for by in by.chunks_exact(LANES) {
        for l in 0..LANES {
            lanes[l] += (-by[l]).min(STIFFEST);
        }
    }
    sum(lanes)
}

/// The sum of `axis * by`, each clipped; both are a multiple of [`LANES`] long.
#[inline(always)]
pub(super) fn sum_clipped(axis: &[f32], by: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (axis, by) in axis.chunks_exact(LANES).zip(by.chunks_exact(LANES)) {
        for l in 0..LANES {
            lanes[l] += (axis[l] * by[l]).clamp(-CLIP, CLIP);
        }
    }
    sum(lanes)
}

/// Halves added to halves.
#[inline(always)]
fn sum(lanes: [f32; LANES]) -> f32 {
    let four: [f32; 4] = std::array::from_fn(|l| lanes[l] + lanes[l + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_are_eased_to_what_they_come_to_one_after_the_other() {
        for stiffness in [1e-4_f32, 0.009, 0.011, 0.5, 3.0, 40.0] {
            let small = f64::from(stiffness) / 1e4;
            let left = (0..10_000).fold(1.0, |left, _| left * (1.0 - small));
            let wanted = (1.0 - left) / f64::from(stiffness);
            let got = f64::from(eased(stiffness));
            assert!(
                (got / wanted - 1.0).abs() < 5e-3,
                "{stiffness}: {got} {wanted}"
            );
        }
        let mut moves = [0.0; LANES];
        moves[..4].copy_from_slice(&[-0.25, -7.0, -1.0, -0.5]);
        assert_eq!(stiffness(&moves), 3.75);
    }
}
