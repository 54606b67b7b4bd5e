//! HDBSCAN on 5,000 x 128 rows and on 10,000 x 2 rows.

use criterion::{Criterion, criterion_group, criterion_main};
use messier_benches::cloud;
use messier_engine::cluster::{Clusterer, hdbscan::HDBSCAN};
use messier_engine::context::Context;
use messier_query::signature::Args;

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("HDBSCAN");
    group.sample_size(10);
    for (name, x) in [
        ("5,000 x 128", cloud(5_000, 128)),
        ("10,000 x 2", cloud(10_000, 2)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                HDBSCAN
                    .fit(x.view(), &Args::new(), &Context::new(0))
                    .expect("it runs")
            })
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
