//! How long the scores of a clustering and of a map take.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::context::Context;
use messier_engine::neighbors::Metric;
use messier_engine::score::{Agreement, silhouettes, trustworthiness};
use ndarray::s;

fn scores(criterion: &mut Criterion) {
    let n = 5000;
    let x = cloud(n, 512);
    let labels: Vec<i32> = (0..n as i32).map(|i| i % 50).collect();
    let other: Vec<i32> = labels.iter().map(|label| label / 3).collect();
    let mut group = criterion.benchmark_group("score");
    group.sample_size(10);
    group.bench_function("silhouette 5000 x 512, 50 clusters", |bencher| {
        let context = Context::new(0);
        bencher.iter(|| silhouettes(x.view(), &labels, Metric::Euclidean, &context).unwrap());
    });
    group.bench_function("trustworthiness 5000 x 512", |bencher| {
        let context = Context::new(0);
        let map = x.slice(s![.., ..2]);
        bencher.iter(|| trustworthiness(x.view(), map, 15, &context).unwrap());
    });
    group.bench_function("agreement 5000, 50 by 17 groups", |bencher| {
        bencher.iter(|| Agreement::of(&labels, &other).unwrap());
    });
    group.finish();
}

criterion_group!(benches, scores);
criterion_main!(benches);
