//! How long UMAP takes with its defaults, neighbours included.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::context::Context;
use messier_engine::reduce;
use messier_query::signature::Args;

fn umap(criterion: &mut Criterion) {
    let method = reduce::method("umap").unwrap();
    let mut group = criterion.benchmark_group("umap");
    group.sample_size(10);
    for (n, d) in [(1000, 64), (5000, 512)] {
        let x = cloud(n, d);
        group.bench_function(format!("{n} x {d}"), |bencher| {
            bencher.iter(|| {
                method
                    .fit(x.view(), &Args::new(), &Context::new(0))
                    .unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, umap);
criterion_main!(benches);
