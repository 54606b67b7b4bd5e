//! k-means on 20,000 x 128 rows: rounds from a given start, and the greedy start itself.
//!
//! `benches/peers/clustering.py` runs the sizes that are compared with scikit-learn.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::cluster::kmeans::{Options, Start, kmeans};
use messier_engine::context::Context;
use ndarray::s;

fn bench(criterion: &mut Criterion) {
    let x = cloud(20_000, 128);
    let options = |start, max_iter| Options {
        n_clusters: 100,
        start,
        n_init: 1,
        max_iter,
        tol: 0.0,
    };
    let mut group = criterion.benchmark_group("k-means 20,000 x 128, k=100");
    group.sample_size(10);
    let first = x.slice(s![..100, ..]).to_owned();
    group.bench_function("10 rounds, given start", |b| {
        let options = options(Start::Centers(first.clone()), 10);
        b.iter(|| kmeans(x.view(), &options, &Context::new(0)).expect("it runs"))
    });
    group.bench_function("1 round, greedy start", |b| {
        let options = options(Start::KMeansPlusPlus, 1);
        b.iter(|| kmeans(x.view(), &options, &Context::new(0)).expect("it runs"))
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
