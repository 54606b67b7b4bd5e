//! Pushes against the sum over all pairs, maps against openTSNE's.

use ndarray::Array2;

use super::*;
use crate::score::trustworthiness;

/// Points in clumps and alone, over a map of this width.
fn scattered<const D: usize>(n: usize, width: f32) -> Vec<[f32; D]> {
    let draw = |stream, i| crate::random::uniform(5, stream, i) as f32 - 0.5;
    (0..n)
        .map(|i| {
            std::array::from_fn(|axis| {
                let own = draw(axis as u64, i as u64);
                let clump = draw(10 + axis as u64, (i % 23) as u64);
                width * if i % 3 == 0 { own } else { clump + 0.04 * own }
            })
        })
        .collect()
}

/// How far the pushes are from the exact ones, by their sizes, and the same for the sum over pairs.
fn errors<const D: usize>(points: &[[f32; D]], mut repulsion: Repulsion<D>) -> (f64, f64) {
    let mut wanted = vec![[0.0; D]; points.len()];
    let mut got = wanted.clone();
    let pairs = exact::pushes(points, &mut wanted);
    let found = repulsion.pushes(points, &mut got);
    let size = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let wanted = wanted.as_flattened().iter().map(|&v| f64::from(v));
    let off = got.as_flattened().iter().map(|&v| f64::from(v));
    let off = off.zip(wanted.clone()).map(|(a, b)| a - b);
    let off = size(&mut off.into_iter()) / size(&mut wanted.into_iter());
    (off, (found / pairs - 1.0).abs())
}

#[test]
fn the_mesh_is_close_to_the_sum_over_all_pairs() {
    for (width, most) in [
        (1e-4, 1e-4),
        (0.04, 3e-3),
        (0.3, 2e-3),
        (3.0, 1e-3),
        (20.0, 0.02),
        (150.0, 0.02),
    ] {
        let points = scattered::<2>(1500, width);
        let (push, pairs) = errors(&points, Repulsion::Mesh(Box::default()));
        assert!(push < most, "width {width}: {push}");
        assert!(pairs < 1e-3, "width {width}: {pairs}");
    }
}

#[test]
fn the_mesh_may_grow_and_shrink_from_round_to_round() {
    let mut mesh = Repulsion::Mesh(Box::default());
    for width in [5.0, 60.0, 63.0, 70.0, 9.0, 0.5] {
        let points = scattered::<2>(900, width);
        let mut again = vec![[0.0; 2]; 900];
        let mut fresh = again.clone();
        mesh.pushes(&points, &mut again);
        Repulsion::Mesh(Box::default()).pushes(&points, &mut fresh);
        let size = fresh
            .as_flattened()
            .iter()
            .fold(0.0_f32, |most, v| most.max(v.abs()));
        for (a, b) in again.as_flattened().iter().zip(fresh.as_flattened()) {
            assert!((a - b).abs() < 2e-3 * size, "width {width}: {a} {b}");
        }
    }
}

#[test]
fn the_tree_is_exact_for_theta_0_and_close_for_a_half() {
    fn check<const D: usize>() {
        for width in [1e-3, 2.0, 60.0] {
            let points = scattered::<D>(700, width);
            let (push, pairs) = errors(&points, Repulsion::Tree(0.0));
            assert!(push < 1e-4 && pairs < 1e-5, "{D} {width}: {push} {pairs}");
            let (push, pairs) = errors(&points, Repulsion::Tree(0.5));
            assert!(push < 0.06 && pairs < 0.01, "{D} {width}: {push} {pairs}");
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

#[test]
fn equal_points_do_not_push() {
    let points = vec![[1.5, -2.0]; 900];
    for mut repulsion in [
        Repulsion::Exact,
        Repulsion::Mesh(Box::default()),
        Repulsion::Tree(0.5),
    ] {
        let mut out = vec![[9.0; 2]; 900];
        let pairs = repulsion.pushes(&points, &mut out);
        assert!((pairs - 900.0 * 899.0).abs() < 1.0, "{pairs}");
        assert!(out.as_flattened().iter().all(|v| v.abs() < 1e-3));
    }
}

/// The divergence is what the steps go down: its slope is 4 times (pull - push / pairs).
#[test]
fn pulls_and_pushes_are_the_slope_of_the_divergence() {
    let x = Array2::from_shape_fn((60, 4), |(i, j)| ((i * 31 + j * 17 + i * j) % 23) as f32);
    let context = Context::new(1);
    let near = crate::neighbors::knn(x.view(), 15, Metric::Euclidean, &context).unwrap();
    let graph = affinity::joint(&near, 5.0, &context.step("weigh", 0)).unwrap();
    let points = scattered::<2>(60, 6.0);
    let value = |points: &[[f32; 2]]| {
        let mut out = vec![[0.0; 2]; 60];
        divergence(points, &graph, exact::pushes(points, &mut out))
    };
    let mut pushes = vec![[0.0; 2]; 60];
    let pairs = exact::pushes(&points, &mut pushes);
    for (i, axis) in [(3, 0), (17, 1), (41, 0)] {
        let moved = |by: f32| {
            let mut points = points.clone();
            points[i][axis] += by;
            value(&points)
        };
        let h = 1.0 / 64.0;
        let slope = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
        let (columns, weights) = graph.row(i);
        let pull = descent::pull(&points, points[i], columns, weights);
        let got = 4.0 * (f64::from(pull[axis]) - f64::from(pushes[i][axis]) / pairs);
        assert!(
            (got - slope).abs() < 1e-4 + 0.02 * slope.abs(),
            "{got} {slope}"
        );
    }
}

#[derive(serde::Deserialize)]
struct Case {
    rows: Vec<Vec<f32>>,
    perplexity: f64,
    kl_divergence: f64,
    /// With theta 0.5.
    kl_divergence_at_half: f64,
    trustworthiness: f64,
}

#[test]
fn maps_are_as_good_as_open_tsnes() {
    const SEEDS: u64 = 8;
    let case: Case =
        serde_json::from_str(include_str!("../../../tests/fixtures/reduce/tsne.json")).unwrap();
    let x = Array2::from_shape_vec((case.rows.len(), case.rows[0].len()), case.rows.concat());
    let x = x.unwrap();
    let score = |more: Option<(&str, messier_query::signature::Arg)>| {
        let mut args = Args::from([
            (
                "perplexity".to_owned(),
                messier_query::signature::Arg::Float(case.perplexity),
            ),
            (
                "max_iter".to_owned(),
                messier_query::signature::Arg::Int(750),
            ),
        ]);
        args.extend(more.map(|(name, arg)| (name.to_owned(), arg)));
        // Starts that differ in their last bits end in minima that differ by 2 %: means of eight are compared.
        let (mut kl, mut trusted) = (0.0, 0.0);
        for seed in 0..SEEDS {
            let context = Context::new(seed);
            let map = Tsne.fit(x.view(), &args, &context).unwrap();
            let trust = trustworthiness(x.view(), map.points.view(), 15, &context).unwrap();
            kl += map.scores[0].1 / SEEDS as f64;
            trusted += trust.unwrap().value / SEEDS as f64;
        }
        (kl, trusted)
    };
    let half = Some(("theta", messier_query::signature::Arg::Float(0.5)));
    for (more, theirs) in [
        (None, case.kl_divergence),
        (half, case.kl_divergence_at_half),
    ] {
        let (kl, trust) = score(more);
        // A better minimum is fine, but nothing that would say another function is measured.
        let ratio = kl / theirs;
        assert!((0.95..1.01).contains(&ratio), "{kl} {theirs}");
        assert!(
            trust > case.trustworthiness - 0.005,
            "{trust} {}",
            case.trustworthiness
        );
    }
    let (kl, _) = score(Some((
        "init",
        messier_query::signature::Arg::Text("random".to_owned()),
    )));
    assert!(kl < 1.15 * case.kl_divergence, "{kl}");
}

#[test]
fn one_and_three_dimensions_and_every_size_are_placed() {
    for n in [1, 2, 3, 5, 20, 50, 900] {
        let x = Array2::from_shape_fn((n, 3), |(i, j)| ((i * 31 + j * 17 + i * j) % 101) as f32);
        for components in 1..=3 {
            let args = Args::from([
                (
                    "n_components".to_owned(),
                    messier_query::signature::Arg::Int(components),
                ),
                (
                    "max_iter".to_owned(),
                    messier_query::signature::Arg::Int(60),
                ),
                (
                    "early_exaggeration_iter".to_owned(),
                    messier_query::signature::Arg::Int(30),
                ),
            ]);
            let context = Context::new(0);
            let map = Tsne.fit(x.view(), &args, &context).unwrap();
            assert_eq!(map.points.dim(), (n, components as usize));
            assert!(map.points.iter().all(|v| v.is_finite()), "{n} {components}");
            let noted = context
                .notes
                .sorted()
                .iter()
                .any(|note| note.message.contains("perplexity"));
            assert_eq!(noted, (2..91).contains(&n), "{n}");
        }
    }
}
