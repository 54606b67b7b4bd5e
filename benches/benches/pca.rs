//! How long PCA takes against rows, and by rows' inner products where columns are many.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::context::Context;
use messier_engine::reduce::pca::Model;

fn pca(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pca");
    group.sample_size(10);
    for (n, d) in [(10_000, 128), (10_000, 512), (200, 2048)] {
        let x = cloud(n, d);
        group.bench_function(format!("{n} x {d} to 50"), |bencher| {
            bencher.iter(|| Model::fit(x.view(), 50, &Context::new(0)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, pca);
criterion_main!(benches);
