//! A colour for each group of a map: hues go round the map as the groups do, then groups that lie close together swap
//! until neighbours differ.
//!
//! A fixed list of 20 colours is the usual alternative; it gives two touching groups nearly the same blue by chance.

use super::color::{Rgb, difference, oklch};

/// More groups than this share colours.
const MOST: usize = 120;

/// `n` colours that differ as much as `n` colours can: hues around the circle on three levels of lightness.
pub fn colors(n: usize) -> Vec<Rgb> {
    let levels: &[(f64, f64)] = match n {
        0..=8 => &[(0.64, 0.16)],
        9..=18 => &[(0.58, 0.16), (0.76, 0.13)],
        _ => &[(0.52, 0.15), (0.66, 0.16), (0.80, 0.12)],
    };
    // Whole rounds, so that the last colour's level differs from the first's as all neighbours' do.
    let round = n.next_multiple_of(levels.len());
    (0..n)
        .map(|i| {
            let (lightness, chroma) = levels[i % levels.len()];
            oklch(lightness, chroma, 25.0 + 360.0 * i as f64 / round as f64)
        })
        .collect()
}

/// A colour for each group, given the groups' middles and the map's centre.
pub fn assign(middles: &[[f64; 2]], center: [f64; 2]) -> Vec<Rgb> {
    let n = middles.len();
    let distinct = colors(n.min(MOST));
    let mut by_angle: Vec<usize> = (0..n).collect();
    let angle = |group: usize| (middles[group][1] - center[1]).atan2(middles[group][0] - center[0]);
    by_angle.sort_by(|&a, &b| angle(a).total_cmp(&angle(b)).then(a.cmp(&b)));
    let mut chosen = vec![0; n];
    for (rank, &group) in by_angle.iter().enumerate() {
        chosen[group] = rank % distinct.len().max(1);
    }
    if (3..=MOST).contains(&n) {
        separate(&mut chosen, middles, &distinct);
    }
    chosen.into_iter().map(|at| distinct[at]).collect()
}

/// Swaps colours between groups while that makes near groups look more different. Deterministic; ends after a few rounds.
fn separate(chosen: &mut [usize], middles: &[[f64; 2]], colors: &[Rgb]) {
    let n = chosen.len();
    let alike: Vec<Vec<f64>> = colors
        .iter()
        .map(|&a| {
            colors
                .iter()
                .map(|&b| 1.0 / (difference(a, b).powi(2) + 0.002))
                .collect()
        })
        .collect();
    let spread = middles
        .iter()
        .flat_map(|a| {
            middles
                .iter()
                .map(move |b| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
        })
        .fold(0.0, f64::max)
        .max(f64::MIN_POSITIVE);
    let near: Vec<Vec<f64>> = middles
        .iter()
        .map(|a| {
            let far = |b: &[f64; 2]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)) / spread;
            middles
                .iter()
                .map(|b| 1.0 / (far(b) + 0.003).powf(1.5))
                .collect()
        })
        .collect();
    let cost = |chosen: &[usize], group: usize| -> f64 {
        (0..n)
            .filter(|&o| o != group)
            .map(|o| near[group][o] * alike[chosen[group]][chosen[o]])
            .sum()
    };
    for _ in 0..6 {
        let mut swapped = false;
        for a in 0..n {
            for b in a + 1..n {
                let before = cost(chosen, a) + cost(chosen, b);
                chosen.swap(a, b);
                if cost(chosen, a) + cost(chosen, b) < before * (1.0 - 1e-9) {
                    swapped = true;
                } else {
                    chosen.swap(a, b);
                }
            }
        }
        if !swapped {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(n: usize) -> Vec<[f64; 2]> {
        (0..n)
            .map(|i| (i as f64 / n as f64 * std::f64::consts::TAU).sin_cos())
            .map(|(y, x)| [x, y])
            .collect()
    }

    #[test]
    fn twenty_five_groups_have_twenty_five_colours_that_can_be_told_apart() {
        let chosen = assign(&ring(25), [0.0, 0.0]);
        for (i, &a) in chosen.iter().enumerate() {
            for &b in &chosen[i + 1..] {
                assert!(difference(a, b) > 0.04, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn neighbours_on_the_map_differ_more_than_neighbours_on_the_colour_circle() {
        for n in [5, 12, 24, 40] {
            let chosen = assign(&ring(n), [0.0, 0.0]);
            let plain = colors(n);
            let least = |list: &[Rgb]| {
                (0..n)
                    .map(|i| difference(list[i], list[(i + 1) % n]))
                    .fold(f64::INFINITY, f64::min)
            };
            assert!(
                least(&chosen) >= least(&plain),
                "{n}: {} {}",
                least(&chosen),
                least(&plain)
            );
        }
    }

    #[test]
    fn any_number_of_groups_in_any_place_gets_colours() {
        for n in [0, 1, 2, 3, 121, 400] {
            assert_eq!(assign(&vec![[1.0, 1.0]; n], [1.0, 1.0]).len(), n);
        }
    }
}
