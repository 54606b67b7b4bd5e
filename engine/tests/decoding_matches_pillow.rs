//! Promise: pixels and resizing are Pillow's, within one level, so that embeddings are the reference's.

use std::path::{Path, PathBuf};

use messier_engine::decode;
use safetensors::SafeTensors;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/efficientnet")
}

#[test]
fn the_stored_pictures_come_out_within_one_level() {
    let bytes = std::fs::read(fixture().join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut seen = 0;
    for name in tensors.names() {
        let Some(file) = name.strip_prefix("pixels/") else {
            continue;
        };
        let expected = tensors.tensor(name).unwrap();
        let ours = decode::pixels(&fixture().join("images").join(file)).unwrap();
        let ours = ours.squeezed(224, 224).unwrap();
        let apart = |(a, b): (&u8, &u8)| i32::from(*a).abs_diff(i32::from(*b));
        let differences: Vec<u32> = ours.data.iter().zip(expected.data()).map(apart).collect();
        let most = differences.iter().max().copied().unwrap();
        let changed = differences.iter().filter(|&&d| d > 0).count();
        println!(
            "{file}: at most {most}, {changed} of {} values differ",
            differences.len()
        );
        assert_eq!(ours.data.len(), expected.data().len());
        assert!(most <= 1, "{file}: {most} levels apart");
        seen += 1;
    }
    assert_eq!(seen, 4);
}
