//! k-means ends where linfa's ends, from the same start on the same data.

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use messier_engine::cluster::kmeans::{Options, Start, kmeans};
use messier_engine::context::Context;
use ndarray::{Array2, Axis};

#[test]
fn labels_and_centres_are_linfas() {
    for (n, d, k) in [(400, 3, 4), (600, 20, 7), (333, 65, 12)] {
        let x = Array2::from_shape_fn((n, d), |(i, j)| {
            let noise = ((i * 31 + j * 17) % 101) as f32 / 101.0;
            ((i % k) * (j % 4)) as f32 * 1.7 + noise
        });
        let start = x.select(Axis(0), &(0..k).map(|c| c * 5).collect::<Vec<_>>());
        let wide = x.mapv(f64::from);
        let oracle = KMeans::params(k)
            .init_method(KMeansInit::Precomputed(start.mapv(f64::from)))
            .n_runs(1)
            .max_n_iterations(200)
            .tolerance(1e-12)
            .fit(&DatasetBase::from(wide.clone()))
            .unwrap();
        let options = Options {
            n_clusters: k,
            start: Start::Centers(start),
            n_init: 1,
            max_iter: 200,
            tol: 0.0,
        };
        let found = kmeans(x.view(), &options, &Context::new(0)).unwrap();
        let labels: Vec<u32> = oracle
            .predict(&wide)
            .iter()
            .map(|label| *label as u32)
            .collect();
        assert_eq!(found.labels, labels, "{n} x {d}, k={k}");
        for (a, b) in found.centers.iter().zip(oracle.centroids()) {
            assert!(
                (f64::from(*a) - b).abs() < 1e-4 * b.abs().max(1.0),
                "{a} {b}"
            );
        }
    }
}
