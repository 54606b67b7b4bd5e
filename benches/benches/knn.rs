//! Exact neighbours of 10,000 x 128 rows.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::context::Context;
use messier_engine::neighbors::{Metric, knn};

fn bench(criterion: &mut Criterion) {
    let x = cloud(10_000, 128);
    let mut group = criterion.benchmark_group("15 nearest of 10,000 x 128");
    group.sample_size(10);
    for (name, metric) in [("euclidean", Metric::Euclidean), ("cosine", Metric::Cosine)] {
        group.bench_function(name, |b| {
            b.iter(|| knn(x.view(), 15, metric, &Context::new(0)).expect("it runs"))
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
