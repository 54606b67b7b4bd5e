//! Import of a folder of small JPEGs: headers and content hashes, files a second from a warm cache.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use messier_engine::context::Context;
use messier_engine::exchange::import::importer;
use messier_query::signature::Args;

const FILES: usize = 10_000;

fn import(criterion: &mut Criterion) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../engine/tests/fixtures/efficientnet/images/china-444.jpg");
    let jpeg = std::fs::read(fixture).expect("the fixture is there");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for i in 0..FILES {
        // A byte after the picture's end makes every content another.
        let bytes = [jpeg.as_slice(), &i.to_le_bytes()].concat();
        std::fs::write(folder.path().join(format!("{i:05}.jpg")), bytes).expect("it writes");
    }
    let mut group = criterion.benchmark_group("import");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(FILES as u64));
    group.bench_function("10,000 small JPEGs", |b| {
        b.iter(|| {
            let importer = importer(None, folder.path()).expect("a folder is known");
            let read = importer.read(folder.path(), &Args::new(), &|_| false, &Context::new(0));
            assert_eq!(read.expect("it imports").report.added, FILES);
        });
    });
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
