//! EfficientNet-Lite0: pictures a second at batch 32, the network alone and with decoding.
//!
//! `benches/peers/embed.py` runs the same network in onnxruntime; compare runs made in turn on the same threads.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use messier_engine::decode::{self, Rgb};
use messier_engine::models::encoder;

const BATCH: usize = 32;

fn embed(criterion: &mut Criterion) {
    let encoder = encoder("efficientnet-lite0").expect("the encoder is built in");
    let noise = |seed: usize| Rgb {
        width: 224,
        height: 224,
        data: (0..224 * 224 * 3)
            .map(|i| ((i * 2_654_435_761 + seed * 97) >> 7) as u8)
            .collect(),
    };
    let pictures: Vec<Rgb> = (0..BATCH).map(noise).collect();
    let mut group = criterion.benchmark_group("embed");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("network, batch 32", |b| {
        b.iter(|| encoder.embed(&pictures).expect("it embeds"))
    });
    group.bench_function("network, one picture", |b| {
        b.iter(|| encoder.embed_one(&pictures[0]).expect("it embeds"))
    });
    group.finish();

    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../engine/tests/fixtures/efficientnet/images/china.jpg");
    let bytes = std::fs::read(file).expect("the fixture is there");
    let large = decode::pixels_of(&bytes)
        .and_then(|p| p.squeezed(4000, 3000).map_err(|e| e.to_string()))
        .expect("it decodes");
    let mut group = criterion.benchmark_group("decode");
    group.bench_function("jpeg 320 px", |b| {
        b.iter(|| decode::pixels_of(&bytes).expect("it decodes"))
    });
    group.sample_size(10);
    group.bench_function("resize 4000 x 3000 to 224", |b| {
        b.iter(|| large.squeezed(224, 224).expect("it resizes"))
    });
    group.finish();
}

criterion_group!(benches, embed);
criterion_main!(benches);
