//! The pairs that are looked at are decided exactly, enough are looked at, and what is reported is what was reached.

use super::*;
use crate::linalg::isa;
use crate::neighbors::exact;
use crate::neighbors::{Metric, Neighbors, knn_graph};
use ndarray::Array2;

/// Clusters of local dimension 6 and one row in ten anywhere.
fn clustered(n: usize, d: usize) -> Array2<f32> {
    let normal = |stream: u64, i: usize| crate::random::normal(9, stream, i as u64) as f32;
    Array2::from_shape_fn((n, d), |(i, j)| {
        if i % 10 == 0 {
            return 2.0 * normal(1, i * d + j);
        }
        let cluster = i % 37;
        let along: f32 = (0..6)
            .map(|axis| normal(2, i * 6 + axis) * normal(3, (cluster * 6 + axis) * d + j))
            .sum();
        3.0 * normal(4, cluster * d + j) + 0.4 * along + 0.05 * normal(5, i * d + j)
    })
}

fn search(x: &Array2<f32>, k: usize, metric: Metric) -> Option<(Neighbors, Recall)> {
    let points = Points::new(x.view(), metric).unwrap();
    knn_squared(isa(), &points, k, &Context::new(0)).unwrap()
}

#[test]
fn most_true_neighbours_are_found_and_the_recall_says_how_many() {
    let x = clustered(6000, 24);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let points = Points::new(x.view(), metric).unwrap();
        let truth = exact::knn_squared(isa(), &points, 10, &Context::new(0)).unwrap();
        let (found, recall) = search(&x, 10, metric).unwrap();
        let rows = found
            .distances
            .outer_iter()
            .zip(truth.distances.outer_iter());
        let hits: usize = rows
            .map(|(found, truth)| found.iter().filter(|&&d| d <= truth[9]).count())
            .sum();
        let share = hits as f64 / 60_000.0;
        assert!(share > 0.97, "{metric:?}: {share}");
        assert!(
            (share - recall.value).abs() < 0.02,
            "{metric:?}: {share} {recall:?}"
        );
        for (row, (indices, distances)) in found
            .indices
            .outer_iter()
            .zip(found.distances.outer_iter())
            .enumerate()
        {
            for at in 0..10 {
                let other = indices[at] as usize;
                assert_ne!(other, row);
                assert_eq!(distances[at], points.squared(row, other));
            }
            let ordered =
                |at: usize| (distances[at], indices[at]) < (distances[at + 1], indices[at + 1]);
            assert!((0..9).all(ordered), "{row}: {indices} {distances}");
        }
    }
}

#[test]
fn threads_do_not_show() {
    let x = clustered(3000, 16);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| search(&x, 8, Metric::Euclidean).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn instruction_sets_do_not_show() {
    // Wide enough for bfloat16 where there is such a unit.
    let x = clustered(3000, 64);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let found: Vec<_> = crate::linalg::Isa::available()
        .into_iter()
        .map(|isa| knn_squared(isa.for_dims(64), &points, 8, &Context::new(0)).unwrap())
        .collect();
    assert!(found[0].is_some());
    assert!(found.iter().all(|other| *other == found[0]));
}

#[test]
fn few_rows_and_rows_without_structure_are_left_to_the_exact_search() {
    assert!(search(&clustered(500, 8), 5, Metric::Euclidean).is_none());
    let noise = Array2::from_shape_fn((4000, 200), |(i, j)| {
        crate::random::normal(1, 1, (i * 200 + j) as u64) as f32
    });
    let found = search(&noise, 10, Metric::Euclidean);
    assert!(found.is_none_or(|(_, recall)| recall.value > 0.85));
}

#[test]
fn repeated_rows_have_neighbours_too() {
    let x = Array2::from_shape_fn((6000, 5), |(i, j)| {
        if i < 2500 {
            1.0
        } else {
            ((i * 7 + j * j * 5) % (1201 - 7 * j)) as f32
        }
    });
    let (found, recall) = search(&x, 6, Metric::Euclidean).unwrap();
    assert!(recall.value > 0.97);
    assert_eq!(found.distances.row(17).to_vec(), [0.0; 6]);
    assert_eq!(found.indices.row(17).to_vec(), [0, 1, 2, 3, 4, 5]);
    // With too few different rows for cells, copies are left out and the rest is compared exactly.
    assert!(
        search(
            &x.slice(ndarray::s![..4000, ..]).to_owned(),
            6,
            Metric::Euclidean
        )
        .is_none()
    );
}

#[test]
fn the_face_is_exact_up_to_some_size_and_says_so() {
    let x = clustered(1000, 8);
    let found = knn_graph(x.view(), 5, Metric::Euclidean, &Context::new(0)).unwrap();
    assert_eq!(found.recall, None);
    let exact = crate::neighbors::knn(x.view(), 5, Metric::Euclidean, &Context::new(0)).unwrap();
    assert_eq!(found.neighbors, exact);
}
